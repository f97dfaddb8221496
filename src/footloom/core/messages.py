"""What travels from feeds to the engine: one kind of struct a message, live and stored alike.

Numbers are decimal text as the venue wrote it, until an instrument's grid makes them integers; an empty text is a
number that the message does not say. Times are ns UTC: ``ts_exch_ns`` the venue's, ``ts_recv_ns`` our receipt.
"""

from __future__ import annotations

import msgspec

from footloom.core.side import Side

__all__ = (
    "BookSnapshot",
    "BookUpdate",
    "Gap",
    "Level",
    "Liquidation",
    "MarkPrice",
    "MarketStatus",
    "Message",
    "OffMarket",
    "OpenInterest",
    "Quote",
    "Reply",
    "Tick",
    "Trade",
)

Level = tuple[str, str]  # price and quantity; quantity zero deletes the level


class Trade(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """One executed print.

    ``trade_id`` counts the trades of its tape where the venue has such a number, else None. ``seq`` is the venue's
    sequence of the match event and ``uid`` its unique name of the print, where it sends them.
    """

    symbol: str
    ts_exch_ns: int
    price: str
    qty: str
    side: Side
    trade_id: int | None
    ts_recv_ns: int | None = None
    tape: str = "trade"
    seq: int | None = None
    uid: str = ""


class OffMarket(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A print that is no market trade (insurance fund, ADL, block, nothing traded): in no footprint, but its id counts.

    ``reason`` says why, in words (definitions 1.1).
    """

    trade: Trade
    reason: str


class Quote(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Best bid and ask."""

    symbol: str
    ts_exch_ns: int
    ts_recv_ns: int
    bid: str
    bid_qty: str
    ask: str
    ask_qty: str
    update_id: int | None = None


class BookUpdate(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A change of the order book, or with ``is_snapshot`` the whole of it: levels with their new quantities.

    ``first_id`` to ``last_id`` are the venue's update ids that it covers, ``prev_id`` the last id of the update before
    it where the venue says that. ``depth`` names the stream among several of one symbol (Bybit's 1, 50, 200, 1000).
    """

    symbol: str
    ts_exch_ns: int
    ts_recv_ns: int
    first_id: int
    last_id: int
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    prev_id: int | None = None
    is_snapshot: bool = False
    depth: int = 0


class OpenInterest(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Contracts that are open, in the units of the instrument's quantities, each counted once (one side).

    ``qty`` is "" where a venue that tells only what has changed said no other one: what it told before stands.
    """

    symbol: str
    ts_exch_ns: int
    ts_recv_ns: int
    qty: str


class MarkPrice(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Mark and index price, and the funding rate that is due at ``next_funding_ns``.

    What a message leaves out stands as it was told before.
    """

    symbol: str
    ts_exch_ns: int
    ts_recv_ns: int
    mark: str = ""
    index: str = ""
    funding_rate: str = ""
    next_funding_ns: int | None = None


class Liquidation(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A forced trade. ``side`` is that of the flow: SELL closes a long (definitions 6.13).

    ``price`` is what the venue tells, often the bankruptcy price and off the instrument's tick.
    """

    symbol: str
    ts_exch_ns: int
    ts_recv_ns: int
    price: str
    qty: str
    side: Side


class Tick(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What a conflated feed says of one instrument: of each field the newest, None for what it leaves out.

    ``ltt_ns`` is the time of the last trade, ``vtt`` the day's volume so far, ``atp`` the day's average price.
    ``bid`` and ``ask`` are "" where that side of the book is empty. ``is_first`` marks the first after a subscription.
    """

    symbol: str
    ts_exch_ns: int | None
    ts_recv_ns: int
    ltt_ns: int | None = None
    ltp: str | None = None
    ltq: str | None = None
    vtt: str | None = None
    bid: str | None = None
    bid_qty: str | None = None
    ask: str | None = None
    ask_qty: str | None = None
    oi: str | None = None
    atp: str | None = None
    seq: int | None = None
    minute: tuple[int, str] | None = None  # the feed's own minute candle: its start in ns UTC, its volume
    greeks: tuple[str, str, str, str, str] | None = None  # volatility, delta, gamma, theta, vega; "" where not said
    is_first: bool = False


class MarketStatus(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What a venue says of its segments, such as ``{"NSE_FO": "NORMAL_OPEN"}``."""

    ts_exch_ns: int | None
    ts_recv_ns: int
    segments: dict[str, str]


class Reply(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A venue's answer to a request of ours on the same socket, or what it says of the socket itself.

    ``kind`` is ``ack``, ``pong``, ``error`` or ``shutdown`` (it will close, connect anew); ``request`` echoes our id.
    """

    kind: str
    request: str = ""
    text: str = ""


class BookSnapshot(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The whole visible book: (price_tick, qty_lot) a level, best first."""

    symbol: str
    ts_exch_ns: int
    ts_recv_ns: int
    bids: tuple[tuple[int, int], ...]
    asks: tuple[tuple[int, int], ...]


class Gap(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A stretch of the tape that is known to be missing; with ``healed`` one that is whole now.

    A healed stretch closes every gap within it that was known before, and cuts off what it covers of longer ones
    (`footloom.core.gaps`); ``missing`` then is how many trades it brought.
    """

    symbol: str
    from_ns: int
    to_ns: int
    cause: str
    missing: int | None = None  # how many trades, where ids tell
    healed: bool = False


Message = (
    Trade
    | OffMarket
    | Quote
    | BookUpdate
    | OpenInterest
    | MarkPrice
    | Liquidation
    | Tick
    | MarketStatus
    | Reply
    | BookSnapshot
    | Gap
)
