"""The shapes of what is told of an option chain.

Prices and quantities are exact decimal text, times ns UTC as text, computed numbers floats; what is not known is null
(definitions 0.6). ``tz`` is the exchange's zone, on whose clock its times are told.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

__all__ = (
    "ChainChange",
    "ChainReply",
    "HeatReply",
    "HistoryReply",
    "OptionCell",
    "ReadOutReply",
    "ReadOutRow",
    "Said",
    "SmileReply",
    "StrikeRow",
    "WallRow",
)


class Said(msgspec.Struct, frozen=True):
    """Since when a value stands, and who said it."""

    since_ns: str
    source: str


class WallRow(msgspec.Struct, frozen=True):
    """A strike with much open interest (units); ``strong``: 1.5 times the next one of its side."""

    strike: str
    oi: str
    strong: bool


class OptionCell(msgspec.Struct, frozen=True):
    """One option.

    ``oi`` and quantities are units. ``oi_day`` is the change against the previous day's close, ``oi_step`` that since
    the update before, which was said at ``step_from_ns``: two baselines that are never mixed. ``mid`` is the middle of
    the quote, ``iv`` the volatility that it implies on the forward (0.12 is 12 %), the Greeks are at that volatility:
    vega of 1 %, theta of a day.
    ``venue`` holds volatility and Greeks as the venue tells them. ``said`` tells, for each value that is known, since
    when it stands and who said it.
    """

    oi: str | None
    oi_day: str | None
    oi_step: str | None
    step_from_ns: str | None
    volume: str | None
    ltp: str | None
    bid: str | None
    bid_qty: str | None
    ask: str | None
    ask_qty: str | None
    crossed: bool
    mid: float | None
    iv: float | None
    delta: float | None
    gamma: float | None
    vega: float | None
    theta: float | None
    venue: dict[str, str]
    said: dict[str, Said]


class StrikeRow(msgspec.Struct, frozen=True):
    """A strike with its call and its put."""

    strike: str
    call: OptionCell
    put: OptionCell


class ChainReply(msgspec.Struct, frozen=True, kw_only=True):
    """The options of one expiry at an instant.

    ``name`` is what people call the underlying.
    ``units_a_lot`` is how many units a contract is, where that is known for the expiry. ``spot`` is the price of the
    underlying, ``spot_from`` says who told it. ``rate`` is the interest that volatilities are computed with. Sums run
    over strikes of which both sides are known; ``left_out`` counts the others. ``gex`` assumes what ``gex_assumes``
    says.
    """

    symbol: str
    name: str
    tz: str
    expiry: str
    expiry_ns: str
    expiries: Sequence[str]
    at_ns: str
    days_to_expiry: int
    sessions_to_expiry: int
    units_a_lot: int | None
    rate: float
    spot: float | None
    spot_from: str | None
    forward: float | None
    atm: str | None
    call_oi: str | None
    put_oi: str | None
    left_out: int
    pcr_oi: float | None
    pcr_volume: float | None
    max_pain: str | None
    call_walls: Sequence[WallRow]
    put_walls: Sequence[WallRow]
    straddle: float | None
    atm_iv: float | None
    gex: float | None
    gex_assumes: str
    rows: Sequence[StrikeRow]


class ChainChange(msgspec.Struct, frozen=True):
    """What changed in a `ChainReply`.

    ``head`` is all of it but its rows, ``strikes`` are those that stand now, ascending. ``rows`` are those that
    changed, with ``call`` and ``put`` where they did: of each the fields that did, of ``said`` and ``venue`` the
    entries that did. What is not named is as it was.
    """

    head: dict[str, Any]
    strikes: Sequence[str]
    rows: Sequence[dict[str, Any]]


class HistoryReply(msgspec.Struct, frozen=True, kw_only=True):
    """One expiry through time: every list has one entry an instant; walls are the largest strike of each side.

    ``straddle`` is call and put at the money together, of the strike ``atm``; ``call_day`` and ``put_day`` are the
    change of open interest against the previous day's close, over the strikes that have both.
    """

    symbol: str
    tz: str
    expiry: str
    expiry_ns: str
    rate: float
    units_a_lot: int | None
    gex_assumes: str
    at_ns: Sequence[str]
    spot: Sequence[float | None]
    forward: Sequence[float | None]
    atm: Sequence[str | None]
    call_oi: Sequence[str | None]
    put_oi: Sequence[str | None]
    call_day: Sequence[str | None]
    put_day: Sequence[str | None]
    left_out: Sequence[int]
    pcr_oi: Sequence[float | None]
    pcr_volume: Sequence[float | None]
    max_pain: Sequence[str | None]
    call_wall: Sequence[WallRow | None]
    put_wall: Sequence[WallRow | None]
    straddle: Sequence[float | None]
    atm_iv: Sequence[float | None]
    gex: Sequence[float | None]


class HeatReply(msgspec.Struct, frozen=True, kw_only=True):
    """Changes of open interest by strike and time, in units: a list a strike, with one entry an instant.

    ``net`` is puts less calls. ``held`` says where nothing new was said since the instant before, so that the change is
    0 because nobody looked; what is older than ``stale_ns`` is null. A colour scale reaches from ``-clip`` to ``clip``:
    the 98th percentile of what changed. ``day_calls`` and ``day_puts`` are the strikes' changes against the previous
    day's close, at the last instant.
    """

    symbol: str
    tz: str
    expiry: str
    expiry_ns: str
    units_a_lot: int | None
    stale_ns: str
    at_ns: Sequence[str]
    strikes: Sequence[str]
    calls: Sequence[Sequence[int | None]]
    puts: Sequence[Sequence[int | None]]
    net: Sequence[Sequence[int | None]]
    held_calls: Sequence[Sequence[bool]]
    held_puts: Sequence[Sequence[bool]]
    clip_calls: int | None
    clip_puts: int | None
    clip_net: int | None
    day_calls: Sequence[int | None]
    day_puts: Sequence[int | None]


class SmileReply(msgspec.Struct, frozen=True, kw_only=True):
    """Volatility by strike at an instant: ``iv`` is that of the option out of the money, at the money of both."""

    symbol: str
    tz: str
    expiry: str
    expiry_ns: str
    at_ns: str
    rate: float
    forward: float | None
    strikes: Sequence[str]
    iv: Sequence[float | None]
    call_iv: Sequence[float | None]
    put_iv: Sequence[float | None]


class ReadOutRow(msgspec.Struct, frozen=True, kw_only=True):
    """What one stretch says, and the numbers that say it.

    ``baseline`` is what "before" is: the previous session's close, or the update of open interest before the last; the
    two are never mixed. ``label`` is the quadrant of price and open interest, ``reading`` which way it leans, null
    where one of both is not known. ``confirmed`` says whether aggressive volume leans the same way, ``because`` why.
    """

    baseline: str
    label: str | None
    reading: str | None
    confirmed: bool | None
    words: str
    because: Sequence[str]
    from_ns: str | None
    to_ns: str
    price: Sequence[float] | None
    open_interest: Sequence[str] | None
    buy: str
    sell: str


class ReadOutReply(msgspec.Struct, frozen=True, kw_only=True):
    """What a traded contract says at an instant, by price, open interest and aggressive volume.

    ``poc`` is the point of control of the session that began at ``session_ns``, ``key_level`` the wall of ``chain``
    within half a strike of it, null where there is none.
    """

    symbol: str
    tz: str
    at_ns: str
    session_ns: str
    poc: str
    key_level: str | None
    chain: str | None
    readings: Sequence[ReadOutRow]
