"""What a threshold of quantity or quote value is in whole units of a tape, and that its exact sums fit."""

from __future__ import annotations

import functools
from decimal import Decimal

import numpy as np

from footloom.bars._grammar import LARGEST, at_least
from footloom.core.instrument import Instrument
from footloom.core.trades import I64, Trades
from footloom.errors import DataError
from footloom.kernels.facts import facts
from footloom.kernels.sequential import largest_price

__all__ = ("lots", "value_units")

_MOST = 2**61  # of one trade


@functools.lru_cache(maxsize=256)
def _lots(quantity: Decimal, instrument: Instrument, rule: str) -> int:
    return at_least(quantity, instrument.lot_size, rule, f"{instrument.lot_size} (the lot size of {instrument.key})")


@functools.lru_cache(maxsize=256)
def _units(value: Decimal, instrument: Instrument, rule: str) -> int:
    unit = instrument.lot_size * instrument.contract_multiplier
    words = "lot size x contract multiplier"
    if not instrument.inverse:
        unit, words = unit * instrument.tick_size, f"tick size x {words}"
    return at_least(value, unit, rule, f"{unit:f} ({words} of {instrument.key})")


def lots(quantity: Decimal, trades: Trades, rule: str) -> int:
    """Return the smallest number of lots that reaches a quantity.

    Raises
    ------
    ConfigError
        It does not fit the 64-bit sums of a bar.
    DataError
        A trade of the tape does not.
    """
    _check_lots(trades, rule)
    return _lots(quantity, trades.instrument, rule)


def value_units(value: Decimal, trades: Trades, rule: str) -> tuple[I64, int]:
    """Return what a lot of each trade is worth, int64 (n,), and the smallest sum of these that reaches ``value``.

    A lot is worth its price in ticks, or one where the contract is inverse: it stands for quote currency then.

    Raises
    ------
    ConfigError
        The value does not fit the 64-bit sums of a bar.
    DataError
        That of a trade of the tape does not.
    """
    if trades.instrument.inverse:
        _check_lots(trades, rule)
        return np.ones(len(trades), np.int64), _units(value, trades.instrument, rule)
    if int(largest_price(trades.price_tick)) * facts(trades).max_qty_lot > _MOST:
        products = np.abs(trades.price_tick.astype(np.float64)) * trades.qty_lot
        if products.max() > LARGEST:  # with room for what floats round
            at = int(np.argmax(products))
            trade = f"a trade of {trades.qty_lot[at]} lots at {trades.price_tick[at]} ticks"
            raise DataError(_too_large(trades, rule, trade, LARGEST))
    return trades.price_tick, _units(value, trades.instrument, rule)


def _check_lots(trades: Trades, rule: str) -> None:
    largest = facts(trades).max_qty_lot
    if largest > _MOST:
        raise DataError(_too_large(trades, rule, f"a trade of {largest} lots", _MOST))


def _too_large(trades: Trades, rule: str, trade: str, most: int) -> str:
    return (
        f"bars of {rule} cannot be made of {trades.instrument.key}: {trade} exceeds the {most} units that their exact "
        "64-bit sums take; bring the tape onto a coarser grid, or choose bars of trades or time"
    )
