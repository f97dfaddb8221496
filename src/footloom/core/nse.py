"""NSE's trading hours, dated (definitions 2.3).

Hours change by circular: futures and options got a call-auction pre-open on 2025-12-08 (M1 index and stock futures;
options are excluded) and close at 15:40 from 2026-08-03, when cash shares that have derivatives trade until 15:15 and
then close by auction to 15:35. Special sessions (Diwali's Muhurat hour, disaster-recovery Saturdays, budget days) are
rows here, never code.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from footloom.core.nse_holidays import HOLIDAYS
from footloom.errors import ConfigError

__all__ = ("SEGMENT_OF", "ZONE", "Schedule", "hours_of", "schedule")

ZONE = "Asia/Kolkata"
SEGMENT_OF = {"nse_fo": "FO_INDEX_FUT", "nse_cash": "CASH_FO"}


@dataclass(frozen=True, slots=True)
class Schedule:
    """A segment's hours from a date on: pre-open (None where there is none), open, close; Kolkata time."""

    valid_from: dt.date
    preopen: dt.time | None
    opens: dt.time
    closes: dt.time


_NINE, _OPEN, _CLOSE = dt.time(9), dt.time(9, 15), dt.time(15, 30)
_START = dt.date(2010, 1, 1)
_PREOPEN_FROM, _LONGER_FROM = dt.date(2025, 12, 8), dt.date(2026, 8, 3)

_FUTURES = (
    Schedule(_START, None, _OPEN, _CLOSE),
    Schedule(_PREOPEN_FROM, _NINE, _OPEN, _CLOSE),
    Schedule(_LONGER_FROM, _NINE, _OPEN, dt.time(15, 40)),
)
_TABLE: dict[str, tuple[Schedule, ...]] = {
    "FO_INDEX_FUT": _FUTURES,
    "FO_STOCK_FUT": _FUTURES,
    "FO_OPT": (Schedule(_START, None, _OPEN, _CLOSE), Schedule(_LONGER_FROM, None, _OPEN, dt.time(15, 40))),
    "CASH": (Schedule(_START, _NINE, _OPEN, _CLOSE),),
    "CASH_FO": (Schedule(_START, _NINE, _OPEN, _CLOSE), Schedule(_LONGER_FROM, _NINE, _OPEN, dt.time(15, 15))),
}

_REGULAR = ((_OPEN, _CLOSE),)
_RECOVERY_DRILL = ((_OPEN, dt.time(10)), (dt.time(11, 30), dt.time(12, 30)))
_SPECIAL: dict[dt.date, tuple[tuple[dt.time, dt.time], ...]] = {
    dt.date(2023, 11, 12): ((dt.time(18, 15), dt.time(19, 15)),),  # Muhurat
    dt.date(2024, 1, 20): _REGULAR,
    dt.date(2024, 3, 2): _RECOVERY_DRILL,
    dt.date(2024, 5, 18): _RECOVERY_DRILL,
    dt.date(2024, 11, 1): ((dt.time(18), dt.time(19)),),  # Muhurat
    dt.date(2025, 2, 1): _REGULAR,  # budget
    dt.date(2025, 10, 21): ((dt.time(13, 45), dt.time(14, 45)),),  # Muhurat
    dt.date(2026, 2, 1): _REGULAR,  # budget
}


def schedule(segment: str, day: dt.date) -> Schedule:
    """Return the hours of a segment in force on a date (`nse_schedule`, CAL-01).

    Raises
    ------
    ConfigError
        No such segment, or the date lies before the table.
    """
    rows = _TABLE.get(segment)
    if rows is None:
        raise ConfigError(f"NSE has no segment {segment!r} here: known are {', '.join(_TABLE)}")
    for row in reversed(rows):
        if day >= row.valid_from:
            return row
    raise ConfigError(f"the NSE table starts on {_START}, {day} lies before it")


def hours_of(segment: str, day: dt.date) -> tuple[tuple[dt.time, dt.time], ...]:
    """Return the continuous sessions of a date: a special one, none on weekends and holidays, else the schedule's."""
    if day in _SPECIAL:
        return _SPECIAL[day]
    if day.weekday() >= 5 or day in HOLIDAYS or day < _START:
        return ()
    row = schedule(segment, day)
    return ((row.opens, row.closes),)
