"""Every write to an event."""

from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.core.files.base import File
from django.db import transaction
from django.utils.text import slugify

from accounts.models import Membership, Organiser
from events import readiness
from events.errors import DatesMissing, EndsBeforeStart, NotReady, WrongStatus
from events.models import RESERVED_SLUGS, Event, EventKey, EventStatus, slug_candidates
from tiqqo.core import audit, clock
from tiqqo.core.audit import Actor
from tiqqo.core.images import PICTURES, picture_of, remove_picture
from tiqqo.core.limits import Limit

EVENTS = Limit("events", count=60, seconds=3600)


@transaction.atomic
def create_event(
    organiser: Organiser,
    *,
    name: str,
    by: Membership,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
) -> Event:
    """A draft exists with the organiser's defaults, its own web address and its own signing key.

    Raises EndsBeforeStart, TooManyRequests.
    """
    _refuse_backward(starts_at, ends_at)
    EVENTS.spend(organiser.pk)
    # Two people naming their events alike at the same moment: the second takes the next slug.
    Organiser.objects.select_for_update(of=("self",)).get(pk=organiser.pk)
    base = slugify(name)[:60].strip("-") or "event"
    taken = RESERVED_SLUGS | set(
        Event.objects.filter(slug__startswith=base).values_list("slug", flat=True)
    )
    event: Event = Event.objects.create(
        organiser=organiser,
        name=name,
        slug=next(slug for slug in slug_candidates(base) if slug not in taken),
        starts_at=starts_at,
        ends_at=ends_at,
        time_zone=organiser.time_zone,
        language=organiser.language,
        currency=organiser.currency,
        country=organiser.country,
    )
    key = Ed25519PrivateKey.generate()
    EventKey.objects.create(
        event=event,
        private_key=key.private_bytes_raw(),
        public_key=key.public_key().public_bytes_raw(),
    )
    audit.record(event, "event.created", by=by)
    return event


@transaction.atomic
def change_event(event: Event, *, by: Membership, **changes: Any) -> Event:
    """The event's details are as given; a picture that was there before is gone.

    Raises EndsBeforeStart, UnusableImage, TooManyRequests.
    """
    if changes.get("image") and isinstance(changes["image"], File):
        PICTURES.spend(event.organiser_id)
        changes["image"] = picture_of(changes["image"])
    event = (
        Event.objects.select_related("organiser").select_for_update(of=("self",)).get(pk=event.pk)
    )
    changed = [name for name, value in changes.items() if getattr(event, name) != value]
    if "image" in changed:
        remove_picture(event.image.name)
    for name in changed:
        setattr(event, name, changes[name])
    _refuse_backward(event.starts_at, event.ends_at)
    if event.status != EventStatus.DRAFT and not (event.starts_at and event.ends_at):
        raise DatesMissing
    if changed:
        event.save(update_fields=changed)
        audit.record(event, "event.changed", by=by, fields=sorted(changed))
    return event


def _refuse_backward(starts_at: datetime | None, ends_at: datetime | None) -> None:
    if ends_at is not None and (starts_at is None or ends_at <= starts_at):
        raise EndsBeforeStart


@transaction.atomic
def publish_event(event: Event, *, by: Membership) -> Event:
    """The shop is open to everybody. Raises NotReady with the reasons. Twice is harmless."""
    event = (
        Event.objects.select_related("organiser").select_for_update(of=("self",)).get(pk=event.pk)
    )
    if event.is_public:
        return event
    if event.status != EventStatus.DRAFT:
        raise WrongStatus
    reasons = readiness.blocking_reasons(event)
    if reasons:
        raise NotReady(reasons=reasons)
    event.status, event.published_at = EventStatus.PUBLISHED, clock.now()
    event.save(update_fields=["status", "published_at"])
    audit.record(event, "event.published", by=by)
    return event


@transaction.atomic
def pause_sales(event: Event, *, by: Membership) -> None:
    """No new reservations; held ones may finish. Twice is harmless."""
    if Event.objects.filter(pk=event.pk, sales_paused_at=None).update(sales_paused_at=clock.now()):
        audit.record(event, "event.sales_paused", by=by)


@transaction.atomic
def resume_sales(event: Event, *, by: Membership) -> None:
    """Reservations are taken again. Twice is harmless."""
    if Event.objects.filter(pk=event.pk, sales_paused_at__isnull=False).update(
        sales_paused_at=None
    ):
        audit.record(event, "event.sales_resumed", by=by)


@transaction.atomic
def start_event(event: Event, *, by: Actor) -> None:
    """The event has begun. Twice is harmless."""
    if Event.objects.filter(pk=event.pk, status=EventStatus.PUBLISHED).update(
        status=EventStatus.STARTED
    ):
        audit.record(event, "event.started", by=by)


@transaction.atomic
def end_event(event: Event, *, by: Actor) -> None:
    """The event is over. Twice is harmless."""
    if Event.objects.filter(
        pk=event.pk, status__in=[EventStatus.PUBLISHED, EventStatus.STARTED]
    ).update(status=EventStatus.ENDED):
        audit.record(event, "event.ended", by=by)
