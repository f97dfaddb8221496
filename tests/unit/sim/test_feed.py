"""The two feeds of the simulated market: what is lost, what is late, and how the volume adds up."""

from __future__ import annotations

import numpy as np
import pytest

from footloom.errors import UnknownSymbol
from footloom.kernels.inference import InferState, SnapshotParams, infer, snapshot_row
from footloom.venues import sim


def test_instruments_are_what_users_type() -> None:
    assert [instrument.key for instrument in sim.INSTRUMENTS] == ["sim:PERP", "sim:FUT"]
    assert sim.PERP.price_text(48_365) == "24182.5"
    assert sim.PERP.qty_text(1_250) == "1.250"


def test_ids_follow_each_other_except_at_gaps(today: sim.SimSession) -> None:
    feed = sim.feed_trades(today, today.start_ns, today.end_ns)
    holes = np.flatnonzero(np.diff(feed.trade_id) != 1)
    told = sim.gaps(today)
    assert len(holes) == len(told) > 2
    for hole, gap in zip(holes, told, strict=True):
        assert feed.trade_id[hole + 1] - feed.trade_id[hole] - 1 == gap.missing
        assert feed.ts_exch_ns[hole] < gap.from_ns < gap.to_ns <= feed.ts_exch_ns[hole + 1]
        assert 2e9 <= gap.to_ns - gap.from_ns <= 20e9
        assert len(gap.cause) > 5
    assert len(feed) + sum(gap.missing or 0 for gap in told) == len(today.trade_ns)


def test_the_truth_tape_lost_nothing(today: sim.SimSession) -> None:
    tape = sim.true_trades(today, today.start_ns, today.end_ns)
    assert np.all(np.diff(tape.trade_id) == 1)
    assert int(tape.qty_lot.sum()) == int(today.trade_lot.sum())
    feed = sim.feed_trades(today, today.start_ns, today.end_ns)
    assert np.array_equal(tape.take(feed.trade_id - today.first_id).price_tick, feed.price_tick)


def test_rows_are_received_late_but_in_order_and_within_their_session(today: sim.SimSession) -> None:
    feed = sim.feed_trades(today, today.start_ns, today.end_ns)
    late = (feed.ts_recv_ns - feed.ts_exch_ns) / 1e6
    assert np.all(np.diff(feed.ts_recv_ns) >= 0)
    assert late[:-1000].min() >= 5
    assert late.max() <= 60
    assert feed.ts_recv_ns[-1] < today.end_ns


@pytest.mark.parametrize("step_ms", [15, 1_000, 3_600_000])
def test_live_rows_in_steps_are_the_feed(today: sim.SimSession, step_ms: int) -> None:
    start, stop = (0, 86_400_000) if step_ms > 10_000 else (36_000_000, 36_060_000)
    index = len(sim.feed_after(today, 0, today.start_ns + start * 1_000_000)[0])
    first, ids = index, []
    for ms in range(start, stop + step_ms, step_ms):
        rows, index = sim.feed_after(today, index, today.start_ns + ms * 1_000_000)
        assert not len(rows) or rows.ts_recv_ns[-1] <= today.start_ns + ms * 1_000_000
        ids.append(rows.trade_id)
    feed = sim.feed_trades(today, today.start_ns, today.end_ns)
    assert np.array_equal(np.concatenate(ids), feed.trade_id[first:index])
    assert step_ms < 10_000 or index == len(feed)


def test_a_request_for_the_past_has_no_rows(today: sim.SimSession) -> None:
    rows, index = sim.feed_after(today, 1_000, today.start_ns)
    assert (len(rows), index) == (0, 1_000)


def test_there_are_three_snapshots_a_second(today: sim.SimSession) -> None:
    seen = sim.snapshots(today, today.start_ns, today.end_ns)
    assert len(seen) == pytest.approx(3 * 86_400, rel=0.01)
    assert np.all(np.diff(seen.ts_recv_ns) >= 0)
    assert np.all(np.diff(seen.ts_exch_ns) >= 0)
    assert np.all(np.diff(seen.vtt_lot) >= 0)
    assert np.all(seen.bid_tick < seen.ask_tick)
    assert 0.3 < (np.diff(seen.vtt_lot) == 0).mean() < 0.7  # many show a book update only


def test_every_lot_is_inferred_or_unattributed(today: sim.SimSession) -> None:
    seen = sim.snapshots(today, today.start_ns, today.end_ns)
    outcome = infer(seen, gaps=sim.gaps(today, sim.FUT))
    assert int(outcome.trades.qty_lot.sum()) + outcome.counters.unattributed_lot == int(today.trade_lot.sum())
    assert outcome.counters.dropped == outcome.counters.ltq_anomaly == 0
    lost = sum(event.qty_lot for event in sim.truth(today) if event.kind == "feed_gap")
    assert outcome.counters.unattributed_lot >= lost
    assert outcome.counters.unattributed_lot < 0.01 * int(today.trade_lot.sum())


def test_live_snapshots_infer_the_same_over_midnight(today: sim.SimSession, tomorrow: sim.SimSession) -> None:
    from_ns, to_ns = today.end_ns - 600 * 10**9, today.end_ns + 600 * 10**9
    pieces = [sim.snapshots(day, from_ns, to_ns) for day in (today, tomorrow)]
    assert pieces[0].ts_recv_ns[-1] < pieces[1].ts_recv_ns[0]
    state: InferState | None = None
    rows = 0
    for piece in pieces:
        outcome = infer(piece, state)
        state = outcome.state
        rows += len(outcome.trades)
        assert int(outcome.trades.qty_lot.sum()) > 0
    assert state is not None
    assert state.day == tomorrow.start_ns // (86_400 * 10**9)
    assert rows > 1_000


def test_snapshots_in_steps_are_the_feed(today: sim.SimSession) -> None:
    index, count = 0, 0
    for hour in range(1, 25):
        rows, index = sim.snapshots_after(today, index, today.start_ns + hour * 3600 * 10**9)
        count += len(rows)
    assert count == index == len(sim.snapshots(today, today.start_ns, today.end_ns))


def test_any_range_loads_by_its_name(today: sim.SimSession, tomorrow: sim.SimSession) -> None:
    from_ns, to_ns = today.end_ns - 60 * 10**9, today.end_ns + 60 * 10**9
    trades = sim.load("PERP", from_ns, to_ns)
    parts = [sim.feed_trades(day, from_ns, to_ns) for day in (today, tomorrow)]
    assert np.array_equal(trades.trade_id, np.concatenate([part.trade_id for part in parts]))
    inferred = sim.load("FUT", from_ns, to_ns)
    assert (inferred.instrument, inferred.tape) == (sim.FUT, "snapshot")
    assert inferred.ts_exch_ns[0] >= from_ns
    assert inferred.ts_exch_ns[-1] < to_ns
    assert 0.8 < inferred.qty_lot.sum() / trades.qty_lot.sum() <= 1.0
    assert len(sim.load("PERP", from_ns, from_ns)) == 0
    with pytest.raises(UnknownSymbol, match="sim:PERP, sim:FUT"):
        sim.load("BTCUSDT", from_ns, to_ns)


# --- the score ------------------------------------------------------------------------------------------------------


def test_the_score_counts_what_a_plain_loop_counts(today: sim.SimSession) -> None:
    from_ns, to_ns = today.start_ns + 36_000 * 10**9, today.start_ns + 36_300 * 10**9
    seen = sim.snapshots(today, today.start_ns, to_ns)
    trades = infer(seen, gaps=sim.gaps(today, sim.FUT)).trades
    trades = trades.take(trades.ts_recv_ns >= from_ns)
    traded = np.cumsum(today.trade_lot)
    right = sided = 0
    for number in np.unique(snapshot_row(trades.trade_id)):
        rows = trades.take(snapshot_row(trades.trade_id) == number)
        end = int(seen.vtt_lot[number])
        part = (traded > end - int(rows.qty_lot.sum())) & (traded <= end)
        for side in (1, -1):
            guessed = int(rows.qty_lot[rows.side == side].sum())
            right += min(guessed, int(today.trade_lot[part & (today.trade_side == side)].sum()))
            sided += guessed
    score = sim.fut_score(today, from_ns, to_ns)
    assert score.volume_lot == int(trades.qty_lot.sum()) > 0
    assert score.accuracy == pytest.approx(right / sided, abs=1e-12)
    assert score.coverage == pytest.approx(sided / score.volume_lot, abs=1e-12)


def test_the_score_is_what_a_quote_rule_can_reach(today: sim.SimSession) -> None:
    score = sim.fut_score(today, today.start_ns, today.end_ns)
    assert 0.7 < (score.accuracy or 0) < 0.95  # merged trades cannot be told apart
    assert (score.print_accuracy or 0) > 0.95  # single ones can, but for a quote that moved in a third of a second
    assert score.coverage == 1.0
    careful = sim.fut_score(today, today.start_ns, today.end_ns, SnapshotParams(rest_policy="unknown"))
    assert (careful.accuracy or 0) > (score.accuracy or 0)
    assert (careful.coverage or 1) < 0.6
    assert sim.fut_score(today, today.start_ns, today.start_ns).accuracy is None
