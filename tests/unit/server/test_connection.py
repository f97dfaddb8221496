"""The small stand-ins for a queue and an event that each connection has: they do what those do."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from footloom.server.clients.connection import LitestarSocket, _Gate, _Inbox
from footloom.server.wire.frames import Message

pytestmark = pytest.mark.anyio


async def test_an_inbox_gives_what_came_in_order_and_waits() -> None:
    inbox = _Inbox()
    assert inbox.empty()
    reader = asyncio.create_task(inbox.get())
    await asyncio.sleep(0)
    assert not reader.done()
    for number in range(3):
        inbox.put_nowait(number)
    assert await reader == 0
    assert [await inbox.get(), await inbox.get()] == [1, 2]
    assert inbox.empty()


async def test_a_reader_that_was_cancelled_takes_nothing_along() -> None:
    inbox = _Inbox()
    reader = asyncio.create_task(inbox.get())
    await asyncio.sleep(0)
    reader.cancel()
    await asyncio.wait({reader})
    inbox.put_nowait("kept")
    assert await inbox.get() == "kept"
    late = asyncio.create_task(inbox.get())
    await asyncio.sleep(0)
    inbox.put_nowait("also kept")
    late.cancel()  # in the very turn in which something came
    await asyncio.wait({late})
    assert late.cancelled()
    assert await inbox.get() == "also kept"


async def test_a_gate_lets_all_through_when_it_opens() -> None:
    gate = _Gate()
    assert gate.is_set()
    await gate.wait()
    gate.clear()
    assert not gate.is_set()
    waiting = [asyncio.create_task(gate.wait()) for _ in range(3)]
    await asyncio.sleep(0)
    assert not any(task.done() for task in waiting)
    gate.set()
    await asyncio.wait_for(asyncio.gather(*waiting), 60)
    assert gate.is_set()
    gate.clear()
    again = asyncio.create_task(gate.wait())
    await asyncio.sleep(0)
    assert not again.done()
    gate.set()
    await asyncio.wait_for(again, 60)


@pytest.mark.parametrize("fault", [RuntimeError("the handler is closed"), BrokenPipeError(32, "Broken pipe"), None])
def test_a_connection_that_breaks_while_a_frame_goes_to_all_takes_none_and_says_so(fault: Exception | None) -> None:
    taken: list[Message] = []

    def offer(message: Message) -> bool:
        if fault is not None:
            raise fault
        taken.append(message)
        return True

    scope = {"extensions": {"footloom.connection": SimpleNamespace(offer=offer, evicted=False)}}
    wire: Any = SimpleNamespace(scope=scope)
    assert LitestarSocket(wire).offer(Message("x")) is (fault is None)
    assert len(taken) == (fault is None)
    assert not LitestarSocket(SimpleNamespace(scope={})).offer(Message("x"))  # type: ignore[arg-type] - another server's
