"""Many threads at the same moment, each with a connection of its own."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from django.db import connection

from accounts.models import Organiser
from tiqqo.core.tenancy import tenant_scope

# PostgreSQL lets in a hundred connections; more acts than that queue behind each other.
AT_ONCE = 40


def at_once(organiser: Organiser, *acts: Callable[[], Any]) -> Sequence[Any]:
    """What each act returned or raised. All begin together, connected, in the organiser's scope.

    More than AT_ONCE acts share so many connections, each one's acts behind each other.
    """
    threads = min(len(acts), AT_ONCE)
    start = Barrier(threads, timeout=60)

    def run(mine: Sequence[Callable[[], Any]]) -> list[Any]:
        try:
            connection.ensure_connection()
            start.wait()
            with tenant_scope(organiser):
                return [answer_of(act) for act in mine]
        finally:
            connection.close()

    shares = [acts[first::threads] for first in range(threads)]
    with ThreadPoolExecutor(threads) as pool:
        answers = list(pool.map(run, shares))
    return [answers[number % threads][number // threads] for number in range(len(acts))]


def answer_of(act: Callable[[], Any]) -> Any:
    try:
        return act()
    except Exception as error:  # noqa: BLE001  the race is about who fails how
        return error
