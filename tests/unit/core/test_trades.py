"""The tape's columns: immutable, checked, never mixed."""

from decimal import Decimal

import numpy as np
import pytest

from footloom.core.instrument import Instrument, split_key
from footloom.core.trades import FLAG_NO_ID, FLAG_NO_RECV, Trades
from footloom.errors import ConfigError, DataError, OffGrid
from footloom.kernels.facts import facts, in_order

INSTRUMENT = Instrument(venue="t", symbol="X", tick_size=Decimal("0.5"), lot_size=Decimal("0.001"))


def tape(ts=(1, 2, 2), ids=(5, 6, 7), **more):
    n = len(ts)
    return Trades.build(INSTRUMENT, ts, range(n), [1] * n, [1] * n, trade_id=ids, **more)


def test_columns_cannot_be_written():
    with pytest.raises(ValueError, match="read-only"):
        tape().price_tick[0] = 3


def test_what_was_not_given_is_flagged():
    trades = Trades.build(INSTRUMENT, [3, 4], [1, 1], [1, 1], [1, 1])

    assert trades.flags.tolist() == [FLAG_NO_ID | FLAG_NO_RECV] * 2
    assert trades.trade_id.tolist() == [0, 1]
    assert trades.ts_recv_ns.tolist() == [3, 4]


def test_a_column_of_another_kind_is_refused():
    with pytest.raises(DataError, match="column side must be int8"):
        Trades(INSTRUMENT, *[np.zeros(2, np.int64)] * 7)


@pytest.mark.parametrize(
    ("ts", "ids", "ordered"),
    [((1, 2, 2), (5, 6, 7), True), ((1, 2, 2), (5, 7, 6), False), ((2, 1, 3), (1, 2, 3), False)],
)
def test_the_ordering_key_is_time_then_id(ts, ids, ordered):
    assert facts(tape(ts, ids)).ordered is ordered
    assert facts(in_order(tape(ts, ids))).ordered


def test_tapes_never_mix():
    with pytest.raises(DataError, match="tapes never mix: t:X/trade and t:X/agg_trade"):
        Trades.concat([tape(), tape(tape="agg_trade")])


def test_grids_are_not_mixed_silently():
    other = Trades.build(INSTRUMENT.with_grid("1", "0.001"), [1], [1], [1], [1])

    with pytest.raises(DataError, match="different grids"):
        Trades.concat([tape(), other])


def test_a_tape_moves_to_a_finer_grid_exactly():
    finer = INSTRUMENT.with_grid("0.05", "0.001")

    moved = tape().on_grid(finer)

    assert moved.price_tick.tolist() == [0, 10, 20]
    assert moved.qty_lot.tolist() == [1, 1, 1]
    with pytest.raises(OffGrid):
        moved.on_grid(INSTRUMENT.with_grid("0.03", "0.001"))


def test_an_instrument_says_what_is_off_its_grid():
    assert INSTRUMENT.price_tick("100.5") == 201
    with pytest.raises(OffGrid, match=r"price 100\.3 is no whole multiple of 0\.5"):
        INSTRUMENT.price_tick("100.3")
    with pytest.raises(ConfigError, match="tick_size of t:X must be above zero, got 0"):
        INSTRUMENT.with_grid("0", "1")


@pytest.mark.parametrize("key", ["BTCUSDT", ":X", "binance_usdm:", ""])
def test_a_key_without_venue_or_symbol_is_refused(key):
    with pytest.raises(ConfigError, match="VENUE:SYMBOL"):
        split_key(key)
