"""The release before lives with this code's migrations: no visitor sees an error while they run.

An upgrade migrates first, so the old code serves on the new schema until each process is restarted.
This takes the old code from git, fills a database with it, lets it sell, and migrates under it. A last
look at a column that the old code cannot know shows that an error would have been seen.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from demo.logins import LOGINS, PASSWORD
from devtools.bench.buyers import Shop, buy
from devtools.bench.http_client import Ask, Garbled, Site
from devtools.bench.load import Load, Script, Unexpected, converse, drive
from devtools.bench.pages import FormMissing, form_to
from devtools.folder_locks import Claim, Claimed
from devtools.paths import REPOSITORY, VAR
from devtools.postgres_location import CannotPlace
from devtools.services import CannotStart, EmbeddedPostgres
from devtools.stack import NotReady, Plan, Stack
from devtools.supervisor import ChildEnded, say, stop_signals_raise

NAMED_IN = REPOSITORY / "devtools" / "previous_release.toml"
SIGN_IN = "/accounts/login/"
# Few: what matters is what they see, not how fast; the machine may have two processors.
BUYERS = 3
ROUND_SECONDS = 1.0
# allauth lets one address sign in thirty times a minute.
SIGN_IN_EVERY_SECONDS = 2.5
SETTLE_SECONDS = 4.0
FEWEST_PURCHASES = 3
CONTROL = (
    "ALTER TABLE ticketing_reservation ADD COLUMN unknown_to_old_code integer NOT NULL DEFAULT 0",
    "ALTER TABLE ticketing_reservation ALTER COLUMN unknown_to_old_code DROP DEFAULT",
)


class Unusable(Exception):
    """The check could not be made; the message says why and what to do."""


@dataclass(slots=True)
class Seen:
    """What visitors saw in one stretch of time."""

    purchases: int = 0
    sign_ins: int = 0
    errors: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.purchases} purchases, {self.sign_ins} sign-ins with the list of orders, "
            f"{len(self.errors)} errors"
        )


def main(arguments: list[str]) -> int:
    """0 when nobody saw an error while this code migrated under the old one."""
    parser = argparse.ArgumentParser(prog="devtools.previous_release", description=__doc__)
    parser.add_argument("--new", type=Path, default=REPOSITORY, help="the code that migrates")
    options = parser.parse_args(arguments)
    try:
        with stop_signals_raise(), working_folder() as folder:
            problems = check(folder, options.new.resolve())
    except (Unusable, Claimed, NotReady, CannotPlace, CannotStart, ChildEnded) as error:
        say(str(error))
        return 1
    for problem in problems:
        say(problem)
    return 1 if problems else 0


def check(folder: Path, new_code: Path) -> list[str]:
    """A sentence for everything that was not as it should be."""
    commit = previous_release()
    old_code = unpacked(commit, folder / "code")
    plan = Plan(
        var_dir=folder / "var",
        debug=False,
        durable=False,
        repository=old_code,
        web_threads=4,
        worker=False,
        beat=False,
        # As it was installed: that release knew one role.
        is_owner=True,
        demo=True,
        demo_scale=1,
    )
    with Stack(plan, report=lambda _: None) as stack:
        event = json.loads(stack.manage("bench_event", "Upgrade"))
        visitors = Visitors(stack, event["event"], event["free_release"])
        with visitors:
            before = visitors.seen_while(lambda: time.sleep(SETTLE_SECONDS))
            say(f"{commit} before:             {before}")
            migrating = visitors.seen_while(lambda: migrate(new_code, stack))
            say(f"{commit} while migrating:    {migrating}")
            after = visitors.seen_while(lambda: time.sleep(SETTLE_SECONDS))
            say(f"{commit} on the new schema:  {after}")
            control = visitors.seen_while(lambda: break_schema(stack))
            say(f"{commit} on a broken schema: {control}, as it should")

    problems = [error for seen in (before, migrating, after) for error in seen.errors[:3]]
    if min(before.purchases, after.purchases) < FEWEST_PURCHASES or not after.sign_ins:
        problems.append("too few visitors got through to say anything")
    if not control.errors:
        problems.append("a column that the old code cannot fill went unnoticed: the check is blind")
    return problems


# The old code -------------------------------------------------------------------------------


def previous_release() -> str:
    """The commit that `previous_release.toml` names."""
    return str(tomllib.loads(NAMED_IN.read_text())["commit"])


def unpacked(commit: str, folder: Path) -> Path:
    """The folder holds the code of the commit. Raises Unusable where git does not have it."""
    with tempfile.TemporaryFile() as archive:
        done = subprocess.run(
            ["git", "archive", "--format=tar", commit],
            cwd=REPOSITORY,
            stdout=archive,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise Unusable(
                f"git has no commit {commit}, which {NAMED_IN.name} names as the release before: "
                f"fetch the whole history (git fetch --unshallow). git said: {done.stderr.strip()}"
            )
        archive.seek(0)
        with tarfile.open(fileobj=archive) as tar:
            tar.extractall(folder, filter="data")
    # What npm brought is the same for both, as is the environment of Python.
    if (REPOSITORY / "node_modules").is_dir():
        (folder / "node_modules").symlink_to(REPOSITORY / "node_modules")
    return folder


def migrate(new_code: Path, stack: Stack) -> None:
    """The new code's migrations have run on the stack's database, and the application has its rights."""
    done = subprocess.run(
        [sys.executable, "manage.py", "migrate", "--no-input", "--verbosity=1"],
        cwd=new_code,
        env={**stack.environment, **stack.services.environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise Unusable(f"The new code's migrations failed on the old code's data:\n{done.stdout}")
    applied = [line.strip() for line in done.stdout.splitlines() if line.endswith(" OK")]
    say("\n".join(applied) or "There is no new migration.")
    if gave_way := done.stdout.count("In use by others"):
        say(f"It gave way to visitors {gave_way} times.")


def break_schema(stack: Stack) -> None:
    """The old code cannot hold tickets any more, and had time to fail at it."""
    with psycopg.connect(stack.environment["OWNER_DATABASE_URL"], autocommit=True) as connection:
        for statement in CONTROL:
            connection.execute(statement.encode())
    time.sleep(SETTLE_SECONDS * 2)


# Who visits ---------------------------------------------------------------------------------


class Visitors:
    """Buyers and a member of the team, one visit after the other, until the block ends."""

    def __init__(self, stack: Stack, event: str, release: str) -> None:
        address = urlsplit(stack.base_url)
        assert address.hostname and address.port
        self._site = Site(address.hostname, address.port)
        self._shop = Shop(self._site, f"/{event}/", release)
        self._seen = Seen()
        self._visiting: dict[Callable[[Seen], None], Seen] = {}
        self._lock = threading.Lock()
        self._is_over = threading.Event()
        self._purchases_begun = 0
        self._threads = [
            threading.Thread(target=self._repeat, args=(visit, pause), daemon=True)
            for visit, pause in ((self._buy, 0.0), (self._see_orders, SIGN_IN_EVERY_SECONDS))
        ]

    def __enter__(self) -> "Visitors":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join(60)

    def seen_while(self, work: Callable[[], None]) -> Seen:
        """What they saw of visits that began after this and before the work was done."""
        with self._lock:
            self._seen = seen = Seen()
        work()
        with self._lock:
            self._seen = Seen()
        # What begins from now on is another stretch's; what has begun is waited for.
        while any(visited is seen for visited in list(self._visiting.values())):
            time.sleep(0.02)
        return seen

    def _repeat(self, visit: Callable[[Seen], None], pause: float) -> None:
        while not self._is_over.is_set():
            with self._lock:
                self._visiting[visit] = seen = self._seen
            try:
                visit(seen)
            finally:
                with self._lock:
                    del self._visiting[visit]
            self._is_over.wait(pause)

    def _buy(self, seen: Seen) -> None:
        load = Load(
            self._site,
            partial(buy, self._shop),
            clients=BUYERS,
            seconds=ROUND_SECONDS,
            first_number=self._purchases_begun,
        )
        outcome = drive(load)
        self._purchases_begun += outcome.runs + outcome.errors
        seen.purchases += outcome.endings["bought"]
        seen.errors += [f"a buyer: {outcome.first_error}"] * outcome.errors

    def _see_orders(self, seen: Seen) -> None:
        try:
            converse(self._site, orders_of_an_organiser(self._site), lambda _: None)
            seen.sign_ins += 1
        except (Unexpected, Garbled, FormMissing, OSError) as error:
            seen.errors.append(f"a member of the team: {error}")


def orders_of_an_organiser(site: Site) -> Script:
    """Somebody signs in and looks at the overview and the orders."""
    login = LOGINS[0]
    page = yield Ask("sign-in page", site.get(SIGN_IN))
    jar = dict(page.cookies)
    fields = {**form_to(page.text, SIGN_IN).fields, "login": login.email, "password": PASSWORD}
    entered = yield Ask("sign in", site.post(SIGN_IN, fields, cookies=jar), frozenset({302, 303}))
    jar.update(entered.cookies)
    yield Ask("home", site.get(f"/o/{login.organiser}/", cookies=jar))
    events = yield Ask("events", site.get(f"/o/{login.organiser}/events/", cookies=jar))
    paths = re.findall(rf'href="(/o/{login.organiser}/events/[-\w]+/)"', events.text)
    existing = [path for path in paths if not path.endswith(("/new/", "/first/"))]
    if not existing:
        raise Unexpected("the list of events is empty")
    yield Ask("orders", site.get(f"{existing[0]}orders/", cookies=jar))
    return "seen"


@contextmanager
def working_folder() -> Iterator[Path]:
    """An empty folder, whose database is gone afterwards; logs stay until the next run."""
    claim = Claim(VAR / "previous-release.lock")
    claim.take(f"process {os.getpid()}")
    folder = VAR / "previous-release"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder / "code", ignore_errors=True)
        EmbeddedPostgres(folder / "var", say=lambda _: None).destroy()
        claim.release()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
