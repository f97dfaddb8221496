"""Trade sizes, tape speed and the statistics table, by hand (definitions 1.4, 3.1, 3.2, 3.5)."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from footloom.core.instrument import Instrument
from footloom.core.trades import FLAG_BY_QUOTE, FLAG_INFERRED, Trades
from footloom.engine.build import build_footprint
from footloom.engine.studies import StudyFold, counting, run_study
from footloom.errors import ConfigError, DataError
from footloom.studies import NONE, tape_speed
from footloom.studies.cvd_by_size import Params as SizeParams
from footloom.studies.cvd_by_size import edges_lot
from footloom.testing.study_contract import check, sample_trades

INSTRUMENT = Instrument(venue="t", symbol="X", tick_size=Decimal(1), lot_size=Decimal("0.25"))
SECOND = 10**9
MINUTE = 60 * SECOND
DAY = 1440 * MINUTE


def tape(rows, instrument=INSTRUMENT, **columns):
    """(ns, tick, lots, side)."""
    ts, tick, qty, side = zip(*rows, strict=True)
    return Trades.build(instrument, ts, tick, qty, side, **columns)


# --- cumulative delta by size ----------------------------------------------------------------------------------------


def by_size(rows, **settings):
    fold = StudyFold("cvd_by_size", settings)
    bars = fold.update(build_footprint(tape(rows), "1m", 1, count=counting([fold]))).bars
    return [bars[name].tolist() for name in ("small", "medium", "large")]


def test_three_sums_by_size():
    # A lot is a quarter: 1 is 4 lots, 10 is 40. A size belongs to the bucket that it begins.
    first = [(0, 5, 3, 1), (1, 5, 4, 1), (2, 5, 39, -1), (3, 5, 40, 1), (4, 5, 100, 0)]
    second = [(MINUTE, 5, 1, -1), (MINUTE, 5, 400, -1)]

    assert by_size(first + second) == [[3, 2], [-35, -35], [40, -360]]


def test_sizes_in_lots_and_between_lots():
    assert edges_lot(SizeParams(medium_from="4", large_from="40", unit="lot"), INSTRUMENT) == (4, 40)
    assert edges_lot(SizeParams(medium_from="0.3", large_from="0.5"), INSTRUMENT) == (2, 2)  # 0.3 is 1.2 lots
    assert edges_lot(SizeParams(large_from="1e300"), INSTRUMENT)[1] == np.iinfo(np.int64).max


def test_the_sums_begin_again_with_the_session():
    rows = [(DAY - MINUTE, 5, 1, 1), (DAY, 5, 1, 1), (DAY + MINUTE, 5, 2, 1)]

    assert by_size(rows)[0] == [1, 1, 3]
    assert by_size(rows, reset="never")[0] == [1, 2, 4]


@pytest.mark.parametrize("sizes", [("0", "1"), ("-1", "1"), ("5", "4")])
def test_sizes_that_do_not_ascend_are_refused(sizes):
    with pytest.raises(ConfigError, match="ascend from above 0"):
        by_size([(0, 5, 1, 1)], medium_from=sizes[0], large_from=sizes[1])


def test_a_size_that_is_no_number_is_refused():
    with pytest.raises(DataError, match="no decimal number"):
        by_size([(0, 5, 1, 1)], medium_from="many")


@given(st.lists(st.tuples(st.integers(1, 60), st.sampled_from([-1, 0, 1])), min_size=1, max_size=60))
def test_the_buckets_add_up_to_the_delta(trades):
    rows = [(i * 10 * SECOND, 5, qty, side) for i, (qty, side) in enumerate(trades)]
    made = build_footprint(tape(rows), "1m", 1)

    small, medium, large = by_size(rows)

    assert [sum(three) for three in zip(small, medium, large, strict=True)] == np.cumsum(made.bars.delta_lot).tolist()
    assert small[-1] == sum(q * s for q, s in trades if q < 4)
    assert large[-1] == sum(q * s for q, s in trades if q >= 40)


@pytest.mark.parametrize("reset", ["never", "week"])
def test_contract_of_sizes(reset):
    check("cvd_by_size", {"medium_from": "0.01", "large_from": "0.05", "reset": reset}, seeds=range(1), bars=("5m",))


# --- tape speed ------------------------------------------------------------------------------------------------------


def test_speeds_by_hand():
    # Minutes of 2, 4 and 6 trades of 30 lots: 1, 2 and 3 lots a second.
    rows = [(bar * MINUTE + i, 5, 30, 1) for bar, count in enumerate((2, 4, 6)) for i in range(count)]
    bars = run_study("tape_speed", build_footprint(tape(rows), "1m", 1), {"window": 2}).bars

    assert bars["volume_per_s"].tolist() == [1, 2, 3]
    assert bars["trades_per_s"] == pytest.approx([2 / 60, 4 / 60, 6 / 60], rel=1e-15)
    assert np.isnan(bars["trades_ratio"][:2]).all()
    assert bars["trades_ratio"][2] == pytest.approx(2)  # 6 against the mean of 2 and 4
    assert bars["volume_ratio"][2] == pytest.approx(2)


def test_a_bar_lasts_at_least_what_clocks_tell_apart():
    opens, closes = np.array([0, 10 * SECOND]), np.array([1, 70 * SECOND])

    assert tape_speed.duration_ns(opens, closes).tolist() == [10**6, MINUTE]


def test_contract_of_speed():
    check("tape_speed", {"window": 3}, seeds=range(2), bars=("1m",))


# --- the table -------------------------------------------------------------------------------------------------------


def test_a_row_of_the_table_by_hand():
    # +5, -8, +2, -1, +6 and 3 of no side, at 10 to 12; then the second bar, inferred, half of it by the quote.
    first = [(0, 10, 5, 1), (1, 11, 8, -1), (2, 12, 2, 1), (3, 11, 1, -1), (4, 12, 6, 1), (5, 12, 3, 0)]
    second = [(MINUTE, 11, 6, 1), (MINUTE + 1, 12, 6, -1)]
    flags = [0] * 6 + [FLAG_INFERRED | FLAG_BY_QUOTE, FLAG_INFERRED]
    made = build_footprint(tape(first + second, flags=np.array(flags, np.uint8)), "1m", 1)

    bars = {
        name: column.tolist() for name, column in run_study("bar_statistics", made, {"min_vol_lot": 1}).bars.items()
    }

    assert bars["volume"] == [25, 12]
    assert bars["delta"] == [4, 0]
    assert bars["delta_pct"] == pytest.approx([100 * 4 / 22, 0])
    assert (bars["min_delta"], bars["max_delta"]) == ([-3, 0], [5, 6])
    assert bars["session_cvd"] == [4, 4]
    assert bars["trades"] == [6, 2]
    assert bars["volume_per_s"] == pytest.approx([25 / 60, 12 / 60])
    assert bars["duration_ns"] == [MINUTE, MINUTE]
    # Buys: 8 at 12 against 9 sold at 11 no; sells: 9 at 11 against 8 bought at 12 no.
    assert (bars["buy_imbalances"], bars["sell_imbalances"]) == ([0, 0], [0, 0])
    assert bars["poc"] == [12, 11]  # 5, 9, 11; then 6 and 6, equally near the middle: the lower
    assert bars["coverage"] == pytest.approx([22 / 25, 1])
    assert bars["quote_share"][1] == pytest.approx(0.5)
    assert np.isnan(bars["quote_share"][0])


def test_the_table_repeats_the_studies():
    made = build_footprint(sample_trades(3), "5m", 2)
    table = run_study("bar_statistics", made).bars
    imbalances, poc = run_study("imbalance", made).bars, run_study("value_area", made).bars["poc_row"]

    assert table["session_cvd"].tolist() == run_study("cvd", made).bars["cvd"].tolist()
    assert table["buy_imbalances"].tolist() == imbalances["buy_count"].tolist()
    assert table["sell_imbalances"].tolist() == imbalances["sell_count"].tolist()
    assert table["poc"].tolist() == poc.tolist()
    assert NONE not in table["poc"]


def test_contract_of_the_table():
    check("bar_statistics", {"reset": "never", "min_vol_lot": 4}, seeds=range(1), bars=("5m",))


@pytest.mark.parametrize("cut", [0, 1, 4, 9])
def test_cvd_from_a_chosen_bar_counts_from_it_and_is_unknown_before(cut: int) -> None:
    footprint = build_footprint(sample_trades(3, 400), "1m", 10)
    deltas = footprint.bars.delta_lot.tolist()
    at = len(deltas) // 2
    anchor_ns = int(footprint.bars.open_ns[at])
    fold = StudyFold("cvd", {"anchor_ns": anchor_ns - 1})
    first = fold.update(footprint.slice(0, at + cut))
    rest = fold.update(footprint.slice(at + cut, len(footprint)))
    said = np.concatenate([first.bars["cvd"], rest.bars["cvd"]]).tolist()
    total, expected = 0, [NONE] * at
    for delta in deltas[at:]:
        total += delta
        expected.append(total)
    assert said == expected
    opened = np.concatenate([first.bars["open"], rest.bars["open"]])[at:]
    assert opened.tolist() == [0, *expected[at:-1]], "a candle opens where the one before closed"
