"""``/ws/orderflow``: a snapshot of the last candles, then the current one again and again (`docs/compat.md`)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec
from litestar import WebSocket, websocket
from litestar.di import NamedDependency
from litestar.params import SkipValidation
from msgspec import UNSET, Raw, UnsetType

from footloom.core.instrument import Instrument
from footloom.errors import ConfigError, FootloomError, NotStored, ProtocolError, UnknownSymbol
from footloom.server.clients.connection import LitestarSocket
from footloom.server.clients.socket import Disconnected, Socket
from footloom.server.compat.asking import EXCHANGES, one_of, query_value, stored_key, whole_number
from footloom.server.compat.bars import Bar, Cells, joined, rounded
from footloom.server.compat.following import Follower, followed
from footloom.server.compat.numbers import JsonNumbers, Steps, Ties, parse_step
from footloom.server.failures import code_of
from footloom.server.services import Services
from footloom.server.wire.frames import Message

__all__ = ("Asked", "Candle", "Delta", "Failure", "Level", "OrderflowClient", "Snapshot", "orderflow", "parse_asked")

_LOG = logging.getLogger(__name__)
_NS_PER_MS = 1_000_000
TIMEFRAMES_MS = {"1m": 60_000, "5m": 300_000, "15m": 900_000, "1h": 3_600_000}
MOST_CANDLES = 500
_EMIT_MS = (20, 60_000)
_SNAPSHOT_S = 1.0  # candles that change after the fact come as a snapshot, at most so often
BAD_REQUEST, NOT_FOUND, TRY_LATER, INTERNAL = 4400, 4404, 1013, 1011

Shared = NamedDependency[SkipValidation[Services]]


class Level(msgspec.Struct, omit_defaults=True):
    """One price row: ``bid`` was sold, ``ask`` was bought, ``n`` trades; ``unknown`` where a side is not known."""

    p: Raw
    bid: Raw
    ask: Raw
    n: int
    unknown: Raw | UnsetType = UNSET


class Candle(msgspec.Struct, omit_defaults=True):
    """One candle; ``levels`` descend in price."""

    open_ts: int
    bid: Raw
    ask: Raw
    delta: Raw
    cvd: Raw
    levels: Raw
    unknown: Raw | UnsetType = UNSET


class _Head(msgspec.Struct, kw_only=True):
    exchange: str
    symbol: str
    tf_ms: int
    step: Raw
    server_ts: int


class Snapshot(_Head, tag_field="type", tag="snapshot", kw_only=True):
    """The last candles, oldest first. ``cvd_anchor_ts`` is since when the ``cvd`` counts, ms UTC."""

    candles: Sequence[Candle]
    cvd_anchor_ts: int


class Delta(_Head, tag_field="type", tag="delta", kw_only=True):
    """The current candle as it stands, whole."""

    candle: Candle
    cvd_anchor_ts: int


class Failure(msgspec.Struct, tag_field="type", tag="error"):
    """Why nothing comes: the connection is closed behind it."""

    code: str
    message: str


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """The query of a connection, checked."""

    exchange: str = "binance"
    symbol: str = "BTCUSDT"
    tf: str = "1m"
    step: Decimal = Decimal("0.5")
    lookback: int = 30
    emit_ms: int = 300
    from_window: bool = False
    ties: Ties = "even"

    @property
    def tf_ms(self) -> int:
        """The length of a candle."""
        return TIMEFRAMES_MS[self.tf]

    @property
    def venue(self) -> str:
        """The venue as footloom calls it."""
        return EXCHANGES.get(self.exchange, self.exchange)


def parse_asked(query: Mapping[str, str]) -> Asked:
    """Read the query of a connection; what is left out has its default.

    Raises
    ------
    ConfigError
        A parameter cannot be; the message names it and says what can.
    """
    exchange = query_value(query, "exchange", "binance").strip().lower()
    if not exchange.isidentifier():
        raise ConfigError(f"exchange {exchange[:40]!r} cannot be: write binance, bybit, or a venue such as upstox")
    ties: Ties = "up" if one_of(query_value(query, "round", "half_even"), "round", _ROUNDS) == "half_up" else "even"
    return Asked(
        exchange=exchange,
        symbol=query_value(query, "symbol", "BTCUSDT").strip(),
        tf=one_of(query_value(query, "tf", "1m"), "tf", TIMEFRAMES_MS),
        step=parse_step(query_value(query, "step", "0.5"), "step"),
        lookback=whole_number(query_value(query, "lookback", "30"), "lookback", 1, MOST_CANDLES),
        emit_ms=whole_number(query_value(query, "emit_ms", "300"), "emit_ms", *_EMIT_MS),
        from_window=one_of(query_value(query, "cvd", "continuous"), "cvd", _CVDS) == "window",
        ties=ties,
    )


_ROUNDS = ("half_even", "half_up")
_CVDS = ("continuous", "window")


class OrderflowClient:
    """One connection: what it asked for, and where its CVD stands."""

    def __init__(self, services: Services, socket: Socket, asked: Asked) -> None:
        self._services = services
        self._socket = socket
        self._asked = asked
        self._tf_ns = asked.tf_ms * _NS_PER_MS
        self._parts: dict[int, Bar] = {}  # of the current candle, by open_ns
        self._before: dict[int, int] = {}  # the CVD before each candle that was sent, lots
        self._anchor_ns = 0
        self._current: Bar
        self._sent_at = float("-inf")

    async def run(self) -> None:
        """Serve the client until it goes away.

        Raises
        ------
        FootloomError
            There is nothing to show, or no longer.
        """
        tasks = {asyncio.create_task(self._read()), asyncio.create_task(self._write())}
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        except Disconnected:
            pass
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    # The wire has no requests: what a client says is left lying, that it goes away is heard.
    async def _read(self) -> None:
        while True:
            await self._socket.receive()

    async def _write(self) -> None:
        asked, clock = self._asked, asyncio.get_running_loop().time
        key = await self._services.run(stored_key, self._services, asked.venue, asked.symbol)
        async with followed(self._services, key, self._bars) as follower:
            self._grid(follower.topic.chart.instrument)
            await self._send_snapshot(follower)
            due = clock() + asked.emit_ms / 1000
            while True:
                await asyncio.sleep(max(0.0, due - clock()))
                due = max(due + asked.emit_ms / 1000, clock())
                if follower.ended is not None:
                    raise follower.ended
                await self._emit(follower)

    # Candles are those of `ts - ts % tf`: bars of a market that opens at its own hour are put together from minutes.
    def _bars(self, instrument: Instrument) -> tuple[str, int]:
        bars, count = self._asked.tf, self._asked.lookback
        if instrument.calendar != "crypto":
            bars, count = "1m", count * self._asked.tf_ms // TIMEFRAMES_MS["1m"]
        self._services.limits.check(0, count)
        return bars, count

    def _grid(self, instrument: Instrument) -> None:
        self._steps = Steps(instrument.tick_size, self._asked.step, self._asked.ties)
        self._lots = JsonNumbers(instrument.lot_size)
        self._most_bars = self._bars(instrument)[1]

    async def _emit(self, follower: Follower) -> None:
        changed = follower.take()
        if follower.stale:
            if asyncio.get_running_loop().time() - self._sent_at >= _SNAPSHOT_S:
                await self._send_snapshot(follower)
                return
            changed = []
        for bar in changed:
            open_ns = bar.open_ns - bar.open_ns % self._tf_ns
            if open_ns != self._current.open_ns:
                await self._send_delta()  # the last of its candle: the bar before is final
                self._before[open_ns] = self._before[self._current.open_ns] + self._current.delta_lot
                self._parts = {}
            self._parts[bar.open_ns] = bar
            self._current = joined(list(self._parts.values()), self._tf_ns)[0]
        await self._send_delta()

    async def _send_snapshot(self, follower: Follower) -> None:
        bars, changed_ns = await follower.read(self._most_bars)
        candles = joined(bars, self._tf_ns)[-self._asked.lookback :]
        self._anchor(candles, changed_ns)
        self._current = candles[-1]
        self._parts = {bar.open_ns: bar for bar in bars if bar.open_ns >= self._current.open_ns}
        told = await asyncio.to_thread(lambda: [self._candle(candle) for candle in candles])
        self._sent_at = asyncio.get_running_loop().time()
        await self._send(Snapshot(**self._head(), candles=told, cvd_anchor_ts=self._anchor_ns // _NS_PER_MS))

    # A CVD goes on from the candles that were sent as long as nothing before the window has changed. Else it counts
    # from the open of its first candle's session; with `cvd=window` from its first candle.
    def _anchor(self, candles: Sequence[Bar], changed_ns: int) -> None:
        first = candles[0]
        before = self._before.get(first.open_ns)
        if before is None or changed_ns < first.open_ns:
            before = 0 if self._asked.from_window else first.cvd_lot - first.delta_lot
            self._anchor_ns = first.open_ns if self._asked.from_window else first.cvd_anchor_ns
        self._before = {}
        for candle in candles:
            self._before[candle.open_ns] = before
            before += candle.delta_lot

    async def _send_delta(self) -> None:
        candle = self._candle(self._current)
        await self._send(Delta(**self._head(), candle=candle, cvd_anchor_ts=self._anchor_ns // _NS_PER_MS))

    async def _send(self, message: msgspec.Struct) -> None:
        await self._socket.send(Message(msgspec.json.encode(message).decode()))

    def _head(self) -> dict[str, Any]:
        asked = self._asked
        return {
            "exchange": asked.exchange,
            "symbol": asked.symbol,
            "tf_ms": asked.tf_ms,
            "step": self._steps.numbers.raw(1),
            "server_ts": time.time_ns() // _NS_PER_MS,
        }

    def _candle(self, bar: Bar) -> Candle:
        number = self._lots.raw
        return Candle(
            open_ts=bar.open_ns // _NS_PER_MS,
            bid=number(bar.sell_lot),
            ask=number(bar.buy_lot),
            delta=number(bar.delta_lot),
            cvd=number(self._before[bar.open_ns] + bar.delta_lot),
            levels=self._levels(bar),
            unknown=number(bar.unknown_lot) if bar.unknown_lot else UNSET,
        )

    # Clients that ask for the same step share the text.
    def _levels(self, bar: Bar) -> Raw:
        how = ("orderflow", self._asked.step, self._asked.ties)
        known = bar.made.get(how)
        if known is None:
            cells = rounded(bar.cells, self._steps)
            columns = (getattr(cells, name)[::-1].tolist() for name in Cells.__slots__)
            price, lots = self._steps.numbers.raw, self._lots.raw
            rows = [
                Level(price(p), lots(sold), lots(bought), n, lots(unknown) if unknown else UNSET)
                for p, bought, sold, unknown, n in zip(*columns, strict=True)
            ]
            known = bar.made[how] = Raw(msgspec.json.encode(rows))
        return known


@websocket(["/ws/orderflow", "/compat/003/ws/orderflow"])
async def orderflow(socket: WebSocket[Any, Any, Any], services: Shared) -> None:
    """Serve one client; what it cannot have is said in a message, then the connection is closed."""
    await socket.accept()
    wire = LitestarSocket(socket)
    try:
        with services.visiting():
            await OrderflowClient(services, wire, parse_asked(socket.query_params)).run()
    except FootloomError as error:
        await _refuse(socket, wire, Failure(code_of(error), str(error)), _close_code(error))
    except Exception:  # noqa: BLE001 - one client's fault must not reach the log as an application's
        _LOG.exception("a client of /ws/orderflow failed")
        text = "the server could not serve this request: its log says why"
        await _refuse(socket, wire, Failure("internal", text), INTERNAL)


async def _refuse(socket: WebSocket[Any, Any, Any], wire: Socket, failure: Failure, code: int) -> None:
    with contextlib.suppress(Disconnected):
        await wire.send(Message(msgspec.json.encode(failure).decode()))
        await socket.close(code=code, reason=failure.code)


def _close_code(error: FootloomError) -> int:
    if isinstance(error, NotStored | UnknownSymbol):
        return NOT_FOUND
    return BAD_REQUEST if isinstance(error, ConfigError | ProtocolError) else TRY_LATER
