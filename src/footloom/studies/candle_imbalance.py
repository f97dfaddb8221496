"""Imbalance of a whole bar, the "fire" of simpler tables (definitions 5.4)."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from footloom.core.footprint import Bars
from footloom.studies._study import Answer, NoState, Output, Run

__all__ = ("OUTPUTS", "TITLE", "Params", "State", "candle_imbalance", "update", "warmup")

TITLE = "Candle imbalance"
OUTPUTS = (Output(name="side", kind="column", unit="side", columns=("side",), title="dominant side"),)
State = NoState

_MOST = 1 << 62


class Params(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A bar is flagged when its larger side exceeds ``percent`` of the smaller, or reaches it (``ge``)."""

    percent: Annotated[int, msgspec.Meta(ge=100, le=10_000)] = 300
    compare: Literal["ge", "gt"] = "gt"


def candle_imbalance(bars: Bars, params: Params) -> NDArray[np.int8]:
    """Return +1 (buys dominate), -1 (sells dominate) or 0 for every bar, int8 (n_bars,).

    One side alone counts as infinitely more; a bar without known sides has none.
    """
    strong, weak = np.maximum(bars.buy_lot, bars.sell_lot), np.minimum(bars.buy_lot, bars.sell_lot)
    # The weak side is divided first, so that no product leaves 64 bits.
    hundreds, left = np.divmod(weak, 100)
    exact = params.percent * hundreds
    if params.compare == "gt":
        over = strong > exact + params.percent * left // 100
    else:
        over = strong >= exact + (params.percent * left + 99) // 100
    over &= hundreds <= _MOST // params.percent
    return np.where(over & (strong > 0), np.sign(bars.delta_lot), 0).astype(np.int8)


def warmup(params: Params) -> int:  # noqa: ARG001 - the same for any
    """Return 0: each bar stands by itself."""
    return 0


def update(run: Run, params: Params, state: NoState) -> tuple[Answer, NoState]:
    """Return ``side`` of every bar: +1, -1 or 0, int8."""
    return Answer(bars={"side": candle_imbalance(run.footprint.bars, params)}), state
