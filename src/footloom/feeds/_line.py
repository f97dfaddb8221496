"""Rows that wait for the journal, in order, and what memory they take."""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Iterable, Iterator, Sequence

from footloom.core.instrument import Instrument
from footloom.core.messages import Gap
from footloom.core.series import Series
from footloom.core.snapshots import Snapshots
from footloom.core.trades import Trades
from footloom.errors import StoreError
from footloom.store.columns import Columns, block_of, columns_of, concat, form_of

__all__ = ("Item", "Line", "halves_of", "size_of")

Item = tuple[Trades | Snapshots | Series, Sequence[Gap]]

_ITEM_BYTES = 2_000  # what a block takes beside its rows: a commit of one row has a dozen arrays
_MOST_ITEMS = 1_024
_JOINED_ROWS = 16_384
_FEW_ROWS = 16  # what a refusal may take with it


def size_of(item: Item) -> int:
    """Return the bytes that a block takes, about."""
    return len(item[0]) * _row_bytes(item[0].tape) + _ITEM_BYTES


@functools.lru_cache(maxsize=256)
def _row_bytes(tape: str) -> int:
    return sum(dtype.itemsize for dtype in form_of(tape).dtypes.values())


def halves_of(item: Item) -> list[Item]:
    """Return a block as two, in their order; none where it has a few rows."""
    block, gaps = item
    if len(block) <= _FEW_ROWS:
        return []
    middle = len(block) // 2
    return [(block.take(slice(0, middle)), ()), (block.take(slice(middle, len(block))), gaps)]


class Line:
    """Blocks in the order in which they came.

    Where they become many, neighbouring ones of a tape are joined: of a market of small commits hours fit where minutes
    did. ``rows`` and ``nbytes`` are those of all.
    """

    def __init__(self) -> None:
        self.rows = self.nbytes = 0
        self._items: deque[Item] = deque()
        self._join_at = _MOST_ITEMS

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[Item]:
        return iter(self._items)

    def put(self, items: Iterable[Item]) -> None:
        """Let blocks stand at the end of the line."""
        for item in items:
            self._add(item)
        if len(self._items) > self._join_at:
            self._join()

    def _add(self, item: Item) -> None:
        self._items.append(item)
        self.rows += len(item[0])
        self.nbytes += size_of(item)

    def pop(self) -> Item:
        """Take the oldest block."""
        item = self._items.popleft()
        self.rows -= len(item[0])
        self.nbytes -= size_of(item)
        return item

    def _join(self) -> None:
        groups: list[_Group] = []
        last: dict[tuple[str, str], _Group] = {}  # the group that a tape's next block may join
        for item in self._items:
            block = item[0]
            place = (block.instrument.key, block.tape)
            group = last.get(place)
            if group is None or not group.takes(item):
                group = last[place] = _Group(item)
                groups.append(group)
            else:
                group.items.append(item)
                group.rows += len(block)
        self._items, self.rows, self.nbytes = deque(), 0, 0
        for group in groups:
            for item in group.joined():
                self._add(item)
        self._join_at = len(self._items) + max(_MOST_ITEMS, len(self._items))


class _Group:
    # Neighbouring blocks of one tape on one grid.

    def __init__(self, item: Item) -> None:
        self.items = [item]
        self.rows = len(item[0])
        self._instrument: Instrument = item[0].instrument

    def takes(self, item: Item) -> bool:
        own, other = self._instrument, item[0].instrument
        return self.rows < _JOINED_ROWS and (own is other or own == other)

    # A block that the store will refuse stays one of its own: no other is refused with it.
    def joined(self) -> list[Item]:
        if len(self.items) == 1:
            return self.items
        pieces: list[Columns] = []
        for block, _ in self.items:
            try:
                pieces.append(dict(columns_of(block)))
            except StoreError:
                return self.items
        tape = self.items[0][0].tape
        made = block_of(form_of(tape), self._instrument, tape, concat(pieces))
        assert isinstance(made, (Trades, Snapshots, Series))
        return [(made, [gap for _, gaps in self.items for gap in gaps])]
