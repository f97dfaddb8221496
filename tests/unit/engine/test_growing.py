"""One open bar that grows: the short way gives the bits of the long way, and is left where it does not hold."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest

from footloom.bars import parse_rule
from footloom.core.edges import Edges
from footloom.core.footprint import Bars, Footprint, Levels
from footloom.core.instrument import Instrument
from footloom.core.sessions import calendar
from footloom.core.trades import FLAG_INFERRED, Trades
from footloom.engine.builder import Builder
from footloom.engine.spec import ChartSpec
from footloom.kernels import growing
from footloom.kernels.fold import combine, fold
from footloom.kernels.growing import grow

TEST = Instrument(venue="test", symbol="ABC", tick_size=Decimal("0.5"), lot_size=Decimal("0.001"))
START = 1_700_000_040 * 10**9  # a whole minute


def tape(rng: np.random.Generator, count: int, spread: int, flags: int = 0) -> Trades:
    return Trades.build(
        TEST,
        START + np.arange(count) * 1_000_000,
        100_000 + rng.integers(-spread, spread + 1, count),
        rng.integers(1, 5_000, count),
        rng.integers(-1, 2, count),
        trade_id=np.arange(count),
        ts_recv_ns=START + np.arange(count) * 1_000_000,
        flags=np.full(count, flags, np.uint8),
    )


def cut(trades: Trades) -> Edges:
    return parse_rule("1m").edges(trades, calendar("crypto"))[0]


def same(one: Footprint, other: Footprint) -> None:
    for name in Bars.__slots__:
        np.testing.assert_array_equal(getattr(one.bars, name), getattr(other.bars, name), err_msg=name)
    for name in Levels.__slots__:
        np.testing.assert_array_equal(getattr(one.levels, name), getattr(other.levels, name), err_msg=name)
    np.testing.assert_array_equal(one.level_offset, other.level_offset)


@pytest.mark.parametrize("seed", range(8))
def test_a_bar_grows_to_the_bits_of_a_fold_of_the_whole(seed: int) -> None:
    rng = np.random.default_rng(seed)
    whole = tape(rng, 400, (3, 40, 120)[seed % 3])
    step = (1, 3, 7)[seed % 3]
    at = int(rng.integers(1, 20))
    bar = fold(whole.take(slice(0, at)), cut(whole.take(slice(0, at))), "1m", step)
    while at < len(whole):
        stop = min(len(whole), at + int(rng.integers(1, 30)))
        piece = whole.take(slice(at, stop))
        grown = grow(bar, piece, cut(piece))
        assert grown is not None, "all of it is of one bar"
        same(grown, combine(bar, fold(piece, cut(piece), "1m", step)))
        assert not any(column.flags.writeable for column in (grown.bars.buy_lot, grown.levels.row, grown.level_offset))
        bar, at = grown, stop
    same(bar, fold(whole, cut(whole), "1m", step))


def test_it_is_left_to_the_long_way_where_more_is_to_be_done() -> None:
    rng = np.random.default_rng(3)
    first, more = tape(rng, 5, 3), tape(rng, 5, 3)
    bar = fold(first, cut(first), "1m", 1)
    later = Trades.build(TEST, more.ts_exch_ns + 60 * 10**9, more.price_tick, more.qty_lot, more.side)
    wide = tape(rng, 50, 5_000)
    inferred = tape(rng, 5, 3, FLAG_INFERRED)
    assert grow(None, more, cut(more)) is None
    assert grow(bar, later, cut(later)) is None, "another bar"
    assert grow(bar, wide, cut(wide)) is None, "prices too far apart"
    assert grow(bar, inferred, cut(inferred)) is None, "how sides were found is counted too"


@pytest.mark.parametrize("rule", ["1m", "100t", "250v"])
def test_a_live_chart_is_the_same_both_ways(rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = tape(np.random.default_rng(11), 2_000, 30)
    spec = ChartSpec(bars=rule, ticks_per_level=2)

    def live() -> Builder:
        builder = Builder(TEST, spec)
        for at in range(0, len(whole), 7):
            piece = whole.take(slice(at, at + 7))
            builder.update(piece, int(piece.ts_recv_ns[-1]))
        return builder

    quick = live().frame()
    monkeypatch.setattr("footloom.engine.builder.grow", lambda *_: None)
    slow = live().frame()
    assert quick is not None
    assert slow is not None
    assert quick.equals(slow)
    assert growing.grow is grow
