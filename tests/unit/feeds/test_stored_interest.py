"""When open interest was told, by recordings whose clock was right and by one whose clock was slow."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import msgspec
import numpy as np
import pytest

from footloom.core.instrument import Instrument
from footloom.core.messages import Tick
from footloom.core.series import Series
from footloom.core.snapshots import Snapshots
from footloom.feeds._interest import interest_at_closes
from footloom.feeds._symbol import Symbol
from footloom.feeds.flow import FeedState
from footloom.feeds.stored_interest import interest_held, stored_interest
from footloom.store.files import Store
from footloom.venues import upstox
from footloom.venues._venue import Wanted

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


LIVE = frozenset({"snapshot", "open_interest"})


def told_live(store: Store, rows: Sequence[tuple[int | None, int, int | None]], *, cut: int) -> list[tuple[int, int]]:
    """What a recorder tells of such messages, which it stores; in commits of ``cut`` messages each."""
    symbol = Symbol(Wanted(symbol=FUTURE.symbol, streams=LIVE), FUTURE, upstox, frozenset())
    take_in = symbol.handlers(twice=lambda: False)[Tick]
    found = []
    for begin in range(0, len(rows), cut):
        for place, (traded, received, lots) in enumerate(rows[begin : begin + cut], begin + 1):
            recv_ns = (AT_MS + received) * 1_000_000
            traded_ns = None if traded is None else (AT_MS + traded) * 1_000_000
            at = {"ts_exch_ns": recv_ns, "ts_recv_ns": recv_ns, "ltt_ns": traded_ns}
            last = {"ltp": "26000", "ltq": "75", "vtt": str(75 * place), "bid": "25999", "ask": "26001"}
            take_in(Tick(symbol=FUTURE.symbol, **at, **last, oi=lots and str(lots)))
        for arrival in symbol.arrivals(2**62, FeedState("live")):
            for block, gaps in arrival.stored():
                store.append(block, gaps)
            found += [
                (at // 1_000_000 - AT_MS, lots)
                for series in arrival.series
                for at, lots in zip(series.ts_exch_ns.tolist(), series["oi_lot"].tolist(), strict=True)
            ]
    return found


@pytest.mark.parametrize("cut", [1, 2, 5])
def test_a_recorder_with_a_slow_clock_tells_what_its_recording_says(tmp_path: Path, cut: int) -> None:
    rows = [*SLOW[:-1], (None, 61_000, 940), SLOW[-1], (3_600_000, 62_100, 960)]  # a trade said once; a wrong stamp
    with Store(tmp_path, writer=True) as store:
        live = told_live(store, rows, cut=cut)
        whole = [(0, 700), (59_000, 700), (60_000, 900), (60_500, 900), (61_000, 940), (62_000, 950), (62_100, 960)]
        assert told(store, 0, 90_000) == whole
        news = [row for place, row in enumerate(whole) if not place or row[1] != whole[place - 1][1]]
        assert live == news, "what is told again unchanged is left out for a minute"
        series = store.load_series(FUTURE.key, "open_interest", 0, 2**62)
        received = [-5_600, 54_400, 61_000, 61_400, 62_100]
        assert series.ts_exch_ns.tolist() == [(AT_MS + at) * 1_000_000 for at, _ in live]
        assert series.ts_recv_ns.tolist() == [(AT_MS + at) * 1_000_000 for at in received]


@pytest.mark.parametrize("seed", range(6))
def test_whatever_messages_leave_out_a_recorder_tells_what_its_recording_says(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    at_ms = np.sort(rng.choice(55_000, 40, replace=False)).tolist()
    rows = [
        (
            at + int(rng.integers(-3_000, 9_000)) if rng.random() < 0.5 else None,
            at,
            int(rng.integers(700, 703)) if rng.random() < 0.5 else None,
        )
        for at in at_ms
    ]
    with Store(tmp_path, writer=True) as store:
        live = told_live(store, rows, cut=1 + seed % 3)
        whole = told(store, -10_000, 90_000)
        assert live == [row for place, row in enumerate(whole) if not place or row[1] != whole[place - 1][1]]


def test_a_recorder_that_believes_its_own_slow_clock_tells_something_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("footloom.feeds._side.told_ns", lambda _traded_ns, received_ns: received_ns)
    with Store(tmp_path, writer=True) as store:
        assert told_live(store, SLOW, cut=1) == [(-5_600, 700), (54_400, 900), (61_400, 950)]
        whole = [(0, 700), (59_000, 700), (60_000, 900), (60_500, 900), (62_000, 950)]
        assert told(store, 0, 90_000) == whole, "as older recordings are read"


def test_what_is_told_behind_the_close_by_a_slow_clock_is_no_reading_of_that_close(tmp_path: Path) -> None:
    closes_ms = 6 * 3_600_000  # 15:30 in Kolkata
    with Store(tmp_path, writer=True) as store:
        store.append(seen([(closes_ms - 9_000, closes_ms - 9_000, 700), (closes_ms + 1_000, closes_ms - 4_000, 900)]))
        expiring = msgspec.structs.replace(FUTURE, expiry_ns=(AT_MS + closes_ms + 60_000) * 1_000_000)
        [(closed_ns, lots)] = interest_at_closes(store, [expiring])[FUTURE.symbol]
        assert (closed_ns // 1_000_000 - AT_MS, lots) == (closes_ms, 700)
