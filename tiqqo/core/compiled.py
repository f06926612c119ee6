"""Queries whose SQL is made once.

Django builds the SQL of a QuerySet anew each time it is asked. Where rows are wide or joined that takes
several times as long as PostgreSQL takes to answer, which shows where a query is part of every purchase
(docs/performance.md). A `Compiled` query is a QuerySet with a `Param` wherever a value comes with the
call; its SQL is made when it is first asked.

    find_event = Compiled(Event, lambda rows: rows.filter(slug=Param("slug")))
    event = find_event.first(slug=slug)

`Insert` does the same for new rows.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections, models
from django.db.models.query import get_related_populators
from django.db.transaction import TransactionManagementError

from tiqqo.core.models import TenantManager, refuse_outside_of_scopes
from tiqqo.core.tenancy import current_scope

M = TypeVar("M", bound=models.Model)
Rows = models.QuerySet[M]

_ORGANISER = "organiser_id"


class Param(models.Expression):
    """A value that each call brings, by name."""

    def __init__(self, name: str, adapt: Callable[[Any], Any] | None = None) -> None:
        super().__init__(output_field=models.Field())
        self.name = name
        self._adapt = adapt

    def adapted(self, adapt: Callable[[Any], Any]) -> "Param":
        """The same value in another form: for a lookup that compares with more than the value itself."""
        return Param(self.name, adapt)

    def value_of(self, known: Mapping[str, Any]) -> Any:
        """What the statement is given."""
        value = known[self.name]
        return self._adapt(value) if self._adapt else value

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        return "%s", [self]


@dataclass(frozen=True, slots=True)
class _Made:
    """The SQL, and how its rows become objects."""

    sql: str
    params: tuple[Any, ...]
    converters: Mapping[int, tuple[Sequence[Callable[..., Any]], Any]]
    own_columns: slice
    names: Sequence[str]
    populators: Sequence[Any]
    locks: bool


class Compiled(Generic[M]):
    """A query for objects of one model, with those it joins by `select_related`.

    What a `TenantManager` promises holds: rows of the current scope only, and an error outside of any.
    """

    def __init__(self, model: type[M], build: Callable[[Rows[M]], Rows[M]]) -> None:
        self._model = model
        self._build = build
        self._made: dict[bool, _Made] = {}

    def all(self, **values: Any) -> list[M]:
        """Every row for these values of the query's Params. Raises ScopeMissing."""
        scope_values, is_scoped = self._scope()
        made = self._made.get(is_scoped) or self._make(is_scoped)
        connection = connections[DEFAULT_DB_ALIAS]
        if made.locks and connection.get_autocommit():
            raise TransactionManagementError("A query that locks rows needs a transaction.")
        known = {**values, **scope_values}
        params = [p.value_of(known) if isinstance(p, Param) else p for p in made.params]
        with connection.cursor() as cursor:
            cursor.execute(made.sql, params)
            rows = cursor.fetchall()
        return [self._object(made, list(row), connection) for row in rows]

    def first(self, **values: Any) -> M | None:
        """The first row, or None."""
        return next(iter(self.all(**values)), None)

    def get(self, **values: Any) -> M:
        """The first row. Raises DoesNotExist."""
        found = self.first(**values)
        if found is None:
            raise self._model.DoesNotExist  # type: ignore[attr-defined]
        return found

    def _scope(self) -> tuple[dict[str, Any], bool]:
        """The organiser whose rows are asked for, and whether there is one."""
        if not isinstance(self._model._default_manager, TenantManager):
            return {}, False
        scope = current_scope()
        refuse_outside_of_scopes(self._model, scope)
        return {_ORGANISER: scope.organiser_id}, scope.organiser_id is not None

    def _make(self, is_scoped: bool) -> _Made:
        rows: Rows[M] = models.Manager.get_queryset(self._model._default_manager)
        if is_scoped:
            rows = rows.filter(organiser_id=Param(_ORGANISER))
        compiler: Any = self._build(rows).query.get_compiler(DEFAULT_DB_ALIAS)
        sql, params = compiler.as_sql()
        assert not compiler.annotation_col_map, "a compiled query has no annotations"
        columns = [column for column, _sql, _alias in compiler.select]
        own = compiler.klass_info["select_fields"]
        own_columns = slice(own[0], own[-1] + 1)
        made = _Made(
            sql=sql,
            params=tuple(params),
            converters=compiler.get_converters(columns),
            own_columns=own_columns,
            names=[column.target.attname for column in columns[own_columns]],
            populators=get_related_populators(  # type: ignore[call-arg]  # the stubs are ahead
                compiler.klass_info, compiler.select, DEFAULT_DB_ALIAS
            ),
            locks=compiler.query.select_for_update,
        )
        self._made[is_scoped] = made
        return made

    def _object(self, made: _Made, row: list[Any], connection: Any) -> M:
        for position, (converters, expression) in made.converters.items():
            for convert in converters:
                row[position] = convert(row[position], expression, connection)
        found = self._model.from_db(DEFAULT_DB_ALIAS, made.names, row[made.own_columns])
        for populator in made.populators:
            populator.populate(row, found)
        return found


class Insert(Generic[M]):
    """New rows of a model, written with SQL that is made once for each number of rows.

    As `bulk_create`: no signals, and each object has its key afterwards. Raises ScopeMissing.
    """

    def __init__(self, model: type[M]) -> None:
        self._model = model
        self._fields = [
            field
            for field in model._meta.concrete_fields
            if not (field.generated or isinstance(field, models.AutoField))
        ]
        self._sql: dict[int, str] = {}

    def __call__(self, rows: Sequence[M]) -> list[M]:
        """The rows are there."""
        if not rows:
            return []
        if isinstance(self._model._default_manager, TenantManager):
            refuse_outside_of_scopes(self._model, current_scope())
        connection = connections[DEFAULT_DB_ALIAS]
        values = [
            field.get_db_prep_save(field.pre_save(row, add=True), connection)
            for row in rows
            for field in self._fields
        ]
        with connection.cursor() as cursor:
            cursor.execute(self._sql.get(len(rows)) or self._make(len(rows), connection), values)
            keys = [key for (key,) in cursor.fetchall()]
        for row, key in zip(rows, keys, strict=True):
            row.pk = key
            row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS  # noqa: SLF001  as bulk_create does
        return list(rows)

    def _make(self, count: int, connection: Any) -> str:
        quote = connection.ops.quote_name
        meta = self._model._meta
        assert meta.pk is not None
        columns = ", ".join(quote(field.column) for field in self._fields)
        one = ", ".join(
            field.get_placeholder(None, None, connection)
            if hasattr(field, "get_placeholder")
            else "%s"
            for field in self._fields
        )
        many = ", ".join([f"({one})"] * count)
        self._sql[count] = (
            f"INSERT INTO {quote(meta.db_table)} ({columns}) VALUES {many}"  # noqa: S608
            f" RETURNING {quote(meta.pk.column)}"
        )
        return self._sql[count]
