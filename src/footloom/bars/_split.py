"""Trades cut into parts where a bar is full (definitions 2.4)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from footloom.bars._sequential import Cut
from footloom.core.trades import I64, Trades
from footloom.errors import ConfigError
from footloom.kernels.splitting import split_ends

__all__ = ("split",)

_MOST_ROWS = 2**22  # parts beyond one a trade: some 2 GB of bars, which nobody could look at


def split(trades: Trades, threshold: int, memory: I64, rule: str, worth: I64 | None = None) -> Cut:
    """Return the trades with those cut that fill a bar, and the ends of the full bars (see `Sequential.cut`).

    ``threshold`` counts lots, or what they are worth: ``worth`` int64 (n,) of one lot of each trade.

    Raises
    ------
    ConfigError
        The bars are so small that the parts do not fit the memory.
    """
    room = len(trades) + _MOST_ROWS
    weight = np.ones(1, np.int64) if worth is None else worth
    columns = (weight, trades.qty_lot, int(worth is not None), threshold)
    none, counted = np.empty(0, np.int64), np.array([memory[0], 0], np.int64)
    pairs = int(split_ends(*columns, room, counted, none, none))
    if pairs > room:
        raise ConfigError(
            f"bars of {rule} are too small for {trades.instrument.key}: they would cut {len(trades)} trades into more "
            f"than {room} parts; use a larger number, or leave out -split"
        )
    cut, ends = np.empty(2 * pairs, np.int64), np.empty(int(counted[1]), np.int64)
    done = np.array([memory[0], 0], np.int64)
    split_ends(*columns, room, done, cut, ends)
    memory[0] = done[0]
    return replace(trades.take(cut[::2]), qty_lot=cut[1::2].copy()), ends
