"""The organiser's work on what is sold, and what buyers get of it: from the type to the proof."""

import csv
import re
from datetime import UTC, date, datetime, timedelta

import pytest
from playwright.sync_api import expect

from tests.browser.looking import PHONE
from tests.browser.shopping import has_tickets, introduce

pytestmark = pytest.mark.xdist_group("browser")  # one stack serves them all

OWNER = "ana@blauwekikker.example"
SHOP = "/blauwe-kikker/orchard-days/"
DESK_OF = "/o/blauwe-kikker/events/orchard-days/"
TICKETS = f"{DESK_OF}tickets/"
PLANT = """
from accounts.models import Membership, Organiser
from tests.cast import House
from tests.orders import full_event
from ticketing.operations import set_event_capacity
from tiqqo.core.tenancy import tenant_scope
organiser = Organiser.objects.get(slug="blauwe-kikker")
with tenant_scope(organiser):
    owner = Membership.objects.select_related("organiser", "user").get(user__email="ana@blauwekikker.example")
    made = full_event.opened(House(organiser, owner, None, None, None, None), "Orchard Days", starts_in=20)
    set_event_capacity(made.event, capacity=1200, by=owner)
    for name, capacity in (("Cider tasting", 40), ("Ladder", 1)):
        made.offer(name, 0, capacity=capacity)
print(made.event.local(made.event.starts_at).date())
"""


@pytest.fixture(scope="module", autouse=True)
def first_day(site):
    """The event stands, with a type that costs and two that are free; its first day."""
    return date.fromisoformat(site.run(PLANT))


@pytest.fixture
def organiser(visit, key):
    return visit(storage_state=key(OWNER))


def number_of(buyer, name):
    return buyer.page.get_by_label(f"Number of tickets: {name}", exact=True)


def card_of(organiser, name):
    """The part of the tickets page that is about this type."""
    heading = organiser.page.get_by_role("heading", level=2, name=name, exact=True)
    return organiser.page.locator("section.card, .card").filter(has=heading)


def reserve(buyer, name, count=1):
    number_of(buyer, name).fill(str(count))
    buyer.press("Reserve tickets")
    expect(buyer.page.get_by_role("heading", level=1)).to_have_text("Checkout")


def take(buyer, first, count=1):
    """What costs nothing is ordered. The buyer's address."""
    email = introduce(buyer, first, "Orchard")
    buyer.press("Get tickets")
    has_tickets(buyer, count)
    return email


def local(days):
    """What an input for an instant wants: so many days from now at noon."""
    return f"{datetime.now(UTC) + timedelta(days=days):%Y-%m-%d}T12:00"


def test_times_made_by_rule_are_sold_by_the_shop(organiser, visit, first_day):
    organiser.open(TICKETS)
    organiser.follow("New ticket type")
    organiser.fill(name="Orchard walk")
    organiser.page.locator(".type-form__more > summary").click()
    organiser.field("For a time slot").check()
    organiser.press("Create ticket type")
    organiser.fill(name="Walk", price="0")
    organiser.press("Save and publish release")
    organiser.sees("It is for a time slot, and there is none yet.")
    organiser.page.locator("main").get_by_role("link", name="Make time slots").click()
    second = first_day + timedelta(days=1)
    organiser.fill(
        first_on=second.isoformat(),
        last_on=(second + timedelta(days=1)).isoformat(),
        opens="10:00",
        closes="12:00",
        capacity="12",
    )
    organiser.look("slot-rule", heading="Make time slots")
    organiser.press("Make time slots")
    organiser.sees("8 time slots are new.")

    buyer = visit(PHONE)
    buyer.open(SHOP)
    buyer.page.locator(".slot-picker__time input:enabled").nth(1).check()
    reserve(buyer, "Orchard walk", 2)
    buyer.sees("10:30")
    take(buyer, "Wendel", 2)

    organiser.open(f"{TICKETS}slots/")
    row = organiser.page.get_by_role("row").filter(has_text="10:30–11:00")
    expect(row).to_contain_text("12 places = 2 sold + 0 held + 10 free")
    organiser.look("slots", heading="Time slots")
    row.get_by_role("link", name="2 sold").click()
    organiser.sees("Wendel Orchard")


def test_releases_stand_on_one_line_of_time_with_their_gap(visit, key, viewport):
    organiser = visit(viewport, storage_state=key(OWNER))
    name = f"Harvest {viewport.name}"
    organiser.open(f"{TICKETS}new/")
    organiser.fill(name=name, capacity="300")
    organiser.press("Create ticket type")
    organiser.fill(name="Early", price="12,50", closes_at=local(3))
    organiser.press("Save and publish release")
    card_of(organiser, name).get_by_role("link", name="New release").click()
    organiser.fill(name="Late", price="15", opens_at=local(5))
    follows = organiser.page.locator("[name='follows']")
    follows.select_option(label="After “Early” is sold out or closed")
    organiser.press("Save and publish release")

    card = card_of(organiser, name)
    expect(card.get_by_role("row")).to_have_count(3)
    expect(card.get_by_role("row").nth(1)).to_contain_text("€12.50")
    expect(card.get_by_role("row").nth(2)).to_contain_text("after Early")
    expect(card.locator(".releases__warnings li")).to_have_count(1)
    expect(card.locator(".releases__warnings")).to_contain_text(
        "Nothing on sale between Early and Late"
    )
    bars = [bar.bounding_box() for bar in card.locator(".releases__bar").all()]
    assert bars[0]["x"] + bars[0]["width"] < bars[1]["x"], "a gap that can be seen"
    assert bars[1]["x"] + bars[1]["width"] <= viewport.width
    organiser.look("tickets-timeline", heading="Tickets")


def test_places_are_shared(organiser):
    organiser.open(TICKETS)
    organiser.follow("Share places")
    organiser.fill(name="Barn", capacity="900")
    for member in ("Audio guide", "Cider tasting"):
        organiser.field(member).check()
    organiser.press("Share places")

    pools = card_of(organiser, "Shared places")
    expect(pools).to_contain_text("Barn")
    expect(pools).to_contain_text("900 places = 0 sold + 0 held + 900 free")
    expect(pools).to_contain_text("Shared by Audio guide, Cider tasting")


def test_ten_thousand_codes_are_made_and_exported(organiser):
    organiser.open(f"{TICKETS}codes/new/")
    organiser.fill(name="Neighbours", percent="15")
    organiser.press("Create code")
    organiser.fill(count="10000", beginning="APPLE-")
    organiser.press("Generate codes")
    organiser.sees("10,000 codes: 0 used and 0 held of 10,000")
    organiser.look("promotion", heading="Neighbours")
    with organiser.page.expect_download() as download:
        organiser.follow("Export CSV")

    rows = list(csv.reader(download.value.path().read_text(encoding="utf-8-sig").splitlines()))
    assert len(rows) == 10_001
    assert len({row[0] for row in rows[1:]}) == 10_000
    assert all(row[0].startswith("APPLE-") for row in rows[1:])


def test_partner_buys_what_was_set_aside_and_the_rest_comes_back(organiser, visit):
    organiser.open(f"{TICKETS}allocations/")
    organiser.page.locator("main").get_by_role("link", name="Set places aside").click()
    organiser.fill(company_name="Hotel Pomona", quantity="10")
    organiser.page.locator("[name='ticket_type']").select_option(label="Cider tasting")
    organiser.press("Set places aside")
    row = organiser.page.get_by_role("row").filter(has_text="Hotel Pomona")
    expect(row).to_contain_text("10 places = 0 sold + 0 held + 10 free")
    link = row.locator("copy-button").get_attribute("data-value")

    guest = visit(PHONE)
    guest.open(link)
    reserve(guest, "Cider tasting", 3)
    take(guest, "Greta", 3)

    organiser.open(f"{TICKETS}allocations/")
    expect(row).to_contain_text("10 places = 3 sold + 0 held + 7 free")
    organiser.look("allocations", heading="Allocations")
    row.get_by_role("link", name=re.compile("^Return")).click()
    organiser.page.get_by_role("dialog").get_by_role("button", name="Return 7 places").click()
    expect(row).to_contain_text("Back on sale")
    organiser.open(TICKETS)
    expect(card_of(organiser, "Cider tasting")).to_contain_text(
        "40 places = 0 sold + 0 held + 3 set aside + 37 free"
    )


def test_who_waits_in_line_is_offered_what_comes_free_and_buys_it(organiser, visit, site):
    organiser.open(f"{TICKETS}waitlist/")
    organiser.follow("Open a waitlist")
    organiser.press("Open waitlist")
    organiser.press("Pause offers")
    organiser.sees("Offers paused")
    first = visit()
    first.open(SHOP)
    reserve(first, "Ladder")
    take(first, "Fabian")

    late = visit(PHONE)
    late.open(SHOP)
    row = late.page.locator(".ticket-row").filter(has_text="Ladder")
    expect(row).to_contain_text("Sold out")
    row.get_by_role("link", name="Join the waitlist").click()
    expect(late.field("Ladder")).to_be_checked()
    late.fill(name="Lena Late", email="lena@example.org")
    late.page.locator("[name='consent']").check()
    late.press("Join the waitlist")
    late.look("waitlist-mailed", heading="Look in your mail")
    late.open(site.mail_to("lena@example.org", about="Do you want to wait").link("/waitlist/"))
    late.look("waitlist-confirmation")
    late.press("Yes, I want to wait")
    late.look("waitlist-entry", heading="You are on the waitlist")
    place = late.page.url

    organiser.open(TICKETS)
    card_of(organiser, "Ladder").get_by_role("link", name="Change").click()
    organiser.fill(capacity="2")
    organiser.press("Save ticket type")
    organiser.open(f"{TICKETS}waitlist/")
    organiser.press("Offer now Lena Late")
    organiser.sees("The places are held for Lena Late, who gets a mail.")
    organiser.look("waitlist", heading="Waitlist")

    late.open(place)
    late.look("waitlist-offer", heading="Tickets are held for you")
    late.open(site.mail_to("lena@example.org", about="Tickets for you").link("/checkout/"))
    take(late, "Lena")
    late.open(place)
    expect(late.page.get_by_role("heading", level=1)).to_have_text("You have your tickets")


def test_dialog_names_what_is_connected_before_it_acts(organiser, visit):
    holder = visit()
    holder.open(SHOP)
    reserve(holder, "Audio guide", 2)

    organiser.open(TICKETS)
    card = card_of(organiser, "Audio guide")
    card.get_by_role("link", name=re.compile("^Hide, pause, sold out")).click()
    dialog = organiser.page.get_by_role("dialog")
    expect(dialog).to_contain_text("2 tickets are held at this moment; their buyers may finish.")
    organiser.shoot("availability")
    dialog.get_by_role("button", name="Pause", exact=True).click()

    organiser.sees("Audio guide is paused.")
    expect(card.locator(".type-facts")).to_contain_text("Paused")
    card.get_by_role("link", name=re.compile("^Hide, pause, sold out")).click()
    dialog.get_by_role("button", name="Resume").click()
    organiser.sees("Audio guide can be bought again.")


def test_sum_of_the_places_is_proved(visit, key, viewport):
    organiser = visit(viewport, storage_state=key(OWNER))
    organiser.open(f"{TICKETS}inventory/")

    words = organiser.page.locator(".proof__sum").inner_text()
    found = re.match(r"Capacity ([\d,]+) = sold (\d+) \+ held (\d+) \+ (?:set aside (\d+) \+ )?free ([\d,]+), verified .+ ago, 0 differences$", words)  # fmt: skip
    assert found, words
    capacity, *parts = (int((part or "0").replace(",", "")) for part in found.groups())
    assert (capacity, sum(parts)) == (1200, 1200)
    organiser.look("inventory", heading="Inventory proof")
