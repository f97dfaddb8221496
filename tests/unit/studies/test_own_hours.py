"""Sessions of own hours: against a plain count of trades, through a change of daylight saving (definitions 4.9)."""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from footloom.core.instrument import Instrument
from footloom.core.sessions import calendar
from footloom.core.trades import Trades
from footloom.engine.build import build_footprint
from footloom.engine.profiles import session_profiles
from footloom.engine.studies import StudyFold, counting
from footloom.errors import ConfigError
from footloom.studies import NONE
from footloom.testing.study_contract import check, sample_trades

LONDON = ZoneInfo("Europe/London")


def london(text: str) -> int:
    return int(dt.datetime.fromisoformat(text).replace(tzinfo=LONDON).timestamp()) * 10**9


def tape_of(rows: list[tuple[int, int, int]]) -> Trades:
    traded = Instrument(venue="t", symbol="X", tick_size=Decimal(1), lot_size=Decimal(1))
    ts, tick, qty = zip(*rows, strict=True)
    return Trades.build(traded, ts, tick, qty, [1] * len(ts), trade_id=range(len(ts)))


def plain(trades: Trades, text: str, opens: str, closes: str) -> dict[int, list[tuple[int, int, int]]]:
    """Sort trades into the days of London on which they fall between two wall times."""
    zone = ZoneInfo(text)
    found: dict[int, list[tuple[int, int, int]]] = {}
    for ts, tick, qty, side in zip(
        trades.ts_exch_ns.tolist(),
        trades.price_tick.tolist(),
        trades.qty_lot.tolist(),
        trades.side.tolist(),
        strict=True,
    ):
        local = dt.datetime.fromtimestamp(ts // 10**9, zone)
        if local.weekday() < 5 and opens <= local.strftime("%H:%M") < closes:
            found.setdefault(local.date().toordinal(), []).append((tick, qty, side))
    return found


def test_a_whole_session_is_the_count_of_its_trades() -> None:
    trades = sample_trades(5, rows=4000)
    fold = StudyFold("own_hours", {"hours": "own", "zone": "Asia/Tokyo", "opens": "08:00", "closes": "11:00"})
    made = build_footprint(trades, "1m", 1, count=counting([fold]))
    got = fold.update(made).bars
    days = plain(trades, "Asia/Tokyo", "08:00", "11:00")
    assert days, "the tape has such hours"
    starts = got["since_ns"]
    assert len(set(starts[starts != NONE].tolist())) == len(days)
    for start, (_, rows) in zip(sorted(set(starts[starts != NONE].tolist())), sorted(days.items()), strict=True):
        last = int(np.flatnonzero(starts == start)[-1])
        volume = sum(qty for _, qty, _ in rows)
        mean = sum(tick * qty for tick, qty, _ in rows) / volume
        levels: Counter[int] = Counter()
        for tick, qty, _ in rows:
            levels[tick] += qty
        assert got["high_tick"][last] == max(tick for tick, _, _ in rows)
        assert got["low_tick"][last] == min(tick for tick, _, _ in rows)
        assert got["cvd"][last] == sum(qty * side for _, qty, side in rows)
        assert got["volume_lot"][last] == volume
        assert math.isclose(got["vwap"][last], mean)
        assert levels[int(got["poc_row"][last])] == max(levels.values())


def test_bars_outside_the_hours_say_nothing() -> None:
    rows = [(london(f"2026-03-02T{time}"), 100, 1) for time in ("07:59", "08:00", "16:29", "16:30")]
    fold = StudyFold("own_hours")
    got = fold.update(build_footprint(tape_of(rows), "1m", 1, count=counting([fold]))).bars
    assert (got["low_tick"] != NONE).tolist() == [False, True, True, False]
    assert np.isfinite(got["vwap"]).tolist() == [False, True, True, False]


@pytest.mark.parametrize(("day", "utc"), [("2026-03-27", 8), ("2026-03-30", 7)])
def test_london_opens_at_eight_of_its_own_clock(day: str, utc: int) -> None:
    opened = calendar("iana:Europe/London 08:00-16:30").session_of(london(f"{day}T08:00"))[0]
    assert dt.datetime.fromtimestamp(opened // 10**9, dt.UTC).hour == utc


def test_a_bar_across_an_edge_counts_to_none() -> None:
    rows = [(london(f"2026-03-02T{time}"), tick, 1) for time, tick in (("07:50", 90), ("08:10", 100), ("09:10", 101))]
    found = session_profiles(build_footprint(tape_of(rows), "1h", 1), calendar("iana:Europe/London 08:30-16:30"))
    assert [(one.bars, one.volume_lot) for one in found] == [(1, 1)]


def test_daily_hours_have_weekends() -> None:
    saturday = london("2026-03-07T10:00")
    assert calendar("iana:Europe/London 08:00-16:30 daily").session_of(saturday)[0] == london("2026-03-07T08:00")
    assert calendar("iana:Europe/London 08:00-16:30").session_of(saturday)[0] == london("2026-03-06T16:30")


def test_titles_and_refusals() -> None:
    assert StudyFold("own_hours").title == "London"
    own = {"hours": "own", "zone": "Asia/Hong_Kong", "opens": "09:30", "closes": "16:00"}
    assert StudyFold("own_hours", own).title == "Hong Kong 09:30-16:00"
    with pytest.raises(ConfigError, match="Nowhere"):
        run_own({"hours": "own", "zone": "Nowhere/Town"})
    with pytest.raises(ConfigError, match="opens"):
        StudyFold("own_hours", {"hours": "own", "opens": "9"})


def run_own(settings: dict[str, object]) -> None:
    fold = StudyFold("own_hours", settings)
    trades = sample_trades(1, rows=50)
    fold.update(build_footprint(trades, "1m", 1, count=counting([fold])))


def test_hours_over_midnight_hold_the_contract() -> None:
    check(
        "own_hours",
        {"hours": "own", "zone": "UTC", "opens": "22:30", "closes": "00:10", "daily": True},
        seeds=range(2),
        bars=("1m",),
    )
