"""Whose rows may be seen now.

A scope is entered once at each edge (URL, webhook, task) and holds for everything below it.
The ORM refuses tenant queries outside of one (`models.TenantManager`), and PostgreSQL compares
every tenant row with the scope that the connection carries (`rls.RowLevelSecurity`,
`postgres.base.DatabaseWrapper`).
"""

import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Protocol

logger = logging.getLogger(__name__)


class Tenant(Protocol):
    @property
    def pk(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Scope:
    """What the current work may see: one organiser, one user's own memberships, or the platform."""

    organiser_id: int | None = None
    user_id: int | None = None
    is_platform: bool = False


NOTHING = Scope()
_current: ContextVar[Scope] = ContextVar("tenant_scope", default=NOTHING)


class ScopeMissing(RuntimeError):
    """A tenant's rows were asked for without saying which tenant: a programming error."""


def current_scope() -> Scope:
    return _current.get()


def current_organiser_id() -> int:
    """The organiser of the current scope; the default of every tenant row's `organiser`."""
    organiser_id = _current.get().organiser_id
    if organiser_id is None:
        raise ScopeMissing("Enter tenant_scope(organiser) before making tenant rows.")
    return organiser_id


@contextmanager
def _entered(scope: Scope) -> Iterator[None]:
    token = _current.set(scope)
    try:
        yield
    finally:
        _current.reset(token)


def tenant_scope(organiser: Tenant | int | None) -> AbstractContextManager[None]:
    """Everything inside sees the rows of this organiser and of nobody else.

    Raises ScopeMissing for None: a row without an organiser is no permission to look around.
    """
    if organiser is None:
        raise ScopeMissing("There is no organiser to enter the scope of.")
    organiser_id = organiser if isinstance(organiser, int) else organiser.pk
    return _entered(Scope(organiser_id=organiser_id))


def user_scope(user_id: int) -> AbstractContextManager[None]:
    """Everything inside sees this user's own memberships, across organisers, and no other rows."""
    return _entered(Scope(user_id=user_id))


@contextmanager
def platform_scope(reason: str) -> Iterator[None]:
    """Everything inside sees all organisers' rows. Each use is logged with its reason."""
    logger.info("tenancy.platform_scope", extra={"reason": reason})
    with _entered(Scope(is_platform=True)):
        yield
