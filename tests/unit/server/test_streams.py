"""Streams start with the first who needs them and end some time after the last; one store, one journal."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from server_kit import make_tape

from footloom.errors import ConfigError, NotStored, StoreLocked, TooMuch, UnknownSymbol
from footloom.feeds.flow import Commit, FeedState
from footloom.server.live.board import Board
from footloom.server.live.stream_settings import StreamSettings
from footloom.server.live.streams import Streams
from footloom.server.live.writer import Writer
from footloom.store.files import Store
from footloom.venues._venue import Wanted

pytestmark = pytest.mark.anyio

LISTED = ("ABC", "DEF", "GHI")


@dataclass
class FakeFeeds:
    """Feeds that publish one trade of each symbol that is added, and note what is asked of them."""

    wanted: list[tuple[str, Wanted]]
    told: list[str] = field(default_factory=list)
    silent: bool = False
    resolved: dict[str, str] = field(default_factory=dict)
    phases: dict[str, FeedState] = field(default_factory=dict)
    fault: Exception | None = None

    def __post_init__(self) -> None:
        self.news: asyncio.Queue[str] = asyncio.Queue()
        for venue, one in self.wanted:
            self.add(venue, one)
        self.told.clear()

    def add(self, venue: str, wanted: Wanted) -> str:
        key = f"{venue}:{wanted.symbol}"
        listed = wanted.symbol in LISTED
        said = (
            FeedState("live")
            if listed
            else FeedState("stopped", f"{venue} does not list {wanted.symbol}; it lists ABC")
        )
        self.phases[key] = said
        self.told.append(f"add {key}")
        if listed:
            self.news.put_nowait(key)
        return key

    def drop(self, key: str) -> None:
        self.phases.pop(key, None)
        self.told.append(f"drop {key}")

    def state(self) -> list[tuple[str, FeedState]]:
        return list(self.phases.items())

    async def run(self, publish: Callable[[Commit], None]) -> None:
        try:
            while True:
                key = await self.news.get()
                if self.fault is not None:
                    raise self.fault
                if not self.silent:
                    publish(Commit(key, make_tape(1), (), 1))
        finally:
            self.told.append("ended")


@dataclass
class World:
    """Streams over a store in a folder, and the feeds that they made."""

    streams: Streams
    writer: Writer
    board: Board
    made: list[FakeFeeds]
    stored: set[str]
    silent: bool = False
    late: tuple[str, str] | None = None  # a name, and what it turns out to mean when its first trade comes
    failures: list[Exception | None] = field(default_factory=list)

    @property
    def feeds(self) -> FakeFeeds:
        return self.made[-1]


def wanted_of(key: str) -> tuple[str, Wanted]:
    venue, _, symbol = key.partition(":")
    if venue != "test":
        raise ConfigError(f"{venue!r} is no venue that can be listened to: there are test")
    return venue, Wanted(symbol=symbol, streams=frozenset({"trade"}))


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not true():  # noqa: ASYNC110 - nothing tells when a timer has run
            await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def world(tmp_path: Path, **settings: Any) -> AsyncIterator[World]:
    made: list[FakeFeeds] = []
    board, writer = Board(), Writer(lambda: Store(tmp_path, writer=True))
    found: World

    def make(_store: object, wanted: Sequence[tuple[str, Wanted]]) -> FakeFeeds:
        made.append(FakeFeeds(list(wanted), silent=found.silent))
        return made[-1]

    def publish(commit: Commit) -> None:
        key = commit.key
        if found.late is not None and key == found.late[0]:
            found.feeds.resolved[key] = key = found.late[1]
        board.note_trades(key)

    def beside(_holder: str) -> FakeFeeds:
        return make(None, [])

    how = StreamSettings(make=make, beside=beside, wanted_of=wanted_of, **({"linger_s": 0.05} | settings))
    stored: set[str] = set()
    failures: list[Exception | None] = []
    streams = Streams(how, writer, board, publish, stored.__contains__, failures.append)
    found = World(streams, writer, board, made, stored, failures=failures)
    running = asyncio.create_task(streams.run())
    try:
        yield found
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_stream_starts_with_the_first_and_ends_after_the_last(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        assert here.writer.store is None, "nobody needs anything yet"
        assert await here.streams.open("test:ABC") == "test:ABC"
        assert here.writer.store is not None
        assert await here.streams.open("test:ABC") == "test:ABC"
        assert (len(here.made), here.feeds.told) == (1, []), "one stream for both"
        here.streams.close("test:ABC")
        assert here.streams.keys == {"test:ABC"}
        here.streams.close("test:ABC")
        assert here.streams.keys == {"test:ABC"}, "it lingers: a page that is reloaded finds it"
        await until(lambda: here.writer.store is None)
        assert here.feeds.told == ["drop test:ABC", "ended"]
        assert here.streams.keys == frozenset()
        assert here.board.rows() == []


async def test_who_comes_back_in_time_finds_the_same_stream(tmp_path: Path) -> None:
    async with world(tmp_path, linger_s=30.0) as here:
        for _ in range(3):
            async with here.streams.use("test:ABC"):
                pass
        async with here.streams.use("test:DEF"):
            assert here.streams.keys == {"test:ABC", "test:DEF"}
        assert len(here.made) == 1
        assert here.feeds.told == ["add test:DEF"]


async def test_stream_begins_anew_after_the_last_one_was_sealed(tmp_path: Path) -> None:
    async with world(tmp_path, linger_s=0.0) as here:
        for times in range(1, 4):
            async with here.streams.use("test:ABC"):
                assert len(here.made) == times
            await until(lambda: here.streams.keys == frozenset())


async def test_unlisted_symbol_is_told_with_near_names_and_nothing_stays(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        with pytest.raises(UnknownSymbol, match="does not list ABX; it lists ABC"):
            await here.streams.open("test:ABX")
        await until(lambda: here.writer.store is None)
        assert here.streams.keys == frozenset()


async def test_venue_that_is_none_is_told_unless_the_symbol_is_stored(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        with pytest.raises(ConfigError, match="no venue that can be listened to"):
            await here.streams.open("nowhere:ABC")
        here.stored.add("nowhere:ABC")
        assert await here.streams.open("nowhere:ABC") == "nowhere:ABC"
        assert here.made == []


async def test_silent_symbol_says_what_its_feed_says_and_goes_on(tmp_path: Path) -> None:
    async with world(tmp_path, ready_s=0.05, linger_s=30.0) as here:
        here.silent = True
        with pytest.raises(NotStored, match=r"test:ABC.*no trade came within [0-9.]+ s: its feed is live"):
            await here.streams.open("test:ABC")
        assert here.streams.keys == {"test:ABC"}, "its first trade may come yet"
        here.stored.add("test:ABC")
        assert await here.streams.open("test:ABC") == "test:ABC"


async def test_many_who_wait_for_first_trades_do_not_each_ask_how_all_feeds_stand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, plain = list[FakeFeeds](), FakeFeeds.state

    def counted(feeds: FakeFeeds) -> list[tuple[str, FeedState]]:
        asked.append(feeds)
        return plain(feeds)

    monkeypatch.setattr(FakeFeeds, "state", counted)
    async with world(tmp_path, ready_s=0.5, linger_s=30.0) as here:
        here.silent = True
        begun_s = time.monotonic()
        found = await asyncio.gather(*(here.streams.open("test:ABC") for _ in range(30)), return_exceptions=True)
        assert all(isinstance(one, NotStored) for one in found)
        told = (time.monotonic() - begun_s) / 0.25 + 2  # the board is told so often
        assert len(asked) <= 30 + told, "each once, to say why it was in vain"


async def test_stored_symbol_is_there_at_once(tmp_path: Path) -> None:
    async with world(tmp_path, ready_s=0.0) as here:
        here.silent = True
        here.stored.add("test:ABC")
        assert await here.streams.open("test:ABC") == "test:ABC"
        assert here.board.has_trades("test:ABC")


async def test_without_on_demand_only_what_is_stored_opens(tmp_path: Path) -> None:
    async with world(tmp_path, on_demand=False) as here:
        here.stored.add("test:DEF")
        with pytest.raises(NotStored, match="on_demand = true"):
            await here.streams.open("test:ABC")
        assert await here.streams.open("test:DEF") == "test:DEF"
        assert here.made == []


async def test_what_was_named_at_the_start_runs_without_anybody_and_for_ever(tmp_path: Path) -> None:
    async with world(tmp_path, pinned=("test:ABC",), linger_s=0.0) as here:
        await until(lambda: here.streams.keys == {"test:ABC"})
        async with here.streams.use("test:ABC"), here.streams.use("test:DEF"):
            pass
        await until(lambda: here.streams.keys == {"test:ABC"})
        assert here.feeds.told == ["add test:DEF", "drop test:DEF"]
        assert here.writer.store is not None


async def test_store_of_another_process_is_read_beside_and_its_holder_named(tmp_path: Path) -> None:
    with Store(tmp_path, writer=True):
        async with world(tmp_path) as here:
            here.stored.add("test:DEF")
            here.silent = True
            with pytest.raises(StoreLocked, match=r"test:ABC is not recorded.*process \d+ "):
                await here.streams.open("test:ABC")
            assert await here.streams.open("test:DEF") == "test:DEF"
            assert here.streams.holder is not None
            assert here.streams.keys == {"test:DEF"}
            assert here.feeds.told == ["add test:DEF"] or here.feeds.phases.keys() == {"test:DEF"}


async def test_name_that_people_use_becomes_the_venues_own(tmp_path: Path) -> None:
    async with world(tmp_path, linger_s=0.0) as here, here.streams.use("test:ABC"):
        here.feeds.resolved["test:GHI"] = "test:DEF"
        async with here.streams.use("test:GHI") as found:
            assert found == "test:DEF"
            assert here.streams.keys == {"test:ABC", "test:DEF"}
            async with here.streams.use("test:GHI"), here.streams.use("test:DEF"):
                assert here.feeds.told == ["add test:DEF"], "all three share it"
        await until(lambda: here.streams.keys == {"test:ABC"})
        assert here.feeds.told == ["add test:DEF", "drop test:DEF"]


async def test_name_that_is_resolved_while_it_starts_is_dropped_as_it_was_asked_for(tmp_path: Path) -> None:
    async with world(tmp_path, linger_s=0.0) as here:
        here.late = ("test:GHI", "test:DEF")
        async with here.streams.use("test:GHI") as found:
            assert found == "test:DEF"
            assert here.streams.keys == {"test:DEF"}
        await until(lambda: here.streams.keys == frozenset())
        assert here.feeds.told[0] == "drop test:GHI"


async def test_error_of_all_feeds_is_told_and_the_next_opening_tries_again(tmp_path: Path) -> None:
    async with world(tmp_path, ready_s=0.05) as here:
        here.stored.add("test:ABC")
        await here.streams.open("test:ABC")
        here.feeds.fault = OSError("the disk is gone")
        here.feeds.news.put_nowait("test:ABC")
        await until(lambda: bool(here.failures))
        assert "the disk is gone" in str(here.failures[0])
        await until(lambda: here.writer.store is None)
        await here.streams.open("test:ABC")
        assert len(here.made) == 2


async def test_streams_begin_again_after_faults_for_those_who_look_alone(tmp_path: Path) -> None:
    async with world(tmp_path, retry_s=0.01, linger_s=30.0) as here:
        await here.streams.open("test:ABC")
        await here.streams.open("test:DEF")
        async with here.streams.use("test:GHI"):
            pass
        for times in (2, 3):
            here.feeds.fault = OSError("the disk is gone")
            here.feeds.news.put_nowait("test:ABC")
            await until(lambda times=times: len(here.made) == times and bool(here.failures) and not here.failures[-1])
            assert here.streams.keys == {"test:ABC", "test:DEF"}
        assert [str(error) for error in here.failures if error] == ["the disk is gone"] * 2
        await until(lambda: [row.phase for row in here.board.rows()] == ["live", "live"])


async def test_a_fault_is_told_no_more_when_nobody_looks(tmp_path: Path) -> None:
    async with world(tmp_path, retry_s=60.0) as here:
        await here.streams.open("test:ABC")
        here.feeds.fault = OSError("the disk is gone")
        here.feeds.news.put_nowait("test:ABC")
        await until(lambda: bool(here.failures))
        here.streams.close("test:ABC")
        assert here.failures[-1] is None
        assert here.board.rows() == []
        await here.streams.open("test:ABC")
        assert here.streams.keys == {"test:ABC"}


def held_up(here: World) -> threading.Event:
    """Let the store be opened only when the event that is returned is set."""
    gate, real = threading.Event(), here.writer._open_store

    def opened() -> Store:
        gate.wait(60)
        return real()

    here.writer._open_store = opened
    return gate


async def test_stream_that_nobody_waits_for_any_more_when_it_begins_ends(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        gate = held_up(here)
        opening = asyncio.create_task(here.streams.open("test:ABC"))
        await until(lambda: here.streams._task is not None)
        opening.cancel()
        await asyncio.gather(opening, return_exceptions=True)
        gate.set()
        await until(lambda: bool(here.made))
        await until(lambda: not here.streams.keys and here.writer.store is None)


async def test_stream_that_is_opened_while_the_pinned_ones_begin_joins_them(tmp_path: Path) -> None:
    async with world(tmp_path, pinned=("test:ABC",)) as here:
        gate = held_up(here)
        opening = asyncio.create_task(here.streams.open("test:DEF"))
        await until(lambda: here.streams._held["test:DEF"] == 1)
        gate.set()
        async with asyncio.timeout(60):
            assert await opening == "test:DEF"
        assert (len(here.made), here.streams.keys) == (1, {"test:ABC", "test:DEF"})


async def test_pinned_symbol_that_is_not_listed_ends_nothing_when_it_is_opened(tmp_path: Path) -> None:
    async with world(tmp_path, pinned=("test:NONE",)) as here:
        for _ in range(2):
            with pytest.raises(UnknownSymbol, match="does not list"):
                await here.streams.open("test:NONE")
        assert await here.streams.open("test:ABC") == "test:ABC"
        here.streams.close("test:ABC")
        await until(lambda: here.streams.keys == {"test:NONE"})
        assert len(here.made) == 1, "the feeds went on"


async def test_streams_that_go_on_for_nobody_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("footloom.server.live.streams._MOST_LINGERING", 1)
    async with world(tmp_path, linger_s=600.0) as here:
        await here.streams.open("test:ABC")
        for key in ("test:DEF", "test:GHI", "test:DEF"):
            await here.streams.open(key)
            here.streams.close(key)
        assert here.streams.keys == {"test:ABC", "test:DEF"}
        assert here.feeds.told == [
            "add test:DEF", "add test:GHI", "drop test:DEF", "add test:DEF", "drop test:GHI"
        ]  # fmt: skip


async def test_what_was_named_at_the_start_begins_again_after_faults(tmp_path: Path) -> None:
    async with world(tmp_path, pinned=("test:ABC", "test:DEF"), retry_s=0.01, on_demand=False) as here:
        await until(lambda: bool(here.made))
        for times in (2, 3):
            here.feeds.fault = OSError("the disk is gone")
            here.feeds.news.put_nowait("test:ABC")
            await until(lambda times=times: len(here.made) == times and bool(here.failures) and not here.failures[-1])
            assert here.streams.keys == {"test:ABC", "test:DEF"}
        assert [str(error) for error in here.failures if error] == ["the disk is gone"] * 2


async def test_pinned_name_that_its_venue_resolved_begins_again_once(tmp_path: Path) -> None:
    async with world(tmp_path, pinned=("test:ABC",), retry_s=0.01) as here:
        await until(lambda: bool(here.made))
        here.late = ("test:ABC", "test:ABC25")
        here.feeds.news.put_nowait("test:ABC")
        await until(lambda: bool(here.feeds.resolved))
        await here.streams.open("test:ABC")
        here.late = None
        here.feeds.fault = OSError("the disk is gone")
        here.feeds.news.put_nowait("test:ABC")
        await until(lambda: len(here.made) == 2)
        assert [one.symbol for _, one in here.feeds.wanted] == ["ABC"]


async def test_store_that_cannot_be_opened_yet_is_tried_again_for_what_is_pinned(tmp_path: Path) -> None:
    async with world(tmp_path, pinned=("test:ABC",), retry_s=0.01) as here:
        real, faults = here.writer._open_store, [OSError("no room"), OSError("no room")]

        def opened() -> Store:
            if faults:
                raise faults.pop()
            return real()

        here.writer._open_store = opened
        await until(lambda: here.streams.keys == {"test:ABC"})
        await until(lambda: bool(here.failures) and here.failures[-1] is None)


async def test_streams_of_clients_are_bounded_and_those_of_nobody_make_room(tmp_path: Path) -> None:
    async with world(tmp_path, pinned=("test:GHI",), most=1, linger_s=600.0) as here:
        await here.streams.open("test:GHI")
        await here.streams.open("test:ABC")
        with pytest.raises(TooMuch, match="max_streams is 1"):
            await here.streams.open("test:DEF")
        here.stored.add("test:DEF")
        await here.streams.open("test:DEF")
        assert {row.symbol: row.phase for row in here.board.rows()}["test:DEF"] == "stopped"
        here.streams.close("test:DEF")
        assert "test:DEF" not in {row.symbol for row in here.board.rows()}
        here.streams.close("test:ABC")
        await here.streams.open("test:DEF")
        assert here.streams.keys == {"test:GHI", "test:DEF"}


async def test_options_are_followed_as_long_as_their_symbol_is(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        with pytest.raises(NotStored, match="nothing listens to test:ABC here, open its chart"):
            here.streams.follow_options("test:ABC", "atm±10")
        await here.streams.open("test:ABC")
        for _ in range(3):  # a page asks again and again
            here.streams.follow_options("test:ABC", "atm±10")
        assert here.feeds.told == ["add test:ABC"]
        here.streams.close("test:ABC")
        await until(lambda: "ended" in here.feeds.told)
        assert here.feeds.told == ["add test:ABC", "drop test:ABC", "drop test:ABC", "ended"], "both askings are over"
        await here.streams.open("test:ABC")
        here.streams.follow_options("test:ABC", "atm±10")
        assert here.feeds.told == ["add test:ABC"], "with new feeds it is asked for anew"
    async with world(tmp_path) as here:
        here.stored.add("test:NAME")  # it is charted from the store, before its venue has said what it means
        await here.streams.open("test:NAME")
        here.feeds.resolved["test:NAME"] = "test:ABC"
        for name in ("test:ABC", "test:NAME"):
            here.streams.follow_options(name, "atm±10")
        assert here.feeds.told == ["add test:NAME"], "by either name it is one asking"
    with Store(tmp_path, writer=True):
        async with world(tmp_path) as here:
            here.stored.add("test:ABC")
            await here.streams.open("test:ABC")
            with pytest.raises(StoreLocked, match=r"the store is recorded by .*; add --options atm±10 there"):
                here.streams.follow_options("test:ABC", "atm±10")
    async with world(tmp_path, on_demand=False) as here:
        with pytest.raises(ConfigError, match="set on_demand = true"):
            here.streams.follow_options("test:ABC", "atm±10")


async def test_a_name_that_is_charted_before_it_is_known_stands_as_what_it_means(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        here.stored.add("test:DEF")
        await here.streams.open("test:DEF")
        await until(lambda: here.board.state("test:DEF") is not None)
        here.feeds.resolved["test:DEF"] = "test:GHI"
        here.feeds.phases = {"test:GHI": FeedState("reconnecting", "1006")}
        await until(lambda: here.board.state("test:DEF") == FeedState("reconnecting", "1006"))
        here.streams.close("test:DEF")
        await until(lambda: not here.board.rows())


async def test_who_goes_away_while_symbols_beside_its_chart_begin_holds_none_of_them(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        here.silent = True
        here.stored.add("test:ABC")
        opening = asyncio.create_task(here.streams.open_beside(["test:ABC", "test:DEF"]))
        await until(lambda: "test:DEF" in here.streams.keys)
        opening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await opening
        await until(lambda: not here.streams.keys)
        here.stored.add("test:DEF")
        assert await here.streams.open_beside(["test:ABC", "none:X", "test:DEF"]) == ["test:ABC", "test:DEF"]


async def test_a_continuous_future_stays_its_name_while_its_contract_changes(tmp_path: Path) -> None:
    name = "test:NIFTY.FUT1"
    async with world(tmp_path, pinned=(name,)) as here:
        await until(lambda: bool(here.made))
        for contract in ("test:ABC", "test:DEF"):
            here.feeds.resolved[name] = contract
            here.feeds.phases = {contract: FeedState("live", contract)}
            here.board.note_trades(contract)
            assert await here.streams.open("test:nifty.fut1") == name
            await until(lambda contract=contract: here.board.state(name) == FeedState("live", contract))
            rows = {row.symbol: row.has_trades for row in here.board.rows()}
            assert rows[name], "it can be charted, since its contract can be"
            assert rows.keys() == {name, contract}, "the contract before is heard no more, and not told"
            here.streams.close(name)
        await until(lambda: here.streams.keys == {name})


async def test_a_contract_goes_on_for_who_looks_at_it_when_its_continuous_future_ends(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        here.stored |= {"test:NIFTY.FUT1", "test:ABC"}
        await here.streams.open("test:NIFTY.FUT1")
        here.feeds.resolved["test:NIFTY.FUT1"] = "test:ABC"
        await here.streams.open("test:ABC")
        await until(lambda: here.board.state("test:ABC") is not None)
        here.streams.close("test:NIFTY.FUT1")
        await until(lambda: here.streams.keys == {"test:ABC"})
        assert [row.symbol for row in here.board.rows()] == ["test:ABC"]
