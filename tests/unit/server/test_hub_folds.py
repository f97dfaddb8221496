"""A chart folds no more often than it shows: commits between two frames are folded at once, none is lost."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest
from server_kit import MemoryStore, make_tape
from test_hub_topics import Looker, after, commit, count, request, running, settled

from footloom.core.messages import Gap
from footloom.errors import ProtocolError
from footloom.server.live.topics import Topic
from footloom.server.wire.messages import StudyRequest

pytestmark = pytest.mark.anyio


def counted(topic: Topic, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Note the rows of each fold of a topic."""
    folds: list[int] = []
    plain = topic.builder.update

    def update(trades: Any, *more: Any) -> Any:
        folds.append(len(trades))
        return plain(trades, *more)

    monkeypatch.setattr(topic.builder, "update", update)
    return folds


async def test_commits_between_two_frames_are_folded_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    tape = make_tape(200, hours=0.1)
    store = MemoryStore(tape)
    async with running(store, flush_s=3600.0) as hub:
        topic = await hub.open(request(), 10)
        page = Looker()
        hub.join(topic, page)
        folds = counted(topic, monkeypatch)
        for number in range(1, 6):
            hub.publish(commit(after(tape, number, ids=(number,)), recorded=False))
        assert (folds, page.told.count("bar")) == ([1], 1), "the first at once, the others with the flush"
        assert count(topic) == 205, "who reads the bars has all of them"
        assert folds == [1, 4]
        topic._when_due()
        assert (folds, page.told.count("bar")) == ([1, 4], 2)


@pytest.mark.parametrize(("rows", "told"), [(40, ["event"] * 41), (400, ["resnapshot"])])
async def test_more_bars_than_anybody_follows_come_as_a_snapshot(rows: int, told: list[str]) -> None:
    """A chart of single trades would fill the event loop of all: whoever has it is given its newest bars at once."""
    tape = make_tape(200, hours=0.1)
    async with running(MemoryStore(tape), flush_s=0.0) as hub:
        topic = await hub.open(request("1t"), 10)
        page = Looker()
        hub.join(topic, page)
        burst = after(tape, *(0.001 * number for number in range(1, rows + 1)), ids=tuple(range(1, rows + 1)))
        hub.publish(commit(burst, recorded=False))
        assert [one for one in page.told if one != "bar"] == told
        assert count(topic) == 200 + rows
        frame = topic.builder.frame()
        assert frame is not None
        bars = frame.footprint.bars
        assert (bars.trades == 1).all()
        assert bars.open_ns[-rows:].tolist() == burst.ts_exch_ns.tolist()
        hub.publish(commit(after(tape, 60, ids=(rows + 1,)), recorded=False))
        assert [one for one in page.told if one != "bar"] == [*told, "event"], "and goes on with single bars"


async def test_studies_take_many_bars_that_end_at_once_and_are_not_read_anew() -> None:
    store, studies = MemoryStore(make_tape(200, hours=0.1)), (StudyRequest(study="vwap"), StudyRequest(study="delta"))

    def said(topic: Topic) -> list[list[float]]:
        opened = topic.builder.open_frame()
        assert topic.studies is not None
        told = topic.studies.held(500, None if opened is None else opened.footprint)
        assert told is not None
        columns = [column for answer in told.answers.values() for column in answer.bars.values()]
        return [told.open_ns.tolist(), *(np.nan_to_num(column).tolist() for column in columns)]

    async with running(store, flush_s=0.0) as hub:
        topic = await hub.open(request("1t"), 300, studies)
        page = Looker()
        hub.join(topic, page)
        burst = after(make_tape(200, hours=0.1), *(0.001 * k for k in range(1, 401)), ids=tuple(range(1, 401)))
        store.append_many([(burst, ())])
        hub.publish(commit(burst))
        assert [one for one in page.told if one != "bar"] == ["resnapshot"]
        assert topic.studies is not None
        assert (topic.studies.is_stale, topic.behind_ns, topic.refresh) == (False, None, None)
        async with running(store) as other:
            assert said(topic) == said(await other.open(request("1t"), 300, studies))


async def test_a_chart_with_studies_that_was_read_anew_is_not_read_once_more() -> None:
    async with running(MemoryStore(make_tape(200, hours=0.1))) as hub:
        topic = await hub.open(request(), 10, (StudyRequest(study="vwap"),))
        page = Looker()
        hub.join(topic, page)
        topic._doubt_studies(topic.first_ns)
        await hub._renew(topic)
        assert topic.studies is not None
        assert (topic.studies.is_stale, topic.behind_ns, page.told) == (False, None, ["resnapshot"])


async def test_a_row_waits_a_while_for_another_to_be_shown_with_it() -> None:
    tape = make_tape(200, hours=0.1)
    async with running(MemoryStore(tape), flush_s=3600.0) as hub:
        topic = await hub.open(request(), 10)
        page = Looker()
        hub.join(topic, page)
        for number in (1, 2):
            hub.publish(commit(after(tape, number, ids=(number,)), recorded=False))
        topic._next._left_s = float("-inf")  # an hour later: the next frame is due
        topic._next._until_s = asyncio.get_running_loop().time() + 3600.0
        topic._next._ring()
        assert page.told.count("bar") == 1, "the row has just come"
        topic._next._until_s = float("-inf")
        topic._next._ring()
        assert page.told.count("bar") == 2


async def test_a_gap_is_told_at_once_and_a_late_row_finds_the_rows_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    tape = make_tape(200, hours=0.1)
    store = MemoryStore(tape)
    async with running(store, flush_s=3600.0) as hub:
        topic = await hub.open(request(), 10)
        page = Looker()
        hub.join(topic, page)
        folds = counted(topic, monkeypatch)
        rows = [after(tape, number, ids=(number,)) for number in (1, 2, 4)]
        for one in rows:
            store.append_many([(one, ())])
            hub.publish(commit(one))
        gap = Gap(symbol="ABC", from_ns=int(rows[1].ts_exch_ns[0]) + 1, to_ns=int(rows[2].ts_exch_ns[0]), cause="lost")
        store.append_many([(after(tape, 5, ids=(5,)), ())])
        hub.publish(commit(after(tape, 5, ids=(5,)), gaps=(gap,)))
        assert folds == [1, 3]
        assert "event" in page.told, "a gap does not wait"
        late = after(tape, 3, ids=(3,))
        store.append_many([(late, ())])
        hub.publish(commit(late))
        await settled(topic)
        assert count(topic) == 205


async def test_who_asks_in_a_thread_for_what_is_in_no_store_makes_no_symbol() -> None:
    async with running(MemoryStore(make_tape(200, hours=0.1))) as hub:
        assert hub._unrecorded("nowhere:X", "trade") == []
        assert not hub._symbols, "the event loop may be going through them just now"


async def test_a_frame_that_cannot_be_made_when_its_time_comes_ends_the_chart_in_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tape = make_tape(200, hours=0.1)
    async with running(MemoryStore(tape), flush_s=3600.0) as hub:
        topic = await hub.open(request(), 10)
        page = Looker()
        hub.join(topic, page)
        hub.publish(commit(after(tape, 1, ids=(1,)), recorded=False))
        gap = Gap(symbol="ABC", from_ns=0, to_ns=1, cause="lost")
        hub.publish(commit(after(tape, 2, ids=(2,)), recorded=False, gaps=(gap,)))  # folded, and not shown yet

        def too_large(*_: Any) -> Any:
            raise ProtocolError("a number that the wire cannot carry")

        monkeypatch.setattr(topic, "_frame", too_large)
        topic._when_due()
        assert topic.ended is not None
        assert page.told[-1] == "drop: a number that the wire cannot carry"
