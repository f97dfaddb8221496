"""Last price of another symbol at each bar's close, such as India VIX below a future (definitions 6.15)."""

from __future__ import annotations

import msgspec
import numpy as np

from footloom.core.footprint import Footprint
from footloom.studies import _beside
from footloom.studies._beside import Heard, OneSymbol, Quiet, keys_of, stretches
from footloom.studies._study import NONE, Answer, Output, Run

__all__ = ("OUTPUTS", "TITLE", "Params", "State", "companions", "reads_from", "title_of", "update", "warmup")

TITLE = "Price of another symbol"
OUTPUTS = (Output(name="price", kind="line", unit="price", columns=("price",), title="last price"),)


class Params(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose price, and how long it stands when it is not told anew."""

    symbol: OneSymbol = ""
    quiet_s: Quiet = 300


class State(msgspec.Struct, frozen=True):
    """What was heard last."""

    heard: Heard = Heard()


def title_of(params: Params) -> str:
    """Return what it is called with this symbol."""
    return params.symbol.strip() or TITLE


def warmup(params: Params) -> int:  # noqa: ARG001 - the same for any
    """Return 0: a price from before the first bar is read with it."""
    return 0


def companions(params: Params) -> tuple[str, ...]:
    """Return the symbol."""
    return keys_of(params.symbol)[:1]


def reads_from(footprint: Footprint, params: Params, state: State) -> int:
    """Return from when on it is read for these bars, ns UTC."""
    return _beside.reads_from(footprint, params.quiet_s, state.heard)


def update(run: Run, params: Params, state: State) -> tuple[Answer, State]:
    """Return ``price`` in price units, int64, undefined where it is not known any more."""
    found, _, heard = stretches(run.footprint, run.beside, params.quiet_s, state.heard)
    price = np.full(len(run), NONE)
    for key in companions(params):
        if key in found:
            price = np.where(found[key].has_price, found[key].price, NONE)
    return Answer(bars={"price": price}), State(heard)
