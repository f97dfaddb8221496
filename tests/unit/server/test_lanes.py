"""Threads of live charts: long reads hold up neither look-ups nor late rows."""

from __future__ import annotations

import asyncio
import threading
from functools import partial

import pytest

from footloom.errors import NotStored
from footloom.server.live.lanes import _Turns, fold_late, look_up, read_chart

pytestmark = pytest.mark.anyio


async def test_what_is_short_is_done_while_long_reads_wait() -> None:
    go_on = threading.Event()
    try:
        reading = [asyncio.create_task(read_chart(go_on.wait)) for _ in range(12)]  # more than there are threads
        assert await look_up(lambda text: text.upper(), "a") == "A"
        assert await fold_late(sum, [1, 2]) == 3
        assert not any(task.done() for task in reading)
    finally:
        go_on.set()
    assert all(await asyncio.gather(*reading))


def test_who_opens_many_charts_waits_for_itself() -> None:
    turns, begun, go_on, done = _Turns(1, "test"), threading.Event(), threading.Event(), list[str]()

    def hold() -> None:
        begun.set()
        go_on.wait()

    held = turns.submit(9, hold)
    assert begun.wait(60)
    asked = [turns.submit(1, partial(done.append, f"many {number}")) for number in range(5)]
    asked += [turns.submit(asker, partial(done.append, f"one {asker}")) for asker in (2, 3)]
    given_up = turns.submit(2, partial(done.append, "nobody waits"))
    assert given_up.cancel()
    go_on.set()
    for one in (held, *asked):
        one.result(60)
    assert done == ["many 4", "one 3", "many 3", "one 2", "many 2", "many 1", "many 0"]


async def test_errors_come_back_to_who_asked() -> None:
    def fail() -> None:
        raise NotStored("nothing")

    for lane in (read_chart, look_up, fold_late):
        with pytest.raises(NotStored, match="nothing"):
            await lane(fail)
