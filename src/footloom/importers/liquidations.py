"""Liquidation orders of Binance futures (forceOrder), written down row by row, without a header.

``symbol, side, type, time in force, quantity, price, average price, status, last filled, filled, time, value``. The
side is that of the order: SELL closes a long. The venue sends at most one order a symbol and second, so sums are lower
bounds, and a row that repeats another is the same order. Prices are the orders' (the bankruptcy price, as on other
venues): they lie beyond the prices that were traded, and off the instrument's tick. The rows make a tape of their own,
on a grid of its own: the fills are in the trades already.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from footloom.importers._records import NotTaken, Record, Records, fields, fitting, read_records
from footloom.importers._rows import Ask, Outside, Plan, Rows
from footloom.importers._source import Sample, Source
from footloom.venues._binance import COINM, USDM

__all__ = ("read", "recognise")

_NAMES = (
    "symbol", "side", "type", "time in force", "quantity", "price", "average price", "status", "last filled", "filled",
    "time", "value",
)  # fmt: skip
_NUMBER = re.compile(r"\d*\.?\d+([eE][+-]?\d+)?")
_PLACES = (4, 5, 6, 8, 9)  # of numbers
_WIDTHS = (12, 13)  # later files: the threshold behind
_SIDES = {"BUY": 1, "SELL": -1}
_QUOTED = re.compile(r".+(USDT|USDC|BUSD)(_\w+)?|ETHBTC")
_REMEMBERED = 4_096
TAPE = "liquidation"


def recognise(sample: Sample) -> Plan | str:
    """Return a plan for a list of liquidation orders, or why the file is none."""
    rows = fitting(sample.lines, lambda row: not _wrong(row))
    if not rows:
        return "no rows of symbol, BUY or SELL, order type, ..: liquidation orders have 12 columns"
    note = "the side is that of the order: sells closed longs, buys closed shorts"
    short = [row[0] for row in rows if not _QUOTED.fullmatch(row[0])]
    if short:
        note += f"; symbols without a quote asset are read as contracts in USDT: {short[0]} as {short[0]}USDT"
    return Plan(
        format="liquidation orders (forceOrder)",
        venue=USDM,
        venue_from="its symbols, which are contracts in USDT or USDC",
        venues=(USDM, COINM),
        rows_say_symbol=True,
        tape=TAPE,
        ids=False,
        own_grid=True,
        notes=(note,),
    )


def read(source: Source, plan: Plan, ask: Ask) -> Iterator[Rows | Outside]:
    """Yield the file's rows."""
    return read_records(source, Records(plan, ask, _Orders(), ("ms",), "orders"))


# What is wrong with a row, "" where nothing is.
def _wrong(row: Sequence[str]) -> str:
    if len(row) not in _WIDTHS:
        return f"{len(row)} columns, expected {_WIDTHS[0]} ({', '.join(_NAMES)})"
    if row[1] not in _SIDES:
        return f"side is {row[1][:40]!r}, expected BUY or SELL"
    if not row[10].isdigit():
        return f"time is {row[10][:40]!r}, expected ms"
    for place in _PLACES:
        if not _NUMBER.fullmatch(row[place]):
            return f"{_NAMES[place]} is {row[place][:40]!r}, no number"
    return ""


@dataclass
class _Orders:
    seen: set[tuple[str, ...]] = field(default_factory=set)
    order: deque[tuple[str, ...]] = field(default_factory=deque)

    def __call__(self, line: bytes) -> Record | None:
        row = fields(line)
        if not row:
            return None
        wrong = _wrong(row)
        if wrong:
            raise NotTaken("no liquidation order", wrong)
        symbol = row[0] if _QUOTED.fullmatch(row[0]) else f"{row[0]}USDT"
        if row[7] not in {"FILLED", "PARTIALLY_FILLED"}:
            detail = f"status is {row[7][:40]!r}: nothing has been filled"
            raise NotTaken("order without a fill", detail, defect=False, symbol=symbol, tape=TAPE)
        self._see((symbol, *row[1:11]))
        return Record(row[10], row[5], row[9], _SIDES[row[1]], symbol, TAPE)

    def _see(self, order: tuple[str, ...]) -> None:
        if order in self.seen:
            detail = f"the same order as a row before it: {order[0]} at {order[10]}, at most one a second is sent"
            raise NotTaken("repeated message", detail, defect=False, symbol=order[0], tape=TAPE)
        self.seen.add(order)
        self.order.append(order)
        if len(self.order) > _REMEMBERED:
            self.seen.discard(self.order.popleft())
