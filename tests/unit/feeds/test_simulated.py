"""The simulated market as a feed: live, backfilled or read again, it is one tape."""

from __future__ import annotations

import asyncio
import datetime as dt
from pathlib import Path

import numpy as np
import pytest

from footloom.core.snapshots import Snapshots
from footloom.core.trades import FLAG_BACKFILLED, Trades
from footloom.errors import StoreError
from footloom.feeds.flow import Arrival
from footloom.feeds.simulated import SimulatedMarket, backfill, missing_days
from footloom.feeds.stored import chart_tapes, stored_trades
from footloom.kernels.inference import infer
from footloom.store.files import Store
from footloom.venues.sim import FUT, PERP, SimSession, feed_trades, gaps, session, session_at, snapshots

pytestmark = pytest.mark.anyio

HOUR_NS = 3600 * 10**9
NOON_NS = 1_772_452_800 * 10**9  # 2026-03-02 12:00 UTC


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def day() -> SimSession:
    return session_at(NOON_NS)


async def stream(market: SimulatedMarket, times: list[int]) -> list[Arrival]:
    return [arrival for at_ns in times for arrival in await market.receive(at_ns)]


async def threads_done() -> None:
    """Wait for what runs beside: the judging of a day, the making of the next."""
    await asyncio.gather(
        *(task for task in asyncio.all_tasks() if task is not asyncio.current_task() and made_by(task))
    )


def made_by(task: asyncio.Task[object]) -> bool:
    return getattr(task.get_coro(), "__name__", "") == "to_thread"


def perp_of(arrivals: list[Arrival]) -> Trades:
    return Trades.concat([a.trades for a in arrivals if a.key == PERP.key])


def same_tape(left: Trades, right: Trades) -> bool:
    """Say whether both are the same trades; how they came here (`FLAG_BACKFILLED`) is no part of that."""
    names = ("ts_exch_ns", "price_tick", "qty_lot", "side", "trade_id", "ts_recv_ns")
    return all(np.array_equal(getattr(left, name), getattr(right, name)) for name in names)


async def test_any_pace_gives_the_feeds_tape(day: SimSession, rng: np.random.Generator) -> None:
    times = sorted({NOON_NS + int(t) for t in rng.integers(0, HOUR_NS, 300)} | {NOON_NS + HOUR_NS})
    arrivals = await stream(SimulatedMarket(day, NOON_NS), times)
    whole = feed_trades(day, day.start_ns, day.end_ns)
    received = (whole.ts_recv_ns > NOON_NS) & (whole.ts_recv_ns <= NOON_NS + HOUR_NS)
    assert same_tape(perp_of(arrivals), whole.take(received))
    assert len(perp_of(arrivals)) > 1_000


async def test_live_inference_is_that_of_the_whole_session(day: SimSession, rng: np.random.Generator) -> None:
    times = sorted({NOON_NS + int(t) for t in rng.integers(0, HOUR_NS, 300)} | {NOON_NS + HOUR_NS})
    market = SimulatedMarket(day, NOON_NS)
    arrivals = await stream(market, times[:-1])
    await threads_done()
    arrivals = [a for a in arrivals + await stream(market, times[-1:]) if a.key == FUT.key]
    live = Trades.concat([a.trades for a in arrivals])
    whole = infer(snapshots(day, day.start_ns, day.end_ns), gaps=gaps(day, FUT)).trades
    received = (whole.ts_recv_ns > NOON_NS) & (whole.ts_recv_ns <= NOON_NS + HOUR_NS)
    assert live.equals(whole.take(received))
    assert sum(len(a.block) for a in arrivals) > 10_000
    score = arrivals[-1].score
    assert score is not None
    assert score["accuracy"] is not None
    assert 0.5 < score["accuracy"] < 1


async def test_gaps_are_told_when_the_connection_is_back(day: SimSession) -> None:
    known = gaps(day, PERP)
    gap = known[0]
    before, after = gap.to_ns - 1, gap.to_ns + 10**9
    market = SimulatedMarket(day, gap.from_ns - 10**9)
    told = [(a.key, a.gaps) for a in await stream(market, [before, after])]
    assert told[:2] == [(PERP.key, ()), (FUT.key, ())]
    assert told[2] == (PERP.key, (gap,))
    assert told[3][1] == (gaps(day, FUT)[0],)


async def test_midnight_is_crossed_without_losing_a_row(day: SimSession) -> None:
    tomorrow = session(day.seed, day.day + dt.timedelta(days=1))
    assert tomorrow.start_ns == day.end_ns
    begin, end = day.end_ns - 120 * 10**9, day.end_ns + 120 * 10**9
    # One step that ends before, one that reaches across, one after.
    arrivals = await stream(SimulatedMarket(day, begin), [day.end_ns - 10**9, day.end_ns + 60 * 10**9, end])
    ids = perp_of(arrivals).trade_id
    assert np.all(np.diff(ids) == 1)
    first = feed_trades(day, begin, day.end_ns)
    last = feed_trades(tomorrow, day.end_ns, end)
    expected = Trades.concat([first.take(first.ts_recv_ns > begin), last.take(last.ts_recv_ns <= end)])
    assert same_tape(perp_of(arrivals), expected)
    assert [a.until_ns for a in arrivals if a.key == PERP.key] == [
        day.end_ns - 10**9,
        day.end_ns,
        day.end_ns + 60 * 10**9,
        end,
    ]


def test_history_is_stored_once_and_completed_later(tmp_path: Path, day: SimSession) -> None:
    with Store(tmp_path, writer=True) as store:
        rows = backfill(store, day, NOON_NS)
        assert rows > 100_000
        assert backfill(store, day, NOON_NS) == 0, "doing it twice changes nothing"
        more = backfill(store, day, NOON_NS + HOUR_NS)
        assert 0 < more < rows
    with Store(tmp_path) as store:
        tape = store.load(PERP.key, "trade", day.start_ns, day.end_ns)
        seen = store.load(FUT.key, "snapshot", day.start_ns, day.end_ns)
        assert isinstance(tape, Trades)
        assert isinstance(seen, Snapshots)
        whole = feed_trades(day, day.start_ns, day.end_ns)
        assert same_tape(tape, whole.take(whole.ts_recv_ns <= NOON_NS + HOUR_NS))
        assert np.all(tape.flags & FLAG_BACKFILLED)
        expected = snapshots(day, day.start_ns, NOON_NS + HOUR_NS + 1)
        assert np.array_equal(seen.ts_recv_ns, expected.ts_recv_ns)
        assert np.array_equal(seen.vtt_lot, expected.vtt_lot)
        known = [gap for gap in gaps(day, PERP) if gap.to_ns <= NOON_NS + HOUR_NS]
        assert store.gaps(PERP.key, "trade", day.start_ns, day.end_ns) == known


def test_a_store_of_another_market_is_refused(tmp_path: Path, day: SimSession) -> None:
    with Store(tmp_path, writer=True) as store:
        backfill(store, day, day.start_ns + HOUR_NS)
        with pytest.raises(StoreError, match=r"another sim:PERP.*seed 8"):
            backfill(store, session(8, day.day), day.start_ns + HOUR_NS)


def test_stored_snapshots_are_inferred_as_live(tmp_path: Path, day: SimSession) -> None:
    with Store(tmp_path, writer=True) as store:
        backfill(store, day, NOON_NS)
        assert chart_tapes(store, FUT.key) == ["snapshot"]
        whole = infer(snapshots(day, day.start_ns, NOON_NS + 1), gaps=gaps(day, FUT)).trades
        assert stored_trades(store, FUT.key, "snapshot", 0, 2**62).equals(whole)
        part = stored_trades(store, FUT.key, "snapshot", NOON_NS - HOUR_NS, NOON_NS - HOUR_NS // 2)
        assert part.equals(whole.between(NOON_NS - HOUR_NS, NOON_NS - HOUR_NS // 2)), "from anywhere in the session"
        assert not len(stored_trades(store, FUT.key, "snapshot", NOON_NS + HOUR_NS, NOON_NS + 2 * HOUR_NS))


def test_missing_days(tmp_path: Path, day: SimSession) -> None:
    with Store(tmp_path, writer=True) as store:
        assert [d.day for d in missing_days(store, NOON_NS)] == [1, 2]
        backfill(store, day, NOON_NS)
        assert [d.day for d in missing_days(store, NOON_NS)] == [1, 2], "yesterday is not there"
        assert [d.day for d in missing_days(store, NOON_NS + 24 * HOUR_NS)] == [2, 3]
        later_ns = NOON_NS + 4 * 24 * HOUR_NS
        assert [d.day for d in missing_days(store, later_ns)] == [2, 3, 4, 5, 6], "what was missed since, and the two"
        much_later_ns = NOON_NS + 20 * 24 * HOUR_NS
        assert [d.day for d in missing_days(store, much_later_ns)] == [15, 16, 17, 18, 19, 20, 21, 22]
        backfill(store, session(day.seed, day.day + dt.timedelta(days=1)), NOON_NS + 24 * HOUR_NS)
        assert [d.day for d in missing_days(store, NOON_NS + 25 * HOUR_NS)] == [3], "yesterday is whole"


async def test_the_next_day_is_made_ahead_in_a_thread(day: SimSession) -> None:
    market = SimulatedMarket(day, day.end_ns - HOUR_NS)
    await market.receive(day.end_ns - HOUR_NS // 2)
    await threads_done()
    assert len(await market.receive(day.end_ns + 1)) == 4
