"""Studies of sessions: hand-computed tables, and the same answer for any cut on tapes that cross many sessions."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from footloom.core.instrument import Instrument
from footloom.core.trades import Trades
from footloom.engine.build import build_footprint
from footloom.engine.studies import run_study
from footloom.studies import NONE
from footloom.testing import study_contract

MINUTE = 60 * 10**9
DAY = 1440 * MINUTE
MONDAY = 1_772_409_600 * 10**9  # 2026-03-02 00:00 UTC
NEW_YORK = "iana:America/New_York 09:30-16:00"
STUDIES = (
    "developing_profile",
    "hvn_lvn",
    "initial_balance",
    "naked_poc",
    "opening_range",
    "session_levels",
    "tpo",
)


def instant(text, zone):
    moment = dt.datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))
    return int(moment.timestamp()) * 10**9


def bars_of(rows, rule="1m", market="crypto", step=1):
    """Bars of (ns, tick, lots) or (ns, tick, lots, side) rows; no side is a buy."""
    traded = Instrument(venue="t", symbol="X", tick_size=Decimal(1), lot_size=Decimal(1), calendar=market)
    ts, tick, qty, side = zip(*[(*row, 1)[:4] for row in rows], strict=True)
    return build_footprint(Trades.build(traded, ts, tick, qty, side, trade_id=range(len(ts))), rule, step)


def weeks(seed, market, count=6000, days=17, rule="10m"):
    """A tape of some weeks: inside and outside the sessions, with days on which nothing trades."""
    random = np.random.default_rng(seed)
    ts = np.sort(random.integers(0, days * 1440, count)) * MINUTE + random.integers(0, MINUTE, count)
    day = ts // DAY
    kept = ~np.isin(day, random.integers(0, days, 3))
    rows = zip(
        (MONDAY + np.sort(ts[kept])).tolist(),
        (5000 + np.cumsum(random.integers(-9, 10, kept.sum()))).tolist(),
        random.integers(1, 50, kept.sum()).tolist(),
        random.integers(-1, 2, kept.sum()).tolist(),
        strict=True,
    )
    return bars_of(list(rows), rule, market, 3)


@pytest.mark.parametrize("days", [9, pytest.param(24, marks=pytest.mark.soak)])
@pytest.mark.parametrize("market", ["crypto", "nse_fo", NEW_YORK])
@pytest.mark.parametrize("name", STUDIES)
def test_any_cut_of_many_sessions_gives_the_same(name, market, days, seed):
    """Over a weekend and days without a trade; `make soak` takes weeks, and bars of ten minutes."""
    made = weeks(seed, market, 350 * days, days, "30m" if days < 10 else "10m")
    make = study_contract._Maker(name, None, seed, market)
    fold = make.fold()
    whole = fold.update(made)

    study_contract._check_chunks(make, made, (whole, fold.to_bytes()), np.random.default_rng(seed), f"{name} {market}")


# definitions 3.1: +5, -8, +2, -1, +6
def test_delta_its_extremes_and_its_share():
    rows = [(i, 5, abs(q), 1 if q > 0 else -1) for i, q in enumerate((5, -8, 2, -1, 6))]
    got = run_study("delta", bars_of([*rows, (MINUTE, 5, 3, 0)])).bars

    assert [got[name].tolist() for name in ("open", "max", "min", "delta")] == [[0, 0], [5, 0], [-3, 0], [4, 0]]
    assert got["percent"][0] == pytest.approx(400 / 22)
    assert np.isnan(got["percent"][1])


# definitions 4.5; two rows at a time, 70 percent
def test_a_developing_profile_says_what_was_known_at_each_bar():
    rows = [
        (0, 10, 5, 1),  # 10: 5, 11: 3 of 8, 5.6 wanted: POC 10, one pair above
        (1, 11, 3, -1),
        (MINUTE, 12, 6, 0),  # 5, 3, 6 of 14, 9.8 wanted: POC 12, the pair below
        (2 * MINUTE, 11, 4, 1),  # 5, 7, 6 of 18, 12.6 wanted: POC 11, 6 above against 5 below
        (DAY, 20, 1, 1),
    ]
    got = run_study("developing_profile", bars_of(rows)).bars

    assert got["poc_row"].tolist() == [10, 12, 11, 20]
    assert got["val_row"].tolist() == [10, 10, 11, 20]
    assert got["vah_row"].tolist() == [11, 12, 12, 20]
    assert got["volume_lot"].tolist() == [8, 14, 18, 1]
    assert got["delta_lot"].tolist() == [2, 2, 6, 1]
    assert got["unknown_lot"].tolist() == [0, 6, 6, 0]
    assert got["trades"].tolist() == [2, 3, 4, 1]
    assert got["session_ns"].tolist() == [0, 0, 0, DAY]


def test_an_indian_session_begins_at_a_quarter_past_nine():
    """P9: what is printed in the pre-open, or behind the close, is no part of the session."""
    times = ["2026-03-02T09:08", "2026-03-02T09:15", "2026-03-02T15:29", "2026-03-02T15:31", "2026-03-04T09:15"]
    opens = [instant(text, "Asia/Kolkata") for text in times]
    rows = [(ts, 100 + i, 10 * (i + 1)) for i, ts in enumerate(opens)]
    got = run_study("developing_profile", bars_of(rows, market="nse_fo")).bars

    assert got["poc_row"].tolist() == [NONE, 101, 102, 102, 104]
    assert got["volume_lot"].tolist() == [0, 20, 50, 50, 50]
    assert got["session_ns"].tolist() == [NONE, opens[1], opens[1], opens[1], opens[4]]


def test_a_session_of_new_york_moves_with_the_clocks():
    """P9: clocks change on 2026-03-08; half past nine is 14:30 and then 13:30 UTC."""
    rows = [
        (instant(f"2026-03-{day:02}T{hour}", zone), 100, 1)
        for day, hour, zone in ((6, "14:29", "UTC"), (6, "14:30", "UTC"), (9, "13:29", "UTC"), (9, "13:30", "UTC"))
    ]
    got = run_study("developing_profile", bars_of(rows, market=NEW_YORK)).bars["session_ns"]

    assert got.tolist() == [NONE, rows[1][0], rows[1][0], rows[3][0]]


def test_a_bar_longer_than_a_session_is_a_period_of_its_own():
    got = run_study("developing_profile", bars_of([(MONDAY + i * DAY, 7, 1) for i in range(9)], "1w")).bars

    assert got["volume_lot"].tolist() == [7, 2]


def test_far_rows_are_no_more_work_than_near_ones():
    rows = [(i * MINUTE, tick, 1 + i % 3) for i, tick in enumerate([0, 10**12, 5, 10**12 + 1, -(10**12), 0, 5, 5])]
    got = run_study("developing_profile", bars_of(rows)).bars

    # 0: 4, 5: 3 + 1 + 2, 10^12: 2, 10^12 + 1: 1, -10^12: 2
    assert got["poc_row"][-1] == 5
    assert got["volume_lot"][-1] == 15
