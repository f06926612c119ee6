"""What happens some time later by itself, as Stripe's test cards for refunds and disputes have it."""

from __future__ import annotations

from typing import Any

from . import bridge

_AFTER_SECONDS = 5


class Waiting:
    """Objects that something will happen to, `after_seconds` after it was decided; never where that is None.

    An object that waits has `_due_from`, kept with it, and `_come_due`, which is called once.
    """

    def __init__(self) -> None:
        self.after_seconds: int | None = _AFTER_SECONDS
        self._keys: set[str] = set()

    def restore(self) -> None:
        """Take up again what waited when the state was saved."""
        self._keys = {
            f"{kind}:{obj.id}"
            for kind in ("charge", "refund")
            for obj in bridge.all_of(kind)
            if getattr(obj, "_due_from", None) is not None
        }

    def add(self, obj: Any) -> None:
        obj._due_from = bridge.now()
        self._keys.add(f"{obj.object}:{obj.id}")

    def remove(self, obj: Any) -> None:
        """It happened in another way."""
        obj._due_from = None
        self._keys.discard(f"{obj.object}:{obj.id}")

    def come_due(self) -> bool:
        """Let everything happen that is due; whether anything did."""
        if self.after_seconds is None:
            return False
        latest = bridge.now() - self.after_seconds
        due = [obj for key in self._keys if (obj := bridge.store[key])._due_from <= latest]
        for obj in due:
            self.remove(obj)
            obj._come_due()
        return bool(due)


waiting = Waiting()
