"""Sierra Chart's export of ticks: ``Date;Time;Sequence;..;Price;Volume;TradeType;AskPrice;BidPrice;..``.

``TradeType`` 2 is a trade at the ask, 1 one at the bid; anything else is no side. The fraction of a second is a count
of microseconds *without leading zeros*: ``13:30:00.5000`` is 5 ms after the second, not half of one. Times are those of
the chart's zone, which the file does not name.
"""

from __future__ import annotations

import datetime as dt
import functools
import re
from collections.abc import Iterator, Sequence

from footloom.importers._records import NotTaken, Record, Records, fields, read_records
from footloom.importers._rows import Ask, Outside, Plan, Rows
from footloom.importers._source import Sample, Source
from footloom.importers._wall_time import WallClock

__all__ = ("read", "recognise")

_NEEDED = ("Date", "Time", "Price", "Volume", "TradeType")
_TIME = re.compile(r"(\d{1,2}):(\d{2}):(\d{2})(?:\.(\d{1,6}))?")
_SIDES = {"2": 1, "1": -1}


def recognise(sample: Sample) -> Plan | str:
    """Return a plan for an export of ticks, or why the file is none."""
    separator, names = _header(sample)
    missing = [name for name in _NEEDED if name not in names]
    if missing:
        return f"no header with {', '.join(missing)}"
    return Plan(
        format="Sierra Chart export of ticks",
        tape="trade",
        ids=False,
        needs_zone=True,
        takes_tape=True,
        layout=(separator, tuple(names)),
        notes=("sides as TradeType tells them: 2 at the ask is a buy, 1 at the bid a sell",),
    )


def read(source: Source, plan: Plan, ask: Ask) -> Iterator[Rows | Outside]:
    """Yield the file's rows."""
    separator, names = plan.layout
    parse = _Ticks(separator, names, WallClock(ask.zone), ask.tape or plan.tape)
    return read_records(source, Records(plan, ask, parse, ("ns",)))


def _header(sample: Sample) -> tuple[str, list[str]]:
    line = next((line for line in sample.lines if line.strip()), b"")
    separator = ";" if b";" in line else ","
    return separator, fields(line, separator)


class _Ticks:
    def __init__(self, separator: str, names: Sequence[str], clock: WallClock, tape: str) -> None:
        self.separator = separator
        self.names = names
        self.clock = clock
        self.tape = tape
        self.at = [names.index(name) for name in _NEEDED]

    def __call__(self, line: bytes) -> Record | None:
        row = fields(line, self.separator)
        if not row or row[:2] == list(self.names[:2]):
            return None
        if len(row) != len(self.names):
            raise NotTaken("wrong number of columns", f"{len(row)} columns, the header has {len(self.names)}")
        date, time, price, qty, kind = (row[at] for at in self.at)
        return Record(str(self._ns(date, time)), price, qty, _SIDES.get(kind, 0), tape=self.tape)

    def _ns(self, date: str, time: str) -> int:
        match = _TIME.fullmatch(time)
        day = _day(date)
        if match is None or day is None:
            detail = f"{date[:20]!r} {time[:30]!r} is no date and time such as 2022-01-24 13:30:00.5000"
            raise NotTaken("time is not readable", detail)
        hours, minutes, seconds, micros = (int(part or 0) for part in match.groups())
        if hours > 23 or minutes > 59 or seconds > 59:
            raise NotTaken("time is not readable", f"{time[:30]!r} is no time of a day")
        return self.clock.ns(day, ((hours * 60 + minutes) * 60 + seconds) * 1_000_000_000 + micros * 1_000)


@functools.lru_cache(maxsize=64)
def _day(text: str) -> dt.date | None:
    try:
        return dt.date(*(int(part) for part in re.split(r"[-/]", text)))
    except (TypeError, ValueError):
        return None
