"""Profiles and studies over REST, against answers worked out by hand and in plain Python; bars as anywhere else."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import httpx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rest_kit import client_of, services_of, settings_for
from server_kit import DAY0_NS, TEST, MemoryStore, make_tape

import footloom as fl
from footloom.cli.main import main
from footloom.core.trades import Trades
from footloom.feeds.stored import stored_pieces
from footloom.server.routes import parameters
from footloom.server.routes.charts import BarRow
from footloom.server.stored.history import History
from footloom.server.wire.messages import TopicRequest
from footloom.store.files import Store
from footloom.studies import study_names

pytestmark = pytest.mark.anyio

MINUTE_NS = 60 * 10**9
DAY_NS = 24 * 60 * MINUTE_NS


@pytest.fixture
async def client(store: MemoryStore, tmp_path: Path, anyio_backend: str) -> AsyncIterator[httpx.AsyncClient]:  # noqa: ARG001
    async with client_of(services_of(store), settings_for(tmp_path, tmp_path, max_history_bars=2_000)) as made:
        yield made


def tape_of(*rows: tuple[int, int, int]) -> Trades:
    """Make trades of (price in ticks, lots, side), a second apart."""
    price, qty, side = zip(*rows, strict=True)
    ts = DAY0_NS + 10**9 * np.arange(len(rows))
    return Trades.build(TEST, ts, list(price), list(qty), list(side), trade_id=np.arange(len(rows)) + 1, ts_recv_ns=ts)


async def test_a_profile_worked_out_by_hand(tmp_path: Path) -> None:
    """Volume 5, 20, 10, 1 on four levels: the second has most; with its larger neighbour it holds 70 % of 36."""
    tape = tape_of((10, 5, 1), (11, 12, -1), (11, 8, 0), (12, 10, 1), (13, 1, -1))
    params = {"symbol": "test:ABC", "ticks_per_level": 1, "value_area": "one_row", "from_ns": DAY0_NS}
    async with client_of(services_of(MemoryStore(tape)), settings_for(tmp_path, tmp_path)) as client:
        reply = (await client.get("/api/v1/profile", params=params | {"to_ns": DAY0_NS + DAY_NS})).json()
        [found] = reply["profiles"]
        assert found["levels"] == [
            ["5.0", "0.005", "0.000", "0.000", 1],
            ["5.5", "0.000", "0.012", "0.008", 2],
            ["6.0", "0.010", "0.000", "0.000", 1],
            ["6.5", "0.000", "0.001", "0.000", 1],
        ]
        assert (found["poc"], found["val"], found["vah"], found["vah_edge"]) == ("5.5", "5.5", "6.0", "6.5")
        assert (found["volume"], found["delta"]) == ("0.036", "0.002")
        part = await client.get("/api/v1/profile", params=params | {"to_ns": DAY0_NS + 10**9 + 1})
        assert part.json()["profiles"][0]["volume"] == "0.017", "to the ns: the trade at the end is not in it"


def plain_profile(tape: Trades, step: int, lo_ns: int, hi_ns: int) -> list[list[object]]:
    sums: dict[int, Counter[object]] = {}
    for ts, price, qty, side in zip(
        tape.ts_exch_ns.tolist(), tape.price_tick.tolist(), tape.qty_lot.tolist(), tape.side.tolist(), strict=True
    ):
        if lo_ns <= ts < hi_ns:
            sums.setdefault(price // step, Counter()).update({side: qty, "n": 1})
    return [
        [
            TEST.price_text(row * step),
            TEST.qty_text(held[1]),
            TEST.qty_text(held[-1]),
            TEST.qty_text(held[0]),
            held["n"],
        ]
        for row, held in sorted(sums.items())
    ]


async def test_every_kind_of_profile_is_a_plain_sum(client: httpx.AsyncClient, tape: Trades) -> None:
    lo, hi = DAY0_NS + 61 * MINUTE_NS + 7, DAY0_NS + 25 * 60 * MINUTE_NS + 11
    day2 = DAY0_NS + DAY_NS
    for kind, spans in (
        ("fixed", [(lo, hi)]),
        ("session", [(DAY0_NS, day2), (day2, day2 + DAY_NS)]),
        ("composite", [(DAY0_NS, day2 + DAY_NS)]),
        ("visible", [(DAY0_NS + 65 * MINUTE_NS, DAY0_NS + 1505 * MINUTE_NS)]),
    ):
        params = {"symbol": "test:ABC", "kind": kind, "from_ns": lo, "to_ns": hi, "ticks_per_level": 7, "bars": "5m"}
        reply = await client.get("/api/v1/profile", params=params)  # type: ignore[arg-type] - as httpx takes it
        found = reply.json()["profiles"]
        assert [one["levels"] for one in found] == [plain_profile(tape, 7, *span) for span in spans], kind
        for one in found:
            volume = [sum(Decimal(text) for text in level[1:4]) for level in one["levels"]]
            assert max(volume) == volume[[level[0] for level in one["levels"]].index(one["poc"])]
            assert Decimal(one["val"]) <= Decimal(one["poc"]) <= Decimal(one["vah"])
            assert Decimal(one["volume"]) == sum(volume)


async def test_a_range_without_trades_and_settings_that_cannot_be(client: httpx.AsyncClient) -> None:
    base = {"symbol": "test:ABC", "from_ns": 5, "to_ns": 10**15}
    for more, status, words in (
        ({}, 404, "nothing"),
        ({"kind": "session"}, 404, "nothing"),
        ({"kind": "other"}, 400, "kind"),
        ({"value_area_pct": "NaN"}, 400, "NaN"),
        ({"value_area_pct": "1e400"}, 400, "1e400"),
        ({"to_ns": 5}, 400, "empty"),
        ({"ticks_per_level": 2**53 + 1}, 400, "ticks_per_level"),
    ):
        reply = await client.get("/api/v1/profile", params=base | more)
        assert (reply.status_code, words in reply.text) == (status, True), reply.text


async def test_every_study_says_how_it_is_set_and_answers(tmp_path: Path) -> None:
    tape = make_tape(rows=1_500)
    async with client_of(services_of(MemoryStore(tape)), settings_for(tmp_path, tmp_path)) as client:
        await check_studies(client, tape)


async def check_studies(client: httpx.AsyncClient, tape: Trades) -> None:
    """Ask every study that is listed for the last bars of a tape."""
    listed = (await client.get("/api/v1/studies")).json()
    assert [row["name"] for row in listed] == study_names()
    for row in listed:
        assert row["params"]["type"] == "object"
        assert row["outputs"]
        reply = await client.get(
            f"/api/v1/studies/{row['name']}", params={"symbol": "test:ABC", "bars": "15m", "limit": 4, "cells": True}
        )
        assert reply.status_code == 200, reply.text
        body = reply.json()
        assert len(body["bars"]) == 4
        assert {field for one in body["bars"] for field in one} >= {"open_ns", "close_ns"}
        assert set(body["params"]) == set(row["params"]["properties"])
    first, last = int(body["bars"][0]["open_ns"]), int(tape.ts_exch_ns[-1])
    assert last - first < 60 * MINUTE_NS
    assert body["has_more"] is True


async def test_a_study_says_what_it_says_in_a_notebook(client: httpx.AsyncClient, tape: Trades) -> None:
    chart = fl.footprint(tape, bars="30m", ticks_per_level=4)
    expected = chart.study("vwap").rows()
    reply = await client.get(
        "/api/v1/studies/vwap", params={"symbol": "test:ABC", "bars": "30m", "ticks_per_level": 4, "limit": 2_000}
    )
    as_told = [{name: str(v) if name.endswith("_ns") else v for name, v in row.items()} for row in expected]
    assert reply.json()["bars"] == json.loads(json.dumps(as_told))


async def test_a_study_that_cannot_be(client: httpx.AsyncClient) -> None:
    for name, params, status, words in [
        ("none", "{}", 400, "no study is called"),
        ("os", "{}", 400, "no study is called"),
        ("_study", "{}", 400, "no study is called"),
        ("delta", "[1]", 400, "JSON object"),
        ("delta", "{", 400, "JSON"),
        ("delta", "[" * 1_900, 400, "JSON"),
        ("hvn_lvn", '{"k": -1}', 400, "k"),
        ("hvn_lvn", '{"k": 99999999999999999999999}', 400, "k"),
        ("hvn_lvn", '{"other": 1}', 400, "other"),
        ("delta", "x" * 2_001, 400, "params"),
    ]:
        reply = await client.get(f"/api/v1/studies/{name}", params={"symbol": "test:ABC", "params": params})
        assert (reply.status_code, words in reply.text) == (status, True), reply.text


async def test_bars_are_described_as_they_are(client: httpx.AsyncClient) -> None:
    row = (await client.get("/api/v1/bars", params={"symbol": "test:ABC", "limit": 1})).json()["bars"][0]
    assert tuple(row) == BarRow.__struct_fields__


async def test_ten_years_are_refused_or_answered_by_their_end_alone(
    client: httpx.AsyncClient, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A range of ten years of seconds: too many bars are refused; a few of its end cost a few."""
    read: list[int] = []
    whole = store.iter_chunks

    def counted(key: str, tape: str, from_ns: int, to_ns: int, columns: object = None) -> object:
        for chunk in whole(key, tape, from_ns, to_ns, columns):
            read.append(len(chunk))
            yield chunk

    monkeypatch.setattr(store, "iter_chunks", counted)
    years = {"symbol": "test:ABC", "bars": "1s", "from_ns": DAY0_NS - 3650 * DAY_NS, "to_ns": DAY0_NS + 30 * DAY_NS}
    refused = await client.get("/api/v1/bars", params=years | {"limit": 1_000_000})
    assert (refused.status_code, refused.json()["error"]["code"]) == (413, "too_much")
    assert "2,000" in refused.json()["error"]["message"]
    assert not read, "nothing was read for it"
    most = await client.get("/api/v1/studies/vwap", params={"symbol": "test:ABC", "bars": "10s", "limit": 5_000})
    assert (most.status_code, len(most.json()["bars"]), most.json()["has_more"]) == (200, 2_000, True)
    await client.get("/api/v1/bars", params=years | {"limit": 1})  # the default step reads two sessions, once
    read.clear()
    few = await client.get("/api/v1/bars", params=years | {"limit": 5, "cvd_reset": "session", "ticks_per_level": 1})
    assert (few.status_code, len(few.json()["bars"]), few.json()["has_more"]) == (200, 5, True)
    assert sum(read) < len(store.tapes["test:ABC", "trade"]) / 2


async def test_years_of_trades_are_refused_before_any_is_read(
    client: httpx.AsyncClient, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parameters, "MOST_ROWS", 19_999)
    monkeypatch.setattr(store, "iter_chunks", None)
    whole = {"symbol": "test:ABC", "from_ns": 0, "to_ns": 2**61}
    for path, params in (
        ("bars", {"symbol": "test:ABC", "cvd_reset": "never", "ticks_per_level": 5}),
        ("footprint", {"symbol": "test:ABC", "bars": "1d", "ticks_per_level": 5}),
        ("profile", whole | {"ticks_per_level": 5}),
        ("trades", whole),
        ("studies/vwap", {"symbol": "test:ABC", "ticks_per_level": 5}),
    ):
        reply = await client.get(f"/api/v1/{path}", params=params)
        assert (reply.status_code, reply.json()["error"]["code"]) == (413, "too_much"), reply.text
        assert "20,000 rows" in reply.json()["error"]["message"]
        assert "for a shorter range" in reply.json()["error"]["message"]
    monkeypatch.undo()
    reply = await client.get("/api/v1/bars", params={"symbol": "test:ABC", "limit": 5})
    assert reply.status_code == 200, "others are unharmed"


@given(
    st.integers(0, 30 * 3600),
    st.integers(1, 30 * 3600),
    st.integers(1, 400),
    st.sampled_from(["1m", "7m", "1h", "50t", "1d"]),
)
@settings(max_examples=12, deadline=None)
def test_the_newest_of_any_range_are_those_of_the_whole(
    shared_history: tuple[History, Trades], start_s: int, length_s: int, limit: int, bars: str
) -> None:
    history, tape = shared_history
    chart = history.resolve(TopicRequest(symbol="test:ABC", bars=bars, ticks_per_level=5))
    whole = fl.footprint(tape, bars=bars, ticks_per_level=5).to_rows()
    from_ns = DAY0_NS + start_s * 10**9
    to_ns = from_ns + length_s * 10**9
    expected = [row["open_ns"] for row in whole if from_ns <= row["open_ns"] < to_ns][-limit:]
    page = history.page(chart, from_ns, to_ns, limit).frame
    assert page.footprint.bars.open_ns.tolist() == expected


@pytest.fixture(scope="module")
def shared_history() -> tuple[History, Trades]:
    tape = make_tape()
    return History(MemoryStore(tape)), tape  # type: ignore[arg-type] - as much of a store as is read


async def test_rest_the_command_line_and_a_notebook_agree(
    tape: Trades, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "store"
    with Store(root, writer=True) as store:
        store.write_part(tape)
        async with client_of(services_of(store), settings_for(root, tmp_path)) as client:
            for bars, step in (("15m", 3), ("1h", 10), ("400t", 1)):
                params = {"symbol": "test:ABC", "bars": bars, "ticks_per_level": step, "limit": 5_000}
                rest = (await client.get("/api/v1/bars", params=params | {"cvd_reset": "session"})).json()
                words = ["bars", "test:ABC", "--store", str(root), "--bars", bars, "--ticks-per-level", str(step)]
                with pytest.raises(SystemExit) as left:
                    main([*words, "--json", "--cvd-reset", "session"])
                assert not left.value.code
                line = json.loads(capsys.readouterr().out)
                assert rest["bars"] == line["bars"]
                assert rest["chart"] == line["chart"]
                rows = fl.footprint(tape, bars=bars, ticks_per_level=step).to_rows()
                for row, told in zip(rows, rest["bars"], strict=True):
                    assert row.items() >= {"open_ns": told["open_ns"], "delta": told["delta"]}.items()
                    shared = set(row) & set(told)
                    assert shared >= {"cvd", "poc", "vah", "val", "levels", "min_delta"}
                    assert {name: row[name] for name in shared} == {name: told[name] for name in shared}


def test_pieces_are_the_whole(store: MemoryStore, tape: Trades) -> None:
    pieces = list(stored_pieces(store, "test:ABC", "trade", 0, 2**62))  # type: ignore[arg-type] - a store of a kind
    assert len(pieces) > 1
    np.testing.assert_array_equal(np.concatenate([piece.trade_id for piece in pieces]), tape.trade_id)
    assert list(stored_pieces(store, "test:ABC", "trade", 0, 5)) == []  # type: ignore[arg-type]
