"""From sign-up to the second guest at the door, as the three people live it."""

import re
from datetime import timedelta
from pathlib import Path

import pypdfium2
import pytest
from django.utils.timezone import localdate
from playwright.sync_api import expect
from pypdfium2.raw import FPDF_PAGEOBJ_IMAGE

from tests.browser.camera import fake_camera, y4m_of
from tests.browser.shopping import has_tickets, order_code, pay
from tests.browser.site import Visitor, until

pytestmark = pytest.mark.xdist_group("browser")  # one stack serves them all

EVENT = "/o/{slug}/events/night-swim/"
# The door's answers as they come: a green one goes by itself.
REMEMBER_ANSWERS = """
window.answers = [];
document.addEventListener("door-answer", ({ detail }) => {
  answers.push([detail.verdict, document.querySelector("dialog").innerText]);
  document.documentElement.dataset.answers = answers.length;
});
"""


# The door opens when the event is near.
TONIGHT = """
from datetime import timedelta
from events.models import Event
from tiqqo.core import clock
from tiqqo.core.tenancy import platform_scope
with platform_scope("let an event begin tonight"):
    evening = Event.objects.filter(organiser__slug="{organiser}")
    now = clock.now()
    print(evening.update(starts_at=now + timedelta(hours=2), ends_at=now + timedelta(hours=5)))
"""


def test_from_sign_up_to_the_door(visit, viewport, site, launch, tmp_path):
    slug = f"harbour-{viewport.name}"
    owner = visit(viewport)
    sign_up(owner, name=f"Harbour {viewport.name}", email=f"olga@{slug}.example")
    set_up_event(owner, slug)
    add_tickets(owner, slug)
    publish(owner, slug)

    buyer = visit(viewport)
    email = f"bram@{slug}.example"
    buy_two(buyer, slug, email)
    code = order_code(buyer)
    pdf = download_tickets(buyer, tmp_path)
    mail = site.mail_to(email, about="tickets")
    assert mail.attachments == {
        f"tickets-{code}.pdf": "application/pdf",
        "night-swim.ics": "text/calendar",
    }
    tickets = [stub.inner_text() for stub in buyer.page.locator(".stub__code").all()]

    desk_tells_the_order(owner, slug, code, email)
    people_are_listed(owner, slug)

    assert site.run(TONIGHT.format(organiser=slug)) == "1"
    film = y4m_of(None, tmp_path / "film.y4m", views=[(qr_on(pdf, tmp_path), 2), (None, 2.5)])
    scanner = visit(
        viewport,
        browser=launch(*fake_camera(film)),
        storage_state=owner.context.storage_state(),
        permissions=["camera"],
    )
    scan_twice(scanner, slug)
    type_by_hand(owner, slug, tickets[1])
    expect(scanner.page.locator("#door-count")).to_contain_text("2 / 2")
    owner.open(EVENT.format(slug=slug))
    expect(owner.page.locator(".kpi", has_text="At the door")).to_contain_text("of 2 expected")
    owner.look("overview-after", heading="Night Swim")


def sign_up(owner: Visitor, *, name: str, email: str) -> None:
    owner.open("/")
    owner.look("front")
    owner.follow("Create your first event")
    owner.look("sign-up", heading="Start selling tickets")
    owner.fill(name="Olga Owner", organiser_name=name, email=email, password1="low-tide-lantern-8")
    owner.press("Create account")
    owner.look("sign-up-code", heading="Check your mail")
    owner.fill(code=owner.site.mail_to(email, about="Confirm").code)
    owner.press("Confirm address")
    owner.look("first-event", heading="Your first event")
    owner.fill(name="Night Swim")
    owner.press("Create draft")
    owner.look("overview-draft", heading="Night Swim")


def set_up_event(owner: Visitor, slug: str) -> None:
    evening = localdate() + timedelta(days=40)
    owner.open(f"{EVENT.format(slug=slug)}setup/")
    owner.fill(
        summary="Swimming after dark, with a fire to dry at.",
        description="Bring a **towel**.",
        starts_at=f"{evening}T20:00",
        ends_at=f"{evening}T23:30",
        venue_name="Pier 7",
        venue_address="Havenstraat 7",
        city="Rotterdam",
    )
    owner.look("setup", heading="Set-up")
    owner.press("Save event")
    owner.sees("Event saved.")


def add_tickets(owner: Visitor, slug: str) -> None:
    owner.open(f"{EVENT.format(slug=slug)}tickets/")
    owner.look("tickets-none", heading="Tickets")
    owner.follow("New ticket type")
    owner.fill(name="Swimmer", description="One person, one towel.", capacity="30")
    owner.look("ticket-type", heading="New ticket type")
    owner.press("Create ticket type")
    expect(owner.page.get_by_role("heading", level=1)).not_to_have_text("New ticket type")
    if owner.page.get_by_role("heading", level=1).inner_text() == "Tickets":
        owner.follow(re.compile("^New release"))
    expect(owner.page.get_by_role("heading", level=1)).to_have_text("New release of Swimmer")
    owner.fill(name="Early bird", price="12.50")
    owner.look("release")
    owner.press("Save and publish release")
    expect(owner.page.get_by_role("cell", name="€12.50")).to_be_visible()
    owner.look("tickets", heading="Tickets")


def publish(owner: Visitor, slug: str) -> None:
    owner.open(EVENT.format(slug=slug))
    owner.look("overview-contact-missing", heading="Night Swim")
    owner.follow("Open settings")
    owner.fill(
        support_email=f"hello@{slug}.example.com",
        privacy_url=f"https://{slug}.example.com/privacy/",
    )
    owner.look("settings-contact", heading="Settings")
    owner.press("Save settings")
    owner.open(EVENT.format(slug=slug))
    expect(owner.page.locator(".checklist__count")).to_have_text(
        re.compile(r"^(\d) of \1 steps complete$")
    )
    owner.look("overview-ready")
    owner.press("Publish event")
    owner.sees("Published. The shop is open to everybody.")
    owner.look("overview-published")


def buy_two(buyer: Visitor, slug: str, email: str) -> None:
    buyer.open(f"/{slug}/")
    buyer.look("organiser")
    buyer.follow("Night Swim")
    buyer.look("shop-before", heading="Night Swim")
    buyer.press("One Swimmer more")
    buyer.press("One Swimmer more")
    buyer.press("Reserve tickets")
    buyer.look("checkout", heading="Checkout")
    buyer.fill(first_name="Bram", last_name="Buyer", email=email)
    buyer.page.get_by_text("Ticket 2: Swimmer").click()
    buyer.fill(first_name_2="Gwen", last_name_2="Guest", email_2=f"gwen@{slug}.example")
    buyer.page.locator("[name=consent]").check()
    buyer.look("checkout-filled")
    buyer.press("Pay €26.48")  # 2 × (12.50 + 0.49 + 2 %)
    buyer.look("card", heading="Pay €26.48")
    pay(buyer)
    has_tickets(buyer, 2)


def download_tickets(buyer: Visitor, folder: Path) -> Path:
    """The PDF, as soon as the worker has made it and the page noticed."""
    ready = buyer.page.get_by_role("link", name="Download tickets (PDF)")
    expect(ready).to_be_visible(timeout=30_000)
    buyer.look("order", heading="Your tickets")
    with buyer.page.expect_download() as download:
        ready.click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


def desk_tells_the_order(owner: Visitor, slug: str, code: str, email: str) -> None:
    orders = f"{EVENT.format(slug=slug)}orders/"
    owner.open(orders)
    owner.look("orders", heading="Ticket Orders")
    row = owner.page.locator("tbody tr", has_text="Bram Buyer")
    amount = row.locator("td").nth(5)
    expect(row.locator("td").nth(4)).to_have_text("2")
    expect(amount).to_have_text("€26.48")
    expect(row.locator(".pill")).to_have_text("Settled")
    settled = owner.page.locator(
        ".matrix tr", has=owner.page.get_by_role("rowheader", name="Settled")
    )
    cells = settled.locator("td").all_inner_texts()
    assert ["1", "2", "€26.48"] in [cells[at : at + 3] for at in range(0, len(cells), 3)]
    assert sum(cell == "€26.48" for cell in cells) == 2, "once for the card, once in all"

    row.get_by_text(code).click()
    owner.look("order-at-desk", heading=f"Order {code}")

    def told() -> list[str]:
        """The history, once it tells that the mail is out."""
        owner.page.reload()
        titles = owner.page.locator("#history .timeline__title").all_inner_texts()
        return titles if "Mail sent" in titles else []

    history = until(told, what="the mail in the history")
    for title in ("Order placed", "Payment page opened", "Settled", "Tickets issued", "Mail sent"):
        assert history.count(title) == 1, history
    assert email in owner.page.locator("#buyer").inner_text()


def people_are_listed(owner: Visitor, slug: str) -> None:
    owner.open(f"{EVENT.format(slug=slug)}people/")
    people = owner.page.get_by_role("table").locator("tbody tr")
    expect(people).to_have_count(2)
    expect(people.filter(has_text="Gwen Guest")).to_contain_text(f"gwen@{slug}.example")
    expect(people.filter(has_text="Bram Buyer")).to_contain_text("Opted in")
    owner.look("people", heading="People")


def qr_on(pdf: Path, folder: Path) -> Path:
    """The code on the first page, as printed."""
    scale = 4
    with pypdfium2.PdfDocument(pdf) as document:
        page = document[0]
        [image] = page.get_objects(filter=[FPDF_PAGEOBJ_IMAGE])
        left, bottom, right, top = image.get_bounds()
        printed = page.render(scale=scale).to_pil()
        height = page.get_height()
    box = (left, height - top, right, height - bottom)
    path = folder / "qr.png"
    printed.crop(tuple(round(edge * scale) for edge in box)).save(path)
    return path


def scan_twice(scanner: Visitor, slug: str) -> None:
    scanner.expects("409 .Conflict.")
    scanner.page.add_init_script(REMEMBER_ANSWERS)
    scanner.open(f"/door/{slug}/night-swim/?gate=Pier")
    verdict, words = answer(scanner, 1)
    assert verdict == "admitted"
    assert "Bram Buyer" in words
    expect(scanner.page.locator("#door-count")).to_contain_text("1 / 2")

    verdict, words = answer(scanner, 2)
    assert verdict == "warning"
    assert re.search(r"Already in\s+\d\d:\d\d, Pier, by Olga Owner", words), words
    scanner.look("door-already-in")
    expect(scanner.page.locator("#door-count")).to_contain_text("1 / 2")


def type_by_hand(owner: Visitor, slug: str, ticket: str) -> None:
    owner.open("/door/")
    owner.look("doors", heading="Doors")
    owner.follow(re.compile("Night Swim"))
    owner.page.evaluate(REMEMBER_ANSWERS)
    owner.look("door", heading="Door of Night Swim")
    owner.page.get_by_label("Type a code").fill(ticket)
    owner.press("Check in")
    verdict, words = answer(owner, 1)
    assert verdict == "admitted"
    assert "Gwen Guest" in words
    expect(owner.page.locator("#door-count")).to_contain_text("2 / 2")


def answer(member: Visitor, number: int) -> tuple[str, str]:
    """The verdict and the words of the first, second … answer that the door gave."""
    enough = re.compile(rf"^[{number}-9]$")
    expect(member.page.locator("html")).to_have_attribute("data-answers", enough, timeout=20_000)
    verdict, words = member.page.evaluate(f"answers[{number - 1}]")
    return verdict, words
