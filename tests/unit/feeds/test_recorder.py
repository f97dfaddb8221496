"""From a venue's socket to a durable tape and to whoever watches: every trade once, or a gap that says so."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from footloom.core.trades import FLAG_BACKFILLED
from footloom.errors import ConfigError
from footloom.feeds import _admission
from footloom.feeds._reader import Reader
from footloom.feeds._socket import Keeper
from footloom.feeds.flow import Commit
from footloom.feeds.recorder import FeedSettings, Recorder
from footloom.store.files import Store
from footloom.venues._venue import Bases, Wanted

pytestmark = pytest.mark.anyio

KEY = "binance_usdm:BTCUSDT"
EVER = (0, 2**62)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def _local() -> ModuleType:
    name = "footloom_tests_local_binance"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name("local_binance.py"))
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


LocalBinance = _local().LocalBinance


@dataclass
class Watcher:
    """Who is shown commits; says whether each row was durable before it was shown."""

    store: Store
    commits: list[Commit] = field(default_factory=list)
    shown: list[int] = field(default_factory=list)
    too_early: list[int] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def __call__(self, commit: Commit) -> None:
        self.commits.append(commit)
        if len(commit.trades):
            stored = set(self.store.load(KEY, "agg_trade", *EVER).trade_id.tolist())
            self.shown += commit.trades.trade_id.tolist()
            self.too_early += [i for i in commit.trades.trade_id.tolist() if i not in stored]
        self.changed.set()

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(60):
            while not holds():
                self.changed.clear()
                await self.changed.wait()

    async def sees(self, count: int) -> None:
        await self.until(lambda: len(self.shown) == count)

    @property
    def gaps(self) -> list[str]:
        return [("healed " if gap.healed else "") + gap.cause for one in self.commits for gap in one.gaps]


@pytest.fixture
async def venue() -> AsyncIterator[LocalBinance]:
    async with LocalBinance() as one:
        yield one


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "store", writer=True) as one:
        yield one


@asynccontextmanager
async def recording(venue: LocalBinance, store: Store, **settings: object) -> AsyncIterator[Watcher]:
    url = f"127.0.0.1:{venue.port}"
    bases = {"binance_usdm": Bases(ws=f"ws://{url}", rest=f"http://{url}")}
    recorder = Recorder(
        store,
        [("binance_usdm", Wanted(symbol="BTCUSDT", streams=frozenset({"agg_trade"})))],
        FeedSettings(**{"bases": bases, "commit_s": 0.002, "backfill_hours": 0.0} | settings),
    )
    watcher = Watcher(store)
    task = asyncio.create_task(recorder.run(watcher))
    try:
        async with asyncio.timeout(60):
            await venue.joined.wait()
        yield watcher
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def stored(store: Store) -> list[int]:
    return sorted(store.load(KEY, "agg_trade", *EVER).trade_id.tolist())


async def test_trades_are_heard_while_what_reads_them_fast_is_compiled(
    venue: LocalBinance, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled, compile_it = threading.Event(), Reader.warm

    def slow(reader: Reader) -> None:
        compiled.wait(60)
        compile_it(reader)

    monkeypatch.setattr(Reader, "warm", slow)
    async with recording(venue, store) as watcher:
        await venue.send(venue.happen(20))
        await watcher.sees(20)
        compiled.set()
        await venue.send(venue.happen(20))
        await watcher.sees(40)
    assert stored(store) == sorted(watcher.shown)


async def test_trades_are_durable_before_they_are_shown_and_a_lost_connection_is_mended(
    venue: LocalBinance, store: Store
) -> None:
    async with recording(venue, store) as watcher:
        await venue.send(venue.happen(50))
        await watcher.sees(50)
        await venue.drop()
        venue.happen(30)
        async with asyncio.timeout(60):
            await venue.joined.wait()
        await venue.send(venue.happen(20))
        await watcher.sees(100)
        live = [c.state.phase for c in watcher.commits]
    everything = [row["a"] for row in venue.trades]
    tape = store.load(KEY, "agg_trade", *EVER)

    assert sorted(watcher.shown) == everything
    assert watcher.too_early == []
    assert stored(store) == everything
    assert np.array_equal(tape.ts_exch_ns, [row["T"] * 1_000_000 for row in venue.trades])
    assert tape.side.tolist() == [-1 if row["m"] else 1 for row in venue.trades]
    assert {921501} == set(tape.price_tick.tolist())
    assert int(np.count_nonzero(tape.flags & FLAG_BACKFILLED)) >= 30
    assert store.gaps(KEY, "agg_trade", *EVER) == []
    assert "reconnecting" in live


async def test_a_hole_in_the_ids_is_told_and_healed(venue: LocalBinance, store: Store) -> None:
    async with recording(venue, store) as watcher:
        await venue.send(venue.happen(5))
        await watcher.sees(5)
        await watcher.until(lambda: any("aggTrades" in path for path in venue.asked))  # what was before is known
        venue.happen(3)
        await venue.send(venue.happen(5))
        await watcher.sees(13)
        await watcher.until(lambda: len(watcher.gaps) == 2)

    assert watcher.gaps == ["ids are missing", "healed ids are missing"]
    assert stored(store) == [row["a"] for row in venue.trades]
    assert store.gaps(KEY, "agg_trade", *EVER) == []


async def test_what_the_venue_does_not_have_stays_a_gap(venue: LocalBinance, store: Store) -> None:
    async with recording(venue, store) as watcher:
        await venue.send(venue.happen(5))
        await watcher.sees(5)
        venue.lost.update(row["a"] for row in venue.happen(3))
        await venue.send(venue.happen(5))
        await watcher.until(lambda: len(watcher.shown) == 10 and watcher.gaps != [])
    [gap] = store.gaps(KEY, "agg_trade", *EVER)

    assert gap.missing == 3
    assert gap.cause == "ids are missing"


async def test_a_restart_goes_on_from_the_last_stored_trade(venue: LocalBinance, tmp_path: Path) -> None:
    with Store(tmp_path / "store", writer=True) as store:
        async with recording(venue, store) as watcher:
            await venue.send(venue.happen(5))
            await watcher.sees(5)
    venue.clients.clear()
    venue.joined.clear()
    venue.happen(2500)
    with Store(tmp_path / "store", writer=True) as store:
        async with recording(venue, store, repair_hours=1e6) as watcher:
            await venue.send(venue.happen(5))
            await watcher.sees(2505)

        assert stored(store) == [row["a"] for row in venue.trades]
        assert len(set(watcher.shown)) == 2505
        assert store.gaps(KEY, "agg_trade", *EVER) == []


async def test_the_past_is_fetched_behind_the_live_edge(venue: LocalBinance, tmp_path: Path) -> None:
    venue.happen(2500)
    with Store(tmp_path / "store", writer=True) as store:
        async with recording(venue, store, backfill_hours=1e6) as watcher:
            await venue.send(venue.happen(5))
            await watcher.sees(2505)
            progress = [c.state.backfill for c in watcher.commits if c.state.backfill is not None]

        assert stored(store) == [row["a"] for row in venue.trades]
        assert progress


async def test_a_tick_that_changes_while_it_is_recorded_starts_another_grid(venue: LocalBinance, store: Store) -> None:
    async with recording(venue, store) as watcher:
        await venue.send(venue.happen(5))
        await watcher.sees(5)
        venue.tick = "0.05"
        await venue.send(venue.happen(2, "92150.15") + venue.happen(2))
        await watcher.sees(9)
    tape = store.load(KEY, "agg_trade", *EVER)

    assert [tape.instrument.price_text(tick) for tick in tape.price_tick] == [
        *["92150.10"] * 5,
        *["92150.15"] * 2,
        *["92150.10"] * 2,
    ]
    assert str(store.instrument(KEY).tick_size) == "0.05"
    assert watcher.gaps == []


async def test_a_trade_off_the_venues_own_grid_is_recorded_on_a_finer_one(venue: LocalBinance, store: Store) -> None:
    async with recording(venue, store) as watcher:
        await venue.send(venue.happen(5))
        await watcher.sees(5)
        await venue.send(venue.happen(1, "92150.137") + venue.happen(3))
        await watcher.sees(9)
    tape = store.load(KEY, "agg_trade", *EVER)

    assert tape.instrument.price_text(tape.price_tick[5]) == "92150.137"
    assert store.gaps(KEY, "agg_trade", *EVER) == []


async def test_a_frame_that_cannot_be_understood_is_kept_and_told(venue: LocalBinance, store: Store) -> None:
    async with recording(venue, store) as watcher:
        await venue.send_text('{"stream": "btcusdt@aggTrade", "data": {"e": "aggTrade", "s": 7}}')
        await venue.send(venue.happen(5))
        await watcher.sees(5)
        state = watcher.commits[-1].state

    [frame] = store.unreadable().frames
    assert b'"s": 7' in frame.data
    assert "1 frames could not be understood" in state.text


def of(*symbols: str, streams: frozenset[str] = frozenset({"agg_trade"})) -> list[tuple[str, Wanted]]:
    return [("binance_usdm", Wanted(symbol=symbol, streams=streams)) for symbol in symbols]


def settings(venue: LocalBinance) -> FeedSettings:
    bases = {"binance_usdm": Bases(ws=f"ws://127.0.0.1:{venue.port}", rest=f"http://127.0.0.1:{venue.port}")}
    return FeedSettings(bases=bases, backfill_hours=0.0)


async def test_without_a_store_commits_say_that_nothing_is_recorded(venue: LocalBinance) -> None:
    seen = []
    recorder = Recorder(None, of("BTCUSDT"), settings(venue))
    done = asyncio.Event()

    def publish(commit: Commit) -> None:
        seen.append(commit)
        if len(commit.trades):
            done.set()

    task = asyncio.create_task(recorder.run(publish))
    async with asyncio.timeout(60):
        await venue.joined.wait()
        await venue.send(venue.happen(5))
        await done.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert {commit.recorded for commit in seen} == {False}
    assert recorder.keys == [KEY]
    assert recorder.figures().feeds[0].frames == 5


async def test_a_symbol_that_is_not_listed_stops_and_the_others_go_on(venue: LocalBinance, store: Store) -> None:
    recorder = Recorder(store, of("BTCUSD", "BTCUSDT"), settings(venue))
    watcher = Watcher(store)
    task = asyncio.create_task(recorder.run(watcher))
    async with asyncio.timeout(60):
        await venue.joined.wait()
    await venue.send(venue.happen(5))
    await watcher.sees(5)
    states = dict(recorder.state())
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert states[KEY].phase == "live"
    assert states["binance_usdm:BTCUSD"].phase == "stopped"
    assert "does not list BTCUSD;" in states["binance_usdm:BTCUSD"].text
    assert "BTCUSDT" in states["binance_usdm:BTCUSD"].text


def test_what_a_venue_does_not_have_is_refused_at_once() -> None:
    deep = Wanted(symbol="BTCUSDT", streams=frozenset({"agg_trade", "depth"}), depth=1_000)
    with pytest.raises(ConfigError, match=r"no stream of 1000 levels .*: 5, 10, 20, or 0 for the whole book"):
        Recorder(None, [("binance_usdm", deep)], FeedSettings())
    with pytest.raises(ConfigError, match="has no stream snapshot"):
        Recorder(None, of("BTCUSDT", streams=frozenset({"snapshot"})))
    with pytest.raises(ConfigError, match="no venue that can be listened to"):
        Recorder(None, [("binance_usd", Wanted(symbol="BTCUSDT", streams=frozenset({"trade"})))])


async def test_what_is_wrong_with_one_venue_stops_that_venue_in_words(
    venue: LocalBinance, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with recording(venue, store) as watcher:
        await venue.send(venue.happen(5))
        await watcher.sees(5)
        monkeypatch.setattr(Keeper, "_judge", lambda _: 1 / 0)
        await watcher.until(lambda: watcher.commits[-1].state.phase == "stopped")

    assert "ZeroDivisionError" in watcher.commits[-1].state.text
    assert stored(store) == [row["a"] for row in venue.trades]


async def test_a_symbol_that_is_dropped_while_its_past_is_read_does_not_come_in(
    venue: LocalBinance, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop, reading, go_on = asyncio.get_running_loop(), asyncio.Event(), threading.Event()

    def held_up(*asked: Any) -> bool:
        loop.call_soon_threadsafe(reading.set)
        go_on.wait(60)
        return restore(*asked)

    restore = _admission.restore
    monkeypatch.setattr(_admission, "restore", held_up)
    url = f"127.0.0.1:{venue.port}"
    settings = FeedSettings(
        bases={"binance_usdm": Bases(ws=f"ws://{url}", rest=f"http://{url}")}, commit_s=0.002, backfill_hours=0.0
    )
    recorder = Recorder(store, [], settings)
    key = recorder.add("binance_usdm", Wanted(symbol="BTCUSDT", streams=frozenset({"agg_trade"})))
    running = asyncio.create_task(recorder.run(lambda _commit: None))
    try:
        async with asyncio.timeout(60):
            await reading.wait()
            recorder.drop(key)
            go_on.set()
            feed = recorder.feeds[0]
            while not feed._admission.asked._waiters:  # noqa: ASYNC110 - until it waits for the next asking
                await asyncio.sleep(0.005)
        assert not feed._symbols
        assert not feed._fleet.keepers
    finally:
        go_on.set()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
