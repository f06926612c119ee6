"""The experiments: what fails, for how long, and how it is well again."""

from collections.abc import Callable

from devtools.chaos import (
    database_faults,
    mail_faults,
    process_faults,
    provider_faults,
    redis_faults,
)
from devtools.chaos.restoring import restore_and_replay
from devtools.chaos.trial import Experiment, Scene

CONTROL = "undisturbed"


def nothing(scene: Scene) -> None:
    """The control: without a fault there is nothing to find, and what comes next meets a warm site."""
    scene.hold(8)


def _one(
    name: str, what: str, act: Callable[[Scene], None], *, tells_mail_times: bool = True
) -> tuple[str, Experiment]:
    return name, Experiment(name, what, act, tells_mail_times)


EXPERIMENTS: dict[str, Experiment] = dict(
    [
        _one(CONTROL, "nothing", nothing),
        _one("web-process", "kill -9 of one web process", process_faults.kill_web_process),
        _one("web", "kill -9 of the whole web service", process_faults.kill_web),
        _one("workers", "kill -9 of all workers while they render", process_faults.kill_workers),
        _one(
            "pool", "kill -9 of a process of the documents' pool, twice", process_faults.kill_pool
        ),
        _one("beat", "kill -9 of beat", process_faults.kill_beat),
        _one(
            "everything",
            "kill -9 of everything at once, database and Redis too",
            process_faults.kill_everything,
        ),
        _one(
            "clock-web-ahead",
            "web lives two hours ahead",
            process_faults.web_ahead,
            tells_mail_times=False,
        ),
        _one(
            "clock-web-behind",
            "web lives two hours behind",
            process_faults.web_behind,
            tells_mail_times=False,
        ),
        _one("redis-killed", "Redis killed for 20 s, back empty", redis_faults.kill),
        _one("redis-hangs", "Redis hangs for 20 s (SIGSTOP)", redis_faults.hang),
        _one("poison", "rubbish on every queue", redis_faults.poison),
        _one("postgres-restart", "PostgreSQL restarted", database_faults.restart),
        _one(
            "postgres-backends",
            "every database connection ended, five times",
            database_faults.end_backends,
        ),
        _one(
            "postgres-full",
            "no database connection left for 20 s",
            database_faults.out_of_connections,
        ),
        _one(
            "hot-rows",
            "the pools' rows held for 25 s by another session",
            database_faults.hold_rows,
        ),
        _one("provider-slow", "the provider is asked 20 s late", provider_faults.slow),
        _one(
            "provider-silent", "the provider takes calls and says nothing", provider_faults.silent
        ),
        _one("provider-gone", "nobody listens at the provider", provider_faults.gone),
        _one("provider-cut", "the provider handles and hangs up", provider_faults.cut),
        _one("provider-late", "the provider handles and answers 8 s late", provider_faults.late),
        _one("provider-500", "the provider answers 500", provider_faults.broken),
        _one(
            "webhook-first",
            "the webhook comes before the answer that opened the session",
            provider_faults.webhook_first,
        ),
        _one("webhooks-lost", "webhooks are lost", provider_faults.webhooks_lost),
        _one(
            "webhooks-disorder",
            "webhooks are held, then come newest first, each three times",
            provider_faults.webhooks_in_disorder,
        ),
        _one(
            "clock-provider",
            "the provider lives ten minutes behind",
            provider_faults.clock_behind,
        ),
        _one("refunds", "refunds are answered late, cut off, with 500", provider_faults.refunds),
        _one(
            "open-pages",
            "40 open payment pages, look-ups answered after 20 s",
            provider_faults.open_pages,
        ),
        _one("mail-gone", "nobody listens at the mail server", mail_faults.gone),
        _one("mail-slow", "the mail server takes 8 s for a mail", mail_faults.slow),
        _one("mail-busy", "the mail server says 451", mail_faults.busy),
        _one("mail-cut", "the mail server hangs up inside a mail", mail_faults.cut),
        _one("mail-untold", "the mail server takes mails and hangs up", mail_faults.answers_lost),
        # Last: it takes the database back.
        _one(
            "restore",
            "restored from a backup, then the provider's events come again",
            restore_and_replay,
        ),
    ]
)
