"""One running Tiqqo for all browser tests, and people who visit it with a real Chromium."""

import json
import os
import re
import shutil
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
import redis
from allauth.mfa.totp.internal.auth import (
    format_hotp_value,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.conf import settings
from playwright.sync_api import Browser, Playwright, StorageState, expect, sync_playwright
from psycopg import sql

from devtools.scratch import addresses_beside
from devtools.stack import Plan, Stack
from tests.browser.looking import DESK, PHONE, Viewport
from tests.browser.site import Site, Visitor
from tests.cast import PASSWORD, STAFF_SECRET

DATABASE = "tiqqo_browser"
REDIS_NUMBER = 7  # the unit tests use 0: a worker of ours must not take their tasks
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
]
HERE = Path(__file__).parent
# Everybody here comes from one address.
ROOMY = [
    f"{name}=9999/60"
    for name in (
        "holds",
        "codes",
        "codes-of-a-network",
        "checkouts",
        "orders-of-an-address",
        "waitlist-joins",
        "waitlist-joins-of-an-address",
        "re-sends",
        "re-sends-to-an-address",
        "documents",
        "sign-in",
        "sign-in-client",
        "sign-in-strangers",
        "sign-in-device",
    )
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without a browser there is nothing to see; that must not pass unnoticed."""
    if CHROMIUM is None:
        warnings.warn("Browser tests are skipped: no Chromium. Run bin/setup.", stacklevel=1)
        for item in items:
            if HERE in item.path.parents:
                item.add_marker(pytest.mark.skip(reason="no Chromium"))


# Package-scoped: unit tests that share the process must find no event loop of Playwright's.
@pytest.fixture(scope="package")
def site() -> Iterator[Site]:
    """Web, worker, beat and a Stripe of our own, with the cast in the database."""
    folder = Path(settings.VAR_DIR) / "browser"
    for left_over in ("mail", "media", "stripe", "shots"):
        shutil.rmtree(folder / left_over, ignore_errors=True)
    addresses = _empty_database()
    plan = Plan(
        folder,
        debug=False,
        durable=False,
        database_url=addresses["DATABASE_URL"],
        owner_url=addresses["OWNER_DATABASE_URL"],
        redis_url=_empty_redis(),
        environment={"TIQQO_TEST": "1", "LIMITS": " ".join(ROOMY)},
    )
    with Stack(plan, report=lambda _: None) as stack:
        planted = stack.manage(
            "shell", "--no-imports", "-c", "from tests.browser import seed; seed.plant()"
        )
        yield Site(stack, json.loads(planted.splitlines()[-1]))


@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="package")
def launch(playwright: Playwright) -> Iterator[Callable[..., Browser]]:
    """A Chromium with more arguments of its own."""
    with ExitStack() as running:

        def launch(*arguments: str) -> Browser:
            browser = playwright.chromium.launch(
                executable_path=CHROMIUM, args=[*ARGUMENTS, *arguments]
            )
            running.callback(browser.close)
            return browser

        yield launch


@pytest.fixture(scope="package")
def chromium(launch: Callable[..., Browser]) -> Browser:
    return launch()


@pytest.fixture
def visit(site: Site, chromium: Browser) -> Iterator[Callable[..., Visitor]]:
    """Somebody with a browser profile of their own. The test fails if a console reported an error."""
    with ExitStack() as visitors:

        def visit(
            viewport: Viewport = DESK, *, browser: Browser = chromium, **options: object
        ) -> Visitor:
            return visitors.enter_context(Visitor(site, browser, viewport, **options))

        yield visit


@pytest.fixture(scope="package")
def key(site: Site, chromium: Browser) -> Callable[[str], StorageState]:
    """The cookies of somebody of the cast who signed in."""

    @cache
    def key(email: str) -> StorageState:
        with Visitor(site, chromium, DESK) as member:
            member.sign_in(email, PASSWORD)
            if email == "platform@example.org":
                # The last of the codes that count now: the one before may run out on the way.
                *_others, latest = yield_hotp_counters_from_time()
                code = format_hotp_value(hotp_value(STAFF_SECRET, latest))
                member.fill(code=code)
                member.press("Sign In")
                expect(member.page).not_to_have_url(re.compile("/accounts/2fa/"))
            return member.context.storage_state()

    return key


@pytest.fixture(params=[PHONE, DESK], ids=lambda viewport: viewport.name)
def viewport(request: pytest.FixtureRequest) -> Viewport:
    return request.param


def _empty_database() -> dict[str, str]:
    """A new database beside the one of the unit tests."""
    with psycopg.connect(os.environ["OWNER_DATABASE_URL"], autocommit=True) as connection:
        name = sql.Identifier(DATABASE)
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
        connection.execute(sql.SQL("CREATE DATABASE {}").format(name))
    return addresses_beside(DATABASE)


def _empty_redis() -> str:
    address = urlunsplit(urlsplit(os.environ["REDIS_URL"])._replace(path=f"/{REDIS_NUMBER}"))
    with redis.Redis.from_url(address) as connection:
        connection.flushdb()
    return address
