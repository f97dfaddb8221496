"""Cumulative delta of small, medium and large trades, a line each (definitions 3.2).

A trade is as large as its print: an order that the venue filled in pieces counts as its pieces.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

import msgspec
import numpy as np

from footloom.core.decimals import parse_decimal
from footloom.core.instrument import Instrument
from footloom.core.trades import I64, Trades
from footloom.errors import ConfigError
from footloom.kernels.sizes import delta_by_size
from footloom.studies._sessions import anchors
from footloom.studies._study import Answer, Output, Run

__all__ = ("OUTPUTS", "TITLE", "Params", "State", "edges_lot", "reduce", "update", "warmup")

TITLE = "CVD by trade size"
OUTPUTS = (
    Output(name="small", kind="line", unit="lot", columns=("small",), title="small trades"),
    Output(name="medium", kind="line", unit="lot", columns=("medium",), title="medium trades"),
    Output(name="large", kind="line", unit="lot", columns=("large",), title="large trades"),
    Output(name="anchor", kind="column", unit="ns", columns=("anchor_ns",), title="since"),
)

_SIZES = ("small", "medium", "large")
_LARGEST = np.iinfo(np.int64).max


class Params(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where medium and large trades begin, in quantity or in lots: a size belongs to the bucket that it begins.

    ``reset``: when the sums start again.
    """

    medium_from: Annotated[str, msgspec.Meta(description="decimal text above 0")] = "1"
    large_from: Annotated[str, msgspec.Meta(description="decimal text, at least that of medium trades")] = "10"
    unit: Literal["quantity", "lot"] = "quantity"
    reset: Literal["session", "day", "week", "month", "never"] = "session"


class State(msgspec.Struct, frozen=True):
    """The sums so far, lots, and their anchor."""

    small: int = 0
    medium: int = 0
    large: int = 0
    anchor_ns: int | None = None


def edges_lot(params: Params, instrument: Instrument) -> tuple[int, int]:
    """Return the least lots of a medium and of a large trade: the first whole lot that is large enough.

    Raises
    ------
    ConfigError
        The sizes are not above 0, or do not ascend.
    """
    medium, large = parse_decimal(params.medium_from), parse_decimal(params.large_from)
    if not 0 < medium <= large:
        raise ConfigError(
            f"sizes must ascend from above 0: medium_from is {params.medium_from}, large_from {params.large_from}"
        )
    lot = instrument.lot_size if params.unit == "quantity" else Decimal(1)
    first, second = (_ceil(size, lot) for size in (medium, large))
    return first, second


def _ceil(size: Decimal, lot: Decimal) -> int:
    top, bottom = size.as_integer_ratio()
    lot_top, lot_bottom = lot.as_integer_ratio()
    return min(_LARGEST, -(-(top * lot_bottom) // (bottom * lot_top)))


def warmup(params: Params) -> int:  # noqa: ARG001 - the same for any
    """Return -1: everything since the anchor counts."""
    return -1


def reduce(trades: Trades, ends: I64, params: Params) -> dict[str, I64]:
    """Return each bar's delta of small, medium and large trades, lots, int64 (n_bars,)."""
    out = np.empty((len(_SIZES), len(ends) - 1), np.int64)
    delta_by_size(ends, trades.qty_lot, trades.side, *edges_lot(params, trades.instrument), out)
    return dict(zip(_SIZES, out, strict=True))


def update(run: Run, params: Params, state: State) -> tuple[Answer, State]:
    """Return the sums ``small``, ``medium`` and ``large`` at each close, lots, and ``anchor_ns``, int64."""
    if run.footprint.bar_rule.endswith("-split"):
        raise ConfigError(
            f"the sizes of prints are not known in bars of {run.footprint.bar_rule}, which cut them: take the same "
            "bars without -split"
        )
    if not len(run):
        return Answer(bars=dict.fromkeys((*_SIZES, "anchor_ns"), np.empty(0, np.int64))), state
    starts = anchors(run.footprint, run.calendar, params.reset)
    if state.anchor_ns is not None:
        never = params.reset == "never"
        starts = np.full(len(run), state.anchor_ns) if never else np.maximum(starts, state.anchor_ns)
    first = np.flatnonzero(np.diff(starts, prepend=starts[0] - 1))
    length = np.diff(first, append=len(starts))
    goes_on = starts[0] == state.anchor_ns
    columns = {}
    for name in _SIZES:
        total = np.cumsum(run.prints[name])
        base = total[first] - run.prints[name][first]
        base[0] = -getattr(state, name) if goes_on else 0
        columns[name] = total - np.repeat(base, length)
    after = State(**{name: int(columns[name][-1]) for name in _SIZES}, anchor_ns=int(starts[-1]))
    return Answer(bars={**columns, "anchor_ns": starts}), after
