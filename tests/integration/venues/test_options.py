"""Options that follow the money: strikes join as the price comes near, and stay until their session ends."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import httpx
import msgspec
import numpy as np
import pytest
from matrix_kit import CREDENTIALS, EVER, INDIA, OPEN_NS, SECOND, FastClock

from footloom.core.instrument import Instrument
from footloom.core.trades import Trades
from footloom.feeds._asks import Asks
from footloom.feeds._money import Money
from footloom.feeds.flow import Commit
from footloom.feeds.ingest import Options, import_files
from footloom.feeds.recorder import FeedSettings, Recorder
from footloom.feeds.stored_chain import ChainAsk, chain_at
from footloom.options.documents import chain_reply
from footloom.store.files import Store
from footloom.testing.venues import Listing, LocalVenue, Market
from footloom.testing.venues._chain import chain_of
from footloom.venues import upstox
from footloom.venues._india_master import expiry_ns, local_date
from footloom.venues._venue import Bases, Wanted

pytestmark = pytest.mark.anyio

SPEED = 5.0
FUTURE = {"upstox": "NSE_FO|53001", "angelone": "NFO|53001"}
INDEX = {"upstox": "NSE_INDEX|Nifty 50", "angelone": "NSE|99926000"}
DAY_NS = 86_400 * SECOND


# The index has stood at 25 000 for a while, and walks up to 25 110 within ten seconds.
def market(name: str) -> Market:
    count = 3_500
    ms = np.arange(count, dtype=np.int64) * 10 - 20_000
    price = 25_030 + np.interp(ms, [0, 1_000, 11_000], [0, 0, 110])
    instrument = Instrument(
        venue=name, symbol=FUTURE[name], tick_size=Decimal("0.05"), lot_size=Decimal(1), kind="future",
        name="NIFTY FUT", underlying="NIFTY", market_lot=Decimal(75), expiry_ns=OPEN_NS + 20 * DAY_NS,
    )  # fmt: skip
    tape = Trades.build(
        instrument, OPEN_NS + ms * 1_000_000, np.rint(price * 20), np.full(count, 75), np.ones(count),
        trade_id=np.arange(1, count + 1),
    )  # fmt: skip
    future = Listing(tape)
    prefix = FUTURE[name].partition("|")[0]
    return Market(
        [future, *chain_of(future, INDEX[name], lambda number: f"{prefix}|{60_001 + number}", OPEN_NS)], OPEN_NS
    )


@pytest.mark.parametrize("name", INDIA)
async def test_strikes_join_while_the_price_moves_and_none_that_was_recorded_is_lost(name: str, tmp_path: Path) -> None:
    made = market(name)
    strikes = {one.instrument.symbol: one.instrument for one in made.listings.values()}
    async with LocalVenue(name, made) as venue:
        bases = Bases(ws=venue.url.replace("http", "ws"), rest=venue.url, archive=venue.url + "/archive")
        settings = FeedSettings(
            bases={name: bases}, commit_s=0.1, backfill_hours=0.0, credentials={name: CREDENTIALS[name]}
        )
        changed = asyncio.Event()

        def publish(_commit: Commit) -> None:
            changed.set()

        async def until(holds: Callable[[], bool]) -> None:
            async with asyncio.timeout(60):
                while not holds():
                    changed.clear()
                    await changed.wait()

        with Store(tmp_path, writer=True) as store:
            wanted = Wanted(symbol="NIFTY.FUT1", streams=frozenset({"snapshot"}), options="atm±1")
            recorder = Recorder(store, [(name, wanted)], settings, FastClock(venue.now_ns, SPEED))

            def heard() -> set[Decimal]:
                live = [key for key, state in recorder.state() if state.phase == "live"]
                found = [strikes[key.partition(":")[2]] for key in live]
                return {one.strike for one in found if one.strike is not None}

            running = asyncio.create_task(recorder.run(publish))
            await until(lambda: heard() == {Decimal(24_950), Decimal(25_000), Decimal(25_050)})
            playing = asyncio.create_task(venue.run(SPEED))
            await until(lambda: Decimal(25_150) in heard())
            await playing
            last = heard()
            keys = recorder.keys
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            listed = {one.symbol for one in store.instruments()}
            rows = {key: len(store.load(key, "snapshot", *EVER)) for key in keys}
            gaps = [gap for key in keys for gap in store.gaps(key, "snapshot", *EVER)]

    assert last == {Decimal(24_950 + 50 * step) for step in range(5)}, "the strikes passed by go on"
    assert recorder.resolved[f"{name}:NIFTY.FUT1"] == f"{name}:{FUTURE[name]}"
    assert f"{name}:{INDEX[name]}" in keys
    assert min(rows.values()) > 0
    assert gaps == []
    assert FUTURE[name] in listed


async def test_a_reply_that_is_saved_is_imported_as_the_chain_that_the_venue_trades(tmp_path: Path) -> None:
    """By hand: what the boards show, and what was open the day before, in every field that Upstox documents."""
    made = market("upstox")
    async with LocalVenue("upstox", made) as venue, httpx.AsyncClient(base_url=venue.url) as client:
        await venue.step(OPEN_NS + SECOND)
        listed = next(one.instrument for one in made.listings.values() if one.instrument.option)
        day = local_date(listed.expiry_ns or 0).isoformat()
        params = {"instrument_key": INDEX["upstox"], "expiry_date": day}
        token = {"Authorization": "Bearer any"}
        reply = await client.get("/v2/option/chain", params=params, headers=token)
        other = await client.get("/v2/option/chain", params=params | {"expiry_date": "2031-01-07"}, headers=token)
        boards = {one.instrument.symbol: one for one in venue.dialect.boards.values()}
        (tmp_path / "chain.json").write_bytes(reply.content)
    assert other.json()["data"] == []
    report = import_files([tmp_path / "chain.json"], Options(at_ns=OPEN_NS), store=tmp_path / "store")
    assert (report.problems, report.kept) == ([], len(reply.json()["data"]))
    with Store(tmp_path / "store") as store:
        chain = chain_reply(chain_at(store, f"upstox:{INDEX['upstox']}", ChainAsk()))
    assert (chain.spot, chain.spot_from, chain.expiry) == (25_000.0, "chain", day)
    row = next(row for row in chain.rows if row.strike == "25000")
    for cell, side in ((row.call, "CE"), (row.put, "PE")):
        board = next(
            one for one in boards.values() if (one.instrument.strike, one.instrument.option) == (Decimal(25_000), side)
        )
        look, oi = board.current, board.listing.open_interest()
        assert (cell.oi, cell.volume) == (str(oi), str(look.vtt))
        assert Decimal(cell.ltp) == look.ltp * Decimal("0.05")
        assert (Decimal(cell.bid), Decimal(cell.ask)) == (
            look.ltp * Decimal("0.05") - Decimal("0.05"),
            look.ltp * Decimal("0.05") + Decimal("0.05"),
        )
        assert int(cell.oi_day) == oi - oi // 75 * 9 // 10 * 75
        assert cell.venue == {"iv": "0.12", "delta": "0.5"}


def test_local_options_end_on_a_tuesday_or_the_trading_day_before_it() -> None:
    def ends(day: str) -> str:
        at_ns = int(dt.datetime.fromisoformat(f"{day}T05:00+00:00").timestamp()) * 10**9
        tape = market("upstox").listings[FUTURE["upstox"]].trades
        made = chain_of(Listing(tape), INDEX["upstox"], str, at_ns)
        return local_date(made[-1].instrument.expiry_ns or 0).isoformat()

    assert ends("2026-11-13") == "2026-11-17"
    assert ends("2026-11-18") == "2026-11-23", "the 24th is a holiday"
    assert ends("2026-11-23") == "2026-12-01", "on that very day the next week's are the nearest"


async def test_a_future_that_expires_while_it_is_recorded_is_followed_by_the_next(tmp_path: Path) -> None:
    ends_ns = expiry_ns(local_date(OPEN_NS), "nse_fo")
    start_ns = ends_ns - 20 * SECOND

    def future(symbol: str, expiry_ns: int) -> Listing:
        made = market("upstox").listings[FUTURE["upstox"]].trades
        instrument = msgspec.structs.replace(made.instrument, symbol=symbol, expiry_ns=expiry_ns)
        return Listing(
            Trades.build(instrument, made.ts_exch_ns, made.price_tick, made.qty_lot, made.side, trade_id=made.trade_id)
        )

    near, far = future("NSE_FO|1", ends_ns), future("NSE_FO|2", OPEN_NS + 30 * DAY_NS)
    async with LocalVenue("upstox", Market([near, far], start_ns)) as venue:
        bases = Bases(ws=venue.url.replace("http", "ws"), rest=venue.url, archive=venue.url + "/archive")
        settings = FeedSettings(bases={"upstox": bases}, commit_s=0.1, credentials=CREDENTIALS)
        with Store(tmp_path, writer=True) as store:
            wanted = Wanted(symbol="NIFTY.FUT1", streams=frozenset({"snapshot"}))
            recorder = Recorder(store, [("upstox", wanted)], settings, FastClock(start_ns, 20.0))
            running = asyncio.create_task(recorder.run(lambda _: None))
            async with asyncio.timeout(60):
                await venue.heard("full NSE_FO|1")
                defined = [one.symbol for one in store.instruments()]
                await venue.heard("full NSE_FO|2")
                await venue.until(lambda venue: "full NSE_FO|1" not in venue.channels)
            resolved = recorder.resolved
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    assert sorted(defined) == ["NSE_FO|1", "NSE_FO|2"], "all futures are known as soon as one is recorded"
    assert resolved == {"upstox:NIFTY.FUT1": "upstox:NSE_FO|2"}


async def test_when_the_session_ends_only_strikes_around_the_money_stay() -> None:
    chain = [
        Instrument(
            venue="upstox", symbol=f"NSE_FO|{strike}{kind}", tick_size=Decimal("0.05"), lot_size=Decimal(1),
            kind="option", underlying="NIFTY", strike=Decimal(strike), option=kind, expiry_ns=OPEN_NS + 5 * DAY_NS,
            calendar="nse_fo",
        )
        for strike in range(24_500, 25_550, 50)
        for kind in ("CE", "PE")
    ]  # fmt: skip
    index = Instrument(
        venue="upstox", symbol="NSE_INDEX|Nifty 50", tick_size=Decimal("0.05"), lot_size=Decimal(1), kind="index",
        name="NIFTY",
    )  # fmt: skip
    asks = Asks([Wanted(symbol="NIFTY", streams=frozenset({"snapshot"}), options="atm±1")])
    seen = SimpleNamespace(price=Decimal(25_000))
    now = SimpleNamespace(ns=OPEN_NS)

    async def listed() -> list[Instrument]:
        return [index, *chain]

    stock = SimpleNamespace(
        venue=upstox,
        name="upstox",
        asks=asks,
        symbols={index.symbol: SimpleNamespace(snapshots=seen)},
        fleet=SimpleNamespace(credentials={}),
        yard=SimpleNamespace(receipts=SimpleNamespace(now_ns=lambda: now.ns)),
    )
    running: dict[str, None] = {}
    stood: list[tuple[str, str]] = []
    asked: list[tuple[str, str]] = []

    def join(one: Wanted) -> None:
        running[one.symbol] = None
        side = SimpleNamespace(chain=SimpleNamespace(stood=lambda units, _at_ns: stood.append((one.symbol, units))))
        stock.symbols.setdefault(one.symbol, SimpleNamespace(snapshots=None, side=side))

    async def previous_interest(of: str, expiry: str, _credentials: object) -> dict[str, str]:
        asked.append((of, expiry))
        return {one.symbol: f"{one.strike}.0" for one in chain if one.option == "CE"}

    money = Money(stock, SimpleNamespace(listed=listed, previous_interest=previous_interest), join, running.pop)

    async def strikes(at_ns: int, price: str) -> list[int]:
        now.ns, seen.price = at_ns, Decimal(price)
        await money._follow("NIFTY", asks.named("NIFTY"))
        return sorted({int(one.strike) for one in chain if one.symbol in running})

    assert await strikes(OPEN_NS, "25000") == [24_950, 25_000, 25_050]
    assert await strikes(OPEN_NS + SECOND, "25049.95") == [24_950, 25_000, 25_050], "the next strike was not reached"
    assert await strikes(OPEN_NS + 2 * SECOND, "25050") == [24_950, 25_000, 25_050, 25_100]
    assert await strikes(OPEN_NS + 3 * SECOND, "25010") == [24_950, 25_000, 25_050, 25_100], "held on the way back"
    evening_ns = OPEN_NS + 8 * 3600 * SECOND
    assert await strikes(evening_ns, "25010") == [25_000, 25_050, 25_100]
    assert index.symbol in running
    ends = local_date(chain[0].expiry_ns or 0).isoformat()
    assert asked == [(index.symbol, ends)], "what stood the day before is asked for once a session, while it is open"
    calls = [24_950, 25_000, 25_050, 25_100]  # the last one joined later; of puts the venue said nothing
    assert sorted(stood) == [(f"NSE_FO|{strike}CE", f"{strike}.0") for strike in calls]


def test_who_asks_for_options_where_there_are_none_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    wanted = Wanted(symbol="NIFTY", streams=frozenset({"snapshot"}), options="atm±2")
    assert msgspec.structs.replace(wanted, options="") != wanted
    money = Money(SimpleNamespace(name="upstox"), SimpleNamespace(), lambda _: None, lambda _: None)
    for _ in range(22):
        money._tell("NIFTY", "the broker lists no options of NIFTY")
    assert len(caplog.records) == 1
