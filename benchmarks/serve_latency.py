"""5,000 messages a second of 50 symbols to a hundred clients of which ten stall: from receipt to the written frame.

The server times itself (`footloom.server.live.measures`): from a message's receipt to its durable commit, and until a
frame that shows it was handed to a connection, the newest and the oldest message of each frame. Rows go through the
journal into a store in files. Healthy clients must stay and stalled ones be cut off, every row must be in the store at
the end, and memory must stay flat. Then the same again while a request over a tape of millions of trades is answered.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import tempfile
import time
import urllib.request
from collections.abc import AsyncIterator
from decimal import Decimal
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import uvloop

from benchmarks import harness
from benchmarks.data import DAY_NS, day_of_trades
from benchmarks.harness import Row, Scale
from benchmarks.serve_kit import Client, connected, rss_bytes, served, subscription, usage
from footloom.core.instrument import Instrument
from footloom.core.trades import Trades
from footloom.feeds.clock import SystemClock
from footloom.feeds.flow import Arrival
from footloom.feeds.live import Journal, live
from footloom.feeds.pace import Pace, in_turns
from footloom.server.app import create_app
from footloom.server.listening import ConnectionLimits
from footloom.server.live.measures import Measures
from footloom.server.port import bind
from footloom.server.run import listen
from footloom.server.services import Services
from footloom.store.files import Store

__all__ = ("measure",)

_SYMBOLS = 50
_RATE = int(os.environ.get("FOOTLOOM_BENCH_RATE", "5000"))  # messages a second
_CLIENTS, _STALLED = 100, 10
_WARM_S = 3.0
_ANSWER_S = 60.0  # the server gives a request up then
_PREPARED = 1 << 16
_QUIET_RATE = 500  # until the clients have their charts
_SECONDS = float(os.environ.get("FOOTLOOM_BENCH_SECONDS", "20"))  # 600 for the promise's ten minutes
_BIG = "bench:BTCUSDT"


def _serve(pipe: Connection, folder: str) -> None:
    uvloop.run(_run_server(pipe, Path(folder)))


_INSTRUMENTS = [
    Instrument(venue="bench", symbol=f"S{number:02}", tick_size=Decimal("0.5"), lot_size=Decimal("0.001"))
    for number in range(_SYMBOLS)
]


class _Source:
    """Rows as if they had come one by one since the last tick; prepared, so that making them costs little."""

    def __init__(self) -> None:
        rng = np.random.default_rng(5)
        self.last_ns = time.time_ns()
        self.rate = _QUIET_RATE
        self.sent = [0] * _SYMBOLS
        self.heard = 0
        self.symbol = rng.integers(0, _SYMBOLS, _PREPARED)
        self.tick = 100_000 + np.cumsum(rng.integers(-1, 2, _PREPARED))
        self.lot = rng.integers(1, 1_000, _PREPARED)
        self.side = rng.choice(np.array([-1, 1], np.int8), _PREPARED)

    async def receive(self, until_ns: int) -> list[Arrival]:
        count = int((until_ns - self.last_ns) / 1e9 * self.rate)
        place = (self.heard + np.arange(count)) % _PREPARED
        times = self.last_ns + (np.arange(count) + 1) * (10**9 // self.rate)
        self.last_ns += count * (10**9 // self.rate)
        self.heard += count
        which = self.symbol[place]
        order = np.argsort(which, kind="stable")
        columns = [one[order] for one in (times, self.tick[place], self.lot[place], self.side[place])]
        ends = np.searchsorted(which[order], np.arange(_SYMBOLS + 1)).tolist()
        return [
            self._arrival(number, [column[start:stop] for column in columns], until_ns)
            for number, (start, stop) in enumerate(itertools.pairwise(ends))
            if stop > start
        ]

    def _arrival(self, number: int, columns: list[Any], until_ns: int) -> Arrival:
        times, ticks, lots, sides = columns
        one, count = _INSTRUMENTS[number], len(times)
        ids = np.arange(self.sent[number], self.sent[number] + count)
        self.sent[number] += count
        rows = Trades(one, times, ticks, lots, sides, ids, times, np.zeros(count, np.uint8))
        return Arrival(one.key, rows, rows, until_ns)


class _Pacer:
    """As the recorder has it, with a row always there."""

    def __init__(self) -> None:
        self._pace = Pace(SystemClock())

    async def ticks(self) -> AsyncIterator[int]:
        async for _ in self._pace.beats():
            self._pace.wake()
            yield time.time_ns()

    def is_due(self) -> bool:
        return self._pace.is_idle


async def _feed(services: Services, source: _Source, journal: Journal, feeding: asyncio.Event) -> None:
    async for commits in live(source, journal, _Pacer()):
        await in_turns(commits, services.publish)
        if not feeding.is_set():
            return


async def _run_server(pipe: Connection, folder: Path) -> None:
    with Store(folder, writer=True) as store:
        for one in _INSTRUMENTS:
            store.put_instrument(one)
        services = Services.over(store, live=[one.key for one in _INSTRUMENTS])
        services.warm()
        source, journal, stop, feeding = _Source(), Journal(store), asyncio.Event(), asyncio.Event()
        feeding.set()
        listener, ready = bind("127.0.0.1", 0), asyncio.Event()
        serving = asyncio.create_task(
            listen(
                create_app(services),
                listener,
                on_ready=ready.set,
                stop=stop,
                limits=ConnectionLimits(max_connections=2 * _CLIENTS),
            )
        )
        await ready.wait()
        feed = asyncio.create_task(_feed(services, source, journal, feeding))
        pipe.send(listener.getsockname()[1])
        while (asked := await asyncio.to_thread(pipe.recv)) != "stop":
            if asked == "full":
                source.rate = _RATE
            elif asked == "begin":
                services.hub.measures = Measures()  # it counts from here on
            elif asked == "end":
                feeding.clear()
                await feed
                stored = [len(store.load(one.key, "trade", 0, 2**62)) for one in _INSTRUMENTS]
                pipe.send((source.sent, stored))
                continue
            pipe.send(_figures(services))
        stop.set()
        await asyncio.gather(serving, feed)
        services.close()
        journal.close()


def _figures(services: Any) -> dict[str, float]:
    measures = services.hub.measures
    traded = sum(services.hub.board.has_trades(one.key) for one in _INSTRUMENTS)
    found = {
        "symbols": float(traded),
        "rss": float(rss_bytes()),
        "frames": float(measures.frames),
        "clients": float(len(services.sessions)),
        "cpu_s": time.process_time(),
        "loop_s": time.thread_time(),
        "at_s": time.perf_counter(),
    }
    for name, _, spread in measures.spreads():
        for share in (0.5, 0.99):
            found[f"{name} {share}"] = 1e3 * (spread.below_s(share) or float("nan"))
    return found


async def _ask(pipe: Connection, what: str) -> Any:
    pipe.send(what)
    return await asyncio.to_thread(pipe.recv)


async def _load(pipe: Connection, seconds: float) -> dict[str, Any]:
    port = await asyncio.to_thread(pipe.recv)
    clients = [Client(port, (subscription(1, f"bench:S{n % _SYMBOLS:02}"),)) for n in range(_CLIENTS)]
    while (await _ask(pipe, "figures"))["symbols"] < _SYMBOLS:  # noqa: ASYNC110 - nothing tells when all have traded
        await asyncio.sleep(0.2)
    async with connected(clients):
        healthy, stalled = clients[_STALLED:], clients[:_STALLED]
        while not all(one.frames for one in healthy):  # noqa: ASYNC110 - nothing tells when
            await asyncio.sleep(0.1)
        for one in stalled:
            one.stall()
        await _ask(pipe, "full")
        await asyncio.sleep(_WARM_S)
        first, before = await _ask(pipe, "begin"), usage()
        await asyncio.sleep(seconds)
        alone, ours = await _ask(pipe, "figures"), usage().share_since(before)
        await _ask(pipe, "begin")
        asked = asyncio.create_task(asyncio.to_thread(_big_request, port))
        done, _ = await asyncio.wait({asked}, timeout=max(seconds, _ANSWER_S))
        beside = await _ask(pipe, "figures")
        assert not any(one.closed for one in healthy), "healthy clients were cut off"
        sent, stored = await _ask(pipe, "end")
    return {
        "ours": ours, "first": first, "alone": alone, "beside": beside, "sent": sent, "stored": stored,
        "took_s": asked.result() if done else None,
    }  # fmt: skip


def _share(found: dict[str, Any], name: str) -> float:
    spent: float = found["alone"][name] - found["first"][name]
    return spent / float(found["alone"]["at_s"] - found["first"]["at_s"])


def _big_request(port: int) -> float:
    begun = time.perf_counter()
    url = f"http://127.0.0.1:{port}/api/v1/footprint?symbol={_BIG}&bars=1d&ticks_per_level=1000&limit=100"
    with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=600) as answer:
        answer.read()
    return time.perf_counter() - begun


def _fill(folder: Path, days: int) -> int:
    rows = 0
    with Store(folder, writer=True) as store:
        for day in range(days):
            tape = day_of_trades(day)
            store.put_instrument(tape.instrument)
            store.write_part(tape, window=(int(tape.ts_exch_ns[0]) // DAY_NS * DAY_NS, 2**62))
            rows += len(tape)
    return rows


def measure(scale: Scale, seconds: float = _SECONDS) -> list[Row]:
    """Return the promised percentiles, the growth of memory, and how much a large request beside moves them."""
    with tempfile.TemporaryDirectory() as folder:
        rows = _fill(Path(folder), scale.days)
        with served(_serve, folder) as pipe:
            found = uvloop.run(_load(pipe, seconds))
    assert found["sent"] == found["stored"], "rows are lost"
    data = f"{_RATE:,} messages/s, {_SYMBOLS} topics, {_CLIENTS} clients, {_STALLED} stalled, {seconds:.0f} s"
    alone, beside, newest = found["alone"], found["beside"], "receipt_to_frame_newest_seconds"
    oldest, durable = "receipt_to_frame_oldest_seconds", "receipt_to_durable_seconds"
    took = "not done" if found["took_s"] is None else f"{found['took_s']:.1f} s"
    peer = f"durable p50 {alone[f'{durable} 0.5']:.3g} ms, p99 {alone[f'{durable} 0.99']:.3g} ms"
    grown = 1e2 * (alone["rss"] - found["first"]["rss"]) / found["first"]["rss"]
    moved = beside[f"{newest} 0.99"] - alone[f"{newest} 0.99"]
    rate = f"{alone['frames'] / seconds:,.0f} frames/s"
    return [
        harness.limit(
            "receipt to frame, newest message, p50", alone[f"{newest} 0.5"], 5, "ms", f"{peer}; {rate}", data
        ),
        harness.limit("receipt to frame, newest message, p99", alone[f"{newest} 0.99"], 25, "ms", peer, data),
        harness.limit("receipt to frame, oldest message, p99", alone[f"{oldest} 0.99"], 75, "ms", peer, data),
        Row(
            "cores taken meanwhile",
            f"server {_share(found, 'cpu_s'):.0%}, of that its event loop {_share(found, 'loop_s'):.0%}",
            f"the clients of this benchmark {found['ours']:.0%}",
            None,
            None,
            data,
        ),
        Row("growth of memory meanwhile", f"{grown:.2g} %", f"{alone['rss'] / 1e6:.0f} MB", None, None, data),
        harness.limit(
            f"p99 moved by a request of {rows / 1e6:.3g} M trades", max(moved, 1e-3), 10, "ms", f"took {took}", data
        ),
    ]


if __name__ == "__main__":
    harness.run(measure)
