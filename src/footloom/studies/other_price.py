"""Last price of another symbol at each bar's close, such as India VIX below a future (definitions 6.15)."""

from __future__ import annotations

import numpy as np

from footloom.studies._beside import stretches
from footloom.studies._price_beside import PriceParams, State, companions, reads_from, warmup
from footloom.studies._study import NONE, Answer, Output, Run

__all__ = ("OUTPUTS", "TITLE", "Params", "State", "companions", "reads_from", "title_of", "update", "warmup")

TITLE = "Price of another symbol"
OUTPUTS = (Output(name="price", kind="line", unit="price", columns=("price",), title="last price"),)


Params = PriceParams


def title_of(params: Params) -> str:
    """Return what it is called with this symbol."""
    return params.symbol.strip() or TITLE


def update(run: Run, params: Params, state: State) -> tuple[Answer, State]:
    """Return ``price`` in price units, int64, undefined where it is not known any more."""
    found, _, heard = stretches(run.footprint, run.beside, params.quiet_s, state.heard)
    price = np.full(len(run), NONE)
    for key in companions(params):
        if key in found:
            price = np.where(found[key].has_price, found[key].price, NONE)
    return Answer(bars={"price": price}), State(heard)
