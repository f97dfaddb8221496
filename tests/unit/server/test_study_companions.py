"""Studies that read other symbols beside a live chart say of final bars what the store says, for any arrival."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import msgspec
import numpy as np
import pytest
from server_kit import TEST, FakeSocket, MemoryStore, make_tape

from footloom.core.messages import Gap
from footloom.core.trades import Trades
from footloom.engine.build import build_footprint
from footloom.engine.studies import StudyFold
from footloom.errors import NotStored
from footloom.feeds.flow import Commit
from footloom.server.clients.session import Session
from footloom.server.live.companions import Companions
from footloom.server.live.hub import Hub
from footloom.server.live.study_beside import folds_of
from footloom.server.stored.history import History
from footloom.server.stored.studied import studied
from footloom.server.wire.messages import StudyRequest, TopicRequest
from footloom.server.wire.studies import decode_studies
from footloom.studies import NONE, Answer

pytestmark = pytest.mark.anyio

SPOT = msgspec.structs.replace(TEST, venue="spot", lot_size=Decimal("0.0004"), tick_size=Decimal("0.25"))
COIN = msgspec.structs.replace(
    TEST, venue="coin", lot_size=Decimal(1), contract_multiplier=Decimal(100), inverse=True, quote="USD"
)
STUDIES = [
    {"study": "cvd_sum", "params": {"symbols": f"{SPOT.key}, {COIN.key}", "quiet_s": 600}},
    {"study": "cvd_against", "params": {"symbols": SPOT.key, "quiet_s": 600}},
    {"study": "premium", "params": {"symbol": SPOT.key}},
    {"study": "delta", "params": {}},
]


@asynccontextmanager
async def client_of(store: MemoryStore) -> AsyncIterator[tuple[Hub, FakeSocket]]:
    hub, socket = Hub(History(store), flush_s=0.0), FakeSocket()  # type: ignore[arg-type] - as much as is read
    task = asyncio.create_task(Session(hub, socket).run())
    yield hub, socket
    socket.requests.put_nowait(None)
    await asyncio.wait_for(task, 60)
    hub.close()


def ask(socket: FakeSocket, bars: str) -> None:
    topic = {"symbol": TEST.key, "bars": bars, "ticks_per_level": 2}
    request = {"op": "subscribe", "id": 1, "topic": topic, "studies": STUDIES, "history_bars": 5_000}
    socket.requests.put_nowait(json.dumps(request))


def frames(socket: FakeSocket) -> list[dict[str, Any]]:
    return [decode_studies(data) for data in socket.sent if isinstance(data, bytes) and data[5] >= 5]


def told(found: Sequence[dict[str, Any]], label: str, name: str, *, final: bool) -> dict[int, Any]:
    """Return a column by the open of its bars, from the frames of a client, those of open bars too or not."""
    held: dict[int, Any] = {}
    for frame in found:
        if label not in frame["studies"] or (final and frame["kind"] == "studies_open"):
            continue
        if frame["kind"] == "studies":
            held = {}
        opens, values = frame["open_ns"].tolist(), frame["studies"][label]["bars"][name].tolist()
        held |= dict(zip(opens, values, strict=True))
    return held


def stored(store: MemoryStore, bars: str) -> tuple[list[int], dict[str, Answer]]:
    history = History(store)  # type: ignore[arg-type] - as much as is read
    chart = history.resolve(TopicRequest(symbol=TEST.key, bars=bars, ticks_per_level=2))
    folds = [StudyFold(one["study"], one["params"]) for one in STUDIES]  # type: ignore[arg-type]
    footprint, answers = studied(history, chart, folds, None, None)
    assert footprint is not None
    return footprint.bars.open_ns.tolist(), answers


def tapes() -> list[Trades]:
    return [
        make_tape(1_200, seed=1, hours=8.0),
        make_tape(1_500, seed=2, hours=8.0, instrument=SPOT),
        make_tape(1_000, seed=3, hours=8.0, instrument=COIN),
    ]


def same(got: Any, value: Any) -> bool:
    if value == NONE or value != value:  # noqa: PLR0124 - NaN
        return bool(got is None or got != got or got == NONE)  # noqa: PLR0124 - NaN
    return got is not None and float(got) == float(value)


def commits(every: Sequence[Trades], cut_ns: int, lag_ns: int) -> list[Commit]:
    """Return what comes behind a time in pieces of random length; the second symbol comes later than it traded."""
    rng, due = np.random.default_rng(7), []
    for place, tape in enumerate(every):
        rest = tape.between(cut_ns, 2**62)
        edges = np.unique(np.concatenate([[0, len(rest)], rng.integers(0, len(rest) + 1, 60)])).tolist()
        for lo, hi in itertools.pairwise(edges):
            piece = rest.take(slice(lo, hi))
            at_ns = int(piece.ts_exch_ns[-1]) + (lag_ns if place == 1 else 0)
            due.append(Commit(piece.instrument.key, piece, (), at_ns))
    return sorted(due, key=lambda commit: commit.watermark_ns)


def differences(found: Sequence[dict[str, Any]], opens: Sequence[int], answers: dict[str, Answer]) -> list[Any]:
    """Return where what a client was told of bars that closed is not what the store says."""
    wrong = []
    for label, name in ((label, name) for label, answer in answers.items() for name in answer.bars):
        mine, values = told(found, label, name, final=False), answers[label].bars[name].tolist()
        pairs = zip(opens[:-1], values[:-1], strict=True)
        wrong += [(label, name, at, mine.get(at), value) for at, value in pairs if not same(mine.get(at), value)]
    return wrong


@pytest.mark.parametrize(("bars", "lag_s"), [("5m", 0), ("5m", 40), ("60t", 40), ("r12", 0)])
async def test_live_is_the_store_however_the_symbols_arrive(bars: str, lag_s: int) -> None:
    every = tapes()
    cut_ns = int(every[0].ts_exch_ns[600])
    store = MemoryStore(*(tape.between(0, cut_ns) for tape in every))
    async with client_of(store) as (hub, socket):
        ask(socket, bars)
        while not frames(socket):
            await socket.wait_for(len(socket.sent) + 1)
        for commit in commits(every, cut_ns, lag_s * 10**9):
            store.append_many([(commit.trades, ())])
            hub.publish(commit)
            await asyncio.sleep(0)
        opens, answers = stored(store, bars)
        while differences(frames(socket), opens, answers):
            await asyncio.wait_for(socket.wait_for(len(socket.sent) + 1), 120)
    known = sum(not same(value, NONE) for value in answers["cvd_sum"].bars["cvd"].tolist())
    assert known > len(opens) // 2


async def test_a_symbol_that_is_silent_holds_nothing_back_until_the_next_bar_closes() -> None:
    own, other = (tape.between(0, int(tapes()[0].ts_exch_ns[600])) for tape in tapes()[:2])
    store = MemoryStore(own, other)
    async with client_of(store) as (hub, socket):
        ask(socket, "1h")
        while not frames(socket):
            await socket.wait_for(len(socket.sent) + 1)
        close_ns = (int(own.ts_exch_ns[-1]) // (3600 * 10**9) + 1) * 3600 * 10**9
        tick, first = int(own.price_tick[-1]), 10**6
        for number, at_ns in enumerate((close_ns - 10**9, close_ns + 10**9, close_ns + 4 * 10**9)):
            row = Trades.build(TEST, [at_ns], [tick], [1], [1], trade_id=[first + number], ts_recv_ns=[at_ns])
            store.append_many([(row, ())])
            hub.publish(Commit(TEST.key, row, (), at_ns))
            await asyncio.sleep(0)
        while not any(frame["kind"] == "studies_closed" and "cvd_sum" in frame["studies"] for frame in frames(socket)):
            await asyncio.wait_for(socket.wait_for(len(socket.sent) + 1), 120)
        [said] = [f for f in frames(socket) if f["kind"] == "studies_closed" and "cvd_sum" in f["studies"]]
        assert said["open_ns"].tolist() == [close_ns - 3600 * 10**9], "the bar behind it is open still"


async def test_a_gap_that_is_told_late_makes_its_bars_unknown_and_a_missing_symbol_is_said() -> None:
    every = tapes()[:2]
    store = MemoryStore(*every)
    async with client_of(store) as (hub, socket):
        ask(socket, "5m")
        while not frames(socket):
            await socket.wait_for(len(socket.sent) + 1)
        (answer,) = [json.loads(text) for text in socket.sent if isinstance(text, str) and '"subscribed"' in text]
        titles = {spec["label"]: spec["title"] for spec in answer["studies"]}
        assert titles["cvd_sum"].endswith(f"nothing is stored of {COIN.key}")
        assert {spec["label"]: spec["steps"] for spec in answer["studies"]}["cvd_against"] == {"base": "0.0002"}
        assert {spec["label"]: spec["steps"] for spec in answer["studies"]}["premium"] == {"price": "0.25"}
        before = told(frames(socket), "cvd_against", "others", final=True)
        at = list(before)[40]
        assert not same(before[at], NONE)
        gap = Gap(symbol=SPOT.key, from_ns=at + 10**9, to_ns=at + 2 * 10**9, cause="disconnect")
        store.append_many([(every[1].take(slice(0, 0)), (gap,))])
        hub.publish(Commit(SPOT.key, every[1].take(slice(0, 0)), (gap,), int(every[1].ts_recv_ns[-1])))
        while not same(told(frames(socket), "cvd_against", "others", final=True)[at], NONE):
            await socket.wait_for(len(socket.sent) + 1)
        after = told(frames(socket), "cvd_against", "others", final=True)
    assert same(after[list(before)[41]], before[list(before)[41]])


def test_each_study_counts_once_what_was_read_and_told() -> None:
    own, other = (tape.between(0, int(tapes()[0].ts_exch_ns[600])) for tape in tapes()[:2])
    early, late, fresh = (other.take(slice(len(other) - 90 + at, len(other) - 60 + at)) for at in (0, 30, 60))
    store, listeners = MemoryStore(own, other.take(slice(0, len(other) - 90))), list[Callable[[Commit], None]]()

    def listen(_key: str, listener: Callable[[Commit], None]) -> Callable[[], None]:
        listeners.append(listener)
        return lambda: None

    def tell(piece: Trades) -> None:
        for listener in listeners:
            listener(Commit(SPOT.key, piece, (), int(piece.ts_recv_ns[-1])))

    history, bars = History(store), build_footprint(own, "5m", 2)  # type: ignore[arg-type] - as much as is read
    asked = [StudyRequest(study="cvd_against", params={"symbols": SPOT.key, "quiet_s": s}) for s in (86_400, 1)]
    folds = [StudyFold(one.study, one.params) for one in asked]
    companions = Companions(listen, asked, TEST)
    companions.read(history, TEST, folds[:1], bars)
    store.append_many([(early, ()), (late, ())])
    tell(early)
    companions.read(history, TEST, folds[1:], bars.slice(len(bars) - 40, len(bars)))
    companions.begin(lambda _: None)
    tell(late)  # durable, and read by the second, before its turn came
    tell(fresh)
    begin_ns = int(early.ts_exch_ns[0])
    for tapes_of in companions.tapes:
        found = tapes_of.beside(begin_ns, 2**62).tapes[SPOT.key]
        assert found.ts_ns.tolist() == other.between(begin_ns, 2**62).ts_exch_ns.tolist()


async def test_a_symbol_whose_steps_become_finer_is_read_anew_and_stops_nobody() -> None:
    own, spot = tapes()[:2]
    store = MemoryStore(own, spot)
    hears: list[Callable[[Commit], None]] = []

    def listen(_key: str, hear: Callable[[Commit], None]) -> Callable[[], None]:
        hears.append(hear)
        return lambda: None

    requests = [StudyRequest(study="premium", params={"symbol": SPOT.key})]
    companions = Companions(listen, requests, TEST)
    companions.read(History(store), TEST, folds_of(requests), build_footprint(own, "5m", 2))  # type: ignore[arg-type]
    anew: list[int | None] = []
    companions.begin(anew.append)
    at = int(spot.ts_exch_ns[-1]) + 10**9
    trade = Trades.build(SPOT, [at], [100_001], [3], [1], trade_id=[10**6])
    hears[0](Commit(SPOT.key, trade, (), at))
    assert anew == [None]
    finer = msgspec.structs.replace(SPOT, tick_size=Decimal("0.001"))
    trade = Trades.build(finer, [at + 1], [100_001], [3], [1], trade_id=[10**6 + 1])
    hears[0](Commit(SPOT.key, trade, (), at + 1))
    assert len(anew) == 2
    assert anew[1] is not None, "in the old units it would have no price"


async def test_other_symbols_are_held_open_for_as_long_as_the_chart_is() -> None:
    held: list[tuple[str, str]] = []

    class Streams:
        async def open(self, key: str) -> str:
            held.append(("open", key))
            return key

        async def open_beside(self, keys: Sequence[str]) -> list[str]:
            return [await self.open(key) for key in keys]

        def close(self, key: str) -> None:
            held.append(("close", key))

    store = MemoryStore(*tapes())
    hub, socket = Hub(History(store), flush_s=0.0), FakeSocket()  # type: ignore[arg-type] - as much as is read
    task = asyncio.create_task(Session(hub, socket, Streams()).run())  # type: ignore[arg-type] - as much as is used
    ask(socket, "5m")
    ask(socket, "5m")
    while len([text for text in socket.sent if isinstance(text, str) and '"subscribed"' in text]) < 2:
        await socket.wait_for(len(socket.sent) + 1)
    socket.requests.put_nowait(None)
    await asyncio.wait_for(task, 60)
    hub.close()
    opened = sorted(key for what, key in held if what == "open")
    assert opened == sorted([TEST.key, SPOT.key, COIN.key] * 2)
    assert sorted(key for what, key in held if what == "close") == opened


async def test_a_chart_of_the_symbol_that_is_named_is_opened_and_says_so() -> None:
    store = MemoryStore(*tapes()[:1])
    async with client_of(store) as (_, socket):
        topic = {"symbol": TEST.key, "bars": "5m", "ticks_per_level": 2}
        studies = [{"study": "premium", "params": {"symbol": TEST.key}}, {"study": "cvd_sum"}]
        request = {"op": "subscribe", "id": 1, "topic": topic, "studies": studies, "history_bars": 100}
        socket.requests.put_nowait(json.dumps(request))
        while not frames(socket):
            await socket.wait_for(len(socket.sent) + 1)
        (answer,) = [json.loads(text) for text in socket.sent if isinstance(text, str) and '"subscribed"' in text]
    assert answer["studies"][0]["title"] == f"Premium to {TEST.key}: that is the chart's own symbol"
    assert all(same(value, NONE) for value in told(frames(socket), "premium", "points", final=False).values())
    assert any(not same(value, NONE) for value in told(frames(socket), "cvd_sum", "cvd", final=False).values())


async def test_a_chart_that_cannot_start_hears_no_other_symbol_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: object) -> None:
        raise NotStored("planted")

    monkeypatch.setattr("footloom.server.live.symbol_state.look_up", fail)
    async with client_of(MemoryStore(*tapes())) as (hub, _):
        request = TopicRequest(symbol=TEST.key, bars="1m", ticks_per_level=2)
        with pytest.raises(NotStored, match="planted"):
            await hub.open(request, 50, (StudyRequest(study="premium", params={"symbol": SPOT.key}),))
        assert not hub._symbols[SPOT.key].listeners
