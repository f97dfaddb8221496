"""Symbols that come and go while others are recorded: those notice nothing, and what was away is healed or told."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np
import pytest
from matrix_kit import (
    CHANNELS,
    CREDENTIALS,
    EVER,
    INDIA,
    OPEN_NS,
    SECOND,
    SYMBOLS,
    FastClock,
    judge,
    random_tape,
    record,
    truth,
)

from footloom.core.trades import Trades
from footloom.feeds._socket import Keeper
from footloom.feeds.flow import Commit
from footloom.feeds.recorder import FeedSettings, Recorder
from footloom.store.files import Store
from footloom.testing.venues import VENUES, Listing, LocalVenue, Market
from footloom.venues._venue import Bases, Wanted

pytestmark = pytest.mark.anyio

SPEED = 20.0
OTHERS = {
    "binance_usdm": ("ETHUSDT", "ethusdt@aggTrade"),
    "binance_spot": ("ETHUSDT", "ethusdt@aggTrade"),
    "bybit_linear": ("ETHUSDT", "publicTrade.ETHUSDT"),
    "upstox": ("NSE_FO|53002", "full NSE_FO|53002"),
    "angelone": ("NFO|53002", "3 NFO|53002"),
}


def listing(name: str, symbol: str, start_ns: int, seed: int) -> Listing:
    tape = random_tape(name, start_ns, 600, 20, seed)
    return Listing(
        Trades.build(
            msgspec.structs.replace(tape.instrument, symbol=symbol),
            *(getattr(tape, column) for column in ("ts_exch_ns", "price_tick", "qty_lot", "side")),
            trade_id=tape.trade_id,
        )
    )


@dataclass
class Seen:
    """Who is shown commits: rows by symbol, and what waits for something to hold."""

    rows: dict[str, list[int]] = field(default_factory=dict)
    phases: dict[str, set[str]] = field(default_factory=dict)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def __call__(self, commit: Commit) -> None:
        name = commit.key.partition(":")[2]
        self.rows.setdefault(name, []).extend(commit.trades.trade_id.tolist())
        if commit.state is not None:
            self.phases.setdefault(name, set()).add(commit.state.phase)
        self.changed.set()

    def count(self, name: str) -> int:
        return len(self.rows.get(name, []))

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(60):
            while not holds():
                self.changed.clear()
                await self.changed.wait()

    async def more(self, name: str, rows: int = 40) -> None:
        target = self.count(name) + rows
        await self.until(lambda: self.count(name) >= target)


@dataclass
class Scene:
    venue: LocalVenue
    store: Store
    recorder: Recorder
    seen: Seen

    def wanted(self, symbol: str) -> Wanted:
        name = self.venue.dialect.venue
        return Wanted(symbol=symbol, streams=frozenset({SYMBOLS[name][3]}))


@asynccontextmanager
async def scene(name: str, folder: Path, *symbols: str) -> AsyncIterator[Scene]:
    start_ns = OPEN_NS if name in INDIA else time.time_ns() // SECOND * SECOND
    listings = [
        listing(name, symbol, start_ns, seed) for seed, symbol in enumerate((SYMBOLS[name][0], OTHERS[name][0]))
    ]
    async with LocalVenue(name, Market(listings, start_ns)) as venue:
        bases = Bases(ws=venue.url.replace("http", "ws"), rest=venue.url, archive=venue.url + "/archive")
        settings = FeedSettings(
            bases={name: bases}, commit_s=0.1, backfill_hours=0.0, credentials={name: CREDENTIALS.get(name, {})}
        )
        with Store(folder, writer=True) as store:
            recorder = Recorder(store, [], settings, FastClock(venue.now_ns, SPEED))
            made = Scene(venue, store, recorder, Seen())
            for symbol in symbols:
                recorder.add(name, made.wanted(symbol))
            running = asyncio.create_task(recorder.run(made.seen))
            moving = asyncio.create_task(venue.run(SPEED))
            try:
                yield made
            finally:
                for task in (moving, running):
                    task.cancel()
                await asyncio.gather(moving, running, return_exceptions=True)


@pytest.mark.parametrize("name", VENUES)
async def test_what_runs_notices_nothing_of_what_comes_and_goes(name: str, tmp_path: Path) -> None:
    first, (second, channel) = SYMBOLS[name][0], OTHERS[name]
    async with scene(name, tmp_path, first) as made:
        async with asyncio.timeout(60):
            await made.venue.heard(CHANNELS[name])
        await made.seen.more(first)
        key = made.recorder.add(name, made.wanted(second))
        await made.seen.more(second)
        made.recorder.drop(key)
        async with asyncio.timeout(60):
            await made.venue.until(lambda venue: channel not in venue.channels)
        away_ns = made.venue.now_ns
        await made.seen.more(first)
        away_ns = made.venue.now_ns - away_ns
        assert made.recorder.keys == [f"{name}:{first}"]
        assert made.recorder.add(name, made.wanted(second)) == key
        await made.seen.more(second)
        await made.seen.more(first)
        sockets = len(made.venue.sockets())
        connections = made.recorder.figures().feeds[0].connections
        if name not in INDIA:
            await made.seen.until(lambda: not made.store.gaps(key, SYMBOLS[name][3], *EVER))
    tape = SYMBOLS[name][3]

    assert (sockets, connections) == (1, 1), "one connection carried all of it"
    # Time runs many times as fast here: a machine that is busy for a moment makes a feed stale; no connection breaks.
    assert made.seen.phases[first] <= {"connecting", "live", "stale"}
    for symbol in (first, second):
        stored, gaps = (of(f"{name}:{symbol}", tape, *EVER) for of in (made.store.load, made.store.gaps))
        if name in INDIA:
            assert [gap.cause for gap in gaps] == ([] if symbol == first else ["not recording"])
            for gap in gaps:
                assert {gap.from_ns, gap.to_ns} <= set(stored.ts_recv_ns.tolist()), "from the last row to the next"
                assert not ((stored.ts_recv_ns > gap.from_ns) & (stored.ts_recv_ns < gap.to_ns)).any()
                assert gap.to_ns - gap.from_ns > away_ns // 2
            continue
        sent = truth(made.venue, symbol)
        inside = (sent.ts_exch_ns >= stored.ts_exch_ns.min()) & (sent.ts_exch_ns <= stored.ts_exch_ns.max())
        assert judge(sent.take(np.flatnonzero(inside)), stored, gaps, made.seen.rows[symbol]) == "whole"
        assert gaps == []


async def test_who_asks_twice_shares_it_until_both_have_dropped_it(tmp_path: Path) -> None:
    name = "binance_usdm"
    first = SYMBOLS[name][0]
    async with scene(name, tmp_path, first) as made:
        await made.seen.more(first)
        key = made.recorder.add(name, made.wanted(first))
        made.recorder.drop(key)
        await made.seen.more(first)
        assert made.recorder.keys == [key]
        made.recorder.drop(key)
        async with asyncio.timeout(60):
            await made.venue.until(lambda venue: not venue.sockets())
        await made.seen.until(lambda: made.recorder.keys == [])
        made.recorder.drop(key)  # nobody asks: nothing happens
        assert made.recorder.figures().feeds[0].connections == 0
    assert made.store.gaps(key, "agg_trade", *EVER) == []


async def test_more_streams_of_what_runs_begin_beside_it(tmp_path: Path) -> None:
    name = "bybit_linear"
    first = SYMBOLS[name][0]
    async with scene(name, tmp_path, first) as made:
        await made.seen.more(first)
        made.recorder.add(name, Wanted(symbol=first, streams=frozenset({"trade", "mark"})))
        async with asyncio.timeout(60):
            await made.venue.heard("tickers.BTCUSDT")
        await made.seen.more(first)
    stored = made.store.load(f"{name}:{first}", "trade", *EVER)

    assert len(made.store.load_series(f"{name}:{first}", "mark", *EVER)) > 0
    assert made.store.gaps(f"{name}:{first}", "trade", *EVER) == []
    assert len(set(stored.trade_id.tolist())) == len(stored)


async def test_both_tapes_of_a_spot_symbol_are_mended_each_from_its_own_history(tmp_path: Path) -> None:
    name = "binance_spot"
    first = SYMBOLS[name][0]
    key, tapes = f"{name}:{first}", ("agg_trade", "trade")
    async with scene(name, tmp_path, first) as made:
        await made.seen.more(first)
        made.recorder.add(name, Wanted(symbol=first, streams=frozenset(tapes)))
        async with asyncio.timeout(60):
            await made.venue.heard(CHANNELS["binance_spot trade"])
        await made.seen.more(first, 80)
        made.venue.disconnect()
        await made.seen.more(first, 80)
        await made.seen.until(lambda: not any(made.store.gaps(key, tape, *EVER) for tape in tapes))
    for tape in tapes:
        stored = made.store.load(key, tape, *EVER)
        sent = truth(made.venue, first)
        inside = (sent.ts_exch_ns >= stored.ts_exch_ns.min()) & (sent.ts_exch_ns <= stored.ts_exch_ns.max())
        verdict = judge(sent.take(np.flatnonzero(inside)), stored, [], stored.trade_id.tolist())
        assert verdict == "whole", tape


async def test_a_venue_that_nobody_asked_for_before_begins_when_somebody_does(tmp_path: Path) -> None:
    name = "binance_spot"
    async with scene(name, tmp_path) as made:
        assert made.recorder.keys == []
        made.recorder.add(name, made.wanted("BTCUSDT"))
        made.recorder.add(name, made.wanted("NOSUCH"))
        await made.seen.more("BTCUSDT")
        states = dict(made.recorder.state())
    assert states[f"{name}:NOSUCH"].phase == "stopped"
    assert "does not list NOSUCH" in states[f"{name}:NOSUCH"].text


@pytest.mark.parametrize("name", INDIA)
async def test_volume_of_a_silence_that_ends_by_itself_has_no_sides_and_says_so(name: str, tmp_path: Path) -> None:
    made = await record(name, "mute@10s,for=15s", tmp_path, seconds=35)

    assert made.verdict == "gap"
    [gap] = [one for one in made.gaps if one.cause.startswith("mute")]
    assert 5 * SECOND < gap.to_ns - gap.from_ns < 30 * SECOND
    assert made.connections == 1


@pytest.mark.parametrize("name", ["binance_usdm", "binance_spot", "bybit_linear"])
async def test_a_symbol_that_does_not_trade_costs_the_others_nothing(name: str, tmp_path: Path) -> None:
    busy, still = SYMBOLS[name][0], OTHERS[name][0]
    start_ns = time.time_ns() // SECOND * SECOND
    quiet = listing(name, still, start_ns - 3_600 * SECOND, 1)  # its last trade was fifty minutes ago
    async with LocalVenue(name, Market([listing(name, busy, start_ns, 0), quiet], start_ns)) as venue:
        bases = Bases(ws=venue.url.replace("http", "ws"), rest=venue.url, archive=venue.url + "/archive")
        settings = FeedSettings(bases={name: bases}, commit_s=0.1, backfill_hours=0.0)
        wanted = [(name, Wanted(symbol=one, streams=frozenset({SYMBOLS[name][3]}))) for one in (busy, still)]
        with Store(tmp_path / "store", writer=True) as store:
            recorder, seen = Recorder(store, wanted, settings, FastClock(venue.now_ns, SPEED)), Seen()
            tasks = [asyncio.create_task(recorder.run(seen)), asyncio.create_task(_played(venue))]
            try:
                [keeper] = await _keepers(recorder, seen)
                await seen.until(lambda: (still, SYMBOLS[name][3]) in keeper.watch._quiet or keeper.losses > 0)
                assert (keeper.losses, keeper.watch.silent) == (0, set())
                assert seen.phases[busy] <= {"connecting", "live", "stale"}
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)


async def _played(venue: LocalVenue) -> None:
    await venue.run(SPEED)


async def _keepers(recorder: Recorder, seen: Seen) -> list[Keeper]:
    await seen.until(lambda: bool(recorder.feeds[0]._fleet.keepers))
    return list(recorder.feeds[0]._fleet.keepers)
