"""Sweeping and recounting."""

import logging

from celery import shared_task

from ticketing.operations import expire_reservations
from ticketing.queries import recount
from tiqqo.core import clock
from tiqqo.core.tenancy import platform_scope

logger = logging.getLogger(__name__)


@shared_task
def sweep_reservations() -> int:
    """Overdue holds without a payment in flight are let go, batch by batch; how many."""
    total = 0
    with platform_scope("expire overdue reservations"):
        while count := expire_reservations(at=clock.now()):
            total += count
    if total:
        logger.info("reservations.expired", extra={"count": total})
    return total


@shared_task
def verify_inventory() -> int:
    """Every counter is compared with its rows; each difference is shouted. How many differ."""
    with platform_scope("recount the stock"):
        differing = [count for count in recount() if count.differs]
    for count in differing:
        logger.error(
            "inventory.differs",
            extra={
                "pool": count.pool_id,
                "held": count.held,
                "rows_held": count.rows_held,
                "sold": count.sold,
                "rows_sold": count.rows_sold,
            },
        )
    return len(differing)
