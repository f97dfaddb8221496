"""LOBSTER's message files: ``seconds after midnight, type, order id, size, price x 10 000, direction``, no header.

Executions are types 4 (of a visible order) and 5 (of a hidden one). The direction is that of the *resting* order: 1, a
resting buy, means that a seller came. Types 1, 2 and 3 (submission, cancellation, deletion) and 7 (halt) are counted, 6
is the trade of an auction, which has no aggressor. Times are New York's; the date stands in the file's name, or
nowhere.
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

_NAMES = ("seconds after midnight", "type", "order id", "size", "price", "direction")
_PATTERNS = tuple(
    re.compile(pattern) for pattern in (r"\d{1,5}(\.\d{1,9})?", r"[1-7]", r"-?\d+", r"-?\d+", r"-?\d+", r"-?1|0")
)
_FILE_NAME = re.compile(r"([A-Z][A-Z0-9.\-]*)_(\d{4}-\d{2}-\d{2})_\d+_\d+_message_\d+", re.ASCII)
_EVENTS = {"1": "submission", "2": "partial cancellation", "3": "deletion", "7": "trading halt"}
_VISIBLE, _HIDDEN, _CROSS = "4", "5", "6"
ZONE = "America/New_York"
CALENDAR = "iana:America/New_York 09:30-16:00"


def recognise(sample: Sample) -> Plan | str:
    """Return a plan for a message file, or why it is none."""
    if not fitting(sample.lines, lambda row: not _wrong(row)):
        return _book([row for row in map(fields, sample.lines) if row]) or f"no rows of {', '.join(_NAMES)}"
    name = next((match for match in map(_FILE_NAME.search, sample.names) if match), None)
    return Plan(
        format="LOBSTER messages",
        venue="nasdaq",
        venue_from="the format, which is made from NASDAQ's feed",
        symbol=name[1] if name else "",
        tape="trade",
        ids=False,
        needs_day=True,
        day=dt.date.fromisoformat(name[2]) if name else None,
        needs_zone=True,
        zone=ZONE,
        calendar=CALENDAR,
        notes=("sides from the resting order: an execution of a resting buy is a sell",),
    )


def read(source: Source, plan: Plan, ask: Ask) -> Iterator[Rows | Outside]:
    """Yield the file's rows."""
    assert ask.day is not None
    return read_records(source, Records(plan, ask, _Messages(WallClock(ask.zone), ask.day), ("ns",)))


# Its other file: ask price, size, bid price, size for each level, a row for each message, without times.
def _book(rows: Sequence[Sequence[str]]) -> str:
    first = rows[0] if rows else []
    if len(first) % 4 or len(first) < len(_NAMES) or not all(text.lstrip("-").isdigit() for text in first):
        return ""
    return f"perhaps LOBSTER's order book of {len(first) // 4} levels: it has no times, import the messages beside it"


# What is wrong with a row, "" where nothing is.
def _wrong(row: Sequence[str]) -> str:
    wrong = misfit(row, _NAMES, _PATTERNS)
    if wrong or float(row[0]) < 86_400:
        return wrong
    return f"{_NAMES[0]} is {row[0]}: a day has 86 400"


class _Messages:
    def __init__(self, clock: WallClock, day: dt.date) -> None:
        self.clock = clock
        self.day = day

    def __call__(self, line: bytes) -> Record | str | None:
        row = fields(line)
        if not row:
            return None
        wrong = _wrong(row)
        if wrong:
            raise NotTaken("no message of LOBSTER's", wrong)
        time, kind, _order, size, price, resting = row
        if kind in _EVENTS:
            return _EVENTS[kind]
        seconds, _, rest = time.partition(".")
        ns = self.clock.ns(self.day, int(seconds) * 1_000_000_000 + int(rest.ljust(9, "0")))
        side = 0 if kind == _CROSS else -int(resting)
        odd = {_HIDDEN: "executions of hidden orders", _CROSS: "trades of an auction, without a side"}.get(kind, "")
        return Record(str(ns), f"{price}e-4", size, side, odd=odd)
