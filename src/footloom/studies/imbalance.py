"""Imbalances of every level, diagonal or horizontal, and their stacks (definitions 5.1, 5.2)."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
import numpy as np

from footloom.core.footprint import Footprint
from footloom.core.trades import I64, U8
from footloom.kernels import imbalance as kernel
from footloom.studies._study import Answer, Column, Output, Run

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
    "imbalances",
    "kernel_terms",
    "min_volume",
    "min_volume_of",
    "rows_flagged",
    "stacked_rows",
    "threshold_percent",
    "update",
    "warmup",
)

TITLE = "Imbalances"
OUTPUTS = (
    Output(
        name="cells",
        kind="cell_flag",
        unit="flag",
        columns=("cell_flags",),
        title="imbalances and stacks",
        bits=(1, -1, 1, -1),
    ),
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
    """The test ``100 * strong >= percent * weak`` and its conditions; without ``min_vol_lot`` it is automatic.

    ``diagonal`` compares a row's buys with the sells one row below, and its sells with the buys one row above;
    ``horizontal`` compares the two sides of one row. ``excess`` asks that strong exceeds weak *by* the percentage:
    350 % of 30 means 135 instead of 105.
    """

    direction: Literal["diagonal", "horizontal"] = "diagonal"
    percent: Annotated[int, msgspec.Meta(ge=100, le=10_000, description="threshold, percent")] = 300
    convention: Literal["ratio", "excess"] = "ratio"
    compare: Literal["ge", "gt"] = "ge"
    zero: Literal["infinite", "ignore", "as_one"] = "infinite"
    min_vol_lot: Annotated[int, msgspec.Meta(ge=0, le=2**62)] | None = None
    min_diff_lot: Annotated[int, msgspec.Meta(ge=0, le=2**62)] = 0
    stack_n: Annotated[int, msgspec.Meta(ge=2, le=50)] = 3


class State(msgspec.Struct, frozen=True):
    """The one-sided cells of the last `WINDOW` bars: levels of each bar, then buys and sells of each level, lots.

    Each is the bytes of an int64 array: live, they are read at every bar.
    """

    levels: bytes = b""
    buy_lot: bytes = b""
    sell_lot: bytes = b""


def threshold_percent(params: Params) -> int:
    """Return the percentage of the weak side that the strong one is held against."""
    return params.percent + (100 if params.convention == "excess" else 0)


def kernel_terms(params: Params) -> tuple[int, int, int, int, int, int]:
    """Return direction (1 horizontal), percent, least difference, comparison, zero rule and stack, as kernels do."""
    compare, zero = _COMPARE[params.compare], _ZERO[params.zero]
    horizontal = int(params.direction == "horizontal")
    return horizontal, threshold_percent(params), params.min_diff_lot, compare, zero, params.stack_n


def min_volume(footprint: Footprint, params: Params, first: int = 0) -> I64:
    """Return the minimum volume of bars ``first`` and later, lots, int64 (n_bars - first,).

    Automatic: the 75th percentile (nearest rank) of the non-zero one-sided cells of the 20 bars before, at least 1 lot.
    """
    levels = footprint.levels
    return min_volume_of(footprint.level_offset, levels.buy_lot, levels.sell_lot, params, first)


def min_volume_of(offset: I64, buy_lot: I64, sell_lot: I64, params: Params, first: int = 0) -> I64:
    """Return the same, given the levels as columns: ``offset`` int64 (n_bars + 1,), lots int64 (n_levels,)."""
    if params.min_vol_lot is not None:
        return np.full(len(offset) - 1 - first, params.min_vol_lot, np.int64)
    return _least(offset, buy_lot, sell_lot, first)


def _least(offset: I64, buy: I64, sell: I64, first: int) -> I64:
    widest = int(np.max(offset[WINDOW:] - offset[:-WINDOW])) if len(offset) > WINDOW else int(offset[-1])
    out = np.empty(len(offset) - 1 - first, np.int64)
    room = 2 * widest + 1
    space, near, noted = np.empty(room, np.int64), np.empty(2 * room, np.int64), np.empty(3 * WINDOW, np.int64)
    kernel.fill_min_volume(offset, buy, sell, first, WINDOW, _PERCENTILE, space, near, noted, out)
    return out


def flags(footprint: Footprint, min_vol_lot: I64, params: Params) -> U8:
    """Return the ``CELL_*`` bits of every level, uint8 (n_levels,); ``min_vol_lot`` int64 (n_bars,)."""
    levels = footprint.levels
    return _flags(footprint.level_offset, levels.row, levels.buy_lot, levels.sell_lot, min_vol_lot, params)


def _flags(offset: I64, row: I64, buy: I64, sell: I64, least: I64, params: Params) -> U8:
    out = np.empty(len(row), np.uint8)
    kernel.fill_flags(offset, row, buy, sell, least, *kernel_terms(params), out)
    return out


def rows_flagged(buy_lot: I64, sell_lot: I64, params: Params) -> U8:
    """Return the ``CELL_*`` bits of one contiguous row array, low to high; lots, int64 (n_rows,); uint8 (n_rows,).

    Without a minimum volume in ``params`` it is 1 lot: there are no bars before.

    Examples
    --------
    >>> rows_flagged(np.array([5, 33, 60, 15]), np.array([10, 20, 4, 0]), Params(min_vol_lot=10)).tolist()
    [0, 5, 5, 5]
    """
    traded = np.flatnonzero((buy_lot != 0) | (sell_lot != 0))
    flagged = np.zeros(len(buy_lot), np.uint8)
    ends = np.array([0, len(traded)], np.int64)
    least = np.array([1 if params.min_vol_lot is None else params.min_vol_lot], np.int64)
    flagged[traded] = _flags(ends, traded, buy_lot[traded], sell_lot[traded], least, params)
    return flagged


def imbalances(footprint: Footprint, cell_flags: U8) -> dict[str, Column]:
    """Return one row an imbalance: ``bar``, ``row``, ``side`` (+1, -1) and ``stacked``, by bar, row, buys first.

    ``cell_flags`` uint8 (n_levels,) as `flags` gives them; ``bar`` and ``row`` int64, ``side`` int8, ``stacked`` bool.
    """
    bits = np.array([CELL_BUY_IMBALANCE, CELL_SELL_IMBALANCE], np.uint8)
    stacks = np.array([CELL_BUY_STACK, CELL_SELL_STACK], np.uint8)
    level, side = np.nonzero(cell_flags[:, np.newaxis] & bits)
    return {
        "bar": np.searchsorted(footprint.level_offset, level, side="right") - 1,
        "row": footprint.levels.row[level],
        "side": (1 - 2 * side).astype(np.int8),
        "stacked": (cell_flags[level] & stacks[side]) > 0,
    }


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
    counts = np.concatenate([np.frombuffer(state.levels, np.int64), np.diff(offset)])
    buy = np.concatenate([np.frombuffer(state.buy_lot, np.int64), levels.buy_lot])
    sell = np.concatenate([np.frombuffer(state.sell_lot, np.int64), levels.sell_lot])
    ends = np.concatenate([[0], np.cumsum(counts)])
    least = _least(ends, buy, sell, len(counts) - len(run))
    kept = counts[max(0, len(counts) - WINDOW) :]
    cells = slice(int(ends[-1] - kept.sum()), None)
    return least, State(kept.tobytes(), buy[cells].tobytes(), sell[cells].tobytes())
