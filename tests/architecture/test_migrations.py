"""Migrations that the release before can live with, and that lose nothing when they are reversed."""

import pytest
from django.db import migrations, models
from django.db.migrations.state import ProjectState

from devtools.migration_rules import problems_of, problems_since_release
from tiqqo.core.migration_reversal import KeepData


def migration(*operations, keeps=True, **attributes):
    made = migrations.Migration("0009_new", "orders")
    made.operations = [*operations, *([KeepData({})] if keeps else [])]
    for name, value in attributes.items():
        setattr(made, name, value)
    return made


def problems(*operations, **options):
    """Of a migration on a table of orders that the release before knows."""
    state = ProjectState()
    released = migrations.CreateModel(
        "Order",
        [
            ("id", models.BigAutoField(primary_key=True)),
            ("colour", models.CharField(max_length=20, null=True)),
            ("size", models.IntegerField(default=0)),
        ],
    )
    released.state_forwards("orders", state)
    return problems_of(migration(*operations, **options), state, set())


def test_migrations_since_the_last_release_leave_room_for_its_code():
    assert problems_since_release() == []


@pytest.mark.parametrize(
    ("operation", "reason"),
    [
        (migrations.AddField("order", "note", models.TextField(default="")), "cannot fill it"),
        (migrations.RemoveField("order", "colour"), "still uses it"),
        (migrations.RenameField("order", "colour", "tint"), "still uses it"),
        (migrations.RenameModel("Order", "Purchase"), "still uses it"),
        (migrations.DeleteModel("Order"), "still uses it"),
        (
            migrations.AlterField("order", "colour", models.CharField(max_length=20)),
            "leaves it empty",
        ),
        (
            migrations.AlterField("order", "colour", models.CharField(max_length=5, null=True)),
            "longer values",
        ),
        (
            migrations.AlterField("order", "colour", models.CharField(max_length=40, null=True)),
            "cached plan must not change",
        ),
        (migrations.AlterField("order", "size", models.TextField(default="")), "rewrites"),
        (
            migrations.AddIndex("order", models.Index(fields=["size"], name="order_size")),
            "AddIndexConcurrently",
        ),
        (
            migrations.AddField(
                "order", "parent", models.ForeignKey("self", models.CASCADE, null=True)
            ),
            "AddIndexConcurrently",
        ),
        (
            migrations.AddConstraint(
                "order", models.UniqueConstraint(fields=["size"], name="order_size_once")
            ),
            "may write what it forbids",
        ),
        (migrations.RunSQL("UPDATE orders_order SET size = 1"), "cannot be judged"),
        (
            migrations.SeparateDatabaseAndState([migrations.RemoveField("order", "colour")], []),
            "still uses it",
        ),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else "",
)
def test_what_the_release_before_cannot_live_with_is_found(operation, reason):
    [problem] = problems(operation)

    assert problem.startswith("orders.0009_new: ") and reason in problem


@pytest.mark.parametrize(
    "operation",
    [
        migrations.AddField("order", "note", models.TextField(null=True)),
        migrations.AddField("order", "note", models.TextField(default="", db_default="")),
        migrations.CreateModel("Sticker", [("id", models.BigAutoField(primary_key=True))]),
    ],
)
def test_what_only_adds_is_fine(operation):
    assert problems(operation) == []


def test_table_that_is_made_in_the_same_release_may_be_changed_freely():
    assert (
        problems(
            migrations.CreateModel("Sticker", [("id", models.BigAutoField(primary_key=True))]),
            migrations.AddField("sticker", "text", models.TextField(default="")),
        )
        == []
    )


def test_exception_is_declared_with_its_reason_and_only_where_it_is_needed():
    removal = migrations.RemoveField("order", "colour")
    name = "RemoveField order.colour"

    assert problems(removal, safe_while_serving={name: "nobody reads it since May"}) == []
    assert problems(removal, safe_while_serving={name: ""}) != []
    [needless] = problems(safe_while_serving={name: "nobody reads it since May"})
    assert "needs no exception" in needless


def test_new_column_must_say_what_going_back_would_lose():
    column = migrations.AddField("order", "note", models.TextField(null=True))

    [problem] = problems(column, keeps=False)
    assert "what going back would lose" in problem
    assert problems(column, keeps=False, reversal_loses={"orders_order.note": "a cache"}) == []
