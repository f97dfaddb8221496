"""Answers typed in from the written definitions, by hand: none comes from the code under test."""

from decimal import Decimal

import numpy as np
import pytest

from footloom.core.footprint import Bars
from footloom.core.instrument import Instrument
from footloom.core.rows import rows_of
from footloom.core.sessions import calendar
from footloom.core.trades import Trades
from footloom.engine.build import build_footprint
from footloom.errors import ConfigError
from footloom.studies import candle_imbalance, cvd, imbalance
from footloom.studies import value_area as areas

INSTRUMENT = Instrument(venue="t", symbol="X", tick_size=Decimal(1), lot_size=Decimal(1))
MINUTE = 60 * 10**9


def ladder(rows):
    """A bar of (sell, buy) rows from row 0 up; a row of zeros did not trade."""
    cells = [(row, qty, side) for row, pair in enumerate(rows) for qty, side in zip(pair, (-1, 1), strict=True) if qty]
    tick, qty, side = zip(*cells, strict=True)
    return build_footprint(Trades.build(INSTRUMENT, [0] * len(cells), tick, qty, side), "1m", 1)


def flagged(rows, **settings):
    params = imbalance.Params(**{"min_vol_lot": 0, **settings})
    bar = ladder(rows)
    flags = imbalance.flags(bar, imbalance.min_volume(bar, params), params)
    row = bar.levels.row
    return row[(flags & 1) > 0].tolist(), row[(flags & 2) > 0].tolist(), imbalance.stacked_rows(row, flags, 4)


# definitions 4.2: one profile, three answers
@pytest.mark.parametrize(("method", "val", "vah"), [("two_row", 2, 6), ("one_row", 3, 6), ("one_row_capped", 3, 5)])
def test_one_profile_has_three_value_areas(method, val, vah):
    area = areas.value_area_of_rows(np.array([5, 10, 20, 30, 50, 40, 25, 15, 5]), areas.Params(method=method))

    assert (area.poc_row[0], area.val_row[0], area.vah_row[0]) == (4, val, vah)


def test_a_tied_poc_is_the_row_nearest_the_middle_then_the_lower():
    assert areas.value_area_of_rows(np.array([30, 10, 30, 5, 30]), areas.Params()).poc_row[0] == 2
    assert areas.value_area_of_rows(np.array([9, 1, 1, 9]), areas.Params()).poc_row[0] == 0
    assert areas.value_area_of_rows(np.array([1, 9, 1, 9]), areas.Params(tie="lowest")).poc_row[0] == 1


def test_a_far_level_does_not_annex_the_empty_rows_between():
    """P15: 400 rows of nothing lie between 102 and 500."""
    volume = np.zeros(401, np.int64)
    volume[[0, 1, 2, 400]] = 4, 10, 1, 6

    one, two = (areas.value_area_of_rows(volume, areas.Params(method=m)) for m in ("one_row", "two_row"))

    assert (one.val_row[0], one.vah_row[0]) == (0, 2)
    assert (two.val_row[0], two.vah_row[0]) == (0, 3)  # a pair is added whole, its empty row too


def test_a_share_of_68_2_percent_is_exact():
    # 682 of 1000 lots are asked for: 681 are not enough.
    volume = np.array([1, 681, 318])

    assert areas.value_area_of_rows(volume, areas.Params(pct="68.2", method="one_row")).vah_row[0] == 2
    assert areas.value_area_of_rows(volume, areas.Params(pct="68.1", method="one_row")).vah_row[0] == 1


# definitions 5.1
def test_a_buy_imbalance_stands_on_the_upper_row():
    rows = [(10, 5), (20, 33), (4, 60), (0, 15)]

    assert flagged(rows, min_vol_lot=10) == ([1, 2, 3], [], [(1, 3)])
    assert flagged(rows, min_vol_lot=10, compare="gt") == ([1, 3], [], [])


def test_the_lowest_row_has_no_buy_and_the_highest_no_sell_imbalance():
    assert flagged([(50, 500), (100, 100), (500, 50)]) == ([], [], [])


def test_a_row_where_nothing_traded_counts_as_zero_and_breaks_a_stack():
    """P2: 100 and 102 are no neighbours."""
    rows = [(9, 9), (0, 30), (0, 0), (0, 30), (9, 30)]

    assert flagged(rows)[0] == [1, 3, 4]
    assert flagged(rows, stack_n=2)[2] == [(3, 4)]
    assert flagged(rows, zero="ignore")[0] == [1]


def test_volumes_count_not_trades():
    """P2: one sell of 50 against four buys of 1 is a sell imbalance."""
    tape = Trades.build(INSTRUMENT, [0] * 5, [0, 1, 1, 1, 1], [50, 1, 1, 1, 1], [-1, 1, 1, 1, 1])
    bar = build_footprint(tape, "1m", 1)
    params = imbalance.Params(min_vol_lot=1)

    flags = imbalance.flags(bar, imbalance.min_volume(bar, params), params)

    assert flags.tolist() == [imbalance.CELL_SELL_IMBALANCE, 0]


@pytest.mark.parametrize(("length", "stacks"), [(3, [(1, 3)]), (2, [])])
def test_a_stack_of_exactly_n_and_of_one_less(length, stacks):
    assert flagged([(1, 1)] + [(0, 9)] * length + [(9, 0)])[2] == stacks


def test_two_stacks_in_one_bar_are_both_found():
    rows = [(0, 1), *[(0, 9)] * 3, (100, 9), (0, 0), *[(0, 9)] * 4]

    assert flagged(rows)[2] == [(1, 4), (6, 9)]


def test_the_automatic_minimum_is_the_nearest_rank_of_the_twenty_bars_before():
    # Bars 0 to 24 hold one buy of 1 to 25 lots and a sell of the same: the 75th percentile of 5..24, twice, is 19.
    sizes = list(range(1, 27))
    rows = [(i * MINUTE, 5 + s, q, side) for i, q in enumerate(sizes) for s, side in enumerate((-1, 1))]
    ts, tick, qty, side = zip(*rows, strict=True)
    bars = build_footprint(Trades.build(INSTRUMENT, ts, tick, qty, side), "1m", 1)

    least = imbalance.min_volume(bars, imbalance.Params())

    assert least[:5].tolist() == [1, 1, 2, 3, 3]
    assert least[24] == 19
    assert imbalance.min_volume(bars, imbalance.Params(), first=24).tolist() == least[24:].tolist()


def test_lots_near_64_bits_are_compared_exactly():
    """4e9 coins against 5e8 at a lot of 1e-8: a hundredfold of it leaves 64 bits."""
    assert flagged([(5 * 10**16, 5), (5, 4 * 10**17)])[0] == [1]
    assert flagged([(5 * 10**16, 5), (5, 149 * 10**15)])[0] == []
    assert flagged([(10**17, 5), (5, 3 * 10**17)])[0] == [1]
    assert flagged([(10**17, 5), (5, 3 * 10**17)], compare="gt")[0] == []
    assert flagged([(33, 5), (5, 99)])[0] == [1]
    assert flagged([(33, 5), (5, 98)])[0] == []


# definitions 5.4, the rows of the table that it quotes
def test_candle_imbalance_is_strict_and_takes_zero_as_infinitely_less():
    buy = np.array([453, 381, 224, 183, 558, 724, 9, 5, 0, 5 * 10**16, 10**17])
    sell = np.array([125, 82, 150, 852, 121, 52, 3, 0, 0, 4 * 10**16, 4 * 10**17])
    zeros = np.zeros(len(buy), np.int64)
    bars = Bars(*[zeros] * 8, buy, sell, *[zeros] * 8)

    assert candle_imbalance.candle_imbalance(bars, candle_imbalance.Params()).tolist() == [
        1,
        1,
        0,
        -1,
        1,
        1,
        0,
        1,
        0,
        0,
        -1,
    ]


# definitions 3.2
def deltas(values, start=0):
    rows = [(start + i * MINUTE, 5, abs(v), 1 if v > 0 else -1) for i, v in enumerate(values)]
    ts, tick, qty, side = zip(*rows, strict=True)
    return build_footprint(Trades.build(INSTRUMENT, ts, tick, qty, side), "1m", 1)


def test_cvd_starts_again_at_midnight_and_says_where():
    midnight = 86_400 * 10**9
    sums = cvd.cvd(deltas([10, -4, 3, -8], midnight - 2 * MINUTE), calendar("crypto"), cvd.Params())

    assert sums.cvd_lot.tolist() == [10, 6, 3, -5]
    assert sums.anchor_ns.tolist() == [0, 0, midnight, midnight]


def test_a_window_of_bars_never_rebases_the_sum():
    whole = cvd.cvd(deltas([100, -20, 30, 10]), calendar("crypto"), cvd.Params())
    later = deltas([30, 10], 2 * MINUTE)

    carried = cvd.cvd(later, calendar("crypto"), cvd.Params(), cvd.Carry(80, 0))

    assert whole.cvd_lot.tolist() == [100, 80, 110, 120]
    assert carried.cvd_lot.tolist() == [110, 120]


def test_a_sum_that_never_resets_keeps_its_anchor():
    sums = cvd.cvd(deltas([5, 5]), calendar("crypto"), cvd.Params(reset="never"), cvd.Carry(-3, 77))

    assert sums.cvd_lot.tolist() == [2, 7]
    assert sums.anchor_ns.tolist() == [77, 77]


# definitions 2.2
def test_floor_rows_are_even_and_half_even_rows_make_a_sawtooth():
    ticks = np.arange(399, 407)  # 99.75 to 101.50 in quarters, rows of a half

    def widths(rounding):
        return np.unique(rows_of(ticks, 2, rounding), return_counts=True)[1].tolist()

    assert widths("floor") == [1, 2, 2, 2, 1]
    assert widths("half_even") == [3, 1, 3, 1]
    assert widths("half_up") == [2, 2, 2, 2]
    assert rows_of(np.array([-1, -2, -3]), 2).tolist() == [-1, -1, -2]
    with pytest.raises(ConfigError, match="ticks_per_level"):
        rows_of(ticks, 0)


def test_before_a_calendar_knows_sessions_each_stretch_is_its_own():
    from footloom.core.sessions import calendar as calendar_of
    from footloom.studies._sessions import anchors

    ts = [480_000_000 * 10**9 + i * 60 * 10**9 for i in range(5)]  # 1985: long before the table of the exchange begins
    nse = Instrument(venue="t", symbol="X", tick_size=Decimal(1), lot_size=Decimal(1), calendar="nse_fo")
    made = build_footprint(Trades.build(nse, ts, [1] * 5, [1] * 5, [1] * 5), "1m", 1)

    at_once = anchors(made, calendar_of("nse_fo"), "session").tolist()

    assert at_once == [anchors(made.slice(i, i + 1), calendar_of("nse_fo"), "session")[0] for i in range(5)]
    assert len(set(at_once)) == 1


def test_sizes_of_prints_are_not_read_from_bars_that_cut_them():
    from footloom.engine.studies import StudyFold, counting
    from footloom.errors import ConfigError

    plain = Instrument(venue="t", symbol="X", tick_size=Decimal(1), lot_size=Decimal(1))
    fold = StudyFold("cvd_by_size")
    made = build_footprint(
        Trades.build(plain, [0, 1], [1, 1], [100, 5], [1, 1]), "10v-split", 1, count=counting([fold])
    )

    with pytest.raises(ConfigError, match="without -split"):
        fold.update(made)
