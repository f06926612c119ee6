"""Reads of the events app."""

from django.conf import settings
from django.db.models import QuerySet
from django.http import Http404

from accounts.models import Organiser
from events.models import Event
from tiqqo.core import clock
from tiqqo.core.compiled import Compiled, Param

_BY_SLUG = Compiled(Event, lambda rows: rows.select_related("organiser").filter(slug=Param("slug")))


def event_or_404(slug: str) -> Event:
    """The event of the current organiser with this web address, with its organiser."""
    event = _BY_SLUG.first(slug=slug)
    if event is None:
        raise Http404
    return event


def events_of(organiser: Organiser) -> QuerySet[Event]:
    """All events for the dashboard, next ones first, drafts without a date on top."""
    return Event.objects.select_related("organiser").order_by("-starts_at", "-id")


def upcoming_everywhere() -> list[Event]:
    """The next public event of each of up to six organisers, soonest first. Reads across organisers.

    Of organisers that platform staff released, unless `FRONT_PAGE` says otherwise: the page is ours, and
    anybody may sign up.
    """
    if settings.FRONT_PAGE == "none":
        return []
    shown = {} if settings.FRONT_PAGE == "all" else {"organiser__released_at__isnull": False}
    soonest = (
        Event.objects.public()
        .filter(**shown)
        .upcoming(clock.now())
        .order_by("organiser_id", "starts_at", "pk")
        .distinct("organiser_id")
        .values("pk")
    )
    rows = Event.objects.select_related("organiser").filter(pk__in=soonest)
    return list(rows.order_by("starts_at", "pk")[:6])


def public_events(organiser: Organiser) -> tuple[list[Event], list[Event]]:
    """What the organiser's page shows: upcoming events and the last past ones."""
    now = clock.now()
    rows = Event.objects.select_related("organiser").public()
    return list(rows.upcoming(now)[:50]), list(rows.past(now)[:6])
