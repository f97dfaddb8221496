"""The path of a live row: durable before it is shown, in group commits; what happens when the journal fails."""

from __future__ import annotations

import dataclasses
import errno
import logging
import threading
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import msgspec
import numpy as np
import pytest

from footloom.core.gaps import open_gaps
from footloom.core.instrument import Instrument
from footloom.core.messages import Gap
from footloom.core.snapshots import Snapshots
from footloom.core.trades import Trades
from footloom.errors import CorruptPart, StoreError, UnknownSymbol
from footloom.feeds import _line as line_module
from footloom.feeds import live as live_module
from footloom.feeds._line import Line, size_of
from footloom.feeds.flow import Arrival
from footloom.feeds.live import Journal, WallPacer, commits, live

pytestmark = pytest.mark.anyio

TEST = Instrument(venue="test", symbol="ABC", tick_size=Decimal("0.5"), lot_size=Decimal("0.001"))


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def rows(*ids: int) -> Trades:
    return Trades.build(
        TEST, [i * 100 for i in ids], [5 for _ in ids], [1 for _ in ids], [1 for _ in ids], trade_id=ids, ts_recv_ns=ids
    )


@dataclass
class Disk:
    """A store that notes what became durable, and in which thread; ``broken`` refuses."""

    broken: bool = False
    damaged: str = ""
    taken: tuple[int, int] | None = None  # by a file without ids: no block may touch it
    kept: list[int] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    commits: int = 0
    threads: set[str] = field(default_factory=set)

    def append_many(self, items: Sequence[tuple[Trades | Snapshots, Sequence[Gap]]]) -> int:
        if self.broken:
            raise StoreError("no space left on device: free some room") from OSError(errno.ENOSPC, "no space left")
        if any(isinstance(block, Trades) and np.any(block.qty_lot == 0) for block, _ in items):
            raise StoreError("a quantity of 0 lots")
        if any(block.instrument.symbol == self.damaged for block, _ in items):
            raise CorruptPart("a manifest is damaged")
        if self.taken is not None and any(self._touches(block) for block, _ in items if isinstance(block, Trades)):
            raise StoreError("rows overlap a file")
        self.commits += 1
        self.threads.add(threading.current_thread().name)
        for block, gaps in items:
            assert isinstance(block, Trades)
            self.kept += block.trade_id.tolist()
            self.gaps += gaps
        return len(self.kept)

    def _touches(self, block: Trades) -> bool:
        ts, (first, last) = block.ts_exch_ns, self.taken or (1, 0)
        return bool(len(ts)) and int(ts.min()) <= last and int(ts.max()) >= first


@dataclass
class Script:
    """A source and its pacer: the market's times with what arrives at each."""

    steps: list[tuple[int, list[Arrival]]]

    async def receive(self, until_ns: int) -> Sequence[Arrival]:
        return next(arrivals for at_ns, arrivals in self.steps if at_ns == until_ns)

    async def ticks(self) -> AsyncIterator[int]:
        for at_ns, _ in self.steps:
            yield at_ns


def step(at_ns: int, *ids: int, gaps: tuple[Gap, ...] = ()) -> tuple[int, list[Arrival]]:
    return at_ns, [Arrival(TEST.key, rows(*ids), rows(*ids), at_ns, gaps, (4, 6))]


async def test_rows_are_durable_before_they_are_shown() -> None:
    disk = Disk()
    script = Script([step(10, 1, 2), step(20, 3), step(30, 4, 5)])
    journal = Journal(disk)
    seen = []
    async for batch in live(script, journal, script):
        for commit in batch:
            seen += commit.trades.trade_id.tolist()
            assert disk.kept == seen, "what is shown is what is stored, no more and no less"
            assert (commit.recorded, commit.quote) == (True, (4, 6))
    journal.close()
    assert seen == [1, 2, 3, 4, 5]
    assert disk.commits == 3
    assert all(name.startswith("journal") for name in disk.threads), "never on the event loop"


async def test_time_is_told_without_rows_but_not_on_every_tick() -> None:
    disk = Disk()
    script = Script([step(at) for at in range(1, 22)])
    marks = [commit.watermark_ns async for batch in live(script, Journal(disk), script) for commit in batch]
    assert marks == [7, 14, 21]
    assert disk.commits == 0, "nothing to record"


async def test_a_gap_without_rows_is_recorded_and_told() -> None:
    gap = Gap(symbol="ABC", from_ns=1, to_ns=9, cause="connection lost")
    disk = Disk()
    script = Script([step(10, gaps=(gap,))])
    told = [commit.gaps async for batch in live(script, Journal(disk), script) for commit in batch]
    assert told == [(gap,)]
    assert disk.gaps == [gap]


async def test_when_the_journal_fails_the_picture_goes_on_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    disk = Disk()
    script = Script([step(10, 1), step(20, 2), step(30, 3), step(40, 4)])
    recorded = []
    with caplog.at_level(logging.WARNING):
        async for batch in live(script, Journal(disk), script):
            recorded.append(batch[0].recorded)
            disk.broken = batch[0].watermark_ns in {10, 20}
    assert recorded == [True, False, False, True]
    assert disk.kept == [1, 2, 3, 4], "rows that waited are stored first, in order, once"
    assert [r.getMessage() for r in caplog.records] == [
        "not recorded from here on: no space left on device: free some room; trying again and again",
        "recording again: everything that waited is stored",
    ]


async def test_tries_that_fail_and_cost_much_leave_the_interpreter_to_the_market() -> None:
    @dataclass
    class Dear(Disk):
        tries: int = 0

        def append_many(self, items: Sequence[tuple[Trades | Snapshots, Sequence[Gap]]]) -> int:
            self.tries += 1
            until_s = time.thread_time() + (0.03 if self.broken else 0.0)
            while time.thread_time() < until_s:
                pass
            return super().append_many(items)

    disk = Dear(broken=True)
    journal = Journal(disk)
    for number in range(1, 41):
        assert not await journal.append(step(number, number)[1])
    assert disk.tries < 40
    disk.broken = False
    await journal.closed()
    assert disk.kept == list(range(1, 41)), "what waits is tried once more at the end"

    alone = Disk(broken=True)
    journal = Journal(alone)
    assert not await journal.append(step(1, 1)[1])
    alone.broken = False
    await journal.closed()
    assert alone.kept == [1]


async def test_without_a_journal_nothing_is_recorded_and_commits_say_so() -> None:
    script = Script([step(10, 1)])
    assert [c.recorded async for batch in live(script, None, script) for c in batch] == [False]


async def test_the_wall_pacer_runs_as_fast_as_asked() -> None:
    pacer = WallPacer(1_000_000, speed=1_000.0, interval_s=0.001)
    ticks = pacer.ticks()
    first, second = await anext(ticks), await anext(ticks)
    await ticks.aclose()  # type: ignore[attr-defined] - it is a generator
    assert 1_000_000 < first < second
    assert second - first >= 0.001 * 1e9 * 1_000 * 0.5


async def test_a_symbol_without_a_feed_is_refused_with_those_that_have_one() -> None:
    with pytest.raises(UnknownSymbol, match=r"binance_usdm:BTCUSDT has no live feed.*sim:PERP"):
        await anext(commits("binance_usdm:BTCUSDT"))


def arrival(trades: Trades) -> list[Arrival]:
    return [Arrival(trades.instrument.key, trades, trades, 0)]


async def test_a_block_that_the_store_refuses_is_set_aside_and_the_others_are_recorded(
    caplog: pytest.LogCaptureFixture,
) -> None:
    disk = Disk()
    journal = Journal(disk)
    bad = Trades.build(TEST, [250], [5], [0], [1], trade_id=[77], ts_recv_ns=[250])
    assert await journal.append(arrival(rows(1)))
    assert not await journal.append([*arrival(rows(2)), *arrival(bad), *arrival(rows(3))])
    assert await journal.append(arrival(rows(4)))
    assert (disk.kept, journal.losses.refused, journal.recorded) == ([1, 2, 3, 4], 1, True)
    assert journal.rows == len(disk.kept)
    assert [(gap.from_ns, gap.to_ns, gap.missing) for gap in disk.gaps] == [(250, 251, 1)]
    assert "1 rows of test:ABC are set aside, not recorded: a quantity of 0 lots" in caplog.text
    script = Script([(10, arrival(rows(5)))])
    assert [c.losses.refused async for batch in live(script, journal, script) for c in batch] == [1]


async def test_rows_that_are_given_up_leave_a_gap(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(live_module, "_PENDING_BYTES", 3 * size_of((rows(1), ())))
    disk = Disk(broken=True)
    journal = Journal(disk)
    for number in range(1, 8):
        assert not await journal.append(arrival(rows(number)))
    disk.broken = False
    assert await journal.append([]), "what waits is tried again without new rows"
    assert disk.kept == [5, 6, 7]
    assert [(gap.from_ns, gap.to_ns, gap.missing) for gap in disk.gaps] == [(100, 401, 4)]
    assert "not recorded" in disk.gaps[0].cause
    assert caplog.messages[-1] == "recording again: all but 4 rows, whose gap is recorded, is stored"


@pytest.mark.parametrize("beside", [False, True])
async def test_a_gap_that_heals_later_does_not_hide_rows_that_were_given_up_within_it(
    monkeypatch: pytest.MonkeyPatch,
    *,
    beside: bool,  # with rows that the store refuses: then each item goes for itself
) -> None:
    monkeypatch.setattr(live_module, "_PENDING_BYTES", 3 * size_of((rows(1), ())))
    disk = Disk(broken=True)
    journal = Journal(disk)
    hole = Gap(symbol="ABC", from_ns=50, to_ns=900, cause="disconnected", missing=3)
    for number in range(1, 8):
        block = rows(number)
        [one] = arrival(block)
        await journal.append([dataclasses.replace(one, gaps=(hole,) if number == 1 else ())])
    disk.broken = False
    await journal.append([])
    healed = msgspec.structs.replace(hole, healed=True)
    [one] = arrival(rows(8))
    bad = arrival(dataclasses.replace(rows(9), qty_lot=np.zeros(1, np.int64))) if beside else []
    await journal.append([dataclasses.replace(one, gaps=(healed,)), *bad])
    left = [(gap.from_ns, gap.to_ns, gap.missing) for gap in open_gaps(disk.gaps) if gap.cause.startswith("not")]
    assert left == [(100, 401, 4)], "what is lost stays told, whatever has healed around it"
    [one] = arrival(rows(10))
    far = msgspec.structs.replace(hole, from_ns=5_000, to_ns=6_000, healed=True)
    told = len(disk.gaps)
    await journal.append([dataclasses.replace(one, gaps=(far,))])
    assert len(disk.gaps) == told + 1, "what heals elsewhere tells nothing anew"


async def test_a_damaged_day_of_one_symbol_stops_no_other() -> None:
    other = dataclasses.replace(rows(9), instrument=msgspec.structs.replace(TEST, symbol="DEF"))
    disk = Disk(damaged="DEF")
    journal = Journal(disk)
    assert not await journal.append([*arrival(rows(1)), *arrival(other), *arrival(rows(2))])
    assert disk.kept == [1, 2]
    disk.damaged = ""
    assert await journal.append(arrival(rows(3)))
    assert (disk.kept, journal.losses.refused) == ([1, 2, 9, 3], 0)


def other(block: Trades, **changed: object) -> Trades:
    return dataclasses.replace(block, instrument=msgspec.structs.replace(TEST, **changed))


def test_small_blocks_that_wait_are_joined_and_nothing_changes_its_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_module, "_MOST_ITEMS", 6)
    monkeypatch.setattr(line_module, "_JOINED_ROWS", 3)
    line, sent = Line(), list[tuple[str, int]]()
    gap = Gap(symbol="ABC", from_ns=5, to_ns=6, cause="planted")
    looks = Snapshots(TEST, *(np.arange(2) for _ in range(7)))
    for number in range(40):
        block = rows(number) if number % 3 else other(rows(number), symbol="DEF")
        block = other(block, tick_size=Decimal("0.25")) if number == 20 else block
        sent.append((block.instrument.key, number))
        line.put([(block, (gap,) if number == 7 else ()), *([(looks, ())] if number % 10 == 0 else [])])
    held = list(line)
    for key in {key for key, _ in sent}:
        mine = [block for block, _ in held if block.instrument.key == key and isinstance(block, Trades)]
        assert [i for block in mine for i in block.trade_id.tolist()] == [i for one, i in sent if one == key]
    assert [list(gaps) for _, gaps in held if gaps] == [[gap]]
    assert sum(block.instrument.tick_size == Decimal("0.25") for block, _ in held) == 1, "another grid, another block"
    assert line.rows == 40 + 8 == sum(len(block) for block, _ in held)
    assert line.nbytes == sum(map(size_of, held)) < 40 * size_of((rows(1), ()))
    while line:
        line.pop()
    assert (line.rows, line.nbytes) == (0, 0)


async def test_a_block_that_the_store_refuses_takes_none_with_it_that_waited_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(line_module, "_MOST_ITEMS", 4)
    disk = Disk(broken=True)
    journal = Journal(disk)
    for number in range(1, 12):
        block = rows(number)
        bad = dataclasses.replace(block, qty_lot=np.zeros(1, np.int64))
        assert not await journal.append(arrival(bad if number == 2 else block))
    assert journal.waiting == 11
    disk.broken = False
    await journal.append([])
    assert (disk.kept, journal.losses.refused, journal.waiting) == ([1, *range(3, 12)], 1, 0)
    journal.close()


async def test_rows_that_were_joined_are_not_refused_with_some_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file without ids lies where some of them do: each commit of its own would be refused for itself."""
    monkeypatch.setattr(line_module, "_MOST_ITEMS", 4)
    disk = Disk(broken=True, taken=(3_000, 3_400))
    journal = Journal(disk)
    for number in range(1, 101):
        assert not await journal.append(arrival(rows(number)))
    disk.broken = False
    await journal.append([])
    lost = [number for number in range(1, 101) if number not in disk.kept]
    assert disk.kept == sorted(disk.kept)
    assert set(range(30, 35)) <= set(lost) <= set(range(15, 50)), lost
    assert (journal.losses.refused, journal.waiting) == (len(lost), 0)
    assert [gap.missing for gap in disk.gaps] == [len(lost)]
    journal.close()
