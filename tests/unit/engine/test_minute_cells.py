"""Bars out of one-minute cells are those of the trades, bit for bit, wherever sessions begin and the tape is cut."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace

import msgspec
import numpy as np
import pytest

from footloom.bars import parse_rule
from footloom.core.footprint import Bars, Footprint, Levels
from footloom.core.sessions import calendar
from footloom.core.trades import FLAG_BY_QUOTE, FLAG_BY_TICK, FLAG_INFERRED, FLAG_REST, Trades
from footloom.engine.build import build_footprint
from footloom.engine.builder import Builder
from footloom.engine.minute_cells import bars_of_cells, cell_step, holds_minutes, minute_cells, runs_of_cells
from footloom.engine.seed_bars import seed_of_cells
from footloom.engine.spec import ChartSpec
from footloom.testing.bar_contract import sample_trades

BARS = ("1m", "2m", "3m", "5m", "15m", "7m", "1h", "4h", "1d", "1w", "1mo")
STEPS = ((1, 1), (1, 7), (2, 10), (10, 50), (10, 1_000))
MARKETS = ("crypto", "nse_fo", "iana:America/New_York 09:30-16:00", "iana:America/New_York 18:00-17:00 daily")
MARKS = (0, FLAG_INFERRED | FLAG_BY_QUOTE, FLAG_INFERRED | FLAG_BY_TICK, FLAG_INFERRED | FLAG_REST, FLAG_INFERRED)


def same(a: Footprint, b: Footprint) -> bool:
    columns = [(getattr(a.bars, name), getattr(b.bars, name)) for name in Bars.__slots__]
    columns += [(getattr(a.levels, name), getattr(b.levels, name)) for name in Levels.__slots__]
    return all(np.array_equal(x, y) for x, y in [*columns, (a.level_offset, b.level_offset)])


def tape_of(seed: int, market: str) -> Trades:
    """A tape whose prices lie on both sides of zero; some sides are inferred, each in one of the ways."""
    plain = sample_trades(seed, 900, market)
    flags = np.random.default_rng(seed).choice(MARKS, len(plain)).astype(np.uint8)
    return replace(plain, price_tick=plain.price_tick - 1_000, flags=flags)


def cut(trades: Trades, random_cuts: random.Random) -> list[Trades]:
    places = sorted(random_cuts.sample(range(1, len(trades)), 9))
    return [trades.take(slice(lo, hi)) for lo, hi in itertools.pairwise([0, *places, len(trades)])]


@pytest.mark.parametrize("market", MARKETS)
def test_bars_of_cells_are_those_of_the_trades(market: str) -> None:
    seed = random.randrange(10**9)
    trades, cuts = tape_of(seed, market), random.Random(seed)
    for cell, step in STEPS:
        parts = [minute_cells(piece, cell) for piece in cut(trades, cuts)]
        for bars in BARS:
            rule = parse_rule(bars)
            found = bars_of_cells(parts, rule, step)
            assert found is not None
            assert same(found[0], build_footprint(trades, bars, step)), (seed, bars, cell, step)
            runs = list(runs_of_cells(parts, rule, step) or ())
            assert same(Footprint.concat(runs), found[0]), (seed, bars, cell, step)
            edges, state = rule.edges(trades, calendar(market))
            assert np.array_equal(found[1].grows_until_ns, edges.grows_until_ns)
            seeded = seed_of_cells(parts, rule, step, (0, 0))
            assert seeded is not None
            assert seeded.state == state


@pytest.mark.parametrize("bars", ["1m", "15m", "1d"])
def test_a_live_chart_goes_on_from_cells_as_from_trades(bars: str) -> None:
    seed = random.randrange(10**9)
    trades, cuts = tape_of(seed, "crypto"), random.Random(seed)
    held, spec = trades.take(slice(0, 700)), ChartSpec(bars=bars, ticks_per_level=20)
    charts = [Builder(trades.instrument, spec, source=lambda from_ns: trades.between(from_ns, 2**62)) for _ in range(2)]
    charts[0].seed(held)
    newest = (int(held.ts_exch_ns[-1]), int(held.trade_id[-1]))
    parts = [minute_cells(piece, 10) for piece in cut(held, cuts)]
    charts[1].seed_bars(seed_of_cells(parts, parse_rule(bars), 20, newest))
    for piece in cut(trades.take(slice(700, len(trades))), cuts):
        told = [chart.update(piece, int(piece.ts_recv_ns[-1])) for chart in charts]
        assert [type(event) for event in told[0]] == [type(event) for event in told[1]], seed
        frames = [chart.frame() for chart in charts]
        assert frames[0] is not None
        assert frames[1] is not None
        assert frames[0].equals(frames[1]), seed
    assert charts[0].newest == charts[1].newest


def test_rules_that_part_a_minute_are_left_to_the_trades() -> None:
    parts = [minute_cells(tape_of(1, "crypto"), 1)]
    for bars in ("30s", "90s", "20s", "500t", "100v", "r20"):
        assert not holds_minutes(parse_rule(bars))
        assert bars_of_cells(parts, parse_rule(bars), 1) is None
        assert runs_of_cells(parts, parse_rule(bars), 1) is None
    longest = int(np.argmax(parts[0].bars.last_ns - parts[0].bars.first_ns))
    halved = f"crypto cut at {int(parts[0].bars.last_ns[longest])}"  # a contract rolls within a minute
    rolled = msgspec.structs.replace(parts[0].instrument, calendar=halved)
    assert bars_of_cells([replace(parts[0], instrument=rolled)], parse_rule("1h"), 1) is None


def test_what_does_not_fit_is_left_to_the_trades() -> None:
    trades = tape_of(2, "crypto")
    far, large = trades.price_tick.copy(), trades.qty_lot.copy()
    far[5], large[:] = 2**40, 2**54
    assert bars_of_cells([minute_cells(replace(trades, price_tick=far), 1)], parse_rule("1h"), 1) is None
    assert bars_of_cells([minute_cells(replace(trades, qty_lot=large), 1)], parse_rule("1h"), 1) is None


def test_steps_are_made_of_powers_of_ten_where_one_divides_them() -> None:
    assert [cell_step(step) for step in (1, 5, 10, 20, 50, 25, 100, 1_000, 1_500)] == [
        1,
        1,
        10,
        10,
        10,
        25,
        100,
        1_000,
        1_500,
    ]
