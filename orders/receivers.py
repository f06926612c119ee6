"""Reactions to what the apps below announce; each only enqueues."""

from typing import Any

from ticketing import facts
from tiqqo.core.tasks import after_commit
from tiqqo.core.tenancy import tenant_scope


def tell_on_waitlist(*, entry_id: int, organiser_id: int, **_: Any) -> None:
    with tenant_scope(organiser_id):
        after_commit("orders.tasks.tell_on_waitlist", entry_id)


def ask_to_confirm_place(*, request_id: int, organiser_id: int, **_: Any) -> None:
    with tenant_scope(organiser_id):
        after_commit("orders.tasks.ask_to_confirm_place", request_id)


def connect() -> None:
    facts.place_requested.connect(ask_to_confirm_place, dispatch_uid="ask_to_confirm_place")
    facts.waitlist_moved.connect(tell_on_waitlist, dispatch_uid="tell_on_waitlist")
