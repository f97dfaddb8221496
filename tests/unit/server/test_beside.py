"""Beside a process that records: what it stores is shown once, and charts are read anew when their past has changed."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

import footloom.server.stored.beside
from footloom.core.instrument import Instrument
from footloom.core.trades import Trades
from footloom.feeds.flow import Commit
from footloom.server.stored.beside import Beside
from footloom.server.stored.history import History
from footloom.store.files import Store

pytestmark = pytest.mark.anyio

SECOND_NS = 10**9
START_NS = 1_764_738_254 * SECOND_NS
PERP = Instrument(venue="binance_usdm", symbol="BTCUSDT", tick_size=Decimal("0.1"), lot_size=Decimal("0.001"))


def rows(first: int, end: int) -> Trades:
    n = np.arange(first, end)
    ones = np.ones(len(n), np.int64)
    return Trades.build(PERP, START_NS + n * SECOND_NS, 1_000 * ones, ones, ones, trade_id=n, tape="agg_trade")


async def test_what_comes_at_the_end_is_shown_and_only_a_changed_past_is_read_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(footloom.server.stored.beside, "_READ_S", 0.02)
    monkeypatch.setattr(footloom.server.stored.beside, "_COUNT_S", 0.04)
    reread: list[str] = []
    shown: list[int] = []
    changed, whole = asyncio.Event(), asyncio.Event()

    def show(commit: Commit) -> None:
        shown.extend(commit.trades.trade_id.tolist())
        if shown[-1] == 1_039:
            whole.set()

    def read_anew(key: str) -> None:
        reread.append(key)
        changed.set()

    with Store(tmp_path, writer=True) as writer, Store(tmp_path) as reader:
        writer.append(rows(1_000, 1_010))
        beside = Beside(History(reader), [PERP.key], "process 7 (footloom record)", read_anew)
        work = asyncio.create_task(beside.run(show))
        for k in range(1_010, 1_040):
            writer.append(rows(k, k + 1))
            await asyncio.sleep(0.03)
        await asyncio.wait_for(whole.wait(), 60)
        assert reread == [], "rows came at the end only"
        assert shown == list(range(1_000, 1_040))
        assert beside.state()[0][1].phase == "live"
        writer.append(rows(100, 200))
        await asyncio.wait_for(changed.wait(), 60)
        assert reread == [PERP.key]
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
