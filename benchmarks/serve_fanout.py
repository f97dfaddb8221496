"""A thousand clients on one chart, ten frames a second of 4 kB each, beside `websockets.broadcast` of the same frames.

The age of a frame is counted from the publishing of its newest trade to the client that has all of it. The peer sends
the same bytes and nothing else: what is between the two is topics, mailboxes and the envelope of each client.
"""

from __future__ import annotations

import asyncio
import struct
import tempfile
import time
from decimal import Decimal
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import uvloop

from benchmarks import harness
from benchmarks.harness import Row, Scale
from benchmarks.serve_kit import Client, Usage, connected, percentiles_ms, served, subscription, usage

__all__ = ("measure",)

_CLIENTS = 1_000
_EVERY_S = 0.1
_LEVELS = 115  # of the open bar: 4 kB
_SECONDS = 10.0
_KEY = "bench:FANOUT"
_DATA = f"{_CLIENTS:,} clients, {1 / _EVERY_S:.0f} frames/s, 4 kB"


def _ours(pipe: Connection, clients: int) -> None:
    uvloop.run(_serve_ours(pipe, clients))


async def _serve_ours(pipe: Connection, clients: int) -> None:
    from footloom.core.instrument import Instrument
    from footloom.core.trades import Trades
    from footloom.feeds.flow import Commit
    from footloom.server.app import create_app
    from footloom.server.listening import ConnectionLimits
    from footloom.server.port import bind
    from footloom.server.run import listen
    from footloom.server.services import Services
    from footloom.store.files import Store

    instrument = Instrument(venue="bench", symbol="FANOUT", tick_size=Decimal("0.5"), lot_size=Decimal("0.001"))

    def trades(first_id: int, count: int) -> Trades:
        now_ns = time.time_ns()
        ticks = 100_000 + (first_id + np.arange(count)) % _LEVELS
        return Trades.build(
            instrument, np.full(count, now_ns), ticks, np.ones(count, np.int64), np.ones(count, np.int8),
            trade_id=first_id + np.arange(count), ts_recv_ns=np.full(count, now_ns),
        )  # fmt: skip

    with tempfile.TemporaryDirectory() as folder, Store(Path(folder) / "store", writer=True) as store:
        store.put_instrument(instrument)
        store.append(trades(0, _LEVELS))
        services = Services.over(store, live=[_KEY])
        services.warm()
        listener, ready, stop = bind("127.0.0.1", 0), asyncio.Event(), asyncio.Event()
        limits = ConnectionLimits(max_connections=2 * clients)
        serving = asyncio.create_task(
            listen(create_app(services), listener, on_ready=ready.set, stop=stop, limits=limits)
        )
        await ready.wait()
        pipe.send(listener.getsockname()[1])
        asking = asyncio.create_task(_answer(pipe, stop))
        number = _LEVELS
        while not stop.is_set():
            services.hub.publish(Commit(_KEY, trades(number, 1), (), time.time_ns()))
            number += 1
            await asyncio.sleep(_EVERY_S)
        await asyncio.gather(serving, asking)
        services.close()


def _peers(pipe: Connection, _clients: int) -> None:
    uvloop.run(_serve_peers(pipe))


async def _serve_peers(pipe: Connection) -> None:
    from websockets.asyncio.server import ServerConnection, broadcast, serve

    connections: set[ServerConnection] = set()
    stop = asyncio.Event()

    async def handle(connection: ServerConnection) -> None:
        connections.add(connection)
        try:
            await connection.wait_closed()
        finally:
            connections.discard(connection)

    async with serve(handle, "127.0.0.1", 0, compression=None) as server:
        pipe.send(next(iter(server.sockets)).getsockname()[1])
        asking = asyncio.create_task(_answer(pipe, stop))
        body = bytes(_frame_bytes())
        while not stop.is_set():
            frame = b"\x00\x00\x00\x00\x00\x02" + body[6:56] + struct.pack("<q", time.time_ns()) + body[64:]
            broadcast(connections, frame)
            await asyncio.sleep(_EVERY_S)
        await asking


# A frame of one bar: header, 23 columns of 8 bytes, and the levels' columns, padded.
def _frame_bytes() -> int:
    def padded(size: int) -> int:
        return size + -size % 8

    return 40 + 23 * 8 + 2 * padded(4 * _LEVELS) + 3 * 8 * _LEVELS + padded(_LEVELS)


async def _answer(pipe: Connection, stop: asyncio.Event) -> None:
    while True:
        asked = await asyncio.to_thread(pipe.recv)
        if asked == "stop":
            stop.set()
            return
        pipe.send(usage())


async def _run(pipe: Connection, seconds: float, count: int) -> tuple[list[int], float, float]:
    port = await asyncio.to_thread(pipe.recv)
    before = await _ask(pipe)
    clients = [Client(port, (subscription(1, _KEY, "1h"),)) for _ in range(count)]
    async with connected(clients):
        while not all(one.frames > 2 for one in clients):  # noqa: ASYNC110 - nothing tells when
            await asyncio.sleep(0.1)
        begun = await _ask(pipe)
        for one in clients:
            one.measures = True
        await asyncio.sleep(seconds)
        ended = await _ask(pipe)
        ages = [age for one in clients for age in one.ages_ns]
        assert not any(one.closed for one in clients), "clients were cut off"
    expected = count * seconds / _EVERY_S
    assert len(ages) > 0.5 * expected, f"{len(ages)} frames came, about {expected:.0f} were sent"
    return ages, ended.share_since(begun), (begun.rss - before.rss) / count


async def _ask(pipe: Connection) -> Usage:
    pipe.send("usage")
    found: Usage = await asyncio.to_thread(pipe.recv)
    return found


def measure(scale: Scale, seconds: float = _SECONDS, clients: int = _CLIENTS) -> list[Row]:
    """Return age, share of a core and memory a connection, of ours and of the peer."""
    found: dict[str, list[Any]] = {"ours": [], "peer": []}
    for turn in range(max(1, min(3, scale.rounds))):
        for side, target in (("ours", _ours), ("peer", _peers))[:: 1 if turn % 2 == 0 else -1]:
            with served(target, clients) as pipe:
                found[side].append(uvloop.run(_run(pipe, seconds, clients)))

    def median(side: str, of: int) -> float:
        if of < 2:
            return float(np.median([percentiles_ms(run[0])[of] for run in found[side]]))
        return float(np.median([run[of - 1] for run in found[side]]))

    def beside(of: int, scale_by: float, unit: str) -> str:
        return f"websockets.broadcast {median('peer', of) * scale_by:.3g} {unit}"

    p50 = f"p50 {median('ours', 0):.3g} ms, {beside(0, 1, 'ms')}"
    return [
        harness.limit(
            "a frame to 1,000 clients, p99", median("ours", 1), 50, "ms", f"{p50}; {beside(1, 1, 'ms')}", _DATA
        ),
        harness.limit("a core while doing it", 100 * median("ours", 2), 40, "%", beside(2, 100, "%"), _DATA),
        harness.limit("memory of a connection", median("ours", 3) / 1e3, 40, "kB", beside(3, 1e-3, "kB"), _DATA),
    ]


if __name__ == "__main__":
    harness.run(measure)
