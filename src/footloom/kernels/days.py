"""Which day of the exchange an instant is on."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import numpy as np

from footloom.core.sessions import calendar
from footloom.core.trades import I64

__all__ = ("local_days",)

_QUARTER_NS = 900_000_000_000  # zones change their offset on quarter hours
_DAY_NS = 86_400_000_000_000
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def local_days(ts_ns: I64, calendar_name: str) -> I64:
    """Return the exchange-local date of each instant as days since 1970, int64 (n,)."""
    zone = ZoneInfo(calendar(calendar_name).tz)
    quarters, where = np.unique(ts_ns // _QUARTER_NS, return_inverse=True)
    offsets = [_offset_ns(int(quarter) * _QUARTER_NS, zone) for quarter in quarters]
    return np.asarray((ts_ns + np.array(offsets, np.int64)[where]) // _DAY_NS, np.int64)


def _offset_ns(ts_ns: int, zone: ZoneInfo) -> int:
    moment = (_EPOCH + dt.timedelta(seconds=ts_ns // 1_000_000_000)).astimezone(zone)
    offset = moment.utcoffset() or dt.timedelta()
    return int(offset.total_seconds()) * 1_000_000_000
