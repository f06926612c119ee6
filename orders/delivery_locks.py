"""Who has a mail or a document in hand: a lock of the worker's database session (decision 0020)."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import IntEnum

from django.db import InterfaceError, OperationalError, connection


class Claim(IntEnum):
    """What may be in hand: the upper 32 of the 64 bits of an advisory lock's key."""

    DELIVERY = 0x6D61696C
    DOCUMENT = 0x70646673


@contextmanager
def claimed(claim: Claim, row_id: int) -> Iterator[bool]:
    """Whether this worker has the row in hand; nobody else has it then.

    The claim is PostgreSQL's, on this session: it lasts as long as the work, and ends at once with a
    worker that is killed. Read the row inside.
    """
    key = claim << 32 | row_id
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [key])
        (is_mine,) = cursor.fetchone()
    try:
        yield is_mine
    finally:
        if is_mine:
            # A session that broke meanwhile has let go of it.
            with suppress(OperationalError, InterfaceError), connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [key])


def in_hand(claim: Claim) -> set[int]:
    """The rows that a worker has claimed and not let go of."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT objid FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1"
            " AND classid = %s AND database ="
            " (SELECT oid FROM pg_database WHERE datname = current_database())",
            [int(claim)],
        )
        return {objid for (objid,) in cursor.fetchall()}
