"""The proof: every counter beside what its rows say."""

from dataclasses import dataclass

from django.db import connection

from events.models import Event


@dataclass(frozen=True, slots=True)
class PoolCount:
    """One pool: what its counters say, and what the rows say.

    Rows are reservations for held and sold, allocations for set aside, the waitlist for waiting.
    """

    pool_id: int
    event_id: int
    organiser_id: int
    event_name: str
    label: str
    capacity: int | None
    held: int
    sold: int
    set_aside: int
    waiting: int
    rows_held: int
    rows_sold: int
    rows_set_aside: int
    rows_waiting: int

    @property
    def subject(self) -> str:
        """The label without the event's name; nothing for the pool of the whole event."""
        return self.label.removeprefix(self.event_name).removeprefix(" · ")

    @property
    def counters(self) -> tuple[int, ...]:
        return (self.held, self.sold, self.set_aside, self.waiting)

    @property
    def rows(self) -> tuple[int, ...]:
        return (self.rows_held, self.rows_sold, self.rows_set_aside, self.rows_waiting)

    @property
    def differs(self) -> bool:
        return self.counters != self.rows

    @property
    def free(self) -> int | None:
        if self.capacity is None:
            return None
        return self.capacity - self.held - self.sold - self.set_aside


@dataclass(frozen=True, slots=True)
class CodeCount:
    """One code: what its counters say, and what the reservations say."""

    code_id: int
    event_id: int
    organiser_id: int
    text: str
    held: int
    used: int
    rows_held: int
    rows_used: int

    @property
    def differs(self) -> bool:
        return (self.held, self.used) != (self.rows_held, self.rows_used)


_RECOUNT = """
SELECT pool.id, pool.event_id, pool.organiser_id, event.name,
       concat_ws(' · ', event.name, nullif(pool.name, ''), company.name,
                 coalesce(type.name, release_type.name, allocation_type.name), release.name,
                 to_char(slot.starts_at AT TIME ZONE event.time_zone, 'YYYY-MM-DD HH24:MI')),
       pool.capacity, pool.held, pool.sold, pool.set_aside, pool.waiting,
       coalesce(r.held, 0), coalesce(r.sold, 0), coalesce(a.places, 0), coalesce(w.places, 0)
  FROM ticketing_capacitypool pool
  JOIN events_event event ON event.id = pool.event_id
  LEFT JOIN ticketing_tickettype type ON type.id = pool.ticket_type_id
  LEFT JOIN ticketing_release release ON release.id = pool.release_id
  LEFT JOIN ticketing_tickettype release_type ON release_type.id = release.ticket_type_id
  LEFT JOIN ticketing_timeslot slot ON slot.id = pool.slot_id
  LEFT JOIN ticketing_allocation allocation ON allocation.id = pool.allocation_id
  LEFT JOIN ticketing_tickettype allocation_type ON allocation_type.id = allocation.ticket_type_id
  LEFT JOIN people_company company ON company.id = allocation.company_id
  LEFT JOIN (
        SELECT pool_id,
               sum(line.quantity * line.admits)
                   FILTER (WHERE reservation.status = 'PENDING') AS held,
               sum(line.quantity * line.admits)
                   FILTER (WHERE reservation.status = 'CONFIRMED') AS sold
          FROM ticketing_reservationline line
          JOIN ticketing_reservation reservation ON reservation.id = line.reservation_id
         CROSS JOIN unnest(line.pool_ids) AS pool_id
         WHERE reservation.status IN ('PENDING', 'CONFIRMED')
           AND (%(event)s::bigint IS NULL OR reservation.event_id = %(event)s)
         GROUP BY pool_id) r ON r.pool_id = pool.id
  LEFT JOIN (
        SELECT pool_id, sum(own.capacity) AS places
          FROM ticketing_allocation allocation
          JOIN ticketing_capacitypool own ON own.allocation_id = allocation.id
         CROSS JOIN unnest(allocation.from_pool_ids) AS pool_id
         GROUP BY pool_id) a ON a.pool_id = pool.id
  LEFT JOIN (
        SELECT pool_id, sum(entry.quantity) AS places
          FROM ticketing_waitlistentry entry
         CROSS JOIN unnest(entry.pool_ids) AS pool_id
         WHERE entry.status = 'waiting'
         GROUP BY pool_id) w ON w.pool_id = pool.id
 WHERE %(event)s::bigint IS NULL OR pool.event_id = %(event)s
 ORDER BY pool.event_id, pool.id
"""

_RECOUNT_CODES = """
SELECT code.id, code.event_id, code.organiser_id, code.text, code.held, code.used,
       coalesce(r.held, 0), coalesce(r.used, 0)
  FROM ticketing_code code
  LEFT JOIN (
        SELECT code_id, count(*) FILTER (WHERE status = 'PENDING') AS held,
               count(*) FILTER (WHERE status = 'CONFIRMED') AS used
          FROM ticketing_reservation WHERE code_id IS NOT NULL
         GROUP BY code_id) r ON r.code_id = code.id
 WHERE (%(event)s::bigint IS NULL OR code.event_id = %(event)s)
   AND (code.held <> 0 OR code.used <> 0 OR r.code_id IS NOT NULL)
 ORDER BY code.event_id, code.id
"""


def recount(event: Event | None = None) -> list[PoolCount]:
    """Every pool in scope, counted again from its rows in one statement."""
    with connection.cursor() as cursor:
        cursor.execute(_RECOUNT, {"event": event.pk if event else None})
        return [PoolCount(*row) for row in cursor.fetchall()]


def recount_codes(event: Event | None = None) -> list[CodeCount]:
    """Every code in scope that was ever claimed, counted again from the reservations."""
    with connection.cursor() as cursor:
        cursor.execute(_RECOUNT_CODES, {"event": event.pk if event else None})
        return [CodeCount(*row) for row in cursor.fetchall()]
