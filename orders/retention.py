"""How long orders keep what is over. See `tiqqo.core.retention`.

Orders that were confirmed, their payments, refunds and documents stay: tax law wants them for seven years
(art. 52 AWR, NL) or ten (§ 147 AO, DE: eight for receipts, ten for books).
"""

from contextlib import suppress
from datetime import datetime
from pathlib import PurePosixPath

from django.db.models import Exists, OuterRef, Q, QuerySet

from orders.models import (
    OPEN_PAYMENTS,
    Delivery,
    DeliveryStatus,
    Invoice,
    Order,
    OrderLine,
    OrderStatus,
    Payment,
    ProviderEvent,
    Ticket,
)
from ticketing.models import Reservation
from tiqqo.core import clock
from tiqqo.core.retention import Rule, delete_unlocked, register

NOBODY = {"first_name": "–", "last_name": "", "email": "", "phone": ""}
NO_COMPANY = {"company_name": "", "vat_number": "", "purchase_number": ""}


# Holds that became nothing ------------------------------------------------------------------


def _holds(before: datetime) -> QuerySet[Reservation]:
    """Over, and nothing hangs on them: whether a hold became an order is known here only."""
    due: QuerySet[Reservation] = Reservation.objects.filter(
        ended_at__lt=before, order=None, substitute=None, waitlist_entry=None
    )
    return due


def _forget_holds(rows: QuerySet[Reservation]) -> int:
    """Asked again by id behind the lock, which cannot span the joins of the question."""
    ids = list(rows.values_list("pk", flat=True))
    return delete_unlocked(Reservation.objects.filter(pk__in=ids, ended_at__isnull=False))


# Orders that were never paid ----------------------------------------------------------------


def _abandoned(before: datetime) -> QuerySet[Order]:
    """Neither confirmed nor paid for, with no document: nobody but us has an interest in who it was."""
    money = Payment.objects.filter(
        Q(captured_minor__gt=0) | Q(status__in=OPEN_PAYMENTS), order=OuterRef("pk")
    )
    due: QuerySet[Order] = Order.objects.filter(
        ~Exists(money),
        ~Exists(Invoice.objects.filter(order=OuterRef("pk"))),
        ~Exists(Ticket.objects.filter(order=OuterRef("pk"))),
        confirmed_at=None,
        anonymised_at=None,
        placed_at__lt=before,
        reservation__ended_at__isnull=False,
        status__in=[
            OrderStatus.INITIATED,
            OrderStatus.DECLINED,
            OrderStatus.VOIDED,
            OrderStatus.CANCELED,
        ],
    )
    return due


def _forget_orders(rows: QuerySet[Order]) -> int:
    """They are nobody's. The rows stay, for what the provider may still say of their payments."""
    # A reservation is locked before its order, everywhere.
    holds = list(
        Reservation.objects.filter(order__in=rows.values("pk"), ended_at__isnull=False)
        .select_for_update(of=("self",), skip_locked=True)
        .order_by("pk")
        .values_list("pk", flat=True)
    )
    ids = list(
        rows.filter(reservation__in=holds)
        .select_for_update(of=("self",), skip_locked=True)
        .values_list("pk", flat=True)
    )
    Reservation.objects.filter(order__in=ids).update(email_key="")
    # A mail server names whom it refused.
    Delivery.objects.filter(order__in=ids).update(last_error="")
    for line in OrderLine.objects.filter(order__in=ids):
        OrderLine.objects.filter(pk=line.pk).update(holders=[nobody() for _ in line.holders])
    Order.objects.filter(pk__in=ids).update(
        **NOBODY,
        **NO_COMPANY,
        contact=None,
        company=None,
        consented_at=None,
        consent_text="",
        anonymised_at=clock.now(),
    )
    return len(ids)


def nobody() -> dict[str, str]:
    """A place of a line that is nobody's any more."""
    return {"first": "–", "last": "", "email": ""}


# What the payment provider told, and what was drawn -----------------------------------------


def _handled_events(before: datetime) -> QuerySet[ProviderEvent]:
    return ProviderEvent.objects.filter(handled_at__lt=before, emptied_at=None)


def _empty_events(rows: QuerySet[ProviderEvent]) -> int:
    """Their rows stay, so that an event that comes again is known."""
    locked = rows.select_for_update(of=("self",), skip_locked=True).values_list("pk", flat=True)
    found = ProviderEvent.objects.filter(pk__in=list(locked))
    return found.update(payload={}, last_error="", emptied_at=clock.now())


def _old_documents(before: datetime) -> QuerySet[Delivery]:
    due: QuerySet[Delivery] = Delivery.objects.filter(
        status=DeliveryStatus.SENT, order__event__ends_at__lt=before
    ).exclude(document="")
    return due


def remove_documents(rows: QuerySet[Delivery]) -> int:
    """The file goes first: a row whose file is missing is drawn again, a file without a row stays."""
    locked = list(rows.select_for_update(of=("self",), skip_locked=True))
    for delivery in locked:
        storage, name = delivery.document.storage, str(delivery.document.name)
        storage.delete(name)
        # Its folder, which the order's secret names; not where another document is in it.
        with suppress(OSError, NotImplementedError):
            storage.delete(str(PurePosixPath(name).parent))
    Delivery.objects.filter(pk__in=[delivery.pk for delivery in locked]).update(document="")
    return len(locked)


register(
    Rule(
        name="holds",
        words="holds that became no order",
        due=_holds,
        age="ended_at",
        forget=_forget_holds,
    )
)
register(
    Rule(
        name="abandoned_orders",
        words="buyers and attendees of orders that were never paid",
        due=_abandoned,
        age="placed_at",
        forget=_forget_orders,
    )
)
register(
    Rule(
        name="provider_events",
        words="contents of the payment provider's events",
        due=_handled_events,
        age="handled_at",
        forget=_empty_events,
    )
)
register(
    Rule(
        name="documents",
        words="PDFs of mails, which are drawn again when asked for",
        due=_old_documents,
        age="order__event__ends_at",
        forget=remove_documents,
        slice_size=50,
    )
)
