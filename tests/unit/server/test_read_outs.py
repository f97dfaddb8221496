"""What a contract says, worked out by hand: two sessions and a chain; REST, Python and the command line alike."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from rest_kit import client_of, services_of, settings_for

import footloom as fl
from footloom.cli.main import main
from footloom.core.instrument import Instrument
from footloom.core.series import Series
from footloom.core.trades import Trades
from footloom.engine.read_outs import charts_of
from footloom.errors import NotStored
from footloom.store.files import Store
from tests.unit.options.chain_kit import EXPIRY_NS, MINUTE_NS, MONDAY_NS, NIFTY, OPEN_NS, call, chain_of, put

pytestmark = pytest.mark.anyio

FUTURE = Instrument(
    venue="upstox", symbol="NSE_FO|53001", tick_size=Decimal("0.05"), lot_size=Decimal(1), quote="INR", kind="future",
    calendar="nse_fo", underlying="NIFTY", name="NIFTY FUT", expiry_ns=EXPIRY_NS + 21 * 86_400 * 10**9,
)  # fmt: skip
EXPIRED = msgspec.structs.replace(FUTURE, symbol="NSE_FO|52001", expiry_ns=OPEN_NS)
# minutes of Monday, price, units, side: 2 250 units at 26 010 are the most
MONDAY = (
    (0, "26100", 75, 1),
    (1, "26050", 150, -1),
    (2, "26010", 1500, -1),
    (4, "26010", 750, -1),
    (5, "25990", 75, 1),
)


def trades(instrument: Instrument, open_ns: int, rows: tuple[tuple[int, str, int, int], ...], first_id: int) -> Trades:
    return Trades.build(
        instrument,
        [open_ns + minute * MINUTE_NS for minute, *_ in rows],
        [instrument.price_tick(price) for _, price, *_ in rows],
        [units for *_, units, _ in rows],
        [side for *_, side in rows],
        trade_id=range(first_id, first_id + len(rows)),
        tape="trade",
    )


def interest(*told: tuple[int, int]) -> Series:
    return Series.build(FUTURE, "open_interest", [at for at, _ in told], oi_lot=[lots for _, lots in told])


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("readouts")
    chain = chain_of(
        *(call(MONDAY_NS, strike, oi_lot=oi * 75) for strike, oi in ((25900, 1), (26000, 9), (26100, 5))),
        *(put(MONDAY_NS, strike, oi_lot=oi * 75) for strike, oi in ((25900, 2), (26000, 8), (26100, 1))),
    )
    with Store(folder, writer=True) as store:
        friday = trades(FUTURE, OPEN_NS, ((0, "26250", 75, 1), (9, "26200", 75, 1)), 1)
        store.append_many(
            [
                (friday, ()),
                (trades(FUTURE, MONDAY_NS, MONDAY, 3), ()),
                (trades(EXPIRED, MONDAY_NS, MONDAY[:1], 1), ()),
                # 10 000 at Friday's close; on Monday 9 800, said again, then 9 600
                (interest((OPEN_NS, 12_000), (OPEN_NS + 8 * MINUTE_NS, 10_000)), ()),
                (interest(*((MONDAY_NS + at * MINUTE_NS, oi) for at, oi in ((1, 9_800), (2, 9_800), (4, 9_600)))), ()),
                (chain.series, ()),
            ]
        )
    return folder


@pytest.fixture
async def client(root: Path, tmp_path: Path, anyio_backend: str) -> AsyncIterator[httpx.AsyncClient]:  # noqa: ARG001
    async with client_of(services_of(Store(root)), settings_for(root, tmp_path)) as made:
        yield made


async def test_both_readings_and_the_key_level_by_hand(client: httpx.AsyncClient) -> None:
    """26 200 to 25 990, and 10 000 to 9 600: longs leave. From 09:16 to 09:19 as well, 2 250 of 2 250 units sold."""
    told = (await client.get("/api/v1/options/readout", params={"symbol": "nse:NIFTY"})).json()
    assert told["symbol"] == FUTURE.key, "the one that has expired is not read"
    assert (told["poc"], told["key_level"], told["chain"]) == ("26010.00", "26000.00", "nse:NIFTY")
    close, interval = told["readings"]
    assert (close["baseline"], close["label"], close["reading"], close["confirmed"]) == (
        "previous close", "long_unwinding", "bearish", True,
    )  # fmt: skip
    assert (close["price"], close["open_interest"]) == ([26_200.0, 25_990.0], ["10000", "9600"])
    assert (close["buy"], close["sell"]) == ("150", "2400")
    assert "not fresh shorts" in close["words"]
    assert "open interest 10,000 to 9,600: -4.00% (a change of at most 0.5% is none)" in close["because"]
    assert any("key level: the point of control 26,010.00" in line for line in close["because"])
    assert (interval["from_ns"], interval["to_ns"]) == (
        str(MONDAY_NS + MINUTE_NS),
        str(MONDAY_NS + 4 * MINUTE_NS),
    )
    assert (interval["price"], interval["open_interest"]) == ([26_050.0, 26_010.0], ["9800", "9600"])
    assert (interval["buy"], interval["sell"], interval["confirmed"]) == ("0", "2250", True)
    assert interval["label"] == "long_unwinding"


async def test_earlier_on_the_day_only_what_was_known_counts(client: httpx.AsyncClient) -> None:
    params: dict[str, str | int] = {"symbol": "nse:NIFTY", "contract": FUTURE.key, "at_ns": MONDAY_NS + 3 * MINUTE_NS}
    told = (await client.get("/api/v1/options/readout", params=params)).json()
    close, interval = told["readings"]
    assert (close["price"], close["open_interest"], close["sell"]) == ([26_200.0, 26_010.0], ["10000", "9800"], "1650")
    assert (interval["reading"], interval["price"]) == (None, None), "one number is no interval"
    assert interval["words"].startswith("no reading: open interest") or "not known" in interval["words"]


async def test_behind_the_close_the_session_of_that_day_is_read(client: httpx.AsyncClient) -> None:
    """Recorders go on after 15:30, so that the newest message of a day lies there."""
    params: dict[str, str | int] = {"symbol": "nse:NIFTY"}
    told = (await client.get("/api/v1/options/readout", params=params)).json()
    at_ns = MONDAY_NS + 387 * MINUTE_NS
    behind = (await client.get("/api/v1/options/readout", params=params | {"at_ns": at_ns})).json()
    assert (behind["session_ns"], behind["at_ns"], behind["poc"]) == (told["session_ns"], str(at_ns), told["poc"])
    assert [one["price"] for one in behind["readings"]] == [one["price"] for one in told["readings"]]
    before = await client.get("/api/v1/options/readout", params=params | {"at_ns": MONDAY_NS - MINUTE_NS})
    assert before.status_code == 404, "before its open there is nothing of the day"


async def test_rest_python_and_the_command_line_say_the_same(
    client: httpx.AsyncClient, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    over_rest = (await client.get("/api/v1/options/readout", params={"symbol": "nse:NIFTY"})).json()
    assert json.loads(msgspec.json.encode(fl.read_out("nse:NIFTY", store=root))) == over_rest

    def told(*arguments: str) -> str:
        with pytest.raises(SystemExit) as left:
            main(["options", "readout", *arguments, "--store", str(root)])
        assert left.value.code == 0
        return capsys.readouterr().out

    assert json.loads(told("nse:NIFTY", "--json")) == over_rest
    shown = told("nse:NIFTY", "--contract", FUTURE.key)
    assert "previous close: bearish, and aggressive volume agrees" in shown
    assert "key level 26000.00" in shown


async def test_a_contract_without_a_chain_is_read_alone(client: httpx.AsyncClient) -> None:
    told = (await client.get("/api/v1/options/readout", params={"symbol": FUTURE.key})).json()
    assert (told["chain"], told["key_level"]) == (None, None)
    assert told["readings"][0]["label"] == "long_unwinding"
    expired = (await client.get("/api/v1/options/readout", params={"symbol": EXPIRED.key})).json()
    assert [one["reading"] for one in expired["readings"]] == [None, None], "nobody told its open interest"


async def test_chains_say_which_charts_stand_on_them(client: httpx.AsyncClient, root: Path) -> None:
    [chain] = (await client.get("/api/v1/options")).json()
    assert (chain["name"], chain["charts"]) == ("NIFTY", [EXPIRED.key, FUTURE.key])
    with Store(root) as store:
        assert charts_of(store, NIFTY.key, "BANKNIFTY") == []


@pytest.mark.parametrize(
    ("params", "status", "said"),
    [
        ({"symbol": "nse:NONE"}, 404, "nothing is stored for nse:NONE"),
        ({"symbol": "nse:NIFTY", "contract": "upstox:NSE_FO|9"}, 404, "nothing is stored for upstox:NSE_FO|9"),
        ({"symbol": "nse:NIFTY", "contract": "no key"}, 400, "VENUE:SYMBOL"),
        ({"symbol": "nse:NIFTY", "at_ns": OPEN_NS - 86_400 * 10**9}, 404, "nothing"),
    ],
)
async def test_what_cannot_be_read_says_why(
    client: httpx.AsyncClient, params: dict[str, Any], status: int, said: str
) -> None:
    reply = await client.get("/api/v1/options/readout", params=params)
    assert reply.status_code == status, reply.text
    assert said in reply.text


def test_nothing_stored_is_an_error_in_python_too(tmp_path: Path) -> None:
    Store(tmp_path, writer=True).close()
    with pytest.raises(NotStored, match="nothing is stored for nse:NIFTY"):
        fl.read_out("nse:NIFTY", store=tmp_path)
