"""A venue on this machine: one port, the real paths, a market behind it, and faults to order.

`LocalVenue` moves when it is told to (`step`), so that a test needs no clock; `run` lets it move with real time.
"""

from __future__ import annotations

import asyncio
import importlib
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Self

from footloom.core.trades import Trades
from footloom.errors import ConfigError
from footloom.testing.venues.dialect import Channels, Dialect, Out
from footloom.testing.venues.faults import Fault, Faults
from footloom.testing.venues.market import Market
from footloom.testing.venues.ordered import altered
from footloom.testing.venues.tampering import Tampering
from footloom.testing.venues.wire import Call, Connection, Reply, Session, frame

__all__ = ("VENUES", "LocalVenue", "dialect_of", "split")

VENUES = ("binance_usdm", "binance_spot", "bybit_linear", "upstox", "angelone")
_SECOND = 1_000_000_000
_TICK_S = 0.005
_AHEAD_NS = 3600 * _SECOND
_LONGEST_STEP_NS = 5 * _SECOND  # a machine that slept does not send its dream at once


class LocalVenue:
    """A venue on loopback; use it with ``async with``.

    Parameters
    ----------
    name
        One of `VENUES`.
    market
        What is traded. The venue owns it: a market serves one venue.
    faults
        An order as `Faults.parse` reads it, or what it read.
    host, port
        Where to listen; port 0 takes a free one.

    Raises
    ------
    ConfigError
        There is no such venue, or the faults cannot be read.
    """

    def __init__(
        self, name: str, market: Market, faults: str | Faults = "", *, host: str = "127.0.0.1", port: int = 0
    ) -> None:
        self.faults = Faults.parse(faults) if isinstance(faults, str) else faults
        self.market = altered(market, self.faults, name)
        self.channels = Channels()
        self.dialect = dialect_of(name, self)
        self.connections: dict[Connection, None] = {}
        self.sent: deque[str] = deque(maxlen=10_000)
        self._host, self._port = host, port
        self._server: asyncio.Server | None = None
        self._tampering = Tampering(self.faults, self.market.start_ns)
        self._waiters: list[tuple[Callable[[LocalVenue], bool], asyncio.Future[None]]] = []
        self._made_ns = self.market.start_ns
        self._opened_at = 0.0

    # --- being there ---

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._opened_at = loop.time()
        self._server = await loop.create_server(lambda: Connection(self), self._host, self._port)
        self._port = int(self._server.sockets[0].getsockname()[1])
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for connection in tuple(self.connections):
            connection.abort()
        await self.until(lambda venue: not venue.connections)
        await self._server.wait_closed()

    @property
    def url(self) -> str:
        """The venue's address: all of its bases are below it."""
        return f"http://{self._host}:{self._port}"

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return self._port

    # --- time ---

    @property
    def now_ns(self) -> int:
        """The venue's clock."""
        return self.market.now_ns

    @property
    def since_ns(self) -> int:
        """How long the market has been open."""
        return self.market.now_ns - self.market.start_ns

    def uptime_s(self) -> float:
        """Return the seconds of real time that the venue runs."""
        return asyncio.get_running_loop().time() - self._opened_at

    async def run(self, speed: float = 1.0) -> None:
        """Let time pass as the real one does, ``speed`` times as fast, until the market ends.

        After a machine slept, a recording goes on where it stood; a market without end has gone on meanwhile.
        """
        loop = asyncio.get_running_loop()
        at, began = self.now_ns, loop.time()
        end_ns = self.market.end_ns
        while end_ns is None or self.now_ns < end_ns:
            await asyncio.sleep(_TICK_S)
            due = at + int((loop.time() - began) * speed * _SECOND)
            if due - self.now_ns > max(_LONGEST_STEP_NS, int(speed * _SECOND)):
                if end_ns is None:
                    await self.leap(due)
                at, began = self.now_ns, loop.time()
                continue
            await self.step(due)

    async def step(self, to_ns: int) -> None:
        """Let time pass up to an instant, ns UTC; everything that happens until then is written to the sockets."""
        if to_ns > self._made_ns - _AHEAD_NS // 2:
            self._made_ns = to_ns + _AHEAD_NS
            await self.market.prepare(self._made_ns)
        while self.now_ns < to_ns:
            self._slice(self._next_stop(to_ns))
        self._flush()
        await asyncio.sleep(0)

    async def leap(self, to_ns: int) -> None:
        """Let time pass up to an instant unheard: connections are lost, and what happened can be asked for."""
        self._made_ns = to_ns + _AHEAD_NS
        await self.market.prepare(self._made_ns)
        for connection in tuple(self.connections):
            connection.abort()
        self.market.forward(to_ns)
        self.changed()

    async def pass_s(self, seconds: float) -> None:
        """Let so many seconds of the market pass."""
        await self.step(self.now_ns + round(seconds * _SECOND))

    async def finish(self) -> None:
        """Let all time pass that the market has."""
        end_ns = self.market.end_ns
        if end_ns is None:
            raise ConfigError("this market never ends: say with step(to_ns) how far it shall go")
        await self.step(max(end_ns, self.now_ns) + self.dialect.beat_ns)
        await self.step(self.now_ns + 3 * _SECOND)  # what is late arrives

    # Where nobody listens, nothing has to be said in between.
    def _next_stop(self, to_ns: int) -> int:
        if self.channels.names():
            beat = (self.now_ns // self.dialect.beat_ns + 1) * self.dialect.beat_ns
            to_ns = min(beat, to_ns)
        start = self.market.start_ns
        fault = next((at for at, _ in self.faults.times(self.since_ns, to_ns - start)), None)
        return to_ns if fault is None else start + fault

    def _slice(self, to_ns: int) -> None:
        before = self.since_ns
        outs: list[Out] = []
        for listing, rows in self.market.forward(to_ns):
            if len(rows):
                outs += self.dialect.trades(listing, rows)
        if to_ns % self.dialect.beat_ns == 0:
            outs += self.dialect.beat(to_ns)
        if self.faults.under_way("mute", self.since_ns) is None:
            self._send(self._tampering.apply(outs, to_ns))
        for _, fault in self.faults.times(before, self.since_ns):
            self._order(fault)

    # --- sending ---

    def _send(self, outs: Sequence[Out]) -> None:
        for out in outs:
            data: bytes | None = None
            for listener in self.channels.of(out.channel):
                data = listener.takes(out)
                if self._tampering.splits(out):
                    data = split(data)
                listener.connection.send_bytes(data)

    def _flush(self) -> None:
        for connection in tuple(self.connections):
            connection.flush()

    def _order(self, fault: Fault) -> None:
        if fault.kind in {"disconnect", "token"}:
            outs = self.dialect.ordered(fault.kind)
            self._send(outs)
            self.disconnect(fault.code or 1006)
        elif fault.kind == "partial":
            for connection in self.sockets():
                connection.send_bytes(frame(b'{"stream":"cut in the middle of a frame","data":{"e":"agg')[:-20])
                connection.flush()
                connection.abort()
        else:
            self._send(self.dialect.ordered(fault.kind))
        self.changed()

    def disconnect(self, code: int = 1006, reason: str = "") -> None:
        """Close every socket: 1006 cuts it without a word."""
        for connection in self.sockets():
            connection.flush()
            connection.close(code, reason)

    def sockets(self) -> list[Connection]:
        """Return the connections that are WebSockets."""
        return [connection for connection in self.connections if connection.is_open]

    # --- waiting ---

    async def until(self, holds: Callable[[LocalVenue], bool]) -> None:
        """Wait until something holds, such as ``lambda venue: "btcusdt@aggTrade" in venue.channels``."""
        if holds(self):
            return
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append((holds, waiter))
        await waiter

    async def heard(self, *channels: str) -> None:
        """Wait until somebody listens to all of some channels."""
        await self.until(lambda venue: all(channel in venue.channels for channel in channels))

    def changed(self) -> None:
        """Say that something changed which somebody may wait for."""
        waiting = self._waiters
        self._waiters = []
        for holds, waiter in waiting:
            if waiter.done():
                continue
            if holds(self):
                waiter.set_result(None)
            else:
                self._waiters.append((holds, waiter))

    # --- what connections ask ---

    def joined(self, connection: Connection) -> None:
        """Take note of a new connection."""
        self.connections[connection] = None
        self.changed()

    def left(self, connection: Connection) -> None:
        """Take note of a connection that has ended."""
        self.connections.pop(connection, None)
        self.changed()

    def open(self, call: Call) -> Session | Reply:
        """Take a new socket, or refuse it."""
        refused = self.faults.under_way("refuse", self.since_ns)
        self.sent.append(f"SOCKET {call.path}")
        if refused is not None:
            return Reply.json({"msg": "Service unavailable"}, refused.code)
        return self.dialect.open(call)

    def answer(self, call: Call) -> Reply | Awaitable[Reply]:
        """Answer a call."""
        self.sent.append(f"{call.method} {call.path}")
        limited = self.faults.under_way("429", self.since_ns)
        if limited is not None:
            retry = (("Retry-After", f"{limited.retry_after_s:g}"),)
            return Reply.json(self.dialect.too_often, 429, retry)
        return self.dialect.answer(call)

    # --- the truth ---

    def tape(self, symbol: str) -> Trades:
        """Return what has been traded so far, as a perfect listener would have heard it."""
        return self.market.listings[symbol].seen


def split(data: bytes) -> bytes:
    """Return one frame's message as two: the first without its end, the second going on (RFC 6455, 5.4)."""
    opcode, length = data[0] & 0x0F, data[1] & 0x7F
    payload = data[2 + {126: 2, 127: 8}.get(length, 0) :]
    half = len(payload) // 2
    return frame(payload[:half], opcode, fin=False) + frame(payload[half:], 0)


def dialect_of(name: str, place: LocalVenue) -> Dialect:
    """Return a venue's protocol by its name."""
    if name not in VENUES:
        raise ConfigError(f"there is no local venue {name!r}; there are {', '.join(VENUES)}")
    module = importlib.import_module(f"footloom.testing.venues.{name}")
    made: Dialect = module.Local(place)
    return made
