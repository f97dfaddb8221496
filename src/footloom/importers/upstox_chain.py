"""An option chain as Upstox's REST gives it: one reply, a strike an object, of one expiry and no moment of its own.

Quantities are units. ``prev_oi`` is the open interest at the previous day's close; volatility is percent.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from footloom.core.chains import CALL, CHAIN, PUT, UNDERLYING, nse_expiry_ns, quote_side, source_code
from footloom.core.snapshots import NO_QUOTE
from footloom.errors import DataError
from footloom.importers._chain import CALENDAR, LOT, TICK, ChainRows, strike_of
from footloom.importers._exact import Refused, Units, number, units_of
from footloom.importers._rows import Ask, BareRows, Outside, Plan
from footloom.importers._source import Sample, Source
from footloom.typed import from_json

__all__ = ("read", "recognise")

_VENUE: Final = "upstox"
_SOURCE = source_code("upstox_chain")
_MOST_BYTES = 64 << 20
_PERCENT = 6  # places from percent to 10^-8 of one
_MARKS = (b'"call_options"', b'"put_options"', b'"strike_price"')

Raw = msgspec.Raw
_NOT_SAID = Raw(b"null")


class _Market(msgspec.Struct):
    ltp: Raw = _NOT_SAID
    volume: Raw = _NOT_SAID
    oi: Raw = _NOT_SAID
    prev_oi: Raw = _NOT_SAID
    bid_price: Raw = _NOT_SAID
    bid_qty: Raw = _NOT_SAID
    ask_price: Raw = _NOT_SAID
    ask_qty: Raw = _NOT_SAID


class _Greeks(msgspec.Struct):
    iv: Raw = _NOT_SAID
    delta: Raw = _NOT_SAID
    gamma: Raw = _NOT_SAID
    theta: Raw = _NOT_SAID
    vega: Raw = _NOT_SAID


class _Option(msgspec.Struct):
    market_data: _Market | None = None
    option_greeks: _Greeks | None = None


class _Strike(msgspec.Struct):
    expiry: str
    strike_price: Raw
    underlying_key: str
    underlying_spot_price: Raw = _NOT_SAID
    call_options: _Option | None = None
    put_options: _Option | None = None


class _Reply(msgspec.Struct):
    data: list[Raw]


def recognise(sample: Sample) -> Plan | str:
    """Return a plan for such a reply, or why the file is none."""
    text = b"\n".join(sample.lines).lstrip()
    if not text.startswith(b"{") or not all(mark in text for mark in _MARKS):
        return "no JSON object with strikes that have call_options and put_options"
    return Plan(
        format="reply of Upstox's option chain",
        venue=_VENUE,
        venue_from="its fields",
        rows_say_symbol=True,
        tape=CHAIN,
        ids=False,
        grid=(TICK, LOT),
        needs_instant=True,
        calendar=CALENDAR,
    )


def read(source: Source, plan: Plan, ask: Ask) -> Iterator[BareRows | Outside]:
    """Yield the file's rows."""
    text = b"".join(source.pieces())
    if len(text) > _MOST_BYTES:
        raise DataError(f"{source.path.name} has {len(text):,} bytes, more than a chain")
    try:
        strikes = from_json(text, _Reply).data
    except msgspec.MsgspecError as error:
        raise DataError(f"{source.path.name} is no reply of Upstox's option chain: {error}") from None
    reader = _Reader(plan, ask)
    for place, raw in enumerate(strikes, 1):
        reader.take(place, bytes(raw))
    for chain in reader.chains.values():
        yield chain.block()
    yield Outside(dropped=list(reader.lost.dropped.values()))


class _Reader:
    def __init__(self, plan: Plan, ask: Ask) -> None:
        self.plan, self.ask = plan, ask
        self.chains: dict[str, ChainRows] = {}
        self.prices: dict[str, Units] = {}
        self.lost = ChainRows(plan.venue, "")  # what belongs to no underlying
        self.spots: dict[str, int] = {}

    def take(self, place: int, text: bytes) -> None:
        chain = self.lost
        try:
            found = _decoded(text)
            if self.ask.symbol not in {"", found.underlying_key}:
                return
            chain = self._chain(found.underlying_key)
            self._strike(chain, place, found)
        except Refused as refused:
            detail = f"strike {place} of the reply: {refused.detail}"
            chain.drop(refused.reason, place, text, detail, defect=refused.defect)

    def _chain(self, symbol: str) -> ChainRows:
        if symbol not in self.chains:
            self.prices[symbol] = units_of(self.ask.grid(self.plan.venue, symbol, self.ask.at_ns or 0))[0]
            self.chains[symbol] = ChainRows(self.plan.venue, symbol)
        return self.chains[symbol]

    def _strike(self, chain: ChainRows, place: int, found: _Strike) -> None:
        at_ns, prices = self.ask.at_ns or 0, self.prices[chain.symbol]
        expiry_ns = _expiry_ns(found.expiry)
        if expiry_ns <= at_ns:
            raise Refused(
                "expired before its moment", f"it expired on {found.expiry}, before the moment that --at says"
            )
        strike = strike_of(found.strike_price, prices)
        both = [
            (side, _said(option, prices)) for side, option in ((CALL, found.call_options), (PUT, found.put_options))
        ]
        spot = _whole(found.underlying_spot_price, prices)
        if spot not in {NO_QUOTE, 0, self.spots.get(chain.symbol)}:
            self.spots[chain.symbol] = spot
            chain.add(at_ns, place, side=UNDERLYING, expiry_ns=0, strike_tick=0, ltp_tick=spot, source=_SOURCE)
        chain.lines += 1
        for side, said in both:
            chain.add(at_ns, place, side=side, expiry_ns=expiry_ns, strike_tick=strike, source=_SOURCE, **said)


def _decoded(text: bytes) -> _Strike:
    try:
        return from_json(text, _Strike)
    except msgspec.MsgspecError as error:
        raise Refused("no strike of a chain", f"not as documented: {error}") from None


def _expiry_ns(text: str) -> int:
    try:
        return nse_expiry_ns(dt.date.fromisoformat(text))
    except ValueError:
        raise Refused("expiry is no day", f"expiry is {text[:40]!r}: expected 2025-12-09") from None
    except DataError as error:
        raise Refused("expiry on a day without trading", str(error)) from None


def _said(option: _Option | None, prices: Units) -> dict[str, int]:
    market = (option and option.market_data) or _Market()
    greeks = (option and option.option_greeks) or _Greeks()
    quantities = Units(0, 1, "a quantity")
    quotes: dict[str, int] = {}
    for name, price, quantity in (
        ("bid", market.bid_price, market.bid_qty), ("ask", market.ask_price, market.ask_qty)
    ):  # fmt: skip
        tick = _whole(price, prices)
        if tick == NO_QUOTE:
            continue  # not said: nothing is known of that side
        quotes[f"{name}_tick"], quotes[f"{name}_lot"] = quote_side(tick, _whole(quantity, quantities))
    last, vol = _whole(market.ltp, prices), _float(greeks.iv, "iv", _PERCENT)
    return {
        "oi_lot": _whole(market.oi, quantities),
        "prev_oi_lot": _whole(market.prev_oi, quantities),
        "volume_lot": _whole(market.volume, quantities),
        "ltp_tick": last or NO_QUOTE,  # 0 before the first trade
        "iv_e8": vol or NO_QUOTE,
        **{f"{name}_e8": _float(getattr(greeks, name), name) for name in ("delta", "gamma", "theta", "vega")},
        **quotes,
    }


def _whole(raw: Raw, of: Units) -> int:
    return NO_QUOTE if bytes(raw) == b"null" else of.of(raw)


# Volatility and Greeks are computed numbers: what is finer than 10^-8 is cut off.
def _float(raw: Any, name: str, places: int = 8) -> int:
    if bytes(raw) == b"null":
        return NO_QUOTE
    value = number(raw)
    if value is None or abs(value) > 10**6:
        raise Refused(f"{name} is no number", f"{name} is {bytes(raw)[:40]!r}: no decimal number")
    return int(value.scaleb(places))
