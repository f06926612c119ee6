"""Events: from a name to a published page, and along the clock."""

from datetime import timedelta
from io import BytesIO

import pytest
import time_machine
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from events import readiness
from events.errors import DatesMissing, EndsBeforeStart, NotReady, WrongStatus
from events.models import Event, EventKey, EventStatus
from events.operations import (
    change_event,
    create_event,
    end_event,
    pause_sales,
    publish_event,
    resume_sales,
)
from events.tasks import advance_events
from tests.cast import EventFactory, ReleaseFactory
from ticketing.errors import SalesPaused
from tiqqo.core import audit, clock, images
from tiqqo.core.images import UnusableImage
from tiqqo.core.limits import TooManyRequests
from tiqqo.core.models import AuditEntry


def actions_of(event):
    return [entry.action for entry in audit.history_of(event)]


@pytest.fixture
def draft(kikker):
    return create_event(kikker.organiser, name="Spring Jam", by=kikker.owner)


@pytest.fixture
def ready(kikker):
    event = EventFactory(organiser=kikker.organiser, by=kikker.owner)
    ReleaseFactory(event=event, by=kikker.owner)
    return event


# Drafts ---------------------------------------------------------------------------------


def test_a_name_is_enough_for_a_draft(cast, fjord):
    fjord.organiser.language = "de"
    event = create_event(fjord.organiser, name="Fjord Dinner", by=fjord.owner)

    assert (event.status, event.slug) == (EventStatus.DRAFT, "fjord-dinner")
    assert (event.currency, event.time_zone, event.country) == ("DKK", "Europe/Copenhagen", "DK")
    assert event.language == "de"
    assert (event.starts_at, event.published_at) == (None, None)
    assert actions_of(event) == ["event.created"]


def test_each_event_has_its_own_signing_key(kikker, draft):
    key = EventKey.objects.get(event=draft)

    private = Ed25519PrivateKey.from_private_bytes(bytes(key.private_key))
    assert private.public_key().public_bytes_raw() == bytes(key.public_key)
    assert bytes(key.private_key) != bytes(EventKey.objects.get(event=kikker.event).private_key)


def test_web_addresses_are_unique_within_the_organiser_only(cast, kikker):
    slugs = [create_event(kikker.organiser, name="Jam", by=kikker.owner).slug for _ in range(3)]
    with cast.fjord.scope():
        other = create_event(cast.fjord.organiser, name="Jam", by=cast.fjord.owner).slug

    assert (slugs, other) == (["jam", "jam-2", "jam-3"], "jam")


@pytest.mark.parametrize("name", ["New", "First", "Invitations"])
def test_an_event_does_not_take_the_address_of_a_page(kikker, name):
    assert create_event(kikker.organiser, name=name, by=kikker.owner).slug == f"{name.lower()}-2"


def test_a_name_without_letters_gets_an_address_all_the_same(kikker):
    assert create_event(kikker.organiser, name="!!!", by=kikker.owner).slug == "event"


@pytest.mark.parametrize("hours", [0, -1])
def test_an_event_ends_after_it_starts(kikker, draft, hours):
    starts = clock.now()
    with pytest.raises(EndsBeforeStart) as refused:
        change_event(
            draft, by=kikker.owner, starts_at=starts, ends_at=starts + timedelta(hours=hours)
        )

    assert refused.value.field == "ends_at"
    draft.refresh_from_db()
    assert draft.starts_at is None
    assert actions_of(draft) == ["event.created"]


def test_an_end_without_a_start_is_refused(kikker):
    with pytest.raises(EndsBeforeStart):
        create_event(kikker.organiser, name="Odd", by=kikker.owner, ends_at=clock.now())
    assert not Event.objects.filter(name="Odd").exists()


def test_only_what_changed_is_on_record(kikker, draft):
    change_event(draft, by=kikker.owner, name="Spring Jam", city="Amsterdam")
    change_event(draft, by=kikker.owner, city="Amsterdam")

    entries = list(audit.history_of(draft))
    assert [(e.action, e.data) for e in entries[1:]] == [("event.changed", {"fields": ["city"]})]


def test_a_published_event_keeps_its_dates(kikker):
    with pytest.raises(DatesMissing):
        change_event(kikker.event, by=kikker.owner, starts_at=None, ends_at=None)
    assert Event.objects.get(pk=kikker.event.pk).starts_at is not None


# Publishing -----------------------------------------------------------------------------


def test_a_bare_draft_is_not_ready_and_every_reason_is_told(kikker, draft):
    with pytest.raises(NotReady) as refused:
        publish_event(draft, by=kikker.owner)

    assert refused.value.reasons == [
        "Set the date and time",
        "Say where it is",
        "Add a ticket type with a published release",
    ]
    draft.refresh_from_db()
    assert draft.status == EventStatus.DRAFT
    assert actions_of(draft) == ["event.created"]


def test_priced_tickets_need_a_way_to_pay(kikker, ready, settings):
    settings.STRIPE_API_KEY = ""

    assert readiness.blocking_reasons(ready) == ["Choose how buyers pay"]
    change_event(ready, by=kikker.owner, allows_invoice=True)
    ready.refresh_from_db()
    assert readiness.blocking_reasons(ready) == []


def test_free_tickets_need_no_way_to_pay(kikker, settings):
    settings.STRIPE_API_KEY = ""
    event = EventFactory(organiser=kikker.organiser, by=kikker.owner)
    ReleaseFactory(event=event, price_minor=0, by=kikker.owner)

    assert publish_event(event, by=kikker.owner).status == EventStatus.PUBLISHED


def test_publishing_opens_the_shop_once(kikker, ready):
    first = publish_event(ready, by=kikker.owner)
    second = publish_event(ready, by=kikker.owner)

    assert (first.status, first.published_at) == (EventStatus.PUBLISHED, second.published_at)
    assert actions_of(ready).count("event.published") == 1


def test_an_archived_event_is_not_published_again(kikker, ready):
    Event.objects.filter(pk=ready.pk).update(status=EventStatus.ARCHIVED)

    with pytest.raises(WrongStatus):
        publish_event(ready, by=kikker.owner)


def test_sales_are_paused_and_resumed_once(kikker):
    for _ in range(2):
        pause_sales(kikker.event, by=kikker.owner)
    with pytest.raises(SalesPaused):
        kikker.reserve(priced=1)
    for _ in range(2):
        resume_sales(kikker.event, by=kikker.owner)

    assert kikker.reserve(priced=1).pk
    assert actions_of(kikker.event)[-2:] == ["event.sales_paused", "event.sales_resumed"]


# Along the clock ------------------------------------------------------------------------


def test_events_start_and_end_with_the_clock(cast):
    def statuses():
        found = []
        for house in (cast.kikker, cast.fjord):
            with house.scope():
                found.append(Event.objects.get().status)
        return found

    starts = cast.kikker.event.starts_at
    advance_events()
    assert statuses() == ["published", "published"]
    with time_machine.travel(starts + timedelta(minutes=1)):
        advance_events()
        advance_events()
    assert statuses() == ["started", "started"]
    with time_machine.travel(starts + timedelta(hours=6)):
        advance_events()
    assert statuses() == ["ended", "ended"]
    with cast.kikker.scope():
        entries = audit.history_of(cast.kikker.event).filter(actor_label="Tiqqo")
        assert [e.action for e in entries] == ["event.started", "event.ended"]


def test_an_event_that_nobody_watched_ends_without_starting(kikker):
    with time_machine.travel(kikker.event.ends_at + timedelta(days=1)):
        advance_events()

    assert Event.objects.get(pk=kikker.event.pk).status == EventStatus.ENDED
    assert "event.started" not in actions_of(kikker.event)


def test_drafts_do_not_move(kikker, ready):
    with time_machine.travel(ready.ends_at + timedelta(days=1)):
        advance_events()
        end_event(ready, by=audit.SYSTEM)

    assert Event.objects.get(pk=ready.pk).status == EventStatus.DRAFT


# Pictures -------------------------------------------------------------------------------


def picture(kind="JPEG", size=(1920, 1080), mode="RGB", name="photo.jpg", **options):
    out = BytesIO()
    Image.new(mode, size, "navy").save(out, kind, **options)
    return SimpleUploadedFile(name, out.getvalue())


def stored(kikker, upload):
    event = change_event(kikker.event, by=kikker.owner, image=upload)
    event.refresh_from_db()
    return event.image


def test_a_picture_is_made_light_and_loses_its_metadata(kikker):
    exif = Image.Exif()
    exif[0x010F], exif[0x8298] = "SecretCam", "Photographer's name"

    image = stored(kikker, picture(exif=exif, comment=b"hidden comment"))

    data = image.read()
    with Image.open(BytesIO(data)) as kept:
        assert (kept.format, kept.size) == ("JPEG", (1600, 900))
        assert not kept.getexif()
        assert "comment" not in kept.info
    assert b"SecretCam" not in data and b"hidden" not in data
    assert image.name.startswith("public/events/") and image.name.endswith(".jpg")
    assert "photo" not in image.name


@pytest.mark.parametrize(
    ("kind", "mode"), [("PNG", "RGBA"), ("PNG", "P"), ("WEBP", "RGB"), ("PNG", "L")]
)
def test_other_pictures_become_jpeg(kikker, kind, mode):
    image = stored(
        kikker,
        picture(kind, (400, 300), mode=mode)
        if mode != "P"
        else picture("PNG", (400, 300), mode="L"),
    )

    with Image.open(image) as kept:
        assert (kept.format, kept.mode, kept.size) == ("JPEG", "RGB", (400, 300))


def test_a_picture_on_its_side_is_turned(kikker):
    exif = Image.Exif()
    exif[0x0112] = 6  # rotate by 90 degrees

    with Image.open(stored(kikker, picture(size=(400, 200), exif=exif))) as kept:
        assert kept.size == (200, 400)


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


@pytest.mark.parametrize(
    "upload",
    [
        SimpleUploadedFile("a.svg", SVG, "image/svg+xml"),
        SimpleUploadedFile("a.jpg", SVG, "image/jpeg"),
        SimpleUploadedFile("a.jpg", b"just text", "image/jpeg"),
        SimpleUploadedFile("a.jpg", b"", "image/jpeg"),
        SimpleUploadedFile("a.jpg", b"\xff\xd8\xff\xe0" + b"0" * 100, "image/jpeg"),
        SimpleUploadedFile("a.gif", b"GIF89a\x01\x00\x01\x00\x00\x00\x00;", "image/gif"),
    ],
    ids=["svg", "svg named jpg", "text named jpg", "empty", "broken jpeg", "gif"],
)
def test_what_is_no_picture_is_refused(kikker, upload):
    before = AuditEntry.objects.count()

    with pytest.raises(UnusableImage) as refused:
        stored(kikker, upload)

    assert refused.value.field == "image"
    assert Event.objects.get(pk=kikker.event.pk).image.name == ""
    assert AuditEntry.objects.count() == before


def test_too_many_bytes_and_too_many_pixels_are_refused(kikker, monkeypatch):
    monkeypatch.setattr(images, "LIMIT_PIXELS", 400 * 300 - 1)
    with pytest.raises(UnusableImage):
        stored(kikker, picture(size=(400, 300)))
    monkeypatch.undo()
    monkeypatch.setattr(images, "LIMIT_BYTES", 100)
    with pytest.raises(UnusableImage):
        stored(kikker, picture(size=(400, 300)))


def test_a_picture_that_was_replaced_is_gone(kikker, committing):
    with committing():
        first = stored(kikker, picture())
    assert default_storage.exists(first.name)
    with committing():
        second = stored(kikker, picture(name="other.jpg"))

    assert not default_storage.exists(first.name)
    assert default_storage.exists(second.name)


def test_a_change_that_did_not_come_keeps_the_picture(kikker, committing):
    with committing():
        first = stored(kikker, picture())

    with committing(), pytest.raises(EndsBeforeStart):
        change_event(kikker.event, by=kikker.owner, image=picture(), ends_at=kikker.event.starts_at)

    assert default_storage.exists(first.name)
    assert Event.objects.get(pk=kikker.event.pk).image.name == first.name


def test_an_organiser_has_so_many_pictures_made_in_an_hour(kikker, settings):
    settings.LIMITS = {"pictures": (2, 3600)}
    for _ in range(2):
        stored(kikker, picture(size=(8, 8)))

    with pytest.raises(TooManyRequests):
        stored(kikker, picture(size=(8, 8)))


# Bounds ---------------------------------------------------------------------------------


def test_an_organiser_makes_so_many_events_in_an_hour(kikker, settings):
    settings.LIMITS = {"events": (2, 3600)}
    for name in ("One", "Two"):
        create_event(kikker.organiser, name=name, by=kikker.owner)

    with pytest.raises(TooManyRequests):
        create_event(kikker.organiser, name="Three", by=kikker.owner)
    assert not Event.objects.filter(name="Three").exists()
