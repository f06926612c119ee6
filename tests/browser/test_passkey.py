"""A passkey instead of the password, with the browser's own virtual authenticator."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.looking import PHONE
from tests.cast import PASSWORD

pytestmark = pytest.mark.xdist_group("browser")  # one stack serves them all

AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def test_passkey_signs_in(visit, site):
    # Signe, because from here on her password alone does not sign her in.
    # A passkey belongs to a domain; the number of a host is none (WebAuthn, "relying party id").
    localhost = site.base_url.replace("127.0.0.1", "localhost")
    scanner = visit(PHONE)
    browser = scanner.context.new_cdp_session(scanner.page)
    browser.send("WebAuthn.enable")
    browser.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})

    scanner.open(f"{localhost}/accounts/login/")
    scanner.fill(login="signe@fjord.example", password=PASSWORD)
    scanner.press("Sign in")
    expect(scanner.page).to_have_url(re.compile("/door/"))
    scanner.open(f"{localhost}/accounts/2fa/webauthn/add/")
    if "reauthenticate" in scanner.page.url:
        scanner.fill(password=PASSWORD)
        scanner.page.locator("main form button").first.click()
    scanner.look("passkey", heading="Add Security Key")
    scanner.fill(name="Phone")
    scanner.page.get_by_label("Passwordless").check()
    scanner.press("Add")
    expect(scanner.page).to_have_url(re.compile("/accounts/2fa/(recovery-codes|webauthn)/(?!add)"))

    scanner.context.clear_cookies()
    scanner.open(f"{localhost}/accounts/login/")
    scanner.press("Sign in with a passkey")
    expect(scanner.page).to_have_url(re.compile("/door/"))
