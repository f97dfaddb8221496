"""Finished footprints of range bars in two CSV files without headers, joined by an identifier.

The file of levels has ``time, sold, price, bought, identifier``, a row a level; the file of bars, beside it under the
same name with ``ohlc`` for ``levels``, ``time, open, high, low, close, identifier``. Many bars share one minute.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from footloom.errors import DataError
from footloom.importers._csv_reference import fields_of
from footloom.importers._exact import Refused, count_refused
from footloom.importers._finished import Bar, FinishedBars, Level, tape_of
from footloom.importers._rows import Ask, BareRows, Dropped, Outside, Plan
from footloom.importers._source import Sample, Source
from footloom.importers._wall_time import WallClock

__all__ = ("read", "recognise")

_TAPE = "finished:range"
_TIME = re.compile(rb"(\d{4}-\d\d-\d\d) (\d\d):(\d\d):(\d\d)")
_NUMBER = re.compile(rb"-?\d+(\.\d+)?")
_WORD = re.compile(rb"[A-Za-z]\w*")
_LEVELS, _BARS = 5, 6
_SECOND_NS = 1_000_000_000


def recognise(sample: Sample) -> Plan | str:
    """Return a plan for the file of levels, or why the file is none."""
    rows = [row for line in sample.lines if (row := fields_of(line))]
    if _share(rows, _BARS) > 1 / 2:
        return "bars without their levels: import the file of levels, which reads this one beside it"
    if _share(rows, _LEVELS) < 1 / 2:
        return "no rows of five columns: time, sold, price, bought, identifier"
    if "levels" not in sample.path.name:
        return "levels of bars, but its name has no 'levels' in it, which 'ohlc' could take the place of"
    return Plan(
        format="finished footprints of range bars, levels and bars in two files",
        tape=_TAPE,
        takes_tape=True,
        ids=False,
        own_grid=True,
        needs_zone=True,
        notes=(
            "finished footprints are no tape: they are kept as they came, with that program's rows and sides",
            f"bars are read from {_beside(sample.path).name}",
        ),
    )


def read(source: Source, plan: Plan, ask: Ask) -> Iterator[BareRows | Outside]:
    """Yield the file's rows.

    Raises
    ------
    DataError
        The file of bars is not there, or holds none.
    """
    reader = _Reader(plan, ask)
    reader.read_bars(Source(_bars_of(source.path)))
    for block in source.blocks():
        texts = block.texts()
        for k, text in enumerate(texts):
            reader.level(text, block.first_line + k, cut=not (block.ended or k + 1 < len(texts)))
    yield from reader.finish()


def _share(rows: list[list[bytes]], columns: int) -> float:
    fits = [len(row) == columns and bool(_TIME.fullmatch(row[0]) and _WORD.fullmatch(row[-1])) for row in rows]
    return sum(fits) / max(1, len(rows))


def _beside(path: Path) -> Path:
    return path.with_name(path.name.replace("levels", "ohlc"))


def _bars_of(path: Path) -> Path:
    found = _beside(path)
    if not found.exists():
        raise DataError(f"{path} holds the levels of bars, and {found.name} with the bars themselves is not beside it")
    return found


@dataclass(slots=True)
class _Open:
    # A bar that waits for its levels; they stand behind each other, but nobody promised it.
    row: list[bytes]
    line: int
    text: bytes
    open_ns: int
    close_ns: int
    levels: list[Level] = field(default_factory=list)


class _Reader:
    def __init__(self, plan: Plan, ask: Ask) -> None:
        self.ask = ask
        self.venue, self.symbol = plan.venue or ask.venue, plan.symbol or ask.symbol
        self.tape = tape_of(ask.tape, plan.tape)
        self.clock = WallClock(ask.zone)
        self.bars: dict[bytes, _Open] = {}
        self.lost: dict[str, Dropped] = {}

    def read_bars(self, source: Source) -> None:
        for block in source.blocks():
            for k, text in enumerate(block.texts()):
                row, line = fields_of(text), block.first_line + k
                if not row:
                    continue
                try:
                    _check(row, _BARS)
                    self._bar(row, line, text)
                except Refused as refused:
                    count_refused(self.lost, refused, line, text, source.path.name)
        if not self.bars:
            raise DataError(f"{source.path} holds no bar: expected time, open, high, low, close, identifier")

    def _bar(self, row: list[bytes], line: int, text: bytes) -> None:
        if row[-1] in self.bars:
            raise Refused("an identifier twice", f"{row[-1].decode()} stands in a bar before it")
        open_ns = self._ns(row[0])
        self.bars[row[-1]] = _Open(row, line, text, open_ns, open_ns)

    def _named(self, identifier: bytes) -> _Open:
        if identifier not in self.bars:
            raise Refused("no bar of that identifier", f"no bar is called {identifier.decode('utf-8', 'replace')}")
        return self.bars[identifier]

    def level(self, text: bytes, line: int, *, cut: bool) -> None:
        row = fields_of(text)
        if not row:
            return
        try:
            _check(row, _LEVELS)
            bar = self._named(row[-1])
            bar.close_ns = max(bar.close_ns, self._ns(row[0]))
            bar.levels.append(Level(row[2], row[1], row[3], line))
        except Refused as refused:
            if cut:
                refused.detail += "; the file ends within this line, it seems to be cut"
            count_refused(self.lost, refused, line, text, "")

    def finish(self) -> Iterator[BareRows | Outside]:
        first = min(bar.open_ns for bar in self.bars.values())
        made = FinishedBars(self.venue, self.symbol, self.tape, self.ask.grid(self.venue, self.symbol, first))
        for bar in self.bars.values():
            prices = (bar.row[1], bar.row[2], bar.row[3], bar.row[4])
            made.take(Bar(bar.open_ns, bar.close_ns, bar.line, prices, bar.levels, bar.line, bar.text))
        yield made.block()
        yield Outside(dropped=list(self.lost.values()))

    def _ns(self, text: bytes) -> int:
        match = _TIME.fullmatch(text)
        if match is None:
            raise Refused("time is not readable", f"time is {text[:40]!r}: no time such as 2023-06-14 14:01:00")
        date, hours, minutes, seconds = (part.decode() for part in match.groups())
        try:
            day = dt.date.fromisoformat(date)
        except ValueError:
            raise Refused("time is not readable", f"time is {text[:40]!r}: no such day") from None
        return self.clock.ns(day, (int(hours) * 3600 + int(minutes) * 60 + int(seconds)) * _SECOND_NS)


def _check(row: list[bytes], columns: int) -> None:
    if len(row) != columns:
        raise Refused("wrong number of columns", f"{len(row)} columns, expected {columns}")
    wrong = [one for one in row[1:-1] if not _NUMBER.fullmatch(one)]
    if wrong:
        raise Refused("not a number", f"{wrong[0][:40]!r} is no decimal number")
