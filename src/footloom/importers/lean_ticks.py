"""Trade ticks of US equities in Lean's layout, without sides.

``ms after midnight, price x 10 000, size, exchange, conditions, suspicious``; no header.

No side stands in them: all volume is unknown. The date is in the name of the file (``20131007_spy_Trade_Tick.csv``),
times are New York's. Rows marked suspicious (bad prints that the vendor filtered) are left out and counted.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Sequence

from footloom.importers._records import NotTaken, Record, Records, fields, fitting, misfit, read_records
from footloom.importers._rows import Ask, Outside, Plan, Rows
from footloom.importers._source import Sample, Source
from footloom.importers._wall_time import WallClock

__all__ = ("read", "recognise")

_NAMES = ("ms after midnight", "price", "size", "exchange", "conditions", "suspicious")
_PATTERNS = tuple(re.compile(pattern) for pattern in (r"\d{1,8}", r"\d+", r"\d+", r"\w*", r"[0-9a-fA-F]*", r"[01]"))
_FILE_NAME = re.compile(r"(\d{8})_([a-z][a-z0-9.]*)_trade_tick", re.IGNORECASE)
_DAY_MS = 86_400_000
ZONE = "America/New_York"
CALENDAR = "iana:America/New_York 09:30-16:00"


def recognise(sample: Sample) -> Plan | str:
    """Return a plan for a file of trade ticks, or why it is none."""
    if not fitting(sample.lines, lambda row: not _wrong(row)):
        return f"no rows of {', '.join(_NAMES)}"
    name = next((match for match in map(_FILE_NAME.search, sample.names) if match), None)
    return Plan(
        format="trade ticks of a US equity, without sides",
        symbol=name[2].upper() if name else "",
        tape="trade",
        ids=False,
        needs_day=True,
        day=_day(name[1]) if name else None,
        needs_zone=True,
        zone=ZONE,
        calendar=CALENDAR,
        notes=("no side stands in the file: all volume is unknown",),
    )


def read(source: Source, plan: Plan, ask: Ask) -> Iterator[Rows | Outside]:
    """Yield the file's rows."""
    assert ask.day is not None
    return read_records(source, Records(plan, ask, _Ticks(WallClock(ask.zone), ask.day), ("ns",)))


def _day(text: str) -> dt.date | None:
    try:
        return dt.datetime.strptime(text, "%Y%m%d").replace(tzinfo=dt.UTC).date()
    except ValueError:
        return None


# What is wrong with a row, "" where nothing is.
def _wrong(row: Sequence[str]) -> str:
    wrong = misfit(row, _NAMES, _PATTERNS)
    if wrong or int(row[0]) < _DAY_MS:
        return wrong
    return f"{_NAMES[0]} is {row[0]}: a day has 86 400 000"


class _Ticks:
    def __init__(self, clock: WallClock, day: dt.date) -> None:
        self.clock = clock
        self.day = day

    def __call__(self, line: bytes) -> Record | None:
        row = fields(line)
        if not row:
            return None
        wrong = _wrong(row)
        if wrong:
            raise NotTaken("no trade tick", wrong)
        time, price, size, _exchange, _conditions, suspicious = row
        if suspicious == "1":
            raise NotTaken("marked suspicious", f"price {price}, size {size}", defect=False, tape="trade")
        return Record(str(self.clock.ns(self.day, int(time) * 1_000_000)), f"{price}e-4", size, 0)
