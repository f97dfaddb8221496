"""Stored volume against the venue's candles: what differs is told, minute by minute."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from http_kit import Answer, LocalServer

from footloom.core.instrument import Instrument
from footloom.core.snapshots import Snapshots
from footloom.errors import NotStored
from footloom.feeds._fetch_check import Check, compared
from footloom.feeds._fetch_report import Silent
from footloom.feeds.http import Http
from footloom.store.files import Store
from footloom.venues._venue import Bases, Candle, Request

pytestmark = pytest.mark.anyio

GRID = Instrument(venue="upstox", symbol="NSE_FO|1", tick_size=Decimal("0.05"), lot_size=Decimal(1), calendar="nse_fo")
MINUTE_NS = 60 * 10**9
OPEN_NS = 1_772_423_100 * 10**9  # 2026-03-02 09:15 in India


def test_minutes_that_both_have_are_compared_and_the_others_counted() -> None:
    found = compared({1: 100, 2: 50, 3: 10, 5: 8}, {1: 100, 2: 75, 4: 7, 5: 9}, {5: 40}, GRID)

    assert (found.minutes, found.alike, found.only_venue, found.only_stored) == (2, 1, 1, 1)
    assert (found.stored, found.venue, found.median_ratio) == ("150", "175", 0.833333)
    assert found.worst == [("1970-01-01T00:02Z", "50", "75")]
    assert (found.unseen, found.unseen_volume) == (1, "40")


def test_nothing_in_common_has_no_ratio() -> None:
    assert compared({1: 5}, {2: 5}, {}, GRID).median_ratio is None


class Candles:
    """A venue that tells candles, a span a call."""

    VENUE = "upstox"
    CANDLE_SPAN_NS = 2 * MINUTE_NS

    def __init__(self, volumes: dict[int, str]) -> None:
        self.volumes = volumes

    def candles(self, symbol: str, from_ns: int, to_ns: int, bases: Bases, credentials: dict[str, str]) -> Request:
        assert credentials == {"access_token": "t"}
        return Request(
            url=f"{bases.rest}/{symbol.rpartition('|')[2]}", params=(("from", str(from_ns)), ("to", str(to_ns)))
        )

    def read_candles(self, document: bytes) -> list[Candle]:
        from_ns, to_ns = (int(part.partition("=")[2]) for part in document.decode().partition("?")[2].split("&"))
        fields = dict.fromkeys(("open", "high", "low", "close"), "1")
        times = [OPEN_NS + at * MINUTE_NS for at in self.volumes]
        return [
            Candle(open_ns=at, close_ns=at + MINUTE_NS, volume=self.volumes[(at - OPEN_NS) // MINUTE_NS], **fields)
            for at in times
            if from_ns <= at < to_ns
        ]


@pytest.fixture
def store(tmp_path: Path) -> Any:
    times = OPEN_NS + np.arange(18) * 10 * 10**9  # three minutes, a trade of 5 every ten seconds
    with Store(tmp_path, writer=True) as opened:
        opened.append(
            Snapshots(
                GRID,
                ts_exch_ns=times,
                ltp_tick=np.full(18, 20_000),
                ltq_lot=np.full(18, 5),
                vtt_lot=1000 + 5 * np.arange(18),
                bid_tick=np.full(18, 19_999),
                ask_tick=np.full(18, 20_000),
                ts_recv_ns=times,
            )
        )
        yield opened


async def test_what_is_stored_is_compared_with_candles(store: Store, server: LocalServer) -> None:
    server.handler = lambda call: Answer(call.target.encode())
    http = Http({})
    venue = Candles({0: "25", 1: "30", 2: "31", 3: "9"})
    check = Check(venue, http, Bases(ws="", rest=server.url), store, {"access_token": "t"}, Silent())

    found = await check.compare("NSE_FO|1", OPEN_NS, OPEN_NS + 4 * MINUTE_NS)
    await http.aclose()

    assert len(server.calls) == 2
    assert (found.minutes, found.only_venue, found.only_stored, found.unseen) == (2, 1, 0, 1)
    assert (found.stored, found.venue, found.alike) == ("60", "61", 1)
    assert found.worst == [("2026-03-02T03:47Z", "30", "31")]


async def test_what_is_not_stored_cannot_be_compared(tmp_path: Path) -> None:
    with Store(tmp_path, writer=True) as opened:
        check = Check(SimpleNamespace(VENUE="upstox"), Http({}), Bases(ws="", rest=""), opened, {}, Silent())
        with pytest.raises(NotStored, match="record it first"):
            await check.compare("NSE_FO|1", 0, 1)
