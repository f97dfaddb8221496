"""What was missed: fetched once, told as a gap until it is there, and a gap for good where the venue has it not."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import msgspec
import numpy as np
import pytest

from footloom.core.gaps import open_gaps
from footloom.core.instrument import Instrument
from footloom.core.messages import Gap, Tick, Trade
from footloom.core.side import Side
from footloom.core.trades import Trades
from footloom.errors import Refused
from footloom.feeds._splices import Page, Splice, Splices
from footloom.feeds._symbol import Symbol
from footloom.feeds._ticks import SnapshotTape
from footloom.feeds.backfill import Reach, Repair
from footloom.feeds.flow import Arrival, FeedState
from footloom.feeds.sequence import EventNumbers
from footloom.feeds.stored import stored_inference
from footloom.store.files import Store
from footloom.venues import binance_usdm, upstox
from footloom.venues._venue import Request, Wanted

pytestmark = pytest.mark.anyio

SECOND = 1_000_000_000
HOUR = 3600 * SECOND
START = 1_764_738_254 * SECOND
STEP = SECOND // 10


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def at(number: int, step_ns: int = STEP, *, tape: str = "agg_trade") -> Trade:
    named = (
        {"trade_id": number} if tape == "agg_trade" else {"trade_id": None, "seq": 1000 + number, "uid": f"u{number}"}
    )
    when = START + number * step_ns
    return Trade(
        symbol="BTCUSDT",
        ts_exch_ns=when,
        price="100.0",
        qty="0.001",
        side=Side.BUY,
        ts_recv_ns=when,
        tape=tape,
        **named,
    )


@dataclass
class Venue:
    """As much of a venue's module as a repair asks for; ``history`` is what it can be asked for."""

    VENUE: str = "binance_usdm"
    TAPE: str = "agg_trade"
    history: dict[int, Trade] = field(default_factory=dict)
    asked: int = 0
    refusal: Refused | None = None

    def recent_trades(self, *_: object) -> Request:
        return Request(url="http://venue/recent")

    def trades_from(self, _symbol: str, number: int, _bases: object) -> Request:
        return Request(url="http://venue/from", params=(("from", str(number)),))

    def read_trades(self, document: list[Trade], *_: object) -> list[Trade]:
        return document

    async def fetch(self, request: Request, _share: float) -> list[Trade]:
        self.asked += 1
        assert self.asked < 200, "it asks for ever"
        if self.refusal is not None:
            raise self.refusal
        known = sorted(self.history)
        if request.params:
            known = [number for number in known if number >= int(request.params[0][1])][:1000]
        return [self.history[number] for number in known[-1000:]]


class EventVenue(Venue):
    IDS_BY_EVENT = True

    def __init__(self) -> None:
        super().__init__(VENUE="bybit_linear", TAPE="trade")

    trades_from = property()  # type: ignore[assignment]

    def __getattribute__(self, name: str) -> object:
        if name == "trades_from":
            raise AttributeError(name)
        return super().__getattribute__(name)


class Made:
    def __init__(self, venue: Venue, *, history_h: float = 0.0, repair_h: float = 48.0) -> None:
        grid = {"tick_size": Decimal("0.1"), "lot_size": Decimal("0.001")}
        instrument = Instrument(venue=venue.VENUE, symbol="BTCUSDT", **grid)
        wanted = Wanted(symbol="BTCUSDT", streams=frozenset({venue.TAPE}))
        self.venue = venue
        self.symbol = Symbol(wanted, instrument, venue, frozenset())
        self.tape = self.symbol.tapes[venue.TAPE]
        self.told: list[Gap] = []
        self.repair = Repair(
            symbol=self.symbol,
            tape=self.tape,
            venue=venue,
            bases=None,
            fetch=venue.fetch,
            now_ns=lambda: START,
            reach=Reach(int(history_h * HOUR), int(repair_h * HOUR)),
        )

    def hear(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            self.tape.add(at(number, tape=self.venue.TAPE))
        self.commit()

    def commit(self) -> list[Arrival]:
        arrivals = self.symbol.arrivals(START + 10**6 * SECOND, FeedState("live"))
        self.told += [gap for arrival in arrivals for gap in arrival.gaps]
        return arrivals

    def lose(self, cause: str, from_s: float, to_s: float) -> None:
        self.symbol.missed(cause, START + int(from_s * SECOND), START + int(to_s * SECOND))

    async def mend(self, page: Sequence[int] | None = None) -> None:
        if page is not None:
            self.venue.history = {number: at(number, tape=self.venue.TAPE) for number in page}
        self.repair.behind = True
        await self.repair.after_connecting()
        self.commit()

    def misses(self, seconds: float) -> bool:
        when = START + int(seconds * SECOND)
        return any(gap.from_ns <= when < gap.to_ns for gap in open_gaps(self.told))


# --- trades that only say which event they belong to


async def test_a_loss_that_the_venue_still_knows_is_whole_again() -> None:
    made = Made(EventVenue())
    made.hear(range(100))
    made.lose("lost", 10, 11)
    made.hear(range(110, 200))
    assert made.misses(10.5)
    await made.mend(range(200))

    assert open_gaps(made.told) == []
    assert not made.repair.unfinished


async def test_two_losses_are_two_gaps() -> None:
    made = Made(EventVenue())
    made.hear(range(100))
    made.lose("one", 10, 11)
    made.hear(range(110, 500))
    made.lose("two", 50, 60)
    made.hear(range(600, 2000))
    await made.mend(range(1000, 2000))

    assert [made.misses(10.5), made.misses(30), made.misses(55), made.misses(100)] == [True, False, True, False]


async def test_rows_of_the_old_connection_that_were_read_late_end_before_the_hole() -> None:
    made = Made(EventVenue())
    made.hear(range(100))
    made.lose("lost", 15, 30)
    made.hear([*range(100, 150), *range(300, 2000)])
    await made.mend(range(1000, 2000))

    assert [made.misses(12), made.misses(20), made.misses(50)] == [False, True, False]


async def test_a_connection_whose_rows_are_read_when_the_next_one_stands_has_a_hole_on_either_side() -> None:
    made = Made(EventVenue())
    made.hear(range(100))
    made.lose("one", 10, 20)
    made.lose("two", 30, 50)
    made.hear([*range(200, 300), *range(500, 2000)])  # all of the second connection was unread when it was lost
    await made.mend(range(1000, 2000))

    assert [made.misses(15), made.misses(25), made.misses(40), made.misses(60)] == [True, False, True, False]


async def test_a_connection_that_brought_nothing_makes_no_hole_of_its_own() -> None:
    made = Made(EventVenue())
    made.hear(range(100))
    made.lose("one", 10, 20)
    made.lose("two", 30, 50)
    made.hear(range(500, 2000))
    told = len(made.told)
    await made.mend(range(90, 1090))

    assert told == 1
    assert open_gaps(made.told) == []


async def test_a_page_that_is_older_than_the_stream_closes_nothing() -> None:
    made = Made(EventVenue())
    made.hear(range(100))
    made.lose("lost", 10, 11)
    await made.mend(range(120))
    made.hear(range(150, 200))
    await made.mend(range(120))

    assert made.misses(13)
    assert made.repair.unfinished, "it is asked again"
    await made.mend(range(200))
    assert open_gaps(made.told) == []


def test_what_is_remembered_of_a_restored_tape_is_bounded() -> None:
    events = EventNumbers()
    ids = (np.arange(1_000_000, dtype=np.int64) + 5 * 10**9) << 20
    tracemalloc.start()
    events.restore(ids, np.arange(1_000_000, dtype=np.int64))
    size = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()

    assert size < 20e6
    old = at(0, tape="trade")
    assert events.number([old], whole=True) == [-1], "older than what is remembered: it is stored"


# --- ids that count


def lacking(venue: Venue) -> Made:
    made = Made(venue)
    venue.history = {number: at(number) for number in range(1000, 1100)}
    made.hear(range(1000, 1100))
    made.hear(range(1105, 1110))
    return made


async def test_a_history_that_lags_behind_the_stream_is_asked_again() -> None:
    made = lacking(Venue())
    await made.mend()
    assert made.misses(110.25)
    assert made.repair.unfinished
    await made.mend(range(1000, 1110))

    assert open_gaps(made.told) == []
    assert not made.repair.unfinished


async def test_a_hole_that_nobody_fills_is_given_up_after_some_tries() -> None:
    made = lacking(Venue())
    for _ in range(8):
        await made.mend()

    assert not made.repair.unfinished
    assert made.misses(110.25)
    assert [hole.given_up for hole in made.tape.ids.holes] == [True]


async def test_a_refusal_of_the_moment_gives_nothing_up() -> None:
    made = lacking(Venue())
    made.venue.refusal = Refused("answered 403", 403)
    with pytest.raises(Refused):
        await made.mend()
    made.venue.refusal = None
    await made.mend(range(1000, 1110))

    assert open_gaps(made.told) == []


async def test_after_a_long_absence_no_more_is_fetched_than_shall_be() -> None:
    made = Made(Venue(), history_h=6)
    step = 100 * SECOND
    made.venue.history = {number: at(number, step) for number in range(26_000)}
    made.tape.ids.restore(np.arange(100), START + np.arange(100) * step, [])
    made.lose("not recording", 0, 26_000 * 100)
    await made.mend()

    assert made.venue.asked <= 5, "26 pages are thirty days"
    assert made.misses(12_000 * 100)
    assert not made.misses(25_000 * 100)


async def test_the_past_is_fetched_as_far_as_it_shall_reach_and_what_lacks_in_it_is_a_gap() -> None:
    made = Made(Venue(), history_h=0.1)
    made.venue.history = {number: at(number) for number in range(20_000) if not 18_500 <= number < 18_600}
    made.hear(range(19_990, 20_000))
    await made.repair.look_back()
    made.commit()

    lowest = made.tape.ids.low
    assert lowest is not None
    assert 20_000 - 3600 - 1000 <= lowest <= 20_000 - 3600
    assert made.misses(1855)
    assert not made.misses(1870)
    assert made.repair.progress is None


# A socket that is mute is called dead only if the venue has more than was heard: so that must be found, on a busy
# symbol too, whose page is always full.
@pytest.mark.parametrize("first", [0, 500, 5000])
async def test_whether_the_venue_has_more_is_seen_on_a_full_page_too(first: int) -> None:
    made = Made(Venue())
    made.hear(range(first, first + 1500))
    made.venue.history = {number: at(number) for number in range(first + 1500)}
    assert not await made.repair.found_newer()
    made.venue.history |= {number: at(number) for number in range(first + 1500, first + 1510)}

    assert await made.repair.found_newer()
    made.commit()
    assert made.tape.ids.top == first + 1509
    assert open_gaps(made.told) == []


# --- snapshots on another grid


def nifty(tick: str) -> Instrument:
    return Instrument(
        venue="upstox", symbol="NSE_FO|1", tick_size=Decimal(tick), lot_size=Decimal(1), calendar="nse_fo"
    )


def tick(second: int, price: str) -> Tick:
    when = START + second * SECOND
    return Tick(
        symbol="NSE_FO|1",
        ts_exch_ns=when,
        ts_recv_ns=when,
        ltt_ns=when,
        ltp=price,
        ltq="1",
        vtt=str(100 + second),
        bid=price,
        ask=price,
    )


def blocks(symbol: Symbol) -> list[tuple[str, int]]:
    arrivals = symbol.arrivals(START + 100 * SECOND, FeedState("live"))
    return [(str(one.block.instrument.tick_size), len(one.block)) for one in arrivals]


def test_snapshots_follow_a_new_definition_and_each_grid_has_its_block() -> None:
    symbol = Symbol(Wanted(symbol="NSE_FO|1", streams=frozenset({"snapshot"})), nifty("0.05"), upstox, frozenset())
    symbol.snapshots.add(tick(1, "100.05"))
    symbol.adopt(nifty("0.01"))
    symbol.snapshots.add(tick(3, "100.07"))

    assert blocks(symbol) == [("0.05", 1), ("0.01", 1)]
    assert symbol.refused == []


def test_a_snapshot_off_the_grid_is_recorded_on_a_finer_one_and_what_is_no_number_is_refused() -> None:
    symbol = Symbol(Wanted(symbol="NSE_FO|1", streams=frozenset({"snapshot"})), nifty("0.05"), upstox, frozenset())
    symbol.snapshots.add(tick(1, "100.07"))
    symbol.snapshots.add(tick(2, "much"))
    assert blocks(symbol) == [("0.05", 0)]
    symbol.refine()

    assert blocks(symbol)[-1] == ("0.01", 1)
    assert [one.tick.ltp for one in symbol.refused] == ["much"]


# A socket that is mute is lost only when somebody says so: pages that were taken before may not reach the last trade.
@pytest.mark.parametrize("how", ["mute", "audit", "mend"])
async def test_a_full_page_that_does_not_reach_the_last_trade_tells_what_lies_between(how: str) -> None:
    made = Made(EventVenue())
    made.hear(range(100))
    made.venue.history = {number: at(number, tape="trade") for number in range(500, 1500)}
    if how == "mute":
        assert await made.repair.found_newer()
    elif how == "mend":
        await made.repair.after_connecting()
    else:
        await made.repair.audit()
        made.venue.history |= {number: at(number, tape="trade") for number in range(1500, 1600)}
        await made.repair.audit()
    made.commit()
    made.lose("mute for 60 s", 10, 160)
    made.hear(range(1600, 1700))
    await made.mend(range(700, 1700))

    assert made.misses(30)
    assert not made.misses(159)
    assert len(open_gaps(made.told)) == 1


async def test_a_full_page_that_reaches_the_last_trade_tells_nothing() -> None:
    made = Made(EventVenue())
    made.hear(range(1000))
    made.venue.history = {number: at(number, tape="trade") for number in range(500, 1500)}
    assert await made.repair.found_newer()
    made.commit()
    assert made.told == []


async def test_rows_that_wait_while_the_first_connection_is_lost_are_its_own() -> None:
    made = Made(EventVenue())
    made.lose("disconnected (1006)", 10, 11)
    made.hear([*range(100), *range(200, 300)])

    assert made.misses(15)
    await made.mend(range(300))
    assert open_gaps(made.told) == []


async def test_what_an_audit_has_fetched_is_no_part_of_a_gap() -> None:
    made = Made(EventVenue())
    made.hear(range(100))
    made.lose("lost", 10, 11)
    await made.mend(range(110))
    made.venue.history = {number: at(number, tape="trade") for number in range(900)}
    await made.repair.audit()
    made.venue.history = {number: at(number, tape="trade") for number in range(1000)}
    await made.repair.audit()
    made.commit()
    made.lose("mute for 60 s", 10, 180)
    await made.mend(range(800, 1800))
    made.hear(range(1800, 1900))
    await made.mend(range(900, 1900))

    assert open_gaps(made.told) == []


def test_of_the_instant_in_which_a_page_begins_something_may_be_missing() -> None:
    gap = Gap(symbol="BTCUSDT", from_ns=100, to_ns=501, cause="lost")
    for begins_ns, left in ((100, [(100, 101)]), (99, []), (500, [(100, 501)]), (300, [(100, 301)])):
        splices = Splices("BTCUSDT", [Splice(5, 100, 200, "lost", first=9, gap=gap)])
        healed = splices.closed_by(Page(begins=7, oldest_ns=begins_ns, newest=9, newest_ns=500, full=True))
        assert [(one.from_ns, one.to_ns) for one in open_gaps([gap, *healed])] == left


def test_gaps_that_are_stored_are_closed_after_a_restart() -> None:
    ids = np.array([5, 6, 9], np.int64) << 20
    times = np.array([100, 200, 500], np.int64)
    gap = Gap(symbol="BTCUSDT", from_ns=200, to_ns=501, cause="lost")
    for begins, full, left in ((5, True, False), (6, True, True), (6, False, False)):
        splices = Splices("BTCUSDT")
        splices.restore(ids, times, [gap])
        assert splices.closed_by(Page(begins=5, oldest_ns=100, newest=8, newest_ns=400, full=False)) == []
        assert splices.waiting, "the page is older than what is stored"
        healed = splices.closed_by(Page(begins=begins, oldest_ns=400, newest=9, newest_ns=500, full=full))
        assert bool(open_gaps([gap, *healed])) is left


async def test_before_the_first_trade_nothing_is_missing() -> None:
    made = Made(EventVenue())
    made.lose("disconnected (1006)", 10, 11)
    made.hear(range(200, 300))
    await made.mend(range(250, 300))
    assert made.told == []


@pytest.mark.parametrize("odd", ["100.07", "100.10"])
def test_after_a_restart_snapshots_of_another_grid_go_on_with_their_numbers(tmp_path: Path, odd: str) -> None:
    shown = []
    with Store(tmp_path / "store", writer=True) as store:
        for run, grid in enumerate(("0.01", "0.05")):
            tape = SnapshotTape(nifty(grid))
            if run:
                assert tape.restore(store)
                tape.missed("not recording", 0)
            for second in range(5):
                tape.add(tick(10 * run + second, odd if not run and second == 4 else "100.05"))
            seen = tape.take()
            store.append(seen.snapshots, seen.gaps)
            shown.append(seen.trades.on_grid(nifty("0.01")))
        whole = stored_inference(store, tape.instrument.key, 0, 2**62).trades
    live = Trades.concat(shown)

    assert len(live) == 8
    for name in ("ts_exch_ns", "trade_id", "price_tick", "qty_lot", "side"):
        assert getattr(live, name).tolist() == getattr(whole, name).tolist()


def test_a_hole_in_a_tape_that_the_venue_has_no_history_of_says_that_it_stays() -> None:
    instrument = Instrument(venue="binance_usdm", symbol="BTCUSDT", tick_size=Decimal("0.1"), lot_size=Decimal("0.001"))
    symbol = Symbol(
        Wanted(symbol="BTCUSDT", streams=frozenset({"agg_trade", "trade"})), instrument, binance_usdm, frozenset()
    )
    single = [msgspec.structs.replace(at(number), tape="trade") for number in (1, 2, 5)]
    for row in single:
        symbol.tapes["trade"].add(row)
    symbol.tapes["agg_trade"].add(at(1))
    symbol.tapes["agg_trade"].add(at(5))
    gaps = {one.trades.tape: one.gaps for one in symbol.arrivals(START, FeedState("live"))}

    assert gaps["agg_trade"][0].cause == "ids are missing"
    assert (
        gaps["trade"][0].cause == "ids are missing; single trades are not fetched again, only aggregate ones: it stays"
    )
    assert gaps["trade"][0].missing == 2


async def test_a_hole_costs_one_call_and_only_a_new_connection_is_looked_behind() -> None:
    made = Made(Venue())
    made.hear(range(100))
    await made.mend(range(100))
    made.hear(range(103, 110))
    made.venue.history = {number: at(number) for number in range(110)}
    before = made.venue.asked
    await made.repair.after_connecting()

    assert made.venue.asked == before + 1
    assert made.commit()
    assert open_gaps(made.told) == []


async def test_who_could_not_look_behind_does_so_the_next_time() -> None:
    made = Made(Venue())
    made.hear(range(100))
    made.venue.refusal = Refused("down", 503)
    with pytest.raises(Refused):
        await made.mend(range(100))
    made.venue.refusal = None
    made.venue.history = {number: at(number) for number in range(120)}
    await made.repair.after_connecting()
    made.commit()

    assert made.tape.ids.top == 119
