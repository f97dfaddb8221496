"""Topics, sessions and their mailboxes together, over a socket without a network."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest
from server_kit import DAY0_NS, TEST, FakeSocket, MemoryStore, make_tape

from footloom.core.messages import Gap
from footloom.core.trades import Trades
from footloom.engine.build import build
from footloom.engine.spec import ChartSpec
from footloom.engine.unseen import unseen
from footloom.feeds.flow import Commit
from footloom.server.clients.allowance import Limits
from footloom.server.clients.mailbox import Mailbox
from footloom.server.clients.session import Session
from footloom.server.live.hub import Hub
from footloom.server.stored.history import History
from footloom.server.wire.codec import Decoded, chart_columns, decode
from footloom.server.wire.frames import Message

pytestmark = pytest.mark.anyio

MINUTE_NS = 60 * 10**9
MAX_HISTORY_BARS = Limits().history_bars
MAX_SUBSCRIPTIONS = Limits().subscriptions
Text = dict[str, Any]


class Client:
    """One session with its socket; folds what it is sent into bars, as a page does."""

    def __init__(self, hub: Hub, mailbox: Mailbox | None = None) -> None:
        self.socket = FakeSocket()
        self.session = Session(hub, self.socket, mailbox=mailbox or Mailbox())
        self.task = asyncio.create_task(self.session.run())
        self._requests = iter(range(1, 10**6))

    async def subscribe(self, bars: str = "1m", history_bars: int = 300, **topic: object) -> Text:
        """Subscribe and wait for the answer and, where it is no error, for the snapshot."""
        number = next(self._requests)
        self.send(
            {"op": "subscribe", "id": number, "topic": {"symbol": TEST.key, "bars": bars, **topic}}
            | {"history_bars": history_bars}
        )
        answer = await self.until(lambda m: isinstance(m, dict) and m.get("id") == number)
        assert isinstance(answer, dict)
        if answer["type"] == "subscribed":
            await self.until(lambda m: is_snapshot(m, answer["topic_id"]))
        return answer

    def send(self, request: Text | str) -> None:
        self.socket.requests.put_nowait(request if isinstance(request, str) else json.dumps(request))

    @property
    def messages(self) -> list[Text | Decoded]:
        return [decode(m) if isinstance(m, bytes) else json.loads(m) for m in self.socket.sent]

    async def until(self, wanted: Callable[[Text | Decoded], bool]) -> Text | Decoded:
        """Wait until a message came that is wanted; returns the first."""
        count = 1
        while True:
            found = [m for m in self.messages if wanted(m)]
            if found:
                return found[0]
            count = len(await self.socket.wait_for(max(count, len(self.socket.sent)) + 1))

    def bars(self, topic_id: int) -> dict[int, tuple[Any, ...]]:
        """Fold the frames of a topic by the rules of the protocol: a snapshot replaces all, a bar its own."""
        held: dict[int, tuple[Any, ...]] = {}
        seq = -1
        self.check_places(topic_id)
        for message in self.messages:
            if not isinstance(message, Decoded) or message.topic_id != topic_id:
                continue
            if message.kind == "snapshot":
                held = {}
            else:
                assert message.topic_seq > seq, "frames of a topic came out of order"
            seq = message.topic_seq
            held |= rows_of(message)
        return held

    def check_places(self, topic_id: int) -> None:
        """Check that each message of a topic names the one that was sent before it: nothing is lost on the way."""
        seq = -1
        for message in self.messages:
            said = message if isinstance(message, dict) else {"topic_id": message.topic_id, **places_of(message)}
            if said.get("topic_id") == topic_id and "topic_seq" in said:
                assert said["prev_seq"] == seq, f"{said} does not name {seq}"
                assert said["topic_seq"] >= seq, "the places of a topic only grow"
                seq = said["topic_seq"]

    async def close(self) -> None:
        self.socket.requests.put_nowait(None)
        await asyncio.wait_for(self.task, 60)


def places_of(frame: Decoded) -> dict[str, int]:
    return {"topic_seq": frame.topic_seq, "prev_seq": frame.prev_seq}


def is_snapshot(message: Text | Decoded, topic_id: int) -> bool:
    return isinstance(message, Decoded) and message.kind == "snapshot" and message.topic_id == topic_id


def rows_of(columns: Any) -> dict[int, tuple[Any, ...]]:
    """Return every bar with its levels as numbers; the flag `final` is left out: it tells how a bar was announced."""
    start = columns.bars["level_start"].astype(np.int64)
    rows = {}
    for i, open_ns in enumerate(columns.bars["open_ns"].tolist()):
        own = [c[i].item() for name, c in columns.bars.items() if name not in {"level_start", "flags", "quote_share"}]
        levels = [c[start[i] : start[i + 1]].tolist() for c in columns.levels.values()]
        rows[open_ns] = (own, int(columns.bars["flags"][i]) & ~1, levels)
    return rows


def commit(trades: Trades, watermark_ns: int | None = None, **more: Any) -> Commit:
    newest_ns = int(trades.ts_recv_ns[-1]) if len(trades) else 0
    return Commit(TEST.key, trades, more.pop("gaps", ()), watermark_ns or newest_ns, **more)


def pieces(tape: Trades, sizes: Iterator[int]) -> Iterator[Trades]:
    at = 0
    while at < len(tape):
        size = next(sizes)
        yield tape.take(slice(at, at + size))
        at += size


@asynccontextmanager
async def running(store: MemoryStore, **settings: Any) -> AsyncIterator[Hub]:
    hub = Hub(History(store), **settings)  # type: ignore[arg-type] - as much of a store as the server reads
    yield hub
    hub.close()


@pytest.mark.parametrize(
    ("bars", "late"), [("1m", 0), ("1m", 5), ("50t", 0), ("50t", 5), ("100v-split", 0), ("100v-split", 3), ("r30", 2)]
)
async def test_live_frames_fold_to_the_bars_of_the_whole_tape(rng: np.random.Generator, bars: str, late: int) -> None:
    tape = make_tape(2_800, seed=7)
    arrival = np.arange(1_600.0)
    arrival[rng.integers(0, 1_200, late)] += rng.integers(5, 400, late)
    stored, rest = tape.take(slice(0, 1_200)), tape.take(1_200 + np.argsort(arrival, kind="stable"))
    store = MemoryStore(stored)
    async with running(store, flush_s=0.0) as hub:
        client = Client(hub)
        answer = await client.subscribe(history_bars=MAX_HISTORY_BARS, ticks_per_level=3, bars=bars)
        for piece in pieces(rest, iter(lambda: int(rng.integers(0, 40)), None)):
            store.append_many([(piece, ())])
            hub.publish(commit(piece, int(piece.ts_recv_ns.max()) if len(piece) else 1))
            await asyncio.sleep(0)
        whole = chart_columns(build(tape, ChartSpec(bars=bars, ticks_per_level=3)))
        last_open_ns = int(whole.bars["open_ns"][-1])
        expected = rows_of(whole)
        await client.until(lambda m: isinstance(m, Decoded) and rows_of(m).get(last_open_ns) == expected[last_open_ns])
        while client.bars(answer["topic_id"]) != expected:  # late rows of bars before the last are read from the store
            await client.socket.wait_for(len(client.socket.sent) + 1)
        await client.close()


async def test_commits_that_arrive_while_a_topic_starts_are_folded_once() -> None:
    tape = make_tape(3_000, seed=3)
    store = MemoryStore(tape.take(slice(0, 1_000)))
    started, go_on = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    plain_load = store.load

    def slow_load(*args: Any) -> Trades:
        # Half of the new rows are stored before the store is read, half after: the topic hears of all of them.
        store.append_many([(tape.take(slice(1_000, 2_000)), ())])
        found = plain_load(*args)
        store.load = plain_load  # type: ignore[method-assign]
        loop.call_soon_threadsafe(started.set)
        asyncio.run_coroutine_threadsafe(go_on.wait(), loop).result(10)
        return found

    async with running(store, flush_s=0.0) as hub:
        client = Client(hub)
        store.load = slow_load  # type: ignore[method-assign]
        subscribing = asyncio.create_task(client.subscribe(ticks_per_level=1, history_bars=MAX_HISTORY_BARS))
        await asyncio.wait_for(started.wait(), 60)
        for start in (1_000, 2_000):
            piece = tape.take(slice(start, start + 1_000))
            if start == 2_000:
                store.append_many([(piece, ())])
            hub.publish(commit(piece))
        go_on.set()
        answer = await subscribing
        assert client.bars(answer["topic_id"]) == rows_of(chart_columns(build(tape, ChartSpec())))
        await client.close()


async def test_rows_that_could_not_be_recorded_are_shown_to_those_who_come_later(store: MemoryStore) -> None:
    more = make_tape(50, seed=9, first_id=10**6, hours=0.01)
    later = Trades.build(
        TEST,
        more.ts_exch_ns + 40 * 3600 * 10**9,
        more.price_tick,
        more.qty_lot,
        more.side,
        trade_id=more.trade_id,
        ts_recv_ns=more.ts_recv_ns + 40 * 3600 * 10**9,
    )
    async with running(store) as hub:
        hub.publish(commit(later, recorded=False))
        client = Client(hub)
        answer = await client.subscribe(ticks_per_level=1)
        held = client.bars(answer["topic_id"])
        assert (
            sum(sum(levels[4]) for own, _, levels in held.values() if own[0] >= later.ts_exch_ns[0] - MINUTE_NS) == 50
        )
        await client.close()


async def test_one_topic_for_all_who_want_the_same(store: MemoryStore, tape: Trades) -> None:
    async with running(store, flush_s=0.0) as hub:
        clients = [Client(hub) for _ in range(5)]
        answers = [await client.subscribe() for client in clients]
        other = await clients[0].subscribe(bars="5m")
        assert len({answer["topic_id"] for answer in answers}) == 1
        assert other["topic_id"] != answers[0]["topic_id"]
        assert len(hub.topics) == 2
        topic = next(t for t in hub.topics if t.id == answers[0]["topic_id"])
        hub.publish(commit(one_more(tape)))
        for client in clients:
            await client.until(lambda m: isinstance(m, Decoded) and m.kind == "bar_open")
        assert topic.frames_encoded == 1, "a frame is encoded once, not once a client"
        mine = [m for c in clients for m in c.socket.sent if isinstance(m, bytes) and decode(m).topic_id == topic.id]
        assert len({m for m in mine if decode(m).kind == "bar_open"}) == 1
        for client in clients:
            await client.close()


def one_more(tape: Trades, seconds: float = 1.0, price_tick: int = 50_000, number: int = 1) -> Trades:
    ts = int(tape.ts_exch_ns[-1]) + round(seconds * 1e9)
    return Trades.build(
        TEST, [ts], [price_tick], [7], [1], trade_id=[int(tape.trade_id[-1]) + number], ts_recv_ns=[ts + 1_000_000]
    )


async def test_a_topic_stops_some_time_after_its_last_subscriber(store: MemoryStore) -> None:
    async with running(store, linger_s=0.05) as hub:
        client = Client(hub)
        await client.subscribe()
        await client.close()
        assert len(hub.topics) == 1, "a page that is reloaded finds it warm"
        again = Client(hub)
        await again.subscribe()
        await asyncio.sleep(0.1)
        assert len(hub.topics) == 1, "the new subscriber keeps it"
        await again.close()
        await asyncio.sleep(0.1)
        assert not hub.topics


async def test_unsubscribing_ends_the_frames(store: MemoryStore, tape: Trades) -> None:
    async with running(store, flush_s=0.0) as hub:
        client = Client(hub)
        first, second = await client.subscribe(), await client.subscribe(bars="5m")
        client.send({"op": "unsubscribe", "topic_id": first["topic_id"]})
        client.send({"op": "unsubscribe", "topic_id": 999})
        await client.until(lambda m: isinstance(m, dict) and m["type"] == "error" and "999" in m["message"])
        hub.publish(commit(one_more(tape)))
        await client.until(lambda m: isinstance(m, Decoded) and m.kind == "bar_open")
        frames = [m for m in client.messages if isinstance(m, Decoded) and m.kind == "bar_open"]
        assert {frame.topic_id for frame in frames} == {second["topic_id"]}
        await client.close()


async def test_who_asks_whether_the_connection_is_alive_is_answered(store: MemoryStore) -> None:
    async with running(store) as hub:
        client = Client(hub)
        client.send({"op": "ping"})
        await client.until(lambda m: m == {"type": "pong"})
        await client.close()


async def test_the_first_change_goes_out_at_once_and_the_next_ones_together(store: MemoryStore, tape: Trades) -> None:
    async with running(store, flush_s=0.5) as hub:
        client = Client(hub)
        await client.subscribe()
        topic = hub.topics[0]
        for number in range(1, 9):
            hub.publish(commit(one_more(tape, number / 1000, number=number)))
            assert topic.frames_encoded == 1
        await client.until(lambda m: isinstance(m, Decoded) and m.kind == "bar_open" and m.topic_seq == 2)
        assert topic.frames_encoded == 2
        await client.close()


@pytest.mark.parametrize(
    ("request_", "code", "words"),
    [
        ("{", "protocol_error", "no request"),
        ('{"op":"dance"}', "protocol_error", "dance"),
        ('{"op":"subscribe","id":9000,"topic":{"symbol":"test:ABC","colour":"red"}}', "protocol_error", "colour"),
        (
            '{"op":"subscribe","id":9000,"topic":{"symbol":"test:ABC"},"history_bars":0}',
            "protocol_error",
            "history_bars",
        ),
        ('{"op":"subscribe","id":9000,"topic":{"symbol":"test:NONE"}}', "not_stored", "test:NONE"),
        ('{"op":"subscribe","id":9000,"topic":{"symbol":"test:ABC","bars":"7x"}}', "config_error", "7x"),
        ('{"op":"subscribe","id":9000,"topic":{"symbol":"test:ABC","tape":"agg_trade"}}', "not_stored", "agg_trade"),
        ('{"op":"subscribe","id":9000,"topic":{"symbol":"test:ABC","value_area_pct":"x"}}', "config_error", "x"),
    ],
)
async def test_a_bad_request_is_answered_and_the_session_goes_on(
    store: MemoryStore, request_: str, code: str, words: str
) -> None:
    async with running(store) as hub:
        client = Client(hub)
        client.send(request_)
        error = await client.until(lambda m: isinstance(m, dict) and m["type"] == "error")
        assert isinstance(error, dict)
        assert (error["code"], words in error["message"]) == (code, True), error
        assert (await client.subscribe())["type"] == "subscribed"
        await client.close()


async def test_subscriptions_of_one_client_are_limited() -> None:
    async with running(MemoryStore(make_tape(500))) as hub:
        client = Client(hub)
        for step in range(1, MAX_SUBSCRIPTIONS + 1):
            assert (await client.subscribe(ticks_per_level=step))["type"] == "subscribed"
        refused = await client.subscribe(ticks_per_level=99)
        assert (refused["type"], refused["code"]) == ("error", "too_much")
        await client.close()


async def test_a_stalled_client_harms_only_itself(store: MemoryStore, tape: Trades) -> None:
    async with running(store, flush_s=0.0) as hub:
        healthy, stalled = Client(hub), Client(hub, Mailbox(max_bytes=60_000, max_items=64))
        answer = await healthy.subscribe(history_bars=10)
        await stalled.subscribe(history_bars=10)
        stalled.socket.reading.clear()
        seen = len(stalled.socket.sent)
        # Two hundred bars close while it sleeps: events that it may not miss, and cannot hold.
        for number in range(1, 201):
            hub.publish(commit(one_more(tape, 60.0 * number, 50_000 + number % 7, number)))
            await asyncio.sleep(0)
            assert stalled.session.mailbox.waiting_bytes <= 60_000
            assert stalled.session.mailbox.waiting_items <= 64
        last_ns = int(tape.ts_exch_ns[-1] + 200 * MINUTE_NS)
        await healthy.until(lambda m: isinstance(m, Decoded) and int(m.bars["last_ns"][-1]) == last_ns)
        closed = [m for m in healthy.messages if isinstance(m, Decoded) and m.kind == "bar_closed"]
        assert len(closed) == 200, "no event was lost"
        assert len(stalled.socket.sent) == seen
        assert stalled.session.resyncs == hub.measures.resyncs >= 1
        stalled.socket.reading.set()  # it wakes: told to forget, given a fresh snapshot
        await stalled.until(lambda m: isinstance(m, dict) and m["type"] == "resync")
        await stalled.until(
            lambda m: (
                is_snapshot(m, answer["topic_id"]) and isinstance(m, Decoded) and int(m.bars["last_ns"][-1]) == last_ns
            )
        )
        mine, theirs = stalled.bars(answer["topic_id"]), healthy.bars(answer["topic_id"])
        assert mine == {open_ns: theirs[open_ns] for open_ns in mine}
        await healthy.close()
        await stalled.close()


async def test_open_bars_are_conflated_for_a_slow_client_and_closed_ones_are_not(
    store: MemoryStore, tape: Trades
) -> None:
    async with running(store, flush_s=0.0) as hub:
        client = Client(hub)
        await client.subscribe()
        client.socket.reading.clear()
        for number in range(1, 101):
            hub.publish(commit(one_more(tape, number * 3.0, number=number)))
            await asyncio.sleep(0)
        assert hub.measures.conflated > 80, "while it is connected, not only in the end"
        client.socket.reading.set()
        await client.until(
            lambda m: isinstance(m, Decoded) and int(m.bars["last_ns"][-1]) == int(tape.ts_exch_ns[-1]) + 300 * 10**9
        )
        kinds = [m.kind for m in client.messages if isinstance(m, Decoded)]
        assert kinds.count("bar_closed") >= 5
        assert kinds.count("bar_open") <= 3, "of a hundred states only the newest of each open bar is sent"
        assert client.session.resyncs == 0
        await client.close()


async def test_headers_and_feed_states_that_newer_ones_replace_are_counted(store: MemoryStore) -> None:
    async with running(store) as hub:
        client = Client(hub)
        hello = [*await client.socket.wait_for(1)]
        client.socket.reading.clear()
        for number in range(10):
            client.session.post_status(TEST.key, Message(f'{{"status": {number}}}'))
            client.session.post_feed(TEST.key, Message(f'{{"feed": {number}}}'))
        assert hub.measures.conflated == 18, "at the moment they are replaced"
        client.socket.reading.set()
        assert await client.socket.wait_for(3) == [*hello, '{"status": 9}', '{"feed": 9}']
        await client.close()


async def test_gaps_are_told_and_marked(store: MemoryStore, tape: Trades) -> None:
    last_ns = int(tape.ts_exch_ns[-1])
    gap = Gap(symbol=TEST.key, from_ns=last_ns, to_ns=last_ns + 10**9, cause="reconnect", missing=12)
    async with running(store, flush_s=0.0) as hub:
        client = Client(hub)
        answer = await client.subscribe()
        hub.publish(commit(one_more(tape), gaps=(gap,)))
        told = await client.until(lambda m: isinstance(m, dict) and m["type"] == "gap")
        assert told == {
            "type": "gap",
            "topic_id": answer["topic_id"],
            "topic_seq": told["topic_seq"],
            "prev_seq": told["topic_seq"] - 1,
            "gap": {
                "from_ns": str(last_ns),
                "to_ns": str(last_ns + 10**9),
                "cause": "reconnect",
                "missing": 12,
                "healed": False,
            },
        }
        later = Client(hub)
        await later.subscribe()
        snapshot = await later.until(lambda m: is_snapshot(m, answer["topic_id"]))
        assert isinstance(snapshot, Decoded)
        assert snapshot.meta is not None
        assert snapshot.meta["gaps"] == [told["gap"]]
        assert snapshot.bars["flags"][-1] & 2
        await client.close()
        await later.close()


async def test_a_header_is_sent_to_those_who_look_at_the_symbol(store: MemoryStore, tape: Trades) -> None:
    async with running(store) as hub:
        client = Client(hub)
        await client.subscribe()
        at_once = await client.until(lambda m: isinstance(m, dict) and m["type"] == "status")
        assert isinstance(at_once, dict)
        assert at_once["last"] == TEST.price_text(int(tape.price_tick[-1]))
        hub.publish(commit(one_more(tape), quote=(49_999, 50_001), recorded=False))
        status = await client.until(lambda m: isinstance(m, dict) and m["type"] == "status" and m["bid"] is not None)
        assert isinstance(status, dict)
        today = tape.between(DAY0_NS + 86_400 * 10**9, 2**62)
        assert status["symbol"] == TEST.key
        assert (status["last"], status["bid"], status["ask"]) == ("25000.0", "24999.5", "25000.5")
        assert status["recorded"] is False
        assert status["lag_ms"] == 1
        assert status["day_open"] == TEST.price_text(int(today.price_tick[0]))
        assert status["day_volume"] == TEST.qty_text(int(today.qty_lot.sum()) + 7)
        yesterday = tape.between(DAY0_NS, DAY0_NS + 86_400 * 10**9)
        assert status["prev_close"] == TEST.price_text(int(yesterday.price_tick[-1]))
        await client.close()


async def test_a_fold_that_fails_ends_its_topic_and_no_other(store: MemoryStore, tape: Trades) -> None:
    async with running(store, flush_s=0.0) as hub:
        client = Client(hub)
        wide, narrow = await client.subscribe(ticks_per_level=10**7), await client.subscribe(ticks_per_level=1)
        # A print 2^31 rows away: the fine chart cannot carry it, the coarse one can.
        hub.publish(commit(one_more(tape, price_tick=50_000 + 2**33)))
        error = await client.until(lambda m: isinstance(m, dict) and m["type"] == "error")
        assert isinstance(error, dict)
        assert error["code"] == "protocol_error"
        await client.until(lambda m: isinstance(m, Decoded) and m.kind == "bar_open")
        assert [topic.id for topic in hub.topics] == [wide["topic_id"]]
        assert narrow["topic_id"] not in client.session.subscriptions
        await client.close()


async def test_a_snapshot_that_cannot_be_sent_is_an_error_of_its_topic(tape: Trades) -> None:
    far = Trades.concat([tape, one_more(tape, price_tick=50_000 + 2**33)])
    async with running(MemoryStore(far)) as hub:
        client = Client(hub)
        client.send({"op": "subscribe", "id": 9000, "topic": {"symbol": TEST.key, "ticks_per_level": 1}})
        error = await client.until(lambda m: isinstance(m, dict) and m["type"] == "error")
        assert isinstance(error, dict)
        assert error["code"] == "protocol_error"
        assert (await client.subscribe(ticks_per_level=10**7))["type"] == "subscribed"
        await client.close()


def test_unseen_rows_are_told_by_id_or_by_receipt(tape: Trades) -> None:
    seeded, new = tape.take(slice(0, 150)), tape.take(slice(100, 200))
    assert unseen(new, seeded).trade_id.tolist() == list(range(151, 201))
    assert unseen(new, Trades.empty(TEST)).equals(new)
    no_ids = Trades.build(TEST, [1, 2, 3], [5, 5, 5], [1, 1, 1], [1, 1, 1], ts_recv_ns=[10, 20, 30])
    assert unseen(no_ids, no_ids.take(slice(0, 2))).ts_exch_ns.tolist() == [3]
