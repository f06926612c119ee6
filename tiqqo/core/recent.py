"""What a process remembers of late, within bounds: so many things, and so many bytes of them in all.

A number alone is no bound where strangers say how large a thing is.
"""

from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Recent(Generic[Key, Value]):
    """The oldest is forgotten where there are too many, or too much. What is too large is never kept."""

    def __init__(self, *, most: int, most_bytes: int) -> None:
        self._most, self._most_bytes = most, most_bytes
        # Oldest first, with the bytes of each.
        self._things: OrderedDict[Key, tuple[Value, int]] = OrderedDict()
        self._lock = Lock()
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._things)

    def __contains__(self, key: Key) -> bool:
        return key in self._things

    def get(self, key: Key) -> Value | None:
        found = self._things.get(key)
        return found[0] if found else None

    def keep(self, key: Key, value: Value, size: int) -> list[Key]:
        """It is remembered as the newest; the keys of what is forgotten for it."""
        with self._lock:
            self._drop(key)
            if size > self._most_bytes:
                return [key]
            self._things[key] = (value, size)
            self.bytes += size
            forgotten = []
            while len(self._things) > self._most or self.bytes > self._most_bytes:
                forgotten.append(next(iter(self._things)))
                self._drop(forgotten[-1])
            return forgotten

    def clear(self) -> None:
        with self._lock:
            self._things.clear()
            self.bytes = 0

    def _drop(self, key: Key) -> None:
        _value, size = self._things.pop(key, (None, 0))
        self.bytes -= size
