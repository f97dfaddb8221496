"""Formats whose lines are taken apart one by one: each becomes a `Record`, and the tokenizer makes whole numbers of it.

A format gives a function from a line to a record; everything else (grids, units of time, counting, first examples) is
here. It takes a few microseconds a line: files of hundreds of millions of rows have readers of their own.
"""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from footloom.importers import _csv_rules as csv
from footloom.importers._csv import table_of
from footloom.importers._csv_words import CsvLayout, explain, shown
from footloom.importers._rows import NO_SYMBOL, Ask, Dropped, Outside, Plan, Rows, is_symbol
from footloom.importers._source import Source

__all__ = ("Line", "NotTaken", "Record", "Records", "fields", "fitting", "misfit", "read_records")

_NO_TRADES = (csv.ZERO_PRICE, csv.ZERO_QTY)
_WORDS = {1: "buy", -1: "sell", 0: "any"}


class Record(NamedTuple):
    """One trade as its line writes it: numbers are decimal text, ``time`` is in a unit of `Records.time_units`.

    ``side`` is +1, -1 or 0. ``symbol`` and ``tape`` are ``""`` where the plan says them. ``odd`` is counted, where
    there is something odd about the line that does not stand in the way.
    """

    time: str
    price: str
    qty: str
    side: int
    symbol: str = ""
    tape: str = ""
    trade_id: str = ""
    odd: str = ""


class NotTaken(Exception):
    """A line that cannot be taken, or that is no trade (``defect`` False).

    ``tape`` and ``symbol`` say whose row it is, where that is known.
    """

    def __init__(self, reason: str, detail: str, *, defect: bool = True, symbol: str = "", tape: str = "") -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.defect = defect
        self.symbol = symbol
        self.tape = tape


class Line(NamedTuple):
    """A line of the file, or a row of a table written as one."""

    number: int
    text: bytes
    ended: bool = True


Parse = Callable[[bytes], Record | str | None]
"""What a line is: a record, another message of a kind, or nothing (None); `NotTaken` where it cannot be read."""


@dataclass
class _Tape:
    # The records of one tape in one block.
    rows: list[bytes] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    dropped: dict[str, Dropped] = field(default_factory=dict)
    counted: Counter[str] = field(default_factory=Counter)


@dataclass
class Records:
    """Reads a file record by record.

    ``time_units`` are those that the times of its records may be in, ``noun`` is what they are.
    """

    plan: Plan
    ask: Ask
    parse: Parse
    time_units: tuple[str, ...] = ("ms", "µs")
    noun: str = "trades"
    tapes: dict[tuple[str, str], _Tape] = field(default_factory=dict)
    grids: dict[str, csv.Grid] = field(default_factory=dict)
    unit: int | None = None
    outside: Outside = field(default_factory=Outside)

    def __post_init__(self) -> None:
        roles = (csv.PRICE, csv.QTY, csv.TIME, csv.SIDE, *((csv.ID,) if self.plan.ids else ()))
        names = ("price", "quantity", "time", "side", *(("id",) if self.plan.ids else ()))
        self.layout = CsvLayout(roles=roles, names=names, time_units=self.time_units)

    @property
    def venue(self) -> str:
        """Whose trades these are."""
        return self.plan.venue or self.ask.venue

    def read(self, lines: Iterable[Line]) -> Iterator[Rows | Outside]:
        """Yield what a block of lines holds."""
        self.tapes, self.outside = {}, Outside()
        for line in lines:
            self._line(line)
        for (symbol, tape), held in self.tapes.items():
            yield self._rows(symbol, tape, held)
        yield self.outside

    def _line(self, line: Line) -> None:
        try:
            found = self.parse(line.text)
        except NotTaken as error:
            self._not_taken(line, error)
            return
        if isinstance(found, str):
            self.outside.other[found] += 1
        elif found is not None and found.symbol and not self.ask.symbol and not is_symbol(found.symbol):
            self._not_taken(line, NotTaken(NO_SYMBOL, f"{found.symbol[:60]!r} can be no symbol"))
        elif found is not None:
            self._take(line, found)

    def _not_taken(self, line: Line, why: NotTaken) -> None:
        detail = why.detail if line.ended else f"{why.detail}; the file ends within this line, it seems to be cut"
        if why.symbol or why.tape:
            held = self._tape(why.symbol, why.tape)
            if held is not None:
                _count(held.dropped, why.reason, line, detail, defect=why.defect)
            return
        known = {dropped.reason: dropped for dropped in self.outside.dropped}
        _count(known, why.reason, line, detail, defect=why.defect)
        self.outside.dropped = list(known.values())

    # The tape of a symbol; None for one that is not asked for, whose row is counted.
    def _tape(self, symbol: str, tape: str) -> _Tape | None:
        asked = self.plan.symbol or self.ask.symbol
        if symbol and asked not in {"", symbol}:
            self.outside.other[f"{self.noun} of {symbol}"] += 1
            return None
        return self.tapes.setdefault((symbol or asked, tape or self.plan.tape), _Tape())

    def _take(self, line: Line, found: Record) -> None:
        held = self._tape(found.symbol, found.tape)
        if held is None:
            return
        number = f",{found.trade_id}" if self.plan.ids else ""
        held.rows.append(f"{found.price},{found.qty},{found.time},{_WORDS[found.side]}{number}\n".encode())
        held.lines.append(line)
        if found.odd:
            held.counted[found.odd] += 1

    def _rows(self, symbol: str, tape: str, held: _Tape) -> Rows:
        text = b"".join(held.rows)
        if held.rows and (self.unit is None or symbol not in self.grids):
            self._begin(symbol, text, len(held.rows))
        grid = self.grids.get(symbol, csv.SCAN)
        table = table_of(text, len(held.rows), self.layout, grid)
        good = table.status == csv.OK
        if self.unit is not None:
            table.status[good & (table.time_unit != self.unit)] = csv.MIXED_UNITS
            good = table.status == csv.OK
        self._drop(table.status, held, grid)
        line = np.array([one.number for one in held.lines], np.int64)
        other = np.isin(table.status, _NO_TRADES)
        return Rows(
            venue=self.venue,
            symbol=symbol,
            tape=tape,
            line=line[good],
            ts_exch_ns=table.out[4][good],
            price_tick=table.out[2][good],
            qty_lot=table.out[3][good],
            side=table.side[good],
            trade_id=table.out[1][good] if self.plan.ids else None,
            ts_recv_ns=None,
            other_line=line[other],
            other_id=table.out[1][other] if self.plan.ids else line[other],
            other_ns=table.out[4][other],
            dropped=list(held.dropped.values()),
            counted=held.counted,
        )

    # The first good row tells the file's unit of time, and from when a grid is asked.
    def _begin(self, symbol: str, text: bytes, count: int) -> None:
        table = table_of(text, count, self.layout, csv.SCAN)
        good = table.status == csv.OK
        if self.unit is not None:
            good &= table.time_unit == self.unit
        if not good.any():
            return
        first = int(np.argmax(good))
        self.unit = int(table.time_unit[first])
        self.grids[symbol] = self.ask.grid(self.venue, symbol, int(table.out[4, first]))

    def _drop(self, status: NDArray[np.int8], held: _Tape, grid: csv.Grid) -> None:
        unit = "" if self.unit is None else csv.UNITS[self.unit]
        for row in np.flatnonzero(status).tolist():
            found, line = int(status[row]), held.lines[row]
            detail = explain(found, held.rows[row].rstrip(), self.layout, grid, unit, ended=line.ended)
            _count(held.dropped, csv.REASONS[found], line, detail, defect=found not in _NO_TRADES)


def read_records(source: Source, records: Records) -> Iterator[Rows | Outside]:
    """Yield what a text file holds, block by block."""
    for block in source.blocks():
        texts, first, ended = block.texts(), block.first_line, block.ended
        last = len(texts) - 1
        yield from records.read(Line(first + k, text, ended or k < last) for k, text in enumerate(texts))


def fields(line: bytes, separator: str = ",") -> list[str]:
    """Return a line's fields without the blanks around them; none for an empty line."""
    text = line.decode("utf-8", "backslashreplace").strip()
    return [field.strip() for field in text.split(separator)] if text else []


def fitting(lines: Iterable[bytes], fits: Callable[[list[str]], bool]) -> list[list[str]]:
    """Return the rows that fit a format; none where they are fewer than a quarter of those that are not empty."""
    rows = [row for row in map(fields, lines) if row]
    found = [row for row in rows if fits(row)]
    return found if len(found) * 4 >= len(rows) else []


def misfit(row: Sequence[str], names: Sequence[str], patterns: Sequence[re.Pattern[str]]) -> str:
    """Return what is wrong with a row whose every column has a name and a pattern, ``""`` where nothing is."""
    if len(row) != len(names):
        return f"{len(row)} columns, expected {len(names)} ({', '.join(names)})"
    for name, pattern, text in zip(names, patterns, row, strict=True):
        if not pattern.fullmatch(text):
            return f"{name} is {text[:40]!r}"
    return ""


def _count(counts: dict[str, Dropped], reason: str, line: Line, detail: str, *, defect: bool) -> None:
    if reason in counts:
        counts[reason] = dataclasses.replace(counts[reason], count=counts[reason].count + 1)
    else:
        counts[reason] = Dropped(reason, 1, line.number, shown(line.text), detail, defect)
