"""Stored snapshots as trades: inferred by the exchange's days, the same for any range."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import numpy as np

from footloom.core.instrument import Instrument
from footloom.core.messages import Gap
from footloom.core.snapshots import Snapshots
from footloom.feeds.stored import stored_trades
from footloom.kernels.inference import infer
from footloom.store.files import Store

S = 10**9
NSE = Instrument(
    venue="test", symbol="NIFTY", tick_size=Decimal("0.05"), lot_size=Decimal(1), calendar="nse_fo", quote="INR"
)
MIDNIGHT_NS = int(dt.datetime(2026, 3, 1, 18, 30, tzinfo=dt.UTC).timestamp()) * S  # of 2 March in Kolkata
Row = tuple[float, int, int, int, int, int, float]  # last trade, its price, its lots, the day's lots, bid, ask, receipt


def snapshots(rows: list[Row]) -> Snapshots:
    """Make snapshots; their times are seconds of the day."""
    ltt, ltp, ltq, vtt, bid, ask, recv = (np.array(column) for column in zip(*rows, strict=True))
    times = [(MIDNIGHT_NS + np.round(column * 1000).astype(np.int64) * 10**6) for column in (ltt, recv)]
    return Snapshots(NSE, times[0], ltp, ltq, vtt, bid, ask, times[1])


OPEN_S, CLOSE_S = 9.25 * 3600, 15.5 * 3600
DAY: list[Row] = [
    (OPEN_S - 420, 1000, 0, 500, 999, 1001, OPEN_S - 2),
    (OPEN_S + 0.1, 1001, 75, 1500, 1000, 1002, OPEN_S + 0.4),
    (OPEN_S + 0.7, 1002, 75, 1600, 1001, 1003, OPEN_S + 0.9),
    (CLOSE_S - 1, 1010, 75, 2000, 1009, 1011, CLOSE_S - 0.8),
    (CLOSE_S - 0.1, 1011, 75, 2900, 1009, 1011, CLOSE_S + 0.2),
]


def next_day(rows: list[Row]) -> list[Row]:
    return [(ltt + 86_400, *rest, recv + 86_400) for ltt, *rest, recv in rows]  # type: ignore[misc]


def test_the_opening_and_the_closing_volume_are_the_days(tmp_path: Path) -> None:
    day = snapshots(DAY)
    with Store(tmp_path, writer=True) as store:
        store.append(snapshots([*DAY, *next_day(DAY)]))
        whole = stored_trades(store, NSE.key, "snapshot", 0, 2**62)
        assert int(whole.qty_lot.sum()) == 2 * 2400, "all but what was there before each day's first snapshot"
        assert whole.take(slice(0, len(whole) // 2)).equals(infer(day).trades)
        second = stored_trades(store, NSE.key, "snapshot", MIDNIGHT_NS + 86_400 * S, 2**62)
        assert second.equals(whole.take(slice(len(whole) // 2, None)))
        closing_ns = MIDNIGHT_NS + int((CLOSE_S - 0.5) * S)
        closing = stored_trades(store, NSE.key, "snapshot", closing_ns, closing_ns + S)
        assert int(closing.qty_lot.sum()) == 900


def test_rows_whose_time_steps_back_are_found(tmp_path: Path) -> None:
    """Behind a reconnect the first snapshots may repeat an older trade, and later ones go on from there."""
    at = OPEN_S
    rows: list[Row] = [(at + i * 10, 1000, 10, i * 10, 999, 1001, at + i * 10 + 0.5) for i in range(1, 11)]
    rows.append((at + 55, 1000, 10, 105, 999, 1001, at + 110))
    rows += [(at + i * 10 + 7, 1001, 10, 105 + (i - 5) * 10, 999, 1001, at + 120 + i) for i in range(6, 16)]
    seen = snapshots(rows)
    gap = Gap(
        symbol="NIFTY", from_ns=MIDNIGHT_NS + int(at + 101) * S, to_ns=MIDNIGHT_NS + int(at + 109) * S, cause="lost"
    )
    whole = infer(seen, gaps=[gap]).trades
    assert (np.diff(whole.ts_exch_ns) < 0).any()
    with Store(tmp_path, writer=True) as store:
        store.append(seen, [gap])
        for first, last in ((0, 120), (60, 120), (80, 130)):
            from_ns, to_ns = (MIDNIGHT_NS + int(at + second) * S for second in (first, last))
            found = stored_trades(store, NSE.key, "snapshot", from_ns, to_ns)
            expected = whole.take((whole.ts_exch_ns >= from_ns) & (whole.ts_exch_ns < to_ns))
            assert sorted(found.trade_id.tolist()) == sorted(expected.trade_id.tolist())
            assert (np.diff(found.ts_exch_ns) >= 0).all()
