from __future__ import annotations

import datetime as dt
from decimal import Decimal

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from footloom.core.instrument import Instrument
from footloom.store.days import day_of, split_days

HOUR_NS = 3_600_000_000_000


def of(calendar: str) -> Instrument:
    return Instrument(venue="v", symbol="s", tick_size=Decimal(1), lot_size=Decimal(1), calendar=calendar)


@given(st.lists(st.integers(0, 200), max_size=60), st.sampled_from(["crypto", "iana:America/New_York 18:00-17:00"]))
def test_every_row_is_in_its_day_and_days_ascend(hours: list[int], calendar: str) -> None:
    times = 1_767_225_600_000_000_000 + np.sort(np.array(hours, np.int64)) * HOUR_NS
    day = day_of(of(calendar))

    cuts = split_days(times, day)

    assert [date for date, _ in cuts] == sorted({day(int(ts)) for ts in times})
    assert [row for _, rows in cuts for row in range(rows.start, rows.stop)] == list(range(len(times)))
    for date, rows in cuts:
        assert {day(int(ts)) for ts in times[rows]} == {date}


def test_a_session_over_midnight_is_one_day() -> None:
    day = day_of(of("iana:America/New_York 18:00-17:00"))
    evening = dt.datetime(2026, 1, 6, 0, 30, tzinfo=dt.UTC)  # Monday 19:30 in New York: the session of Tuesday

    assert day(int(evening.timestamp()) * 1_000_000_000) == dt.date(2026, 1, 6)


def test_the_calendar_is_asked_a_few_dozen_times_a_day() -> None:
    asked = []
    day = day_of(of("crypto"))

    def counting(ts_ns: int) -> dt.date:
        asked.append(ts_ns)
        return day(ts_ns)

    split_days(np.arange(72 * 3_600, dtype=np.int64) * 1_000_000_000, counting)

    assert len(asked) < 100
