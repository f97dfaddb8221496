"""The past of a symbol: files, then REST, each row once, whatever stops a run."""

from __future__ import annotations

import asyncio
import datetime as dt
import gzip
from pathlib import Path

import msgspec
import pytest
from http_kit import Answer, Call, LocalServer
from past_kit import DAY_MS, HOUR_MS, KEY, NOW_MS, Past, Row, rows_between

from footloom.config import Config, load
from footloom.core.messages import Gap
from footloom.core.trades import FLAG_BACKFILLED, FLAG_NO_RECV, Trades
from footloom.errors import ConfigError, StoreLocked, UnknownSymbol
from footloom.feeds.fetching import FetchOptions, FetchReport, check_keys, fetch
from footloom.store.files import Store

pytestmark = pytest.mark.anyio

DAYS = ("2026-02-27", "2026-02-28", "2026-03-01")
START_MS = NOW_MS - 8 * HOUR_MS - 3 * DAY_MS


@pytest.fixture
def past() -> Past:
    return Past(rows_between(START_MS, NOW_MS), DAYS)


@pytest.fixture
def config(server: LocalServer, past: Past, tmp_path: Path) -> Config:
    server.handler = past
    return load({}, store=tmp_path / "store", endpoints=[f"binance_usdm={server.url}"])


class Notes:
    """A watcher that keeps what it is told."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.ends: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)

    def moved(self, what: str, done: int, total: int | None, unit: str) -> None:
        if total is not None and done >= total:
            self.ends.append(f"{what} {unit}")


async def fetched(config: Config, **settings: object) -> FetchReport:
    asked: dict[str, object] = {"from_ns": START_MS * 10**6, "to_ns": 2**62, **settings}
    return await fetch(
        [KEY],
        FetchOptions(**asked),
        config=config,
        watcher=Notes(),
        now_ns=lambda: NOW_MS * 10**6,  # type: ignore[arg-type]
    )


def stored(config: Config) -> Trades:
    with Store(config.store) as store:
        block = store.load(KEY, "agg_trade", 0, 2**62)
    assert isinstance(block, Trades)
    return block


def as_rows(trades: Trades) -> list[Row]:
    price, qty = trades.instrument.price_text, trades.instrument.qty_text
    columns = (trades.trade_id, trades.ts_exch_ns, trades.price_tick, trades.qty_lot, trades.side)
    return [
        (number, ns // 10**6, price(tick), qty(lot), side < 0)
        for number, ns, tick, lot, side in zip(*(column.tolist() for column in columns), strict=True)
    ]


def states(report: FetchReport) -> dict[str, str]:
    return {day.day: day.state for day in report.keys[0].days}


async def test_files_and_then_rest_give_the_whole_tape(config: Config, past: Past) -> None:
    report = await fetched(config)

    assert report.ok
    assert states(report) == dict.fromkeys(DAYS, "fetched")
    trades = stored(config)
    assert as_rows(trades) == past.rows
    assert (report.keys[0].new_rows, report.keys[0].gaps) == (len(past.rows), 0)
    today = trades.ts_exch_ns >= (NOW_MS - 8 * HOUR_MS) * 10**6
    assert (trades.flags[today] == FLAG_BACKFILLED | FLAG_NO_RECV).all()
    assert (trades.flags[~today] == FLAG_NO_RECV).all()
    assert not list((config.store / "fetch" / "downloads").rglob("*.zip"))


async def test_a_second_run_asks_only_for_what_is_new(config: Config, past: Past) -> None:
    await fetched(config, to_ns=(NOW_MS - HOUR_MS) * 10**6)
    past.asked.clear()

    report = await fetched(config)

    assert states(report) == dict.fromkeys(DAYS, "present")
    assert as_rows(stored(config)) == past.rows
    assert [name for name in past.asked if name.endswith(".zip")] == []
    asked_ids = [int(name.split()[1]) for name in past.asked if "aggTrades 1" in name and len(name.split()[1]) < 10]
    last_hour = next(row[0] for row in past.rows if row[1] >= NOW_MS - HOUR_MS)
    assert asked_ids == [last_hour]


async def test_a_replaced_file_is_noticed_and_its_new_rows_are_added(config: Config, past: Past) -> None:
    whole = past.of_day(DAYS[1])
    past.publish(DAYS[1], whole[:100] + whole[150:])
    first = await fetched(config)
    assert (first.keys[0].days[1].rows, len(stored(config))) == (len(whole) - 50, len(past.rows) - 50)

    past.publish(DAYS[1])
    report = await fetched(config)

    day = report.keys[0].days[1]
    assert (day.state, day.rows) == ("replaced", 50)
    assert "another" in report.keys[0].notes[0]
    assert as_rows(stored(config)) == past.rows
    with Store(config.store) as store:
        assert store.gaps(KEY, "agg_trade", 0, 2**62) == []


async def test_a_replaced_file_with_other_values_is_told_and_changes_nothing(config: Config, past: Past) -> None:
    await fetched(config)
    number, ms, _, qty, maker = past.of_day(DAYS[0])[5]
    rows = past.of_day(DAYS[0])
    rows[5] = (number, ms, "1.5", qty, maker)
    past.publish(DAYS[0], rows)

    report = await fetched(config)

    assert report.keys[0].days[0].conflicts == 1
    assert "1 rows were stored before with other values" in report.keys[0].notes[0]
    assert as_rows(stored(config)) == past.rows


async def test_a_file_that_is_not_published_yet_comes_over_rest(config: Config, past: Past) -> None:
    del past.files["BTCUSDT-aggTrades-2026-03-01.zip"]

    report = await fetched(config)

    assert report.ok
    assert states(report)[DAYS[2]] == "absent"
    assert as_rows(stored(config)) == past.rows

    past.publish(DAYS[2])
    assert states(await fetched(config))[DAYS[2]] == "fetched"
    assert as_rows(stored(config)) == past.rows


async def test_what_nobody_has_is_told(config: Config, past: Past) -> None:
    del past.files["BTCUSDT-aggTrades-2026-02-28.zip"]

    report = await fetched(config)

    assert not report.ok
    (problem,) = report.keys[0].problems
    assert problem.startswith("2026-02-28T00:00:00Z to 2026-02-28T08:01:00Z: the archive has no file")
    assert "the last 48 hours only" in problem
    gaps = report.keys[0].gaps
    assert gaps == 1
    with Store(config.store) as store:
        (gap,) = store.gaps(KEY, "agg_trade", 0, 2**62)
    missing = [row for row in past.of_day(DAYS[1]) if row[1] < NOW_MS - 48 * HOUR_MS + 60_000]
    assert gap.missing == len(missing)


async def test_days_before_the_first_file_are_no_fault(config: Config) -> None:
    report = await fetched(config, from_ns=(START_MS - 2 * DAY_MS) * 10**6)

    assert report.ok
    assert report.keys[0].notes == [
        "2026-02-25 to 2026-02-26: no files, so it was not traded before 2026-02-27, it seems"
    ]


async def test_a_hole_between_two_files_is_a_gap(config: Config, past: Past) -> None:
    past.publish(DAYS[0], past.of_day(DAYS[0])[:-7])

    report = await fetched(config)

    assert (report.keys[0].gaps, report.keys[0].missing) == (1, 7)
    past.publish(DAYS[0])
    again = await fetched(config)
    assert (again.keys[0].gaps, again.keys[0].missing) == (0, 0)


async def test_a_sum_that_does_not_fit_is_no_data(config: Config, past: Past) -> None:
    past.broken.add("BTCUSDT-aggTrades-2026-02-28.zip")

    report = await fetched(config)

    assert states(report)[DAYS[1]] == "failed"
    assert "its checksum file says 000" in report.keys[0].problems[0]
    assert past.asked.count("BTCUSDT-aggTrades-2026-02-28.zip") == 2
    past.broken.clear()
    assert (await fetched(config)).ok
    assert as_rows(stored(config)) == past.rows


@pytest.mark.parametrize("stop_at", ["BTCUSDT-aggTrades-2026-02-28.zip", "2000", "3000"])
async def test_a_run_that_is_stopped_goes_on(config: Config, past: Past, server: LocalServer, stop_at: str) -> None:
    past.page = 100
    reached = asyncio.Event()

    def handler(call: Call) -> Answer:
        answer = past(call)
        if not reached.is_set() and stop_at in call.target and not call.target.endswith("CHECKSUM"):
            reached.set()
            return Answer(hang=True)
        return answer

    if stop_at.isdecimal():
        stop_at = f"fromId={past.of_day('2026-03-02')[0][0] + int(stop_at) // 10}"
    server.handler = handler
    task = asyncio.create_task(fetched(config))
    await asyncio.wait_for(reached.wait(), 60)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    report = await fetched(config)

    assert report.ok
    assert as_rows(stored(config)) == past.rows


async def test_again_fetches_again(config: Config, past: Past) -> None:
    await fetched(config)
    past.asked.clear()

    report = await fetched(config, again=True)

    assert states(report) == dict.fromkeys(DAYS, "fetched")
    assert report.keys[0].new_rows == 0
    assert past.asked.count("BTCUSDT-aggTrades-2026-02-28.zip") == 1


async def test_a_store_that_is_recorded_into_says_so_before_anything_is_fetched(config: Config, past: Past) -> None:
    with Store(config.store, writer=True), pytest.raises(StoreLocked):
        await fetched(config)

    assert past.asked == []


async def test_a_symbol_that_is_not_listed(config: Config) -> None:
    options = FetchOptions(from_ns=START_MS * 10**6, to_ns=2**62)

    with pytest.raises(UnknownSymbol, match=r"does not list .*; it lists BTCUSDT"):
        await fetch(["binance_usdm:BTCUSD"], options, config=config, now_ns=lambda: NOW_MS * 10**6)


async def test_a_range_of_nothing(config: Config) -> None:
    with pytest.raises(ConfigError, match="nothing to fetch"):
        await fetched(config, from_ns=(NOW_MS + 1) * 10**6)


@pytest.mark.parametrize("key", ["BTCUSDT", "nope:X", "_binance:X", "sim:PERP", "binance_usdm:"])
async def test_names_that_cannot_be(key: str) -> None:
    with pytest.raises(ConfigError):
        check_keys([key])


async def test_a_name_that_stands_twice() -> None:
    with pytest.raises(ConfigError, match="twice"):
        check_keys([KEY, KEY.replace("BTC", "btc")])


async def test_days_are_those_of_utc(config: Config, past: Past) -> None:
    begin = dt.datetime(2026, 2, 28, 23, 30, tzinfo=dt.UTC)

    report = await fetched(config, from_ns=int(begin.timestamp()) * 10**9, to_ns=int(begin.timestamp() + 3600) * 10**9)

    assert list(states(report)) == ["2026-02-28", "2026-03-01"]
    assert [name for name in past.asked if name.startswith("aggTrades")] == []


BYBIT = "bybit_linear:BTCUSDT"


class BybitPast:
    """What Bybit has: a list of instruments, and a file a day whose times are finer than those of its streams."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.asked: list[str] = []

    def row(self, number: int) -> tuple[int, str]:
        """Time (tenths of ms since the day's start) and text of a row."""
        tenths = number * 600_000 + number % 7
        seconds = (START_MS + DAY_MS) / 1000 + tenths / 10_000
        return (
            tenths,
            f"{seconds:.4f},BTCUSDT,{'Buy' if number % 2 else 'Sell'},0.00{1 + number % 9},6000{number % 9}.0,",
        )

    def __call__(self, call: Call) -> Answer:
        self.asked.append(call.target)
        if call.target.startswith("/archive/trading/BTCUSDT/BTCUSDT2026-02-28"):
            header = "timestamp,symbol,side,size,price,tickDirection,trdMatchID,grossValue,homeNotional,foreignNotional"
            lines = [f"{self.row(number)[1]}ZeroPlusTick,id-{number},0,0,0" for number in range(self.count)]
            return Answer(gzip.compress("\n".join([header, *lines, ""]).encode()))
        if call.target.startswith("/archive"):
            return Answer(status=404)
        listed = {
            "symbol": "BTCUSDT",
            "status": "Trading",
            "contractType": "LinearPerpetual",
            "priceFilter": {"tickSize": "0.10"},
            "lotSizeFilter": {"qtyStep": "0.001"},
        }
        document = {"retCode": 0, "retMsg": "OK", "result": {"list": [listed], "nextPageCursor": ""}, "time": 0}
        return Answer(msgspec.json.encode(document))


@pytest.fixture
def bybit(server: LocalServer, tmp_path: Path) -> tuple[BybitPast, Config]:
    past = BybitPast(400)
    server.handler = past
    return past, load({}, store=tmp_path / "store", endpoints=[f"bybit_linear={server.url}"])


def heard(past: BybitPast, first: int, stop: int) -> Trades:
    """Rows as the stream told them: whole ms, and numbers by the venue's sequence."""
    from decimal import Decimal

    from footloom.core.instrument import Instrument

    grid = Instrument(venue="bybit_linear", symbol="BTCUSDT", tick_size=Decimal("0.1"), lot_size=Decimal("0.001"))
    numbers = range(first, stop)
    texts = [past.row(number)[1].split(",") for number in numbers]
    return Trades.build(
        grid,
        [(START_MS + DAY_MS + past.row(number)[0] // 10) * 10**6 for number in numbers],
        [grid.price_tick(text[4]) for text in texts],
        [grid.qty_lot(text[3]) for text in texts],
        [1 if text[2] == "Buy" else -1 for text in texts],
        trade_id=[(7_000_000 + number) << 20 for number in numbers],
        tape="trade",
    )


async def of_bybit(config: Config, **settings: object) -> FetchReport:
    begin_ns = (START_MS + DAY_MS) * 10**6
    asked: dict[str, object] = {"from_ns": begin_ns, "to_ns": begin_ns + DAY_MS * 10**6, **settings}
    return await fetch([BYBIT], FetchOptions(**asked), config=config, now_ns=lambda: NOW_MS * 10**6)  # type: ignore[arg-type]


async def test_a_file_without_ids_fills_what_was_not_recorded(bybit: tuple[BybitPast, Config]) -> None:
    past, config = bybit
    hole = heard(past, 149, 202)
    with Store(config.store, writer=True) as store:
        store.append(heard(past, 100, 150))
        lost = Gap(
            symbol="BTCUSDT", from_ns=int(hole.ts_exch_ns[0]), to_ns=int(hole.ts_exch_ns[-2]), cause="disconnect"
        )
        store.append(heard(past, 200, 260), [lost])

    report = await of_bybit(config)

    assert report.ok
    assert report.keys[0].new_rows == past.count - 50 - 60
    whole = heard(past, 0, past.count)
    with Store(config.store) as store:
        found = store.load(BYBIT, "trade", 0, 2**62)
        gaps = store.gaps(BYBIT, "trade", 0, 2**62)
    assert isinstance(found, Trades)
    assert (found.ts_exch_ns // 10**6).tolist() == (whole.ts_exch_ns // 10**6).tolist()
    assert found.price_tick.tolist() == whole.price_tick.tolist()
    assert found.qty_lot.tolist() == whole.qty_lot.tolist()
    assert found.side.tolist() == whole.side.tolist()
    assert gaps == []
    assert (report.keys[0].gaps, (await of_bybit(config, again=True)).keys[0].new_rows) == (0, 0)


async def test_a_day_that_bybit_has_not_published_is_told(bybit: tuple[BybitPast, Config]) -> None:
    _, config = bybit

    today = await of_bybit(config, from_ns=(NOW_MS - 8 * HOUR_MS) * 10**6, to_ns=2**62)
    old = await of_bybit(config, from_ns=(START_MS + DAY_MS) * 10**6, to_ns=(START_MS + 3 * DAY_MS) * 10**6)

    assert today.ok
    assert "no archive file yet" in today.keys[0].notes[0]
    assert old.ok  # yesterday's file comes some hours into today
    assert states(old) == {"2026-02-28": "fetched", "2026-03-01": "absent"}
