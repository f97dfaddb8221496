"""P13: of recorded snapshots every lot of the day's counter is in a bar, by how its side was found, or unattributed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from footloom.core.footprint import BAR_OFF_SESSION
from footloom.core.snapshots import Snapshots
from footloom.engine.build import build_footprint
from footloom.feeds.ingest import Options, import_files
from footloom.feeds.stored import stored_inference
from footloom.kernels.inference import REST_POLICIES, SnapshotParams
from footloom.store.files import Store


@pytest.mark.parametrize("name", ["NSE_EQ_INE027H01010", "NSE_FO_60166"])
def test_the_parts_of_the_bars_make_the_day_s_counter(recordings: Path, tmp_path: Path, name: str) -> None:
    path = recordings / "upstox" / f"{name}_data.json.json.gz"
    if not path.exists():
        pytest.skip(f"{path} is not there")
    import_files([path], Options(), store=tmp_path)
    with Store(tmp_path) as store:
        (row,) = store.coverage()
        seen = store.load(row.key, "snapshot", 0, 2**62)
        assert isinstance(seen, Snapshots)
        for policy in REST_POLICIES:
            found = stored_inference(store, row.key, 0, 2**62, SnapshotParams(rest_policy=policy))
            bars = build_footprint(found.trades, "1m", 1).bars
            ways = bars.stated_lot + bars.by_quote_lot + bars.by_mid_lot + bars.by_tick_lot + bars.by_rest_lot
            assert np.array_equal(ways + bars.unknown_lot, bars.volume_lot)
            assert not bars.stated_lot.any()
            total = int(bars.volume_lot.sum()) + int(found.unattributed_lot.sum()) - found.counters.corrected_lot
            assert total == int(seen.vtt_lot.max()), "one day was recorded, and its counter ends at the most"
            assert found.counters.unattributed_lot == int(found.unattributed_lot.sum())
            outside = (bars.flags & BAR_OFF_SESSION) != 0
            assert np.array_equal(bars.unknown_lot[outside], bars.volume_lot[outside]), "auctions have no aggressor"
            if policy == "ltp_same_side":
                signed = bars.volume_lot[~outside] - bars.unknown_lot[~outside]
                assert signed.sum() / bars.volume_lot[~outside].sum() > 0.98
        assert (seen.vtt_lot >= 0).all()
