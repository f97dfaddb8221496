"""What was read and is kept for who reads it again: so many bytes, and what was asked for longest ago goes first."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, Protocol, TypeVar

__all__ = ("Kept", "Shelf")


class Kept(Protocol):
    """What is kept under a name; ``size`` bytes of memory."""

    size: int


Name = TypeVar("Name", bound=Hashable)
Thing = TypeVar("Thing", bound=Kept)


class Shelf(Generic[Name, Thing]):
    """Things by their names; safe to call from any thread.

    Parameters
    ----------
    most_bytes
        What is kept at the most.
    new
        Makes the empty place of a name that nobody asked for.
    """

    def __init__(self, most_bytes: int, new: Callable[[], Thing]) -> None:
        self.most_bytes = most_bytes
        self._new = new
        self._things: OrderedDict[Name, Thing] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def held_bytes(self) -> int:
        """Bytes of what is kept."""
        with self._lock:
            return self._held_bytes()

    def place(self, name: Name) -> Thing:
        """Return the place of a name, which is the last now that makes room."""
        with self._lock:
            if name not in self._things:
                self._things[name] = self._new()
            self._things.move_to_end(name)
            return self._things[name]

    def forget(self, is_gone: Callable[[Name], bool]) -> None:
        """Take away what nobody will ask for again."""
        with self._lock:
            for name in [name for name in self._things if is_gone(name)]:
                del self._things[name]

    def make_room(self) -> None:
        """Let go what was asked for longest ago, until the rest fits."""
        with self._lock:
            held = self._held_bytes()
            while held > self.most_bytes and self._things:
                held -= self._things.popitem(last=False)[1].size

    def _held_bytes(self) -> int:
        return sum(one.size for one in self._things.values())
