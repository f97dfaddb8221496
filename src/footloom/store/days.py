"""The day that a row is filed under: the UTC day of crypto, the session date of an exchange."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Callable

from footloom.core.instrument import Instrument
from footloom.core.sessions import calendar
from footloom.core.trades import I64

__all__ = ("DayOf", "day_of", "split_days")

DayOf = Callable[[int], dt.date]
_MINUTE_NS = 60_000_000_000


def day_of(instrument: Instrument) -> DayOf:
    """Return the function that names the day of an instant, ns UTC, by the instrument's calendar."""
    return _day_of(instrument.calendar)


# Sessions begin and end on whole minutes, and so do days: one answer holds for a minute, and is asked for many times.
@functools.cache
def _day_of(name: str) -> DayOf:
    session_date = calendar(name).session_date

    @functools.lru_cache(maxsize=4_096)
    def of_minute(minute: int) -> dt.date:
        return session_date(minute * _MINUTE_NS)

    return lambda ts_ns: of_minute(ts_ns // _MINUTE_NS)


def split_days(time_ns: I64, day: DayOf) -> list[tuple[dt.date, slice]]:
    """Cut ascending times into days: (day, rows) for each day that has rows, ascending.

    The day is found by halving, so that a calendar is asked a few dozen times a day and not once a row.
    """
    cuts = []
    start = 0
    while start < len(time_ns):
        this = day(int(time_ns[start]))
        stop = len(time_ns)
        if day(int(time_ns[-1])) != this:
            low = start  # `this` holds row `low`, and does not hold row `stop`
            stop -= 1
            while stop - low > 1:
                middle = (low + stop) // 2
                low, stop = (middle, stop) if day(int(time_ns[middle])) == this else (low, middle)
        cuts.append((this, slice(start, stop)))
        start = stop
    return cuts
