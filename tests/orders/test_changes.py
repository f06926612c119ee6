"""No order changes in silence: one table names the mail of each change, and nothing goes around it."""

import ast
from pathlib import Path

import pytest

import orders.operations
from orders.changes import _STILL_TRUE, MESSAGES, Change, message_of
from orders.emails import _EMAILS
from orders.history import _titles
from orders.models import DeliveryKind, Order, OrderStatus

OPERATIONS = Path(orders.operations.__file__).parent
# These write the log: one every change, one that a mail went or did not, one what becomes of a ticket.
LOGGERS = {"changing.py", "delivering.py", "replacing.py"}


def functions():
    for path in sorted(OPERATIONS.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef):
                yield path.name, node


def called_by(function):
    return {
        node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        for node in ast.walk(function)
        if isinstance(node, ast.Call)
    }


def sets_status_of_order(function):
    targets = [
        target
        for node in ast.walk(function)
        if isinstance(node, ast.Assign)
        for assigned in node.targets
        for target in (assigned.elts if isinstance(assigned, ast.Tuple) else [assigned])
    ]
    return any(
        isinstance(target, ast.Attribute)
        and target.attr == "status"
        and getattr(target.value, "id", "") == "order"
        for target in targets
    )


def test_every_change_names_its_mail_or_why_it_has_none():
    assert set(MESSAGES) == set(Change)
    assert set(_titles()) == {change.value for change in Change}


def test_every_mail_has_its_words_and_looks_again_before_it_goes():
    assert set(_EMAILS) == set(_STILL_TRUE) == set(DeliveryKind)


def test_the_log_is_written_in_two_places_only():
    writers = {
        name
        for name, function in functions()
        if {"record", "record_all", "entry"} & called_by(function)
    }

    assert writers <= LOGGERS


def test_who_moves_an_order_records_the_change():
    moving = [(name, each) for name, each in functions() if sets_status_of_order(each)]
    assert len(moving) > 4

    silent = [
        f"{name}: {each.name}"
        for name, each in moving
        if not {"record_change", "record_first_changes"} & called_by(each)
    ]
    # `_start` gives a new order its first status; `place_order`, which calls it, records that.
    assert silent == ["placing.py: _start"]


@pytest.mark.parametrize(
    ("status", "kind"),
    [(OrderStatus.OFFLINE_PENDING, DeliveryKind.RECEIVED), (OrderStatus.INITIATED, None)],
)
def test_what_is_told_of_a_new_order_depends_on_how_it_is_paid(status, kind):
    assert message_of(Change.PLACED, Order(organiser_id=1, status=status)) == kind


def test_the_buyer_is_told_of_a_cancellation():
    assert message_of(Change.CANCELED, Order(organiser_id=1)) == DeliveryKind.CANCELED
