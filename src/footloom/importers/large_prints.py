"""Tapes of large prints: ``event time, symbol, aggregate id, price, quantity, trade time, is buyer maker``, no header.

A collector writes down only the prints above some value. They are true, and never all of a stretch: they go to a tape
of their own (``partial:NAME``), whose holes mean nothing. Later versions of such files have more columns, which are
ignored.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from footloom.importers._records import NotTaken, Record, Records, fields, fitting, read_records
from footloom.importers._rows import Ask, Outside, Plan, Rows
from footloom.importers._source import Sample, Source
from footloom.venues._binance import COINM, SPOT, USDM

__all__ = ("read", "recognise")

_COLUMNS = ("event time", "symbol", "aggregate id", "price", "quantity", "trade time", "is buyer maker")
_ROW = tuple(
    re.compile(pattern)
    for pattern in (r"\d{13}", r"\w{2,30}", r"\d+", r"\d*\.?\d+", r"\d*\.?\d+", r"\d{13}", r"(?i:true|false)")
)
_WIDTHS = (7, 9)  # later files: the value and the threshold behind
_PACKED = re.compile(r"(\.(csv|txt|dat|gz|zip))+$", re.IGNORECASE)
_DAY_MS = 86_400_000


def recognise(sample: Sample) -> Plan | str:
    """Return a plan for a tape of large prints, or why the file is none."""
    if not fitting(sample.lines, _fits):
        return f"no rows of {', '.join(_COLUMNS)}"
    return Plan(
        format="tape of large prints",
        venues=(USDM, COINM, SPOT),
        rows_say_symbol=True,
        tape=f"partial:{_name(sample)}",
        takes_tape=True,
        holes=False,
        notes=("a partial tape: it holds some trades of a stretch, so it is no coverage, and no bar is made of it",),
    )


def read(source: Source, plan: Plan, ask: Ask) -> Iterator[Rows | Outside]:
    """Yield the file's rows."""
    return read_records(source, Records(plan, ask, _Prints(ask.tape or plan.tape), ("ms",)))


def _fits(row: list[str]) -> bool:
    return len(row) in _WIDTHS and all(p.fullmatch(text) for p, text in zip(_ROW, row, strict=False))


# The file's name, as what these prints come from.
def _name(sample: Sample) -> str:
    plain = _PACKED.sub("", sample.names[0]).lower()
    return re.sub(r"[^a-z0-9]+", "_", plain).strip("_") or "large_prints"


@dataclass
class _Prints:
    tape: str
    event_ms: int = 0

    def __call__(self, line: bytes) -> Record | None:
        row = fields(line)
        if not row:
            return None
        if len(row) not in _WIDTHS:
            raise NotTaken("no large print", f"{len(row)} columns, expected {_WIDTHS[0]} ({', '.join(_COLUMNS)})")
        for name, pattern, text in zip(_COLUMNS, _ROW, row, strict=False):
            if not pattern.fullmatch(text):
                raise NotTaken("no large print", f"{name} is {text[:60]!r}")
        event, symbol, number, price, qty, time, maker = row[:7]
        side = -1 if maker.lower() == "true" else 1
        return Record(time, price, qty, side, symbol, self.tape, number, self._odd(int(event)))

    def _odd(self, event_ms: int) -> str:
        before, self.event_ms = self.event_ms, event_ms
        if event_ms < before:
            return "event time steps back"
        if before and event_ms - before >= _DAY_MS:
            return "silent for a day or more before it"
        return ""
