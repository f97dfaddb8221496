"""What studies of another symbol's price have in common (definitions 6.15)."""

from __future__ import annotations

import msgspec

from footloom.core.footprint import Footprint
from footloom.studies import _beside
from footloom.studies._beside import Heard, OneSymbol, Quiet, keys_of

__all__ = ("PriceParams", "State", "companions", "reads_from", "warmup")


class PriceParams(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose price, and how long it stands when it is not told anew."""

    symbol: OneSymbol = ""
    quiet_s: Quiet = 300


class State(msgspec.Struct, frozen=True):
    """What was heard last."""

    heard: Heard = Heard()


def warmup(params: PriceParams) -> int:  # noqa: ARG001 - the same for any
    """Return 0: a price from before the first bar is read with it."""
    return 0


def companions(params: PriceParams) -> tuple[str, ...]:
    """Return the symbol."""
    return keys_of(params.symbol)[:1]


def reads_from(footprint: Footprint, params: PriceParams, state: State) -> int:
    """Return from when on it is read for these bars, ns UTC."""
    return _beside.reads_from(footprint, params.quiet_s, state.heard)
