"""Trades in as few bytes as they need, and back exactly: what is kept in memory of tapes that are read again and again.

Times are multiples of milliseconds or microseconds as a rule, prices of half an hour lie close together, ids follow one
another: some 15 bytes a trade instead of 50.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from footloom.core.instrument import Instrument
from footloom.core.trades import I64, Trades
from footloom.kernels.facts import Facts, facts

__all__ = ("RUN_ROWS", "LeanTrades")

RUN_ROWS: Final = 131_000  # of one run: its columns lie under a MB each, in memory that is used again for the next
_UNITS = (1_000_000, 1_000)  # ns; what exchanges count time in
_NARROW = ((2**8, np.dtype(np.uint8)), (2**16, np.dtype(np.uint16)), (2**32, np.dtype(np.uint32)))
_NUMBERS = ("ts_exch_ns", "price_tick", "qty_lot", "trade_id")


class _Packed(NamedTuple):
    # `base + step * values`; of None the numbers of the rows.
    base: int
    step: int
    values: NDArray[Any] | None

    @property
    def nbytes(self) -> int:
        return 0 if self.values is None else int(self.values.nbytes)


class LeanTrades:
    """Neighbouring trades of one tape in the ordering key, at least one, packed.

    Attributes
    ----------
    instrument
        On whose grid they are packed.
    first, last
        The ordering keys (time in ns UTC, id) of the outermost rows.
    ids
        The least and the greatest id.
    newest_recv_ns
        The latest receipt, ns UTC.
    nbytes
        What is held.
    """

    def __init__(self, trades: Trades) -> None:
        ts, ids, recv = trades.ts_exch_ns, trades.trade_id, trades.ts_recv_ns
        self.instrument, self._tape, self._count = trades.instrument, trades.tape, len(trades)
        self._columns = {name: _packed(name, getattr(trades, name)) for name in _NUMBERS}
        self._delay = _packed("delay", recv - ts)
        self._side, self._flags = _few(trades.side), _few(trades.flags)
        self._facts: Facts = facts(trades)
        self.first = (ts.item(0), ids.item(0))
        self.last = (ts.item(-1), ids.item(-1))
        self.ids = (int(ids.min()), int(ids.max()))
        self.newest_recv_ns = int(recv.max())
        held = (*self._columns.values(), self._delay)
        self.nbytes = sum(one.nbytes for one in held) + sum(len(one) for one in (self._side, self._flags))

    @classmethod
    def runs(cls, trades: Trades) -> list[Self]:
        """Return trades in the ordering key as runs of at most `RUN_ROWS`."""
        return [cls(trades.take(slice(at, at + RUN_ROWS))) for at in range(0, len(trades), RUN_ROWS)]

    def __len__(self) -> int:
        return self._count

    def trades(self, grid: Instrument) -> Trades:
        """Return the trades in the ticks and lots of ``grid``, exactly.

        Raises
        ------
        OffGrid
            Its tick or lot is no whole part of this tape's.
        """
        own = self.instrument
        is_same = (own.tick_size, own.lot_size) == (grid.tick_size, grid.lot_size)
        made = {name: _whole(one, self._count) for name, one in self._columns.items()}
        ts, delay = made["ts_exch_ns"], self._delay
        trades = Trades(
            instrument=grid if is_same else own,
            ts_exch_ns=ts,
            price_tick=made["price_tick"],
            qty_lot=made["qty_lot"],
            side=_all(self._side, self._count),
            trade_id=made["trade_id"],
            ts_recv_ns=ts if delay == (0, 0, None) else ts + _whole(delay, self._count),
            flags=_all(self._flags, self._count),
            tape=self._tape,
        )
        trades.note(self._facts)
        return trades if is_same else trades.on_grid(grid)


def _packed(name: str, column: NDArray[Any]) -> _Packed:
    values = column.astype(np.int64, copy=False)
    least, most = int(values.min()), int(values.max())
    if least == most:
        return _Packed(least, 0, None)
    step = _step(values)
    if step:
        return _Packed(int(values[0]), step, None)
    unit = _unit(values, least) if name == "ts_exch_ns" else 1
    for limit, dtype in _NARROW:
        if (most - least) // unit < limit:
            return _Packed(least, unit, ((values - least) // unit).astype(dtype))
    return _Packed(0, 1, values.copy())


# Bytes, or one where all are the same.
def _few(values: NDArray[Any]) -> NDArray[Any]:
    return values[:1].copy() if bool((values == values[0]).all()) else values.copy()


def _all(values: NDArray[Any], count: int) -> NDArray[Any]:
    return values if len(values) == count else np.full(count, values[0])


# By how much each row is greater than the one before, 0 where they do not stand in such a line.
def _step(values: I64) -> int:
    step = int(values[1]) - int(values[0])
    if abs(step) >= 2**31 or int(values[-1]) - int(values[0]) != step * (len(values) - 1):
        return 0
    return step if bool((np.diff(values) == step).all()) else 0


def _unit(values: I64, least: int) -> int:
    for unit in _UNITS:
        if not ((values[:64] - least) % unit).any() and not ((values - least) % unit).any():
            return unit
    return 1


def _whole(packed: _Packed, count: int) -> I64:
    base, step, values = packed
    if step == 0:
        return np.full(count, base, np.int64)
    out = np.arange(count, dtype=np.int64) if values is None else values.astype(np.int64)
    if step != 1:
        out *= step
    if base:
        out += base
    return out
