"""What travels from feeds to the engine: one kind of struct a message, live and stored alike."""

from __future__ import annotations

import msgspec

from footloom.core.side import Side

__all__ = ("BookSnapshot", "Gap", "Message", "Trade")


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


class BookSnapshot(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The whole visible book: (price_tick, qty_lot) a level, best first."""

    symbol: str
    ts_exch_ns: int
    ts_recv_ns: int
    bids: tuple[tuple[int, int], ...]
    asks: tuple[tuple[int, int], ...]


class Gap(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A stretch of the tape that is known to be missing."""

    symbol: str
    from_ns: int
    to_ns: int
    cause: str
    missing: int | None = None  # how many trades, where ids tell


Message = Trade | BookSnapshot | Gap
