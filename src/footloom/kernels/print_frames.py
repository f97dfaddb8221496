"""Trades in the frames of one group commit, straight from the bytes to whole ticks and lots.

Speaks Binance's ``aggTrade`` and ``trade`` (combined or raw) and Bybit's ``publicTrade``, keys in any order. A frame
that is not plain in every respect - another message, a symbol or a value that is not expected, a price off the grid,
nothing traded, an escape, a sign, an exponent - is declined: the venue's ``parse`` decides what it is. So this says
nothing that ``parse`` does not say, it only says it sooner.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final, NamedTuple

import numpy as np

from footloom.core.instrument import Instrument
from footloom.core.trades import I8, I64
from footloom.errors import ConfigError
from footloom.kernels.eight_bytes import BEYOND
from footloom.kernels.json_prints import (
    BYBIT,
    BYTES_A_PRINT,
    COLUMNS,
    LONGEST,
    MIX,
    MOST,
    MOST_PLACES,
    RECORD,
    SPACE,
    VENUES,
    read_prints,
)

__all__ = ("TAPES", "VENUES", "PrintFrames", "Prints")

TAPES: Final = ("trade", "agg_trade")
_BEYOND = bytes(BEYOND)


class Prints(NamedTuple):
    """What plain frames say, a row a print in the order of the frames; every column (n,), int64 but for ``side``.

    ``frame`` is the number of the frame that was given, ``symbol`` that of the instrument, ``tape`` that of the name in
    `TAPES`. ``number`` is the venue's trade id, at Bybit the sequence of the match event. ``uid_at`` is where the
    print's own name stands in ``data`` (see `uid`), -1 where it has none. ``declined`` are the numbers of the frames
    that ``parse`` has to read.
    """

    frame: I64
    symbol: I64
    tape: I64
    number: I64
    ts_exch_ns: I64
    price_tick: I64
    qty_lot: I64
    side: I8
    uid_at: I64
    declined: I64
    data: bytes

    def uid(self, row: int) -> str:
        """Return the print's own name; "" where it has none."""
        at = int(self.uid_at[row])
        return "" if at < 0 else self.data[at : self.data.index(b'"', at)].decode()


class PrintFrames:
    """Reads frames of one venue for certain instruments of it, each on its own grid.

    Raises
    ------
    ConfigError
        Frames of that venue are not known here.
    """

    def __init__(self, venue: str, instruments: Sequence[Instrument]) -> None:
        if venue not in VENUES:
            raise ConfigError(f"frames of {venue} are read by its parse alone; known here are {', '.join(VENUES)}")
        self.instruments = tuple(instruments)
        self._venue = VENUES[venue]
        self._book = _book(self.instruments)

    def read(self, frames: Sequence[bytes]) -> Prints:
        """Return the prints of plain frames, and which frames are not plain."""
        data = b"".join((*frames, _BEYOND))
        lengths = np.fromiter(map(len, frames), np.int64, len(frames))
        most = len(frames) + (len(data) // BYTES_A_PRINT if self._venue == BYBIT else 0)
        rows = np.empty((COLUMNS, most), np.int64)
        declined = np.empty(len(frames), np.int64)
        text = np.frombuffer(data, np.uint8)
        space = np.empty(SPACE, np.int64)  # not kept: two threads may read
        count, refused = read_prints(text, lengths, self._venue, self._book, rows, declined, space)
        frame, symbol, tape, number, ts, tick, lot, side, uid_at = rows[:, :count]
        return Prints(
            frame, symbol, tape, number, ts, tick, lot, side.astype(np.int8), uid_at, declined[:refused], data
        )


def _book(instruments: Sequence[Instrument]) -> I64:
    size = max(16, 1 << (4 * len(instruments)).bit_length())
    book = np.full(1 + size + RECORD * len(instruments), -1, np.int64)
    book[0] = size
    for number, instrument in enumerate(instruments):
        name = instrument.symbol.encode()
        record = 1 + size + RECORD * number
        book[record + 3 : record + 7] = (*_step(instrument.tick_size), *_step(instrument.lot_size))
        if len(name) > LONGEST or book[record + 3] < 0 or book[record + 5] < 0:
            continue  # in no table, so that all its frames are declined
        words = [int.from_bytes(name[8 * n : 8 * n + 8], "little") for n in range(3)]
        book[record : record + 3] = np.array(words, np.uint64).view(np.int64)
        mixed = sum(word * mix for word, mix in zip(words, MIX, strict=True)) % 2**64
        at = (mixed >> 40) & (size - 1)
        while book[1 + at] >= 0:
            at = (at + 1) & (size - 1)
        book[1 + at] = record
    return book


# How many places behind the point a step has, and the whole number of its last one; -1 where 64 bits are too few.
def _step(step: Decimal) -> tuple[int, int]:
    places = max(0, -int(step.as_tuple().exponent))
    whole = int(step.scaleb(places))
    return (places, whole) if places <= MOST_PLACES and whole < MOST else (-1, 1)
