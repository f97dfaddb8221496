"""Streams beside charts, the pace of a client, and the server's own measures."""

from __future__ import annotations

import asyncio
import json
import threading
from dataclasses import dataclass, field
from typing import Any

import pytest
from server_kit import TEST, FakeSocket, MemoryStore, make_tape

from footloom.core.series import Series
from footloom.core.trades import Trades
from footloom.errors import TooMuch
from footloom.feeds.flow import Commit
from footloom.server.clients.allowance import Limits, Pace
from footloom.server.clients.session import Session
from footloom.server.live.hub import Hub
from footloom.server.live.measures import Measures
from footloom.server.live.sides import Side, _trade_rows
from footloom.server.stored.history import History
from footloom.server.wire.frames import Frame
from footloom.server.wire.messages import SideName, StreamRequest

pytestmark = pytest.mark.anyio

NS = 10**9


@dataclass(eq=False)
class Reader:
    """A subscriber that keeps what it is posted."""

    states: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)

    @property
    def client(self) -> Any:
        return self

    def post_state(self, key: object, frame: Frame) -> None:
        assert key
        self.states.append(json.loads(frame.data("json")))

    def post_event(self, frame: Frame, *, ends_ns: int | None = None) -> None:
        assert ends_ns is None
        self.events.append(json.loads(frame.data("json")))


def side_of(name: SideName) -> tuple[Side, Reader]:
    side, reader = Side(3, TEST.key, name, []), Reader()
    side.readers.add(reader)
    return side, reader


def rows(*ids: int, tape: str = "trade", tick: int = 101) -> Trades:
    count = len(ids)
    times = [number * NS for number in ids]
    return Trades.build(
        TEST, times, [tick] * count, [1_500] * count, [-1] * count, trade_id=ids, ts_recv_ns=times, tape=tape
    )


def commit(trades: Trades, **more: Any) -> Commit:
    return Commit(TEST.key, trades, (), 1, **more)


def test_last_price_is_the_newest_by_its_time_and_a_late_print_is_not() -> None:
    side, reader = side_of("last")
    side.apply(commit(rows(5, 6)))
    side.apply(commit(rows(4, tick=999)))  # late
    side.apply(commit(rows()))
    side.apply(commit(rows(7, tick=103)))
    assert [state["rows"] for state in reader.states] == [
        [{"ts_ns": str(6 * NS), "price": "50.5", "qty": "1.500", "side": -1}],
        [{"ts_ns": str(7 * NS), "price": "51.5", "qty": "1.500", "side": -1}],
    ]
    assert [state["topic_seq"] for state in reader.states] == [1, 2]
    assert reader.events == []


def test_each_liquidation_is_an_event() -> None:
    side, reader = side_of("liquidations")
    for number in range(1, 4):
        logs = (rows(number, number + 100, tape="liquidation"),)
        side.apply(commit(rows(), logs=logs))
    assert [len(event["rows"]) for event in reader.events] == [2, 2, 2]
    assert reader.states == []
    assert len(side.rows) == 6


async def test_funding_and_open_interest_say_what_the_venue_said() -> None:
    mark = Series.build(TEST, "mark", [NS], mark_e8=[5_012_345_000_000], rate_e8=[10_000], next_ns=[9 * NS])
    interest = Series.build(TEST, "open_interest", [2 * NS], oi_lot=[1_234_500])
    for name, series, expected in (
        (
            "funding",
            mark,
            {"mark": "50123.45", "index": None, "rate": "0.0001", "next_ns": str(9 * NS), "ts_ns": str(NS)},
        ),
        ("open_interest", interest, {"quantity": "1234.500", "ts_ns": str(2 * NS)}),
    ):
        side, reader = side_of(name)  # type: ignore[arg-type]
        side.apply(commit(rows(), series=(mark, interest)))
        assert series in (mark, interest)
        assert reader.states[0]["rows"] == [expected]
        snapshot = json.loads(await side.snapshot(1))
        assert (snapshot["kind"], snapshot["rows"]) == ("snapshot", [expected])


async def test_stream_is_subscribed_by_name_and_starts_with_what_is_stored() -> None:
    tape = make_tape(50)
    hub, socket = Hub(History(MemoryStore(tape))), FakeSocket()  # type: ignore[arg-type] - as much as is read
    task = asyncio.create_task(Session(hub, socket).run())
    for number, name in ((1, "last"), (2, "weather")):
        request = {"op": "subscribe", "id": number, "stream": {"symbol": TEST.key, "name": name}}
        socket.requests.put_nowait(json.dumps(request))
    socket.requests.put_nowait(json.dumps({"op": "subscribe", "id": 3}))

    def said() -> list[dict[str, Any]]:
        return [json.loads(one) for one in socket.sent]

    while not ({"error", "stream"} <= {one["type"] for one in said()} and len(said()) >= 5):
        await socket.wait_for(len(socket.sent) + 1)
    snapshot = next(one for one in said() if one["type"] == "stream")
    assert snapshot["rows"][0]["ts_ns"] == str(int(tape.ts_exch_ns[-1]))
    assert (snapshot["topic_seq"], snapshot["prev_seq"]) == (0, -1)
    errors = [one["message"] for one in said() if one["type"] == "error"]
    assert any("weather" in text or "enum" in text for text in errors)
    assert any("name either a topic or a stream" in text for text in errors)
    socket.requests.put_nowait(None)
    await asyncio.wait_for(task, 60)
    hub.close()


def test_pace_saves_up_a_second_and_then_waits() -> None:
    pace = Pace(10.0)
    assert [pace.wait_s(100.0) for _ in range(10)] == [0.0] * 10
    assert pace.wait_s(100.0) == pytest.approx(0.1)
    assert pace.wait_s(102.0) == 0.0, "two seconds later all is forgiven"
    assert [Pace(0.0).wait_s(1.0) for _ in range(99)] == [0.0] * 99


def test_limits_say_what_is_too_much() -> None:
    limits = Limits(subscriptions=2, history_bars=100)
    limits.check(1, 100)
    with pytest.raises(TooMuch, match="holds 2 of 2 subscriptions"):
        limits.check(2, 1)
    with pytest.raises(TooMuch, match="history_bars is 101, at most 100"):
        limits.check(0, 101)


async def test_client_that_talks_too_fast_waits_and_others_do_not() -> None:
    hub, socket = Hub(History(MemoryStore(make_tape(50)))), FakeSocket()  # type: ignore[arg-type] - as much as is read
    task = asyncio.create_task(Session(hub, socket, limits=Limits(messages_per_s=5.0)).run())
    for _ in range(7):
        socket.requests.put_nowait('{"op":"unsubscribe","topic_id":9}')
    await socket.wait_for(9)
    codes = [json.loads(one).get("code") for one in socket.sent[1:]]
    assert "too_much" in codes
    assert codes.count("protocol_error") >= 5
    socket.requests.put_nowait(None)
    await asyncio.wait_for(task, 60)
    hub.close()


def test_measures_count_and_time() -> None:
    measures = Measures()
    measures.note_frame(100, None)
    measures.note_frame(50, (0, 1))
    figures = {one.name: one.value for one in measures.figures()}
    assert (figures["frames_total"], figures["frame_bytes_total"]) == (2, 150)
    assert [spread.count for _, _, spread in measures.spreads()] == [0, 1, 1]


async def test_what_comes_while_a_stream_is_read_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    hub = Hub(History(MemoryStore(make_tape(100))))
    loop = asyncio.get_running_loop()
    stored = [row for log in (rows(1, tape="liquidation"), rows(2, tape="liquidation")) for row in _trade_rows(log)]

    def reading(*_asked: object) -> list[dict[str, Any]]:
        done = threading.Event()

        def publish() -> None:
            for number in (2, 3):  # the one is among what is read, the other is not
                log = rows(number, tape="liquidation")
                hub.publish(Commit(TEST.key, rows(), (), 0, logs=(log,)))
            done.set()

        loop.call_soon_threadsafe(publish)
        assert done.wait(60)
        return stored

    monkeypatch.setattr("footloom.server.live.stream_opening.stored_rows", reading)
    side = await hub._open_stream(TEST.key, StreamRequest(symbol=TEST.key, name="liquidations"))
    assert [row["ts_ns"] for row in side.rows] == [str(number * NS) for number in (1, 2, 3)]


async def test_names_that_nobody_knows_leave_nothing_behind() -> None:
    hub = Hub(History(MemoryStore(make_tape(100))))
    for number in range(50):
        key, reader = f"test:N{number}", Reader()
        side = await hub._open_stream(key, StreamRequest(symbol=key, name="last"))
        hub.join(side, reader)
        hub.leave(side, reader)
    assert not hub._symbols
