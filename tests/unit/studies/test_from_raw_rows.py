"""Session studies against plain counts of raw rows that know nothing of bars, over changes of daylight saving."""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from footloom.core.footprint import Footprint
from footloom.core.instrument import Instrument
from footloom.core.trades import Trades
from footloom.engine.build import build_footprint
from footloom.engine.studies import StudyFold, counting
from footloom.studies import NONE

SECOND = 10**9
DAY_S = 86_400
# New York changes its clocks on 8 March and 1 November 2026, London on 29 March and 25 October.
SPANS = {"spring": "2026-03-03", "summer": "2026-03-25", "autumn": "2026-10-21", "winter": "2026-10-29"}
Row = tuple[int, int, int, int]  # ns, tick, lots, side
Session = tuple[int, int]
# Wall clocks, and the weekdays on which they count: Monday is 0.
TEMPLATES = {
    "asia": ("Asia/Tokyo", "09:00", "15:30"),
    "london": ("Europe/London", "08:00", "16:30"),
    "new_york": ("America/New_York", "09:30", "16:00"),
}


def rows_of(start: str, days: int = 8, seed: int = 11) -> list[Row]:
    rng = np.random.default_rng(seed)
    begin = int(dt.datetime.fromisoformat(f"{start}T00:00+00:00").timestamp())
    at = np.sort(rng.integers(begin * SECOND, (begin + days * DAY_S) * SECOND, 900 * days))
    tick = 40_000 + np.cumsum(rng.integers(-6, 7, len(at)))
    lots, side = rng.integers(1, 400, len(at)), rng.choice([-1, 0, 1], len(at), p=[0.45, 0.1, 0.45])
    return list(zip(at.tolist(), tick.tolist(), lots.tolist(), side.tolist(), strict=True))


def told(name: str, rows: list[Row], market: str, **params: object) -> tuple[Footprint, Mapping[str, Any]]:
    traded = Instrument(venue="t", symbol="X", tick_size=Decimal(1), lot_size=Decimal(1), calendar=market)
    ts, tick, lots, side = zip(*rows, strict=True)
    fold = StudyFold(name, params)
    tape = Trades.build(traded, ts, tick, lots, side, trade_id=range(len(ts)))
    bars = build_footprint(tape, "1m", 1, count=counting([fold]))
    return bars, fold.update(bars).bars


def sessions(rows: list[Row], zone: str, opens: str, closes: str) -> dict[Session, list[Row]]:
    """Sort rows into the weekdays' sessions of a wall clock, by when these begin and end, ns."""
    found: dict[Session, list[Row]] = {}
    wall = ZoneInfo(zone)
    for row in rows:
        local = dt.datetime.fromtimestamp(row[0] // SECOND, wall)
        if local.weekday() > 4 or not opens <= local.strftime("%H:%M") < closes:
            continue
        edges = [dt.datetime.combine(local.date(), dt.time.fromisoformat(text), wall) for text in (opens, closes)]
        begin, end = (int(edge.timestamp()) * SECOND for edge in edges)
        found.setdefault((begin, end), []).append(row)
    return found


def before(rows: list[Row], end_ns: int) -> list[Row]:
    return [row for row in rows if row[0] < end_ns]


@pytest.mark.parametrize("start", SPANS.values(), ids=SPANS)
@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_is_the_count_of_the_trades_of_its_hours(name: str, start: str) -> None:
    rows = rows_of(start)
    bars, got = told("own_hours", rows, "crypto", hours=name)
    plain = sessions(rows, *TEMPLATES[name])
    closes = bars.bars.close_ns
    assert set(got["since_ns"].tolist()) - {NONE} == {begin for begin, _ in plain}
    utc = {dt.datetime.fromtimestamp(begin // SECOND, dt.UTC).hour for begin, _ in plain}
    moves = {"spring": "new_york", "winter": "new_york", "summer": "london", "autumn": "london"}
    season = next(key for key, value in SPANS.items() if value == start)
    assert len(utc) == (2 if moves[season] == name else 1), "its clock was changed within the tape"
    for (begin, _), own in plain.items():
        mine = np.flatnonzero(got["since_ns"] == begin)
        for bar in (mine[0], mine[len(mine) // 2], mine[-1]):
            held = before(own, int(closes[bar]))
            volume, levels = sum(row[2] for row in held), Counter[int]()
            for _, tick, lots, _ in held:
                levels[tick] += lots
            assert int(got["volume_lot"][bar]) == volume
            assert int(got["cvd"][bar]) == sum(row[2] * row[3] for row in held)
            assert int(got["high_tick"][bar]) == max(row[1] for row in held)
            assert int(got["low_tick"][bar]) == min(row[1] for row in held)
            assert math.isclose(got["vwap"][bar], sum(row[1] * row[2] for row in held) / volume)
            assert levels[int(got["poc_row"][bar])] == max(levels.values())
            area = sum(levels[row] for row in range(int(got["val_row"][bar]), int(got["vah_row"][bar]) + 1))
            assert 100 * area >= 70 * volume


MARKETS = {
    "india": ("nse_fo", ("Asia/Kolkata", "09:15", "15:30")),
    "new_york": ("iana:America/New_York 09:30-16:00", TEMPLATES["new_york"]),
}


@pytest.mark.parametrize(("market", "hours"), MARKETS.values(), ids=MARKETS)
def test_opening_ranges_and_the_initial_balance_are_those_of_the_first_minutes(
    market: str, hours: tuple[str, str, str]
) -> None:
    rows = [row for own in sessions(rows_of("2026-03-05"), *hours).values() for row in own]
    plain = sessions(rows, *hours)
    bars, opening = told("opening_range", rows, market)
    _, balance = told("initial_balance", rows, market)
    opens = bars.bars.open_ns
    ranges = [(opening, f"high{k}", f"low{k}", f"complete{k}", m) for k, m in ((1, 5), (2, 15), (3, 30))]
    checked = 0
    for (begin, end), own in plain.items():
        mine = np.flatnonzero((opens >= begin) & (opens < end))
        for columns, high, low, complete, minutes in [*ranges, (balance, "high_tick", "low_tick", "complete", 60)]:
            first = [tick for at, tick, _, _ in own if at < begin + minutes * 60 * SECOND]
            last = mine[-1]
            assert bool(columns[complete][last])
            expected = (max(first), min(first)) if first else (NONE, NONE)
            assert (int(columns[high][last]), int(columns[low][last])) == expected, (begin, minutes)
            checked += bool(first)
            for bar in mine[: len(mine) // 3]:
                until_ns = min(int(bars.bars.close_ns[bar]), begin + minutes * 60 * SECOND)
                seen = [row[1] for row in before(own, until_ns)]
                assert int(columns[high][bar]) == (max(seen) if seen else NONE)
    assert checked > 12


@pytest.mark.parametrize(("market", "hours"), MARKETS.values(), ids=MARKETS)
def test_pivots_are_made_of_the_session_before(market: str, hours: tuple[str, str, str]) -> None:
    rows = [row for own in sessions(rows_of("2026-03-05"), *hours).values() for row in own]
    days = list(sessions(rows, *hours).items())
    bars, classic = told("pivots", rows, market)
    _, camarilla = told("pivots", rows, market, method="camarilla")
    opens = bars.bars.open_ns
    for (_, own), ((begin, end), _) in zip(
        days[1:], days[2:], strict=False
    ):  # the first may have begun before the tape
        high, low, close = max(row[1] for row in own), min(row[1] for row in own), own[-1][1]
        pivot, middle = (high + low + close) / 3, (high + low) / 2
        for bar in np.flatnonzero((opens >= begin) & (opens < end))[[0, -1]]:
            told_now = {name: float(column[bar]) for name, column in classic.items()}
            assert math.isclose(told_now["pivot"], pivot)
            band = sorted((middle, 2 * pivot - middle))
            assert [told_now["cpr_low"], told_now["cpr_high"]] == pytest.approx(band)
            assert told_now["r1"] == pytest.approx(2 * pivot - low)
            assert told_now["s2"] == pytest.approx(pivot - (high - low))
            assert camarilla["r3"][bar] == pytest.approx(close + 1.1 * (high - low) / 4)
            assert camarilla["s4"][bar] == pytest.approx(close - 1.1 * (high - low) / 2)
