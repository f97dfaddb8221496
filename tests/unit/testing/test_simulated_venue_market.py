"""The simulated market as a venue trades it: one tape over midnights, its book, its past."""

from __future__ import annotations

import asyncio
import datetime as dt

import numpy as np
import pytest

from footloom.core.sessions import DAY_NS
from footloom.testing.venues import LocalVenue
from footloom.testing.venues import _history as history
from footloom.testing.venues.faults import Faults
from footloom.testing.venues.market import Market
from footloom.testing.venues.ordered import altered
from footloom.testing.venues.simulated import simulated_market

DAY = 20_700  # days since 1970
START = DAY * DAY_NS + DAY_NS - 60 * 10**9  # a minute before midnight
SECOND = 10**9


@pytest.fixture
def market() -> Market:
    return simulated_market("binance_usdm", START, symbols=1)


def test_ids_and_times_go_on_over_midnight_and_so_does_the_book(market: Market) -> None:
    listing = market.listings["BTCUSDT"]
    listing.forward_book(START)
    bid, ask = listing.best()
    asyncio.run(market.prepare(START + 3600 * SECOND))
    market.forward(START + 600 * SECOND)
    listing.forward_book(START + 600 * SECOND)
    tape = listing.seen

    assert bid is not None
    assert ask is not None
    assert bid[0] < ask[0]
    assert int(tape.ts_exch_ns[-1]) > (DAY + 1) * DAY_NS
    assert np.all(np.diff(tape.trade_id) == 1)
    assert np.all(np.diff(tape.ts_exch_ns) >= 0)
    assert np.all(tape.ts_exch_ns % 1_000_000 == 0)
    late_bid, late_ask = listing.best()
    assert late_bid is not None
    assert late_ask is not None
    assert late_bid[0] < late_ask[0] < late_bid[0] + 50


def test_pages_go_on_over_the_midnights_of_the_past(market: Market) -> None:
    listing = market.listings["BTCUSDT"]
    first = int(listing.trades.trade_id[0])  # of yesterday

    page = history.by_id(listing, first - 400, 1_000, START)
    times = history.by_time(listing, (DAY - 1) * DAY_NS - 10 * SECOND, (DAY - 1) * DAY_NS + 10 * SECOND, 1_000, START)

    assert page.trade_id.tolist() == list(range(first - 400, first + 600))
    assert times.trade_id[0] < first <= times.trade_id[-1]
    assert np.all(np.diff(times.trade_id) == 1)
    assert history.by_id(listing, 0, 5, START, oldest_ns=int(listing.trades.ts_exch_ns[7])).trade_id[0] >= first


def test_a_past_day_is_whole_and_joins_the_next(market: Market) -> None:
    listing = market.listings["BTCUSDT"]
    day = dt.date(1970, 1, 1) + dt.timedelta(days=DAY - 3)

    past, next_one = listing.day(day, START), listing.day(day + dt.timedelta(days=1), START)

    assert past is not None
    assert next_one is not None
    assert int(past.trade_id[-1]) + 1 == int(next_one.trade_id[0])
    assert listing.day(dt.date(1970, 1, 1) + dt.timedelta(days=DAY), START) is None  # not over yet


def test_a_burst_and_a_day_roll_are_part_of_the_tape(market: Market) -> None:
    faults = Faults.parse("burst@10s,rate=1000,for=2s;day_roll@30s")

    moved = altered(market, faults, "binance_usdm")
    listing = moved.listings["BTCUSDT"]
    asyncio.run(moved.prepare(moved.start_ns + 7200 * SECOND))
    within = listing.trades.between(moved.start_ns + 10 * SECOND, moved.start_ns + 12 * SECOND)

    assert (moved.start_ns + 30 * SECOND) % DAY_NS == 0
    assert len(within) >= 2_000
    assert np.all(np.diff(listing.trades.trade_id) == 1)
    assert int(listing.trades.ts_exch_ns[-1]) > moved.start_ns + 3600 * SECOND


def test_a_venue_moves_only_when_it_is_told_to(market: Market) -> None:
    async def moved() -> tuple[int, int]:
        async with LocalVenue("binance_usdm", market) as venue:
            before = len(venue.tape("BTCUSDT"))
            await asyncio.sleep(0)
            still = len(venue.tape("BTCUSDT"))
            await venue.pass_s(120)
            assert still == before
            return before, len(venue.tape("BTCUSDT"))

    before, after = asyncio.run(moved())

    assert after > before


def test_options_agree_with_the_future_that_they_stand_on() -> None:
    made = simulated_market("upstox", START, symbols=1)
    asyncio.run(made.prepare(START + 3600 * SECOND))
    made.forward(START + 600 * SECOND)
    future, index, *options = made.listings.values()
    spot = int(index.seen.price_tick[-1])

    assert index.instrument.kind == "index"
    assert len(options) == 82
    assert abs(spot - int(future.seen.price_tick[-1])) * 0.05 < 60
    strikes = sorted({one.instrument.strike for one in options})
    assert strikes[0] * 20 < spot < strikes[-1] * 20
    for one in options:
        tape, strike = one.seen, int(one.instrument.strike * 20)
        pays = max(0, spot - strike if one.instrument.option == "CE" else strike - spot)
        assert len(tape) > 100
        assert abs(int(tape.price_tick[-1]) - pays) * 0.05 < 200
        assert int(tape.ts_exch_ns[-1]) > DAY * DAY_NS, "the day after midnight is made too"
        assert np.all(np.diff(tape.trade_id) == 1)
        bids, asks = one.levels(5)
        assert asks[0][0] - int(tape.price_tick[-1]) == 1
        assert all(tick > 0 for tick, _ in bids)


@pytest.mark.anyio
async def test_a_machine_that_slept_finds_the_market_at_the_present_and_its_connections_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with LocalVenue("binance_usdm", simulated_market("binance_usdm", START, symbols=1)) as venue:
        loop = asyncio.get_running_loop()
        awake = loop.time
        running = asyncio.create_task(venue.run())
        await asyncio.sleep(0)
        monkeypatch.setattr(loop, "time", lambda: awake() + 3600.0)  # as no timeout of the loop itself could bear
        await venue.until(lambda venue: venue.now_ns >= START + 3600 * SECOND)
        running.cancel()
        tape = venue.tape("BTCUSDT")

    assert int(tape.ts_exch_ns[-1]) > START + 3590 * SECOND
    assert not venue.sent


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
