"""A day in the order in which it came in, whatever became of its rows since."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from footloom.core.instrument import Instrument
from footloom.core.messages import Gap
from footloom.core.series import Series
from footloom.core.trades import FLAG_BACKFILLED, Trades
from footloom.errors import NotStored, StoreError
from footloom.store import Settings, SourceInfo
from footloom.store.files import Store

START_NS = 1_767_225_600_000_000_000
DAY = dt.date(2026, 1, 1)
DAY_NS = 86_400_000_000_000
KEY = "test:BTCUSDT"
MakeTrades = Callable[..., Trades]


def told(from_ns: int, to_ns: int, *, healed: bool = False) -> Gap:
    return Gap(symbol="BTCUSDT", from_ns=from_ns, to_ns=to_ns, cause="test", healed=healed)


@pytest.mark.parametrize("keep", ["journal", "sealed", "compacted", "reopened"])
def test_rows_and_gaps_come_as_live_saw_them(
    root: Path, store: Store, instrument: Instrument, make_trades: MakeTrades, keep: str
) -> None:
    trades = make_trades(500, step_ms=1_000)
    time = trades.ts_exch_ns
    flags = np.full(100, FLAG_BACKFILLED, np.uint8)
    late = make_trades(
        100, ts_exch_ns=time[200:300], trade_id=trades.trade_id[200:300], ts_recv_ns=time[200:300] + DAY_NS, flags=flags
    )
    gap = told(int(time[199]), int(time[300]))
    healed = told(int(time[199]), int(time[300]), healed=True)
    store.append(trades.take(slice(0, 200)))
    if keep != "journal":
        store.seal()
    other = Series.build(instrument, "open_interest", [START_NS], oi_lot=[5])
    store.append_many([(other, ()), (trades.take(slice(300, 400)), [gap])])
    store.append(late, [healed])
    store.append(trades.take(slice(400, 500)))
    store.write_part(make_trades(30, first_id=9_000), SourceInfo("a", "a.csv", (0, 30)))
    if keep != "journal":
        store.seal()
    if keep in {"compacted", "reopened"}:
        store.compact()
    reader = store
    if keep == "reopened":
        store.close()
        reader = Store(root, settings=Settings(row_group_rows=64))

    pieces = list(reader.iter_ingest(KEY, "trade", DAY))

    seq = np.concatenate([piece.seq for piece in pieces])
    rows = Trades.concat([piece.block for piece in pieces])  # type: ignore[misc] # trades
    assert seq.tolist() == [0] * 30 + [*range(1, 201), *range(202, 502)]
    assert rows.trade_id.tolist() == [
        *range(9_000, 9_030), *range(1, 201), *range(301, 401), *range(201, 301), *range(401, 501)
    ]  # fmt: skip
    before = {int(piece.seq[0]): piece.gaps for piece in pieces if piece.gaps}
    assert before == {202: (gap,), 302: (healed,)}
    assert reader.gaps(KEY, "trade", 0, 2**62) == []
    assert max(len(piece.block) for piece in pieces) <= 64


def test_a_gap_that_was_told_last_is_not_forgotten(store: Store, make_trades: MakeTrades) -> None:
    trades = make_trades(10)
    gap = told(int(trades.ts_exch_ns[3]), int(trades.ts_exch_ns[4]))
    store.append(trades)
    store.append(trades.take(slice(0, 0)), [gap])

    for _ in range(2):
        *_, last = store.iter_ingest(KEY, "trade", DAY)
        assert (len(last.block), last.gaps) == (0, (gap,))
        store.seal()


def test_gaps_of_an_import_come_before_all_rows_and_those_of_other_days_not_at_all(
    store: Store, make_trades: MakeTrades
) -> None:
    trades = make_trades(10)
    reported = told(int(trades.ts_exch_ns[0]), int(trades.ts_exch_ns[1]))
    store.append(trades)
    store.write_part(make_trades(5, first_id=50), SourceInfo("a", "a.csv", (0, 5)), [reported])
    store.append(make_trades(5, start_ns=START_NS + 5 * DAY_NS, first_id=99), [told(START_NS + 4 * DAY_NS, 2**61)])

    pieces = list(store.iter_ingest(KEY, "trade", DAY))

    assert pieces[0].gaps == (reported,)
    assert sum(len(piece.gaps) for piece in pieces) == 1
    assert sum(len(piece.block) for piece in pieces) == 15


def test_a_day_without_rows_is_a_message(store: Store, make_trades: MakeTrades) -> None:
    store.append(make_trades(3))

    for day in (DAY + dt.timedelta(days=1), DAY + dt.timedelta(days=40)):
        with pytest.raises(NotStored, match="nothing is stored of test:BTCUSDT/trade"):
            list(store.iter_ingest(KEY, "trade", day))
    with pytest.raises(StoreError):
        list(store.iter_ingest(KEY, "finished:other", DAY))
