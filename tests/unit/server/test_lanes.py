"""Threads of live charts: long reads hold up neither look-ups nor late rows."""

from __future__ import annotations

import asyncio
import threading

import pytest

from footloom.errors import NotStored
from footloom.server.live.lanes import fold_late, look_up, read_chart

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


async def test_errors_come_back_to_who_asked() -> None:
    def fail() -> None:
        raise NotStored("nothing")

    for lane in (read_chart, look_up, fold_late):
        with pytest.raises(NotStored, match="nothing"):
            await lane(fail)
