"""How many bytes rows take, footer and all."""

from __future__ import annotations

import msgspec
import numpy as np

from footloom.core.trades import FLAG_NO_ID, FLAG_NO_RECV, Trades
from footloom.store._reports import Recordable, Settings
from footloom.store.columns import SEQ, TRADES, columns_of, form_of, length
from footloom.store.merge import merge
from footloom.store.parts import pack_part

__all__ = ("Sizes", "bytes_per_row", "bytes_per_trade")


class Sizes(msgspec.Struct, frozen=True):
    """Bytes a trade on disk: ``core`` with time, price and signed quantity, ``full`` with id and receipt time too."""

    rows: int
    core: float
    full: float


def bytes_per_trade(trades: Trades) -> Sizes:
    """Return what these trades take as one part; at least one, in any order."""
    ordered = trades.take(trades.order())
    everything = columns_of(ordered)
    core = everything | {
        "trade_id": everything["trade_id"] * 0,
        "ts_recv_ns": everything["ts_exch_ns"],
        "flags": everything["flags"] | (FLAG_NO_ID | FLAG_NO_RECV),
    }
    core_size, full_size = (
        pack_part(TRADES, trades.instrument, trades.tape, columns, Settings().row_group_rows).size
        for columns in (core, everything)
    )
    return Sizes(len(trades), core_size / len(trades), full_size / len(trades))


def bytes_per_row(block: Recordable) -> float:
    """Return what a row of a recording takes as one part; at least one row, in any order.

    The fewer rows, the more of it is the footer: a few thousand tell what a day takes.
    """
    form = form_of(block.tape)
    columns = merge(form, columns_of(block)).columns
    sequence = {SEQ: np.arange(1, length(columns) + 1)}
    size = pack_part(form, block.instrument, block.tape, columns | sequence, Settings().row_group_rows).size
    return float(size / len(block))
