"""P13: recorded documents through the wire give, as frames, the snapshots that the import of the same file gives.

Their volume a minute is that of the feed's own I1 candles: the median ratio is 1.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from google.protobuf.json_format import ParseDict

from footloom.core.messages import Tick
from footloom.core.snapshots import GREEKS, Snapshots
from footloom.core.ticks import Merger
from footloom.feeds.ingest import Options, import_files
from footloom.store.files import Store
from footloom.venues import _upstox_feed_pb2 as wire
from footloom.venues import upstox

MINUTE_NS = 60 * 10**9
COLUMNS = (
    "ts_exch_ns",
    "ltp_tick",
    "ltq_lot",
    "vtt_lot",
    "bid_tick",
    "ask_tick",
    "oi_lot",
    "bid_lot",
    "ask_lot",
    "atp_e4",
    *GREEKS,
)
MODES = ("fullFeed", "ltpc", "firstLevelWithGreeks", "requestMode")


def frames(path: Path) -> list[bytes]:
    with gzip.open(path) as file:
        documents = json.load(file)
    found = []
    for number, document in enumerate(documents):
        feed = {name: document[name] for name in MODES if name in document}
        kind = "live_feed" if number else "initial_feed"  # recorders do not keep it
        response = ParseDict({"type": kind, "feeds": {document["instrumentKey"]: feed}}, wire.FeedResponse())
        found.append(response.SerializeToString())
    return found


@pytest.mark.parametrize("name", ["NSE_EQ_INE027H01010", "NSE_FO_51510", "NSE_FO_60166"])
def test_frames_of_a_recording(recordings: Path, tmp_path: Path, name: str) -> None:
    path = recordings / "upstox" / f"{name}_data.json.json.gz"
    if not path.exists():
        pytest.skip(f"{path} is not there")
    import_files([path], Options(), store=tmp_path)
    with Store(tmp_path) as store:
        (row,) = store.coverage()
        imported = store.load(row.key, "snapshot", 0, 2**62)
    assert isinstance(imported, Snapshots)

    ticks = [one for frame in frames(path) for one in upstox.parse(frame, 1) if isinstance(one, Tick)]
    found = Merger(imported.instrument).take(ticks)

    assert not found.refused
    assert not found.counted
    assert len(imported) > 10_000
    for column in COLUMNS:
        assert np.array_equal(getattr(found.snapshots, column), getattr(imported, column)), column

    # Per minute, what the day's counter rose by is what the feed's own candle says.
    said: dict[int, int] = {}
    for minute in found.minutes:
        said[minute.start_ns] = max(said.get(minute.start_ns, 0), minute.volume_lot)
    said.pop(max(said))  # still going on when the recording ended
    seen = found.snapshots
    rose = np.maximum(np.diff(seen.vtt_lot, prepend=seen.vtt_lot[0]), 0)
    starts = seen.ts_exch_ns // MINUTE_NS * MINUTE_NS
    ratios = [int(rose[starts == start].sum()) / volume for start, volume in said.items() if volume]
    assert len(ratios) > 300
    assert np.median(ratios) == 1.0
