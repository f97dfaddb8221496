"""Unfinished highs and lows and the levels that they leave, by hand (definitions 6.1)."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from footloom.core.instrument import Instrument
from footloom.core.trades import Trades
from footloom.engine.build import build_footprint
from footloom.engine.studies import StudyFold, run_study
from footloom.errors import ConfigError
from footloom.studies import NONE, unfinished_auction
from footloom.studies.unfinished_auction import BORN, CLOSED, EXPIRED
from footloom.testing.study_contract import check, sample_trades

INSTRUMENT = Instrument(venue="t", symbol="X", tick_size=Decimal(1), lot_size=Decimal(1))
MINUTE = 60 * 10**9


def bars_of(*bars, step=1):
    """A bar a minute of {price: (sold, bought)}."""
    cells = [
        (i * MINUTE, price, qty, side)
        for i, rows in enumerate(bars)
        for price, pair in rows.items()
        for qty, side in zip(pair, (-1, 1), strict=True)
        if qty
    ]
    ts, tick, qty, side = zip(*cells, strict=True)
    return build_footprint(Trades.build(INSTRUMENT, ts, tick, qty, side), "1m", step)


def told(made, **settings):
    events = run_study("unfinished_auction", made, settings).events
    rows = (events[name].tolist() for name in ("bar", "event", "extreme", "tick"))
    return list(zip(*rows, strict=True))


# (sold, bought) at the high and at the low: 1 unfinished, 2 finished, 0 neither.
@pytest.mark.parametrize(
    ("high", "low", "settings", "marks"),
    [
        ((3, 20), (15, 0), {}, (1, 2)),
        ((0, 15), (15, 1), {}, (2, 1)),
        ((4, 0), (0, 4), {}, (0, 0)),  # the main side did not trade
        ((3, 20), (20, 3), {"ask_filter_lot": 20}, (0, 1)),  # more than the filter, not as much
        ((3, 20), (20, 3), {"bid_filter_lot": 19}, (1, 1)),
        ((3, 20), (20, 3), {"bid_filter_lot": 20}, (1, 0)),
    ],
)
def test_the_extremes_of_a_bar(high, low, settings, marks):
    answer = run_study("unfinished_auction", bars_of({10: high, 5: (1, 1), 1: low}), settings)

    assert (answer.bars["high"][0], answer.bars["low"][0]) == marks


def test_volume_without_a_side_is_of_no_side():
    tape = Trades.build(INSTRUMENT, [0, 0], [10, 1], [5, 5], [0, 0])
    answer = run_study("unfinished_auction", build_footprint(tape, "1m", 1))

    assert (answer.bars["high"][0], answer.bars["low"][0]) == (0, 0)


BOTH, DONE = (5, 5), {"high": (0, 5), "low": (5, 0)}


def test_a_level_is_open_until_a_bar_trades_beyond_it():
    made = bars_of(
        {10: BOTH, 8: DONE["low"]},  # leaves 10
        {9: BOTH, 7: DONE["low"]},  # leaves 9
        {9: DONE["high"], 7: BOTH},  # at 9 is not beyond it; leaves the low 7
        {10: DONE["high"], 7: DONE["low"]},  # beyond 9, not 10
        {11: BOTH, 6: BOTH},  # beyond 10 and 7; leaves 11 and 6
    )

    assert told(made) == [
        (0, BORN, 1, 10),
        (1, BORN, 1, 9),
        (2, BORN, -1, 7),
        (3, CLOSED, 1, 9),
        (4, CLOSED, 1, 10),
        (4, BORN, 1, 11),
        (4, CLOSED, -1, 7),
        (4, BORN, -1, 6),
    ]
    answer = run_study("unfinished_auction", made)
    assert answer.bars["open_highs"].tolist() == [1, 2, 2, 1, 1]
    assert answer.bars["open_lows"].tolist() == [0, 0, 1, 1, 1]
    table = unfinished_auction.levels(answer.events)
    spans = sorted(zip(*(table[n].tolist() for n in ("tick", "born_bar", "end_bar")), strict=True))
    assert spans == [(6, 4, NONE), (7, 2, 4), (9, 1, 3), (10, 0, 4), (11, 4, NONE)]


def test_a_window_knows_when_its_levels_began():
    made = bars_of({10: BOTH, 8: DONE["low"]}, {9: DONE["high"], 8: DONE["low"]}, {11: DONE["high"], 8: DONE["low"]})
    fold = StudyFold("unfinished_auction")
    fold.update(made.slice(0, 2))

    table = unfinished_auction.levels(fold.update(made.slice(2, 3)).events)

    assert (table["tick"][0], table["born_bar"][0], table["end_bar"][0]) == (10, -2, 0)


def test_the_oldest_gives_way_where_too_many_are_open():
    made = bars_of(*({20 - i: BOTH, 1: DONE["low"]} for i in range(4)))

    assert [row for row in told(made, max_open=2) if row[1] == EXPIRED] == [(2, EXPIRED, 1, 20), (3, EXPIRED, 1, 19)]


def test_wide_rows_hold_more_than_the_extreme():
    # At 10 only buys, at 9 both: rows of two ticks from 8 and 10, rows of four from 8.
    made = [{10: (0, 5), 9: (5, 5)}]

    assert run_study("unfinished_auction", bars_of(*made, step=2)).bars["high"][0] == 2
    assert run_study("unfinished_auction", bars_of(*made, step=4)).bars["high"][0] == 1


def plain(made):
    """Each level's life by looking at every later bar."""
    high, low, rows = made.bars.high_tick.tolist(), made.bars.low_tick.tolist(), []
    for i in range(len(made)):
        cells = made.cells(i)
        if cells.sell_lot[-1] > 0 and cells.buy_lot[-1] > 0:
            over = [b for b in range(i + 1, len(high)) if high[b] > high[i]]
            rows.append((1, high[i], i, over[0] if over else NONE))
        if cells.sell_lot[0] > 0 and cells.buy_lot[0] > 0:
            under = [b for b in range(i + 1, len(low)) if low[b] < low[i]]
            rows.append((-1, low[i], i, under[0] if under else NONE))
    return sorted(rows)


@given(st.integers(0, 100))
def test_equals_the_definition_in_plain_code(seed):
    made = build_footprint(sample_trades(seed, rows=500), "1m", 3)

    table = unfinished_auction.levels(run_study("unfinished_auction", made).events)

    columns = (table[n].tolist() for n in ("extreme", "tick", "born_bar", "end_bar"))
    assert sorted(zip(*columns, strict=True)) == plain(made)


def test_contract_with_few_places():
    check("unfinished_auction", {"max_open": 2}, seeds=range(2), bars=("1m",), ticks_per_level=5)


def test_a_setting_out_of_range_is_refused():
    with pytest.raises(ConfigError, match="Unfinished auctions"):
        StudyFold("unfinished_auction", {"max_open": 0})
