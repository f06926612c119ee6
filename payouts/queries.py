"""Balances: sums of postings."""

from django.db.models import Sum

from payouts.models import AccountKind, Posting
from tiqqo.core.money import Money


def pending_balance(currency: str) -> Money:
    """What the platform holds for the current organiser and has not settled yet."""
    total = Posting.objects.filter(account=AccountKind.PENDING, currency=currency).aggregate(
        total=Sum("amount_minor")
    )["total"]
    return Money(-(total or 0), currency)
