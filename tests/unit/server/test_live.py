"""Live symbols: their connection's state for all clients, the first trade, and history that is fetched behind it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from server_kit import DAY0_NS, TEST, FakeSocket, MemoryStore, make_tape

from footloom.core.messages import Gap, Tick
from footloom.core.ticks import Merger
from footloom.core.trades import FLAG_BACKFILLED, Trades
from footloom.engine.build import build
from footloom.engine.spec import ChartSpec
from footloom.feeds.flow import Commit, FeedState
from footloom.server.clients.session import Session
from footloom.server.live.board import Board
from footloom.server.live.hub import Hub
from footloom.server.live.status import SymbolStatus
from footloom.server.pages import Bundle
from footloom.server.services import Services
from footloom.server.stored.history import History
from footloom.server.wire.codec import Decoded, chart_columns, decode
from footloom.server.wire.frames import Message
from footloom.store.files import Store

pytestmark = pytest.mark.anyio
SECOND_NS = 10**9


class FakeFeeds:
    """Feeds whose states and commits a test gives."""

    def __init__(self, *keys: str) -> None:
        self.states = dict.fromkeys(keys, FeedState("connecting", "asking for its instruments"))
        self.publish: Callable[[Commit], None] | None = None
        self.stopped = asyncio.Event()

    async def run(self, publish: Callable[[Commit], None]) -> None:
        self.publish = publish
        await self.stopped.wait()

    def state(self) -> list[tuple[str, FeedState]]:
        return list(self.states.items())


class Page:
    """A connected client that remembers what it was told."""

    def __init__(self, hub: Hub) -> None:
        self.socket = FakeSocket()
        self.task = asyncio.create_task(Session(hub, self.socket).run())

    @property
    def texts(self) -> list[dict[str, Any]]:
        return [json.loads(m) for m in self.socket.sent if isinstance(m, str)]

    @property
    def frames(self) -> list[Decoded]:
        return [decode(m) for m in self.socket.sent if isinstance(m, bytes)]

    def feeds(self) -> list[dict[str, Any]]:
        return [text for text in self.texts if text["type"] == "feed"]

    def deltas(self) -> dict[int, float]:
        """Return the running delta of every bar, folded as a page does: a snapshot replaces all, a bar its own."""
        held: dict[int, float] = {}
        for frame in self.frames:
            held = {} if frame.kind == "snapshot" else held
            held |= dict(zip(frame.bars["open_ns"].tolist(), frame.bars["cvd"].tolist(), strict=True))
        return held

    def ask(self, number: int, **topic: Any) -> None:
        request = {"op": "subscribe", "id": number, "topic": {"symbol": TEST.key, **topic}, "history_bars": 5_000}
        self.socket.requests.put_nowait(json.dumps(request))

    async def until(self, wanted: Callable[[], object]) -> Any:
        while not (found := wanted()):
            await self.socket.wait_for(len(self.socket.sent) + 1)
        return found

    async def close(self) -> None:
        self.socket.requests.put_nowait(None)
        await asyncio.wait_for(self.task, 60)


@asynccontextmanager
async def serving(store: MemoryStore | Store, feeds: FakeFeeds) -> AsyncIterator[Services]:
    history = History(store)  # type: ignore[arg-type] - as much of a store as the server reads
    services = Services(history, Hub(history, flush_s=0.0), Bundle({}), set(feeds.states))
    work = asyncio.create_task(services.follow(feeds))
    await asyncio.sleep(0)
    yield services
    feeds.stopped.set()
    await work
    services.close()


def commit(store: MemoryStore, trades: Trades, flags: int = 0, **more: Any) -> Commit:
    flagged = Trades.build(
        trades.instrument,
        trades.ts_exch_ns,
        trades.price_tick,
        trades.qty_lot,
        trades.side,
        trade_id=trades.trade_id,
        ts_recv_ns=trades.ts_recv_ns,
        flags=np.full(len(trades), flags, np.uint8),
    )
    store.append_many([(flagged, more.get("gaps", ()))])
    return Commit(TEST.key, flagged, more.pop("gaps", ()), int(trades.ts_recv_ns[-1]), **more)


async def test_a_symbol_whose_state_was_told_is_live_from_then_on() -> None:
    """A collection is followed: a symbol of which nobody knew comes with its first document."""
    store, feeds = MemoryStore(), FakeFeeds()
    async with serving(store, feeds) as services:
        assert feeds.publish is not None
        page = Page(services.hub)
        feeds.publish(commit(store, make_tape(rows=10), state=FeedState("live")))
        await page.until(page.feeds)
        assert services.live == {TEST.key}, "not with the next look at the feeds"
        await page.close()


async def test_every_client_hears_how_every_feed_stands() -> None:
    feeds = FakeFeeds("test:ABC", "test:XYZ")
    async with serving(MemoryStore(), feeds) as services:
        page = Page(services.hub)
        told = await page.until(lambda: len(page.feeds()) == 2 and page.feeds())
        assert [one["symbol"] for one in told] == ["test:ABC", "test:XYZ"]
        assert told[0] | {"symbol": ""} == {
            "type": "feed",
            "symbol": "",
            "phase": "connecting",
            "text": "asking for its instruments",
            "since_ns": "0",
            "backfill": None,
            "messages_per_s": 0.0,
            "offset_ms": None,
            "has_trades": False,
        }
        feeds.states["test:XYZ"] = FeedState("reconnecting", "socket closed (1006); attempt 3", 5, backfill=0.25)
        news = await page.until(lambda: page.feeds()[2:])
        assert len(news) == 1
        assert (news[0]["phase"], news[0]["since_ns"], news[0]["backfill"]) == ("reconnecting", "5", 0.25)
        await page.close()


async def test_figures_alone_are_told_once_a_second() -> None:
    now = [0.0]
    told: list[str] = []

    class Reader:
        def post_feed(self, _key: str, said: Message) -> None:
            told.append(str(said.data))

    board = Board(lambda: now[0])
    board.join(Reader())
    for tenth in range(25):
        now[0] = tenth / 10
        board.tell("test:ABC", FeedState("live", messages_per_s=float(tenth)))
    assert len(told) == 3
    board.tell("test:ABC", FeedState("stale", "nothing for 30 s"))
    assert json.loads(told[-1])["phase"] == "stale"


async def test_figures_alone_are_told_more_rarely_to_many_of_many() -> None:
    now, told = [0.0], list[str]()

    class Reader:
        def post_feed(self, _key: str, said: Message) -> None:
            told.append(str(said.data))

    board = Board(lambda: now[0])
    keys = [f"test:S{number}" for number in range(50)]
    for key in keys:
        board.tell(key, FeedState("live"))
    for _ in range(40):
        board.join(Reader())
    told.clear()
    for tenth in range(1, 101):
        now[0] = tenth / 10
        for key in keys:
            board.tell(key, FeedState("live", messages_per_s=float(tenth)))
    assert 10 * 400 <= len(told) <= 10 * 500
    told.clear()
    board.tell(keys[0], FeedState("stale", "nothing for 30 s"))
    assert len(told) == 40, "what is news is told at once"


async def test_a_symbol_without_trades_can_be_charted_from_its_first_one_on() -> None:
    store, feeds = MemoryStore(), FakeFeeds(TEST.key)
    async with serving(store, feeds) as services:
        page = Page(services.hub)
        page.ask(1)
        refused = await page.until(lambda: [text for text in page.texts if text["type"] == "error"])
        assert refused[0]["code"] == "not_stored"
        services.publish(commit(store, make_tape(10), state=FeedState("live")))
        told = await page.until(lambda: [one for one in page.feeds() if one["has_trades"]])
        assert told[0]["phase"] == "live"
        page.ask(2)
        await page.until(lambda: page.frames)
        assert page.frames[0].kind == "snapshot"
        assert len(page.frames[0]) >= 1
        await page.close()


INDEX = msgspec.structs.replace(TEST, kind="index")


async def test_an_index_has_no_chart_and_the_message_says_where_its_price_can_stand(tmp_path: Path) -> None:
    times = [DAY0_NS + number * SECOND_NS for number in range(3)]
    prices = [Tick(symbol=INDEX.symbol, ts_exch_ns=at_ns, ts_recv_ns=at_ns, ltp="25000") for at_ns in times]
    with Store(tmp_path, writer=True) as store:
        store.append(Merger(INDEX).take(prices).snapshots)
        async with serving(store, FakeFeeds()) as services:
            page = Page(services.hub)
            page.ask(1)
            (refused,) = await page.until(lambda: [text for text in page.texts if text["type"] == "error"])
            assert (refused["id"], refused["code"]) == (1, "data_error")
            assert "Price of another symbol" in refused["message"]
            await page.close()


async def test_an_index_of_which_trades_are_stored_has_a_chart() -> None:
    async with serving(MemoryStore(make_tape(10, instrument=INDEX)), FakeFeeds()) as services:
        page = Page(services.hub)
        page.ask(1)
        (answer,) = await page.until(lambda: [text for text in page.texts if text.get("id") == 1])
        assert answer["type"] == "subscribed"
        await page.until(lambda: page.frames)
        assert page.frames[0].kind == "snapshot"
        assert len(page.frames[0]) >= 1
        await page.close()


@pytest.mark.parametrize("bars", ["1m", "50t", "r30"])
async def test_history_that_is_fetched_newest_first_takes_its_place_while_the_live_edge_moves(bars: str) -> None:
    tape = make_tape(6_000, seed=5, hours=6.0)
    store, feeds = MemoryStore(), FakeFeeds(TEST.key)
    behind, ahead = tape.take(slice(0, 5_000)), tape.take(slice(5_000, 6_000))
    async with serving(store, feeds) as services:
        services.publish(commit(store, ahead.take(slice(0, 500))))
        page = Page(services.hub)
        page.ask(1, bars=bars, ticks_per_level=3)
        await page.until(lambda: page.frames)
        for k in range(10):
            old = behind.take(slice(5_000 - 500 * (k + 1), 5_000 - 500 * k))
            services.publish(commit(store, old, FLAG_BACKFILLED))
            services.publish(commit(store, ahead.take(slice(500 + 50 * k, 550 + 50 * k))))
            await asyncio.sleep(0)
        whole = chart_columns(build(tape, ChartSpec(bars=bars, ticks_per_level=3)))

        expected = dict(zip(whole.bars["open_ns"].tolist(), whole.bars["cvd"].tolist(), strict=True))
        await page.until(lambda: page.deltas() == expected)
        rebuilt = [text for text in page.texts if text["type"] == "rebuilt"]
        assert int(rebuilt[-1]["from_ns"]) == int(tape.ts_exch_ns[0])
        assert len(rebuilt) <= 3, "one reading serves many pages of history"
        await page.close()


async def test_what_was_fetched_later_counts_for_the_day_and_says_nothing_of_the_delay() -> None:
    tape, store, status = make_tape(100, hours=0.1), MemoryStore(), SymbolStatus(TEST)
    status.apply(commit(store, tape.take(slice(50, 100)), quote=(49_990, 49_991)))
    status.apply(commit(store, tape.take(slice(0, 50)), FLAG_BACKFILLED))
    said = json.loads(status.text())
    assert (said["lag_ms"], said["bid"]) == (1, "24995.0")
    assert said["last"] == TEST.price_text(int(tape.price_tick[-1]))
    assert said["day_open"] == TEST.price_text(int(tape.price_tick[0]))
    assert said["day_volume"] == TEST.qty_text(int(tape.qty_lot.sum()))


async def test_a_healed_gap_is_told_and_gone_from_the_next_snapshot() -> None:
    store, feeds = MemoryStore(), FakeFeeds(TEST.key)
    gap = Gap(
        symbol=TEST.key, from_ns=DAY0_NS + SECOND_NS, to_ns=DAY0_NS + 9 * SECOND_NS, cause="socket lost", missing=4
    )
    async with serving(store, feeds) as services:
        tape = make_tape(100, hours=0.1)
        services.publish(commit(store, tape.take(slice(0, 50)), gaps=(gap,)))
        page = Page(services.hub)
        page.ask(1)
        await page.until(lambda: page.frames)
        assert page.frames[0].meta is not None
        assert [span["healed"] for span in page.frames[0].meta["gaps"]] == [False]
        healed = Gap(
            symbol=gap.symbol, from_ns=gap.from_ns, to_ns=gap.to_ns, cause=gap.cause, missing=gap.missing, healed=True
        )
        services.publish(Commit(TEST.key, tape.take(slice(50, 60)), (healed,), int(tape.ts_recv_ns[60])))
        told = await page.until(lambda: [text for text in page.texts if text["type"] == "gap"])
        assert told[0]["gap"]["healed"]
        assert services.hub.topics[0].gaps == []
        await page.close()


async def test_a_feed_that_ends_with_an_error_is_stopped_for_all() -> None:
    feeds = FakeFeeds(TEST.key)
    async with serving(MemoryStore(), feeds) as services:
        page = Page(services.hub)
        await page.until(page.feeds)
        services.feed_failed(OSError("no route"))
        told = await page.until(lambda: [one for one in page.feeds() if one["phase"] == "stopped"])
        assert "OSError" in told[0]["text"]
        assert "OSError" in services.trouble["feed"]
        services.feed_failed(None)
        assert "feed" not in services.trouble
        assert services.hub._trouble is None, "a chart that is opened later does not say stopped"
        await page.close()
