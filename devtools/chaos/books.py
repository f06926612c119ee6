"""What the product's database says, read past row-level security by a role that can only read."""

from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from devtools.postgres import DATABASE, EmbeddedPostgres
from orders.message_ids import delivery_mark

MAIL_HOST = "localhost"


@dataclass(frozen=True, slots=True)
class OrderRow:
    code: str
    status: str
    method: str
    total: int
    refunded: int
    is_confirmed: bool
    invoice_sent: bool
    places: int
    """Tickets that its lines promise."""
    valid_tickets: int
    void_tickets: int

    @property
    def is_over(self) -> bool:
        return self.status in {"DECLINED", "VOIDED", "CANCELED"}

    @property
    def tickets_due(self) -> int:
        """How many valid tickets there must be; orders by invoice have theirs once it is sent."""
        if not self.is_confirmed or self.is_over:
            return 0
        if self.status == "OFFLINE_PENDING" and not self.invoice_sent:
            return 0
        return self.places

    @property
    def mails_due(self) -> set[str]:
        """Kinds of mail that its buyer must have."""
        if not self.is_confirmed or self.is_over:
            return set()
        due = {"tickets"} if self.tickets_due else set()
        if self.method == "INVOICE":
            due |= {"received"} | ({"invoice"} if self.invoice_sent else set())
        return due


@dataclass(frozen=True, slots=True)
class PaymentRow:
    id: int
    order_code: str
    status: str
    captured: int
    currency: str
    session_id: str
    intent_id: str


@dataclass(frozen=True, slots=True)
class RefundRow:
    id: int
    payment_id: int
    amount: int
    status: str
    reason: str
    provider_id: str
    last_failure: str


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    order_code: str
    kind: str
    number: int
    status: str
    message_id: str
    requested_at: float
    last_error: str


@dataclass(frozen=True, slots=True)
class Books:
    """One organiser's orders and money."""

    orders: dict[str, OrderRow]
    payments: list[PaymentRow]
    refunds: list[RefundRow]
    deliveries: list[DeliveryRow]
    clearing: dict[str, int]
    """By currency: what the ledger says lies at the provider."""
    unbalanced: list[str]
    """Keys of ledger entries that do not sum to zero."""
    unhandled_events: int


_ORDERS = """
SELECT o.code, o.status, o.payment_method, o.total_minor, o.refunded_minor,
       o.confirmed_at IS NOT NULL, o.invoice_sent_at IS NOT NULL,
       (SELECT coalesce(sum(l.quantity * l.admits), 0) FROM orders_orderline l WHERE l.order_id = o.id),
       (SELECT count(*) FROM orders_ticket t WHERE t.order_id = o.id AND t.status = 'valid'),
       (SELECT count(*) FROM orders_ticket t WHERE t.order_id = o.id AND t.status <> 'valid')
  FROM orders_order o WHERE o.organiser_id = %s
"""
_PAYMENTS = """
SELECT p.id, o.code, p.status, p.captured_minor, p.currency, p.session_id, p.intent_id
  FROM orders_payment p JOIN orders_order o ON o.id = p.order_id WHERE p.organiser_id = %s
"""
_REFUNDS = """
SELECT id, payment_id, amount_minor, status, reason, provider_id, last_failure
  FROM orders_refund WHERE organiser_id = %s
"""
_DELIVERIES = """
SELECT o.id, o.code, d.kind, d.number, d.status,
       extract(epoch FROM d.requested_at)::float, d.last_error
  FROM orders_delivery d JOIN orders_order o ON o.id = d.order_id WHERE d.organiser_id = %s
"""
_UNFINISHED = """
SELECT (SELECT count(*) FROM orders_delivery WHERE status IN ('pending', 'prepared')),
       (SELECT count(*) FROM orders_refund WHERE status IN ('requested', 'processing')),
       (SELECT count(*) FROM orders_providerevent WHERE handled_at IS NULL),
       (SELECT count(*) FROM orders_order
         WHERE people_at IS NULL AND confirmed_at IS NOT NULL
           AND EXISTS (SELECT FROM orders_ticket t WHERE t.order_id = orders_order.id))
"""


@dataclass(frozen=True, slots=True)
class Unfinished:
    """Work that the product knows it has to do."""

    deliveries: int
    refunds: int
    events: int
    people: int
    payments: int = 0
    """That the provider has money for and that are still open here."""

    def __bool__(self) -> bool:
        return any((self.deliveries, self.refunds, self.events, self.people, self.payments))

    def __str__(self) -> str:
        named = {name: getattr(self, name) for name in self.__slots__}
        return ", ".join(f"{count} {name}" for name, count in named.items() if count) or "nothing"


class Database:
    """Questions to the product's database."""

    def __init__(self, postgres: EmbeddedPostgres, *, secret_key: str) -> None:
        self._postgres, self._secret_key = postgres, secret_key

    def rows(self, question: str, *values: object) -> list[tuple[Any, ...]]:
        """On a connection of its own: the last one may have died with its server."""
        with psycopg.connect(
            make_conninfo(self._postgres.backup_url, connect_timeout=10),
            autocommit=True,
            options="-c default_transaction_read_only=on",
        ) as connection:
            return connection.execute(question.encode(), values).fetchall()

    def administrator(self) -> psycopg.Connection:
        """A connection that may do anything, for faults."""
        return psycopg.connect(
            make_conninfo(self._postgres.superuser_url, dbname=DATABASE, connect_timeout=10),
            autocommit=True,
        )

    def books(self, organiser_id: int) -> Books:
        """Everything of one organiser."""
        clearing = self.rows(
            "SELECT currency, sum(amount_minor)::bigint FROM payouts_posting"
            " WHERE organiser_id = %s AND account = 'clearing' GROUP BY currency",
            organiser_id,
        )
        unbalanced = self.rows(
            "SELECT e.key FROM payouts_ledgerentry e JOIN payouts_posting p ON p.entry_id = e.id"
            " WHERE e.organiser_id = %s GROUP BY e.key, p.currency HAVING sum(p.amount_minor) <> 0",
            organiser_id,
        )
        [(unhandled,)] = self.rows(
            "SELECT count(*) FROM orders_providerevent WHERE handled_at IS NULL"
        )
        return Books(
            orders={row[0]: OrderRow(*row) for row in self.rows(_ORDERS, organiser_id)},
            payments=[PaymentRow(*row) for row in self.rows(_PAYMENTS, organiser_id)],
            refunds=[RefundRow(*row) for row in self.rows(_REFUNDS, organiser_id)],
            deliveries=[self._delivery(*row) for row in self.rows(_DELIVERIES, organiser_id)],
            clearing=dict(clearing),
            unbalanced=[key for (key,) in unbalanced],
            unhandled_events=unhandled,
        )

    def _delivery(
        self, order_id: int, code: str, kind: str, number: int, status: str, at: float, error: str
    ) -> DeliveryRow:
        mark = delivery_mark(order_id, kind, number, secret_key=self._secret_key)
        return DeliveryRow(code, kind, number, status, f"<{mark}@{MAIL_HOST}>", at, error)

    def unfinished(self) -> Unfinished:
        """Work of all organisers that waits or is under way."""
        return Unfinished(*self.rows(_UNFINISHED)[0])

    def open_sessions(self) -> set[str]:
        """Payment pages that are not decided here."""
        found = self.rows(
            "SELECT session_id FROM orders_payment WHERE status IN ('created', 'processing')"
        )
        return {session for (session,) in found}
