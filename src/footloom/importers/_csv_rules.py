"""What a column may be, what can be wrong with a row, and how both are told to the tokenizer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import numpy as np

from footloom.core.trades import I64, U8
from footloom.errors import ConfigError

__all__ = ("REASONS", "UNITS", "Grid", "rules", "unit_mask", "word_table")

# Roles of a column. TEXT, TEXT + 1 and TEXT + 2 are looked up in a table of words.
IGNORED, ID, PRICE, QTY, TIME, RECV, MAKER, SIDE, TEXT = range(9)

# Statuses of a row.
OK, BLANK, COLUMNS, BAD_ID, BAD_PRICE, BAD_QTY, BAD_TIME, BAD_RECV, TIME_RANGE, TIME_UNIT, BAD_SIDE = range(11)
BELOW_ZERO, TOO_LARGE, OFF_TICK, OFF_LOT, ZERO_PRICE, ZERO_QTY = range(11, 17)
# These are given by the reader of a format, not by the tokenizer.
MIXED_UNITS, MIXED_RECV, NOT_MARKET, OTHER_EVENT, ONE_TOO_MANY, REPEATED = range(17, 23)

REASONS: Final = {
    COLUMNS: "wrong number of columns",
    BAD_ID: "trade id is no whole number",
    BAD_PRICE: "price is no number",
    BAD_QTY: "quantity is no number",
    BAD_TIME: "time is no number",
    BAD_RECV: "local time is no time",
    TIME_RANGE: "time outside 2009 to 2100",
    TIME_UNIT: "time in a unit this format does not use",
    BAD_SIDE: "side is not readable",
    BELOW_ZERO: "number below zero",
    TOO_LARGE: "number too large",
    OFF_TICK: "price off the grid",
    OFF_LOT: "quantity off the grid",
    ZERO_PRICE: "no market trade: price is zero",
    ZERO_QTY: "no market trade: quantity is zero",
    MIXED_UNITS: "time in another unit than the rest of the file",
    MIXED_RECV: "local time in another unit than the rest of the file",
    ONE_TOO_MANY: "too many symbols in one file",
    NOT_MARKET: "no market trade",
    REPEATED: "repeated trade",
}

UNITS: Final = ("s", "ms", "µs", "ns")
EARLIEST_S: Final = 1_230_768_000  # 2009-01-01: no venue of ours is older
LATEST_S: Final = 4_102_444_800  # 2100-01-01
ROOM: Final = (2**63 - 10) // 10  # the largest number that can take one more digit in 64 bits

# What `_number` makes of a text.
NONE, WHOLE, POINTED, POWERED, NEGATIVE, LARGE = range(6)

# Words for the side: the maker flag first. `m` true: the buyer was the maker, so the seller crossed the spread.
_SIDE_WORDS: Final = (
    (b"true", -1), (b"false", 1), (b"1", -1), (b"0", 1),
    (b"buy", 1), (b"sell", -1), (b"any", 0), (b"unknown", 0),
)  # fmt: skip
MAKER_WORDS: Final = 4
WORDS: Final = len(_SIDE_WORDS)
RULE_SIDES: Final = 6  # where the sides of the words stand in `rules`


@dataclass(frozen=True, slots=True)
class Grid:
    """Tick and lot as the tokenizer wants them: a unit counted in powers of ten, ``size = unit * 10**-places``.

    ``SCAN`` (places -1) asks for the number of decimals of each value instead of the value.
    """

    price_places: int
    price_unit: int
    qty_places: int
    qty_unit: int

    @classmethod
    def of(cls, tick_size: Decimal, lot_size: Decimal) -> Grid:
        """Return the grid of a tick and a lot; `ConfigError` where one has more than 18 digits."""
        return cls(*_unit(tick_size, "tick size"), *_unit(lot_size, "lot size"))


SCAN: Final = Grid(-1, 1, -1, 1)


def _unit(size: Decimal, what: str) -> tuple[int, int]:
    _, digits, exponent = size.normalize().as_tuple()
    power = int(exponent)
    unit = int("".join(map(str, digits))) * 10 ** max(power, 0)
    if unit >= 10**18 or power < -18:
        raise ConfigError(f"{what} {size} has more than 18 digits: prices on it do not fit 64 bits")
    return max(-power, 0), unit


def unit_mask(units: Sequence[str]) -> int:
    """Return the bits of the units of time that are allowed."""
    return sum(1 << UNITS.index(unit) for unit in units)


def rules(grid: Grid, time_units: int, recv_units: int) -> I64:
    """Return the settings of the tokenizer: the grid, the masks of allowed units, and the side of each word."""
    sides = [side for _, side in _SIDE_WORDS]
    head = [grid.price_places, grid.price_unit, grid.qty_places, grid.qty_unit, time_units, recv_units]
    return np.array([*head, *sides], np.int64)


def word_table(texts: Sequence[bytes]) -> tuple[U8, I64]:
    """Return the words of sides and then ``texts``, joined, and the offset of each."""
    words = [*(word for word, _ in _SIDE_WORDS), *texts]
    offsets = np.cumsum([0, *(len(word) for word in words)])
    return np.frombuffer(b"".join(words), np.uint8), offsets.astype(np.int64)
