"""Days that `load_trades` fetches by itself: those of which nothing is stored, and only where it may."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from http_kit import Answer, LocalServer
from past_kit import DAY_MS, HOUR_MS, KEY, NOW_MS, Past, rows_between

import footloom as fl
from footloom.errors import NotStored, VenueError
from footloom.feeds import missing
from footloom.feeds.http import Http

pytestmark = pytest.mark.anyio
START_MS = NOW_MS - 8 * HOUR_MS - 2 * DAY_MS
DAYS = ("2026-02-28", "2026-03-01")


@pytest.fixture
def past(server: LocalServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Past:
    past = Past(rows_between(START_MS, NOW_MS), DAYS)
    server.handler = past
    monkeypatch.setenv("FOOTLOOM_ENDPOINT_BINANCE_USDM", server.url)
    monkeypatch.setenv("FOOTLOOM_CONFIG", str(tmp_path / "config"))
    monkeypatch.setattr(missing.fetch_missing, "__defaults__", (lambda: NOW_MS * 10**6,))
    return past


async def loaded(root: Path, start: str, end: str, fetch: str | None = None) -> fl.Trades:
    return await asyncio.to_thread(fl.load_trades, KEY, start, end, store=root, fetch=fetch)  # type: ignore[arg-type]


async def test_days_of_which_nothing_is_stored_are_fetched_once_and_said(
    past: Past, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trades = await loaded(tmp_path / "store", DAYS[0], "2026-03-02")

    assert trades.trade_id.tolist() == [row[0] for row in past.rows if row[1] < NOW_MS - 8 * HOUR_MS]
    assert "footloom: binance_usdm:BTCUSDT agg_trade: 2 days of the archive" in capsys.readouterr().err
    past.asked.clear()
    again = await loaded(tmp_path / "store", DAYS[0], "2026-03-02")
    assert len(again) == len(trades)
    assert past.asked == []
    assert capsys.readouterr().err == ""


async def test_a_part_of_a_day_is_cut_out_of_what_was_fetched(past: Past, tmp_path: Path) -> None:
    trades = await loaded(tmp_path / "store", "2026-02-28T10:00", "2026-02-28T11:00")

    begin = START_MS + 10 * HOUR_MS
    assert trades.trade_id.tolist() == [row[0] for row in past.rows if begin <= row[1] < begin + HOUR_MS]


async def test_nothing_is_fetched_where_it_may_not(past: Past, tmp_path: Path) -> None:
    with pytest.raises(NotStored):
        await loaded(tmp_path / "store", DAYS[0], "2026-03-02", fetch="never")
    with pytest.raises(NotStored):
        await asyncio.to_thread(fl.load_trades, KEY, store=tmp_path / "store")  # without bounds

    assert past.asked == []


async def test_within_a_loop_it_works_too(past: Past, tmp_path: Path, server: LocalServer) -> None:
    def work() -> int:
        async def cell() -> int:
            return len(fl.load_trades(KEY, DAYS[0], DAYS[1], store=tmp_path / "store"))

        return asyncio.run(cell())

    assert await asyncio.to_thread(work) == len(past.of_day(DAYS[0]))
    assert server.calls


async def test_a_venue_that_fails_is_said_and_what_is_stored_is_returned(
    past: Past,
    tmp_path: Path,
    server: LocalServer,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await loaded(tmp_path / "store", DAYS[0], DAYS[1])
    server.handler = None
    server.answers = [Answer(status=451, body=b"not in your country")]

    trades = await loaded(tmp_path / "store", DAYS[0], "2026-03-02")

    assert len(trades) == len(past.of_day(DAYS[0]))
    assert "451" in capsys.readouterr().err
    assert monkeypatch is not None


async def test_a_venue_that_fails_and_nothing_stored(past: Past, tmp_path: Path, server: LocalServer) -> None:
    assert past is not None
    server.handler = None
    server.answers = [Answer(status=451, body=b"not in your country")]

    with pytest.raises((VenueError, NotStored)):
        await loaded(tmp_path / "store", DAYS[0], "2026-03-02")


async def test_years_are_not_fetched_unasked(past: Past, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(NotStored):
        await loaded(tmp_path / "store", "2020-01-01", "2026-03-02")

    assert "footloom fetch binance_usdm:BTCUSDT" in capsys.readouterr().err
    assert past.asked == []


async def test_what_no_venue_has_is_only_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Http, "get", None)

    for key in ("x:A", "upstox:NSE_FO|1", "test:ABC"):
        with pytest.raises(NotStored):
            await asyncio.to_thread(fl.load_trades, key, "2026-03-01", "2026-03-02", store=tmp_path)
