"""Three acts that are not the same: hide, pause, sold out; each can be undone.

Hidden is not seen, paused is seen but cannot be bought for now, sold out is seen and over.
"""

from django.db import transaction

from accounts.models import Membership
from ticketing.models import Release, TicketType
from tiqqo.core import audit, clock

Shown = TicketType | Release


def hide(subject: Shown, *, by: Membership) -> None:
    """Buyers do not see it, unless a code opens it. Twice is harmless."""
    _mark(subject, "hidden_at", "hidden", by)


def show(subject: Shown, *, by: Membership) -> None:
    """Buyers see it again. Twice is harmless."""
    _unmark(subject, "hidden_at", "shown", by)


def pause(subject: Shown, *, by: Membership) -> None:
    """Buyers see it and cannot buy it for now; what is held may finish. Twice is harmless."""
    _mark(subject, "paused_at", "paused", by)


def resume(subject: Shown, *, by: Membership) -> None:
    """It can be bought again. Twice is harmless."""
    _unmark(subject, "paused_at", "resumed", by)


def mark_sold_out(subject: Shown, *, by: Membership) -> None:
    """It is over for buyers, whatever is left; what follows it opens. Twice is harmless."""
    _mark(subject, "sold_out_at", "sold_out", by)


def put_back_on_sale(subject: Shown, *, by: Membership) -> None:
    """It is sold again as far as places are left. Twice is harmless."""
    _unmark(subject, "sold_out_at", "back_on_sale", by)


@transaction.atomic
def _mark(subject: Shown, column: str, word: str, by: Membership) -> None:
    rows = type(subject).objects.filter(pk=subject.pk, **{column: None})
    if rows.update(**{column: clock.now()}):
        _record(subject, word, by)


@transaction.atomic
def _unmark(subject: Shown, column: str, word: str, by: Membership) -> None:
    rows = type(subject).objects.filter(pk=subject.pk, **{f"{column}__isnull": False})
    if rows.update(**{column: None}):
        _record(subject, word, by)


def _record(subject: Shown, word: str, by: Membership) -> None:
    noun = "release" if isinstance(subject, Release) else "ticket_type"
    audit.record(subject, f"{noun}.{word}", by=by, name=subject.name)
