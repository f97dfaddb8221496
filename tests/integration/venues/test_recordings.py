"""Recordings through a local venue and the real connectors: the bars of an import of the same file, to the bit."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest
from matrix_kit import CHANNELS, CREDENTIALS, EVER, INDIA, SECOND, SYMBOLS, FastClock, Shown, same_footprints

from footloom.core.snapshots import Snapshots
from footloom.core.trades import Trades
from footloom.feeds.ingest import Options, import_files
from footloom.feeds.recorder import FeedSettings, Recorder
from footloom.kernels.inference import infer
from footloom.store.files import Store
from footloom.testing.venues import LocalVenue
from footloom.testing.venues.recorded import recorded_market
from footloom.venues._venue import Bases, Wanted

pytestmark = pytest.mark.anyio

FILES = [
    pytest.param("binance_usdm", "binance/aggtrades_btcusdt_20260511_20000.csv.gz", marks=pytest.mark.soak),
    ("binance_usdm", "binance/positive_binance_trade_stream_usd_m_futures_trxusdt_04-03-2025.csv.gz"),
    pytest.param("binance_usdm", "binance/usdm_btcusdt_20240808.gz", marks=pytest.mark.soak),
    ("binance_spot", "binance/spot_btcusdt_20240808.gz"),
    pytest.param("upstox", "upstox/NSE_EQ_INE027H01010_data.json.json.gz", marks=pytest.mark.soak),
    pytest.param("upstox", "upstox/NSE_FO_51510_data.json.json.gz", marks=pytest.mark.soak),
    pytest.param("upstox", "upstox/NSE_FO_60166_data.json.json.gz", marks=pytest.mark.soak),
]


@pytest.mark.parametrize(("name", "file"), FILES)
async def test_a_recording_gives_the_bars_of_its_import(name: str, file: str, recordings: Path, tmp_path: Path) -> None:
    path = recordings / file
    kept = await played(name, path, tmp_path / "live")
    imported = imported_tape(name, path, tmp_path / "imported")

    assert len(kept) == len(imported) > 2_000
    if isinstance(kept, Snapshots):
        assert isinstance(imported, Snapshots)
        for column in ("ts_exch_ns", "ltp_tick", "ltq_lot", "vtt_lot", "bid_tick", "ask_tick", "oi_lot"):
            assert np.array_equal(getattr(kept, column), getattr(imported, column)), column
        assert same_footprints(infer(kept).trades, infer(imported).trades)
    else:
        assert same_footprints(kept, imported)


def imported_tape(name: str, path: Path, folder: Path) -> Trades | Snapshots:
    report = import_files([path], Options(venue=name), store=folder)
    assert [one.error for one in report.files if one.error] == []
    with Store(folder) as store:
        row = max(store.coverage(), key=lambda row: row.rows)
        return store.load(row.key, row.tape, *EVER)


async def played(name: str, path: Path, folder: Path) -> Trades | Snapshots:
    market = recorded_market(name, [path])
    symbol, usual, tape = market.symbols()[0], SYMBOLS[name][0], SYMBOLS[name][3]
    count = len(market.listings[symbol].times)
    async with LocalVenue(name, market) as venue:
        bases = Bases(ws=venue.url.replace("http", "ws"), rest=venue.url, archive=venue.url + "/archive")
        settings = FeedSettings(
            bases={name: bases}, commit_s=0.01, backfill_hours=0.0, credentials={name: CREDENTIALS.get(name, {})}
        )
        wanted = Wanted(symbol=symbol, streams=frozenset({tape}))
        with Store(folder, writer=True) as store:
            recorder = Recorder(store, [(name, wanted)], settings, FastClock(venue.now_ns, 1.0))
            shown = Shown()
            running = asyncio.create_task(recorder.run(shown))
            channel = CHANNELS[name].replace(usual, symbol).replace(usual.lower(), symbol.lower())
            async with asyncio.timeout(60):
                await venue.heard(channel)
            while venue.now_ns < market.end_ns:
                await venue.step(min(venue.now_ns + 30 * SECOND, market.end_ns))
            await venue.finish()
            async with asyncio.timeout(90):
                while recorder.figures().rows < count:
                    shown.changed.clear()
                    await shown.changed.wait()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            assert store.gaps(f"{name}:{symbol}", tape, *EVER) == []
            assert name not in INDIA or recorder.figures().feeds[0].quarantined == 0
            return store.load(f"{name}:{symbol}", tape, *EVER)
