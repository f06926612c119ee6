"""Sweeping and recounting."""

import logging

from celery import shared_task

from ticketing import operations
from ticketing.operations import expire_reservations, return_due_allocations
from ticketing.queries import due_allocations, recount, recount_codes
from ticketing.queries.waitlist import waitlists_to_serve
from ticketing.verification import note_verified
from tiqqo.core import clock
from tiqqo.core.tasks import TenantTask, enqueue
from tiqqo.core.tenancy import platform_scope, tenant_scope

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
        enqueue(serve_waitlists)
    return total


@shared_task
def verify_inventory() -> int:
    """Every counter is compared with its rows; each difference is shouted, and organisers see on
    their page when it was and what came out. How many differ."""
    now = clock.now()
    with platform_scope("recount the stock"):
        pools = [count for count in recount() if count.differs]
        codes = [count for count in recount_codes() if count.differs]
    for pool in pools:
        logger.error(
            "inventory.differs",
            extra={"pool": pool.pool_id, "counters": pool.counters, "rows": pool.rows},
        )
    for code in codes:
        logger.error(
            "inventory.differs",
            extra={
                "code": code.code_id,
                "counters": (code.held, code.used),
                "rows": (code.rows_held, code.rows_used),
            },
        )
    note_verified(now, [*pools, *codes])
    return len(pools) + len(codes)


@shared_task
def return_allocations() -> int:
    """What partners left is back on sale once their day has come; how many allocations."""
    with platform_scope("find allocations that are over"):
        owners = due_allocations(at=clock.now()).values_list("organiser_id", flat=True)
        organiser_ids = set(owners)
    total = 0
    for organiser_id in organiser_ids:
        with tenant_scope(organiser_id):
            total += return_due_allocations(at=clock.now())
    if total:
        logger.info("allocations.returned", extra={"count": total})
    return total


@shared_task
def forget_waitlist_requests() -> int:
    """Requests for a place in line that nobody confirmed in time are gone; how many."""
    total = 0
    with platform_scope("forget requests for a place in line that were not confirmed"):
        while count := operations.forget_lapsed_requests(at=clock.now()):
            total += count
    if total:
        logger.info("waitlist.requests_forgotten", extra={"count": total})
    return total


@shared_task(base=TenantTask)
def serve_waitlist(event_id: int) -> int:
    """Offers of the waitlist that are over are settled, and the next in line have theirs; how many."""
    operations.close_offers(event_id)
    return operations.serve_waitlist(event_id)


@shared_task
def serve_waitlists() -> int:
    """Every line that somebody waits in is served, each in a task of its own; how many lines."""
    with platform_scope("find waitlists to serve"):
        lines = waitlists_to_serve()
    for event_id, organiser_id in sorted(lines):
        if not enqueue(serve_waitlist, [event_id], {"organiser_id": organiser_id}):
            break
    return len(lines)
