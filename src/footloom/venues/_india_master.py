"""Instrument masters and candles of Indian brokers: dates of expiry, calendars, rows of candles."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Iterable, Sequence
from decimal import Decimal
from zoneinfo import ZoneInfo

import msgspec

from footloom.core.sessions import calendar, wall_ns
from footloom.errors import SchemaChanged
from footloom.venues._venue import Candle

__all__ = ("CALENDARS", "ZONE", "candles_of", "expiry_ns", "local_date", "plain", "scaled")

ZONE = ZoneInfo("Asia/Kolkata")
_MINUTE_NS = 60_000_000_000
_SECOND_NS = 10**9
_CURRENCY = "iana:Asia/Kolkata 09:00-17:00"
CALENDARS = {
    "NSE_FO": "nse_fo",
    "BSE_FO": "nse_fo",  # the same hours
    "NSE_EQ": "nse_cash",
    "BSE_EQ": "nse_cash",
    "NSE_INDEX": "nse_cash",
    "BSE_INDEX": "nse_cash",
    "MCX_FO": "iana:Asia/Kolkata 09:00-23:30",
    "MCX_INDEX": "iana:Asia/Kolkata 09:00-23:30",
    "NSE_COM": "iana:Asia/Kolkata 09:00-23:30",
    "NCX_FO": _CURRENCY,
    "NCD_FO": _CURRENCY,
    "BCD_FO": _CURRENCY,
}

Raw = msgspec.Raw
Row = Sequence[Raw]


@functools.lru_cache(4_096)
def expiry_ns(day: dt.date, calendar_name: str) -> int:
    """Return when trading ends on a day of expiry (ns UTC): the close of its session, 15:30 where it has none."""
    closes = [close for _, close in calendar(calendar_name).sessions(day, day)]
    return closes[-1] if closes else wall_ns(day, dt.time(15, 30), ZONE)


@functools.lru_cache(4_096)
def local_date(at_ns: int) -> dt.date:
    """Return the date that the calendars of Kolkata show."""
    return dt.datetime.fromtimestamp(at_ns // _SECOND_NS, ZONE).date()


@functools.lru_cache(65_536)
def scaled(value: float | str, divisor: int) -> Decimal | None:
    """Return a number of a master in the unit of prices, exactly; None where it is not above zero."""
    number = Decimal(repr(value) if isinstance(value, float) else value)
    if not number.is_finite() or number <= 0:
        return None
    return plain(number / divisor)


def plain(number: Decimal) -> Decimal:
    """Return a number without trailing zeros and without an exponent."""
    bare = number.normalize()
    return bare.quantize(Decimal(1)) if bare.as_tuple().exponent > 0 else bare  # type: ignore[operator]


def candles_of(rows: Iterable[Row]) -> list[Candle]:
    """Return minute candles, oldest first, of rows ``[iso time, open, high, low, close, volume, open interest]``.

    Raises
    ------
    SchemaChanged
        A row is not as documented.
    """
    found = {}
    for row in rows:
        if len(row) < 6:
            raise SchemaChanged(f"a candle of {len(row)} fields, at least 6 are documented: {_shown(row)}")
        opens_ns = _opens_ns(row)
        numbers = [_number(one, row) for one in row[1:7]]
        found[opens_ns] = Candle(
            open_ns=opens_ns,
            close_ns=opens_ns + _MINUTE_NS,
            open=numbers[0],
            high=numbers[1],
            low=numbers[2],
            close=numbers[3],
            volume=numbers[4],
            open_interest=numbers[5] if len(numbers) > 5 else "",
        )
    return [found[opens_ns] for opens_ns in sorted(found)]


def _opens_ns(row: Row) -> int:
    try:
        moment = dt.datetime.fromisoformat(bytes(row[0]).strip(b'"').decode())
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=ZONE)
        return int(moment.timestamp()) * _SECOND_NS
    except (ValueError, OverflowError):
        raise SchemaChanged(f"a candle without a time: {_shown(row)}") from None


def _number(raw: Raw, row: Row) -> str:
    text = bytes(raw).strip(b'"').decode("utf-8", "replace")
    if text == "null":
        return ""
    try:
        value = Decimal(text)
    except ArithmeticError:
        value = Decimal("nan")
    if not value.is_finite() or abs(value) >= 2**62 or value.adjusted() < -20:
        raise SchemaChanged(f"a candle with {text[:40]!r} where a number stands: {_shown(row)}")
    return f"{plain(value):f}"


def _shown(row: Row) -> str:
    return b", ".join(bytes(one) for one in row)[:200].decode("utf-8", "replace")
