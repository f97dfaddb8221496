"""Option chains over REST and on the command line: one answer, made of an imported file."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pyarrow.csv
import pytest
from rest_kit import client_of, services_of, settings_for

from footloom.cli.main import main
from footloom.feeds.ingest import Options, import_files
from footloom.store.files import Store

pytestmark = pytest.mark.anyio

HEADER = (
    "id,stock_id,date,timestamp,expiry_date,strike_price,"
    "call_oi,call_oi_change,call_volume,put_oi,put_oi_change,put_volume"
)
ROWS = (
    "1,1,2025-12-05,09:21,09-Dec-2025,26000,2,1,9,6,1,3",
    "2,1,2025-12-05,09:21,09-Dec-2025,26100,4,0,9,1,0,3",
    "3,1,2025-12-05,09:21,09-Dec-2025,26200,4,0,0,1,0,3",
    "4,1,2025-12-05,09:24,09-Dec-2025,26000,5,4,9,6,1,3",
    "5,1,2025-12-05,09:24,09-Dec-2025,26100,4,0,9,2,1,3",
    "6,1,2025-12-05,09:24,16-Dec-2025,26100,1,0,9,2,1,3",
)
FIRST_NS = 1_764_906_660_000_000_000
LAST_NS = FIRST_NS + 180_000_000_000


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("options")
    (folder / "chain.csv").write_text("\n".join((HEADER, *ROWS)) + "\n", encoding="utf-8")
    assert import_files([folder / "chain.csv"], Options(), store=folder / "store").ok
    return folder / "store"


@pytest.fixture
async def client(root: Path, tmp_path: Path, anyio_backend: str) -> AsyncIterator[httpx.AsyncClient]:  # noqa: ARG001
    async with client_of(services_of(Store(root)), settings_for(root, tmp_path)) as made:
        yield made


async def test_chains_are_listed(client: httpx.AsyncClient) -> None:
    [row] = (await client.get("/api/v1/options")).json()
    assert (row["symbol"], row["rows"], row["first_ns"]) == ("nse:NIFTY", 12, str(FIRST_NS))
    assert row["expiries"] == ["2025-12-09", "2025-12-16"]
    assert (row["charts"], row["front"]) == ([], None), "no future of it is stored"


async def test_a_chain_at_a_time_worked_out_by_hand(client: httpx.AsyncClient) -> None:
    """8 puts over 10 calls; writers pay 300 at 26 000 and at 26 100, 800 at 26 200: the lower of both stands."""
    reply = (await client.get("/api/v1/options/chain", params={"symbol": "nse:NIFTY", "at_ns": FIRST_NS})).json()
    assert (reply["call_oi"], reply["put_oi"], reply["pcr_oi"]) == ("750", "600", 0.8)
    assert (reply["pcr_volume"], reply["max_pain"], reply["units_a_lot"]) == (0.5, "26000", 75)
    assert reply["call_walls"][0] == {"strike": "26100", "oi": "300", "strong": False}
    assert reply["put_walls"][0] == {"strike": "26000", "oi": "450", "strong": True}
    assert (reply["days_to_expiry"], reply["sessions_to_expiry"], reply["gex"], reply["straddle"]) == (4, 3, None, None)
    assert (reply["tz"], reply["rows"][0]["strike"]) == ("Asia/Kolkata", "26000")
    first = reply["rows"][0]["call"]
    assert (first["oi"], first["oi_day"], first["oi_step"], first["volume"]) == ("150", "75", None, "675")
    assert first["said"]["oi"] == {"since_ns": str(FIRST_NS), "source": "chain_csv"}
    later = (await client.get("/api/v1/options/chain", params={"symbol": "nse:NIFTY"})).json()
    assert [row["call"]["oi_step"] for row in later["rows"]] == ["225", "0", None], "one said it once: no update before"
    assert [row["call"]["step_from_ns"] for row in later["rows"]] == [str(FIRST_NS), str(FIRST_NS), None]
    assert later["rows"][2]["call"]["said"]["oi"]["since_ns"] == str(FIRST_NS)


async def test_a_chain_through_time_and_its_heat(client: httpx.AsyncClient) -> None:
    params = {"symbol": "nse:NIFTY"}
    history = (await client.get("/api/v1/options/history", params=params)).json()
    assert (history["at_ns"], history["pcr_oi"]) == ([str(FIRST_NS), str(LAST_NS)], [0.8, 9 / 13])
    assert [one["strike"] for one in history["put_wall"]] == ["26000", "26000"]
    assert history["straddle"] == history["atm_iv"] == history["gex"] == [None, None]
    heat = (await client.get("/api/v1/options/heat", params=params | {"strikes": 1, "price": 26010})).json()
    assert (heat["strikes"], heat["calls"], heat["puts"]) == (
        ["26000", "26100"],
        [[None, 225], [None, 0]],
        [[None, 0], [None, 75]],
    )
    assert (heat["net"], heat["clip_calls"]) == ([[None, -225], [None, 75]], 225)
    assert (await client.get("/api/v1/options/history", params=params | {"from_ns": LAST_NS})).json()["pcr_oi"] == [
        9 / 13
    ]
    smile = (await client.get("/api/v1/options/smile", params=params)).json()
    assert (smile["strikes"], smile["iv"], smile["forward"]) == (["26000", "26100", "26200"], [None] * 3, None)


async def test_a_chain_is_shown_after_the_close_of_its_last_expiry(tmp_path: Path, anyio_backend: str) -> None:  # noqa: ARG001
    rows = ("1,1,2025-12-09,15:29,09-Dec-2025,26000,2,1,9,6,1,3", "2,1,2025-12-09,15:30,09-Dec-2025,26000,2,1,9,6,1,3")
    (tmp_path / "chain.csv").write_text("\n".join((HEADER, *rows)) + "\n", encoding="utf-8")
    assert import_files([tmp_path / "chain.csv"], Options(), store=tmp_path / "store").ok
    root = tmp_path / "store"
    async with client_of(services_of(Store(root)), settings_for(root, tmp_path)) as client:
        for path in ("chain", "smile", "history", "heat"):
            reply = await client.get(f"/api/v1/options/{path}", params={"symbol": "nse:NIFTY"})
            assert (reply.status_code, reply.json().get("expiry")) == (200, "2025-12-09"), reply.text
            assert reply.json()["tz"] == "Asia/Kolkata"


@pytest.mark.parametrize(
    ("path", "params", "status", "said"),
    [
        ("chain", {"symbol": "nse:NONE"}, 404, "no option chain of nse:NONE is stored: stored are nse:NIFTY"),
        (
            "chain",
            {"symbol": "nse:NIFTY", "expiry": "2025-12-23"},
            404,
            "has no expiry 2025-12-23 there: it has 2025-12-09",
        ),
        ("chain", {"symbol": "nse:NIFTY", "expiry": "soon"}, 400, "expiry 'soon' is no date"),
        (
            "chain",
            {"symbol": "nse:NIFTY", "at_ns": FIRST_NS - 1},
            404,
            "nothing of the chain of nse:NIFTY is stored at 2025-12-05T",
        ),
        ("chain", {"symbol": "nse:NIFTY", "at_ns": LAST_NS * 2 - FIRST_NS + 10**15}, 404, "nothing of the chain"),
        ("smile", {"symbol": "nse:NIFTY", "strikes": 2}, 422, "where the money is of nse:NIFTY is not known"),
        ("heat", {"symbol": "nse:NIFTY", "from_ns": 5, "to_ns": 5}, 400, "the range is empty"),
        ("history", {"symbol": "nse:NIFTY", "rate": 7}, 400, "rate"),
    ],
)
async def test_what_cannot_be_answered_says_why(
    client: httpx.AsyncClient, path: str, params: dict[str, str | int], status: int, said: str
) -> None:
    reply = await client.get(f"/api/v1/options/{path}", params=params)
    assert reply.status_code == status, reply.text
    assert said in reply.text


async def test_options_that_cannot_be_followed_say_what_to_run(client: httpx.AsyncClient) -> None:
    async def said(body: dict[str, object]) -> tuple[int, str]:
        reply = await client.post("/api/v1/options/follow", json=body)
        return reply.status_code, reply.text

    status, text = await said({"symbol": "upstox:NIFTY.FUT1"})
    assert status == 400
    assert "footloom record upstox:NIFTY.FUT1 --options atm±10 records them" in text
    assert (await said({"symbol": "upstox:NIFTY.FUT1", "strikes": 99}))[0] == 400
    assert (await said({"symbol": "upstox:NIFTY.FUT1", "rule": "all"}))[0] == 400


async def test_the_command_line_says_what_rest_says(
    client: httpx.AsyncClient, root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def told(*arguments: str) -> str:
        with pytest.raises(SystemExit) as left:
            main(["options", *arguments, "--store", str(root)])
        assert left.value.code == 0
        return capsys.readouterr().out

    for what, path in (("chain", "chain"), ("iv", "smile"), ("history", "history"), ("heat", "heat")):
        over_rest = (await client.get(f"/api/v1/options/{path}", params={"symbol": "nse:NIFTY"})).json()
        assert json.loads(told(what, "nse:NIFTY", "--json")) == over_rest
    assert "nse:NIFTY: 12 rows" in told("list")
    assert "26000 (6, strong)" in told("walls", "nse:NIFTY")
    assert "0.8000" in told("pcr", "nse:NIFTY")
    [changed] = [line.split() for line in told("heat", "nse:NIFTY").splitlines() if " 26000 " in line]
    assert changed == ["+3", "+3", "+4", "26000", "+1", "0", "0"], (
        "last, sum and day of calls, day, sum and last of puts"
    )
    shown = told("chain", "nse:NIFTY", "--at", "2025-12-05T09:22:00+05:30")
    assert "in lots of 75" in shown
    out = tmp_path / "chain.csv"
    told("export", "nse:NIFTY", str(out))
    table = pyarrow.csv.read_csv(out)
    assert (len(table), sum(one or 0 for one in table.column("oi").to_pylist())) == (12, 75 * (18 + 22))


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["chain"], 2, "name the underlying"),
        (["export", "nse:NIFTY"], 2, "export needs a file"),
        (["chain", "nse:NIFTY", "--expiry", "2025-12-23"], 1, "has no expiry 2025-12-23"),
        (["history", "nse:NIFTY", "--from", "2026-01-01", "--to", "2025-01-01"], 1, "the range is empty"),
    ],
)
async def test_wrong_usage_is_no_traceback(
    root: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, said: str
) -> None:
    with pytest.raises(SystemExit) as left:
        main(["options", *arguments, "--store", str(root)])
    assert left.value.code == code
    assert said in capsys.readouterr().err
