"""Events move along the clock."""

from celery import shared_task
from django.db.models import Q

from events.models import Event, EventStatus
from events.operations import end_event, start_event
from tiqqo.core import audit, clock
from tiqqo.core.tenancy import platform_scope, tenant_scope


@shared_task
def advance_events() -> None:
    """Published events whose time has come are started, and those whose time is over, ended."""
    now = clock.now()
    with platform_scope("advance events along the clock"):
        due = list(
            Event.objects.filter(
                Q(status=EventStatus.PUBLISHED, starts_at__lte=now)
                | Q(status=EventStatus.STARTED, ends_at__lte=now)
            )[:500]
        )
    for event in due:
        with tenant_scope(event.organiser_id):
            if event.ends_at is not None and event.ends_at <= now:
                end_event(event, by=audit.SYSTEM)
            else:
                start_event(event, by=audit.SYSTEM)
