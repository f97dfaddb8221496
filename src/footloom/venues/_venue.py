"""What a live venue is: a module of pure functions that say what to connect to, what to ask, and what answers mean.

A venue file opens no connection, asks no clock and keeps no state: `Socket` and `Request` describe what the feeds shall
do, ``parse`` and the ``read_*`` functions turn bytes into messages and raise `SchemaChanged`, nothing else; where a
venue refuses within a successful answer its reader raises `Refused` or `RateLimited`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import msgspec

from footloom.core.book import Chain
from footloom.core.instrument import Instrument
from footloom.core.messages import BookUpdate, Message, OffMarket, Trade

__all__ = (
    "ArchiveFile",
    "Bases",
    "Candle",
    "Ping",
    "Poll",
    "Request",
    "Socket",
    "Stream",
    "TapeCalls",
    "Venue",
    "Wanted",
)

# What can be listened to; a venue that has no such stream says so with `ConfigError`.
Stream = str  # "agg_trade" "trade" "snapshot" "quote" "depth" "liquidation" "mark" "open_interest"


class Bases(msgspec.Struct, frozen=True, kw_only=True):
    """Where a venue is: no trailing slash. Every one is a setting; a local venue has all on one port."""

    ws: str
    rest: str
    archive: str = ""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """One symbol, as the venue writes it, and what to listen to; ``depth`` is how many levels, 0 the venue's usual.

    ``options`` is a rule such as ``atm±10``: options of the same underlying that are listened to as well, as they come
    near the money. ``chain`` is the symbol of the index whose option chain it is heard for, "" where for none.
    """

    symbol: str
    streams: frozenset[Stream]
    depth: int = 0
    options: str = ""
    chain: str = ""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A call over HTTP. ``weight`` counts against ``budget``, the name of one of the venue's rate limits."""

    url: str
    method: str = "GET"
    params: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    weight: int = 1
    budget: str = "rest"

    def __repr__(self) -> str:  # queries, headers and bodies carry tokens
        return f"<Request {self.method} {self.url.partition('?')[0]}>"


class Ping(msgspec.Struct, frozen=True, kw_only=True):
    """A text that the client has to send every so often."""

    every_s: float
    text: str


class Socket(msgspec.Struct, frozen=True, kw_only=True):
    """One WebSocket: where, what to send once it is open, and what should be heard.

    ``expects`` names the (symbol, stream) pairs that must be seen while the market is open: one that never is was
    refused silently or asked at the wrong path. ``authorize`` has to be called before each connection; its answer
    gives the URL (`Venue.read_authorized`). ``life_s`` is when the venue cuts the connection: a new one overlaps.
    """

    name: str
    url: str
    opening: tuple[bytes | str, ...] = ()  # bytes go as a binary frame, text as a text frame
    expects: frozenset[tuple[str, Stream]] = frozenset()
    headers: tuple[tuple[str, str], ...] = ()
    authorize: Request | None = None
    ping: Ping | None = None
    stall_s: float = 30.0  # nothing heard for so long while the market is open: dead
    life_s: float = 23.5 * 3600
    sends_per_s: float = 5.0

    def __repr__(self) -> str:  # queries, headers and openings may carry tokens
        return f"<Socket {self.name} {self.url.partition('?')[0]}>"


class Poll(msgspec.Struct, frozen=True, kw_only=True):
    """A call that is repeated, for what has no stream; `Venue.read_poll` reads its answer."""

    request: Request
    symbol: str
    every_s: float


class ArchiveFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file of a venue's archive; ``checksum_url`` is "" where there is none."""

    url: str
    checksum_url: str
    name: str


class Candle(msgspec.Struct, frozen=True, kw_only=True):
    """A candle without order flow, in decimal text, ``[open_ns, close_ns)``."""

    open_ns: int
    close_ns: int
    open: str
    high: str
    low: str
    close: str
    volume: str
    open_interest: str = ""


class TapeCalls(Protocol):
    """How the trades of one tape are asked for; a module's own functions of these names are those of its ``TAPE``."""

    def recent_trades(self, symbol: str, bases: Bases) -> Request:
        """Ask for the newest trades."""

    def trades_from(self, symbol: str, trade_id: int, bases: Bases) -> Request:
        """Ask for the page of trades that begins at an id; absent at venues whose trades have no such number."""

    def read_trades(self, document: bytes, symbol: str, ts_recv_ns: int) -> list[Trade | OffMarket]:
        """Return a page of trades, oldest first; prints that are no market trades are among them: their ids count."""


class Venue(TapeCalls, Protocol):
    """The functions of a live venue's module. What a venue has not, its module leaves out (`hasattr` tells)."""

    VENUE: str
    BASES: Bases
    TAPE: str  # the tape that is recorded by default
    OTHER_TAPES: dict[str, TapeCalls]  # tapes beside it that can be fetched as well; absent: none
    STREAMS: frozenset[Stream]  # what it has, polled ones included
    REACH_NS: int  # how far back `trades_from` and `trades_at` answer; absent: all of it
    GRACE_NS: int  # how long behind its close a bar waits (definitions 2.3)
    BOOK: Chain  # how it numbers the changes of a book
    BOOK_DEPTH: int  # levels a side of its usual book, no more are kept; absent: all of them
    BUDGETS: dict[str, tuple[int, float]]  # rate limits: so much weight in so many seconds

    def parse(self, frame: bytes, ts_recv_ns: int) -> Iterator[Message]:
        """Yield the messages of one frame, binary or UTF-8 text."""

    def sockets(self, wanted: Sequence[Wanted], bases: Bases, credentials: dict[str, str]) -> list[Socket]:
        """Return the connections that carry what is wanted, within the venue's limits."""

    def added(self, old: Socket, new: Socket) -> tuple[bytes | str, ...]:
        """Return the messages that make of a connection that was opened as ``old`` what ``new`` asks for."""

    def most_sockets(self, credentials: dict[str, str]) -> int:
        """Return how many connections the venue takes of one account; absent: more than anybody needs."""

    def read_authorized(self, document: bytes) -> str:
        """Return the address of the socket that a call of `Socket.authorize` gave."""

    def instruments_request(self, bases: Bases) -> Request:
        """Ask for all instruments; ``.gz`` addresses answer packed."""

    def instruments_next(self, document: bytes, bases: Bases) -> Request | None:
        """Ask for the page behind ``document``, None where it was the last; only of venues that send pages."""

    def instruments(self, document: bytes, at_ns: int) -> list[Instrument]:
        """Return what is traded, valid from ``at_ns`` on."""

    def polls(self, wanted: Sequence[Wanted], bases: Bases, credentials: dict[str, str]) -> list[Poll]:
        """Return what has to be asked again and again."""

    def read_poll(self, document: bytes, symbol: str, ts_recv_ns: int) -> Iterator[Message]:
        """Yield the messages of one answer."""

    def trades_at(self, symbol: str, from_ns: int, to_ns: int, bases: Bases) -> Request:
        """Ask for the first page of trades of a time range."""

    def book_snapshot(self, symbol: str, bases: Bases) -> Request:
        """Ask for the whole book."""

    def read_book(self, document: bytes, symbol: str, ts_recv_ns: int) -> BookUpdate:
        """Return the whole book."""

    def renew_book(self, wanted: Wanted) -> tuple[str, ...]:
        """Return what to send on the socket for a fresh book, where it comes there and not over REST."""

    def server_time(self, bases: Bases) -> Request:
        """Ask for the venue's clock."""

    def read_time(self, document: bytes) -> int:
        """Return the venue's clock, ns UTC."""

    def archive(self, symbol: str, day: str, tape: str, bases: Bases) -> ArchiveFile:
        """Return where a past day (ISO date, UTC) lies."""

    def candles(self, symbol: str, from_ns: int, to_ns: int, bases: Bases, credentials: dict[str, str]) -> Request:
        """Ask for minute candles."""

    def read_candles(self, document: bytes) -> list[Candle]:
        """Return candles, oldest first."""
