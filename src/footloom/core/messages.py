"""What travels from feeds to the engine: one kind of struct a message, live and stored alike."""

from __future__ import annotations

import msgspec

from footloom.core.side import Side

__all__ = ("BookDelta", "BookSnapshot", "Clock", "Gap", "Message", "Snapshot", "Trade")


class Trade(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """One executed print, in decimal text as the venue wrote it."""

    symbol: str
    ts_exch_ns: int
    price: str
    qty: str
    side: Side
    trade_id: int | None
    ts_recv_ns: int | None = None
    tape: str = "trade"


class Snapshot(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The state of an instrument as a snapshot feed sends it (definitions 1.3); integers on the instrument's grid."""

    symbol: str
    ts_exch_ns: int  # ltt: time of the last trade
    ts_recv_ns: int
    ltp_tick: int
    ltq_lot: int
    vtt_lot: int
    bid_tick: int | None
    ask_tick: int | None


class BookSnapshot(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The whole visible book: (price_tick, qty_lot) a level, best first."""

    symbol: str
    ts_exch_ns: int
    ts_recv_ns: int
    bids: tuple[tuple[int, int], ...]
    asks: tuple[tuple[int, int], ...]


class BookDelta(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Changed levels: absolute quantity, 0 removes the level."""

    symbol: str
    ts_exch_ns: int
    ts_recv_ns: int
    bids: tuple[tuple[int, int], ...]
    asks: tuple[tuple[int, int], ...]


class Gap(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A stretch of the tape that is known to be missing (design rule 4)."""

    symbol: str
    from_ns: int
    to_ns: int
    cause: str
    missing: int | None = None  # how many trades, where ids tell


class Clock(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Engine time moved on without a trade: journalled, so that replay closes the same bars (definitions 2.3)."""

    ts_recv_ns: int


Message = Trade | Snapshot | BookSnapshot | BookDelta | Gap | Clock
