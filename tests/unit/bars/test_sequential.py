"""Bars that end by what was traded: known answers, edges of all kinds, spellings (definitions 2.4; P14)."""

import datetime as dt
from decimal import Decimal

import numpy as np
import pytest

from footloom.bars import parse_rule
from footloom.bars.renko import bricks
from footloom.core.instrument import Instrument
from footloom.core.sessions import calendar
from footloom.core.trades import Trades
from footloom.engine.build import build_footprint
from footloom.errors import ConfigError, DataError
from footloom.kernels.fold import combine, fold

DAY = 1_772_409_600 * 10**9
MS = 10**6
CRYPTO = calendar("crypto")


def instrument(tick="1", lot="1", **more):
    return Instrument(venue="t", symbol="X", tick_size=Decimal(tick), lot_size=Decimal(lot), **more)


def tape(rows, of=None, ms=None):
    """Rows of (tick, lots, side), a millisecond apart unless their times are given."""
    price, lots, side = (list(column) for column in zip(*rows, strict=True))
    times = [DAY + at * MS for at in (ms or range(len(rows)))]
    return Trades.build(of or instrument(), times, price, lots, side, trade_id=range(len(rows)))


def lots(quantities):
    return tape([(100, quantity, 1) for quantity in quantities])


def prices(ticks):
    return tape([(tick, 1, 0) for tick in ticks])


def bars_of(rule, trades, column):
    edges, _ = parse_rule(rule).edges(trades, CRYPTO)
    values = getattr(edges.rows(trades), column).tolist()
    return [values[lo:hi] for lo, hi in zip(edges.ends.tolist(), edges.ends.tolist()[1:], strict=False)]


def edges_of(rule, trades, state=b""):
    return parse_rule(rule).edges(trades, CRYPTO, state)[0]


def test_a_trade_exactly_on_the_threshold_ends_the_bar():
    assert bars_of("10v", lots([4, 6, 1]), "qty_lot") == [[4, 6], [1]]
    assert bars_of("10v-split", lots([4, 6, 1]), "qty_lot") == [[4, 6], [1]]
    assert bars_of("1000q", lots([4, 6, 1]), "qty_lot") == [[4, 6], [1]]


def test_a_trade_three_times_the_threshold_overshoots_or_is_cut():
    trades = lots([4, 30, 1])

    assert bars_of("10v", trades, "qty_lot") == [[4, 30], [1]]
    assert bars_of("10v-split", trades, "qty_lot") == [[4, 6], [10], [10], [4, 1]]


def test_a_trade_that_is_cut_is_one_trade_of_each_of_its_bars():
    made = build_footprint(lots([4, 30, 1]), "10v-split", 1)

    assert made.bars.volume_lot.tolist() == [10, 10, 10, 5]
    assert made.bars.trades.tolist() == [2, 1, 1, 2]
    assert made.levels.volume_lot.tolist() == [10, 10, 10, 5]
    assert np.all(np.diff(made.bars.open_ns) > 0)


def test_a_trade_that_is_cut_goes_on_in_the_next_chunk():
    trades, rule = lots([4, 27, 1]), parse_rule("10v-split")
    first, state = rule.edges(trades.take(slice(0, 2)), CRYPTO)
    second, _ = rule.edges(trades.take(slice(2, 3)), CRYPTO, state)

    assert (first.complete, second.complete) == (False, False)
    assert second.open_ns[0] == first.open_ns[-1]
    pieces = [fold(trades.take(slice(0, 2)), first, rule.text, 1), fold(trades.take(slice(2, 3)), second, rule.text, 1)]
    assert combine(*pieces).bars.volume_lot.tolist() == [10, 10, 10, 2]
    assert combine(*pieces).bars.close_ns.tolist() == build_footprint(trades, "10v-split", 1).bars.close_ns.tolist()


def test_quote_value_counts_the_contract_multiplier_and_is_cut_at_whole_lots():
    contracts = instrument("0.1", "0.01", contract_multiplier=Decimal(10))
    trades = tape([(1000, 100, 1), (1000, 150, 1), (1000, 50, 1)], contracts)  # 1000, 1500 and 500

    assert bars_of("2000q", trades, "qty_lot") == [[100, 150], [50]]
    assert bars_of("2000q-split", trades, "qty_lot") == [[100, 100], [50, 50]]
    assert bars_of("2005q-split", trades, "qty_lot") == [[100, 101], [49, 50]]  # a lot is worth 10


def test_an_inverse_contract_is_worth_its_multiplier_at_any_price():
    dollars = instrument("0.1", contract_multiplier=Decimal(100), inverse=True)
    trades = tape([(600_000, 3, 1), (300_000, 4, 1), (1, 1, -1)], dollars)

    assert bars_of("700q", trades, "qty_lot") == [[3, 4], [1]]
    assert bars_of("500q-split", trades, "qty_lot") == [[3, 2], [2, 1]]
    assert bars_of("qib700", trades, "qty_lot") == [[3, 4], [1]]


def test_a_price_below_zero_counts_with_its_size_and_one_of_zero_not_at_all():
    trades = tape([(-50, 2, 1), (0, 9, 1), (50, 2, 1), (50, 1, 1)])

    assert bars_of("200q", trades, "price_tick") == [[-50, 0, 50], [50]]
    assert bars_of("150q-split", trades, "qty_lot") == [[2, 9, 1], [1, 1]]


def test_range_bars_are_closed_by_a_trade_that_they_do_not_hold():
    trades = prices([100, 101, 103, 104, 105, 104, 101, 100])

    assert bars_of("r4", trades, "price_tick") == [[100, 101, 103, 104], [105, 104, 101], [100]]


def test_a_jump_makes_no_phantom_range_bars():
    assert bars_of("r4", prices([100, 500, 100]), "price_tick") == [[100], [500], [100]]


def test_renko_turns_by_two_bricks_and_a_jump_of_many_is_one_bar():
    ticks = [50, 53, 56, 51, 50, 71, 71]

    assert bars_of("ren3", prices(ticks), "price_tick") == [[50, 53], [56], [51, 50], [71], [71]]
    assert [tuple(brick) for brick in bricks(np.array(ticks), 3)] == [
        (0, 50, 53, 1),
        (1, 53, 56, 1),
        (2, 53, 50, -1),
        *((3, low, low + 3, 1) for low in range(53, 71, 3)),
    ]


def test_renko_with_other_reversals():
    ticks = np.array([50, 53, 50, 47])

    assert [b[1:] for b in map(tuple, bricks(ticks, 3, 1))] == [(50, 53, 1), (53, 50, -1), (50, 47, -1)]
    assert [b[1:] for b in map(tuple, bricks(ticks, 3, 3))] == [(50, 53, 1)]
    assert list(bricks(np.array([], np.int64), 3)) == []
    assert bars_of("ren3-1", prices(ticks.tolist()), "price_tick") == [[50, 53], [50], [47]]


def test_delta_bars_end_either_way_and_unknown_volume_moves_nothing():
    trades = tape([(1, 5, 1), (1, 9, 0), (1, 5, 1), (1, 4, -1), (1, 7, -1), (1, 1, 1)])

    assert bars_of("d10", trades, "qty_lot") == [[5, 9, 5], [4, 7], [1]]


def test_imbalance_takes_the_tick_rule_where_nobody_states_the_side():
    ticks = [100, 101, 102, 103, 104, 103, 104, 105, 106, 107, 108]
    assert bars_of("ib4", prices(ticks), "price_tick") == [ticks[:5], ticks[5:]]

    stated = tape([(tick, 1, -1) for tick in ticks])
    assert [len(bar) for bar in bars_of("ib4", stated, "price_tick")] == [4, 4, 3]


def test_imbalance_by_volume_and_by_value():
    trades = tape([(10, 5, 1), (10, 2, -1), (10, 7, 1), (20, 10, -1)])

    assert bars_of("vib10", trades, "qty_lot") == [[5, 2, 7], [10]]
    assert bars_of("qib150", trades, "qty_lot") == [[5, 2, 7, 10]]


def test_expected_imbalance_follows_the_market_between_bounds():
    quick = tape([(1, 1, 1)] * 400)
    sizes = [len(bar) for bar in bars_of("ib8-e16", quick, "qty_lot")]

    # By hand: 8 buys in 8 trades bring 16 down to 15 expected trades, and 0.5 up to 0.5625: 9 to go, and so on.
    assert sizes[:3] == [8, 9, 9]
    assert max(sizes) <= 32
    balanced = tape([(1, 1, 1 if i % 2 else -1) for i in range(400)])
    assert len(bars_of("ib8-e16", balanced, "qty_lot")) == 1


def test_runs_count_one_side():
    trades = tape([(1, 1, 1), (1, 1, -1), (1, 1, 1), (1, 1, 1), (1, 1, -1)])

    assert [len(bar) for bar in bars_of("rb3", trades, "qty_lot")] == [4, 1]


def test_empty_intervals_make_no_bars():
    trades = tape([(1, 1, 1)] * 4, ms=[0, 1, 7_200_000, 7_200_001])

    assert [len(bar) for bar in bars_of("2t", trades, "qty_lot")] == [2, 2]
    edges = edges_of("2t", trades)
    assert edges.close_ns[0] == DAY + 1 * MS + 1
    assert edges.open_ns[1] == DAY + 7_200_000 * MS


def test_a_fold_that_starts_in_the_middle_of_a_bar_continues_it():
    trades, rule = lots([1] * 10), parse_rule("4t")
    _, state = rule.edges(trades.take(slice(0, 6)), CRYPTO)
    rest, _ = rule.edges(trades.take(slice(6, 10)), CRYPTO, state)

    assert np.diff(rest.ends).tolist() == [2, 2]
    assert rest.open_ns[0] == DAY + 4 * MS
    assert (rest.complete, rest.grows_until_ns[-1]) == (False, DAY + 86_400_000 * MS)


def test_hundreds_of_bars_in_one_millisecond_have_ascending_names():
    edges = edges_of("1t", tape([(1, 1, 1)] * 300, ms=[5] * 300))

    assert edges.open_ns.tolist() == [DAY + 5 * MS + i for i in range(300)]
    assert edges.close_ns.tolist() == [DAY + 5 * MS + i + 1 for i in range(300)]


def test_every_session_begins_a_bar():
    nse = instrument(calendar="nse_fo")
    moments = [dt.datetime.fromisoformat(f"2025-12-09T{t}+05:30") for t in ("15:29:59", "15:31:00", "15:32:00")]
    epoch = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    times = [round((m - epoch).total_seconds()) * 10**9 for m in moments]
    trades = Trades.build(nse, times, [1] * 3, [1] * 3, [1] * 3)

    edges, _ = parse_rule("3t").edges(trades, calendar("nse_fo"))

    assert edges.ends.tolist() == [0, 1, 3]
    assert edges.off_session.tolist() == [0, 1]
    assert edges.grows_until_ns[0] == times[0] + 10**9  # the session's end


SPELLINGS = {
    "500t": "500t",
    "5e2t": "500t",
    "0500t": "500t",
    "100v": "100v",
    "100.0v": "100v",
    "0.50v": "0.5v",
    "100v-split": "100v-split",
    "1e6q": "1e6q",
    "1000000q": "1e6q",
    "1.50e6q": "1.5e6q",
    "1234567q": "1234567q",
    "1e6q-split": "1e6q-split",
    "r20": "r20",
    "ren10": "ren10",
    "ren10-2": "ren10",
    "ren10-3": "ren10-3",
    "d500": "d500",
    "d0.5": "d0.5",
    "ib": "ib100",
    "ib500": "ib500",
    "vib100": "vib100",
    "qib1000000": "qib1e6",
    "ib500-e": "ib500-e",
    "ib500-e1000": "ib500-e",
    "ib500-e2000": "ib500-e2000",
    "vib0.5-e50": "vib0.5-e50",
    "ib-e": "ib100-e",
    "rb500": "rb500",
    "vrb1e2": "vrb100",
    "qrb1e6": "qrb1e6",
}


@pytest.mark.parametrize("text", SPELLINGS)
def test_one_rule_has_one_spelling(text):
    assert parse_rule(text).text == SPELLINGS[text]
    assert parse_rule(SPELLINGS[text]) == parse_rule(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("0t", "above 0"),
        ("0.0v", "above 0"),
        ("0q", "above 0"),
        ("r0", "above 0"),
        ("ren0", "above 0"),
        ("ren10-0", "above 0"),
        ("d0", "above 0"),
        ("ib0", "above 0"),
        ("rb0", "above 0"),
        ("1.5t", "whole numbers"),
        ("r2.5", "whole numbers"),
        ("ren2.5", "whole numbers"),
        ("ib2.5", "whole numbers"),
        ("rb2.5", "whole numbers"),
        ("1e19t", "whole numbers"),
        ("1e99v", "below 1e24"),
        ("ren1e15", "2\\^40"),
        ("ren10-5000", "1000"),
        ("vib", "need a threshold"),
        ("ib2000-e", "more trades"),
        ("ib10-e1e15", "more trades"),
    ],
)
def test_bars_that_cannot_be_say_why(text, why):
    with pytest.raises(ConfigError, match=why):
        parse_rule(text)


@pytest.mark.parametrize("text", ["t", "500 t", "-5t", "5T", "1e+6q", "1e-2v", "r", "ren", "r-5", "10r", "v100", "rb"])
def test_what_is_no_spelling_is_told_the_grammar(text):
    with pytest.raises(ConfigError, match=r"names no bars: write a time .*500t.*100v-split.*ren10.*ib500-e.*rb500"):
        parse_rule(text)


def test_a_split_volume_must_be_whole_lots():
    with pytest.raises(ConfigError, match=r"2\.5 is no whole number of its lots of 1, .*leave out -split"):
        edges_of("2.5v-split", lots([1]))
    assert bars_of("2.5v", lots([2, 1, 1]), "qty_lot") == [[2, 1], [1]]


def test_a_threshold_beyond_exact_sums_is_refused():
    fine = instrument("0.01", "0.00000001")

    with pytest.raises(ConfigError, match=r"1e12q cannot be made here: 1000000000000 are 10+ units"):
        edges_of("1e12q", tape([(1, 1, 1)], fine))
    with pytest.raises(ConfigError, match=r"lot size of t:X.*use a smaller number"):
        edges_of("1e12v", tape([(1, 1, 1)], fine))


def test_a_trade_beyond_exact_sums_is_refused_not_wrapped():
    trades = tape([(1, 1, 1), (2**40, 2**30, 1)])

    for rule in ("100q", "100q-split", "qib100", "qrb100"):
        with pytest.raises(DataError, match=f"of {rule} cannot be made .*a trade of {2**30} lots at {2**40} ticks"):
            edges_of(rule, trades)
    with pytest.raises(DataError, match="lots exceeds"):
        edges_of("5v", tape([(1, 2**62, 1)]))
    # The largest price and the largest quantity of two trades are no trade.
    assert len(edges_of("100q", tape([(2**40, 1, 1), (1, 2**30, 1)]))) == 2


def test_bars_so_small_that_parts_fill_the_memory_are_refused():
    with pytest.raises(ConfigError, match=r"1v-split are too small .*more than \d+ parts; .*leave out -split"):
        edges_of("1v-split", lots([2**50]))
    with pytest.raises(ConfigError, match=r"2v-split are too small"):
        edges_of("2v-split", lots([2**24]))


def test_a_state_of_another_rule_is_refused():
    _, state = parse_rule("r4").edges(lots([1]), CRYPTO)

    with pytest.raises(DataError, match="another rule"):
        edges_of("4t", lots([1]), state)


def test_a_stretch_before_the_first_session_of_a_calendar_is_off_session():
    long_ago = 486_622_800 * 10**9  # 1985, before NSE's table
    trades = Trades.build(instrument(calendar="nse_fo"), [long_ago, long_ago + 1], [1, 2], [1, 1], [1, 1])

    edges, _ = parse_rule("5t").edges(trades, calendar("nse_fo"))

    assert edges.off_session.tolist() == [1]
    assert edges.grows_until_ns.tolist() == [2**62]
