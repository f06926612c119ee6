"""Who sees what: drafts, other organisers, and people who only scan."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.looking import PHONE

pytestmark = pytest.mark.xdist_group("browser")  # one stack serves them all

DRAFT = "/blauwe-kikker/secret-session/"


def test_draft_is_there_for_its_team_only(visit, key):
    visit().open(DRAFT, status=404)
    stranger = visit(storage_state=key("bo@fjord.example"))
    stranger.open(DRAFT, status=404)
    stranger.look("not-found")

    owner = visit(storage_state=key("ana@blauwekikker.example"))
    owner.open(DRAFT)
    owner.sees("Preview: only your team sees this page")
    owner.look("preview", heading="Secret Session")


def test_dashboard_of_another_organiser_does_not_exist(visit, key):
    stranger = visit(storage_state=key("bo@fjord.example"))
    stranger.open("/o/blauwe-kikker/", status=404)
    stranger.open("/o/blauwe-kikker/events/garden-party/orders/", status=404)


@pytest.mark.parametrize("page", ["", "team/", "events/garden-party/orders/"])
def test_dashboard_asks_strangers_to_sign_in(visit, page):
    stranger = visit()
    stranger.open(f"/o/blauwe-kikker/{page}")
    expect(stranger.page).to_have_url(re.compile("/accounts/login/"))


def test_invited_scanner_finds_the_door_and_nothing_else(visit, site, key):
    owner = visit(storage_state=key("ana@blauwekikker.example"))
    owner.open("/o/blauwe-kikker/team/")
    owner.look("team", heading="Team")
    owner.fill(email="scout@example.org")
    owner.page.locator("[name=role]").select_option(label="Scanner")
    owner.press("Send invitation")
    owner.sees("scout@example.org")

    scout = visit(PHONE)
    invitation = site.mail_to("scout@example.org", about="invites you").link("/invitations/")
    scout.open(invitation)
    scout.look("invitation", heading="Join Blauwe Kikker")
    scout.follow("Create account")
    scout.fill(name="Scout Finch", email="scout@example.org", password1="mocking-bird-60")
    scout.press("Create account")
    scout.look("code", heading="Check your mail")
    scout.fill(code=site.mail_to("scout@example.org", about="Confirm").code)
    scout.press("Confirm address")
    scout.press("Accept invitation")
    scout.look("doors", heading="Doors")
    scout.open("/home/")
    expect(scout.page).to_have_url(re.compile("/door/$"))
    scout.open("/o/blauwe-kikker/", status=403)
    scout.look("forbidden")
