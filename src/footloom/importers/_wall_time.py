"""Wall-clock times of a zone as ns UTC."""

from __future__ import annotations

import datetime as dt
import functools
from zoneinfo import ZoneInfo

from footloom.core.sessions import wall_ns
from footloom.errors import ConfigError

__all__ = ("WallClock", "zone_of")

_HOUR_S = 3_600
_SECOND_NS = 1_000_000_000


def zone_of(name: str) -> ZoneInfo:
    """Return a zone by its IANA name.

    Raises
    ------
    ConfigError
        There is none of that name.
    """
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ConfigError(f"--tz {name}: no such zone; write an IANA name such as America/New_York or UTC") from None


class WallClock:
    """Turns dates and times of day of one zone into ns UTC.

    Where clocks are set back an hour comes twice: its times are taken for the first of the two.
    """

    def __init__(self, zone: str) -> None:
        own = zone_of(zone)

        @functools.lru_cache(maxsize=256)
        def hour_ns(day: dt.date, hour: int) -> int:
            return wall_ns(day, dt.time(hour), own)

        self._hour_ns = hour_ns

    def ns(self, day: dt.date, of_day_ns: int) -> int:
        """Return a time of day, in ns since midnight by the wall clock; 24:00 and later are the next day's."""
        days, rest = divmod(of_day_ns, 24 * _HOUR_S * _SECOND_NS)
        hour, rest = divmod(rest, _HOUR_S * _SECOND_NS)
        return self._hour_ns(day + dt.timedelta(days=days), hour) + rest
