"""The last bars of a chart as an HTML table: exact numbers, one line a bar."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from html import escape
from zoneinfo import ZoneInfo

from footloom.core.sessions import calendar
from footloom.engine.export import bar_rows
from footloom.engine.frame import ChartFrame

__all__ = ("table",)

_ALWAYS = ("open", "high", "low", "close", "buy", "sell", "unknown", "trades")
_OF_STUDY = {
    "delta": ("delta", "min_delta", "max_delta"),
    "cvd": ("cvd",),
    "poc": ("poc",),
    "value_area": ("vah", "val"),
}


def table(frame: ChartFrame, studies: Sequence[str] = tuple(_OF_STUDY)) -> str:
    """Return all bars of ``frame`` as one ``<table>``: time of the open, prices, volumes, and what the studies say.

    Prices and quantities are exact decimal text; times are in the exchange's zone, which the heading names.
    """
    zone = ZoneInfo(calendar(frame.footprint.instrument.calendar).tz)
    columns = [*_ALWAYS, *(column for study in studies for column in _OF_STUDY.get(study, ()))]
    head = "".join(f"<th>{escape(words)}</th>" for words in (f"open time ({zone.key})", *columns))
    lines = []
    for row in bar_rows(frame):
        opened = dt.datetime.fromtimestamp(row["open_ns"] // 10**9, zone)
        cells = "".join(f"<td>{escape(str(row[column]))}</td>" for column in columns)
        lines.append(f"<tr><td>{opened:%Y-%m-%d %H:%M:%S}</td>{cells}</tr>")
    body = "".join(lines)
    return f'<table style="text-align:right"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
