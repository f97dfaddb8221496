"""Stored snapshots as trades: inferred by the exchange's days, the same for any range."""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from footloom.core.instrument import Instrument
from footloom.core.messages import Gap
from footloom.core.snapshots import NO_QUOTE, Snapshots
from footloom.core.trades import Trades
from footloom.errors import NotStored, StoreError
from footloom.feeds.stored import chart_tapes, span_of, stored_inference, stored_pieces, stored_trades
from footloom.kernels.facts import in_order
from footloom.kernels.inference import REST_POLICIES, RestPolicy, SnapshotParams, infer
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


def walk(count: int) -> Snapshots:
    """Make two days of a walk of prices: repeats, steps back, missing quotes, more than one trade between two."""
    rng = np.random.default_rng(5)
    rows: list[Row] = []
    for day in (0, 86_400):
        price, lots = 1000, 300
        for i in range(count):
            price += int(rng.integers(-2, 3))
            lots += int(rng.integers(0, 4)) * 75
            late = 3 if i % 17 == 16 else 0
            bid = NO_QUOTE if i % 13 == 12 else price - 1
            at = day + OPEN_S + i
            rows.append((at - late, price, 75, lots, bid, price + 1, at + 0.3))
    return snapshots(rows)


@pytest.mark.parametrize("policy", REST_POLICIES)
@pytest.mark.parametrize("cuts", [[], [1, 2, 3], [150], [7, 60, 61, 199], list(range(0, 200, 9))])
def test_however_they_were_stored_the_same_rows_are_inferred(
    tmp_path: Path, cuts: list[int], policy: RestPolicy
) -> None:
    seen, params = walk(100), SnapshotParams(rest_policy=policy)
    halves = [infer(seen.take(slice(lo, lo + 100)), params=params) for lo in (0, 100)]
    expected = in_order(Trades.concat([half.trades for half in halves]))
    store = Store(tmp_path, writer=True)
    for number, (lo, hi) in enumerate(itertools.pairwise([0, *cuts, 200])):
        store.append(seen.take(slice(lo, hi)))
        if number % 3 == 1:
            store.seal()
        if number % 4 == 2:
            store.close()
            store = Store(tmp_path, writer=True)
    for step in (store.seal, store.compact, store.close):
        found = stored_inference(store, NSE.key, 0, 2**62, params)
        assert found.trades.equals(expected)
        assert found.counters.dropped == sum(half.counters.dropped for half in halves) > 0
        step()
    with Store(tmp_path) as reopened:
        found = stored_inference(reopened, NSE.key, 0, 2**62, params)
        assert found.trades.equals(expected)
        assert reopened.load(NSE.key, "snapshot", 0, 2**62).tape == "snapshot", "what is stored is what was seen"
        assert {row.tape for row in reopened.coverage(NSE.key)} == {"snapshot"}, "what is inferred is not stored"


def test_volume_is_in_a_row_or_unattributed_and_nowhere_else(tmp_path: Path) -> None:
    seen = walk(100)
    with Store(tmp_path, writer=True) as store:
        store.append(seen)
        found = stored_inference(store, NSE.key, 0, 2**62)
        counted = int(seen.vtt_lot[99] + seen.vtt_lot[199])
        assert int(found.trades.qty_lot.sum()) + int(found.unattributed_lot.sum()) == counted
        assert found.unattributed_ns.tolist() == seen.ts_exch_ns[[0, 100]].tolist()
        second = stored_inference(store, NSE.key, MIDNIGHT_NS + 86_400 * S, 2**62)
        assert second.unattributed_lot.tolist() == [int(seen.vtt_lot[100])]
        nothing = stored_inference(store, NSE.key, 0, 1)
        assert (len(nothing.trades), len(nothing.unattributed_lot), nothing.counters.unattributed_lot) == (0, 0, 0)


def test_inferred_rows_are_refused_by_the_store(tmp_path: Path) -> None:
    with Store(tmp_path, writer=True) as store:
        store.append(walk(20))
        made = stored_trades(store, NSE.key, "snapshot", 0, 2**62)
        with pytest.raises(StoreError, match="inferred from snapshots are not the tape"):
            store.append(dataclasses.replace(made, tape="trade"))


@pytest.mark.parametrize("off_s", [-5 * 3600, -600, -2, -0.2, 0, 90, 3600, 5.5 * 3600])
def test_a_recorder_whose_clock_is_wrong_costs_no_trade(tmp_path: Path, off_s: float) -> None:
    right = walk(100)
    seen = dataclasses.replace(right, ts_recv_ns=right.ts_recv_ns + int(off_s * S))
    expected = in_order(Trades.concat([infer(seen.take(slice(lo, lo + 100))).trades for lo in (0, 100)]))
    with Store(tmp_path, writer=True) as store:
        store.append(seen)
        first_ns, last_ns = span_of(store, NSE.key, "snapshot")
        whole = stored_trades(store, NSE.key, "snapshot", 0, 2**62)
        assert whole.equals(expected)
        assert last_ns >= int(expected.ts_exch_ns[-1])
        assert first_ns - 60 * S <= int(expected.ts_exch_ns[0])
        edges = [first_ns - 60 * S, *range(int(right.ts_exch_ns[20]), int(right.ts_exch_ns[99]), 7 * S), last_ns + 1]
        pieces = [stored_trades(store, NSE.key, "snapshot", *span) for span in itertools.pairwise(edges)]
        assert Trades.concat(pieces).equals(expected)
        assert Trades.concat(list(stored_pieces(store, NSE.key, "snapshot", first_ns, last_ns + 1))).equals(expected)


HOUR_NS = 3600 * S
BTC = Instrument(venue="test", symbol="BTC", tick_size=Decimal("0.1"), lot_size=Decimal("0.001"))


@pytest.mark.parametrize(
    ("agg_trade", "trade", "first"),
    [
        ((0, 100), (0, 100), "trade"),  # both of one day: every print
        ((50, 100), (0, 2), "agg_trade"),  # a file of old trades does not take the chart of a tape that streams
        ((50, 100), (0, 99.9), "agg_trade"),
        ((0, 100), (90, 100), "agg_trade"),  # as new, and more of it
        ((0, 50), (90, 100), "trade"),
    ],
)
def test_charts_read_the_newest_tape_then_the_longest_then_every_print(
    tmp_path: Path, agg_trade: tuple[float, float], trade: tuple[float, float], first: str
) -> None:
    with Store(tmp_path, writer=True) as store:
        for tape, hours in (("agg_trade", agg_trade), ("trade", trade)):
            times = np.array([MIDNIGHT_NS + int(hour * HOUR_NS) for hour in hours], np.int64)
            store.append(Trades.build(BTC, times, [1, 2], [1, 1], [1, -1], tape=tape, trade_id=[1, 2]))
        assert chart_tapes(store, BTC.key)[0] == first
        with pytest.raises(NotStored):
            chart_tapes(store, NSE.key)
