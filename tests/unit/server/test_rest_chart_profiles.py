"""Profiles as charts draw them, against a plain count of trades; live bars and stored ones give the same."""

from __future__ import annotations

import json
import pickle
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from rest_kit import client_of, services_of, settings_for
from server_kit import DAY0_NS, MemoryStore, make_tape

from footloom.core.trades import Trades
from footloom.server.services import Services
from footloom.server.stored import profiled
from footloom.server.stored.profiled import ProfileBars
from footloom.server.stored.tasks import Task
from footloom.server.wire.messages import TopicRequest

pytestmark = pytest.mark.anyio

MINUTE_NS = 60 * 10**9
HOUR_NS = 60 * MINUTE_NS
DAY_NS = 24 * HOUR_NS
STEP = 5
KEY = "test:ABC"
CHART: dict[str, str | int] = {"symbol": KEY, "ticks_per_level": STEP, "bars": "1m"}
TAPE = make_tape(6_000, hours=60.0)  # two days and a half
END_NS = DAY0_NS + 60 * HOUR_NS


@pytest.fixture
def services() -> Services:
    return services_of(MemoryStore(TAPE))


@pytest.fixture
async def client(services: Services, tmp_path: Path, anyio_backend: str) -> AsyncIterator[httpx.AsyncClient]:  # noqa: ARG001
    async with client_of(services, settings_for(tmp_path, tmp_path)) as made:
        yield made


async def asked(
    client: httpx.AsyncClient, kind: str, params: Mapping[str, object] | None = None, **more: str | int
) -> Any:
    query: dict[str, str | int] = CHART | more | {"params": json.dumps(params or {})}
    answer = await client.get(f"/api/v1/profiles/{kind}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def plain(lo_ns: int, hi_ns: int, tape: Trades = TAPE) -> dict[int, Counter[int]]:
    """Count lots by row and side, one trade at a time."""
    rows: dict[int, Counter[int]] = {}
    columns = (tape.ts_exch_ns, tape.price_tick, tape.qty_lot, tape.side)
    for ts, tick, qty, side in zip(*(column.tolist() for column in columns), strict=True):
        if lo_ns <= ts < hi_ns:
            rows.setdefault(tick // STEP, Counter())[side] += qty
    return rows


def check(found: dict[str, Any], lo_ns: int, hi_ns: int) -> None:
    wanted = dict(sorted(plain(lo_ns, hi_ns).items()))
    assert found["row"] == list(wanted)
    assert found["buy"] == [held[1] for held in wanted.values()]
    assert found["sell"] == [held[-1] for held in wanted.values()]
    assert found["unknown"] == [held[0] for held in wanted.values()]
    total = sum(sum(held.values()) for held in wanted.values())
    assert found["volume"] == total
    assert found["delta"] == sum(held[1] - held[-1] for held in wanted.values())
    volume = {row: sum(held.values()) for row, held in wanted.items()}
    assert volume[found["poc"]] == max(volume.values())
    inside = sum(lots for row, lots in volume.items() if found["val"] <= row <= found["vah"])
    assert inside >= 0.7 * total
    assert found["val"] <= found["poc"] <= found["vah"]


async def test_sessions_come_whole(client: httpx.AsyncClient) -> None:
    found = await asked(client, "session", from_ns=DAY0_NS + 23 * HOUR_NS, to_ns=DAY0_NS + 25 * HOUR_NS)
    first, second = found["profiles"]
    check(first, DAY0_NS, DAY0_NS + DAY_NS)
    check(second, DAY0_NS + DAY_NS, DAY0_NS + 2 * DAY_NS)
    assert (found["kind"], found["params"]["method"], found["ticks_per_level"]) == ("session", "two_row", STEP)
    newest = await asked(client, "session")
    check(newest["profiles"][0], DAY0_NS + 2 * DAY_NS, END_NS)


async def test_what_is_visible_and_ranges_are_whole_bars(client: httpx.AsyncClient) -> None:
    lo, hi = DAY0_NS + 3 * HOUR_NS, DAY0_NS + 5 * HOUR_NS
    check((await asked(client, "visible", from_ns=lo, to_ns=hi))["profiles"][0], lo, hi)
    check((await asked(client, "visible", from_ns=lo + 1, to_ns=hi + 1))["profiles"][0], lo + MINUTE_NS, hi + MINUTE_NS)
    check((await asked(client, "fixed", {"from_ns": str(lo), "to_ns": str(hi)}))["profiles"][0], lo, hi)
    check((await asked(client, "anchored", {"anchor_ns": lo}))["profiles"][0], lo, END_NS)


async def test_bars_of_millions_of_trades_are_read_by_another_process(
    services: Services, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks: list[tuple[Task, int]] = []

    def noted(task: Task, rows: int) -> bytes:
        tasks.append((task, rows))
        return task.make(services.history, *task.given)

    plainly = await asked(client, "composite", {"sessions": 2})
    bars = ProfileBars(services.history, noted)
    monkeypatch.setattr(profiled, "MOST_ROWS", 1_000)
    chart = services.history.resolve(TopicRequest(symbol=KEY, ticks_per_level=STEP))
    span = (DAY0_NS + DAY_NS, END_NS)
    rows = services.history.rows(KEY, chart.tape, *span)
    assert bars.rows_to_read(chart, *span) == rows > 1_000
    first, again = (bars.between(chart, *span) for _ in range(2))
    assert [about for _, about in tasks] == [rows], "asked for once, then kept"
    assert pickle.dumps(tasks[0][0]), "it can be sent"
    assert bars.rows_to_read(chart, *span) == 0
    assert first is not None
    assert again is not None
    assert first.levels.buy_lot.tolist() == again.levels.buy_lot.tolist()
    assert int(first.levels.buy_lot.sum()) == sum(plainly["profiles"][0]["buy"])


async def test_a_composite_is_the_last_sessions(client: httpx.AsyncClient) -> None:
    check((await asked(client, "composite", {"sessions": 2}))["profiles"][0], DAY0_NS + DAY_NS, END_NS)
    check((await asked(client, "composite", {"sessions": 100}))["profiles"][0], DAY0_NS, END_NS)


async def test_own_hours_are_exact_whatever_bars_the_chart_has(client: httpx.AsyncClient) -> None:
    """London opens at 07:00 UTC in October; hours of 08:30 cut bars of an hour, and finer ones are taken."""
    hours = {"hours": "Europe/London 08:30-16:30"}
    for bars in ("1m", "1h"):
        found = await asked(client, "session", hours, bars=bars, from_ns=DAY0_NS, to_ns=END_NS)
        opens = DAY0_NS + 7 * HOUR_NS + 30 * MINUTE_NS
        assert [one["from_ns"] for one in found["profiles"]] == [str(opens)], "a Friday, and then a weekend"
        check(found["profiles"][0], opens, opens + 8 * HOUR_NS)


async def test_letters_mark_what_each_half_hour_traded(client: httpx.AsyncClient) -> None:
    [found] = (await asked(client, "tpo", from_ns=DAY0_NS, to_ns=DAY0_NS + HOUR_NS))["letters"]
    count: Counter[int] = Counter()
    ranges = {}
    for number in range(48):
        lo = DAY0_NS + number * 30 * MINUTE_NS
        rows = plain(lo, lo + 30 * MINUTE_NS)
        if rows:
            ranges[number] = (min(rows), max(rows))
            count.update(range(min(rows), max(rows) + 1))
    low = min(count)
    assert found["low_row"] == low
    assert found["count"] == [count[row] for row in range(low, max(count) + 1)]
    assert {number: (lo, hi) for number, _, lo, hi in found["brackets"]} == ranges
    assert "".join(letter for _, letter, _, _ in found["brackets"])[:4] == "ABCD"
    assert count[found["poc"]] == max(count.values())
    ends = {low + k for k in range(found["low_tail"])} | {max(count) - k for k in range(found["high_tail"])}
    assert set(found["singles"]) == {row for row, n in count.items() if n == 1} - ends
    first = [ranges[number] for number in (0, 1)]
    assert (found["ib_low"], found["ib_high"]) == (min(lo for lo, _ in first), max(hi for _, hi in first))


async def test_an_initial_balance_of_which_nothing_is_stored_is_null(client: httpx.AsyncClient) -> None:
    hours = {"hours": "Asia/Tokyo 07:00-15:00 daily"}  # from 22:00 UTC on; the tape begins at midnight
    [found] = (await asked(client, "tpo", hours, from_ns=DAY0_NS, to_ns=DAY0_NS + HOUR_NS))["letters"]
    assert (found["ib_low"], found["ib_high"], sum(found["count"]) > 0) == (None, None, True)


async def test_bars_of_a_live_chart_give_the_same_as_stored_ones(services: Services, client: httpx.AsyncClient) -> None:
    """The topic holds two sessions: a composite of three takes the rest from the store, and nothing twice."""
    wanted: dict[str, dict[str, object]] = {
        "visible": {},
        "session": {},
        "composite": {"sessions": 3},
        "anchored": {"anchor_ns": DAY0_NS + HOUR_NS},
    }
    span = {"from_ns": DAY0_NS + 20 * HOUR_NS, "to_ns": END_NS}
    stored = {kind: await asked(client, kind, params, **span) for kind, params in wanted.items()}
    topic = await services.hub.open(TopicRequest(symbol=KEY, bars="1m", ticks_per_level=STEP), 300)
    held = topic.builder.frame()
    assert held is not None
    assert int(held.footprint.bars.open_ns[0]) > DAY0_NS
    for kind, params in wanted.items():
        assert await asked(client, kind, params, **span) == stored[kind], kind


async def test_a_profile_moves_with_its_live_chart(services: Services, client: httpx.AsyncClient) -> None:
    from footloom.feeds.flow import Commit

    await services.hub.open(TopicRequest(symbol=KEY, bars="1m", ticks_per_level=STEP), 300)
    before = (await asked(client, "session"))["profiles"][0]
    last = int(TAPE.price_tick[-1])
    at = END_NS + np.arange(2) * 10**9
    more = Trades.build(
        TAPE.instrument, at, [last, last], [700, 50], [1, -1], trade_id=6_001 + np.arange(2), ts_recv_ns=at
    )
    services.hub.publish(Commit(KEY, more, (), int(at[-1])))
    after = (await asked(client, "session"))["profiles"][0]
    assert after["volume"] == before["volume"] + 750
    assert after["delta"] == before["delta"] + 650
    k = after["row"].index(last // STEP)
    assert after["buy"][k] - dict(zip(before["row"], before["buy"], strict=True)).get(last // STEP, 0) == 700


async def test_kinds_are_described_for_forms(client: httpx.AsyncClient) -> None:
    kinds = {row["name"]: row for row in (await client.get("/api/v1/profiles")).json()}
    assert list(kinds) == ["visible", "session", "fixed", "composite", "anchored", "tpo"]
    assert kinds["composite"]["params"]["properties"]["sessions"]["default"] == 5
    assert kinds["visible"]["params"]["properties"]["side"]["default"] == "right"


@pytest.mark.parametrize(
    ("kind", "params", "says"),
    [
        ("nothing", {}, "no kind of profile is called 'nothing'"),
        ("session", {"pct": "0"}, "more than 0"),
        ("session", {"hours": "Nowhere/Town 08:00-16:00"}, "Nowhere"),
        ("session", {"wide": 3}, "no setting wide"),
        ("fixed", {"from_ns": 5, "to_ns": 5}, "the range is empty"),
        ("composite", {"sessions": 0}, "sessions"),
    ],
)
async def test_what_cannot_be_is_refused_in_words(
    client: httpx.AsyncClient, kind: str, params: dict[str, object], says: str
) -> None:
    answer = await client.get(f"/api/v1/profiles/{kind}", params=CHART | {"params": json.dumps(params)})
    assert answer.status_code in {400, 404}
    assert says in answer.json()["error"]["message"]
