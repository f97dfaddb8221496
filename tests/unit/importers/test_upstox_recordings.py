"""Real recordings of Upstox: what is known of them is counted, and what is inferred agrees with the feed's candles."""

from __future__ import annotations

import gzip
import json
import statistics
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from footloom.core.footprint import BAR_OFF_SESSION
from footloom.feeds.ingest import Options, TapeReport, import_files
from footloom.feeds.stored import stored_trades
from footloom.server.stored.history import History
from footloom.server.wire.messages import TopicRequest
from footloom.store.files import Store
from tests.unit.importers.conftest import assert_adds_up

MINUTE_NS = 60_000_000_000
REPEATS = "repeats the last trade: the book may be new, nothing was traded"
LTT_BACK, VTT_BACK = "time of the last trade steps back", "volume of the day steps back"


@pytest.fixture
def upstox(recordings: Path) -> Path:
    return recordings / "upstox"


def taken(paths: list[Path], store: Path, **options: Any) -> list[TapeReport]:
    report = import_files(paths, Options(**options), store=store)
    assert_adds_up(report)
    assert report.problems == []
    return [tape for file in report.files for tape in file.tapes]


def minute_candles(path: Path) -> dict[int, int]:
    """The feed's own volume of each minute: the last that was said of it."""
    found: dict[int, int] = {}
    for document in json.loads(gzip.decompress(path.read_bytes())):
        for candle in document["fullFeed"]["marketFF"]["marketOHLC"]["ohlc"]:
            if candle["interval"] == "I1":
                minute = int(candle["ts"]) // 60_000
                found[minute] = max(found.get(minute, 0), int(candle.get("vol", 0)))
    return found


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "key", "rows", "repeats", "back", "no_bid", "exact"),
    [
        ("NSE_EQ_INE027H01010", "NSE_EQ|INE027H01010", 15_924, 0.386, 0, 22, 190),
        ("NSE_FO_51510", "NSE_FO|51510", 19_364, 0.887, 0, 0, 320),
        ("NSE_FO_60166", "NSE_FO|60166", 29_463, 0.492, 5, 0, 300),
    ],
)
def test_full_mode(
    upstox: Path, tmp_path: Path, name: str, key: str, rows: int, repeats: float, back: int, no_bid: int, exact: int
) -> None:
    path = upstox / f"{name}_data.json.json.gz"
    (tape,) = taken([path], tmp_path)
    assert (tape.instrument, tape.tape, tape.kept) == (f"upstox:{key}", "snapshot", rows)
    assert tape.counted[REPEATS] / rows == pytest.approx(repeats, abs=0.001)
    assert (tape.counted.get(LTT_BACK, 0), tape.counted.get(VTT_BACK, 0)) == (back, back)
    assert tape.counted.get("no bid in the book", 0) == no_bid
    assert tape.counted["recorder's clock ahead of UTC by 5:30 h, which is taken out"] == rows

    store = Store(tmp_path)
    trades = stored_trades(store, tape.instrument, "snapshot", 0, 2**62)
    assert int(trades.qty_lot.min()) > 0
    volume: Counter[int] = Counter()
    for minute, lots in zip((trades.ts_exch_ns // MINUTE_NS).tolist(), trades.qty_lot.tolist(), strict=True):
        volume[minute] += lots
    candles = minute_candles(path)
    assert statistics.median(volume[m] / lots for m, lots in candles.items() if lots) == 1.0
    assert sum(volume[minute] == lots for minute, lots in candles.items()) >= exact

    frame = History(store).page(
        History(store).resolve(TopicRequest(symbol=tape.instrument, bars="15m")), None, None, 99
    )
    bars = frame.frame
    assert int(bars.footprint.bars.volume_lot.sum()) == int(trades.qty_lot.sum())
    in_session = (bars.footprint.bars.flags & BAR_OFF_SESSION) == 0  # auctions have no aggressor (definitions 1.3)
    assert (bars.coverage[in_session] > 0.98).all()
    assert (bars.coverage[~in_session] == 0).all()
    assert ((bars.quote_share > 0.3) & (bars.quote_share <= 1))[in_session].all()


def test_ltpc_mode(upstox: Path, tmp_path: Path) -> None:
    tapes = taken(sorted(upstox.glob("ltpc_ws_*.jsonl.gz")), tmp_path)
    futures = [tape for tape in tapes if tape.tape == "partial:ltpc"]
    share = [tape.counted.get(REPEATS, 0) / (tape.kept + tape.counted.get(REPEATS, 0)) for tape in futures]
    # The shares of messages that repeat the last trade, but for files of one message.
    assert min(share[2:]) > 0.27
    assert max(share) < 0.98
    assert sum(tape.kept for tape in futures) == 1_598
    store = Store(tmp_path)
    assert {row.tape for row in store.coverage()} == {"snapshot"}
    assert {row.key for row in store.partials()} == {"upstox:NSE_FO|35006", "upstox:NSE_FO|35415"}
    for index in ("Nifty 50", "Nifty Bank"):
        assert not len(stored_trades(store, f"upstox:NSE_INDEX|{index}", "snapshot", 0, 2**62))
