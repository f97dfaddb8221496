"""`footloom serve` as people run it: fifty symbols of a local venue, fifty WebSockets, and what it says of itself.

The venue stands in a process of its own and speaks Binance's protocol; the server is the command, with its recorder,
journal and store in files; each client holds a real socket with one chart. Nothing may be missing in the store at the
end, no client may be cut off, and memory must stay flat. Times are read from the server's ``/metrics``.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from decimal import Decimal
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import uvloop

from benchmarks import harness
from benchmarks.harness import Row, Scale
from benchmarks.serve_kit import Client, connected, served, subscription, usage
from footloom.core.instrument import Instrument
from footloom.core.trades import Trades
from footloom.store.files import Store

__all__ = ("measure",)

_SYMBOLS = 50
_RATE = int(os.environ.get("FOOTLOOM_BENCH_RATE", "2000"))  # messages a second, of all symbols
_SECONDS = float(os.environ.get("FOOTLOOM_BENCH_SECONDS", "20"))
_START_S = 90.0  # until the server answers and all charts are there
_NEWEST = "footloom_receipt_to_frame_newest_seconds"


def _tape(number: int, start_ns: int, count: int) -> Trades:
    rng = np.random.default_rng(number)
    one = Instrument(
        venue="binance_usdm", symbol=f"S{number:02}USDT", tick_size=Decimal("0.1"), lot_size=Decimal("0.001")
    )
    times = start_ns + np.sort(rng.integers(0, count * _SYMBOLS * 1_000 // _RATE, count)) * 1_000_000
    ticks = 100_000 + np.cumsum(rng.integers(-1, 2, count))
    sides = rng.choice(np.array([-1, 1], np.int8), count)
    return Trades.build(
        one, times, ticks, rng.integers(1, 1_000, count), sides, trade_id=np.arange(1, count + 1), ts_recv_ns=times
    )


def _venue(pipe: Connection, count: int) -> None:
    asyncio.run(_run_venue(pipe, count))


async def _run_venue(pipe: Connection, count: int) -> None:
    from footloom.testing.venues.local import LocalVenue
    from footloom.testing.venues.market import Market

    start_ns = time.time_ns() // 1_000_000 * 1_000_000
    market = Market.of(*(_tape(number, start_ns, count) for number in range(_SYMBOLS)), start_ns=start_ns)
    async with LocalVenue("binance_usdm", market) as venue:
        running = asyncio.create_task(venue.run())
        pipe.send(venue.url)
        while await asyncio.to_thread(pipe.recv) != "stop":
            pipe.send([len(venue.tape(symbol)) for symbol in market.symbols()])
        running.cancel()


class _Server:
    """The command, and what its metrics say."""

    def __init__(self, venue: str, store: Path) -> None:
        symbols = [f"binance_usdm:S{number:02}USDT" for number in range(_SYMBOLS)]
        given = ["--port", "0", "--json", "--store", str(store), "--endpoint", f"binance_usdm={venue}"]
        kept = {name: value for name, value in os.environ.items() if not name.startswith("FOOTLOOM_")}
        environment = kept | {"FOOTLOOM_CONFIG": str(store.parent / "settings"), "FOOTLOOM_MAX_CONNECTIONS": "200"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "footloom.cli.main", "serve", *symbols, *given],
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        assert self.process.stdout is not None
        self.port = int(json.loads(self.process.stdout.readline())["url"].rstrip("/").rpartition(":")[2])

    def figures(self) -> dict[str, float]:
        """Return every figure, histograms by their buckets."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=30) as answer:
            lines = answer.read().decode().splitlines()
        rows = (line.rpartition(" ") for line in lines if not line.startswith("#"))
        return {name: float(value) for name, _, value in rows}

    def stop(self) -> None:
        """End it in order."""
        self.process.terminate()
        self.process.wait(120)


def _within_ms(first: dict[str, float], last: dict[str, float], share: float) -> float:
    """Return the bucket, in ms, in which a share of what was timed between two looks lies."""
    edges = [name for name in last if name.startswith(f"{_NEWEST}_bucket")]
    counts = [(float(name.partition('le="')[2].rstrip('"}')), last[name] - first.get(name, 0.0)) for name in edges]
    wanted = share * max(count for _, count in counts)
    return 1e3 * min(edge for edge, count in counts if count >= wanted)


async def _watch(server: _Server, pipe: Connection, seconds: float) -> dict[str, Any]:
    clients = [Client(server.port, (subscription(1, f"binance_usdm:S{n:02}USDT"),)) for n in range(_SYMBOLS)]
    async with connected(clients):
        begun_s, first_s = time.monotonic(), None
        while not all(one.frames for one in clients):
            waited_s = time.monotonic() - begun_s
            first_s = waited_s if first_s is None and any(one.frames for one in clients) else first_s
            assert waited_s < _START_S, f"{sum(not one.frames for one in clients)} charts show nothing"
            await asyncio.sleep(0.1)
        shown_s = (first_s or 0.0, time.monotonic() - begun_s)
        await asyncio.sleep(2)
        looks, before = [await asyncio.to_thread(server.figures)], usage()
        for _ in range(max(1, round(seconds / 5))):
            await asyncio.sleep(min(5.0, seconds))
            looks.append(await asyncio.to_thread(server.figures))
        ours = usage().share_since(before)
        assert not any(one.closed for one in clients), "clients were cut off"
        pipe.send("count")
        traded = await asyncio.to_thread(pipe.recv)
    return {"looks": looks, "traded": traded, "ours": ours, "shown_s": shown_s}


def _missing(store: Path, traded: list[int]) -> int:
    """Return how many trades that the venue had told before the end are not in the store.

    Those before the start are fetched newest first: where that was not over yet, they are not counted.
    """
    with Store(store) as opened:
        rows = [opened.load(f"binance_usdm:S{n:02}USDT", "agg_trade", 0, 2**62) for n in range(_SYMBOLS)]
    ids = [one.trade_id for one in rows if isinstance(one, Trades)]
    return sum(
        len(np.setdiff1d(np.arange(known.min(), count + 1), known)) for count, known in zip(traded, ids, strict=True)
    )


def measure(_scale: Scale, seconds: float = _SECONDS) -> list[Row]:
    """Return how late frames are, how memory grows, and that nothing is missing."""
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "store"
        with served(_venue, int((seconds + 2 * _START_S) * _RATE / _SYMBOLS)) as pipe:
            server = _Server(pipe.recv(), store)
            try:
                found = uvloop.run(_watch(server, pipe, seconds))
            finally:
                server.stop()
        missing = _missing(store, found["traded"])
    assert not missing, f"{missing} trades are lost"
    looks: list[dict[str, float]] = found["looks"]
    memory = [look["footloom_resident_memory_bytes"] / 1e6 for look in looks]
    half, sent = len(memory) // 2, looks[-1]["footloom_messages_total"] - looks[0]["footloom_messages_total"]
    frames = looks[-1]["footloom_frames_total"] - looks[0]["footloom_frames_total"]
    data = f"{sent / seconds:,.0f} messages/s, {_SYMBOLS} symbols, {_SYMBOLS} sockets, {seconds:.0f} s"
    told = f"{frames / seconds:,.0f} frames/s; nothing lost"
    first_s, last_s = found["shown_s"]
    late = [f"{_within_ms(looks[0], looks[-1], share):g} ms" for share in (0.5, 0.99)]
    return [
        Row(
            "fifty charts opened at once behind the start: all move",
            f"{last_s:.1f} s",
            f"the first {first_s:.1f} s",
            None,
            None,
            data,
        ),
        Row("receipt to frame, a real server: p50, p99 within", ", ".join(late), told, None, None, data),
        Row(
            "memory of a real server, and its growth in the second half",
            f"{memory[-1]:.0f} MB, {memory[-1] - memory[half]:+.1f} MB",
            f"at the start {memory[0]:.0f} MB, at the most {max(memory):.0f} MB",
            None,
            None,
            data,
        ),
    ]


if __name__ == "__main__":
    harness.run(measure)
