"""Every write to the ledger."""

from collections.abc import Mapping

from django.db import transaction

from payouts.models import AccountKind, LedgerEntry, Posting
from tiqqo.core.money import Money


@transaction.atomic
def book(
    kind: str,
    *,
    key: str,
    reference: str,
    amounts: Mapping[AccountKind, Money],
    event_id: int | None = None,
) -> LedgerEntry | None:
    """A balanced entry is in the ledger, once per `key`; None when it was there already.

    The database refuses amounts that do not sum to zero (trigger `ledger_entry_balanced`).
    """
    entry: LedgerEntry
    entry, made = LedgerEntry.objects.get_or_create(
        key=key, defaults={"kind": kind, "reference": reference, "event_id": event_id}
    )
    if not made:
        return None
    Posting.objects.bulk_create(
        Posting(entry=entry, account=account, currency=amount.currency, amount_minor=amount.minor)
        for account, amount in amounts.items()
        if amount
    )
    return entry


def book_payment(
    *, key: str, reference: str, total: Money, platform_fee: Money, event_id: int
) -> LedgerEntry | None:
    """Money arrived at the provider: the organiser's share is pending, the service fee is ours."""
    return book(
        "payment",
        key=key,
        reference=reference,
        event_id=event_id,
        amounts={
            AccountKind.CLEARING: total,
            AccountKind.PENDING: platform_fee - total,
            AccountKind.PLATFORM_FEES: -platform_fee,
        },
    )


def book_fee(*, key: str, reference: str, platform_fee: Money, event_id: int) -> LedgerEntry | None:
    """The service fee of money that arrived before it was clear what it buys."""
    return book(
        "fee",
        key=key,
        reference=reference,
        event_id=event_id,
        amounts={AccountKind.PENDING: platform_fee, AccountKind.PLATFORM_FEES: -platform_fee},
    )


def book_refund(
    *, key: str, reference: str, total: Money, platform_fee: Money, event_id: int
) -> LedgerEntry | None:
    """Money went back to the buyer: the mirror of `book_payment`."""
    return _book_out("refund", key, reference, total, platform_fee, event_id)


def book_refund_undone(
    *, key: str, reference: str, total: Money, platform_fee: Money, event_id: int
) -> LedgerEntry | None:
    """A refund that was booked came back to us: it is as if it had not been made."""
    return _book_out("refund_undone", key, reference, -total, -platform_fee, event_id)


def book_dispute(
    *, key: str, reference: str, total: Money, platform_fee: Money, event_id: int
) -> LedgerEntry | None:
    """The provider took disputed money; the organiser bears it, and the fee goes back to them."""
    return _book_out("dispute", key, reference, total, platform_fee, event_id)


def book_dispute_won(
    *, key: str, undoes: str, reference: str, total: Money, platform_fee: Money, event_id: int
) -> LedgerEntry | None:
    """The disputed money is back; None where it had not been taken (no entry with key `undoes`)."""
    if not LedgerEntry.objects.filter(key=undoes).exists():
        return None
    return _book_out("dispute_won", key, reference, -total, -platform_fee, event_id)


def _book_out(
    kind: str, key: str, reference: str, total: Money, platform_fee: Money, event_id: int
) -> LedgerEntry | None:
    return book(
        kind,
        key=key,
        reference=reference,
        event_id=event_id,
        amounts={
            AccountKind.CLEARING: -total,
            AccountKind.PENDING: total - platform_fee,
            AccountKind.PLATFORM_FEES: platform_fee,
        },
    )
