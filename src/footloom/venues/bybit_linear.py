"""Bybit v5, linear contracts: quantity in the base asset.

The meaning of ``publicTrade`` messages; streams, history and the dated grids follow.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Final, Literal

import msgspec

from footloom.core.instrument import Instrument
from footloom.core.messages import Message, Trade
from footloom.core.side import Side
from footloom.errors import SchemaChanged

__all__ = ("VENUE", "instrument", "known_instrument", "parse")

VENUE: Final = "bybit_linear"
_TOPIC = "publicTrade."
_NUMBER = re.compile(r"\d+(\.\d+)?")
_SYMBOL = re.compile(r"([A-Z0-9]+?)(USDT|USDC|PERP)?(-\w+)?")
_SIDES: Final = {"Buy": Side.BUY, "Sell": Side.SELL}  # the taker's
_EARLIEST_MS, _LATEST_MS = 1_230_768_000_000, 4_102_444_800_000  # 2009 to 2100
_SHOWN = 200


class _Print(msgspec.Struct):
    T: int
    s: str
    S: Literal["Buy", "Sell"]
    v: str
    p: str
    i: str
    BT: bool = False


class _Topic(msgspec.Struct):
    topic: str = ""


class _Trades(msgspec.Struct):
    topic: str
    data: list[_Print]


_topic = msgspec.json.Decoder(_Topic)
_trades = msgspec.json.Decoder(_Trades)


def parse(frame: bytes, ts_recv_ns: int) -> Iterator[Message]:
    """Yield the trades of one frame; pure.

    Messages of other topics, acknowledgements and pongs yield nothing, and neither do block trades (``BT``), which are
    agreed outside the book, nor prints of nothing (definitions 1.1). Ids are UUIDs, which do not count trades: a trade
    has none.

    Raises
    ------
    SchemaChanged
        The frame is not as documented.
    """
    try:
        if not _topic.decode(frame).topic.startswith(_TOPIC):
            return
        prints = _trades.decode(frame).data
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise SchemaChanged(f"no message of Bybit's ({error}): {_shown(frame)}") from None
    for one in prints:
        _check(one, frame)
        if not one.BT and one.v.strip("0.") and one.p.strip("0."):
            yield Trade(
                symbol=one.s,
                ts_exch_ns=one.T * 1_000_000,
                price=one.p,
                qty=one.v,
                side=_SIDES[one.S],
                trade_id=None,
                ts_recv_ns=ts_recv_ns,
            )


def _check(one: _Print, frame: bytes) -> None:
    for name, text in (("p", one.p), ("v", one.v)):
        if not _NUMBER.fullmatch(text):
            raise SchemaChanged(f"a publicTrade message whose {name} is {text[:40]!r}, no number: {_shown(frame)}")
    if not _EARLIEST_MS <= one.T < _LATEST_MS:
        raise SchemaChanged(f"a publicTrade message whose T is {one.T}, no time in ms: {_shown(frame)}")


def instrument(symbol: str, tick_size: Decimal, lot_size: Decimal) -> Instrument:
    """Return the instrument on a given grid."""
    match = _SYMBOL.fullmatch(symbol)
    base, quote = (match[1], {"PERP": "USDC", None: ""}.get(match[2], match[2])) if match and match[2] else ("", "")
    return Instrument(venue=VENUE, symbol=symbol, tick_size=tick_size, lot_size=lot_size, base=base, quote=quote)


def known_instrument(_symbol: str, _at_ns: int) -> Instrument | None:
    """Return None: no grid is known for certain yet."""
    return None


def _shown(frame: bytes) -> str:
    text = frame[:_SHOWN].decode("utf-8", "backslashreplace")
    return f"{text!r}{' ...' if len(frame) > _SHOWN else ''}"
