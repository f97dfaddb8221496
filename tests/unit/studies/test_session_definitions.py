"""Studies of sessions against the definitions written out plainly, on random tapes (definitions 4.3 to 4.7)."""

from __future__ import annotations

import itertools
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from footloom.core.instrument import Instrument
from footloom.core.trades import Trades
from footloom.engine import profiles
from footloom.engine.build import build_footprint
from footloom.engine.studies import run_study
from footloom.kernels import reference
from footloom.studies.hvn_lvn import Params, nodes_of_rows

MINUTE = 60 * 10**9
DAY = 1440 * MINUTE
MONDAY = 1_772_409_600 * 10**9


@pytest.fixture(params=[1, 10**4], ids=["near rows", "far rows"])
def made(request, seed):
    """Five days of ten-minute bars; far rows are kept as they trade, near ones written out."""
    random = np.random.default_rng(seed)
    count = 900
    market = Instrument(venue="t", symbol="X", tick_size=Decimal(1), lot_size=Decimal(1))
    tape = Trades.build(
        market,
        MONDAY + np.sort(random.integers(0, 5 * DAY, count)),
        np.cumsum(random.integers(-6, 7, count)) * request.param,
        random.integers(1, 30, count),
        random.integers(-1, 2, count),
        trade_id=range(count),
    )
    return build_footprint(tape, "10m", 1)


def since(made, bar):
    """The first bar of the day that a bar stands in."""
    return int(np.searchsorted(made.bars.open_ns, made.bars.open_ns[bar] // DAY * DAY))


def test_developing_profiles_are_profiles_of_the_session_so_far(made):
    got = run_study("developing_profile", made, {"method": "one_row", "pct": "68.2"}).bars

    for bar in range(0, len(made), 7):
        so_far = profiles.visible_range(made, since(made, bar), bar + 1, method="one_row", pct="68.2")
        assert [got[name][bar] for name in ("poc_row", "vah_row", "val_row", "volume_lot", "delta_lot")] == [
            so_far.poc_row,
            so_far.vah_row,
            so_far.val_row,
            so_far.volume_lot,
            so_far.delta_lot,
        ]


@pytest.mark.parametrize("smooth", [False, True])
def test_the_events_of_nodes_tell_the_nodes_of_any_bar(made, smooth):
    got = run_study("hvn_lvn", made, {"k": 2, "smooth": smooth})
    events = list(zip(*(got.events[name].tolist() for name in ("bar", "row", "node", "change")), strict=True))

    assert len(events) > 100
    for bar in range(0, len(made), 11):
        first = since(made, bar)
        standing = set()
        for at, row, node, change in events:
            if first <= at <= bar:
                (standing.add if change > 0 else standing.remove)((row, node))
        levels = profiles.visible_range(made, first, bar + 1).levels
        nodes = nodes_of_rows(levels.row, levels.volume_lot, Params(k=2, smooth=smooth))
        expected = {(row, 1) for row in nodes.hvn_row.tolist()} | {(row, -1) for row in nodes.lvn_row.tolist()}
        assert standing == expected
        assert (got.bars["hvn"][bar], got.bars["lvn"][bar]) == (len(nodes.hvn_row), len(nodes.lvn_row))


def test_naked_pocs_are_those_that_no_later_bar_reaches(made):
    got = run_study("naked_poc", made)
    sessions = profiles.session_profiles(made)
    low, high = made.bars.low_tick, made.bars.high_tick
    opens = made.bars.open_ns

    expected = []
    for session, following in itertools.pairwise(sessions):
        born = int(np.searchsorted(opens, following.from_ns))
        expected.append((born, session.poc_row, 1))
        touched = [i for i in range(born, len(made)) if low[i] <= session.poc_row <= high[i]]
        if touched:
            expected.append((touched[0], session.poc_row, 2))
    told = zip(*(got.events[name].tolist() for name in ("bar", "row", "what")), strict=True)
    assert sorted(told) == sorted(expected)
    assert len(sessions) == 5


def test_levels_of_a_day_are_those_of_its_profile(made):
    got = run_study("session_levels", made).bars
    sessions = profiles.session_profiles(made)

    for before, session in itertools.pairwise(sessions):
        bar = int(np.searchsorted(made.bars.open_ns, session.from_ns))
        first = since(made, bar - 1)
        assert [got[f"day_{name}_row"][bar] for name in ("poc", "vah", "val")] == [
            before.poc_row,
            before.vah_row,
            before.val_row,
        ]
        assert got["day_high_tick"][bar] == made.bars.high_tick[first:bar].max()
        assert got["day_low_tick"][bar] == made.bars.low_tick[first:bar].min()
        assert got["day_close_tick"][bar] == made.bars.close_tick[bar - 1]


def test_time_at_price_counts_the_brackets_that_traded_through_a_row(seed):
    random = np.random.default_rng(seed)
    market = Instrument(venue="t", symbol="X", tick_size=Decimal(1), lot_size=Decimal(1))
    ts = MONDAY + np.sort(random.integers(0, 2 * DAY, 500))
    tick = np.cumsum(random.integers(-4, 5, 500))
    made = build_footprint(Trades.build(market, ts, tick, [1] * 500, [1] * 500, trade_id=range(500)), "10m", 2)
    got = run_study("tpo", made, {"method": "two_row"}).bars

    for bar in range(0, len(made), 5):
        brackets = {}
        for i in range(since(made, bar), bar + 1):
            number = made.bars.open_ns[i] % DAY // (30 * MINUTE)
            ends = made.bars.low_tick[i] // 2, made.bars.high_tick[i] // 2
            low, high = brackets.get(number, ends)
            brackets[number] = min(low, ends[0]), max(high, ends[1])
        lowest, highest = min(low for low, _ in brackets.values()), max(high for _, high in brackets.values())
        counts = [sum(low <= row <= high for low, high in brackets.values()) for row in range(lowest, highest + 1)]
        poc, val, vah, _ = reference.value_area(counts, Fraction(70))
        assert got["total"][bar] == sum(counts)
        assert [got[f"{name}_row"][bar] - lowest for name in ("poc", "val", "vah")] == [poc, val, vah]
        assert (got["poor_high"][bar], got["poor_low"][bar]) == (counts[-1] > 1, counts[0] > 1)
        tails = got["low_tail"][bar] + got["high_tail"][bar] + got["singles"][bar]
        assert tails == counts.count(1) * (2 if set(counts) == {1} else 1)
