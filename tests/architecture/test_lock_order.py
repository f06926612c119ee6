"""All tests of what is sold and ordered watch the order of locks; here is that they would notice."""

from contextlib import suppress

import pytest
from django.db import transaction

from orders.models import Order
from orders.operations import cancel_order
from tests.lock_order import watched
from ticketing.models import CapacityPool, Reservation

pytestmark = pytest.mark.django_db


@transaction.atomic
def pool_before_order(order):
    list(CapacityPool.objects.select_for_update(of=("self",)))
    Order.objects.select_for_update(of=("self",)).get(pk=order.pk)


def test_an_operation_that_locks_a_pool_before_an_order_is_noticed(kikker):
    with kikker.scope():
        order = kikker.place_free()
        with watched() as seen:
            pool_before_order(order)

    assert [sentence.split(":")[0] for sentence in seen.wrong] == [
        "orders_order after ticketing_capacitypool"
    ]


def test_operations_of_one_test_are_transactions_of_their_own(kikker):
    with kikker.scope(), watched() as seen:
        order = kikker.place_free()
        cancel_order(order, by=kikker.owner)
        kikker.place_free()

    assert len(seen._held) > 0
    assert seen.wrong == []


def test_what_was_locked_since_a_savepoint_is_free_again_after_it(kikker):
    class GivenUp(Exception):
        pass

    with kikker.scope():
        hold = kikker.reserve(free=1)
        with watched() as seen, transaction.atomic():
            with suppress(GivenUp), transaction.atomic():
                list(CapacityPool.objects.select_for_update(of=("self",)))
                raise GivenUp
            Reservation.objects.select_for_update(of=("self",)).get(pk=hold.pk)

    assert seen.wrong == []


def test_a_row_that_is_held_is_not_waited_for_again(kikker):
    with kikker.scope():
        hold = kikker.reserve(free=1)
        rows = Reservation.objects.select_for_update(of=("self",))
        with watched() as seen, transaction.atomic():
            rows.get(pk=hold.pk)
            list(CapacityPool.objects.select_for_update(of=("self",)))
            rows.get(pk=hold.pk)

    assert seen.wrong == []
