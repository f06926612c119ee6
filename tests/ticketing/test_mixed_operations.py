"""Whatever is done in whatever order, every counter equals its rows. The recount is the oracle."""

from contextlib import suppress
from datetime import timedelta

import pytest
import time_machine
from django.db import IntegrityError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from events.models import Event
from tests.cast import ReleaseFactory, TicketTypeFactory
from ticketing import stock
from ticketing.errors import AlreadyExtended, ReservationOver
from ticketing.models import (
    BundlePart,
    CapacityPool,
    Code,
    OptionPrice,
    PoolMember,
    PriceOption,
    PricingMethod,
    Promotion,
    Reservation,
    TicketType,
    TimeSlot,
)
from ticketing.operations import (
    cancel_reservation,
    change_reservation,
    confirm_reservation,
    expire_reservations,
    extend_reservation,
    reacquire_reservation,
    reserve_tickets,
    set_event_capacity,
)
from ticketing.queries import recount, recount_codes
from ticketing.selling import Choice
from tiqqo.core import clock
from tiqqo.core.errors import DomainError

pytestmark = pytest.mark.django_db


class Offered:
    """An event with one of everything, small enough to sell out at once."""

    def __init__(self, house):
        self.house, event, by = house, house.event, house.owner
        set_event_capacity(event, capacity=20, by=by)
        plain = ReleaseFactory(event=event, name="Plain", by=by, capacity=8)
        group_type = TicketTypeFactory(event=event, name="Group", by=by)
        group = ReleaseFactory(ticket_type=group_type, name="Group", by=by)
        TicketType.objects.filter(pk=group_type.pk).update(admits=3)
        timed_type = TicketTypeFactory(event=event, name="Timed", by=by)
        TicketType.objects.filter(pk=timed_type.pk).update(is_timed=True)
        timed = ReleaseFactory(ticket_type=timed_type, name="Timed", by=by)
        optional_type = TicketTypeFactory(event=event, name="Optional", by=by, capacity=6)
        TicketType.objects.filter(pk=optional_type.pk).update(pricing=PricingMethod.OPTIONS)
        optional = ReleaseFactory(ticket_type=optional_type, name="Optional", by=by)
        options = [PriceOption.objects.create(ticket_type=optional_type, name=n) for n in "AB"]
        for number, option in enumerate(options):
            OptionPrice.objects.create(release=optional, option=option, price_minor=500 * number)
        bundle_type = TicketTypeFactory(event=event, name="Bundle", by=by)
        for part, count in ((plain.ticket_type, 2), (timed_type, 1)):
            BundlePart.objects.create(
                bundle=bundle_type, part=part, quantity=count, usual_price_minor=700
            )
        bundle = ReleaseFactory(ticket_type=bundle_type, name="Bundle", by=by)
        later = ReleaseFactory(ticket_type=plain.ticket_type, name="Later", by=by)
        later.follows = plain
        later.save()
        slots = [
            TimeSlot.objects.create(event=event, starts_at=event.starts_at + timedelta(hours=h))
            for h in (0, 1)
        ]
        for slot in slots:
            CapacityPool.objects.create(event=event, slot=slot, capacity=4)
        floor = CapacityPool.objects.create(event=event, name="Floor", capacity=12)
        PoolMember.objects.create(pool=floor, ticket_type=plain.ticket_type)
        PoolMember.objects.create(pool=floor, ticket_type=group_type)
        half = Promotion.objects.create(event=event, name="Half", rate_bp=5000)
        Code.objects.create(event=event, promotion=half, text="HALF", uses_limit=2)
        self.choices = [
            Choice(plain.code, 1),
            Choice(plain.code, 3),
            Choice(later.code, 2),
            Choice(group.code, 1),
            Choice(timed.code, 2, slot=slots[0].code),
            Choice(timed.code, 1, slot=slots[1].code),
            Choice(bundle.code, 1, slot=slots[1].code),
            Choice(optional.code, 2, option=options[0].code),
            Choice(optional.code, 1, option=options[1].code),
        ]

    @property
    def event(self):
        return Event.objects.get(pk=self.house.event.pk)


def differences():
    return [c for c in recount() if c.differs] + [c for c in recount_codes() if c.differs]


indexes = st.integers(min_value=0, max_value=8)
selections = st.lists(indexes, min_size=1, max_size=3, unique=True)
codes = st.sampled_from(["", "", "half"])
steps = st.one_of(
    st.tuples(st.just("reserve"), selections, codes),
    st.tuples(st.just("change"), indexes, selections, codes),
    st.tuples(st.sampled_from(["confirm", "cancel", "fail", "extend", "reacquire"]), indexes),
    st.tuples(st.just("wait"), st.integers(min_value=1, max_value=30)),
    st.tuples(st.just("sweep")),
    st.tuples(st.just("capacity"), st.integers(min_value=0, max_value=25)),
)


class Story:
    def __init__(self, offered, traveller):
        self.offered, self.traveller, self.refusals = offered, traveller, 0

    def selection(self, numbers):
        return [self.offered.choices[number] for number in numbers]

    def reservation(self, number):
        found = list(Reservation.objects.select_related("event").order_by("id"))
        return found[number % len(found)] if found else None

    def tell(self, step):
        name, *facts = step
        with suppress(DomainError):
            getattr(self, name)(*facts)
            return
        self.refusals += 1

    def reserve(self, numbers, code):
        reserve_tickets(self.offered.event, selection=self.selection(numbers), code=code)

    def change(self, number, numbers, code):
        if held := self.reservation(number):
            change_reservation(held, selection=self.selection(numbers), code=code)

    def confirm(self, number):
        if held := self.reservation(number):
            confirm_reservation(held)

    def cancel(self, number):
        if held := self.reservation(number):
            cancel_reservation(held, manually=True)

    def fail(self, number):
        if held := self.reservation(number):
            cancel_reservation(held, manually=False)

    def extend(self, number):
        if held := self.reservation(number):
            with suppress(ReservationOver, AlreadyExtended):
                extend_reservation(held)

    def reacquire(self, number):
        if held := self.reservation(number):
            with transaction.atomic():
                reacquire_reservation(held)

    def wait(self, minutes):
        self.traveller.shift(timedelta(minutes=minutes))

    def sweep(self):
        expire_reservations(at=clock.now())

    def capacity(self, places):
        set_event_capacity(self.offered.event, capacity=places, by=self.offered.house.owner)


def run(kikker, script):
    """The story of one script, and what differed after each step; nothing of it stays."""
    before = transaction.savepoint()
    found = []
    with time_machine.travel(clock.now(), tick=False) as traveller:
        story = Story(Offered(kikker), traveller)
        for step in script:
            story.tell(step)
            if differences():
                found.append((step, differences()))
                break
    transaction.savepoint_rollback(before)
    return found


@given(script=st.lists(steps, min_size=5, max_size=25))
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_counters_equal_rows_after_every_step(kikker, script):
    assert run(kikker, script) == []


@pytest.mark.parametrize(
    ("name", "script"),
    [
        ("release", [("reserve", [0], ""), ("cancel", 0)]),
        ("confirm", [("reserve", [3], ""), ("confirm", 0)]),
        ("give_back", [("reserve", [6], ""), ("confirm", 0), ("cancel", 0)]),
        ("drop_codes", [("reserve", [0], "half"), ("wait", 30), ("sweep",)]),
        ("use_codes", [("reserve", [0], "half"), ("confirm", 0)]),
        ("return_codes", [("reserve", [0], "half"), ("confirm", 0), ("cancel", 0)]),
    ],
)
def test_the_recount_notices_a_counter_that_was_forgotten(kikker, monkeypatch, name, script):
    """Negative control: each kind of change, left out, is found."""
    assert run(kikker, script) == []
    monkeypatch.setattr(stock, name, lambda *_: None)

    assert run(kikker, script) != []


def test_the_check_refuses_what_the_code_would_let_through(kikker):
    """Under the counters stand constraints; each is tried alone."""
    offered = Offered(kikker)
    pool = CapacityPool.objects.get(name="Floor")
    tries = [
        (
            f"UPDATE ticketing_capacitypool SET held = 13 WHERE id = {pool.pk}",
            "pool_never_oversold",
        ),
        (
            f"UPDATE ticketing_capacitypool SET sold = 13 WHERE id = {pool.pk}",
            "pool_never_oversold",
        ),
        (
            f"UPDATE ticketing_capacitypool SET set_aside = 13 WHERE id = {pool.pk}",
            "pool_never_oversold",
        ),
        (f"UPDATE ticketing_capacitypool SET held = -1 WHERE id = {pool.pk}", "held_check"),
        (f"UPDATE ticketing_capacitypool SET sold = -1 WHERE id = {pool.pk}", "sold_check"),
        (f"UPDATE ticketing_capacitypool SET set_aside = -1 WHERE id = {pool.pk}", "aside_check"),
        (f"UPDATE ticketing_capacitypool SET waiting = -1 WHERE id = {pool.pk}", "waiting_check"),
        ("UPDATE ticketing_code SET held = 2, used = 1", "code_never_overused"),
        ("UPDATE ticketing_code SET used = -1", "used_check"),
    ]
    assert offered.choices
    for sql, constraint in tries:
        with (
            pytest.raises(IntegrityError, match=constraint),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(sql)
