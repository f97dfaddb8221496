"""``/ws/orderflow``: messages field by field, numbers against a plain count, live against the whole tape."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from compat_kit import DAY_MS, MINUTE_MS, counted
from server_kit import DAY0_NS, TEST, FakeSocket, MemoryStore, make_tape

from footloom.core.instrument import Instrument
from footloom.core.trades import Trades
from footloom.errors import ConfigError, FootloomError, NotStored, StoreLocked
from footloom.feeds.flow import Commit
from footloom.server.compat import orderflow_ws
from footloom.server.compat.following import followed
from footloom.server.compat.orderflow_ws import OrderflowClient, parse_asked
from footloom.server.services import Services

pytestmark = pytest.mark.anyio
CASES = [
    {},
    {"tf": "5m"},
    {"tf": "1h", "lookback": "7"},
    {"step": "2", "cvd": "window"},
    {"step": "0.75", "round": "half_up"},
]


def asked(**query: str) -> dict[str, str]:
    return {"exchange": "test", "symbol": "ABC", "emit_ms": "20", **query}


class Page:
    """A page that keeps candles as the wire's text says: a snapshot replaces all, a delta is the current candle."""

    def __init__(self, services: Services, **query: str) -> None:
        self.socket = FakeSocket()
        self._read: list[dict[str, Any]] = []
        self._held: list[dict[str, Any]] = []
        self.task = asyncio.create_task(OrderflowClient(services, self.socket, parse_asked(asked(**query))).run())

    def messages(self) -> list[dict[str, Any]]:
        """Return what came, read once."""
        for text in self.socket.sent[len(self._read) :]:
            message = json.loads(text, parse_float=Decimal)
            self._read.append(message)
            if message["type"] == "snapshot":
                self._held = list(message["candles"])
            elif self._held[-1]["open_ts"] == message["candle"]["open_ts"]:
                self._held[-1] = message["candle"]
            else:
                assert message["candle"]["open_ts"] > self._held[-1]["open_ts"], "a delta of an older candle"
                self._held.append(message["candle"])
        return self._read

    def candles(self) -> list[dict[str, Any]]:
        self.messages()
        return self._held

    async def until(self, wanted: Callable[[], object]) -> None:
        while not wanted():
            assert not self.task.done(), self.task.exception()
            await self.socket.wait_for(len(self.socket.sent) + 1)

    async def close(self) -> None:
        self.socket.requests.put_nowait(None)
        await asyncio.wait([self.task])


@pytest.fixture(autouse=True)
def snapshots_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orderflow_ws, "_SNAPSHOT_S", 0.0)


@asynccontextmanager
async def serving(store: MemoryStore) -> AsyncIterator[Services]:
    services = Services.over(store)  # type: ignore[arg-type] - as much of a store as is read

    yield services
    services.close()


def check(page: Page, trades: Trades, query: Mapping[str, str]) -> None:
    """Compare the candles of a page with a plain count of the tape, their CVD from its anchor on."""
    candles, since = page.candles(), page.messages()[-1]["cvd_anchor_ts"]
    tf_ms = {"1m": 1, "5m": 5, "15m": 15, "1h": 60}[query.get("tf", "1m")] * MINUTE_MS
    truth = counted(trades, tf_ms, query.get("step", "0.5"), query.get("round", "half_even"))
    assert [candle["open_ts"] for candle in candles] == sorted(truth)[-len(candles) :]
    first = candles[0]["open_ts"]
    cvd = sum(c["ask"] - c["bid"] for at, c in truth.items() if since <= at < first)
    for candle in candles:
        true = truth[candle["open_ts"]]
        cvd += true["ask"] - true["bid"]
        sums = {name: candle.get(name, 0) for name in ("bid", "ask", "unknown", "delta", "cvd")}
        assert sums == {
            **{name: true[name] for name in ("bid", "ask", "unknown")},
            "delta": true["ask"] - true["bid"],
            "cvd": cvd,
        }
        prices = [level["p"] for level in candle["levels"]]
        assert prices == sorted(true["levels"], reverse=True)
        for level in candle["levels"]:
            row = true["levels"][level["p"]]
            assert {**row} == {
                "bid": level["bid"],
                "ask": level["ask"],
                "n": level["n"],
                "unknown": level.get("unknown", 0),
            }


NUMBER = {
    "snapshot": {"exchange": str, "symbol": str, "tf_ms": int, "step": float, "server_ts": int, "candles": list},
    "delta": {"exchange": str, "symbol": str, "tf_ms": int, "step": float, "server_ts": int, "candle": dict},
    "candle": {"open_ts": int, "bid": float, "ask": float, "delta": float, "cvd": float, "levels": list},
    "level": {"p": float, "bid": float, "ask": float, "n": int},
}
ALSO = {"snapshot": {"cvd_anchor_ts"}, "delta": {"cvd_anchor_ts"}, "candle": {"unknown"}, "level": {"unknown"}}


def check_fields(document: Mapping[str, Any], kind: str) -> None:
    fields = {name: type(value) for name, value in document.items() if name != "type"}
    assert {name: fields[name] for name in NUMBER[kind]} == NUMBER[kind]
    assert list(fields)[: len(NUMBER[kind])] == list(NUMBER[kind]) or kind in {"snapshot", "delta"}
    assert set(fields) - set(NUMBER[kind]) <= ALSO[kind]
    for candle in document.get("candles", [document["candle"]] if "candle" in document else []):
        check_fields(candle, "candle")
    for level in document.get("levels", []):
        check_fields(level, "level")


async def test_messages_have_the_fields_of_the_description() -> None:
    async with serving(MemoryStore(make_tape(hours=3))) as services:
        page = Page(services)
        await page.socket.wait_for(3)
        await page.close()
        snapshot, *deltas = (json.loads(text) for text in page.socket.sent)
        assert snapshot["type"] == "snapshot"
        assert (snapshot["exchange"], snapshot["symbol"], snapshot["tf_ms"], snapshot["step"]) == (
            "test",
            "ABC",
            60_000,
            0.5,
        )
        assert len(snapshot["candles"]) == 30
        check_fields(snapshot, "snapshot")
        for delta in deltas:
            assert delta["type"] == "delta"
            check_fields(delta, "delta")
            assert delta["candle"] == snapshot["candles"][-1]
        assert [m["server_ts"] for m in deltas] == sorted(m["server_ts"] for m in deltas)


@pytest.mark.parametrize("query", CASES, ids=str)
async def test_a_snapshot_is_a_plain_count_of_the_tape(query: dict[str, str]) -> None:
    tape = make_tape(rows=8_000, hours=30)
    async with serving(MemoryStore(tape)) as services:
        page = Page(services, **query)
        await page.socket.wait_for(1)
        await page.close()
        message = page.messages()[0]
        assert len(message["candles"]) == int(query.get("lookback", 30))
        check(page, tape, query)
        first = message["candles"][0]["open_ts"]
        assert message["cvd_anchor_ts"] == (first if query.get("cvd") == "window" else first - first % DAY_MS)


def commits(trades: Trades, cuts: list[int]) -> list[Commit]:
    edges = [0, *sorted(cuts), len(trades)]
    pieces = [trades.take(slice(lo, hi)) for lo, hi in zip(edges, edges[1:], strict=False) if hi > lo]
    return [Commit(TEST.key, piece, (), int(piece.ts_recv_ns.max())) for piece in pieces]


@pytest.mark.parametrize(("query", "late"), [*((query, 0) for query in CASES), (CASES[0], 40), (CASES[2], 40)], ids=str)
async def test_the_last_state_of_each_candle_is_that_of_the_whole_tape(
    query: dict[str, str], late: int, rng: np.random.Generator
) -> None:
    tape = make_tape(rows=2_400, hours=26.0, seed=int(rng.integers(1_000_000)))
    stored, coming = tape.take(slice(0, 1_800)), tape.take(slice(1_800, 2_400))
    order = np.arange(len(coming))
    for at in rng.choice(len(order) - 60, late, replace=False) if late else ():
        order[at : at + 60] = np.roll(order[at : at + 60], -1)  # one trade comes behind the 59 after it
    store = MemoryStore(stored)
    async with serving(store) as services:
        page = Page(services, **query)
        await page.socket.wait_for(1)
        for commit in commits(coming.take(order), rng.integers(1, 600, 12).tolist()):
            store.append_many([(commit.trades, ())])
            services.publish(commit)
            await page.socket.wait_for(len(page.socket.sent) + int(rng.integers(0, 3)))
        services.publish(Commit(TEST.key, Trades.empty(TEST), (), int(tape.ts_recv_ns[-1]) + 10**10))
        whole = counted(tape, MINUTE_MS * {"1m": 1, "5m": 5, "1h": 60}[query.get("tf", "1m")], query.get("step", "0.5"))
        newest = max(whole)
        count = sum(row["n"] for row in whole[newest]["levels"].values())

        def is_over() -> bool:
            candle = page.candles()[-1]
            return candle["open_ts"] == newest and sum(level["n"] for level in candle["levels"]) == count

        await page.until(is_over)
        await page.socket.wait_for(len(page.socket.sent) + 5)
        await page.close()
        if not late:
            assert len({message["cvd_anchor_ts"] for message in page.messages()}) == 1
        check(page, tape, query)


async def test_the_cvd_goes_on_over_midnight(rng: np.random.Generator) -> None:
    tape = make_tape(rows=5_000, hours=24.2, seed=int(rng.integers(1_000_000)))
    split = int(np.searchsorted(tape.ts_exch_ns, DAY0_NS + DAY_MS * 10**6 - 60 * 10**9))
    store = MemoryStore(tape.take(slice(0, split)))
    async with serving(store) as services:
        page = Page(services, lookback="5")
        await page.socket.wait_for(1)
        coming = tape.take(slice(split, len(tape)))
        store.append_many([(coming, ())])
        for commit in commits(coming, list(range(10, len(coming), 10))):
            services.publish(commit)
            await page.socket.wait_for(len(page.socket.sent) + 1)
        await page.until(
            lambda: page.candles()[-1]["open_ts"] == int(tape.ts_exch_ns[-1]) // 10**6 // MINUTE_MS * MINUTE_MS
        )
        await page.socket.wait_for(len(page.socket.sent) + 2)
        await page.close()
        assert page.messages()[-1]["cvd_anchor_ts"] == DAY0_NS // 10**6
        check(page, tape, {})
        assert page.candles()[-1]["open_ts"] >= DAY0_NS // 10**6 + DAY_MS


async def test_volume_of_unknown_side_has_a_field_of_its_own() -> None:
    tape = Trades.build(TEST, [DAY0_NS, DAY0_NS + 1, DAY0_NS + 2], [10, 10, 11], [3, 4, 5], [0, 1, 0])
    async with serving(MemoryStore(tape)) as services:
        page = Page(services)
        await page.socket.wait_for(1)
        await page.close()
        candle = json.loads(page.socket.sent[0])["candles"][0]
        assert candle["unknown"] == 0.008
        assert candle["delta"] == candle["cvd"] == 0.004
        assert candle["levels"] == [
            {"p": 5.5, "bid": 0.0, "ask": 0.0, "n": 1, "unknown": 0.005},
            {"p": 5.0, "bid": 0.0, "ask": 0.004, "n": 2, "unknown": 0.003},
        ]


async def test_a_client_that_reads_nothing_stops_nobody(rng: np.random.Generator) -> None:
    tape = make_tape(rows=4_000, hours=4.0)
    store = MemoryStore(tape.take(slice(0, 2_000)))
    async with serving(store) as services:
        stalled, healthy = Page(services), Page(services)
        await healthy.socket.wait_for(1)
        await stalled.socket.wait_for(1)
        stalled.socket.reading.clear()
        coming = tape.take(slice(2_000, 4_000))
        store.append_many([(coming, ())])
        for commit in commits(coming, rng.integers(1, 2_000, 300).tolist()):
            services.publish(commit)
        newest = int(tape.ts_exch_ns[-1]) // 10**6 // MINUTE_MS * MINUTE_MS
        await healthy.until(lambda: healthy.candles()[-1]["open_ts"] == newest)
        assert len(stalled.socket.sent) <= 2
        stalled.socket.reading.set()
        await stalled.until(lambda: stalled.candles()[-1]["open_ts"] == newest)
        await stalled.socket.wait_for(len(stalled.socket.sent) + 5)
        check(stalled, tape, {})
        await healthy.close()
        await stalled.close()


@pytest.mark.parametrize("what", ["rebuilt", "revised"])
async def test_what_changes_while_bars_are_read_anew_counts_too(what: str) -> None:
    async with (
        serving(MemoryStore(make_tape(hours=2))) as services,
        followed(services, TEST.key, lambda _: ("1m", 30)) as follower,
    ):
        bars, _ = await follower.read(30)
        follower.resnapshot((bars[9].open_ns, bars[-1].open_ns))
        async with follower.topic.folding:
            reading = asyncio.create_task(follower.read(30))
            await asyncio.sleep(0)
            if what == "rebuilt":
                follower.resnapshot((bars[4].open_ns, bars[-1].open_ns))
            else:
                follower.post_event(SimpleNamespace(chart=object()), ends_ns=bars[4].open_ns)  # type: ignore[arg-type]
            assert not reading.done()
        _, changed_ns = await reading
        assert changed_ns == bars[4].open_ns
        assert not follower.stale


async def test_a_client_that_goes_away_leaves_its_topic() -> None:
    async with serving(MemoryStore(make_tape(hours=1))) as services:
        page = Page(services)
        await page.socket.wait_for(2)
        assert [len(topic.subscribers) for topic in services.hub.topics] == [1]
        await page.close()
        assert [len(topic.subscribers) for topic in services.hub.topics] == [0]


async def test_a_symbol_that_is_not_there_is_named() -> None:
    async with serving(MemoryStore(make_tape(hours=1))) as services:
        with pytest.raises(NotStored, match="test:XYZ"):
            await OrderflowClient(services, FakeSocket(), parse_asked(asked(symbol="XYZ"))).run()


async def test_letters_of_a_symbol_may_be_small() -> None:
    async with serving(MemoryStore(make_tape(hours=1))) as services:
        page = Page(services, symbol="abc")
        await page.socket.wait_for(1)
        await page.close()
        assert page.messages()[0]["symbol"] == "abc"


async def test_a_topic_that_fails_is_told() -> None:
    async with serving(MemoryStore(make_tape(hours=1))) as services:
        page = Page(services)
        await page.socket.wait_for(1)
        for topic in services.hub.topics:
            for subscriber in list(topic.subscribers):
                subscriber.drop(FootloomError("the chart failed"))
        await asyncio.wait([page.task])
        assert isinstance(page.task.exception(), FootloomError)


def test_the_defaults_are_those_of_the_description() -> None:
    found = parse_asked({})
    assert (found.exchange, found.symbol, found.tf, found.step) == ("binance", "BTCUSDT", "1m", Decimal("0.5"))
    assert (found.lookback, found.emit_ms, found.venue, found.tf_ms) == (30, 300, "binance_usdm", 60_000)
    assert parse_asked({"exchange": "bybit"}).venue == "bybit_linear"
    assert parse_asked({"exchange": "sim"}).venue == "sim"
    assert parse_asked({"tf": "", "lookback": ""}).lookback == 30


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ({"tf": "2m"}, "tf '2m' cannot be: write one of 1m, 5m, 15m, 1h"),
        ({"step": "-0.5"}, "step '-0.5' is no price step"),
        ({"step": "x"}, "step 'x'"),
        ({"lookback": "0"}, "lookback '0' cannot be: write a whole number from 1 to 500"),
        ({"lookback": "1e3"}, "lookback"),
        ({"emit_ms": "5"}, "emit_ms '5' cannot be: write a whole number from 20 to 60000"),
        ({"emit_ms": "٣٠٠"}, "emit_ms"),
        ({"exchange": "../x"}, "exchange"),
        ({"cvd": "never"}, "cvd 'never' cannot be: write one of continuous, window"),
        ({"round": "floor"}, "round"),
    ],
)
def test_a_parameter_that_cannot_be_is_named(query: dict[str, str], says: str) -> None:
    with pytest.raises(ConfigError) as told:
        parse_asked(query)
    assert says in str(told.value)


class NoStreams:
    """Streams of a server that cannot listen, because another process records."""

    keys: frozenset[str] = frozenset()

    @asynccontextmanager
    async def use(self, key: str) -> AsyncIterator[str]:
        raise StoreLocked(f"{key} is recorded by another process")
        yield key


async def test_what_is_stored_is_shown_where_nothing_can_be_heard() -> None:
    async with serving(MemoryStore(make_tape(hours=1))) as services:
        services.streams = NoStreams()  # type: ignore[assignment] - as much of it as is used
        page = Page(services)
        await page.socket.wait_for(1)
        await page.close()
        assert len(page.candles()) == 30
        with pytest.raises(StoreLocked, match="another process"):
            await OrderflowClient(services, FakeSocket(), parse_asked(asked(symbol="XYZ"))).run()


# The market opens at 09:15 in Kolkata, 03:45 UTC: its own hours begin at a quarter to, those of the wire on the hour.
@pytest.mark.parametrize("tf", ["5m", "1h"])
async def test_candles_of_a_market_with_hours_of_its_own(tf: str, rng: np.random.Generator) -> None:
    nse = Instrument(venue="test", symbol="ABC", tick_size=Decimal("0.05"), lot_size=Decimal(1), calendar="nse_fo")
    monday_ns = DAY0_NS + 3 * DAY_MS * 10**6
    open_ns, length_ns = monday_ns + int(3.75 * 3600 * 1e9), int(6.25 * 3600 * 1e9)
    times = np.sort(rng.integers(0, length_ns, 3_000)) + open_ns
    prices, sides = 480_000 + np.cumsum(rng.integers(-2, 3, 3_000)), rng.choice(np.array([-1, 0, 1], np.int8), 3_000)
    lots = 75 * rng.integers(1, 9, 3_000)
    tape = Trades.build(nse, times, prices, lots, sides, trade_id=np.arange(3_000), ts_recv_ns=times)
    store = MemoryStore(tape.take(slice(0, 2_000)))
    async with serving(store) as services:
        page = Page(services, tf=tf, step="2", lookback="100")
        await page.socket.wait_for(1)
        assert page.messages()[0]["cvd_anchor_ts"] == open_ns // 10**6
        coming = tape.take(slice(2_000, 3_000))
        store.append_many([(coming, ())])
        for commit in commits(coming, list(range(7, 1_000, 50))):
            services.publish(commit)
            await page.socket.wait_for(len(page.socket.sent) + 1)
        truth = counted(tape, {"5m": 5, "1h": 60}[tf] * MINUTE_MS, "2")
        count = sum(row["n"] for row in truth[max(truth)]["levels"].values())
        await page.until(lambda: sum(level["n"] for level in page.candles()[-1]["levels"]) == count)
        await page.socket.wait_for(len(page.socket.sent) + 5)
        await page.close()
        check(page, tape, {"tf": tf, "step": "2"})
