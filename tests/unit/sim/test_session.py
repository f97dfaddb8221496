"""A simulated day: made alone or after others it is the same, its book obeys its trades, and it looks like a market."""

from __future__ import annotations

import datetime as dt
import hashlib
import sys
import time
from dataclasses import fields

import numpy as np
import pytest

from footloom.venues import sim
from footloom.venues.sim import plan as plans

MINUTE_NS = 60_000_000_000


def digest(session: sim.SimSession) -> str:
    whole = hashlib.sha256()
    for field in fields(session):
        value = getattr(session, field.name)
        if field.name != "memo":
            whole.update(value.tobytes() if isinstance(value, np.ndarray) else repr(value).encode())
    return whole.hexdigest()


def test_a_day_is_a_function_of_its_seed_and_date(today: sim.SimSession, capsys: pytest.CaptureFixture[str]) -> None:
    begun = time.perf_counter()
    again = sim.session(today.seed, today.day)
    with capsys.disabled():
        sys.stdout.write(f"\n{again} made in {time.perf_counter() - begun:.2f} s\n")
    assert digest(again) == digest(today)
    assert digest(sim.session(today.seed + 1, today.day)) != digest(today)


def test_days_join_without_a_jump_and_ids_go_on(today: sim.SimSession, tomorrow: sim.SimSession) -> None:
    assert tomorrow.start_ns == today.end_ns
    assert tomorrow.first_id == today.first_id + len(today.trade_ns)
    assert abs(int(tomorrow.trade_tick[0]) - int(today.trade_tick[-1])) <= 12  # half a minute's usual range


def test_the_price_stays_in_a_sane_band_for_years() -> None:
    opens = np.array([plans.open_tick(sim.DEFAULT_SEED, day) for day in range(20_000, 22_500)])
    assert 30_000 < opens.min() < opens.max() < 66_000
    steps = np.diff(opens)
    assert 150 < steps.std() < 600
    assert abs(np.corrcoef(steps[1:], steps[:-1])[0, 1]) < 0.1


def test_trades_are_whole_and_in_order(today: sim.SimSession) -> None:
    assert 300_000 < len(today.trade_ns) < 500_000
    assert today.trade_lot.min() > 0
    assert set(np.unique(today.trade_side)) == {-1, 1}
    assert np.all(np.diff(today.trade_ns) >= 0)
    assert today.start_ns <= today.trade_ns[0]
    assert today.trade_ns[-1] < today.end_ns


def test_every_order_hits_the_touch_that_stood_before_it(today: sim.SimSession) -> None:
    first = np.flatnonzero(np.diff(today.trade_ns, prepend=0) > 0)
    bid, ask = sim.best_quotes(today, today.trade_ns[first] - 1)
    assert np.array_equal(today.trade_tick[first], np.where(today.trade_side[first] > 0, ask, bid))


def test_an_order_walks_away_from_the_touch_on_one_side(today: sim.SimSession) -> None:
    same = np.flatnonzero(np.diff(today.trade_ns) == 0)
    assert np.array_equal(today.trade_side[same], today.trade_side[same + 1])
    steps = (today.trade_tick[same + 1] - today.trade_tick[same]) * today.trade_side[same]
    assert steps.min() >= 0
    assert (steps == 0).sum() < len(steps) / 10  # only hidden lots are hit twice


def test_no_level_ever_owes_lots_and_sides_never_cross(today: sim.SimSession) -> None:
    assert today.delta_lot.min() == 0
    assert np.all(np.diff(today.delta_us) >= 0)
    assert np.all(today.quote_bid < today.quote_ask)


def test_the_book_replays_to_the_tape(today: sim.SimSession) -> None:
    # Walk an hour of changes: each trade takes what it prints from a level that had it, on the other side.
    book: dict[int, int] = {}
    trade = 0
    stop = int(np.searchsorted(today.delta_us, 3_600_000_000))
    ticks, lots, sides = (column[:stop].tolist() for column in (today.delta_tick, today.delta_lot, today.delta_side))
    times = (today.delta_us[:stop] * 1_000 + today.start_ns).tolist()
    hours_trades = int(np.searchsorted(today.trade_ns, today.start_ns + 3600 * 10**9))
    tape = list(
        zip(
            today.trade_ns[: hours_trades + 1].tolist(),
            (today.trade_tick[: hours_trades + 1] - today.floor_tick).tolist(),
            today.trade_lot[: hours_trades + 1].tolist(),
            today.trade_side[: hours_trades + 1].tolist(),
            strict=True,
        )
    )
    for ts, tick, left, side in zip(times, ticks, lots, sides, strict=True):
        when, price, qty, aggressor = tape[trade]
        if (ts, tick, side) == (when, price, -aggressor) and left == book.get(tick, 0) - qty:
            trade += 1
        book[tick] = left
    assert trade == hours_trades
    known = sim.book_at(today, today.start_ns + 3600 * 10**9 - 1, levels=1_000)
    asks = {tick + today.floor_tick: left for tick, left in book.items() if left}
    assert dict((*known.bids, *known.asks)) == asks


def test_the_book_has_twenty_levels_on_both_sides(today: sim.SimSession) -> None:
    for hour in (1, 9, 17, 23):
        ts = today.start_ns + hour * 3600 * 10**9
        book = sim.book_at(today, ts)
        bid, ask = (int(quote) for quote in sim.best_quotes(today, ts))
        assert (book.bids[0][0], book.asks[0][0]) == (bid, ask)
        assert len(book.bids) == len(book.asks) == 20
        assert [p for p, _ in book.bids] == sorted((p for p, _ in book.bids), reverse=True)
        assert [p for p, _ in book.asks] == sorted(p for p, _ in book.asks)


def test_changes_carry_one_book_to_the_next(today: sim.SimSession) -> None:
    at, later = today.start_ns + 40_000 * 10**9, today.start_ns + 40_030 * 10**9
    before, after = (sim.book_at(today, ts, levels=1_000) for ts in (at, later))
    book = dict((*before.bids, *before.asks))
    changes = sim.book_changes(today, at + 1, later + 1)
    book |= dict(zip(changes.price_tick.tolist(), changes.qty_lot.tolist(), strict=True))  # the last change stays
    assert {tick: left for tick, left in book.items() if left} == dict((*after.bids, *after.asks))


# --- the look of it -------------------------------------------------------------------------------------------------


def minutes(session: sim.SimSession) -> np.ndarray:
    return np.searchsorted(session.trade_ns, session.start_ns + np.arange(1441) * MINUTE_NS)


def test_the_spread_is_one_tick_most_of_the_time(today: sim.SimSession) -> None:
    spread = today.quote_ask - today.quote_bid
    lasted = np.diff(today.quote_us, append=86_400_000_000)
    assert lasted[spread == 1].sum() / lasted.sum() > 0.9
    assert spread.max() > 3  # and sweeps open it


def test_volume_is_u_shaped_over_the_session(today: sim.SimSession, tomorrow: sim.SimSession) -> None:
    for session in (today, tomorrow):
        hours = np.add.reduceat(session.trade_lot, minutes(session)[:-1:60])
        middle = hours[8:16].mean()
        assert hours[:3].mean() > 1.5 * middle
        assert hours[-3:].mean() > 1.5 * middle
        assert hours.max() < 8 * hours.min()


def test_a_minute_has_a_readable_range(today: sim.SimSession) -> None:
    edges = minutes(today)[:-1]
    rows = np.maximum.reduceat(today.trade_tick, edges) - np.minimum.reduceat(today.trade_tick, edges) + 1
    assert 8 <= np.median(rows) <= 20  # so that the default step is one tick (definitions 2.2)
    assert np.percentile(rows, 95) > 1.5 * np.median(rows)


def test_prices_neither_trend_forever_nor_zigzag(today: sim.SimSession) -> None:
    close = today.trade_tick[minutes(today)[1:] - 1]
    moves = np.diff(close)
    assert abs(np.corrcoef(moves[1:], moves[:-1])[0, 1]) < 0.2
    kurtosis = ((moves - moves.mean()) ** 4).mean() / moves.var() ** 2
    assert kurtosis > 3.2  # heavier than normal


def test_delta_has_both_signs_and_does_not_just_repeat_the_candle(today: sim.SimSession) -> None:
    edges = minutes(today)
    delta = np.add.reduceat(today.trade_lot * today.trade_side, edges[:-1])
    move = today.trade_tick[edges[1:] - 1] - today.trade_tick[edges[:-1]]
    assert 0.35 < (delta > 0).mean() < 0.65
    assert 0.55 < (np.sign(delta) == np.sign(move)).mean() < 0.85


def test_sizes_are_heavy_tailed_and_round(today: sim.SimSession) -> None:
    lots = today.trade_lot
    assert np.percentile(lots, 99) > 20 * np.median(lots)
    round_ones = np.isin(lots, [100, 200, 500, 1_000, 2_000, 5_000]).mean()
    assert round_ones > 0.1


def test_orders_come_in_clusters(today: sim.SimSession) -> None:
    # Counts a second vary more than a Poisson process with the same slowly changing rate would.
    part = today.trade_ns[np.searchsorted(today.trade_ns, today.start_ns + 12 * 3600 * 10**9) :]
    orders = np.unique(part[:30_000])
    a_second = np.bincount((orders - orders[0]) // 10**9)
    local = a_second[: len(a_second) // 60 * 60].reshape(-1, 60)
    assert np.median(local.var(axis=1) / local.mean(axis=1)) > 1.3


def test_dates_far_apart_and_odd_seeds_work() -> None:
    far = sim.session(-3, dt.date(1999, 12, 31))
    assert far.trade_tick.min() > 0
    assert len(sim.truth(far)) > 100
