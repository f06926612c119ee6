"""What gets into the log: what happened, and nobody's secret or address."""

import logging
import re
import time
from urllib.parse import quote

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import URLResolver, include, path, re_path
from django.urls.resolvers import RegexPattern

from accounts.models import User
from tests.architecture.test_routes import patterns
from tiqqo.core import logs, secret_routes
from tiqqo.core.logs import LineFormatter, masked
from tiqqo.core.secret_routes import SECRET_NAMES, parameters, routes

SECRET = "gQA9ZtsYgnX-_3kP0aLm7w"
ROUTES = sorted(set(routes()))
SECRET_ROUTES = [route for route in ROUTES if SECRET_NAMES & set(parameters(route))]
# Names of what varies in a route and opens nothing by itself. A new name must be put here or there.
OPEN_NAMES = {
    "accent", "action", "admission_id", "allocation_code", "app_label", "client_id", "code", "content_type_id",
    "day", "digest", "entry_id", "event_slug", "hold_id", "invitation_id", "membership_id", "name", "object_id",
    "organiser_slug", "part", "path", "pk", "pool_id", "promotion_id", "release_code", "seed", "slot_code", "slug",
    "text", "ticket", "type_code", "uidb36", "url",
}  # fmt: skip


def line_of(record):
    return LineFormatter().format(record)


def record(message="event.name", *, error=None, **facts):
    exc_info = (type(error), error, error.__traceback__) if error else None
    log_record = logging.LogRecord("tiqqo", logging.ERROR, __file__, 1, message, (), exc_info)
    vars(log_record).update(facts)
    return log_record


def test_every_name_that_a_route_uses_is_decided():
    used = {name for route in ROUTES for name in parameters(route)}

    assert used - SECRET_NAMES - OPEN_NAMES == set()
    assert len(SECRET_ROUTES) >= 16
    assert "/<slug:organiser_slug>/<slug:event_slug>/checkout/<str:secret>/" in SECRET_ROUTES


def test_the_walk_finds_what_django_resolves():
    assert len(ROUTES) >= len({str(address) for address, _route in patterns()})


def test_routes_that_are_regular_expressions_are_read_too():
    reset = re_path(r"^reset/(?P<uid>[0-9A-Za-z]+)-(?P<key>(?:.+))/$", lambda request: None)
    plain = re_path(r"^confirm/(?P<key>[-:\w]+)/$", lambda request: None)
    resolver = URLResolver(RegexPattern(r"^/"), [plain, path("a/", include([reset]))])

    assert list(routes(resolver)) == ["/confirm/<key>/", "/a/reset/<uid>-<key>/"]
    form = secret_routes._form("/a/reset/<uid>-<key>/")
    assert re.search(form, f"POST /a/reset/5x-{SECRET}/ 500")[1].endswith(SECRET[3:])


def filled(route):
    def value(match):
        return SECRET if match[1] in SECRET_NAMES else f"some-{match[1]}"

    return re.sub(r"<(?:[^>:]+:)?(\w+)>", value, route).replace("\\", "")


@pytest.mark.parametrize("route", SECRET_ROUTES)
@pytest.mark.parametrize(
    "written",
    [
        "{}",
        "http://tickets.example:8000{}?payment=canceled",
        "Internal Server Error: {}",
        "'{}', \"{}\" and <{}>",
        "next={quoted}",
        "https://pay.example/?success_url=https%3A%2F%2Ftickets.example{quoted}&x=1",
    ],
)
def test_no_address_that_is_a_permission_is_logged(route, written):
    address = filled(route)
    text = written.format(*[address] * 3, quoted=quote(address, safe=""))

    line = line_of(record(text))

    assert SECRET not in line
    assert logs.SECRET in line


@pytest.mark.parametrize(
    "text",
    [
        f"GET /kikker/kestrel/?hold={SECRET}#tickets",
        f"args=('{{}}',) kwargs={{'secret': '{SECRET}', 'organiser_id': 7}}",
        f"token={SECRET}",
        f"Authorization: Bearer {SECRET}",
        f"password1={SECRET}&x=1",
        f"/srv/var/media/private/tickets/{SECRET}/tickets-1.pdf",
        f"postgresql://tiqqo:{SECRET}@127.0.0.1:5432/tiqqo",
        f"cookie sessionid={SECRET}; csrftoken={SECRET}",
    ],
)
def test_nothing_that_opens_something_is_logged(text):
    assert SECRET not in line_of(record(text))


@pytest.mark.parametrize(
    "address",
    [
        "dora@example.org", "Dora.Guest+tickets@mail.example.co.uk", "o'neill@example.org",
        "d_o-r.a@xn--bcher-kva.example", "dóra@bücher.example", "a@localhost", "a@[127.0.0.1]",
        "dora%40example.org", "dora%2Btickets%40example.org",
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "written", ["{}", "<{}>", "{{'{}': (550, b'no such user')}}", "to={},", "/x/?email={}&a=1"]
)
def test_no_email_address_is_logged(address, written):
    line = line_of(record(written.format(address)))

    assert "ora" not in line.replace("error", "")
    assert address not in line
    assert logs.ADDRESS in line


def test_facts_are_masked_as_messages_are():
    line = line_of(
        record(to="dora@example.org", why=f"/kikker/kestrel/checkout/{SECRET}/ is gone", order=17)
    )

    assert line.endswith(
        f"event.name to='{logs.ADDRESS}' why='/kikker/kestrel/checkout/{logs.SECRET}/ is gone' order=17"
    )


@pytest.mark.parametrize(
    "text",
    [
        "database.busy sqlstate='55P03' view='shop:reservations' why='canceling statement'",
        "status.degraded figures={'redis: answer': 0.3, 'queues': 12}",
        "GET /blauwe-kikker/night-of-the-blue-note/ 200",
        "/o/blauwe-kikker/events/kestrel/orders/7QX2K9FM/",
        "task 0b7e3a3e-6f1c-4f77-a9a3-6c1f6a5a2f11 took 0.3 s",
        "secretary: yes; household=3; 10 @ 5",
    ],
)
def test_what_tells_nothing_stays_as_it_is(text):
    assert masked(text) == text


def raised(text):
    try:
        raise ValueError(text)
    except ValueError as error:
        return error


def test_tracebacks_are_masked():
    line = line_of(record(error=raised(f"no /a/b/orders/7QX2K9FM/{SECRET}/ for dora@example.org")))

    assert "Traceback" in line
    assert "7QX2K9FM/[secret]/ for [e-mail]" in line
    assert SECRET not in line


@pytest.mark.django_db
def test_rows_that_postgresql_quotes_are_masked(cast):
    taken = cast.kikker.owner.user.email
    with pytest.raises(IntegrityError) as quoted, transaction.atomic():
        User.objects.create(email=taken)

    line = line_of(record(error=quoted.value))

    assert "user_email" in line or "accounts_user_email" in line
    assert taken not in line
    assert masked('DETAIL:  Failing row contains (7, Dora, "x)").\nnext') == (
        "DETAIL:  Failing row contains (…).\nnext"
    )


@pytest.fixture
def written():
    """What every logger writes, as the console shows it."""
    lines = []

    class Kept(logging.Handler):
        def emit(self, record):
            lines.append(LineFormatter().format(record))

    handler, root = Kept(), logging.getLogger()
    root.addHandler(handler)
    yield lines
    root.removeHandler(handler)


@pytest.mark.django_db
def test_a_page_that_breaks_does_not_log_its_address(cast, monkeypatch, written):
    def broken(secret):
        raise RuntimeError(f"of {secret}: /a/b/checkout/{secret}/")

    monkeypatch.setattr("orders.views.checkout.hold_by_secret", broken)
    shop = f"/blauwe-kikker/{cast.kikker.event.slug}"

    answer = Client(raise_request_exception=False).get(f"{shop}/checkout/{SECRET}/")

    assert answer.status_code == 500
    [line] = [line for line in written if "Internal Server Error" in line]
    assert f"Internal Server Error: {shop}/checkout/[secret]/" in line
    assert f"/checkout/{SECRET}" not in line
    assert "RuntimeError" in line


def test_the_arguments_of_a_task_that_broke_are_masked(written):
    from celery import Celery

    app = Celery("apart", set_as_current=False)

    @app.task(name="apart.break")
    def broken(*args, **kwargs):
        raise ValueError(f"cannot write to {kwargs['to']} about {args[0]}")

    address = f"/a/b/waitlist/{SECRET}/"
    broken.apply(args=[address], kwargs={"to": "dora@example.org"})
    logging.getLogger("celery.worker").error("Task %r args=%r", "apart.break", [address])

    assert any("Task" in line for line in written)
    assert [line for line in written if SECRET in line or "dora" in line] == []


def test_while_routes_are_being_loaded_long_parts_of_addresses_are_masked(monkeypatch):
    monkeypatch.setattr(logs, "_known", [])
    monkeypatch.setattr(logs, "secret_addresses", lambda: None)

    assert masked(f"GET /a/b/checkout/{SECRET}/ 500") == "GET /a/b/checkout/[secret]/ 500"


def test_routes_that_are_not_loaded_yet_are_not_waited_for(settings):
    settings.ROOT_URLCONF = "never.loaded"

    assert secret_routes.secret_addresses() is None


@pytest.mark.parametrize("text", ["x" * 400_000, "/" * 200_000, "a=" * 100_000, "a@" * 50_000, "(" * 200_000, "/a" * 100_000, "Key (" * 40_000])  # fmt: skip
def test_a_long_line_costs_little(text):
    started = time.process_time()
    masked(text)

    assert time.process_time() - started < 5


def test_the_console_writes_masked_lines(settings):
    assert settings.LOGGING["formatters"]["line"]["()"] == "tiqqo.core.logs.LineFormatter"
    assert {h["formatter"] for h in settings.LOGGING["handlers"].values()} == {"line"}
