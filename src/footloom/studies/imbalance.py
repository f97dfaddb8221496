"""Diagonal imbalances and stacks of every level, with the automatic minimum volume (definitions 5.1, 5.2)."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
import numpy as np

from footloom.core.footprint import Footprint
from footloom.core.trades import I64, U8
from footloom.kernels import imbalance as kernel
from footloom.studies._study import Answer, Output, Run

__all__ = (
    "CELL_BUY_IMBALANCE",
    "CELL_BUY_STACK",
    "CELL_SELL_IMBALANCE",
    "CELL_SELL_STACK",
    "OUTPUTS",
    "TITLE",
    "WINDOW",
    "Params",
    "State",
    "flags",
    "min_volume",
    "stacked_rows",
    "threshold_percent",
    "update",
    "warmup",
)

TITLE = "Imbalances"
OUTPUTS = (
    Output(name="cells", kind="cell_flag", unit="flag", columns=("cell_flags",), title="imbalances and stacks"),
    Output(name="min_vol", kind="column", unit="lot", columns=("min_vol",), title="minimum volume"),
    Output(name="buys", kind="column", unit="count", columns=("buy_count",), title="buy imbalances"),
    Output(name="sells", kind="column", unit="count", columns=("sell_count",), title="sell imbalances"),
)

CELL_BUY_IMBALANCE = kernel.BUY
CELL_SELL_IMBALANCE = kernel.SELL
CELL_BUY_STACK = kernel.BUY_STACK
CELL_SELL_STACK = kernel.SELL_STACK

WINDOW = 20  # final bars behind the automatic minimum volume
_PERCENTILE = 75
_COMPARE = {"ge": kernel.GE, "gt": kernel.GT}
_ZERO = {"infinite": kernel.INFINITE, "ignore": kernel.IGNORE, "as_one": kernel.AS_ONE}


class Params(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The test ``100 * strong >= percent * weak`` and its conditions; ``min_vol_lot`` None is automatic.

    ``excess`` asks that strong exceeds weak *by* the percentage: 350 % of 30 means 135 instead of 105.
    """

    percent: Annotated[int, msgspec.Meta(ge=100, le=10_000, description="threshold, percent")] = 300
    convention: Literal["ratio", "excess"] = "ratio"
    compare: Literal["ge", "gt"] = "ge"
    zero: Literal["infinite", "ignore", "as_one"] = "infinite"
    min_vol_lot: Annotated[int, msgspec.Meta(ge=0)] | None = None
    min_diff_lot: Annotated[int, msgspec.Meta(ge=0)] = 0
    stack_n: Annotated[int, msgspec.Meta(ge=2, le=50)] = 3


class State(msgspec.Struct, frozen=True):
    """The one-sided cells of the last `WINDOW` bars: levels of each bar, then buys and sells of each level, lots."""

    levels: tuple[int, ...] = ()
    buy_lot: tuple[int, ...] = ()
    sell_lot: tuple[int, ...] = ()


def threshold_percent(params: Params) -> int:
    """Return the percentage of the weak side that the strong one is held against."""
    return params.percent + (100 if params.convention == "excess" else 0)


def min_volume(footprint: Footprint, params: Params, first: int = 0) -> I64:
    """Return the minimum volume of bars ``first`` and later, lots, int64 (n_bars - first,).

    Automatic: the 75th percentile (nearest rank) of the non-zero one-sided cells of the 20 bars before, at least 1 lot.
    """
    if params.min_vol_lot is not None:
        return np.full(len(footprint) - first, params.min_vol_lot, np.int64)
    levels = footprint.levels
    return _least(footprint.level_offset, levels.buy_lot, levels.sell_lot, first)


def _least(offset: I64, buy: I64, sell: I64, first: int) -> I64:
    widest = int(np.max(offset[WINDOW:] - offset[:-WINDOW])) if len(offset) > WINDOW else int(offset[-1])
    out = np.empty(len(offset) - 1 - first, np.int64)
    space = np.empty(2 * widest + 1, np.int64)
    kernel.fill_min_volume(offset, buy, sell, first, WINDOW, _PERCENTILE, space, out)
    return out


def flags(footprint: Footprint, min_vol_lot: I64, params: Params) -> U8:
    """Return the ``CELL_*`` bits of every level, uint8 (n_levels,); ``min_vol_lot`` int64 (n_bars,)."""
    out = np.empty(len(footprint.levels), np.uint8)
    levels = footprint.levels
    kernel.fill_flags(
        footprint.level_offset,
        levels.row,
        levels.buy_lot,
        levels.sell_lot,
        min_vol_lot,
        threshold_percent(params),
        params.min_diff_lot,
        _COMPARE[params.compare],
        _ZERO[params.zero],
        params.stack_n,
        out,
    )
    return out


def stacked_rows(row: I64, cell_flags: U8, bit: int) -> list[tuple[int, int]]:
    """Return the (lowest, highest) row of each stack of one bar; ``bit`` is `CELL_BUY_STACK` or `CELL_SELL_STACK`."""
    marked = row[(cell_flags & bit) > 0]
    runs = np.split(marked, np.flatnonzero(np.diff(marked) != 1) + 1)
    return [(int(run[0]), int(run[-1])) for run in runs if len(run)]


def warmup(params: Params) -> int:
    """Return the bars behind the automatic minimum volume."""
    return WINDOW if params.min_vol_lot is None else 0


def update(run: Run, params: Params, state: State) -> tuple[Answer, State]:
    """Return ``cell_flags`` of every level, and ``min_vol``, ``buy_count`` and ``sell_count`` of every bar."""
    footprint = run.footprint
    if params.min_vol_lot is not None:
        least = min_volume(footprint, params)
    else:
        least, state = _automatic(run, state)
    marks = flags(footprint, least, params)
    counts = {
        name: np.diff(np.concatenate([[0], np.cumsum((marks & bit) > 0)])[footprint.level_offset])
        for name, bit in (("buy_count", CELL_BUY_IMBALANCE), ("sell_count", CELL_SELL_IMBALANCE))
    }
    return Answer(bars={"min_vol": least, **counts}, cells={"cell_flags": marks}), state


def _automatic(run: Run, state: State) -> tuple[I64, State]:
    levels, offset = run.footprint.levels, run.footprint.level_offset
    counts = np.concatenate([np.array(state.levels, np.int64), np.diff(offset)])
    buy = np.concatenate([np.array(state.buy_lot, np.int64), levels.buy_lot])
    sell = np.concatenate([np.array(state.sell_lot, np.int64), levels.sell_lot])
    ends = np.concatenate([[0], np.cumsum(counts)])
    least = _least(ends, buy, sell, len(state.levels))
    kept = counts[max(0, len(counts) - WINDOW) :]
    cells = slice(int(ends[-1] - kept.sum()), None)
    return least, State(tuple(kept.tolist()), tuple(buy[cells].tolist()), tuple(sell[cells].tolist()))
