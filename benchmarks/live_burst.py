"""A burst of 50 000 messages a second for ten seconds, from another process' socket to the disk: nothing may be lost.

A local venue in a process of its own speaks Binance's protocol; the recorder is the real one: socket, decoding, ids,
journal with its fsync, and only then what is shown. Counted is what the store gives back, and what was shown.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from benchmarks import harness
from benchmarks.data import INSTRUMENT, digest
from benchmarks.harness import Row, Scale
from footloom.core.instrument import Instrument
from footloom.core.trades import Trades
from footloom.feeds.flow import Commit
from footloom.feeds.recorder import FeedSettings, Recorder
from footloom.store.files import Store
from footloom.testing.venues import Listing, LocalVenue, Market
from footloom.venues._venue import Bases, Wanted

__all__ = ("measure",)

_RATE, _SECONDS = 50_000, 10
_QUIET_NS = 10**9
_PATIENCE_S = 150.0


def _tape(start_ns: int, count: int) -> Trades:
    number = np.arange(count)
    ts = start_ns + _QUIET_NS + number * 10**9 // _RATE
    instrument = Instrument(
        venue="binance_usdm", symbol="BTCUSDT", tick_size=INSTRUMENT.tick_size, lot_size=INSTRUMENT.lot_size
    )
    return Trades.build(
        instrument,
        ts // 1_000_000 * 1_000_000,
        921_500 + np.abs(number % 400 - 200),
        1 + number % 997,
        np.where(number * 2_654_435_761 % 7 < 3, -1, 1),
        trade_id=1_000 + number,
    )


def _serve(pipe: Connection, start_ns: int, count: int) -> None:
    async def play() -> None:
        async with LocalVenue("binance_usdm", Market([Listing(_tape(start_ns, count))], start_ns)) as venue:
            pipe.send(venue.url)
            await venue.heard("btcusdt@aggTrade")  # what is missed before would be fetched, as slowly as a venue allows
            await venue.run()
            pipe.send(time.time())
            await asyncio.to_thread(pipe.recv)  # until nobody asks any more

    asyncio.run(play())


async def _record(store: Store, url: str, count: int) -> tuple[int, float]:
    shown, done, at = 0, asyncio.Event(), time.time()

    def publish(commit: Commit) -> None:
        nonlocal shown, at
        shown += len(commit.trades)
        if len(commit.trades):
            at = time.time()
        if shown >= count:
            done.set()

    bases = Bases(ws=url.replace("http", "ws"), rest=url, archive=f"{url}/archive")
    wanted = [("binance_usdm", Wanted(symbol="BTCUSDT", streams=frozenset({"agg_trade"})))]
    recorder = Recorder(store, wanted, FeedSettings(bases={"binance_usdm": bases}, backfill_hours=0))
    work = asyncio.create_task(recorder.run(publish))
    waiting = asyncio.create_task(done.wait())
    await asyncio.wait({work, waiting}, timeout=_PATIENCE_S, return_when=asyncio.FIRST_COMPLETED)
    for task in (work, waiting):
        task.cancel()
    await asyncio.gather(work, waiting, return_exceptions=True)
    return shown, at


def measure(scale: Scale) -> list[Row]:
    """Return what was kept of the burst, and how long after its end the last of it was durable and shown."""
    count = min(scale.trades, _RATE * _SECONDS)
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    start_ns = time.time_ns() // 10**9 * 10**9
    venue = context.Process(target=_serve, args=(theirs, start_ns, count), daemon=True)
    venue.start()
    try:
        url = ours.recv()
        with tempfile.TemporaryDirectory() as folder, Store(Path(folder) / "store", writer=True) as store:
            shown, at = asyncio.run(_record(store, url, count))
            found = store.load("binance_usdm:BTCUSDT", "agg_trade", 0, 2**62)
        assert ours.poll(_PATIENCE_S), "the burst was not sent"
        sent_at = float(ours.recv())
    finally:
        ours.send("done")
        venue.join(10)
    sent = _tape(start_ns, count)
    assert isinstance(found, Trades)
    kept = int(np.isin(sent.trade_id, found.trade_id).sum())
    assert len(np.unique(found.trade_id)) == len(found), "a trade is stored twice"
    if kept == count:
        for name in ("ts_exch_ns", "price_tick", "qty_lot", "side", "trade_id"):
            np.testing.assert_array_equal(getattr(found, name), getattr(sent, name), err_msg=name)
    hashed = digest(sent.price_tick, sent.qty_lot, sent.side)
    seconds = count / _RATE
    return [
        Row(
            f"a burst of {_RATE:,} messages/s for {seconds:.3g} s, socket to disk: what is kept",
            f"{kept:,} stored, {shown:,} shown",
            f"{count:,} sent by another process",
            min(kept, shown) / count,
            1.0,
            hashed,
        ),
        Row("from the end of the burst until all of it is durable", f"{at - sent_at:.3g} s", "-", None, None, hashed),
    ]


if __name__ == "__main__":
    harness.run(measure)
