"""Delta of each bar with the highest and lowest value on its way, as bars and as candles (definitions 3.1)."""

from __future__ import annotations

import msgspec
import numpy as np

from footloom.studies._study import Answer, NoState, Output, Run

__all__ = ("OUTPUTS", "TITLE", "Params", "State", "update", "warmup")

TITLE = "Delta"
OUTPUTS = (
    Output(name="delta", kind="histogram", unit="lot", columns=("delta",), title="delta"),
    Output(name="candle", kind="candle", unit="lot", columns=("open", "max", "min", "delta"), title="delta candles"),
    Output(name="percent", kind="column", unit="percent", columns=("percent",), title="delta %"),
)
State = NoState


class Params(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """There is nothing to set: the path starts at zero."""


def warmup(params: Params) -> int:  # noqa: ARG001 - the same for any
    """Return 0: each bar stands by itself."""
    return 0


def update(run: Run, params: Params, state: NoState) -> tuple[Answer, NoState]:  # noqa: ARG001 - nothing is set
    """Return ``delta``, ``max``, ``min`` and ``open`` in lots, int64; ``percent`` of the volume of known side, float64.

    ``open`` is 0: a bar's path begins there. ``percent`` is NaN where no side is known.
    """
    bars = run.footprint.bars
    columns = {
        "delta": bars.delta_lot,
        "max": bars.max_delta_lot,
        "min": bars.min_delta_lot,
        "open": np.zeros(len(run), np.int64),
        "percent": bars.delta_pct,
    }
    return Answer(bars=columns), state
