"""Open interest, funding and liquidations by bars, over REST and a real store."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import numpy as np
import pytest
from rest_kit import client_of, services_of

from footloom.core.instrument import Instrument
from footloom.core.messages import Gap
from footloom.core.series import Series
from footloom.core.snapshots import NO_QUOTE, Snapshots
from footloom.core.trades import FLAG_NO_ID, Trades
from footloom.errors import ConfigError
from footloom.feeds.stored_interest import contract_at
from footloom.server.stored.aside import Aside
from footloom.server.stored.tasks import Task
from footloom.store.files import Store
from footloom.venues._venue import Wanted

pytestmark = pytest.mark.anyio

NS = 10**9
DAY = 86_400 * NS
START = 1_772_409_600 * NS  # a Monday, 00:00 UTC
PERP = Instrument(venue="binance_usdm", symbol="BTCUSDT", tick_size=Decimal("0.1"), lot_size=Decimal("0.001"))


def trades(seconds: list[int], tape: str = "agg_trade", side: int = 1) -> Trades:
    count = len(seconds)
    flags: dict[str, Any] = {"flags": [FLAG_NO_ID] * count} if tape == "liquidation" else {}
    return Trades.build(
        PERP,
        [START + at * NS for at in seconds],
        [1_000_000 + at for at in range(count)],
        [500 * (at + 1) for at in range(count)],
        [side] * count,
        trade_id=list(range(1, count + 1)),
        ts_recv_ns=[START + at * NS for at in seconds],
        tape=tape,
        **flags,
    )


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path, writer=True) as opened:
        opened.put_instrument(PERP)
        opened.append(trades(list(range(0, 600, 5))))
        times = [-30, 10, 70, 75, 200, 330]
        told = Series.build(
            PERP,
            "open_interest",
            [START + at * NS for at in times],
            oi_lot=[90_000, 100_000, 100_000, 103_500, 101_000, 101_000],
        )
        opened.append(told)
        marks = Series.build(
            PERP,
            "mark",
            [START + at * NS for at in (30, 59, 130)],
            mark_e8=[6_000_050_000_000, 6_000_100_000_000, 6_000_200_000_000],
            index_e8=[6_000_000_000_000] * 3,
            rate_e8=[10_000, 10_100, -2_500],
            next_ns=[START + 8 * 3600 * NS] * 3,
        )
        opened.append(marks)
        opened.append(trades([20, 90, 95], "liquidation", side=-1))
        yield opened


async def asked(store: Store, path: str, **query: Any) -> Any:
    async with client_of(services_of(store)) as client:
        return await client.get(f"/api/v1/{path}", params={"symbol": PERP.key, **query})


def at(second: int) -> str:
    return str(START + second * NS)


async def test_what_is_stored_is_listed_and_what_is_not_is_not_named(store: Store) -> None:
    rows = (await asked(store, "streams")).json()
    assert [(row["name"], row["rows"]) for row in rows] == [("open_interest", 6), ("funding", 3), ("liquidations", 3)]
    assert (rows[0]["first_ns"], rows[0]["last_ns"]) == (at(-30), at(330))
    async with client_of(services_of(store)) as client:
        other = await client.get("/api/v1/streams", params={"symbol": "binance_spot:BTCUSDT"})
    assert other.json() == []


async def test_open_interest_by_minutes(store: Store) -> None:
    reply = (await asked(store, "streams/open_interest", bars="1m", from_ns=START)).json()
    rows = {row["open_ns"]: row for row in reply["rows"]}
    assert list(rows) == [at(0), at(60), at(180), at(300)]
    assert [(row["quantity"], row["change"], row["since_ns"], row["news"]) for row in rows.values()] == [
        ("100.000", "10.000", at(-30), 1),
        ("103.500", "3.500", at(10), 1),
        ("101.000", "-2.500", at(75), 1),
        ("101.000", None, None, 0),
    ]
    assert [row["day_change"] for row in rows.values()] == ["10.000", "13.500", "11.000", "11.000"]


async def test_a_page_says_of_its_bars_what_the_whole_says(store: Store) -> None:
    whole = (await asked(store, "streams/open_interest", bars="1m")).json()
    parts: list[dict[str, Any]] = []
    until: dict[str, Any] = {}
    while True:
        page = (await asked(store, "streams/open_interest", bars="1m", limit=1, **until)).json()
        parts = page["rows"] + parts
        if not page["has_more"]:
            break
        until = {"to_ns": page["from_ns"]}
    assert parts == whole["rows"]


@pytest.mark.parametrize("bars", ["1s", "10s", "1m", "24t"])
async def test_pages_of_quiet_bars_leave_nothing_out_and_say_what_they_hold(store: Store, bars: str) -> None:
    whole = (await asked(store, "streams/open_interest", bars=bars, from_ns=START, limit=2_000)).json()
    assert whole["from_ns"] == at(0)
    until_ns, parts = START + 400 * NS, []
    for _ in range(400):
        page = (await asked(store, "streams/open_interest", bars=bars, from_ns=START, to_ns=until_ns, limit=20)).json()
        parts = page["rows"] + parts
        assert START <= int(page["from_ns"]) < until_ns
        until_ns = int(page["from_ns"])
        if until_ns == START:
            break
    assert parts == whole["rows"]


async def test_funding_and_liquidations_by_minutes(store: Store) -> None:
    funding = (await asked(store, "streams/funding", bars="1m")).json()["rows"]
    assert [(row["open_ns"], row["rate"], row["mark"]) for row in funding] == [
        (at(0), "0.000101", "60001"),
        (at(120), "-0.000025", "60002"),
    ]
    forced = (await asked(store, "streams/liquidations", bars="1m")).json()["rows"]
    assert [(row["open_ns"], row["long"], row["short"], row["count"], row["largest"]) for row in forced] == [
        (at(0), "0.500", "0.000", 1, "0.500"),
        (at(60), "2.500", "0.000", 2, "1.500"),
    ]


async def test_bars_that_end_by_trades_have_what_was_told_since_they_opened(store: Store) -> None:
    bars = (await asked(store, "bars", bars="24t", ticks_per_level=1)).json()["bars"]
    rows = (await asked(store, "streams/open_interest", bars="24t", from_ns=START)).json()["rows"]
    assert [row["open_ns"] for row in rows] == [str(bars[k]["open_ns"]) for k in (0, 1, 2)]
    assert [row["quantity"] for row in rows] == ["103.500", "101.000", "101.000"]


async def test_bars_of_years_of_trades_are_refused(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("footloom.server.routes.parameters.MOST_ROWS", 100)
    assert (await asked(store, "streams/open_interest", bars="24t")).status_code == 413
    assert (await asked(store, "streams/open_interest", bars="1m")).status_code == 200  # reads no trades
    assert (await asked(store, "streams/open_interest", bars="1m", limit=1_000_000)).status_code == 200  # fewer come


async def test_what_is_not_stored_is_not_found_and_says_so(store: Store) -> None:
    async with client_of(services_of(store)) as client:
        answer = await client.get("/api/v1/streams/open_interest", params={"symbol": "binance_spot:BTCUSDT"})
        assert answer.status_code == 404
        wrong = await client.get("/api/v1/streams/weather", params={"symbol": PERP.key})
        assert wrong.status_code == 400


async def test_what_is_stored_is_told_also_where_a_login_has_ended(store: Store) -> None:
    threads: list[int] = []

    def wanted_of(key: str) -> None:
        threads.append(threading.get_ident())
        raise ConfigError(f"{key} cannot be listened to: log in")

    services = services_of(store)
    settings = SimpleNamespace(wanted_of=wanted_of)
    services.streams = cast("Any", SimpleNamespace(keys=frozenset({PERP.key}), settings=settings))
    async with client_of(services) as client:
        named = await client.get("/api/v1/streams", params={"symbol": PERP.key})
        assert (named.status_code, {row["name"] for row in named.json()} >= {"open_interest"}) == (200, True)
        query = {"symbol": PERP.key, "bars": "1m"}
        told = await client.get("/api/v1/streams/open_interest", params=query)
        assert told.status_code == 200
        assert told.json()["rows"]
    assert threads
    assert threading.get_ident() not in threads, "a file of logins is not read on the event loop"


async def test_what_is_listened_to_is_named_before_it_tells_anything(tmp_path: Path) -> None:
    fut = Instrument(venue="upstox", symbol="NSE_FO|1", tick_size=Decimal("0.1"), lot_size=Decimal(1), kind="future")
    index = msgspec.structs.replace(fut, symbol="NSE_INDEX|1", kind="index")
    tapes = {PERP.key: {"agg_trade", "liquidation", "mark"}} | {key: {"open_interest"} for key in (fut.key, index.key)}
    settings = SimpleNamespace(wanted_of=lambda key: ("", Wanted(symbol=key, streams=frozenset(tapes[key]))))
    with Store(tmp_path, writer=True) as store:
        for one in (PERP, fut, index):
            store.put_instrument(one)
            tape = "agg_trade" if one is PERP else "trade"
            store.append(Trades.build(one, [START], [1_000], [1], [1], trade_id=[1], ts_recv_ns=[START], tape=tape))
        services = services_of(store)
        services.streams = cast("Any", SimpleNamespace(keys=tapes.keys() - {"upstox:NSE_FO|1"}, settings=settings))
        async with client_of(services) as client:

            async def named(key: str) -> list[str]:
                rows = (await client.get("/api/v1/streams", params={"symbol": key})).json()
                assert all((row["rows"], row["first_ns"], row["last_ns"]) == (0, None, None) for row in rows)
                return [row["name"] for row in rows]

            assert await named(PERP.key) == ["funding", "liquidations"]
            assert await named(fut.key) == [], "nobody listens to it"
            services.streams = cast("Any", SimpleNamespace(keys=tapes.keys(), settings=settings))
            assert await named(fut.key) == ["open_interest"]
            assert await named(index.key) == [], "nothing is ever open of an index"
            for name, status in (("liquidations", 200), ("open_interest", 404)):
                for bars in ("1m", "24t"):
                    query = {"symbol": PERP.key, "bars": bars, "from_ns": START}
                    answer = await client.get(f"/api/v1/streams/{name}", params=query)
                    assert answer.status_code == status
                    if status == 200:
                        said = answer.json()
                        assert (said["rows"], said["first_ns"], said["last_ns"]) == ([], None, None)
                        assert (said["from_ns"], said["has_more"]) == (str(START), False)


FUT_AT = 1_765_771_200 * NS  # 2025-12-15, 09:30 in Kolkata
FUT_ENDS = {"A": FUT_AT + 6 * 3600 * NS, "B": FUT_AT + 30 * DAY}  # A ends today at 15:30


def seen(name: str, told: list[tuple[int, int | None]], lot: str = "1") -> Snapshots:
    """Snapshots of a future: seconds of receipt, each a second behind its last trade, and what is open."""
    one = Instrument(
        venue="upstox", symbol=f"NSE_FO|{name}", tick_size=Decimal("0.1"), lot_size=Decimal(lot), calendar="nse_fo",
        kind="future", underlying="NIFTY", expiry_ns=FUT_ENDS[name], quote="INR",
    )  # fmt: skip
    recv = np.array([FUT_AT + at * NS for at, _ in told])
    count = len(told)
    none = np.full(count, NO_QUOTE)
    return Snapshots(
        instrument=one,
        ts_exch_ns=recv - NS,
        ltp_tick=np.full(count, 260_000),
        ltq_lot=np.full(count, 75),
        vtt_lot=np.arange(1, count + 1) * 75,
        bid_tick=none.copy(),
        ask_tick=none.copy(),
        ts_recv_ns=recv,
        oi_lot=np.array([NO_QUOTE if oi is None else oi for _, oi in told]),
    )


async def test_snapshots_tell_open_interest_too_and_a_roll_is_no_change_of_it(tmp_path: Path) -> None:
    next_day = 86_400
    with Store(tmp_path, writer=True) as store:
        for rows in (
            seen("A", [(0, None), (10, 7_500), (70, 7_500), (130, 9_000)]),
            seen("B", [(5, 100_000), (next_day, 150_000), (next_day + 65, 151_500)]),
        ):
            store.put_instrument(rows.instrument)
            store.append(rows)
        # What a recorder tells apart says the same at the same receipt, and what it tells beside counts as well.
        one = seen("A", [(10, 7_500)]).instrument
        store.append(Series.build(one, "open_interest", [FUT_AT + at * NS for at in (10, 190)], oi_lot=[7_500, 9_750]))

        async def bars(symbol: str, **more: Any) -> list[tuple[int, str, str | None]]:
            query = {"bars": "1m", "symbol": symbol, "limit": 2_000, **more}
            async with client_of(services_of(store)) as client:
                assert [row["name"] for row in (await client.get("/api/v1/streams", params={"symbol": symbol})).json()]
                reply = (await client.get("/api/v1/streams/open_interest", params=query)).json()
            return [((int(row["open_ns"]) - FUT_AT) // NS, row["quantity"], row["change"]) for row in reply["rows"]]

        first = [(0, "7500", None), (60, "7500", None), (120, "9000", "1500"), (180, "9750", "750")]
        second = [(next_day, "150000", "50000"), (next_day + 60, "151500", "1500")]
        assert await bars("upstox:NSE_FO|A") == first
        assert await bars("upstox:NSE_FO|B") == [(0, "100000", None), *second]
        assert await bars("upstox:NIFTY.FUT1") == [*first, *second], "each contract in its own time, never compared"
        assert await bars("upstox:NIFTY.FUT1", limit=1) == second[-1:]
        # What is missing of a contract while another stands for the name is not missing of the name.
        for name, after in (("A", 20), ("B", 20), ("A", next_day + 20), ("B", next_day + 20)):
            at_ns = FUT_AT + after * NS
            missing = Gap(symbol=f"upstox:NSE_FO|{name}", from_ns=at_ns, to_ns=at_ns + NS, cause="disconnect")
            store.append(seen(name, [(0, None)]).take(slice(0, 0)), [missing])
        async with client_of(services_of(store)) as client:
            query = {"bars": "1m", "symbol": "upstox:NIFTY.FUT1", "limit": "2000"}
            reply = (await client.get("/api/v1/streams/open_interest", params=query)).json()
        told = [(int(gap["from_ns"]) - FUT_AT) // NS for gap in reply["gaps"]]
        assert told == [20, next_day + 20]
        assert contract_at(store, "upstox:NIFTY.FUT1", FUT_AT) == "upstox:NSE_FO|A"
        assert contract_at(store, "upstox:NIFTY.FUT1", None) == "upstox:NSE_FO|B"


async def test_what_takes_many_rows_is_made_aside_and_says_the_same(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[tuple[str, int]] = []

    def make(aside: Aside, task: Task, rows: int) -> bytes:
        made.append((task.make.__name__, rows))
        return pickle.loads(pickle.dumps(task)).make(aside._history, *task.given)  # type: ignore[no-any-return] # noqa: S301 - as it goes to the other process

    for name in ("open_interest", "funding", "liquidations"):
        here = (await asked(store, f"streams/{name}", bars="1m")).json()
        with monkeypatch.context() as patched:
            patched.setattr(Aside, "is_large", lambda _aside, rows: rows > 2)
            patched.setattr(Aside, "make", make)
            aside = (await asked(store, f"streams/{name}", bars="1m")).json()
        assert aside == here
    assert made == [("_bars_body", 6), ("_bars_body", 3), ("_bars_body", 3)]
