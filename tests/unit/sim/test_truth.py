"""Planted events: enough of every kind, spread over the day, and each one to be found on the tape."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from footloom.core.side import Side
from footloom.venues import sim

MINUTE_NS = 60_000_000_000
KINDS = {"absorption", "exhaustion", "feed_gap", "iceberg", "stacked_imbalance", "stop_run", "sweep"}


def of(events: list[sim.Truth], kind: str) -> list[sim.Truth]:
    return [event for event in events if event.kind == kind]


def test_every_kind_happens_on_both_sides(events: list[sim.Truth]) -> None:
    counts = Counter(event.kind for event in events)
    assert set(counts) == KINDS
    assert 3 * 24 <= counts["stacked_imbalance"] <= 6 * 24
    for kind in KINDS - {"feed_gap"}:
        assert counts[kind] >= 6, kind
        assert {event.side for event in of(events, kind)} == {Side.BUY, Side.SELL}, kind
    assert 3 <= counts["feed_gap"] <= 8


def test_any_two_hours_show_several(today: sim.SimSession, events: list[sim.Truth]) -> None:
    starts = np.array([event.from_ns for event in events])
    for hour in range(1, 22):
        from_ns = today.start_ns + hour * 60 * MINUTE_NS
        inside = [events[i].kind for i in np.flatnonzero((starts >= from_ns) & (starts < from_ns + 120 * MINUTE_NS))]
        assert len(inside) >= 10
        assert len(set(inside)) >= 4


def test_ids_price_and_volume_are_those_of_the_tape(today: sim.SimSession, events: list[sim.Truth]) -> None:
    for event in events:
        rows = np.array(event.trade_ids) - today.first_id
        assert int(today.trade_lot[rows].sum()) == event.qty_lot > 0
        times = today.trade_ns[rows]
        assert event.from_ns <= times[0]
        assert times[-1] <= event.to_ns
        if event.kind != "feed_gap":
            assert set(today.trade_side[rows].tolist()) == {aggressor(event)}
        if event.kind != "stacked_imbalance":
            assert (today.trade_tick[rows].min(), today.trade_tick[rows].max()) == (event.low_tick, event.high_tick)


def aggressor(event: sim.Truth) -> int:
    return -event.side if event.kind in {"iceberg", "absorption"} else int(event.side)


def test_a_sweep_is_several_levels_in_one_instant(today: sim.SimSession, events: list[sim.Truth]) -> None:
    for event in of(events, "sweep"):
        rows = np.array(event.trade_ids) - today.first_id
        assert event.from_ns == event.to_ns
        assert set(today.trade_ns[rows].tolist()) == {event.from_ns}
        prices = today.trade_tick[rows] * event.side
        assert np.all(np.diff(prices) >= 0)
        assert len(set(prices.tolist())) >= 3


def test_an_iceberg_trades_more_than_its_level_ever_showed(today: sim.SimSession, events: list[sim.Truth]) -> None:
    for event in of(events, "iceberg"):
        changes = sim.book_changes(today, event.from_ns, event.to_ns)
        at_level = changes.price_tick == event.level_tick
        shown = changes.qty_lot[at_level]
        assert event.qty_lot >= 3 * shown.max()
        assert (np.diff(shown) > 0).sum() >= 3  # refills


def test_absorption_holds_its_level_against_heavy_flow(today: sim.SimSession, events: list[sim.Truth]) -> None:
    tape = sim.true_trades(today, today.start_ns, today.end_ns)
    usual = int(today.trade_lot.sum()) / 1440
    for event in of(events, "absorption"):
        part = tape.between(event.from_ns, event.to_ns)
        beyond = (part.price_tick - event.level_tick) * event.side
        assert beyond.min() == 0
        around = tape.between(event.from_ns - 20 * MINUTE_NS, event.from_ns)
        assert event.qty_lot > 0.5 * min(usual, int(around.qty_lot.sum()) / 20)
        after = tape.between(event.to_ns, event.to_ns + 2 * MINUTE_NS)
        assert ((after.price_tick - event.level_tick) * event.side).max() >= 5  # and the price turns


def test_a_stop_run_pierces_and_comes_back(today: sim.SimSession, events: list[sim.Truth]) -> None:
    tape = sim.true_trades(today, today.start_ns, today.end_ns)
    for event in of(events, "stop_run"):
        before = tape.between(event.from_ns - 20 * MINUTE_NS, event.from_ns - 2 * MINUTE_NS)
        assert ((before.price_tick - event.level_tick) * event.side).max() <= 0  # the level was an extreme
        run = tape.between(event.from_ns, event.to_ns)
        assert ((run.price_tick - event.level_tick) * event.side).max() >= 2
        after = tape.between(event.to_ns, event.to_ns + 3 * MINUTE_NS)
        assert ((after.price_tick - event.level_tick) * event.side).min() < 0


def test_exhaustion_is_a_climax_and_then_little(today: sim.SimSession, events: list[sim.Truth]) -> None:
    tape = sim.true_trades(today, today.start_ns, today.end_ns)
    climaxes = of(events, "exhaustion")
    formal = 0
    for event in climaxes:
        minute = event.from_ns // MINUTE_NS * MINUTE_NS
        bars = [tape.between(minute + i * MINUTE_NS, minute + (i + 1) * MINUTE_NS) for i in range(-5, 4)]
        volume = [int(bar.qty_lot.sum()) for bar in bars]
        delta = [int((bar.qty_lot * bar.side).sum()) for bar in bars]
        assert delta[5] * event.side > 0
        extreme = event.high_tick if event.side > 0 else event.low_tick
        after = tape.between(event.to_ns, event.to_ns + 3 * MINUTE_NS)
        assert ((after.price_tick - extreme) * event.side).max() <= 0
        calm = abs(sum(delta[6:])) <= 0.2 * abs(delta[5])
        formal += bool(volume[5] >= 3 * np.mean(volume[:5]) and calm)  # definitions 6.3
    assert formal >= 0.6 * len(climaxes)


# --- stacked imbalances, by the plainest code that follows definitions 5.1 ------------------------------------------


def cells(today: sim.SimSession, minute_ns: int, step: int) -> dict[int, list[int]]:
    """Row to [sold, bought] of one minute."""
    rows: dict[int, list[int]] = {}
    tape = sim.true_trades(today, minute_ns, minute_ns + MINUTE_NS)
    for tick, lots, side in zip(tape.price_tick.tolist(), tape.qty_lot.tolist(), tape.side.tolist(), strict=True):
        rows.setdefault(tick // step, [0, 0])[(side + 1) // 2] += lots
    return rows


def stacked_rows(today: sim.SimSession, minute_ns: int, side: int, step: int) -> set[int]:
    """Rows of one side that stand in runs of three or more."""
    sizes = sorted(
        lots
        for back in range(1, 21)
        for pair in cells(today, minute_ns - back * MINUTE_NS, step).values()
        for lots in pair
        if lots
    )
    least = sizes[-(-len(sizes) * 75 // 100) - 1]
    rows = cells(today, minute_ns, step)
    low, high = min(rows), max(rows)
    flagged = []
    for row in range(low, high + 1):
        strong = rows.get(row, [0, 0])[(side + 1) // 2]
        behind = row - side
        weak = rows.get(behind, [0, 0])[(1 - side) // 2]
        if low <= behind <= high and strong >= least and 100 * strong >= 300 * weak:
            flagged.append(row)
    return {
        row
        for row in flagged
        if any({start, start + 1, start + 2} <= set(flagged) for start in range(row - 2, row + 1))
    }


def test_every_labelled_stack_is_flagged(today: sim.SimSession, events: list[sim.Truth]) -> None:
    for event in of(events, "stacked_imbalance"):
        minute = event.from_ns // MINUTE_NS * MINUTE_NS
        rows = set(range(event.low_tick, event.high_tick + 1))
        assert len(rows) >= 3
        assert rows <= stacked_rows(today, minute, event.side, 1)


def test_most_stacks_stay_when_two_ticks_make_a_row(today: sim.SimSession, events: list[sim.Truth]) -> None:
    stacks = of(events, "stacked_imbalance")[::4]
    kept = sum(bool(stacked_rows(today, e.from_ns // MINUTE_NS * MINUTE_NS, e.side, 2)) for e in stacks)
    assert kept >= 0.4 * len(stacks)


@pytest.mark.parametrize("kind", ["sweep", "stop_run"])
def test_gaps_keep_away_from_other_events(events: list[sim.Truth], kind: str) -> None:
    for gap in of(events, "feed_gap"):
        assert gap.side is Side.UNKNOWN
        assert gap.note
        assert not [e for e in of(events, kind) if e.from_ns < gap.to_ns and e.to_ns > gap.from_ns]
