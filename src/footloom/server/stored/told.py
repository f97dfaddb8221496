"""What venues told beside the trades of a symbol, as it is stored, by the bars of a chart. Blocking."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, NamedTuple

import numpy as np

from footloom.bars import parse_rule
from footloom.core.edges import Edges
from footloom.core.instrument import Instrument
from footloom.core.messages import Gap
from footloom.core.series import NO_QUOTE, Series
from footloom.core.sessions import calendar
from footloom.core.trades import I64, Trades
from footloom.engine.told_bars import funding_by_bar, interest_by_bar, liquidations_by_bar
from footloom.errors import NotStored, TooMuch
from footloom.feeds.stored_interest import contracts_of, interest_held, interest_told
from footloom.server.stored.history import ChartKey, History
from footloom.server.stored.reach import bar_length_ns, session_open
from footloom.store import Coverage, Store

__all__ = ("TAPES", "Told", "ToldName", "awaited", "held_of", "told_by_bar")

ToldName = Literal["open_interest", "funding", "liquidations"]
Row = dict[str, Any]

TAPES: dict[ToldName, str] = {"open_interest": "open_interest", "funding": "mark", "liquidations": "liquidation"}
_NEVER_OPEN = frozenset({"spot", "index"})
_MOST_ROWS = 20_000_000  # a few seconds of work
_LAST_OF_DAY_NS = 6 * 3600 * 10**9
_DAY_NS = 86_400 * 10**9


@dataclass(frozen=True, slots=True)
class Told:
    """What was told within the newest bars of a range, oldest first; a bar within which nothing was has no row.

    ``from_ns`` is from when on they are all of the range. ``first_ns`` and ``last_ns`` are the first and the last row
    that is stored at all: beyond them nobody listened; None while the first one is waited for.
    """

    rows: list[Row]
    from_ns: int
    first_ns: int | None
    last_ns: int | None
    gaps: list[Gap]
    has_more: bool


def held_of(store: Store, key: str, name: ToldName) -> list[Coverage]:
    """Return the days of which something is stored; open interest may be told by snapshots, of several contracts."""
    if name == "open_interest":
        return interest_held(store, key)
    rows = (*store.partials(key), *store.series(key))
    return [row for row in rows if row.tape == TAPES[name] and row.rows and row.first_ns is not None]


def awaited(instrument: Instrument, tapes: Collection[str]) -> list[ToldName]:
    """Return what a symbol may yet tell whose feed listens to some tapes: nothing is open of a spot or an index."""
    return [
        name
        for name, tape in TAPES.items()
        if tape in tapes and (name != "open_interest" or instrument.kind not in _NEVER_OPEN)
    ]


def told_by_bar(history: History, chart: ChartKey, name: ToldName, asked: tuple[int | None, int | None, int]) -> Told:
    """Return what was told within the last ``limit`` bars that open in ``[from_ns, to_ns)``; ``asked`` are these three.

    Raises
    ------
    NotStored
        Nothing of it is stored for the symbol.
    TooMuch
        The range holds more rows than are read at once.
    """
    store = history.store
    held = held_of(store, chart.key, name)
    if not held:
        raise NotStored(f"no {name.replace('_', ' ')} of {chart.key} is stored: record it where its venue tells it")
    first_ns, last_ns = min(row.first_ns or 0 for row in held), max(row.last_ns or 0 for row in held)
    from_ns, to_ns, limit = asked
    begin_ns = first_ns - bar_length_ns(chart.spec.bars) if from_ns is None else from_ns  # its bar opens before it
    end_ns = last_ns + 1 if to_ns is None else min(to_ns, last_ns + 1)
    if end_ns <= max(begin_ns, first_ns):
        return Told([], begin_ns, first_ns, last_ns, [], has_more=False)
    span = _span(history, chart, (begin_ns, end_ns, limit))
    _check(held, chart.key, name, span)
    every = _MAKERS[name](store, chart, held, span)
    rows = every[-limit:]
    whole_ns = rows[0]["open_ns"] if len(every) > limit else span.from_ns if span.is_cut else begin_ns
    gaps = _gaps(store, chart.key, held, span)
    has_more = first_ns < (rows[0]["open_ns"] if rows else span.from_ns)
    return Told(rows, whole_ns, first_ns, last_ns, gaps, has_more=has_more)


class _Span(NamedTuple):
    # What was told in `[from_ns, until_ns)`, by bars that open at `opens_ns`; None: each instant knows its own. Older
    # bars of what was asked for may be cut off.
    from_ns: int
    until_ns: int
    opens_ns: I64 | None
    is_cut: bool


# Bars that a clock cuts are known without any trade; of others the trades have to say where they end.
def _span(history: History, chart: ChartKey, asked: tuple[int, int, int]) -> _Span:
    begin_ns, end_ns, limit = asked
    if parse_rule(chart.spec.bars).sequential:
        opens_ns = history.page(chart, begin_ns, end_ns, limit).frame.footprint.bars.open_ns
        return _Span(int(opens_ns[0]) if len(opens_ns) else end_ns, end_ns, opens_ns, len(opens_ns) >= limit)
    asked_ns, begin_ns = begin_ns, max(begin_ns, end_ns - (limit + 1) * bar_length_ns(chart.spec.bars))
    first, last = (_cut(chart, np.array([at_ns])) for at_ns in (begin_ns, end_ns - 1))
    from_ns = int(first.open_ns[0]) if int(first.open_ns[0]) >= begin_ns else int(first.close_ns[0])
    return _Span(from_ns, max(from_ns, int(last.close_ns[0])), None, begin_ns > asked_ns)


# A bar rule cuts trades: what was told is cut where a trade at its time would be.
def _cut(chart: ChartKey, times_ns: I64) -> Edges:
    count, instrument = len(times_ns), chart.instrument
    ones = np.ones(count, np.int64)
    trades = Trades.build(instrument, times_ns, ones, ones, np.zeros(count, np.int8), trade_id=np.arange(count))
    return parse_rule(chart.spec.bars).edges(trades, calendar(instrument.calendar))[0]


def _opens(chart: ChartKey, span: _Span, times_ns: I64) -> I64:
    if span.opens_ns is not None:
        return span.opens_ns
    inside = np.sort(times_ns[(times_ns >= span.from_ns) & (times_ns < span.until_ns)])
    return _cut(chart, inside).open_ns


# What is missing of the tapes that tell it, of a continuous future of each contract while it stands for it: where one
# of several tells nothing, another may.
def _gaps(store: Store, key: str, held: Sequence[Coverage], span: _Span) -> list[Gap]:
    tapes = dict.fromkeys((row.key, row.tape) for row in held)
    parts = contracts_of(store, key, span.from_ns, max(span.until_ns, span.from_ns))
    within = [(one, tape, from_ns, to_ns) for one, from_ns, to_ns in parts for name, tape in tapes if name == one]
    return [gap for asked in within for gap in store.gaps(*asked)]


def _check(held: Sequence[Coverage], key: str, name: ToldName, span: _Span) -> None:
    touched = [row for row in held if (row.last_ns or 0) >= span.from_ns and (row.first_ns or 0) < span.until_ns]
    count = sum(row.rows for row in touched)
    if count > _MOST_ROWS:
        raise TooMuch(
            f"about {count:,} rows of {key}/{TAPES[name]} would be read for this answer, and at most {_MOST_ROWS:,} "
            "are: ask for a shorter range"
        )


# --- one stream each; a quantity is exact decimal text, a time ns UTC, what is not known None


# Of a continuous future each contract by itself: where it rolls nothing has changed, and nothing is compared.
def _interest(store: Store, chart: ChartKey, held: Sequence[Coverage], span: _Span) -> list[Row]:
    parts = contracts_of(store, chart.key, span.from_ns, span.until_ns)
    found: list[Row] = []
    for key, from_ns, until_ns in parts:
        mine = [row for row in held if row.key == key]
        within = span._replace(from_ns=max(span.from_ns, from_ns), until_ns=min(span.until_ns, until_ns))
        if mine and within.from_ns < within.until_ns:
            found += _interest_of(store, chart, mine, within)
    return found


def _interest_of(store: Store, chart: ChartKey, held: Sequence[Coverage], span: _Span) -> list[Row]:
    key, session_ns = held[0].key, session_open(chart, span.from_ns)
    begin_ns = _last_before(store, held, min(session_ns, span.from_ns))
    told = interest_told(store, key, begin_ns, span.until_ns)
    opens_ns = _opens(chart, span, told.ts_exch_ns)
    opens_ns = opens_ns[opens_ns >= span.from_ns]
    spans = calendar(chart.instrument.calendar).spans(session_ns, span.until_ns)
    made = interest_by_bar(told, opens_ns, spans.start_ns[spans.in_session])
    text = told.instrument.qty_text
    return [
        {
            "open_ns": int(opens_ns[bar]),
            "at_ns": at_ns,
            "quantity": text(oi),
            "change": None if change == NO_QUOTE else text(change),
            "since_ns": None if since_ns == NO_QUOTE else since_ns,
            "day_change": None if day == NO_QUOTE else text(day),
            "news": news,
        }
        for bar, oi, at_ns, change, since_ns, news, day in _rows(
            made.bar, made.oi_lot, made.at_ns, made.change_lot, made.since_ns, made.news, made.day_lot
        )
    ]


def _funding(store: Store, chart: ChartKey, held: Sequence[Coverage], span: _Span) -> list[Row]:  # noqa: ARG001
    told = _marks(store, chart.key, span)
    opens_ns = _opens(chart, span, told.ts_exch_ns)
    gaps = store.gaps(chart.key, "mark", span.from_ns - _DAY_NS, max(span.until_ns, span.from_ns))
    made = funding_by_bar(told, opens_ns, np.sort(np.array([gap.to_ns for gap in gaps], np.int64)))
    return [
        {
            "open_ns": int(opens_ns[bar]),
            "at_ns": at_ns,
            "mark": _e8(mark),
            "index": _e8(index),
            "rate": _e8(rate),
            "next_ns": None if next_ns == NO_QUOTE else next_ns,
        }
        for bar, at_ns, mark, index, rate, next_ns in _rows(
            made.bar, made.at_ns, made.mark_e8, made.index_e8, made.rate_e8, made.next_ns
        )
    ]


# With what stood before them where the first row leaves something out.
def _marks(store: Store, key: str, span: _Span) -> Series:
    told = _series(store, key, "mark", span.from_ns, span.until_ns)
    if any(NO_QUOTE in values[:1] for values in told.columns.values()):
        return store.load_series(key, "mark", span.from_ns - _DAY_NS, span.until_ns)
    return told


def _liquidations(store: Store, chart: ChartKey, held: Sequence[Coverage], span: _Span) -> list[Row]:  # noqa: ARG001
    try:
        told = store.load(chart.key, TAPES["liquidations"], span.from_ns, span.until_ns)
    except NotStored:
        return []
    assert isinstance(told, Trades)
    opens_ns = _opens(chart, span, told.ts_exch_ns)
    made = liquidations_by_bar(told, opens_ns)
    text = told.instrument.qty_text
    counts = made.long + made.short + made.unknown
    return [
        {
            "open_ns": int(opens_ns[bar]),
            "long": text(long),
            "short": text(short),
            "unknown": text(unknown),
            "count": count,
            "largest": text(largest),
        }
        for bar, long, short, unknown, count, largest in _rows(
            made.bar, made.long_lot, made.short_lot, made.unknown_lot, counts, made.largest_lot
        )
    ]


_MAKERS: dict[ToldName, Callable[[Store, ChartKey, Sequence[Coverage], _Span], list[Row]]] = {
    "open_interest": _interest,
    "funding": _funding,
    "liquidations": _liquidations,
}


def _rows(*columns: I64) -> Iterator[tuple[int, ...]]:
    return zip(*(column.tolist() for column in columns), strict=True)


def _series(store: Store, key: str, tape: str, from_ns: int, until_ns: int) -> Series:
    try:
        return store.load_series(key, tape, from_ns, until_ns)
    except NotStored:
        return Series.empty(store.grid(key, tape), tape)


# When was told what stood at a time: at the end of the last day on which anything was.
def _last_before(store: Store, held: Sequence[Coverage], at_ns: int) -> int:
    days = [row for row in held if row.first_ns is not None and row.first_ns < at_ns]
    if not days:
        return at_ns
    day = max(days, key=lambda row: row.first_ns or 0)
    first_ns, end_ns = day.first_ns or 0, min(at_ns, (day.last_ns or 0) + 1)
    for from_ns in (max(first_ns, end_ns - _LAST_OF_DAY_NS), first_ns):
        found = interest_told(store, day.key, from_ns, end_ns).ts_exch_ns
        if len(found):
            return int(found.max())
    return at_ns


def _e8(value: int) -> str | None:
    return None if value == NO_QUOTE else f"{Decimal(value).scaleb(-8).normalize():f}"
