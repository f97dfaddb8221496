"""The snapshot inference: the definition's own cases, each of its steps, and any tape in any chunking."""

from __future__ import annotations

import itertools
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from footloom.core.instrument import Instrument
from footloom.core.messages import Gap
from footloom.core.snapshots import NO_QUOTE, Snapshots
from footloom.core.trades import FLAG_BY_QUOTE, FLAG_BY_TICK, FLAG_INFERRED, FLAG_REST, Trades
from footloom.errors import ConfigError, DataError
from footloom.kernels.days import local_days
from footloom.kernels.inference import (
    BY_MID,
    BY_NOTHING,
    BY_QUOTE,
    BY_TICK,
    REST_POLICIES,
    Inferred,
    InferState,
    RestPolicy,
    SnapshotParams,
    how,
    infer,
    snapshot_row,
)
from footloom.kernels.inference_reference import Event, Fold, Snap
from footloom.kernels.side_score import score

FUTURE = Instrument(venue="nse", symbol="NIFTY", tick_size=Decimal("0.05"), lot_size=Decimal(1), calendar="crypto")
HOW = {"prev_quote": BY_QUOTE, "prev_mid": BY_MID, "tick": BY_TICK, "none": BY_NOTHING}


def snapshots(snaps: list[Snap]) -> Snapshots:
    def column(name: str) -> np.ndarray:
        values = [getattr(snap, name) for snap in snaps]
        return np.array([NO_QUOTE if value is None else value for value in values], np.int64)

    return Snapshots(
        instrument=FUTURE,
        ts_exch_ns=column("ltt"),
        ltp_tick=column("ltp"),
        ltq_lot=column("ltq"),
        vtt_lot=column("vtt"),
        bid_tick=column("bid"),
        ask_tick=column("ask"),
        ts_recv_ns=np.arange(len(snaps), dtype=np.int64) * 10,
    )


def gaps(snaps: list[Snap]) -> list[Gap]:
    return [
        Gap(symbol="NIFTY", from_ns=10 * i - 7, to_ns=10 * i - 3, cause="lost")
        for i, snap in enumerate(snaps)
        if snap.reconnect
    ]


def run(snaps: list[Snap], params: SnapshotParams | None = None) -> Inferred:
    days = np.array([snap.day for snap in snaps], np.int64)
    return infer(snapshots(snaps), params=params, gaps=gaps(snaps), day=days)


def rows(trades: Trades) -> list[tuple[int, int, int, int, int]]:
    return [
        (int(i), int(t), int(q), int(s), int(f))
        for i, t, q, s, f in zip(
            snapshot_row(trades.trade_id), trades.price_tick, trades.qty_lot, trades.side, trades.flags, strict=True
        )
    ]


QUOTED = FLAG_INFERRED | FLAG_BY_QUOTE


def test_the_side_comes_from_the_quote_before_not_from_the_same_snapshot() -> None:
    # Case SNAP-01: 50 lots lift the previous ask 100.05, which has become the bid by the time of the snapshot.
    outcome = run([Snap(0, 1, 2000, 10, 1000, 2000, 2001), Snap(0, 2, 2001, 50, 1050, 2001, 2002)])
    assert rows(outcome.trades) == [(1, 2001, 50, 1, QUOTED)]
    assert (outcome.counters.unattributed_lot, outcome.counters.dropped) == (1000, 0)


def test_volume_beyond_the_last_quantity_is_flagged() -> None:
    # Case SNAP-02: 300 lots since the snapshot before, of which 75 are known to have traded at the last price.
    outcome = run([Snap(0, 1, 2000, 10, 1000, 1999, 2001), Snap(0, 2, 1999, 75, 1300, 1998, 1999)])
    assert rows(outcome.trades) == [(1, 1999, 75, -1, QUOTED), (1, 1999, 225, -1, QUOTED | FLAG_REST)]
    assert outcome.trades.ts_exch_ns.tolist() == [2, 2]
    assert outcome.trades.tape == "snapshot"


def test_known_scores() -> None:
    # Case AGR-12.
    result = score([1, 0, -1, 1, 1], [1, 1, -1, -1, 1], [1, 2, 3, 4, 5])
    assert result.acc_classified == 0.75
    assert result.coverage == 0.8
    assert result.vol_acc_classified == pytest.approx(9 / 13, abs=1e-15)
    assert result.vol_coverage == pytest.approx(13 / 15, abs=1e-15)
    assert result.acc_half_credit == 0.7


def test_scores_of_nothing_are_null() -> None:
    nothing = score([0, 0], [1, -1], [3, 4])
    assert (nothing.acc_classified, nothing.coverage, nothing.vol_acc_classified) == (None, 0.0, None)
    assert nothing.acc_half_credit == 0.5
    assert score([], [], []).coverage is None
    assert score([1], [0], [5]).coverage is None  # what nobody knows cannot be judged
    with pytest.raises(DataError, match="one shape"):
        score([1], [1, 1], [1])


@pytest.mark.parametrize(
    ("bid", "ask", "ltp", "expected"),
    [
        (100, 104, 105, (1, BY_QUOTE)),
        (100, 104, 104, (1, BY_QUOTE)),
        (100, 104, 103, (1, BY_MID)),
        (100, 104, 101, (-1, BY_MID)),
        (100, 104, 100, (-1, BY_QUOTE)),
        (100, 104, 99, (-1, BY_QUOTE)),
        (100, 103, 101, (-1, BY_MID)),  # no tick is in the middle: nothing is halved
        (100, 104, 102, (1, BY_TICK)),  # in the middle: up from 101
        (104, 100, 102, (1, BY_TICK)),  # crossed
        (None, 104, 104, (1, BY_TICK)),
        (100, None, 100, (-1, BY_TICK)),
        (102, 102, 102, (1, BY_TICK)),  # locked, at its own price
        (102, 102, 103, (1, BY_QUOTE)),
    ],
)
def test_step_four(bid: int | None, ask: int | None, ltp: int, expected: tuple[int, int]) -> None:
    outcome = run([Snap(0, 1, 101, 1, 10, bid, ask), Snap(0, 2, ltp, 5, 15, 1, 2)])
    assert (int(outcome.trades.side[0]), int(how(outcome.trades.side, outcome.trades.flags)[0])) == expected


def test_without_quote_or_change_of_price_the_side_stays_unknown() -> None:
    outcome = run([Snap(0, 1, 101, 1, 10, None, None), Snap(0, 2, 101, 9, 15, 1, 2)])
    assert rows(outcome.trades) == [(1, 101, 5, 0, FLAG_INFERRED)]
    assert outcome.counters.ltq_anomaly == 1  # 9 cannot have traded where the day's volume grew by 5


def test_a_book_update_has_no_volume_but_is_the_next_previous_quote() -> None:
    outcome = run([Snap(0, 1, 100, 5, 10, 98, 99), Snap(0, 1, 100, 5, 10, 100, 101), Snap(0, 3, 100, 5, 15, 99, 100)])
    assert rows(outcome.trades) == [(2, 100, 5, -1, QUOTED)]


def test_a_new_day_begins_with_a_baseline_and_no_memory_of_ticks() -> None:
    days = [
        Snap(0, 1, 100, 5, 10, None, None),
        Snap(0, 2, 101, 5, 15, None, None),
        Snap(1, 9, 101, 7, 40, None, None),
        Snap(1, 10, 101, 3, 43, None, None),
    ]
    outcome = run(days)
    assert rows(outcome.trades) == [(1, 101, 5, 1, FLAG_INFERRED | FLAG_BY_TICK), (3, 101, 3, 0, FLAG_INFERRED)]
    assert outcome.counters.unattributed_lot == 50


def test_what_traded_while_disconnected_is_not_attributed() -> None:
    snaps = [
        Snap(0, 1, 100, 5, 10, 99, 100),
        Snap(0, 2, 100, 5, 60, 99, 100, reconnect=True),
        Snap(0, 3, 100, 2, 62, 99, 100),
    ]
    outcome = run(snaps)
    assert rows(outcome.trades) == [(2, 100, 2, 1, QUOTED)]
    assert outcome.counters.unattributed_lot == 10 + 50


def test_late_snapshots_are_dropped_and_leave_the_baseline() -> None:
    snaps = [
        Snap(0, 5, 100, 5, 10, 99, 100),
        Snap(0, 4, 100, 5, 11, 99, 100),  # earlier
        Snap(0, 6, 100, 5, 9, 99, 100),  # less volume
        Snap(-1, 7, 100, 5, 99, 99, 100),  # yesterday
        Snap(0, 7, 100, 5, 13, 99, 100),
    ]
    outcome = run(snaps)
    assert rows(outcome.trades) == [(4, 100, 3, 1, QUOTED)]
    assert (outcome.counters.dropped, outcome.counters.ltq_anomaly) == (3, 1)


def test_five_consistent_lower_volumes_are_a_correction() -> None:
    low = [Snap(0, 6 + i, 100, 1, 50 + i, 99, 100) for i in range(6)]
    outcome = run([Snap(0, 5, 100, 5, 80, 99, 100), *low])
    assert rows(outcome.trades) == [(6, 100, 1, 1, QUOTED)]
    assert (outcome.counters.dropped, outcome.counters.rebaselined, outcome.counters.corrected_lot) == (4, 1, 26)


def test_lower_volumes_that_contradict_each_other_are_no_correction() -> None:
    low = [Snap(0, 6 + i, 100, 1, 60 - i, 99, 100) for i in range(9)]
    outcome = run([Snap(0, 5, 100, 5, 80, 99, 100), *low])
    assert (outcome.counters.dropped, outcome.counters.rebaselined) == (9, 0)


REST = [Snap(0, 1, 100, 5, 10, 99, 100), Snap(0, 2, 103, 2, 22, 102, 103)]


def test_the_rest_may_stay_unknown() -> None:
    outcome = run(REST, SnapshotParams(rest_policy="unknown"))
    assert rows(outcome.trades) == [(1, 103, 2, 1, QUOTED), (1, 103, 10, 0, FLAG_INFERRED | FLAG_REST)]


def test_the_rest_may_spread_over_the_ticks_between() -> None:
    outcome = run(REST, SnapshotParams(rest_policy="spread_between_prev_ltp_and_ltp"))
    rest = [(1, 100 + i, lots, 1, FLAG_INFERRED | FLAG_REST) for i, lots in enumerate([2, 3, 2, 3])]
    assert rows(outcome.trades) == [(1, 103, 2, 1, QUOTED), *rest]
    assert len(set(outcome.trades.trade_id.tolist())) == 5


def test_spreading_a_fall_a_standstill_and_a_trifle() -> None:
    snaps = [
        Snap(0, 1, 100, 5, 10, 99, 100),
        Snap(0, 2, 98, 1, 14, 98, 99),  # three lots over three ticks, downward
        Snap(0, 3, 98, 1, 19, 98, 99),  # no move: the side of the sure part
        Snap(0, 4, 105, 1, 21, 98, 99),  # one lot cannot stand on eight ticks
    ]
    outcome = run(snaps, SnapshotParams(rest_policy="spread_between_prev_ltp_and_ltp"))
    rest = [(i, t, q, s) for i, t, q, s, f in rows(outcome.trades) if f & FLAG_REST]
    assert rest == [(1, 100, 1, -1), (1, 99, 1, -1), (1, 98, 1, -1), (2, 98, 4, -1), (3, 105, 1, 1)]


def test_a_missing_last_quantity_makes_all_of_it_rest() -> None:
    outcome = run([Snap(0, 1, 100, 5, 10, 99, 100), Snap(0, 2, 100, 0, 14, 99, 100)])
    assert rows(outcome.trades) == [(1, 100, 4, 1, QUOTED | FLAG_REST)]


def test_without_the_tick_rule_what_the_quotes_leave_open_is_unknown() -> None:
    snaps = [Snap(0, 1, 101, 5, 10, 100, 104), Snap(0, 2, 102, 2, 16, 98, 99), Snap(0, 3, 99, 4, 20, 98, 99)]
    outcome = run(snaps, SnapshotParams(tick_rule=False))
    assert rows(outcome.trades) == [
        (1, 102, 2, 0, FLAG_INFERRED),
        (1, 102, 4, 0, FLAG_INFERRED | FLAG_REST),
        (2, 99, 4, 1, QUOTED),
    ]


@pytest.mark.parametrize("policy", REST_POLICIES)
def test_what_an_auction_matched_has_no_aggressor(policy: RestPolicy) -> None:
    """Before the open and behind the close, and in the stretch that comes out of the pre-open."""
    nse = Instrument(venue="nse", symbol="X", tick_size=Decimal("0.05"), lot_size=Decimal(1), calendar="nse_cash")
    minute = 60 * 10**9
    open_ns = 1_772_423_100 * 10**9  # Monday, 9:15 in Kolkata
    ltt = open_ns + np.array([-16, -7, 0, 1, 374, 376], np.int64) * minute
    ltp = np.array([100, 102, 103, 104, 104, 105], np.int64)
    vtt = np.array([0, 50, 70, 90, 100, 130], np.int64)
    ltq = np.full(6, 5, np.int64)
    seen = Snapshots(nse, ltt, ltp, ltq, vtt, ltp - 1, ltp, ltt + 1)
    whole = infer(seen, None, SnapshotParams(rest_policy=policy)).trades
    auction = np.isin(snapshot_row(whole.trade_id), [1, 2, 5])
    assert not whole.side[auction].any()
    assert (whole.price_tick[auction] == ltp[snapshot_row(whole.trade_id)[auction]]).all()
    assert (whole.side[~auction & (whole.flags & FLAG_REST == 0)] == 1).all()
    state, pieces = None, []
    for row in range(6):
        done = infer(seen.take(slice(row, row + 1)), state, SnapshotParams(rest_policy=policy))
        state = done.state
        pieces.append(done.trades)
    assert Trades.concat(pieces).equals(whole)


def test_what_nobody_saw_is_told_with_its_time() -> None:
    snaps = [
        Snap(0, 7, 100, 5, 10, 99, 100),
        Snap(0, 8, 100, 5, 60, 99, 100, reconnect=True),
        Snap(0, 9, 100, 2, 62, 99, 100),
        Snap(1, 20, 100, 2, 5, 99, 100),
    ]
    outcome = run(snaps)
    assert outcome.unattributed_ns.tolist() == [7, 8, 20]
    assert outcome.unattributed_lot.tolist() == [10, 50, 5]


def test_settings_name_their_rows() -> None:
    assert SnapshotParams().params_hash == SnapshotParams(rest_policy="ltp_same_side").params_hash
    assert SnapshotParams().params_hash != SnapshotParams(rest_policy="unknown").params_hash
    state = run(REST).state
    with pytest.raises(ConfigError, match="keep the settings"):
        infer(snapshots(REST), state, SnapshotParams(rest_policy="unknown"))
    with pytest.raises(ConfigError, match="at least 1"):
        SnapshotParams(rebaseline_after=0)
    with pytest.raises(ConfigError, match="rest_policy must be one of ltp_same_side, unknown"):
        SnapshotParams(rest_policy="half")  # type: ignore[arg-type] # wrong on purpose


def test_strange_bytes_are_no_state() -> None:
    with pytest.raises(DataError, match="no state"):
        InferState.from_bytes(b"\x00nonsense")


def test_days_are_the_exchanges_own() -> None:
    # 18:29:59 and 18:30:00 UTC are 23:59:59 and midnight in Kolkata.
    ts = np.array([1764786599, 1764786600], np.int64) * 1_000_000_000
    zero = np.zeros(2, np.int64)
    two = Snapshots(FUTURE, ts, zero, zero, zero, zero, zero, zero)
    assert local_days(two.ts_exch_ns, "nse_fo").tolist() == [20425, 20426]


# --- any tape, any chunking -----------------------------------------------------------------------------------------

SMALL = st.integers(0, 6)
SNAPS = st.lists(
    st.builds(
        Snap,
        day=st.sampled_from([0, 0, 0, 0, 1, 2]),
        ltt=st.integers(0, 40),
        ltp=SMALL,
        ltq=SMALL,
        vtt=st.integers(0, 25),
        bid=st.none() | SMALL,
        ask=st.none() | SMALL,
        reconnect=st.sampled_from([False] * 9 + [True]),
    ),
    max_size=60,
)
MOSTLY_ASCENDING = SNAPS.map(
    lambda snaps: [
        Snap(i // 25, i - (s.ltt == 0), s.ltp, s.ltq, 2 * (i % 25) + s.vtt // 4, s.bid, s.ask, s.reconnect)
        for i, s in enumerate(snaps)
    ]
)
ANY_SNAPS = SNAPS | MOSTLY_ASCENDING


def expected_rows(events: list[Event]) -> list[tuple[int, int, int, int, int, int]]:
    out = []
    for e in events:
        out += [(e.i, e.price, e.sure, e.side, HOW[e.how], 0)] if e.sure else []
        out += [(e.i, e.price, e.rest, e.side, HOW[e.how], FLAG_REST)] if e.rest else []
    return out


@given(ANY_SNAPS)
def test_the_kernel_is_the_definition(snaps: list[Snap]) -> None:
    fold = Fold()
    wanted = expected_rows(list(fold.run(snaps)))
    outcome = run(snaps)
    trades = outcome.trades
    found = how(trades.side, trades.flags).tolist()
    got = [(i, t, q, s, h, f & FLAG_REST) for (i, t, q, s, f), h in zip(rows(trades), found, strict=True)]
    assert got == wanted
    counts = outcome.counters
    assert (counts.unattributed_lot, counts.dropped, counts.ltq_anomaly, counts.rebaselined, counts.corrected_lot) == (
        fold.unattributed,
        fold.dropped,
        fold.ltq_anomaly,
        fold.rebaselined,
        fold.corrected,
    )
    assert list(zip(outcome.unattributed_ns.tolist(), outcome.unattributed_lot.tolist(), strict=True)) == fold.lost


@given(ANY_SNAPS, st.lists(st.integers(0, 60)), st.sampled_from(["ltp_same_side", "unknown", "spread"]))
def test_any_chunking_gives_the_same_bits(snaps: list[Snap], cuts: list[int], policy: str) -> None:
    policy = "spread_between_prev_ltp_and_ltp" if policy == "spread" else policy
    params = SnapshotParams(rest_policy=policy)  # type: ignore[arg-type]
    whole = run(snaps, params)
    edges = [0, *sorted(min(cut, len(snaps)) for cut in cuts), len(snaps)]
    everything, days = snapshots(snaps), np.array([snap.day for snap in snaps], np.int64)
    state, pieces = None, []
    for start, stop in itertools.pairwise(edges):
        part = slice(start, stop)
        piece = infer(everything.take(part), state, params, gaps=gaps(snaps), day=days[part])
        state = InferState.from_bytes(piece.state.to_bytes())
        pieces.append(piece.trades)
    assert Trades.concat(pieces).equals(whole.trades)
    assert state == whole.state


@given(ANY_SNAPS, st.sampled_from(["ltp_same_side", "unknown", "spread_between_prev_ltp_and_ltp"]))
def test_every_lot_of_a_day_is_somewhere(snaps: list[Snap], policy: str) -> None:
    one_day = [Snap(0, i, s.ltp, s.ltq, i + s.vtt, s.bid, s.ask, s.reconnect) for i, s in enumerate(snaps)]
    outcome = run(one_day, SnapshotParams(rest_policy=policy))  # type: ignore[arg-type]
    lots = int(outcome.trades.qty_lot.sum()) + outcome.counters.unattributed_lot - outcome.counters.corrected_lot
    assert lots == outcome.state.vtt_lot
    assert np.array_equal(outcome.trades.order(), np.arange(len(outcome.trades)))
