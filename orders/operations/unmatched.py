"""Money at the provider that no payment of ours knows, such as what came in after the backup that we
were restored from: it is kept where operators see it, and given back."""

import logging
from datetime import timedelta

from orders.models import UnmatchedPayment
from tiqqo.core import clock
from tiqqo.core.money import Money

logger = logging.getLogger(__name__)

# Time for somebody to look at it, or for a later restore to know it after all.
GIVEN_BACK_AFTER = timedelta(hours=1)


def keep_unmatched(*, intent_id: str, paid: Money, order_code: str, reference: str) -> None:
    """The money is on record, once; it goes back after GIVEN_BACK_AFTER."""
    _kept, is_new = UnmatchedPayment.objects.get_or_create(
        intent_id=intent_id,
        defaults={
            "amount_minor": paid.minor,
            "currency": paid.currency,
            "order_code": order_code[:200],
            "reference": reference[:200],
            "due_at": clock.now() + GIVEN_BACK_AFTER,
        },
    )
    if is_new:
        logger.error("payment.unmatched", extra={"intent": intent_id, "paid": str(paid)})


def note_unmatched_refund(*, intent_id: str, refund_id: str) -> bool:
    """The money went back, by us or by somebody at the provider; False where we know of none."""
    kept = UnmatchedPayment.objects.filter(intent_id=intent_id)
    kept.filter(refunded_at=None).update(
        refund_id=refund_id, refunded_at=clock.now(), last_failure=""
    )
    return bool(kept.exists())


def note_unmatched_failure(unmatched: UnmatchedPayment, *, message: str) -> None:
    """It could not be given back this time; it is tried again in an hour."""
    UnmatchedPayment.objects.filter(pk=unmatched.pk, refunded_at=None).update(
        last_failure=message[:300], due_at=clock.now() + GIVEN_BACK_AFTER
    )
