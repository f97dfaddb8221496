"""Imbalances as freqtrade counts them, to compare with its users' numbers (definitions 5.5); none of ours uses it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from footloom.core.rows import rows_of
from footloom.core.trades import I64, Trades
from footloom.errors import DataError

__all__ = ("FreqtradeRows", "freqtrade_compat")


@dataclass(frozen=True, slots=True, eq=False)
class FreqtradeRows:
    """The rows that traded, low to high, (n_rows,): counts of trades, lots, and two flags, each on the lower row."""

    row: I64
    bid_trades: I64
    ask_trades: I64
    bid_lot: I64
    ask_lot: I64
    bid_imbalance: NDArray[np.bool_]
    ask_imbalance: NDArray[np.bool_]

    @property
    def delta_lot(self) -> I64:
        """Bought minus sold, lots."""
        return self.ask_lot - self.bid_lot


def freqtrade_compat(
    trades: Trades, ticks_per_level: int, percent: int = 300, min_volume_lot: int = 0
) -> FreqtradeRows:
    """Return the rows of one bar's trades by that program's conventions.

    Prices are rounded half-even to rows; a row is compared with the next one that traded, by numbers of trades,
    strictly; ``min_volume_lot`` is held against the row's lots of both sides.

    Raises
    ------
    DataError
        A trade has no side: that program knows none such.
    """
    if np.any(trades.side == 0):
        raise DataError(f"{int(np.count_nonzero(trades.side == 0))} trades have no side, which freqtrade does not know")
    row, place = np.unique(rows_of(trades.price_tick, ticks_per_level, "half_even"), return_inverse=True)
    bought = trades.side > 0
    bid_trades, ask_trades = (np.bincount(place[mask], minlength=len(row)) for mask in (~bought, bought))
    bid_lot, ask_lot = np.zeros((2, len(row)), np.int64)
    for total, mask in ((bid_lot, ~bought), (ask_lot, bought)):
        np.add.at(total, place[mask], trades.qty_lot[mask])
    above = np.append(ask_trades[1:], 0)[: len(row)]
    enough = (bid_lot + ask_lot >= min_volume_lot) & (np.arange(len(row)) < len(row) - 1)
    return FreqtradeRows(
        row=row,
        bid_trades=bid_trades,
        ask_trades=ask_trades,
        bid_lot=bid_lot,
        ask_lot=ask_lot,
        bid_imbalance=enough & (100 * bid_trades > percent * above),
        ask_imbalance=enough & (100 * above > percent * bid_trades),
    )
