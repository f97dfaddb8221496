"""Instants as people write them."""

from __future__ import annotations

import datetime as dt

from footloom.errors import ConfigError

__all__ = ("instant_ns",)

_DATE_DIGITS = 8  # 20260302
_LEAST_NS = 10**17  # what is below is a time in another unit: microseconds of today stand below it too
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def instant_ns(moment: str | int | dt.date) -> int:
    """Return an instant as ns UTC: ns as a number, a date, a datetime, or ISO text; without a zone it is UTC.

    Eight digits as text are a date, such as 20260302; other digits are ns, and 0 is the beginning of everything.

    Raises
    ------
    ConfigError
        The text is no ISO date or time, or a number is too small for ns.

    Examples
    --------
    >>> instant_ns("2026-03-02T00:00:00.000001")
    1772409600000001000
    """
    if isinstance(moment, int):
        return _nanoseconds(moment)
    if isinstance(moment, str):
        if moment.isdecimal() and len(moment) != _DATE_DIGITS:
            return _nanoseconds(int(moment))
        try:
            moment = dt.datetime.fromisoformat(moment)
        except ValueError:
            raise ConfigError(
                f"{moment!r} is no instant: write 2026-03-02, 2026-03-02T09:15, or ns since 1970"
            ) from None
    if not isinstance(moment, dt.datetime):
        moment = dt.datetime.combine(moment, dt.time())
    moment = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    since = moment - _EPOCH
    return _fitting(
        (since.days * 86_400 + since.seconds) * 1_000_000_000 + since.microseconds * 1_000, moment.isoformat()
    )


def _nanoseconds(number: int) -> int:
    if 0 < number < _LEAST_NS:
        raise ConfigError(
            f"{number} is no time in ns: as ns since 1970 it is before 1973, so it may count seconds, milliseconds or "
            f"microseconds, or be a date; write 2026-03-02, 2026-03-02T09:15, or ns such as {1_772_409_600 * 10**9}"
        )
    return _fitting(number, str(number))


def _fitting(number: int, text: str) -> int:
    if abs(number) >= 2**63:
        raise ConfigError(f"{text} is no time that 64 bits of ns can hold: they reach from 1678 to 2262")
    return number
