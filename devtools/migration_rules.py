"""Expand, then contract: what a migration may do while the release before still serves.

An upgrade migrates first and swaps processes afterwards, so for a while the old code writes into the
new schema. In one release a migration therefore only adds: columns that may be empty or have a default
in the database (`db_default`), tables, indexes without a lock. What is taken away, renamed or made
stricter waits for the release after, when no serving code knows it any more.

Held to this is every migration after those that `previous_release.toml` lists. An exception is
declared on the migration, by what is reported here and with the reason:

    class Migration(migrations.Migration):
        safe_while_serving = {"RemoveField order.colour": "the release before does not read it any more"}

A migration that makes columns or tables also says what going back would lose: with `KeepData` at the end
of its operations (tiqqo/core/migration_reversal.py), or with `reversal_loses`.
"""

import tomllib
from collections.abc import Iterator

from django.db import models
from django.db.migrations import Migration
from django.db.migrations import operations as ops
from django.db.migrations.graph import MigrationGraph
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models.fields import NOT_PROVIDED

from devtools.paths import REPOSITORY
from tiqqo.core.migration_reversal import KeepData

NAMED_IN = REPOSITORY / "devtools" / "previous_release.toml"
# They grow with every sale: making an index on them takes long, and a plain one locks out writers.
BIG = {
    "checkin.admission",
    "core.auditentry",
    "orders.delivery",
    "orders.order",
    "orders.orderline",
    "orders.payment",
    "orders.providerevent",
    "orders.ticket",
    "payouts.ledgerentry",
    "payouts.posting",
    "people.contact",
    "people.person",
    "ticketing.reservation",
    "ticketing.reservationline",
}
TAKEN_AWAY = (
    ops.RemoveField,
    ops.RenameField,
    ops.RenameModel,
    ops.DeleteModel,
    ops.AlterModelTable,
)
OPAQUE = (ops.RunSQL, ops.RunPython)


def problems_since_release() -> list[str]:
    """A sentence for everything in a migration after the release before that breaks a rule."""
    exempt = set(tomllib.loads(NAMED_IN.read_text())["migrations"].items())
    graph = MigrationLoader(None).graph
    return problems_after(graph, exempt)


def problems_after(graph: MigrationGraph, exempt: set[tuple[str, str]]) -> list[str]:
    """The same of a graph of migrations, without those that lead to the exempt ones."""
    released = {key for last in exempt if last in graph.nodes for key in graph.forwards_plan(last)}
    ours = {app for app, _name in exempt}
    order: list[tuple[str, str]] = []
    for leaf in sorted(graph.leaf_nodes()):
        order += [key for key in graph.forwards_plan(leaf) if key not in order]

    state, new_models, problems = ProjectState(), set[str](), []
    for key in order:
        migration = graph.nodes[key]
        # An app that the release before did not have is new as a whole, unless it is not ours.
        is_checked = key not in released and (key[0] in ours or _is_in_repository(migration))
        if is_checked:
            problems += problems_of(migration, state.clone(), new_models)
        state = migration.mutate_state(state, preserve=False)
    return problems


def problems_of(migration: Migration, state: ProjectState, new_models: set[str]) -> list[str]:
    """What the migration does that the serving code cannot live with; `state` is moved beyond it.

    `new_models` are those that no released code knows, and grows by what is made here.
    """
    name = f"{migration.app_label}.{migration.name}"
    declared: dict[str, str] = getattr(migration, "safe_while_serving", {})
    found: list[tuple[str, str]] = []
    app = migration.app_label
    makes_room_for_data = False
    for whole in migration.operations:
        for operation in _in_the_database(whole):
            if isinstance(operation, ops.CreateModel):
                new_models.add(f"{app}.{operation.name.lower()}")
            makes_room_for_data |= isinstance(operation, ops.CreateModel | ops.AddField)
            label = _model_of(operation, app)
            if label not in new_models or isinstance(operation, OPAQUE):
                found += [(_called(operation), why) for why in _faults(operation, state, label)]
        whole.state_forwards(app, state)

    problems = [f"{name}: {what}: {why}" for what, why in found if not declared.get(what)]
    unknown = declared.keys() - {what for what, _why in found}
    problems += [
        f"{name}: safe_while_serving names {what}, which needs no exception"
        for what in sorted(unknown)
    ]
    keeps = any(isinstance(operation, KeepData) for operation in migration.operations[-1:])
    if makes_room_for_data and not keeps and not hasattr(migration, "reversal_loses"):
        problems.append(
            f"{name}: say what going back would lose: KeepData as its last operation, or reversal_loses"
        )
    return problems


def _in_the_database(operation: Operation) -> Iterator[Operation]:
    """What the operation does there, one by one."""
    if isinstance(operation, ops.SeparateDatabaseAndState):
        for part in operation.database_operations:
            yield from _in_the_database(part)
    else:
        yield operation


def _model_of(operation: Operation, app: str) -> str:
    name = getattr(operation, "model_name", "") or getattr(operation, "name", "") or ""
    return f"{app}.{name.lower()}"


def _called(operation: Operation) -> str:
    """How an exception names the operation: `AddField order.colour`."""
    kind = type(operation).__name__
    model = getattr(operation, "model_name", "")
    thing = (
        getattr(operation, "name", "")
        or getattr(operation, "old_name", "")
        or getattr(getattr(operation, "constraint", None), "name", "")
        or getattr(getattr(operation, "index", None), "name", "")
    )
    return f"{kind} {'.'.join(part for part in (model, thing) if part)}".strip()


def _faults(operation: Operation, state: ProjectState, label: str) -> Iterator[str]:
    if isinstance(operation, TAKEN_AWAY):
        yield "the release before still uses it: take it away in the release after"
    elif isinstance(operation, ops.AddField):
        yield from _faults_of_new_field(operation.field, label)
    elif isinstance(operation, ops.AlterField):
        app, _, model = label.partition(".")
        before = state.models[app, model].fields[operation.name]
        yield from _faults_of_changed_field(before, operation.field, label)
    elif type(operation) is ops.AddIndex and label in BIG:
        yield "locks out writers while it is made: use AddIndexConcurrently in a migration with atomic = False"
    elif type(operation) is ops.AddConstraint:
        yield from _faults_of_constraint(operation.constraint, label)
    elif isinstance(operation, OPAQUE):
        yield "cannot be judged: say why the release before can live with it, and how long it locks"


def _faults_of_new_field(field: models.Field, label: str) -> Iterator[str]:
    if field.many_to_many or field.generated:
        return
    if not field.null and field.db_default is NOT_PROVIDED:
        yield "the release before cannot fill it: null=True or db_default"
    if (field.db_index or field.unique) and label in BIG:
        yield (
            "its index locks out writers while it is made: db_index=False, and AddIndexConcurrently "
            "in a migration of its own"
        )


def _faults_of_changed_field(
    before: models.Field, after: models.Field, label: str
) -> Iterator[str]:
    if before.null and not after.null:
        yield "the release before still leaves it empty: make it NOT NULL in the release after"
    if (
        before.db_default is not NOT_PROVIDED
        and after.db_default is NOT_PROVIDED
        and not after.null
    ):
        yield "the release before still counts on the default in the database"
    if before.get_internal_type() != after.get_internal_type():
        yield "rewrites the table under a lock: add another column instead"
    elif (before.max_length or 0) > (after.max_length or before.max_length or 0):
        yield "the release before still writes longer values"
    elif (before.max_length or 0) < (after.max_length or 0):
        yield (
            "a column whose type changes breaks the statements that serving processes have prepared "
            "(cached plan must not change result type): add another column instead"
        )
    if before.db_column != after.db_column:
        yield "the release before still uses the old name of the column"
    is_indexed_anew = (after.db_index or after.unique) and not (before.db_index or before.unique)
    if is_indexed_anew and label in BIG:
        yield "its index locks out writers while it is made: use AddIndexConcurrently"


def _faults_of_constraint(constraint: models.BaseConstraint, label: str) -> Iterator[str]:
    if isinstance(constraint, models.CheckConstraint | models.UniqueConstraint):
        yield (
            "the release before may write what it forbids, and checking all rows locks the table: say "
            "why it cannot, and for a check use AddConstraintNotValid, then ValidateConstraint"
        )


def _is_in_repository(migration: Migration) -> bool:
    module = migration.__module__.partition(".")[0]
    return (REPOSITORY / module).is_dir()
