"""Small blocks of the journal as few: many of them take several times the memory of their rows."""

from __future__ import annotations

from typing import Final

import msgspec

from footloom.store.columns import concat
from footloom.store.layout import Stream
from footloom.store.segment import Heard

__all__ = ("TOGETHER", "Joining")

TOGETHER: Final = 32


class Joining:
    """Takes blocks one by one; those of one tape and instrument that follow each other become one.

    Parameters
    ----------
    together
        How many at the most; with 1 each stays as it is.
    """

    def __init__(self, together: int = TOGETHER) -> None:
        self._together = together
        self._done: list[Heard] = []
        self._waiting: dict[Stream, list[Heard]] = {}

    def add(self, block: Heard) -> None:
        """Take the next block."""
        blocks = self._waiting.setdefault(block.stream, [])
        if blocks and (len(blocks) >= self._together or blocks[0].instrument is not block.instrument):
            self._done.append(_as_one(blocks))
            blocks.clear()
        blocks.append(block)

    def joined(self) -> list[Heard]:
        """Return what was taken, each tape's in its order; nothing may be added any more."""
        self._done += [_as_one(blocks) for blocks in self._waiting.values()]
        self._waiting.clear()
        return self._done


def _as_one(blocks: list[Heard]) -> Heard:
    if len(blocks) == 1:
        return blocks[0]
    return msgspec.structs.replace(blocks[0], columns=concat([dict(block.columns) for block in blocks]))
