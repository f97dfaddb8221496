"""Studies beside a live chart say of each final bar what they say in a batch over the whole tape."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest
from server_kit import TEST, FakeSocket, MemoryStore, make_tape

from footloom.core.footprint import BAR_FINAL
from footloom.core.trades import Trades
from footloom.engine.build import build_footprint
from footloom.engine.runs import bar_runs
from footloom.engine.studies import StudyFold, counting
from footloom.errors import ProtocolError
from footloom.feeds.flow import Commit
from footloom.server.clients.session import Session
from footloom.server.live.hub import Hub
from footloom.server.stored.history import History
from footloom.server.wire.codec import decode
from footloom.server.wire.studies import Told, decode_studies, encode_studies
from footloom.studies import NONE, Answer, study_names

pytestmark = pytest.mark.anyio

EVERY = [{"study": name} for name in study_names() if not name.startswith("_")]


@asynccontextmanager
async def client_of(store: MemoryStore) -> AsyncIterator[tuple[Hub, FakeSocket]]:
    hub, socket = Hub(History(store), flush_s=0.0), FakeSocket()  # type: ignore[arg-type] - as much as is read
    task = asyncio.create_task(Session(hub, socket).run())
    yield hub, socket
    socket.requests.put_nowait(None)
    await asyncio.wait_for(task, 60)
    hub.close()


def ask(socket: FakeSocket, studies: Sequence[dict[str, Any]], **more: Any) -> None:
    topic = {"symbol": TEST.key, "bars": "5m", "ticks_per_level": 2}
    request = {"op": "subscribe", "id": 1, "topic": topic, "studies": list(studies), "history_bars": 5_000, **more}
    socket.requests.put_nowait(json.dumps(request))


def frames(socket: FakeSocket) -> list[dict[str, Any]]:
    """Return the frames of studies that came, in the shape of the JSON twin."""
    found = []
    for data in socket.sent:
        if isinstance(data, bytes) and data[5] >= 5:
            found.append(decode_studies(data))
        elif isinstance(data, str) and '"kind":"studies' in data:
            found.append(json.loads(data))
    return found


async def until(socket: FakeSocket, true: Any) -> None:
    while not true():
        await socket.wait_for(len(socket.sent) + 1)


def batch(tape: Trades, studies: Sequence[dict[str, Any]]) -> dict[str, Answer]:
    """Return what studies say of every bar of a tape at once; the last one is left out: it is open."""
    folds = [StudyFold(one["study"], one.get("params"), one.get("label")) for one in studies]
    (*runs, last) = list(bar_runs([tape], "5m", 2, counting(folds)))
    assert len(last) == 1
    final = runs[0].with_flags(runs[0].bars.flags | BAR_FINAL)
    return {fold.label: fold.update(final) for fold in folds}


def folded(found: Sequence[dict[str, Any]], label: str, part: str, name: str) -> dict[int, Any]:
    """Return a column of final bars by the time of their open, from the frames of a client."""
    held: dict[int, Any] = {}
    for frame in found:
        if frame["kind"] == "studies_open":
            continue
        if frame["kind"] == "studies":
            held = {}
        opens, values = [int(at) for at in frame["open_ns"]], frame["studies"][label][part][name]
        held |= dict(zip(opens, values, strict=True))
    return held


@pytest.mark.parametrize("form", ["binary", "json"])
async def test_every_study_says_of_final_bars_what_a_batch_says(form: str) -> None:
    tape = make_tape(4_000, hours=8.0)
    store = MemoryStore(tape.take(slice(0, 2_000)))
    async with client_of(store) as (hub, socket):
        ask(socket, EVERY, format=form)
        await until(socket, lambda: bool(frames(socket)))
        for at in range(2_000, 4_000, 100):
            piece = tape.take(slice(at, at + 100))
            store.append_many([(piece, ())])
            hub.publish(Commit(TEST.key, piece, (), int(piece.ts_recv_ns[-1])))
            await asyncio.sleep(0)
        expected = batch(tape, EVERY)
        whole = build_footprint(tape, "5m", 2).bars.open_ns[:-1].tolist()
        # The last bar that closed is said when the next one has begun.
        await until(
            socket,
            lambda: any(int(f["open_ns"][-1]) == whole[-1] for f in frames(socket) if f["kind"] == "studies_closed"),
        )
        found = frames(socket)
    compared = 0
    for label, answer in expected.items():
        for name, column in answer.bars.items():
            mine = folded(found, label, "bars", name)
            for open_ns, value in zip(whole, column.tolist(), strict=True):
                got, undefined = mine[open_ns], value == NONE or value != value  # noqa: PLR0124 - NaN
                if undefined:
                    assert got is None or got != got or got == NONE, (label, name)  # noqa: PLR0124 - NaN
                elif isinstance(value, str):
                    assert got == value, (label, name)
                else:
                    assert float(got) == float(value), (label, name)
                compared += 1
    assert compared > 5_000


async def test_open_bar_is_looked_at_and_places_follow_each_other() -> None:
    tape = make_tape(3_000, hours=6.0)
    store = MemoryStore(tape.take(slice(0, 2_900)))
    async with client_of(store) as (hub, socket):
        ask(socket, [{"study": "delta"}, {"study": "vwap", "label": "mine"}])
        await until(socket, lambda: bool(frames(socket)))
        assert frames(socket)[0]["kind"] == "studies"
        for at in range(2_900, 3_000, 10):
            piece = tape.take(slice(at, at + 10))
            store.append_many([(piece, ())])
            hub.publish(Commit(TEST.key, piece, (), int(piece.ts_recv_ns[-1])))
            await asyncio.sleep(0.001)
        last_ns = int(build_footprint(tape, "5m", 2).bars.open_ns[-1])
        delta = float(build_footprint(tape, "5m", 2).bars.delta_lot[-1])

        def is_told() -> bool:
            opened = [one for one in frames(socket) if one["kind"] == "studies_open"]
            return bool(opened) and [
                int(opened[-1]["open_ns"][-1]),
                opened[-1]["studies"]["delta"]["bars"]["delta"][-1],
            ] == [last_ns, delta]

        await until(socket, is_told)
        seq = -1
        for data in socket.sent:
            if isinstance(data, bytes):
                seen = decode_studies(data) if data[5] >= 5 else vars_of(data)
                assert seen["prev_seq"] == seq, "each frame names the one before it"
                seq = seen["topic_seq"]
        answer = next(json.loads(one) for one in socket.sent if isinstance(one, str) and "subscribed" in one)
        assert [one["label"] for one in answer["studies"]] == ["delta", "mine"]
        assert answer["studies"][1]["study"] == "vwap"
        assert answer["studies"][1]["params"] != {}
        assert {output["name"] for output in answer["studies"][0]["outputs"]} != set()


def vars_of(data: bytes) -> dict[str, int]:
    frame = decode(data)
    return {"topic_seq": frame.topic_seq, "prev_seq": frame.prev_seq}


async def test_late_trade_makes_studies_be_read_anew() -> None:
    tape = make_tape(3_000, hours=6.0)
    late = tape.take(slice(2_000, 2_001))
    others = tape.take(np.r_[0:2_000, 2_001:3_000])
    store = MemoryStore(others)
    async with client_of(store) as (hub, socket):
        ask(socket, [{"study": "delta"}])
        await until(socket, lambda: bool(frames(socket)))
        store.append_many([(late, ())])
        hub.publish(Commit(TEST.key, late, (), int(tape.ts_recv_ns[-1]) + 1))
        expected = batch(tape, [{"study": "delta"}])["delta"].bars["delta"].tolist()
        opens = build_footprint(tape, "5m", 2).bars.open_ns[:-1].tolist()

        def is_whole() -> bool:
            found = folded(frames(socket), "delta", "bars", "delta")
            return [found.get(at) for at in opens] == expected

        await until(socket, is_whole)


@pytest.mark.parametrize(
    ("studies", "words"),
    [
        ([{"study": "weather"}], "no study is called 'weather'"),
        ([{"study": "vwap", "params": {"colour": 1}}], "has no setting colour"),
        ([{"study": "delta"}, {"study": "delta"}], "labelled delta"),
        ([{"study": "delta", "label": f"d{n}"} for n in range(33)], "at most 32"),
        ([{"study": "delta", "colour": 1}], "unknown field `colour`"),
    ],
)
async def test_studies_that_cannot_be_are_refused(studies: list[dict[str, Any]], words: str) -> None:
    async with client_of(MemoryStore(make_tape(500))) as (_, socket):
        ask(socket, studies)
        await until(socket, lambda: any(isinstance(one, str) and '"error"' in one for one in socket.sent))
        error = next(json.loads(one) for one in socket.sent if isinstance(one, str) and '"error"' in one)
        assert words in error["message"], error


def test_whole_numbers_above_2_53_are_refused_and_undefined_ones_travel() -> None:
    study = StudyFold("delta").study

    def told(value: int) -> Told:
        return Told(np.array([1]), np.array([0, 0]), {"delta": Answer({"delta": np.array([value])})})

    data = encode_studies(told(2**53), {"delta": study}, "studies_open", "binary", topic_id=3, topic_seq=4)
    assert isinstance(data, bytes)
    assert len(data) % 8 == 0
    assert decode_studies(data)["studies"]["delta"]["bars"]["delta"].tolist() == [2.0**53]
    empty = encode_studies(told(NONE), {"delta": study}, "studies_open", "binary", topic_id=3, topic_seq=4)
    assert isinstance(empty, bytes)
    assert np.isnan(decode_studies(empty)["studies"]["delta"]["bars"]["delta"][0])
    with pytest.raises(ProtocolError, match="delta holds 9007199254740993"):
        encode_studies(told(2**53 + 1), {"delta": study}, "studies_open", "binary", topic_id=3, topic_seq=4)
