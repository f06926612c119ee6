"""Everything that can be sold, bought: times, options, own prices, codes, and changes of mind."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.looking import DESK, PHONE
from tests.browser.shopping import has_tickets, introduce

pytestmark = pytest.mark.xdist_group("browser")  # one stack serves them all

MUSEUM = "/blauwe-kikker/small-museum/"
PLANT = """
from accounts.models import Membership, Organiser
from events.models import Event
from tests.cast import House
from tests.orders import full_event
from tiqqo.core.tenancy import tenant_scope
organiser = Organiser.objects.get(slug="blauwe-kikker")
with tenant_scope(organiser):
    if not Event.objects.filter(slug="small-museum").exists():
        owner = Membership.objects.select_related("organiser", "user").get(user__email="ana@blauwekikker.example")
        full_event.museum(House(organiser, owner, None, None, None, None))
print("planted")
"""


@pytest.fixture(scope="module", autouse=True)
def _museum(site):
    assert site.run(PLANT) == "planted"


def number_of(buyer, name):
    return buyer.page.get_by_label(f"Number of tickets: {name}", exact=True)


def total(buyer):
    return buyer.page.locator(".summary__total strong")


def use_code(buyer, text):
    buyer.page.get_by_text("I have a code").click()
    buyer.page.get_by_label("Code", exact=True).fill(text)
    buyer.press("Use code")


def choose_time(buyer, number):
    buyer.page.locator(".slot-picker__time input:enabled").nth(number).check()


def test_shop_with_everything_is_fit_to_look_at(visit, viewport):
    buyer = visit(viewport)
    buyer.open(MUSEUM)

    buyer.look("shop-everything", heading="Small Museum")
    use_code(buyer, "CREW")
    buyer.sees("Code CREW applies")
    expect(number_of(buyer, "Crew")).to_be_visible()
    buyer.look("shop-everything-code", heading="Small Museum")


def test_sum_is_live_over_options_own_prices_and_codes(visit):
    buyer = visit()
    buyer.open(f"{MUSEUM}?code=EARLY")

    number_of(buyer, "Day ticket · Adult").fill("2")
    expect(total(buyer)).to_have_text("€30.36")
    number_of(buyer, "Friend of the house").fill("1")
    buyer.page.get_by_label("Your price for one").fill("17,50")
    expect(total(buyer)).to_have_text("€48.70")
    expect(buyer.page.locator(".summary .price-lines")).to_contain_text("1 × Friend of the house")
    buyer.sees("Discounts come off on the next page.")


def test_another_day_and_a_code_keep_what_was_chosen(visit):
    buyer = visit(PHONE)
    buyer.open(MUSEUM)
    number_of(buyer, "Workshop").fill("3")

    buyer.page.locator(".slot-picker__days a").nth(3).click()
    expect(buyer.page).to_have_url(re.compile("day="))
    expect(number_of(buyer, "Workshop")).to_have_value("3")
    number_of(buyer, "Audio guide").fill("1")
    buyer.page.get_by_text("I have a code").click()
    code = buyer.page.get_by_label("Code", exact=True)
    code.fill("early")
    code.press("Enter")

    buyer.sees("Code EARLY applies: 20% off")
    expect(number_of(buyer, "Workshop")).to_have_value("3")
    expect(number_of(buyer, "Audio guide")).to_have_value("1")
    expect(buyer.page.locator(".slot-picker__days [aria-current]")).to_have_count(1)
    assert "day=" in buyer.page.url
    buyer.follow(re.compile("^Remove"))
    expect(buyer.page.locator(".code-field__applied")).to_have_count(0)
    expect(number_of(buyer, "Workshop")).to_have_value("3")


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_timed_tickets_are_bought_and_changed_on_the_way(visit, scripts):
    buyer = visit(PHONE, java_script_enabled=scripts)
    buyer.open(MUSEUM)
    number_of(buyer, "Day ticket · Child").fill("2")
    buyer.press("Reserve tickets")
    buyer.sees("Day ticket: choose the time of your visit.")
    expect(number_of(buyer, "Day ticket · Child")).to_have_value("2")
    if scripts:
        buyer.look("shop-no-time", heading="Small Museum")
    choose_time(buyer, 4)
    buyer.press("Reserve tickets")
    expect(buyer.page.get_by_role("heading", level=1)).to_have_text("Checkout")
    checkout = buyer.page.url

    buyer.follow("Change tickets")
    expect(number_of(buyer, "Day ticket · Child")).to_have_value("2")
    expect(buyer.page.locator(".slot-picker__time input").nth(4)).to_be_checked()
    if scripts:
        buyer.look("shop-changing", heading="Small Museum")
    number_of(buyer, "Day ticket · Child").fill("3")
    buyer.press("Update tickets")
    expect(buyer.page).to_have_url(checkout)
    introduce(buyer, "Tilda", f"Timed {scripts}")
    buyer.press("Get tickets")

    has_tickets(buyer, 3)
    buyer.sees("Day ticket · Child")
    if scripts:
        buyer.look("order-timed")


def test_refused_code_takes_the_focus(visit):
    buyer = visit(DESK)
    buyer.open(MUSEUM)
    number_of(buyer, "Audio guide").fill("2")
    use_code(buyer, "NOSUCH")

    code = buyer.page.get_by_label("Code", exact=True)
    expect(code).to_be_focused()
    expect(buyer.page.locator("#code_error")).to_contain_text("We do not know the code NOSUCH.")
    expect(number_of(buyer, "Audio guide")).to_have_value("2")
    buyer.look("shop-code-refused", heading="Small Museum")


def test_checkout_explains_the_price_of_everything(visit, viewport):
    buyer = visit(viewport)
    buyer.open(f"{MUSEUM}?code=EARLY")
    choose_time(buyer, 2)
    number_of(buyer, "Day ticket · Adult").fill("4")
    number_of(buyer, "Evening out").fill("1")
    buyer.press("Reserve tickets")
    expect(buyer.page.get_by_role("heading", level=1)).to_have_text("Checkout")

    lines = buyer.page.locator(".price-lines")
    for words in ("2 × Evening, 2 × Dinner", "Group discount", "Early birds", "Service fee"):
        expect(lines).to_contain_text(words)
    buyer.look("checkout-everything")


def test_the_stepper_starts_at_the_least_of_an_order(visit):
    buyer = visit()
    buyer.open(MUSEUM)

    buyer.press("One Workshop more")
    expect(number_of(buyer, "Workshop")).to_have_value("2")
    buyer.press("One Workshop less")
    expect(number_of(buyer, "Workshop")).to_have_value("0")


def test_waitlist_is_offered_in_place(visit):
    buyer = visit(PHONE)
    buyer.open(MUSEUM)

    buyer.follow("Join the waitlist")
    expect(buyer.page).to_have_url(re.compile(r"/small-museum/waitlist/\?type=\w+$"))
