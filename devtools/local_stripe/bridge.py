"""The one place that knows how localstripe is made inside.

localstripe keeps every object in one dictionary (`store`) that it pickles to a fixed path after each change, and
sends webhooks through one function. Both are replaced here from outside: `Keeper` persists the dictionary to our own
directory, and `on_event` is called for each event, ours or localstripe's.
"""

from __future__ import annotations

import logging
import pickle
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

with warnings.catch_warnings():
    # localstripe registers plain functions as handlers, which aiohttp warns about.
    warnings.simplefilter("ignore", DeprecationWarning)
    from localstripe import resources  # type: ignore[import-untyped]
    from localstripe import server as localstripe_server
from localstripe.errors import UserError  # type: ignore[import-untyped]

logger = logging.getLogger(__name__)

store: dict[str, Any] = resources.store
# It would write /tmp/localstripe.pickle at each change; this must be off before the first object is made.
resources.store.dump_to_disk = lambda: None

StripeObject = resources.StripeObject
List = resources.List
unflatten = localstripe_server.unflatten_data
random_id = resources.random_id


def v1_routes() -> Iterator[tuple[str, str, Any]]:
    """localstripe's API routes as (method, path, handler), in its order; HEAD comes with GET."""
    for route in localstripe_server.app.router.routes():
        path = route.resource.canonical
        if path.startswith("/v1/") and route.method != "HEAD":
            yield route.method, path, route.handler


def on_event(accept: Callable[[Any], None]) -> None:
    """Send every event that is created from now on to `accept` instead of localstripe's own sender."""
    resources.schedule_webhook = accept


class Clock:
    """This server's notion of now, which a test may set apart from the machine's."""

    offset_seconds = 0

    def time(self) -> float:
        return time.time() + self.offset_seconds


clock = Clock()
# localstripe only asks its `time` module for `time.time()`.
resources.time = clock


def now() -> int:
    """The current time as Stripe writes it."""
    return int(clock.time())


def publish(event: Any) -> None:
    resources.schedule_webhook(event)


def all_of(kind: str) -> list[Any]:
    """Every stored object of a kind, oldest first."""
    prefix = f"{kind}:"
    return [value for key, value in store.items() if key.startswith(prefix)]


def find(kind: str, object_id: str) -> Any | None:
    return store.get(f"{kind}:{object_id}")


def export(obj: Any, expand: list[str] | None = None) -> dict[str, Any]:
    """The object as JSON-ready values, with the properties named in `expand` filled in as Stripe does."""
    exported: dict[str, Any] = obj._export(expand=expand)
    return exported


def expanded(exported: dict[str, Any], expand: list[str] | None) -> dict[str, Any]:
    for path in expand or []:
        if path.count(".") > 3:
            raise UserError(400, "You cannot expand more than 4 levels of a property")
        _expand(exported, path, whole=path)
    return exported


def _expand(node: Any, path: str, *, whole: str) -> None:
    if isinstance(node, list):
        for item in node:
            _expand(item, path, whole=whole)
        return
    name, _, rest = path.partition(".")
    if not isinstance(node, dict) or name not in node:
        raise UserError(400, f"This property cannot be expanded ({whole}).")
    if isinstance(node[name], str):
        cls = StripeObject._get_class_for_id(node[name])
        if cls is None:
            raise UserError(400, f"This property cannot be expanded ({whole}).")
        node[name] = cls._api_retrieve(node[name])._export()
    if rest and node[name] is not None:
        _expand(node[name], rest, whole=whole)


class Keeper:
    """Persists the store to one file, replaced atomically.

    A small state, about a hundred purchases, is written before the answer leaves, so that even a killed server
    forgets nothing. A bigger one is written in the background, at most every `_SPACING` times what writing costs, so
    that saving takes no more than a few percent; killing the server then loses the last moments.
    """

    _SMALL = 1000
    _SPACING = 25

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._path = directory / "state.pickle"
        self._dirty = False
        self._cost = 0.0
        self._saved_at = 0.0

    def load(self) -> None:
        if not self._path.exists():
            return
        try:
            kept = pickle.loads(self._path.read_bytes())  # noqa: S301 - our own file
        except (pickle.UnpicklingError, AttributeError, ImportError, EOFError) as error:
            aside = self._path.with_suffix(".unreadable")
            self._path.replace(aside)
            logger.warning(
                "Saved state cannot be read (%s); moved to %s, starting empty.", error, aside
            )
            return
        store.clear()
        store.update(kept)

    def touch(self) -> None:
        """Something changed that may wait for the next beat."""
        self._dirty = True

    def changed(self) -> None:
        """Something changed that the caller is about to be told of."""
        self._dirty = True
        if len(store) <= self._SMALL:
            self.save()

    def save_if_due(self) -> None:
        if self._dirty and time.monotonic() - self._saved_at >= self._cost * self._SPACING:
            self.save()

    def save(self) -> None:
        if not self._dirty:
            return
        started = time.monotonic()
        fresh = self._path.with_suffix(".new")
        with fresh.open("wb") as file:
            pickle.dump(dict(store), file, protocol=pickle.HIGHEST_PROTOCOL)
        fresh.replace(self._path)
        self._dirty = False
        self._saved_at = time.monotonic()
        self._cost = self._saved_at - started
