"""Fresh books: each symbol's is fetched on its own, whatever becomes of the others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from footloom.core.book import Chain
from footloom.errors import Unreachable
from footloom.feeds._chores import Chores

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Book:
    """One that wants a snapshot until it has as many as it needs."""

    def __init__(self, needs: int = 1) -> None:
        self.needs, self.got, self.breaks = needs, list[str](), 1

    @property
    def wants_snapshot(self) -> bool:
        return len(self.got) < self.needs

    def add(self, update: str) -> None:
        self.got.append(update)


class Clock:
    """Nobody waits; how long they would have is remembered, and has passed."""

    def __init__(self) -> None:
        self.waited: list[float] = []

    def monotonic_ns(self) -> int:
        return int(sum(self.waited) * 1e9)

    async def sleep(self, seconds: float) -> None:
        self.waited.append(seconds)
        await asyncio.sleep(0)


class Venue:
    VENUE = "venue"
    BOOK = Chain.RANGE

    def book_snapshot(self, name: str, _bases: object) -> str:
        return name

    def read_book(self, document: str, _name: str, _now_ns: int) -> str:
        return document


@asynccontextmanager
async def keeping(books: dict[str, Book], fetch: Any) -> AsyncIterator[tuple[Chores, Clock]]:
    symbols: Any = {name: SimpleNamespace(book=book, key=f"venue:{name}") for name, book in books.items()}
    clock: Any = Clock()
    chores = Chores(
        venue=Venue(), bases=SimpleNamespace(), symbols=symbols, fetch=fetch, send=lambda *_: None,
        take=lambda _: None, clock=clock, now_ns=lambda: 0, trouble={},
    )  # fmt: skip
    running = asyncio.create_task(chores.keep_books())
    chores.book_broken.set()
    try:
        yield chores, clock
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not holds():  # noqa: ASYNC110 - a turn of the loop each
            await asyncio.sleep(0)


async def test_a_book_that_cannot_be_had_holds_up_no_other() -> None:
    hangs, asked = asyncio.Event(), list[str]()
    books = {"A": Book(), "B": Book(), "C": Book()}

    async def fetch(name: str, _share: float) -> str:
        asked.append(name)
        if name == "A":
            await hangs.wait()
        if name == "B" and asked.count("B") < 3:
            raise Unreachable("nobody answers")
        return f"book of {name}"

    async with keeping(books, fetch) as (chores, _):
        await until(lambda: not books["C"].wants_snapshot and not books["B"].wants_snapshot)
        assert asked == ["A", "B", "C", "B", "B"]
        books["C"].needs = 2  # it breaks again while A still hangs
        chores.book_broken.set()
        await until(lambda: len(books["C"].got) == 2)
        assert asked.count("A") == 1, "one is under way"
        hangs.set()
        await until(lambda: books["A"].got == ["book of A"])


async def test_a_snapshot_that_does_not_help_is_asked_for_ever_later() -> None:
    book = Book(needs=9)

    async def fetch(name: str, _share: float) -> str:
        return name

    async with keeping({"A": book}, fetch) as (_, clock):
        await until(lambda: not book.wants_snapshot)
        await until(lambda: len(clock.waited) == 9)

    assert clock.waited == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]


async def test_holes_that_keep_coming_are_mended_once_a_second_and_a_single_one_at_once() -> None:
    class Mended:
        unfinished = False

        def __init__(self) -> None:
            self.asked, self.passes = asyncio.Event(), 0

        async def after_connecting(self) -> None:
            self.passes += 1
            if self.passes < 9:
                self.asked.set()  # the next hole

        async def look_back(self) -> None:
            pass

    repair: Any = Mended()
    async with keeping({}, None) as (chores, clock):
        running = asyncio.create_task(chores.keep_mending("A", repair))
        repair.asked.set()
        await until(lambda: repair.passes == 9)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    assert clock.waited == [3.0, 0.0, 0.0, 3.0, 0.0, 0.0]


async def test_nothing_is_called_missing_that_waits_to_be_read() -> None:
    behind, audited = iter([0.0, 8.0, 7.0, 30.0, 0.2]), list[float]()
    done, clock = asyncio.Event(), Clock()

    def behind_s() -> float:
        now = next(behind, None)
        if now is None:
            done.set()
            return 99.0
        audited.append(now)
        return now

    class Audited:
        async def audit(self) -> None:
            audited.append(-1.0)

    repairs: Any = {"A": (Audited(),)}
    async with keeping({}, None) as (chores, _):
        chores.clock = clock  # type: ignore[assignment] # as much of one as it needs
        running = asyncio.create_task(chores.keep_auditing(repairs, 15.0, behind_s))
        await done.wait()
        running.cancel()

    assert audited == [0.0, -1.0, 8.0, 7.0, -1.0, 30.0, 0.2, -1.0]


async def test_a_fault_of_ours_ends_the_feed_and_is_not_swallowed() -> None:
    async def fetch(_name: str, _share: float) -> str:
        raise ZeroDivisionError

    async with keeping({"A": Book()}, fetch) as (chores, _):
        task = next(one for one in asyncio.all_tasks() if "keep_books" in repr(one.get_coro()))
        await until(lambda: chores.book_broken.is_set() or not task.done())
        for _ in range(10):
            await asyncio.sleep(0)
        chores.book_broken.set()
        await until(task.done)
        with pytest.raises(ZeroDivisionError):
            task.result()
