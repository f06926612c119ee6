"""Events in the dashboard, and the organiser's public page."""

from datetime import UTC, datetime, timedelta
from io import BytesIO

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from accounts.operations import found_organiser
from accounts.permissions import Role
from events.models import Event
from events.operations import publish_event
from tests.cast import EventFactory, MembershipFactory, ReleaseFactory
from tests.pages import PageClient
from tiqqo.core import clock

pytestmark = pytest.mark.django_db


def reloaded(house):
    with house.scope():
        return Event.objects.get(pk=house.event.pk)


def draft_of(house, **facts):
    with house.scope():
        return EventFactory(organiser=house.organiser, by=house.owner, **facts)


# List and new ----------------------------------------------------------------------------


def test_events_are_listed_with_what_matters(at_kikker):
    draft_of(at_kikker.house, name="Someday", starts_at=None, ends_at=None)

    page = at_kikker.get("events:list")

    rows = {row[0]: row[1:] for row in page.rows}
    assert rows["Someday"] == ["No date yet", "The Hall", "Draft"]
    assert rows["Night of the Blue Note"][1:] == ["Blauwe Kikker, Amsterdam", "Published"]


def test_list_without_events_offers_the_first(at_kikker):
    empty = found_organiser(name="Empty House", owner=at_kikker.house.owner.user)
    page = at_kikker.pages.get_page(f"/o/{empty.slug}/events/")

    assert page.texts(".empty__title") == ["No events yet"]
    assert page.links()["Create your first event"] == f"/o/{empty.slug}/events/new/"


def test_queries_of_the_list(at_kikker, expect_queries):
    for number in range(5):
        draft_of(at_kikker.house, name=f"Draft {number}")
    at_kikker.get("events:list")

    # session · user · membership · events · organisers of the user
    with expect_queries(5):
        at_kikker.get("events:list")


def test_event_begins_as_a_draft(at_kikker):
    page = at_kikker.get("events:new")

    answer = page.submit(
        "Create draft", name="Winter Jazz", starts_at="2030-01-05T20:00", ends_at="2030-01-05T23:30"
    )

    assert at_kikker.pages.follow(answer).h1 == "Winter Jazz"
    with at_kikker.house.scope():
        event = Event.objects.get(name="Winter Jazz")
    assert (event.status, event.slug) == ("draft", "winter-jazz")
    # Eight in the evening in Amsterdam.
    assert event.starts_at == datetime(2030, 1, 5, 19, 0, tzinfo=UTC)


def test_a_name_is_enough(at_kikker):
    answer = at_kikker.get("events:first").submit("Create draft", name="Only a name")

    assert at_kikker.pages.follow(answer).h1 == "Only a name"


@pytest.mark.parametrize(
    ("typed", "errors"),
    [
        ({"name": ""}, {"name": "Fill in “Name of the event”."}),
        ({"ends_at": ""}, {"ends_at": "Say when it ends, too."}),
        ({"starts_at": ""}, {"starts_at": "Say when it starts, too."}),
        ({"ends_at": "2030-01-05T20:00"}, {"ends_at": "The end must be after the start."}),
        ({"starts_at": "tonight"}, {"starts_at": "Enter a date and a time, such as 2026-06-20 19:30."}),
        ({"starts_at": "2029-03-25T02:30"}, {"starts_at": "Clocks go forward that night in Amsterdam and 02:30 does not exist. Choose 03:30 or another time."}),
    ],
)  # fmt: skip
def test_new_event_that_makes_no_sense_keeps_what_was_typed(at_kikker, typed, errors):
    facts = {
        "name": "Winter",
        "starts_at": "2030-01-05T20:00",
        "ends_at": "2030-01-05T23:30",
    } | typed

    page = at_kikker.get("events:new").submit("Create draft", status=422, **facts)

    assert page.errors == errors
    kept = page.values("Create draft")
    assert {name: kept[name] for name in facts} == facts
    with at_kikker.house.scope():
        assert Event.objects.count() == 1


# Set-up ----------------------------------------------------------------------------------

HARD = "\n".join(["|" + "a|" * 1000, "|" + "-|" * 1000, *["|a|"] * 3000])
LONG = HARD + "a" * 20_000


def test_set_up_saves_what_it_shows(at_fjord):
    page = at_fjord.get("events:setup")
    before = reloaded(at_fjord.house)

    page = at_fjord.pages.follow(page.submit("Save event"))

    assert page.alerts == ["Event saved."]
    after = reloaded(at_fjord.house)
    changed = {
        field.attname
        for field in Event._meta.concrete_fields
        if getattr(before, field.attname) != getattr(after, field.attname)
    }
    # The form knows minutes; the cast was made at some second.
    assert changed <= {"starts_at", "ends_at"}


def test_set_up_changes_the_event(at_kikker):
    page = at_kikker.get("events:setup")

    page.submit(
        "Save event",
        name="Night of the Red Note", summary="Short", country="nl", tax_rate="21", tax_name="BTW",
        fee_payer="organiser", hold_minutes="30", per_order_limit="4", held_share_percent="25", allows_invoice="on",
        invoice_issues="sent", accent_colour="#1d4f7c", prices_include_tax="on", language="de",
    )  # fmt: skip

    event = reloaded(at_kikker.house)
    assert (event.name, event.summary, event.country, event.tax_rate_bp, event.tax_name) == (
        "Night of the Red Note", "Short", "NL", 2100, "BTW",
    )  # fmt: skip
    assert (event.fee_payer, event.hold_minutes, event.per_order_limit, event.allows_invoice) == (
        "organiser", 30, 4, True,
    )  # fmt: skip
    assert (event.invoice_issues, event.accent_colour, event.language) == ("sent", "#1d4f7c", "de")
    assert event.held_share_percent == 25


@pytest.mark.parametrize(
    ("typed", "errors"),
    [
        ({"name": ""}, {"name": "Fill in “Name”."}),
        ({"starts_at": "", "ends_at": ""}, None),
        ({"ends_at": "2001-01-01T00:00"}, {"ends_at": "The end must be after the start."}),
        ({"language": "fr"}, {"language": "Select a valid choice. fr is not one of the available choices."}),
        ({"tax_rate": "x"}, {"tax_rate": "Enter a number."}),
        ({"tax_rate": "101"}, {"tax_rate": "Ensure this value is less than or equal to 100."}),
        ({"hold_minutes": "4"}, {"hold_minutes": "Ensure this value is greater than or equal to 5."}),
        ({"per_order_limit": "0"}, {"per_order_limit": "Ensure this value is greater than or equal to 1."}),
        ({"held_share_percent": "101"}, {"held_share_percent": "Ensure this value is less than or equal to 100."}),
        ({"accent_colour": "#ffff00"}, {"accent_colour": "That colour is hard to read on white. Choose a darker or stronger one."}),
        ({"accent_colour": "red"}, {"accent_colour": "Enter a valid value."}),
        ({"online_url": "javascript:alert(1)"}, {"online_url": "Enter a valid URL."}),
        ({"online_url": "https://example.org/" + "a" * 200}, {"online_url": "Ensure this value has at most 200 characters (it has 220)."}),
        # In capitals it would be four letters.
        ({"country": "ßß"}, {"country": "Two letters, like NL."}),
        ({"country": "4!"}, {"country": "Two letters, like NL."}),
        # Refused for its length alone: to lay it out, too, would take long.
        ({"description": LONG}, {"description": f"Ensure this value has at most 20000 characters (it has {len(LONG)})."}),
        ({"description": HARD}, {"description": "This text takes too long to lay out: it has a very large table, or repeats signs such as [ or * again and again. Make it simpler."}),
        ({"time_zone": "Mars/Olympus"}, None),
        ({"fee_payer": "nobody"}, None),
    ],
)  # fmt: skip
def test_set_up_that_makes_no_sense_is_refused(at_kikker, typed, errors):
    before = reloaded(at_kikker.house)

    page = at_kikker.get("events:setup").submit("Save event", status=422, **typed)

    if errors is None:
        assert page.errors or page.general_errors
    else:
        assert page.errors == errors
    after = reloaded(at_kikker.house)
    assert all(
        getattr(before, field.attname) == getattr(after, field.attname)
        for field in Event._meta.concrete_fields
    )


def picture(name="poster.png", kind="PNG", size=(64, 36)):
    body = BytesIO()
    Image.new("RGB", size, "navy").save(body, kind)
    return SimpleUploadedFile(name, body.getvalue())


def test_picture_stands_in_the_shop(at_kikker, pages):
    page = at_kikker.get("events:setup")

    page.submit("Save event", image=picture())

    shop = pages.get_page("/blauwe-kikker/night-of-the-blue-note/")
    [source] = shop.attributes("img.hero__picture", "src")
    assert source.startswith("/media/public/events/")
    assert default_storage.exists(source.removeprefix("/media/"))


def test_what_is_no_picture_is_refused(at_kikker):
    page = at_kikker.get("events:setup")

    for name, body in [("evil.svg", b"<svg onload=alert(1)>"), ("evil.png", b"GIF89a not really")]:
        refused = page.submit("Save event", status=422, image=SimpleUploadedFile(name, body))
        assert list(refused.errors) == ["image"]
    assert not reloaded(at_kikker.house).image


def test_who_may_only_look_gets_no_button(at_kikker):
    viewer = MembershipFactory(organiser=at_kikker.house.organiser, role=Role.VIEWER)
    client = PageClient().sign_in(viewer.user)

    page = client.get_page(at_kikker.url("events:setup"))

    assert "Save event" not in page.texts("button")
    client.post(at_kikker.url("events:setup"), {"name": "Mine"}, status=403)
    assert reloaded(at_kikker.house).name == "Night of the Blue Note"


# Publishing, pausing ---------------------------------------------------------------------


def test_draft_that_is_ready_is_published(at_kikker):
    house = at_kikker.house
    draft = draft_of(house, name="New night", city="Amsterdam")
    with house.scope():
        ReleaseFactory(event=draft, by=house.owner)
    url = f"/o/blauwe-kikker/events/{draft.slug}/"

    page = at_kikker.pages.get_page(url)
    page = at_kikker.pages.follow(page.submit("Publish event"))

    assert page.alerts == ["Published. The shop is open to everybody."]
    assert "Pause sales" in page.texts("button")


def test_draft_that_is_not_ready_says_what_is_missing(at_kikker):
    draft = draft_of(at_kikker.house, name="Bare", starts_at=None, ends_at=None)
    url = f"/o/blauwe-kikker/events/{draft.slug}/"

    page = at_kikker.pages.follow(at_kikker.pages.get_page(url).submit("Publish event"))

    assert page.alerts[0].startswith("Not yet: ")
    with at_kikker.house.scope():
        assert Event.objects.get(pk=draft.pk).status == "draft"


def test_sales_are_paused_and_resumed(at_kikker):
    page = at_kikker.get("dashboard:overview")

    page = at_kikker.pages.follow(page.submit("Pause sales"))
    assert page.alerts == ["Sales are paused. Orders that were begun may finish."]
    assert "Sales paused" in page.texts("header .pill")
    page = at_kikker.pages.follow(page.submit("Resume sales"))
    assert page.alerts == ["Sales are open again."]
    assert reloaded(at_kikker.house).sales_paused_at is None


@pytest.mark.parametrize("name", ["publication", "pause", "resumption"])
def test_get_changes_nothing(at_kikker, name):
    at_kikker.pages.get(at_kikker.url(f"events:{name}"), status=405)


def test_form_of_somebody_elses_page_changes_nothing(at_kikker):
    """No token, no change."""
    answer = at_kikker.pages.http.post(at_kikker.url("events:pause"))

    assert answer.status_code == 403
    assert b"This form is no longer valid" in answer.content
    assert reloaded(at_kikker.house).sales_paused_at is None


# The organiser's public page -------------------------------------------------------------


def test_public_page_lists_what_comes_and_what_was(pages, cast):
    house = cast.kikker
    with house.scope():
        past = EventFactory(organiser=house.organiser, by=house.owner, name="Last year")
        ReleaseFactory(event=past, by=house.owner)
        publish_event(past, by=house.owner)
        Event.objects.filter(pk=past.pk).update(
            starts_at=clock.now() - timedelta(days=300), ends_at=clock.now() - timedelta(days=299),
            status="ended",
        )  # fmt: skip
        EventFactory(organiser=house.organiser, by=house.owner, name="A draft")

    page = pages.get_page("/blauwe-kikker/")

    assert page.h1 == "Blauwe Kikker"
    assert page.texts("main h2") == ["Upcoming events", "Past events"]
    assert page.texts("main h3") == ["Night of the Blue Note"]
    assert "Last year" in page.text()
    assert "A draft" not in page.text()


def test_public_page_without_events(pages, cast):
    with cast.kikker.scope():
        Event.objects.update(status="archived")

    assert pages.get_page("/blauwe-kikker/").texts(".empty__title") == ["No upcoming events"]
