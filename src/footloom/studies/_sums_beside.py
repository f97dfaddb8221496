"""Cumulative delta of the chart's symbol and of others, in one unit of the base asset (definitions 6.15)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from footloom.core.footprint import BAR_GAP, Footprint
from footloom.core.trades import I64
from footloom.studies import _beside
from footloom.studies._beside import Beside, Heard, Quiet, SeveralSymbols, Stretch, keys_of, stretches
from footloom.studies._sessions import anchors
from footloom.studies._study import NONE, Run

__all__ = (
    "SumParams",
    "SumState",
    "Sums",
    "column_of",
    "companions",
    "others_of",
    "reads_from",
    "sums_of",
    "warmup",
)


class SumParams(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose delta is summed, when the sums start again, and the longest silence of a symbol that is no outage."""

    symbols: SeveralSymbols = ""
    reset: Literal["session", "day", "week", "month", "never"] = "session"
    quiet_s: Quiet = 300


class SumState(msgspec.Struct, frozen=True):
    """The sums so far, of the chart's symbol first; their anchor, and the close of the last bar that is not whole."""

    totals: list[int] = []
    anchor_ns: int | None = None
    valid_since_ns: list[int] = []
    heard: Heard = Heard()


@dataclass(frozen=True, slots=True, eq=False)
class Sums:
    """As of each close: the sum of each symbol, whether each bar is whole, since when the sums are, and the anchor.

    ``total`` int64 (n_symbols, n_bars), the chart's own first; ``is_whole`` bool, ``valid_since_ns`` int64, alike.
    """

    total: I64
    is_whole: NDArray[np.bool_]
    valid_since_ns: I64
    anchor_ns: I64


def warmup(params: SumParams) -> int:  # noqa: ARG001 - the same for any
    """Return -1: everything since the anchor counts."""
    return -1


def companions(params: SumParams) -> tuple[str, ...]:
    """Return the symbols that count beside the chart's own."""
    return keys_of(params.symbols)


def reads_from(footprint: Footprint, params: SumParams, state: SumState) -> int:
    """Return from when on the others are read for these bars, ns UTC."""
    return _beside.reads_from(footprint, params.quiet_s, state.heard)


def sums_of(run: Run, keys: Sequence[str], params: SumParams, state: SumState) -> tuple[Sums, SumState]:
    """Return the sums of the chart's own symbol and of ``keys``, and what to carry on.

    Of a symbol that is not there, or that is traded in another base asset, no bar is whole: quantities of two things do
    not add up. The chart's own symbol is left out of ``keys``.
    """
    keys = others_of(run, keys)
    count, symbols = len(run), 1 + len(keys)
    starts = anchors(run.footprint, run.calendar, params.reset)
    if state.anchor_ns is not None:
        never = params.reset == "never"
        starts = np.full(count, state.anchor_ns) if never else np.maximum(starts, state.anchor_ns)
    found, from_ns, heard = stretches(run.footprint, run.beside, params.quiet_s, state.heard, starts)
    deltas, whole = _own(run, found, from_ns)
    found = {key: one for key, one in found.items() if _is_alike(run, key)}
    others = [_delta(run.beside, key, found.get(key), from_ns) for key in keys]
    delta = np.stack([deltas, *others]).reshape(symbols, count)
    is_whole = np.stack([whole, *(_whole(found.get(key), count) for key in keys)]).reshape(symbols, count)
    goes_on = bool(count) and starts[0] == state.anchor_ns
    total = _since(delta, starts, state.totals if goes_on else [0] * symbols)
    broken = np.where(is_whole, NONE, run.footprint.bars.close_ns)
    before = np.array(state.valid_since_ns or [NONE] * symbols, np.int64)[:, None]
    last = np.maximum.accumulate(np.concatenate([before, broken], axis=1), axis=1)[:, 1:]
    valid = np.maximum(last, starts)
    if count:
        state = SumState(total[:, -1].tolist(), int(starts[-1]), valid[:, -1].tolist(), heard)
    return Sums(total, is_whole, valid, starts), state


def column_of(sums: Sums, which: Sequence[int] | slice) -> I64:
    """Return the sum over some of the symbols, `NONE` at bars of which not all of them are whole."""
    if not len(sums.total[which]):
        return np.full(sums.total.shape[1], NONE)
    return np.where(sums.is_whole[which].all(axis=0), sums.total[which].sum(axis=0), NONE)


def others_of(run: Run, keys: Sequence[str]) -> list[str]:
    """Return the symbols without the chart's own, which counts by its bars."""
    return [key for key in keys if key != run.footprint.instrument.key]


# Of an inverse contract its own trades are read as those of the others: what one is worth depends on its price.
def _own(run: Run, found: dict[str, Stretch], from_ns: I64) -> tuple[I64, NDArray[np.bool_]]:
    bars, beside = run.footprint.bars, run.beside
    whole = (bars.flags & BAR_GAP) == 0
    if beside is None:  # a lot of its own is the unit
        return bars.delta_lot, whole & (not run.footprint.instrument.inverse)
    if beside.own_lot:
        return bars.delta_lot * beside.own_lot, whole
    key = run.footprint.instrument.key
    return _delta(beside, key, found.get(key), from_ns), whole & _whole(found.get(key), len(run))


def _is_alike(run: Run, key: str) -> bool:
    own, other = run.footprint.instrument, run.beside.instruments[key] if run.beside is not None else None
    return other is None or not own.base or not other.base or own.base == other.base


def _delta(beside: Beside | None, key: str, found: Stretch | None, from_ns: I64) -> I64:
    if beside is None or found is None:
        return np.zeros(len(from_ns), np.int64)
    tape = beside.tapes[key]
    return tape.running[found.rows] - tape.running[np.minimum(tape.before(from_ns), found.rows)]


def _whole(found: Stretch | None, count: int) -> NDArray[np.bool_]:
    return np.zeros(count, np.bool_) if found is None else found.is_whole


# The running sums of rows, which begin again with each anchor; the first go on with what was carried.
def _since(delta: I64, starts: I64, carried: Sequence[int]) -> I64:
    if not delta.shape[1]:
        return delta
    first = np.flatnonzero(np.diff(starts, prepend=starts[0] - 1))
    total = np.cumsum(delta, axis=1)
    base = total[:, first] - delta[:, first]
    base[:, 0] = -np.array(carried, np.int64)
    return total - np.repeat(base, np.diff(first, append=len(starts)), axis=1)
