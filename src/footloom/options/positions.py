"""Where open interest stands by strike, and what its change says (definitions 7.1 to 7.4, 7.7).

Open interest is int64 in one unit throughout, strikes int64 ticks ascending, each once; what is not known is left out
by the caller, never 0.
"""

from __future__ import annotations

import itertools
from typing import Any, Final, Literal, NamedTuple

import numpy as np

from footloom.core.trades import I64
from footloom.errors import DataError
from footloom.options.black76 import F64

__all__ = (
    "LABELS",
    "QUIET_OI",
    "QUIET_PRICE",
    "STRONG",
    "Label",
    "Pain",
    "Reading",
    "Wall",
    "changes",
    "gamma_exposure",
    "key_strike",
    "max_pain",
    "put_call_ratio",
    "quadrant",
    "reading",
    "walls",
)

Label = Literal["long_buildup", "short_buildup", "short_covering", "long_unwinding", "neutral"]
Reading = Literal["bullish", "bearish", "neutral"]
LABELS: Final[dict[tuple[int, int], Label]] = {
    (1, 1): "long_buildup",
    (-1, 1): "short_buildup",
    (1, -1): "short_covering",
    (-1, -1): "long_unwinding",
}
QUIET_PRICE, QUIET_OI = 0.0005, 0.005  # shares of what was before, below which a change says nothing
STRONG = 1.5  # a wall that is so many times the next one
_WALLS = 3
# A put that is bought bets on a fall; a call that is written bets against a rise.
_OF_A_CALL: Final[dict[Label, Reading]] = {
    "long_buildup": "bullish",
    "short_buildup": "bearish",
    "short_covering": "bullish",
    "long_unwinding": "bearish",
    "neutral": "neutral",
}
_TURNED: Final[dict[Reading, Reading]] = {"bullish": "bearish", "bearish": "bullish", "neutral": "neutral"}


class Wall(NamedTuple):
    """A strike with much open interest on one side; ``strong`` where it is `STRONG` times the next largest."""

    strike: int
    oi: int
    strong: bool


class Pain(NamedTuple):
    """What writers would pay at each strike, and the strike at which that is least."""

    strike: int
    payouts: dict[int, int]


def changes(oi: I64, previous: int | None) -> tuple[list[int | None], list[int | None]]:
    """Return open interest against the previous day's close, and against the value before it: two baselines.

    None where there is nothing to compare with.
    """
    values = [int(value) for value in oi]
    if previous is None:
        daily: list[int | None] = [None] * len(values)
    else:
        daily = [value - previous for value in values]
    steps: list[int | None] = [now - before for before, now in itertools.pairwise(values)]
    return daily, [None, *steps] if values else []


def quadrant(price_change: float, oi_change: float, quiet_price: float = 0.0, quiet_oi: float = 0.0) -> Label:
    """Return what a change of price and one of open interest over the same stretch say together.

    A change of at most its quiet band, in its own unit, is none. A fall with open interest that falls is long
    unwinding (exits), which is no short build-up.

    Examples
    --------
    >>> quadrant(-5, 100), quadrant(-5, -100)
    ('short_buildup', 'long_unwinding')
    """
    signs = (_sign(price_change, quiet_price), _sign(oi_change, quiet_oi))
    return LABELS.get(signs, "neutral")


def _sign(change: float, quiet: float) -> int:
    return 0 if not abs(change) > quiet else 1 if change > 0 else -1


def reading(label: Label, kind: Literal["future", "call", "put"]) -> Reading:
    """Return which way a quadrant of a contract's own price leans the underlying, as its writers see it.

    Examples
    --------
    >>> reading("short_buildup", "call"), reading("short_buildup", "put")
    ('bearish', 'bullish')
    """
    leaning = _OF_A_CALL[label]
    return _TURNED[leaning] if kind == "put" else leaning


def put_call_ratio(put: I64, call: I64) -> float | None:
    """Return puts over calls, of open interest or of volume; None where there are no calls."""
    calls = int(call.sum())
    return int(put.sum()) / calls if calls else None


def max_pain(strikes: I64, call_oi: I64, put_oi: I64, forward: float | None = None) -> Pain | None:
    """Return the listed strike at which writers would pay least; None without open interest.

    Of several the one nearest to ``forward`` (ticks), then the lower one.

    Raises
    ------
    DataError
        Open interest is negative, or strikes do not ascend.
    """
    _check(strikes, call_oi, put_oi)
    if not len(strikes) or not (call_oi.any() or put_oi.any()):
        return None
    payouts = _payouts(strikes, call_oi, put_oi)
    least = min(payouts.values())
    tied = [strike for strike, payout in payouts.items() if payout == least]
    return Pain(min(tied, key=lambda strike: (_apart(strike, forward), strike)), payouts)


# What is paid at each strike: sums over the strikes below it and above it, by running totals.
def _payouts(strikes: I64, call_oi: I64, put_oi: I64) -> dict[int, int]:
    most = int(np.abs(strikes).max()) * (sum(call_oi.tolist()) + sum(put_oi.tolist()))
    exact: Any = np.int64 if most < 2**61 else object  # ticks times open interest may pass 64 bits
    at, calls, puts = strikes.astype(exact), call_oi.astype(exact), put_oi.astype(exact)
    below = at * np.cumsum(calls) - np.cumsum(calls * at)
    above = np.cumsum((puts * at)[::-1])[::-1] - at * np.cumsum(puts[::-1])[::-1]
    return {int(strike): int(payout) for strike, payout in zip(strikes, below + above, strict=True)}


def _apart(strike: int, place: float | None) -> float:
    return 0.0 if place is None else abs(strike - place)


def walls(strikes: I64, oi: I64, spot: float | None = None, most: int = _WALLS) -> list[Wall]:
    """Return the strikes with the largest open interest of one side, largest first; equal ones, nearest to spot first.

    Raises
    ------
    DataError
        Open interest is negative.
    """
    _check(strikes, oi, oi)
    rows = [(int(strike), int(held)) for strike, held in zip(strikes, oi, strict=True) if held > 0]
    rows.sort(key=lambda row: (-row[1], _apart(row[0], spot), row[0]))
    following = [held for _, held in rows[1:]] + [rows[-1][1] if len(rows) > 1 else 0]  # nothing is below the least
    return [
        Wall(strike, held, held >= STRONG * after)
        for (strike, held), after in zip(rows[:most], following, strict=False)
    ]


def key_strike(poc_tick: int, wall_ticks: list[int], step: int, reach: float = 0.5) -> int | None:
    """Return the wall within ``reach`` strike steps of a session's POC, the nearest one; None where there is none."""
    near = [tick for tick in wall_ticks if abs(tick - poc_tick) <= reach * step]
    return min(near, key=lambda tick: (abs(tick - poc_tick), tick)) if near else None


def gamma_exposure(gamma: F64, oi: I64, spot: float, *, calls: bool) -> float:
    """Return what dealers must trade a move of 1 %, in quote value; ``oi`` in units (contracts times their lot).

    It assumes that dealers are long all calls and short all puts. Nobody knows how they stand: say so beside it.
    """
    total = float(np.nansum(gamma * oi)) * spot * spot * 0.01
    return total if calls else -total


def _check(strikes: I64, *held: I64) -> None:
    if len(strikes) > 1 and not bool(np.all(strikes[1:] > strikes[:-1])):
        raise DataError("strikes must ascend, each once")
    for oi in held:
        below = np.flatnonzero(oi < 0)
        if len(below):
            at = int(below[0])
            raise DataError(f"the open interest of strike {int(strikes[at])} (ticks) is {int(oi[at])}, which cannot be")
