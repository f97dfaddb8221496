"""Candles of a venue as bars: no order flow, put together to the chart's bars, and asked for once."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import numpy as np
import pytest

from footloom.config import Config
from footloom.core.instrument import Instrument
from footloom.engine.spec import ChartSpec
from footloom.feeds.http import Http
from footloom.server.stored import candles
from footloom.server.stored.candles import Shelf, candle_bars
from footloom.server.stored.history import ChartKey
from footloom.server.wire.codec import decode, encode_columns
from footloom.server.wire.layout import BAR_FLAGS
from footloom.venues import upstox
from footloom.venues._venue import Candle

MINUTE_NS = 60 * 10**9
OPEN_NS = 1_763_696_700_000_000_000  # 2025-11-21 09:15 IST
FUTURE = Instrument(
    venue="upstox",
    symbol="NSE_FO|53001",
    tick_size=Decimal("0.05"),
    lot_size=Decimal(1),
    base="NIFTY",
    calendar="nse_fo",
)


def chart(bars: str = "1m") -> ChartKey:
    return ChartKey(FUTURE, "snapshot", ChartSpec(bars=bars, ticks_per_level=20))


def candle(minute: int, **more: str) -> Candle:
    price = 26_000 + minute
    words = {"open": f"{price}.05", "high": f"{price + 3}.00", "low": f"{price - 2}.00", "close": f"{price + 1}.5"}
    opened = OPEN_NS + minute * MINUTE_NS
    fields = words | {"volume": "150", "open_interest": str(9_000 + minute)} | more
    return Candle(open_ns=opened, close_ns=opened + MINUTE_NS, **fields)


def test_minute_candles_are_put_together_and_have_no_order_flow() -> None:
    bars = candle_bars([candle(k) for k in range(12)], chart("5m"))
    frame = decode(encode_columns(bars.columns, "snapshot", meta=b"{}"))
    assert frame.bars["open_ns"].tolist() == [OPEN_NS + k * 5 * MINUTE_NS for k in range(3)]
    tick = 20  # of 0.05 in one
    assert frame.bars["open_tick"].tolist() == [26_000 * tick + 1, 26_005 * tick + 1, 26_010 * tick + 1]
    assert frame.bars["high_tick"].tolist() == [26_007 * tick, 26_012 * tick, 26_014 * tick]
    assert frame.bars["low_tick"].tolist() == [25_998 * tick, 26_003 * tick, 26_008 * tick]
    assert frame.bars["close_tick"].tolist() == [26_005 * tick + 10, 26_010 * tick + 10, 26_012 * tick + 10]
    assert frame.bars["unknown"].tolist() == [750, 750, 300], "all of the volume, and no side of it"
    assert not frame.bars["buy"].any()
    assert not frame.bars["sell"].any()
    assert np.isnan(frame.bars["cvd"]).all()
    assert (frame.bars["flags"] & BAR_FLAGS["no_flow"]).all()
    assert len(frame.levels["row"]) == 0
    assert bars.open_interest == ["9004", "9009", "9011"]


def test_a_candle_off_the_grid_is_left_out() -> None:
    bars = candle_bars([candle(0), candle(1, close="26001.52"), candle(2)], chart())
    assert len(bars) == 2


@pytest.mark.parametrize(
    ("bars", "has"), [("1m", True), ("1h", True), ("1d", True), ("15s", False), ("500t", False), ("r20", False)]
)
def test_only_bars_of_minutes_have_candles(tmp_path: Path, bars: str, *, has: bool) -> None:
    shelf = Shelf(Config(store=tmp_path, folder=tmp_path))
    assert shelf.has(chart(bars)) == has
    other = Instrument(venue="binance_usdm", symbol="BTCUSDT", tick_size=Decimal("0.1"), lot_size=Decimal("0.001"))
    assert not shelf.has(ChartKey(other, "agg_trade", ChartSpec(bars=bars))), "its trades can be fetched"


@pytest.mark.anyio
async def test_pages_go_back_each_candle_once_and_a_stretch_is_asked_for_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    held = [candle(k) for k in range(-900, 60)]

    async def get(_self: Http, request: Any, **_more: Any) -> bytes:
        asked.append(request.url)
        return b""

    def read(_document: bytes) -> list[Candle]:
        return [] if "intraday" in asked[-1] else held

    monkeypatch.setattr(Http, "get", get)
    monkeypatch.setattr(upstox, "read_candles", read)
    monkeypatch.setattr(upstox, "candles", _request("candles"))
    monkeypatch.setattr(upstox, "candles_today", _request("intraday"))
    now_ns = OPEN_NS + 100 * MINUTE_NS
    shelf = Shelf(Config(store=tmp_path, folder=tmp_path), lambda: now_ns)
    to_ns, opens = OPEN_NS + 30 * MINUTE_NS, []
    for _ in range(3):
        bars, more = await shelf.before(chart(), to_ns, 200)
        assert more
        page = bars.columns.bars["open_ns"].tolist()
        assert len(page) == 200
        opens = page + opens
        to_ns = page[0]
    assert opens == [OPEN_NS + k * MINUTE_NS for k in range(-570, 30)]
    assert len(asked) == 2, "the stretch, and the current day"
    fresh = Shelf(Config(store=tmp_path, folder=tmp_path), lambda: now_ns)
    none, more = await fresh.before(chart(), to_ns, 200, since_ns=to_ns)
    assert (len(none), more, len(asked)) == (0, False, 2), "nobody is asked in vain"
    bars, more = await shelf.before(chart(), OPEN_NS, 200, OPEN_NS - 50 * MINUTE_NS)
    assert (len(bars), more) == (50, False), "none that are older than is wanted"


@pytest.mark.anyio
async def test_a_stretch_that_was_not_over_is_asked_for_again_when_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    span_ns = upstox.CANDLE_SPAN_NS
    first_ns = OPEN_NS - OPEN_NS % span_ns
    now_ns, now_s, asked = [OPEN_NS + 30 * MINUTE_NS], [0.0], [0]

    async def get(_self: Http, _request: Any, **_more: Any) -> bytes:
        asked[0] += 1
        return b""

    monkeypatch.setattr(Http, "get", get)
    monkeypatch.setattr(candles, "time", SimpleNamespace(monotonic=lambda: now_s[0]))
    monkeypatch.setattr(upstox, "candles", _request("candles"))
    monkeypatch.setattr(upstox, "candles_today", _request("intraday"))
    monkeypatch.setattr(
        upstox, "read_candles", lambda _: [one for one in map(candle, range(375)) if one.close_ns <= now_ns[0]]
    )
    shelf = Shelf(Config(store=tmp_path, folder=tmp_path), lambda: now_ns[0])

    async def count() -> int:
        return len((await shelf.before(chart(), first_ns + span_ns, 1_000, first_ns))[0])

    assert (await count(), await count(), asked) == (30, 30, [2]), "the stretch, and the current day"
    now_ns[0], now_s[0] = first_ns + span_ns, 40 * 86_400.0
    assert (await count(), await count(), asked) == (375, 375, [3]), "whole, and asked for no more"
    now_s[0] *= 2
    assert (await count(), asked) == (375, [3])


@pytest.mark.anyio
async def test_what_is_kept_is_bounded_and_nobody_is_asked_for_what_is_too_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    span_ns = upstox.CANDLE_SPAN_NS
    first_ns = OPEN_NS - OPEN_NS % span_ns
    asked: list[int] = []
    month = [candle(minute) for minute in range(7_500)]
    later = [msgspec.structs.replace(one, open_ns=one.open_ns + span_ns) for one in month]

    async def get(_self: Http, number: int, **_more: Any) -> int:
        asked.append(number)
        return number

    monkeypatch.setattr(Http, "get", get)
    monkeypatch.setattr(upstox, "candles", lambda _symbol, from_ns, *_: (from_ns - first_ns) // span_ns)
    monkeypatch.setattr(upstox, "read_candles", lambda number: later if number else month)
    shelf = Shelf(Config(store=tmp_path, folder=tmp_path), lambda: first_ns + 3 * span_ns)

    async def page(number: int) -> int:
        begin_ns = first_ns + number * span_ns
        bars, _ = await shelf.before(chart(), begin_ns + span_ns, 20_000, begin_ns)
        return len(bars)

    assert await page(0) > 2_000
    one = shelf.kept.held_bytes
    assert one < 400_000, "as candles it is ten times that"
    shelf.kept.most_bytes = int(1.5 * one)
    await page(1)
    assert one / 2 < shelf.kept.held_bytes <= shelf.kept.most_bytes
    assert await page(0) == await page(0)
    assert asked == [0, 1, 0], "it had to make room for the month behind it"
    none, more = await shelf.before(chart(), first_ns - 400 * 86_400 * 10**9, 200)
    assert (len(none), more, len(asked)) == (0, False, 3)


def _request(word: str) -> Callable[..., Any]:
    return lambda *_: type("Asked", (), {"url": word})()
