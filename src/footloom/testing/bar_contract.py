"""What every bar rule must hold, our own and those of outside packages (definitions 2.3, 2.4).

``check("500t")`` cuts random tapes at once, at random places, trade by trade, shuffled and live with late trades, and
compares; it raises `AssertionError` with what differs. In a test of an outside package, whose rule is found by its
entry point::

    from footloom.testing.bar_contract import check


    def test_contract():
        check("my500", seeds=range(20))
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import NamedTuple

import numpy as np

from footloom.bars import BarRule, parse_rule
from footloom.core.edges import Edges
from footloom.core.footprint import BAR_FINAL, Footprint
from footloom.core.instrument import Instrument
from footloom.core.sessions import Calendar, calendar
from footloom.core.trades import I64, Trades
from footloom.engine.alike import same_bars
from footloom.engine.build import build_footprint
from footloom.engine.builder import Builder
from footloom.engine.spec import ChartSpec
from footloom.kernels.fold import combine, fold

__all__ = ("check", "sample_trades")

_BASE_NS = 1_772_402_400 * 10**9  # 2026-03-01 22:00 UTC: two hours before a day of crypto ends
_CALENDARS = ("crypto", "nse_fo", "iana:America/New_York 09:30-16:00")
_MS = 1_000_000


def sample_trades(seed: int, rows: int = 600, market: str = "crypto") -> Trades:
    """Return a seeded tape over some sessions: many trades in one millisecond, pauses, jumps, sizes of all kinds."""
    random = np.random.default_rng(seed)
    instrument = Instrument(venue="sample", symbol="X", tick_size=Decimal(1), lot_size=Decimal(1), calendar=market)
    waits = random.choice([0, 1, 3_000, 60_000, 7_200_000], rows, p=[0.5, 0.2, 0.19, 0.09, 0.02])
    steps = random.integers(-2, 3, rows) + random.choice([0, 40, -40], rows, p=[0.96, 0.02, 0.02])
    return Trades.build(
        instrument,
        _BASE_NS + np.cumsum(waits) * _MS,
        1_000 + np.cumsum(steps),
        np.maximum(1, random.pareto(1.1, rows) * 4).astype(np.int64),
        random.choice([-1, 0, 1], rows, p=[0.45, 0.1, 0.45]),
        trade_id=np.arange(rows) + 1,
    )


class _Case(NamedTuple):
    """One tape under test; ``where`` names it in messages."""

    rule: BarRule
    trades: Trades
    market: Calendar
    where: str


def check(rule: str, *, seeds: Iterable[int] = range(3), rows: int = 600, markets: Sequence[str] = _CALENDARS) -> None:
    """Hold a bar rule, by its spelling, against its contract.

    Raises
    ------
    AssertionError
        The rule breaks it: the message says how, for which seed and calendar.
    """
    found = parse_rule(rule)
    assert parse_rule(found.text).text == found.text, f"{rule}: its canonical text {found.text!r} spells another rule"
    assert hash(found) == hash(parse_rule(found.text)), f"{rule}: two rules of one text have two hashes"
    for seed, market in itertools.product(seeds, markets):
        case = _Case(found, sample_trades(seed, rows, market), calendar(market), f"{rule}: seed {seed}, {market}")
        edges, state = found.edges(case.trades, case.market)
        _check_edges(case, edges)
        _check_trades(case, edges)
        if found.sequential:
            _check_sessions(case, edges)
        _check_chunks(case, edges, state, np.random.default_rng(seed))
        _check_shuffled(case, np.random.default_rng(seed))
        _check_live(case, np.random.default_rng(seed))


def _check_edges(case: _Case, edges: Edges) -> None:
    where, rows = case.where, edges.rows(case.trades)
    for name in ("open_ns", "close_ns", "off_session", "grows_until_ns"):
        column = getattr(edges, name)
        assert column.dtype == np.int64, f"{where}: {name} is {column.dtype}, not int64"
        assert column.shape == (len(edges),), f"{where}: {name} has shape {column.shape} for {len(edges)} bars"
    assert edges.ends.shape == (len(edges) + 1,), f"{where}: {len(edges.ends)} ends for {len(edges)} bars"
    assert edges.ends[0] == 0, f"{where}: the first bar begins with row {edges.ends[0]}, not 0: trades are lost"
    assert edges.ends[-1] == len(rows), f"{where}: the last bar ends with row {edges.ends[-1]} of {len(rows)}"
    assert np.all(np.diff(edges.ends) > 0), f"{where}: a bar holds no trade"
    assert np.all(edges.open_ns < edges.close_ns), f"{where}: a bar closes before it opens"
    assert np.all(edges.close_ns[:-1] <= edges.open_ns[1:]), f"{where}: bars overlap, or do not ascend"
    last_ns = rows.ts_exch_ns[edges.ends[1:] - 1]
    assert np.all(last_ns < edges.close_ns), f"{where}: a trade is as late as its bar's close"
    assert np.all(edges.grows_until_ns >= edges.close_ns), f"{where}: a bar closes later than trades can join it"


def _check_trades(case: _Case, edges: Edges) -> None:
    rows, trades, where = edges.rows(case.trades), case.trades, case.where
    at = np.searchsorted(trades.trade_id, rows.trade_id)
    assert np.all(np.diff(at) >= 0), f"{where}: rows are out of order"
    for name in ("ts_exch_ns", "price_tick", "side", "trade_id"):
        same = np.array_equal(getattr(trades, name)[at], getattr(rows, name))
        assert same, f"{where}: a part of a trade has another {name}"
    assert np.all(rows.qty_lot > 0), f"{where}: a part of a trade is empty"
    volume = np.zeros(len(trades), np.int64)
    np.add.at(volume, at, rows.qty_lot)
    lost = np.flatnonzero(volume != trades.qty_lot)
    assert not len(lost), f"{where}: of {trades.qty_lot[lost[:1]]} lots of a trade, bars hold {volume[lost[:1]]}"


# A bar stands within one span, and a session's bars are the same without the sessions before it.
def _check_sessions(case: _Case, edges: Edges) -> None:
    ts = edges.rows(case.trades).ts_exch_ns
    spans = case.market.spans(int(ts[0]), int(ts[-1]) + 1)
    span = np.searchsorted(spans.start_ns, ts, side="right")
    crossing = np.flatnonzero(span[edges.ends[:-1]] != span[edges.ends[1:] - 1])
    assert not len(crossing), f"{case.where}: bar {crossing[:1]} goes on behind its session's end"
    for start_ns, end_ns in zip(spans.start_ns.tolist(), spans.end_ns.tolist(), strict=True):
        alone = case.trades.between(start_ns, end_ns)
        if not len(alone):
            continue
        own, _ = case.rule.edges(alone, case.market)
        first = int(np.searchsorted(edges.open_ns, start_ns))
        for name in ("open_ns", "close_ns", "grows_until_ns"):
            whole = getattr(edges, name)[first : first + len(own)]
            assert np.array_equal(whole, getattr(own, name)), (
                f"{case.where}: {name} of a session depend on the sessions before it"
            )


def _check_chunks(case: _Case, edges: Edges, state: bytes, random: np.random.Generator) -> None:
    size = len(case.trades)
    whole = fold(case.trades, edges, case.rule.text, 2)
    cuts = np.unique(np.concatenate([[0, size], random.integers(0, size + 1, 8)]))
    for how, places in (("cut at random", cuts), ("trade by trade", np.arange(size + 1))):
        made, last = _in_chunks(case, places, f"{case.where}, {how}")
        _same(made, whole, f"{case.where}, {how}")
        assert last == state, f"{case.where}, {how}: the state at the end differs from that of the whole tape"


def _in_chunks(case: _Case, places: I64, where: str) -> tuple[Footprint, bytes]:
    state, pieces, before = b"", [], None
    for lo, hi in itertools.pairwise(places.tolist()):
        part = case.trades.take(slice(lo, hi))
        empty, kept = case.rule.edges(part.take(slice(0, 0)), case.market, state)
        assert (len(empty), kept) == (0, state), f"{where}: no trades change the state, or make a bar"
        edges, state = case.rule.edges(part, case.market, bytes(state))
        if before is not None and edges.open_ns[0] == before.open_ns[-1]:
            assert not before.complete, f"{where}: a bar that was complete goes on"
            assert part.ts_exch_ns[0] < before.grows_until_ns[-1], (
                f"{where}: a trade joins a bar behind the time until which it grows"
            )
        pieces.append(fold(part, edges, case.rule.text, 2))
        before = edges
    return functools.reduce(combine, pieces), state


def _check_shuffled(case: _Case, random: np.random.Generator) -> None:
    order = random.permutation(len(case.trades))
    made = build_footprint(case.trades.take(order), case.rule.text, 2)
    _same(made, build_footprint(case.trades, case.rule.text, 2), f"{case.where}, shuffled")


# Commits of some trades each, of which a few come late: the bars are those of the whole tape.
def _check_live(case: _Case, random: np.random.Generator) -> None:
    size = len(case.trades)
    for how, late in (("live", 0), ("live with late trades", 6)):
        arrival = np.arange(size, dtype=np.float64)
        arrival[random.integers(1, size, late)] += random.integers(1, 60, late)
        heard = case.trades.take(np.argsort(arrival, kind="stable"))
        builder = Builder(case.trades.instrument, ChartSpec(bars=case.rule.text, ticks_per_level=2))
        places = np.unique(np.concatenate([[0, size], random.integers(0, size + 1, 40)]))
        for lo, hi in itertools.pairwise(places.tolist()):
            part = heard.take(slice(lo, hi))
            builder.update(part, int(heard.ts_exch_ns[:hi].max()))
        frame = builder.frame()
        assert frame is not None, f"{case.where}, {how}: no bars"
        _same(frame.footprint, build_footprint(case.trades, case.rule.text, 2), f"{case.where}, {how}")


def _same(made: Footprint, wanted: Footprint, where: str) -> None:
    alike = same_bars(made, wanted)
    assert alike == len(made) == len(wanted), (
        f"{where}: {len(made)} bars, at once {len(wanted)}; the first {alike} are alike"
    )
    flags, expected = (footprint.bars.flags & ~BAR_FINAL for footprint in (made, wanted))
    assert np.array_equal(flags, expected), f"{where}: flags differ"
