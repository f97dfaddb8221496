"""Premium or basis: the chart's price less that of another symbol, at each bar's close (definitions 6.15).

Perpetual less spot, future less index, the first future less spot: the chart's symbol is always the first.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from footloom.studies._beside import stretches
from footloom.studies._price_beside import PriceParams, State, companions, reads_from, warmup
from footloom.studies._study import NONE, Answer, Output, Run

__all__ = ("OUTPUTS", "TITLE", "Params", "State", "companions", "reads_from", "title_of", "update", "warmup")

TITLE = "Premium to another symbol"
OUTPUTS = (
    Output(name="premium", kind="line", unit="percent", columns=("premium",), title="premium"),
    Output(name="points", kind="histogram", unit="price", columns=("points",), title="difference of prices"),
    Output(name="other", kind="column", unit="price", columns=("other",), title="the other's price"),
)


class Params(PriceParams, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Against whose price, and how long a price stands that is not told anew."""


def title_of(params: Params) -> str:
    """Return what it is called with this symbol."""
    return f"Premium to {params.symbol.strip()}" if params.symbol.strip() else TITLE


def update(run: Run, params: Params, state: State) -> tuple[Answer, State]:
    """Return ``premium`` in percent of the other's price, float64; ``points`` and ``other``, price units, int64."""
    found, _, heard = stretches(run.footprint, run.beside, params.quiet_s, state.heard)
    count = len(run)
    points, other, premium = np.full(count, NONE), np.full(count, NONE), np.full(count, np.nan)
    for key in companions(params):
        if run.beside is None or key not in found:
            break
        stretch = found[key]
        own = run.footprint.bars.close_tick * run.beside.own_tick
        other = np.where(stretch.has_price, stretch.price, NONE)
        points = np.where(stretch.has_price, own - stretch.price, NONE)
        known = stretch.has_price & (stretch.price != 0)
        np.divide(100.0 * points, stretch.price, out=premium, where=known)
    columns: dict[str, Any] = {"premium": premium, "points": points, "other": other}
    return Answer(bars=columns), State(heard)
