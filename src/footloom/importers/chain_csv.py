"""Option chains of NIFTY and BANKNIFTY through the day, written from a database: a row a strike and minute.

``id,stock_id,date,timestamp,expiry_date,strike_price``, then ``oi``, ``oi_change`` and ``volume`` of ``call_`` and
``put_``. Times are minutes of Kolkata. Open interest, its change against the previous day's close, and volume are
contracts (lots), at times as binary floats; the tape has units, by the lot that is valid for the expiry. A minute that
was written twice has every strike twice: the row with the highest id stands.
"""

from __future__ import annotations

import datetime as dt
import functools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from footloom.core.chains import CALL, PUT, source_code
from footloom.core.sessions import calendar
from footloom.core.snapshots import NO_QUOTE
from footloom.importers._chain import (
    ALIKE,
    CALENDAR,
    DIFFERENT,
    LOT,
    TICK,
    VENUE,
    ChainRows,
    expiry_of,
    lot_of,
    signed_units,
    strike_of,
    units,
)
from footloom.importers._exact import Refused, Units, count_refused, units_of
from footloom.importers._finished import missing_session_ns
from footloom.importers._records import fields
from footloom.importers._rows import Ask, BareRows, Dropped, Outside, Plan, Silence
from footloom.importers._source import Sample, Source
from footloom.importers._wall_time import WallClock

__all__ = ("read", "recognise")

_NAMES = (
    *("id", "stock_id", "date", "timestamp", "expiry_date", "strike_price"),
    *("call_oi", "call_oi_change", "call_volume", "put_oi", "put_oi_change", "put_volume"),
)
_SYMBOLS = {"1": "NIFTY", "2": "BANKNIFTY"}
_ZONE = "Asia/Kolkata"
_SOURCE = source_code("chain_csv")
_MINUTE_NS = 60_000_000_000
_LEAST_GAP_NS = 10 * _MINUTE_NS  # NSE counts open interest every three minutes; a chain may be late by twice its step

STAMPS = "minutes with a chain"
UNEVEN = "steps between them that are not the usual one"
FALLING = {
    side: f"{name} volumes of the day below that of an earlier row" for side, name in ((CALL, "call"), (PUT, "put"))
}
NO_BASELINE = "changes larger than the open interest itself: no baseline"


def recognise(sample: Sample) -> Plan | str:
    """Return a plan for such a table, or why the file is none."""
    names = [name.lower() for name in fields(sample.lines[0])] if sample.lines else []
    missing = [name for name in _NAMES if name not in names]
    if missing:
        return f"no header with {', '.join(missing)}"
    return Plan(
        format="option chains of a day, by minute",
        venue=VENUE,
        venue_from="its columns",
        rows_say_symbol=True,
        tape="chain",
        ids=False,
        grid=(TICK, LOT),
        takes_lot=True,
        calendar=CALENDAR,
        notes=("times are Kolkata's, numbers of lots are kept as units",),
        layout=tuple(names),
    )


def read(source: Source, plan: Plan, ask: Ask) -> Iterator[BareRows | Outside]:
    """Yield the file's rows, a day of an underlying at a time."""
    reader = _Reader(plan, ask)
    for block in source.blocks():
        texts = block.texts()
        for k, text in enumerate(texts):
            reader.take(block.first_line + k, text, cut=not (block.ended or k + 1 < len(texts)))
        yield from reader.ready()
    reader.finish()
    yield from reader.ready()


@dataclass(slots=True)
class _Row:
    number: int  # its id
    line: int
    text: bytes
    call: tuple[int, int, int]  # open interest, that of the previous close, volume
    put: tuple[int, int, int]


@dataclass(slots=True)
class _Day:
    # A day of one underlying, by (minute, expiry, strike).
    date: dt.date
    rows: dict[tuple[int, int, int], _Row] = field(default_factory=dict)


class _Reader:
    def __init__(self, plan: Plan, ask: Ask) -> None:
        self.plan, self.ask = plan, ask
        self.names: tuple[str, ...] = plan.layout
        self.clock = WallClock(_ZONE)
        self.chains: dict[str, ChainRows] = {}
        self.strikes: dict[str, Units] = {}
        self.days: dict[str, _Day] = {}
        self.volumes: dict[tuple[str, int, int, int], int] = {}  # the day's volume that was seen last
        self.outside = Outside()
        self.lost: dict[str, Dropped] = {}
        self.ended = False

    def ready(self) -> Iterator[BareRows | Outside]:
        for chain in self.chains.values():
            if chain.rows or self.ended:
                yield chain.block()
        self.outside.dropped, self.lost = list(self.lost.values()), {}
        outside, self.outside = self.outside, Outside()
        yield outside

    def finish(self) -> None:
        self.ended = True
        for symbol in self.days:
            self._close(symbol)

    def take(self, line: int, text: bytes, *, cut: bool) -> None:
        row = fields(text)
        if not row or tuple(name.lower() for name in row) == self.names:
            return
        symbol = ""
        try:
            values = _named(row, self.names)
            symbol = _symbol(values["stock_id"])
            if self.ask.symbol not in {"", symbol}:
                self.outside.other[f"rows of {symbol}"] += 1
                return
            self._row(symbol, values, line, text)
        except Refused as refused:
            if cut:
                refused.detail += "; the file ends within this line, it seems to be cut"
            dropped = self.chains[symbol].dropped if symbol in self.chains else self.lost
            count_refused(dropped, refused, line, text, "")

    def _row(self, symbol: str, values: dict[str, str], line: int, text: bytes) -> None:
        date, at_ns = _time(values["date"], values["timestamp"], self.clock)
        day, expiry_ns = expiry_of(values["expiry_date"])
        if expiry_ns <= at_ns and day != date:
            raise Refused("expired before its row", f"its options expired on {day}, before {date}")
        chain = self._chain(symbol, at_ns)
        strike = strike_of(values["strike_price"].encode(), self.strikes[symbol])
        lot = lot_of(symbol, day, self.ask.market_lot)
        found = _Row(
            _id(values["id"]),
            line,
            text,
            _side(values, "call", lot, chain.counted),
            _side(values, "put", lot, chain.counted),
        )
        self._count_falls(symbol, chain, (date, expiry_ns, strike), found)
        self._keep(symbol, chain, date, (at_ns, expiry_ns, strike), found)

    def _chain(self, symbol: str, at_ns: int) -> ChainRows:
        if symbol not in self.chains:
            grid = self.ask.grid(self.plan.venue, symbol, at_ns)
            self.chains[symbol] = ChainRows(self.plan.venue, symbol)
            self.strikes[symbol] = units_of(grid)[0]
        return self.chains[symbol]

    def _count_falls(self, symbol: str, chain: ChainRows, key: tuple[dt.date, int, int], row: _Row) -> None:
        date, expiry_ns, strike = key
        for side, said in ((CALL, row.call), (PUT, row.put)):
            where = (symbol, date.toordinal() * 2 + (side == CALL), expiry_ns, strike)
            chain.counted[FALLING[side]] += NO_QUOTE != said[2] < self.volumes.get(where, 0)
            if said[2] != NO_QUOTE:
                self.volumes[where] = said[2]

    # Of rows of one minute and strike the one with the highest id.
    def _keep(self, symbol: str, chain: ChainRows, date: dt.date, key: tuple[int, int, int], row: _Row) -> None:
        day = self.days.setdefault(symbol, _Day(date))
        if date > day.date:
            self._close(symbol)
            self.volumes = {where: held for where, held in self.volumes.items() if where[0] != symbol}
            day = self.days[symbol] = _Day(date)
        elif date < day.date:
            raise Refused("a day that ended before", f"rows of {day.date} came before this one: sort the file by date")
        known = day.rows.get(key)
        if known is None:
            day.rows[key] = row
            return
        first, last = (known, row) if row.number > known.number else (row, known)
        day.rows[key] = last
        if (first.call, first.put) == (last.call, last.put):
            detail = f"id {first.number} says what id {last.number} says"
            chain.drop(ALIKE, first.line, first.text, detail, defect=False)
        else:
            detail = f"id {first.number} says other numbers than id {last.number} on line {last.line}"
            chain.drop(DIFFERENT, first.line, first.text, detail, defect=False)

    def _close(self, symbol: str) -> None:
        chain, day = self.chains[symbol], self.days[symbol]
        for (at_ns, expiry_ns, strike), row in sorted(day.rows.items(), key=lambda one: one[0]):
            for side, (oi, before, volume) in ((CALL, row.call), (PUT, row.put)):
                chain.add(
                    at_ns, row.line, side=side, expiry_ns=expiry_ns, strike_tick=strike, oi_lot=oi, prev_oi_lot=before,
                    volume_lot=volume, source=_SOURCE,
                )  # fmt: skip
        chain.lines += len(day.rows)
        self._count_steps(chain, day)

    def _count_steps(self, chain: ChainRows, day: _Day) -> None:
        lines = {at_ns: row.line for (at_ns, _, _), row in day.rows.items()}
        stamps = sorted(lines)
        chain.counted[STAMPS] += len(stamps)
        steps = np.diff(np.array(stamps, np.int64))
        if not len(steps):
            return
        usual = Counter(steps.tolist()).most_common(1)[0][0]
        chain.counted[UNEVEN] += int((steps != usual).sum())
        longest = max(_LEAST_GAP_NS, 2 * int(np.median(steps)))
        for i in np.flatnonzero(steps > longest).tolist():
            first, after = stamps[i], stamps[i + 1]
            if missing_session_ns(calendar(CALENDAR), first, after):
                chain.gaps.append(Silence(first, after, lines[first], lines[after], "no chain"))


def _named(row: list[str], names: tuple[str, ...]) -> dict[str, str]:
    if len(row) != len(names):
        raise Refused("another number of columns", f"{len(row)} columns, expected {len(names)}")
    return dict(zip(names, row, strict=True))


def _symbol(text: str) -> str:
    if text not in _SYMBOLS:
        known = ", ".join(f"{number} is {name}" for number, name in _SYMBOLS.items())
        raise Refused("unknown underlying", f"stock_id is {text[:40]!r}: {known}")
    return _SYMBOLS[text]


def _id(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 18):
        raise Refused("id is no number", f"id is {text[:40]!r}: no whole number")
    return int(text)


@functools.lru_cache(maxsize=4_096)
def _time(date: str, minute: str, clock: WallClock) -> tuple[dt.date, int]:
    try:
        day, time = dt.date.fromisoformat(date), dt.time.fromisoformat(minute)
    except ValueError:
        raise Refused(
            "no time", f"date and timestamp are {date[:40]!r} and {minute[:40]!r}: write 2025-12-05 and 09:21"
        ) from None
    if not 2009 <= day.year < 2100 or time.tzinfo is not None:
        raise Refused("no time", f"date is {date[:40]!r}, no day between 2009 and 2100")
    return day, clock.ns(day, (time.hour * 3_600 + time.minute * 60 + time.second) * 10**9)


def _side(values: dict[str, str], side: str, lot: int, counted: Counter[str]) -> tuple[int, int, int]:
    oi, volume = units((values[f"{side}_oi"], values[f"{side}_volume"]), lot, f"{side}_oi or {side}_volume", counted)
    change = signed_units(values[f"{side}_oi_change"], lot, f"{side}_oi_change", counted)
    if change is None or oi == NO_QUOTE:
        return oi, NO_QUOTE, volume
    if change > oi:
        counted[NO_BASELINE] += 1
        return oi, NO_QUOTE, volume
    return oi, oi - change, volume
