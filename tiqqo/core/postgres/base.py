"""PostgreSQL, with the current tenant scope pushed to the connection before it is used.

The scope travels lazily: one `set_config` when the scope or the connection changed, none otherwise.
Whatever could leave the two out of step (a new or pooled connection, a rollback, which PostgreSQL
applies to settings too) marks the connection's scope unknown, so that the next statement sets it.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db.backends.postgresql import base
from psycopg.pq import TransactionStatus

from tiqqo.core.postgres.roles import as_owner
from tiqqo.core.rls import ORGANISER_SETTING, PLATFORM_SETTING, USER_SETTING
from tiqqo.core.tenancy import Scope, current_scope

_PUSH = (
    f"SELECT set_config('{ORGANISER_SETTING}', %s, false),"
    f" set_config('{USER_SETTING}', %s, false),"
    f" set_config('{PLATFORM_SETTING}', %s, false)"
)

# A connection that answered so lately is not asked whether it is alive before the next request.
SURE_FOR_SECONDS = 1.0


class DatabaseWrapper(base.DatabaseWrapper):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.pushed_scope: Scope | None = None
        self.answered_at = float("-inf")
        self.execute_wrappers.append(self._push_scope)

    def _push_scope(
        self,
        execute: Callable[..., Any],
        sql: str,
        params: Any,
        many: bool,
        context: dict[str, Any],
    ) -> Any:
        scope = current_scope()
        # A failed transaction takes nothing but its rollback, after which the scope is unknown.
        if scope != self.pushed_scope and not self._is_failed():
            with self.wrap_database_errors:
                self.connection.execute(
                    _PUSH,
                    (
                        "" if scope.organiser_id is None else str(scope.organiser_id),
                        "" if scope.user_id is None else str(scope.user_id),
                        "on" if scope.is_platform else "",
                    ),
                )
            self.pushed_scope = scope
        answer = execute(sql, params, many, context)
        self.answered_at = time.monotonic()
        return answer

    def is_usable(self) -> bool:
        """Whether the connection answers; after an error it is asked in any case."""
        is_sure = time.monotonic() - self.answered_at < SURE_FOR_SECONDS
        return (is_sure and not self.errors_occurred) or super().is_usable()

    def _is_failed(self) -> bool:
        return bool(self.connection.info.transaction_status == TransactionStatus.INERROR)

    @contextmanager
    def _nodb_cursor(self) -> Iterator[Any]:
        """For making and dropping the databases of tests, which is the owner's business."""
        with as_owner(self), super()._nodb_cursor() as cursor:
            yield cursor

    def init_connection_state(self) -> None:
        self.pushed_scope = None
        super().init_connection_state()

    def _rollback(self) -> Any:
        self.pushed_scope = None
        return super()._rollback()  # type: ignore[misc]

    def _savepoint_rollback(self, sid: str) -> None:
        super()._savepoint_rollback(sid)  # type: ignore[misc]
        self.pushed_scope = None

    def _close(self) -> Any:
        """Give the connection up; a pooled one forgets its scope first."""
        connection, self.pushed_scope = self.connection, None
        if self.pool and connection is not None and not connection.closed:
            connection.rollback()
            connection.execute(_PUSH, ("", "", ""))
            connection.commit()
        return super()._close()  # type: ignore[misc]
