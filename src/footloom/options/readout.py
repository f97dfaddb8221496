"""What price, open interest and aggressive volume say together over one stretch, with the numbers behind it.

A fall with open interest that falls is long unwinding: holders leave. It is bearish for the stretch and may exhaust
itself; it is no fresh selling (definitions 7.2).
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Final, Literal

import msgspec

from footloom.options.positions import QUIET_OI, QUIET_PRICE, Label, Reading, quadrant, reading

__all__ = ("Baseline", "Kind", "Quantity", "ReadOut", "read_out")

Baseline = Literal["previous close", "interval"]
Kind = Literal["future", "call", "put"]
Quantity = int | Decimal  # in one unit throughout

_WORDS: Final[dict[Label, str]] = {
    "long_buildup": "long build-up: price and open interest rise, new money enters long",
    "short_buildup": "short build-up: price falls and open interest rises, new money enters short",
    "short_covering": "short covering: price rises while open interest falls, shorts leave",
    "long_unwinding": (
        "long unwinding: price and open interest fall, longs leave; these are exits, not fresh shorts, and the fall "
        "may exhaust itself"
    ),
    "neutral": "neutral: price or open interest has hardly moved",
}


class ReadOut(msgspec.Struct, frozen=True, kw_only=True):
    """A reading with its reasons.

    ``reading`` is None where price or open interest is not known. ``confirmed`` says whether the aggressive volume
    leans the same way, None where there is none or the reading is neutral. ``because`` are sentences with the numbers.
    """

    label: Label | None
    reading: Reading | None
    confirmed: bool | None
    baseline: Baseline
    words: str
    because: tuple[str, ...]


def read_out(  # noqa: PLR0913 - each is a number of its own
    price: tuple[float, float] | None,
    open_interest: tuple[Quantity, Quantity] | None,
    *,
    buy: Quantity | None = None,
    sell: Quantity | None = None,
    baseline: Baseline = "previous close",
    kind: Kind = "future",
    poc: float | None = None,
    wall: float | None = None,
) -> ReadOut:
    """Return what a stretch says.

    Parameters
    ----------
    price, open_interest
        Before and after the same stretch; the contract's own.
    buy, sell
        Volume by aggressor in the stretch.
    baseline
        What "before" is; the two are never mixed.
    poc, wall
        The session's point of control, and the wall of open interest within its reach.
    """
    if price is None or open_interest is None or not all(math.isfinite(one) and one > 0 for one in price):
        missing = "the price" if price is None or open_interest is not None else "open interest"
        return ReadOut(
            label=None,
            reading=None,
            confirmed=None,
            baseline=baseline,
            words=f"no reading: {missing} at both ends of the stretch is not known",
            because=(),
        )
    moved, changed = price[1] - price[0], open_interest[1] - open_interest[0]
    label = quadrant(moved, float(changed), QUIET_PRICE * price[0], QUIET_OI * float(open_interest[0]))
    leaning = reading(label, kind)
    by = f"{moved / price[0]:+.2%} (a change of at most {QUIET_PRICE:.2%} is none)"
    held = f"{_share(changed, open_interest[0])} (a change of at most {QUIET_OI:.1%} is none)"
    because = [
        f"price {price[0]:,.2f} to {price[1]:,.2f}: {by}",
        f"open interest {open_interest[0]:,} to {open_interest[1]:,}: {held}",
    ]
    if kind != "future":
        because.append(f"of a {kind}, read as its writers do: {leaning} for the underlying")
    confirmed = None
    if buy is not None and sell is not None and buy + sell:
        because.append(f"aggressive volume: {buy:,} bought, {sell:,} sold, delta {buy - sell:+,}")
        if label != "neutral":
            confirmed = (buy > sell) == (moved > 0) and buy != sell
    if poc is not None and wall is not None:
        because.append(
            f"key level: the point of control {poc:,.2f} stands within half a strike of the wall {wall:,.2f}"
        )
    return ReadOut(
        label=label,
        reading=leaning,
        confirmed=confirmed,
        baseline=baseline,
        words=_WORDS[label],
        because=(f"against the {baseline}" if baseline == "previous close" else "over the interval", *because),
    )


def _share(change: Quantity, before: Quantity) -> str:
    return f"{float(change) / float(before):+.2%}" if before else f"{change:+,}"
