"""Every address that answers with a page, from all sides."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache

import pytest
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from playwright.sync_api import Browser, StorageState, expect

from tests.browser.looking import DESK
from tests.browser.shopping import choose
from tests.browser.site import Site, Visitor
from tests.golden.compare import HERE as GOLDEN

pytestmark = pytest.mark.xdist_group("browser")  # one stack serves them all

OWNER, STRANGER = "ana@blauwekikker.example", ""
HOUSE = {"organiser_slug": "blauwe-kikker"}
EVENT = {**HOUSE, "event_slug": "harvest-supper"}
SUPPER = "/blauwe-kikker/harvest-supper/"

# Who opens it, and with which parts of the address. A word in braces is what the seed calls so.
PAGES: dict[str, tuple[str, dict[str, str]]] = {
    "front": (STRANGER, {}),
    "organiser": (STRANGER, HOUSE),
    "privacy": (STRANGER, HOUSE),
    "terms": (STRANGER, HOUSE),
    "consent": (STRANGER, {**HOUSE, "token": "{consent}"}),
    "invitation": (STRANGER, {**HOUSE, "secret": "{invitation_secret}"}),
    "shop:event": (STRANGER, EVENT),
    "shop:order": (STRANGER, {**EVENT, "code": "{code}", "secret": "{secret}"}),
    "shop:waitlist": (STRANGER, EVENT),
    "shop:waitlist_mailed": (STRANGER, EVENT),
    "shop:address": (STRANGER, {**EVENT, "code": "{unsure}", "secret": "{unsure_secret}"}),
    "platform_organisers": ("platform@example.org", {}),
    "shop:waitlist_entry": (STRANGER, {**EVENT, "secret": "{place}"}),
    "shop:waitlist_departure": (STRANGER, {**EVENT, "secret": "{place}"}),
    "account_login": (STRANGER, {}),
    "account_signup": (STRANGER, {}),
    "account_reset_password": (STRANGER, {}),
    "account_inactive": (STRANGER, {}),
    "account_password_reset_completed": (STRANGER, {}),
    "account_logout": (OWNER, {}),
    "account_reauthenticate": (OWNER, {}),
    "account_email": (OWNER, {}),
    "account_change_password": (OWNER, {}),
    "mfa_index": (OWNER, {}),
    "mfa_list_webauthn": (OWNER, {}),
    "usersessions_list": (OWNER, {}),
    "accounts:settings": (OWNER, HOUSE),
    "accounts:team": (OWNER, HOUSE),
    "accounts:security": (OWNER, HOUSE),
    "accounts:membership": (OWNER, {**HOUSE, "membership_id": "{membership_id}"}),
    "dashboard:home": (OWNER, HOUSE),
    "dashboard:overview": (OWNER, EVENT),
    "dashboard:reports": (OWNER, HOUSE),
    "dashboard:event_reports": (OWNER, EVENT),
    "events:list": (OWNER, HOUSE),
    "events:new": (OWNER, HOUSE),
    "events:first": (OWNER, HOUSE),
    "events:setup": (OWNER, EVENT),
    "ticketing:tickets": (OWNER, EVENT),
    "ticketing:inventory": (OWNER, EVENT),
    "ticketing:capacity": (OWNER, EVENT),
    "ticketing:new_type": (OWNER, EVENT),
    "ticketing:type": (OWNER, {**EVENT, "type_code": "{ticket_type}"}),
    "ticketing:type_availability": (OWNER, {**EVENT, "type_code": "{ticket_type}"}),
    "ticketing:release_availability": (OWNER, {**EVENT, "release_code": "{release}"}),
    "ticketing:hold": (OWNER, {**EVENT, "hold_id": "{hold}"}),
    "ticketing:new_pool": (OWNER, EVENT),
    "ticketing:pool": (OWNER, {**EVENT, "pool_id": "{pool}"}),
    "ticketing:slots": (OWNER, EVENT),
    "ticketing:new_slots": (OWNER, EVENT),
    "ticketing:slot": (OWNER, {**EVENT, "slot_code": "{slot}"}),
    "ticketing:codes": (OWNER, EVENT),
    "ticketing:new_promotion": (OWNER, EVENT),
    "ticketing:new_automatic": (OWNER, EVENT),
    "ticketing:promotion": (OWNER, {**EVENT, "promotion_id": "{promotion}"}),
    "ticketing:promotion_change": (OWNER, {**EVENT, "promotion_id": "{promotion}"}),
    "ticketing:promotion_deletion": (OWNER, {**EVENT, "promotion_id": "{promotion}"}),
    "ticketing:code_generator": (OWNER, {**EVENT, "promotion_id": "{promotion}"}),
    "ticketing:new_code": (OWNER, {**EVENT, "promotion_id": "{promotion}"}),
    "ticketing:unused_deletion": (OWNER, {**EVENT, "promotion_id": "{promotion}"}),
    "ticketing:code": (OWNER, {**EVENT, "promotion_id": "{promotion}", "text": "{text}"}),
    "ticketing:allocations": (OWNER, EVENT),
    "ticketing:new_allocation": (OWNER, EVENT),
    "ticketing:allocation": (OWNER, {**EVENT, "allocation_code": "{allocation}"}),
    "ticketing:allocation_return": (OWNER, {**EVENT, "allocation_code": "{allocation}"}),
    "ticketing:waitlist": (OWNER, EVENT),
    "ticketing:waitlist_settings": (OWNER, EVENT),
    "ticketing:waitlist_draw": (OWNER, EVENT),
    "ticketing:waitlist_removal": (OWNER, {**EVENT, "entry_id": "{entry}"}),
    "ticketing:new_release": (OWNER, {**EVENT, "type_code": "{ticket_type}"}),
    "ticketing:release": (OWNER, {**EVENT, "release_code": "{release}"}),
    "orders:list": (OWNER, EVENT),
    "orders:new": (OWNER, EVENT),
    "orders:order": (OWNER, {**EVENT, "code": "{waiting}"}),
    "orders:people": (OWNER, EVENT),
    "door:home": (OWNER, {}),
    "door:scan": (OWNER, EVENT),
    "mails": (STRANGER, {}),
    "status": ("platform@example.org", {}),
    "platform_security": ("platform@example.org", {}),
    "ui:offline": (STRANGER, {}),
}

ACTS = "it acts, and GET never does"
ELSEWHERE = {
    # Pages that another test looks at, because they need a way to them.
    "shop:checkout": "below, with a hold of its own",
    "welcome": "below, for somebody without an organiser",
    "ui:styleguide": "test_styleguide.py",
    "styleguide_papers": "test_styleguide.py",
    "ui:error": "test_styleguide.py",
    "ui:segment": "test_styleguide.py",
    "ui:orders": "test_styleguide.py",
    "styleguide_mail": "a mail, in its own frame",
    "styleguide_document": "a file",
    "mail": "below, the newest mail",
    "mfa_add_webauthn": "test_passkey.py",
    "account_email_verification_sent": "test_whole_path.py, in the middle of a sign-up",
    # No pages.
    "–": "a word for machines",
    "stripe_webhook": "for the payment provider",
    "media": "a picture",
    "mail_part": "a part of a mail, in its own frame",
    "ui:stylesheet": "a style sheet",
    "ui:theme": "a style sheet",
    "ui:poster": "a picture",
    "ui:worker": "a script",
    "orders:badges": "a file",
    "orders:order_badges": "a file",
    "orders:invoice_pdf": "a file",
    "shop:invoice_pdf": "a file",
    "shop:tickets_phone_pdf": "a file",
    "shop:event_calendar": "a file",
    "orders:csv": "a file",
    "ticketing:codes_csv": "a file",
    "shop:tickets_pdf": "a file",
    "shop:qr": "a picture",
    "shop:calendar": "a file",
    "mfa_download_recovery_codes": "a file",
    "door:live": "a part of door:scan",
    "home": "leads to the right place",
    "shop:return": "leads to the order",
    "mfa_login_webauthn": "for the script that asks the authenticator",
    # What needs a state that only the middle of a dialogue with allauth has; same templates as above.
    "account_confirm_login_code": "switched off",
    "account_set_password": "only without a password, which nobody here is",
    "account_confirm_password_reset_code": "after a code by mail",
    "account_complete_password_reset": "after a code by mail",
    "mfa_authenticate": "after a password, with a second factor",
    "mfa_reauthenticate": "with a second factor",
    "mfa_reauthenticate_webauthn": "with a second factor",
    "mfa_activate_totp": "asks for the password first",
    "mfa_deactivate_totp": "with a second factor",
    "mfa_view_recovery_codes": "with a second factor",
    "mfa_generate_recovery_codes": "with a second factor",
    "mfa_remove_webauthn": "with a passkey",
    "mfa_edit_webauthn": "with a passkey",
    # Others' own.
    "…": "accounts/ stands here route by route; admin/ is Django's, for support",
    **dict.fromkeys(
        (
            "accounts:membership_removal",
            "accounts:invitation_revocation",
            "events:publication",
            "events:pause",
            "events:resumption",
            "ticketing:release_publication",
            "ticketing:release_withdrawal",
            "ticketing:release_deletion",
            "ticketing:type_position",
            "ticketing:pool_deletion",
            "ticketing:day_pause",
            "ticketing:day_resumption",
            "ticketing:day_deletion",
            "ticketing:slot_pause",
            "ticketing:slot_resumption",
            "ticketing:slot_deletion",
            "ticketing:waitlist_closing",
            "ticketing:waitlist_reopening",
            "ticketing:waitlist_pause",
            "ticketing:waitlist_resumption",
            "ticketing:waitlist_offer",
            "ticketing:waitlist_priority",
            "ticketing:promotion_pause",
            "ticketing:promotion_resumption",
            "ticketing:code_deletion",
            "orders:acceptance",
            "orders:due",
            "orders:invoice",
            "orders:settlement",
            "orders:cancellation",
            "orders:deliveries",
            "door:admissions",
            "door:undo",
            "platform_release",
            "platform_withdrawal",
            "shop:waitlist_confirmation",
            "shop:reservations",
            "shop:extension",
            "shop:cancellation",
            "shop:deliveries",
            "shop:substitute_acceptance",
            "shop:substitute_refusal",
            "ui:language",
        ),
        ACTS,
    ),
}


def golden_names() -> set[str]:
    """Of all routes, as the golden file lists them."""
    lines = (GOLDEN / "routes.txt").read_text().splitlines()
    return {re.split(r"\s{2,}", line)[1] for line in lines}


def allauth_names(patterns: list[URLPattern | URLResolver]) -> Iterator[str]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from allauth_names(pattern.url_patterns)
        else:
            yield str(pattern.name)


def test_every_route_is_looked_at_or_says_why_not():
    [accounts] = [p for p in get_resolver().url_patterns if str(p.pattern) == "accounts/"]
    names = golden_names() | set(allauth_names([accounts]))

    assert sorted(names - PAGES.keys() - ELSEWHERE.keys()) == [], "look at them, or say why not"
    assert sorted((PAGES.keys() | ELSEWHERE.keys()) - names) == [], "there is no such route"


@pytest.fixture(scope="module")
def standing(
    site: Site, chromium: Browser, key: Callable[[str], StorageState]
) -> Iterator[Callable[[str], Visitor]]:
    """The one visitor with this address, who goes from page to page."""
    with ExitStack() as visitors:

        @cache
        def standing(email: str) -> Visitor:
            state = {"storage_state": key(email)} if email else {}
            return visitors.enter_context(Visitor(site, chromium, DESK, **state))

        yield standing


@pytest.mark.parametrize("name", PAGES)
def test_page_is_fit_for_everybody(standing, site, name):
    email, parts = PAGES[name]
    somebody = standing(email)
    somebody.problems.clear()
    path = reverse(name, kwargs={k: v.format(**site.planted["busy"]) for k, v in parts.items()})
    somebody.open(path)
    assert somebody.page.url == f"{site.base_url}{path}"

    somebody.look_everywhere(f"every-{name.replace(':', '-')}")
    assert somebody.problems == []


def test_checkout_is_fit_for_everybody(visit):
    buyer = visit()
    choose(buyer, SUPPER, Chair_at_the_table=2)

    buyer.look_everywhere("every-checkout")


def test_welcome_is_fit_for_everybody(visit, key):
    """For who signed in and belongs to no organiser yet."""
    newcomer = visit(storage_state=key("newcomer@example.org"))
    newcomer.open("/welcome/")

    newcomer.look_everywhere("every-welcome")


def test_mail_viewer_is_fit_for_everybody(visit, site):
    newcomer = visit()
    newcomer.open("/accounts/password/reset/")
    newcomer.fill(email="newcomer@example.org")
    newcomer.page.locator("main form button").first.click()
    site.mail_to("newcomer@example.org")
    newcomer.open("/dev/mail/")
    newcomer.page.locator("main a").first.click()

    newcomer.look_everywhere("every-mail")


def test_question_about_a_place_in_line_is_fit_for_everybody(visit, site):
    somebody = visit()
    somebody.open(f"{SUPPER}waitlist/{site.planted['busy']['asked']}/")
    expect(somebody.page.get_by_role("heading", level=1)).to_have_text("Do you want to wait?")

    somebody.look_everywhere("every-waitlist-question")


def test_order_whose_address_is_not_confirmed_is_fit_for_everybody(visit, site, key):
    desk = visit(storage_state=key(OWNER))
    order = site.planted["busy"]["unsure"]
    desk.open(f"/o/blauwe-kikker/events/harvest-supper/orders/{order}/")

    desk.look_everywhere("every-order-unconfirmed")
