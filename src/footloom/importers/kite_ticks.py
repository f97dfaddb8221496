"""Ticks that a program derived from Kite's snapshots, a row a second: ``time, .., last_price, volume_delta, ..``.

Kite sends snapshots, never trades. The volumes of the rows add up to the day's volume, which makes snapshots of them
again; the first row of a day carries all that was traded before, which is then the baseline and no trade. Sides in such
files are that program's inference: they are not taken, and inferred anew from the prices.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from footloom.core.snapshots import NO_QUOTE
from footloom.core.trades import I64
from footloom.importers._csv_reference import fields_of
from footloom.importers._csv_rules import EARLIEST_S, LATEST_S, SCAN
from footloom.importers._exact import Refused, Units, count_refused, units_of
from footloom.importers._rows import Ask, BareRows, Dropped, Outside, Plan, Silence
from footloom.importers._source import Block, Sample, Source

__all__ = ("read", "recognise")

_NEEDED = ("time", "last_price", "volume_delta")
_LONGEST_SILENCE_NS = 60_000_000_000  # of a file with a row a second
_DAY_NS, _IST_NS = 86_400_000_000_000, 19_800_000_000_000
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)

FIRST = "carries all that was traded before on its day as one trade: not attributed"
NO_VOLUME = "without volume: price or open interest may be new"
BACK = "time steps back"
LOWER = "volume below zero: the volume of the day steps back"


def recognise(sample: Sample) -> Plan | str:
    """Return a plan for derived ticks, or why the file holds none."""
    lines = [line for line in sample.lines if fields_of(line)]
    names = [name.decode("utf-8", "replace").lower() for name in fields_of(lines[0])] if lines else []
    missing = [name for name in _NEEDED if name not in names]
    if missing:
        return f"no header with {', '.join(missing)}"
    named = "trading_symbol" in names and any(_named(line, names) for line in lines[1:])
    return Plan(
        format="ticks derived from snapshots of Kite",
        rows_say_symbol=named,
        ids=False,
        calendar="nse_fo" if "oi" in names else "nse_cash",
        layout=tuple(names),
        notes=("sides in the file are another program's inference: they are not taken, but inferred anew",),
    )


def read(source: Source, plan: Plan, ask: Ask) -> Iterator[BareRows | Outside]:
    """Yield the file's rows."""
    reader = _Reader(plan, ask)
    for block in source.blocks():
        yield from reader.read(block)


def _named(line: bytes, names: list[str]) -> bool:
    row = fields_of(line)
    return len(row) == len(names) and bool(row[names.index("trading_symbol")])


@dataclass
class _Series:
    # One symbol: where its day stands, and its rows of this block.
    prices: Units
    lots: Units
    time_ns: int = -1
    line: int = 0
    vtt: int = 0
    rows: list[tuple[int, ...]] = field(default_factory=list)
    counted: Counter[str] = field(default_factory=Counter)
    gaps: list[Silence] = field(default_factory=list)
    dropped: dict[str, Dropped] = field(default_factory=dict)


class _Reader:
    def __init__(self, plan: Plan, ask: Ask) -> None:
        self.plan = plan
        self.ask = ask
        self.names: tuple[str, ...] = plan.layout
        self.series: dict[str, _Series] = {}
        self.outside = Outside()
        self.lost: dict[str, Dropped] = {}

    def read(self, block: Block) -> Iterator[BareRows | Outside]:
        texts = block.texts()
        for k, text in enumerate(texts):
            row = [one.decode("utf-8", "backslashreplace") for one in fields_of(text)]
            if not row or [name.lower() for name in row] == list(self.names):
                continue
            cut = not (block.ended or k + 1 < len(texts))
            self._line(row, block.first_line + k, text, cut=cut)
        for symbol, series in self.series.items():
            if series.rows or series.dropped:
                yield self._rows(symbol, series)
                series.rows, series.counted, series.gaps, series.dropped = [], Counter(), [], {}
        outside, self.outside = self.outside, Outside()
        outside.dropped, self.lost = list(self.lost.values()), {}
        yield outside

    def _line(self, row: list[str], line: int, text: bytes, *, cut: bool) -> None:
        series = None
        try:
            values = _values(self.names, row)
            symbol = values.get("trading_symbol") or self.plan.symbol or self.ask.symbol
            if self.ask.symbol not in {"", symbol}:
                self.outside.other[f"rows of {symbol}"] += 1
                return
            time_ns = _time_ns(values["time"])
            series = self._series(symbol, time_ns)
            _take(series, values, time_ns, line)
        except Refused as refused:
            if cut:
                refused.detail += "; the file ends within this line, it seems to be cut"
            count_refused(self.lost if series is None else series.dropped, refused, line, text, "")

    def _series(self, symbol: str, time_ns: int) -> _Series:
        if symbol not in self.series:
            grid = self.ask.grid(self.plan.venue or self.ask.venue, symbol, time_ns)
            self.series[symbol] = _Series(*units_of(grid))
        return self.series[symbol]

    def _rows(self, symbol: str, series: _Series) -> BareRows:
        table = np.array(series.rows, np.int64).reshape(-1, 5)
        line, time_ns, price, vtt, oi = (np.ascontiguousarray(table[:, i]) for i in range(5))
        none: I64 = np.full(len(line), NO_QUOTE, np.int64)
        return BareRows(
            venue=self.plan.venue or self.ask.venue,
            symbol=symbol,
            tape="snapshot",
            line=line,
            columns={
                "ts_exch_ns": time_ns,
                "ltp_tick": price,
                "ltq_lot": np.zeros(len(line), np.int64),  # nobody says what the last trade was
                "vtt_lot": vtt,
                "bid_tick": none,
                "ask_tick": none,
                "ts_recv_ns": time_ns,
                "oi_lot": oi,
            },
            dropped=list(series.dropped.values()),
            counted=+series.counted,
            gaps=series.gaps,
        )


def _values(names: tuple[str, ...], row: list[str]) -> dict[str, str]:
    if len(row) != len(names):
        raise Refused("wrong number of columns", f"{len(row)} columns, the header has {len(names)}")
    return dict(zip(names, row, strict=True))


def _take(series: _Series, values: dict[str, str], time_ns: int, line: int) -> None:
    text = values["volume_delta"].encode()
    price = series.prices.of(values["last_price"].encode())
    if not price and series.prices.places != SCAN.price_places:
        raise Refused("no market trade: price is zero", "last_price is 0", defect=False)
    rise = -series.lots.of(text[1:]) if text.startswith(b"-") else series.lots.of(text)
    open_interest = values.get("oi", "").encode()
    oi = series.lots.of(open_interest) if open_interest else NO_QUOTE
    before = series.time_ns
    if before < 0 or _day(time_ns) > _day(before):
        series.vtt = 0
        series.counted[FIRST] += rise > 0
    else:
        series.counted[NO_VOLUME] += rise == 0
        series.counted[LOWER] += rise < 0
        series.counted[BACK] += time_ns < before
        if time_ns - before > _LONGEST_SILENCE_NS:
            series.gaps.append(Silence(before, time_ns, series.line, line, "nothing recorded"))
    series.vtt = rise if series.lots.places < 0 else series.vtt + rise
    series.time_ns, series.line = max(time_ns, before), line
    series.rows.append((line, time_ns, price, series.vtt, oi))


def _day(time_ns: int) -> int:
    return (time_ns + _IST_NS) // _DAY_NS


def _time_ns(text: str) -> int:
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        what = f"time is {text[:40]!r}"
        raise Refused("time is not readable", f"{what}: no date and time such as 2025-12-29 04:06:44+00") from None
    if moment.tzinfo is None:
        raise Refused("time without a zone", f"time is {text!r}: it needs its zone, such as +00 or +05:30")
    since = moment - _EPOCH
    seconds = since.days * 86_400 + since.seconds
    if not EARLIEST_S <= seconds < LATEST_S:
        raise Refused("time outside 2009 to 2100", f"time is {text!r}: no time between 2009 and 2100")
    return seconds * 10**9 + since.microseconds * 1_000
