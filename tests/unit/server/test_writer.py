"""One place writes: opened for the first, sealed after the last, and never left open or half open."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from server_kit import make_tape

from footloom.core.trades import Trades
from footloom.errors import StoreLocked
from footloom.server.live.writer import Writer
from footloom.store.files import Store

pytestmark = pytest.mark.anyio

_HOLDER = """
import sys
from pathlib import Path
from footloom.store.files import Store
with Store(Path(sys.argv[1]), writer=True):
    print("holds", flush=True)
    sys.stdin.read()
"""


def _writer(root: Path) -> Writer:
    return Writer(lambda: Store(root, writer=True))


@contextlib.contextmanager
def _other_process(root: Path) -> Iterator[int]:
    with subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "holds\n"
        try:
            yield process.pid
        finally:
            process.communicate()


async def test_first_lease_opens_and_last_one_seals(tmp_path: Path) -> None:
    writer, tape = _writer(tmp_path), make_tape(100)
    assert writer.store is None
    async with writer.lease() as first:
        first.put_instrument(tape.instrument)
        first.append(tape)
        async with writer.lease() as second:
            assert second is first
        assert writer.store is first, "somebody still writes"
    assert writer.store is None
    with Store(tmp_path, writer=True) as again:  # the lock is free
        assert [row.parts for row in again.coverage()] != [], "the journal was sealed into parts"
        assert all(row.parts for row in again.coverage())
        found = again.load(tape.instrument.key, "trade", -(2**62), 2**62)
    assert isinstance(found, Trades)
    assert found.trade_id.tolist() == tape.trade_id.tolist()


async def test_store_that_was_closed_opens_again(tmp_path: Path) -> None:
    seen: list[Store] = []
    writer = Writer(lambda: Store(tmp_path, writer=True), seen.append)
    for _ in range(2):
        async with writer.lease():
            pass
    assert len(seen) == 2
    assert seen[0] is not seen[1]


async def test_holder_is_named_and_nothing_stays_open(tmp_path: Path) -> None:
    writer = _writer(tmp_path)
    with _other_process(tmp_path) as pid:
        with pytest.raises(StoreLocked, match=f"process {pid} "):
            async with writer.lease():
                pass
        assert (writer.store, writer.leases) == (None, 0)
    async with writer.lease() as store:
        assert store.coverage() == []


async def test_many_at_once_share_one_opening(tmp_path: Path) -> None:
    opened: list[Store] = []
    writer = Writer(lambda: Store(tmp_path, writer=True), opened.append)
    inside, go = asyncio.Semaphore(0), asyncio.Event()

    async def work() -> None:
        async with writer.lease():
            inside.release()
            await go.wait()

    tasks = [asyncio.create_task(work()) for _ in range(10)]
    for _ in tasks:
        await inside.acquire()
    assert (len(opened), writer.leases) == (1, 10)
    go.set()
    await asyncio.gather(*tasks)
    assert (writer.store, writer.leases) == (None, 0)


async def test_cancelled_while_it_opens_leaves_nothing_open(tmp_path: Path) -> None:
    began, go = threading.Event(), threading.Event()

    def slowly() -> Store:
        began.set()
        go.wait(30)
        return Store(tmp_path, writer=True)

    writer = Writer(slowly)

    async def work() -> None:
        async with writer.lease():
            pytest.fail("it was cancelled before")

    task = asyncio.create_task(work())
    await asyncio.to_thread(began.wait, 30)
    task.cancel()
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (writer.store, writer.leases) == (None, 0)
    Store(tmp_path, writer=True).close()  # the lock is free


async def test_cancelled_twice_while_it_opens_leaves_nothing_open(tmp_path: Path) -> None:
    began, go = threading.Event(), threading.Event()

    def slowly() -> Store:
        began.set()
        go.wait(30)
        return Store(tmp_path, writer=True)

    writer = Writer(slowly)

    async def work() -> None:
        async with writer.lease():
            pytest.fail("it was cancelled before")

    task = asyncio.create_task(work())
    await asyncio.to_thread(began.wait, 30)
    for _ in range(3):
        task.cancel()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert not task.done(), "it waits for what it has begun"
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (writer.store, writer.leases) == (None, 0)
    Store(tmp_path, writer=True).close()  # the lock is free


async def test_server_that_writes_all_the_time_keeps_it_open(tmp_path: Path) -> None:
    writer = _writer(tmp_path)
    with writer.held() as store:
        async with writer.lease() as lent:
            assert lent is store
        assert writer.store is store
    assert writer.store is None
