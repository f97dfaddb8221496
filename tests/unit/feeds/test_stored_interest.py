"""When open interest was told, by recordings whose clock was right and by one whose clock was slow."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from footloom.core.instrument import Instrument
from footloom.core.series import Series
from footloom.core.snapshots import Snapshots
from footloom.feeds.stored_interest import interest_held, stored_interest
from footloom.store.files import Store

FUTURE = Instrument(
    venue="upstox", symbol="NSE_FO|53001", tick_size=Decimal("0.05"), lot_size=Decimal(1), calendar="nse_fo",
    kind="future",
)  # fmt: skip
AT_MS = 1_765_771_200_000  # 2025-12-15, 09:30 in Kolkata


def seen(rows: Sequence[tuple[int, int, int]]) -> Snapshots:
    """Snapshots by milliseconds of their last trade and of their receipt, and what is open."""
    traded, received, lots = (np.array(column, np.int64) for column in zip(*rows, strict=True))
    ones = np.ones(len(rows), np.int64)
    return Snapshots(
        instrument=FUTURE,
        ts_exch_ns=(AT_MS + traded) * 1_000_000,
        ltp_tick=6_000 * ones,
        ltq_lot=75 * ones,
        vtt_lot=75 * np.cumsum(ones),
        bid_tick=ones,
        ask_tick=2 * ones,
        ts_recv_ns=(AT_MS + received) * 1_000_000,
        oi_lot=lots,
    )


def told(store: Store, from_ms: int, to_ms: int) -> list[tuple[int, int]]:
    bounds = ((AT_MS + at) * 1_000_000 for at in (from_ms, to_ms))
    found = stored_interest(store, FUTURE.key, *bounds)
    return [(at // 1_000_000 - AT_MS, lots) for at, lots in zip(found.at_ns.tolist(), found.lots.tolist(), strict=True)]


# The first trade of the second minute is the one that was made when 900 was told: by the receipt it would come after.
SLOW = [(0, -5_600, 700), (59_000, 53_400, 700), (60_000, 54_400, 900), (60_000, 60_500, 900), (62_000, 61_400, 950)]


@pytest.mark.parametrize("told_beside", [False, True])
def test_it_is_told_no_sooner_than_the_last_trade_of_its_snapshot(tmp_path: Path, *, told_beside: bool) -> None:
    with Store(tmp_path, writer=True) as store:
        store.append(seen(SLOW))
        if told_beside:  # as a recorder does, at the same receipts
            times = [(AT_MS + received) * 1_000_000 for _, received, _ in SLOW]
            store.append(Series.build(FUTURE, "open_interest", times, oi_lot=[lots for *_, lots in SLOW]))
        whole = [(0, 700), (59_000, 700), (60_000, 900), (60_500, 900), (62_000, 950)]
        assert told(store, 0, 90_000) == whole
        for cut_ms in range(0, 90_000, 500):
            assert told(store, 0, cut_ms) + told(store, cut_ms, 90_000) == whole
        assert interest_held(store, FUTURE.key)


def test_a_receipt_behind_the_last_trade_stands_and_a_stamp_far_ahead_moves_nothing(tmp_path: Path) -> None:
    with Store(tmp_path, writer=True) as store:
        store.append(seen([(0, 1_000, 700), (0, 30_000, 900), (3_600_000, 40_000, 950), (45_000, 50_000, 975)]))
        assert told(store, 0, 90_000) == [(1_000, 700), (30_000, 900), (40_000, 950), (50_000, 975)]
