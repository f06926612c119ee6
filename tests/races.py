"""Many threads at the same moment, each with a connection of its own."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from django.db import connection

from accounts.models import Organiser
from tiqqo.core.tenancy import tenant_scope


def at_once(organiser: Organiser, *acts: Callable[[], Any]) -> Sequence[Any]:
    """What each act returned or raised. All begin together, connected, in the organiser's scope."""
    start = Barrier(len(acts), timeout=60)

    def run(act: Callable[[], Any]) -> Any:
        try:
            connection.ensure_connection()
            start.wait()
            with tenant_scope(organiser):
                return act()
        except Exception as error:  # noqa: BLE001  the race is about who fails how
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as threads:
        return list(threads.map(run, acts))
