"""The real server over a store of two sessions, for the page's tests: `python -m tests.browser.profile_server FOLDER`.

It prints its address, and publishes the trades that it reads from its standard input: `[[ns, tick, lots, side], ...]`.
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import numpy as np

from footloom.core.instrument import Instrument
from footloom.core.trades import Trades
from footloom.feeds.flow import Commit
from footloom.server.app import create_app
from footloom.server.port import bind
from footloom.server.run import listen
from footloom.server.services import Services
from footloom.store.files import Store

HOUR_NS = 3600 * 10**9
DAY0_NS = 1_772_409_600 * 10**9  # Monday, 2026-03-02 00:00 UTC
END_NS = DAY0_NS + 30 * HOUR_NS
ABC = Instrument(
    venue="test", symbol="ABC", tick_size=Decimal("0.5"), lot_size=Decimal("0.001"), base="ABC", quote="USD"
)
Row = Sequence[int]


def tape() -> Trades:
    """Return a random walk of thirty hours."""
    rng = np.random.default_rng(7)
    count = 9_000
    at = DAY0_NS + np.sort(rng.integers(0, END_NS - DAY0_NS, count))
    tick = 50_000 + np.cumsum(rng.integers(-2, 3, count))
    side = rng.choice(np.array([-1, 1, 1, -1, 0], np.int8), count)
    return Trades.build(
        ABC, at, tick, rng.integers(1, 5_000, count), side, trade_id=1 + np.arange(count), ts_recv_ns=at
    )


def following(held: Trades, rows: Sequence[Row]) -> Trades:
    """Return trades of (ns, tick, lots, side) that follow others."""
    ns, tick, lots, side = (list(column) for column in zip(*rows, strict=True))
    first = 1 + int(held.trade_id[-1])
    return Trades.build(ABC, ns, tick, lots, side, trade_id=first + np.arange(len(ns)), ts_recv_ns=ns)


def _say(address: str) -> None:
    """Tell whoever started this where to connect."""
    sys.stdout.write(f"{address}\n")
    sys.stdout.flush()


async def _serve(folder: Path) -> None:
    held = tape()
    store = Store(folder, writer=True)
    store.append_many([(held, ())])
    services = Services.over(Store(folder))
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    listener = bind("127.0.0.1", 0)
    address = f"http://127.0.0.1:{listener.getsockname()[1]}/"

    def read() -> None:
        nonlocal held
        for line in sys.stdin:
            more = following(held, json.loads(line))
            held = Trades.concat([held, more])
            store.append_many([(more, ())])  # what is shown is stored before
            loop.call_soon_threadsafe(services.publish, Commit(ABC.key, more, (), int(more.ts_exch_ns[-1])))
        loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=read, daemon=True).start()
    await listen(create_app(services), listener, on_ready=lambda: _say(address), stop=stop)
    services.close()
    store.close()


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1])))
