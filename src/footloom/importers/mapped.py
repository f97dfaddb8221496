"""Any text table of trades, by what its user says about its columns (``--map``)."""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from footloom.importers._mapping import UNITS, Mapping, Reading, plan_of, time_kind
from footloom.importers._records import Record, Records, read_records
from footloom.importers._rows import Ask, Outside, Plan, Rows
from footloom.importers._source import Sample, Source
from footloom.importers._wall_time import WallClock

__all__ = ("Sheet", "plan", "read", "recognise", "sheet_of")

_SEPARATORS = (",", ";", "\t", "|")


class Sheet(NamedTuple):
    """The beginning of a table: its separator, the names of its columns, whether they stand in it, and rows."""

    separator: str
    names: list[str]
    header: bool
    rows: list[list[str]]


def recognise(_sample: Sample) -> Plan | str:
    """Say what it takes to read the file: nothing is guessed."""
    return (
        "any other table is read by its columns: --preview shows them, --map ts=..,price=..,qty=.. says which is which"
    )


def sheet_of(sample: Sample) -> Sheet:
    """Return the beginning of a table. A first line in which something is a number is no header."""
    lines = [text for text in map(_text, sample.lines) if text.strip() and not text.startswith("#")]
    first = lines[0] if lines else ""
    separator = max(_SEPARATORS, key=first.count)
    rows = [_split(line, separator) for line in lines]
    if not rows:
        return Sheet(separator, [], header=False, rows=[])
    header = not any(time_kind(field) or _is_number(field) for field in rows[0])
    names = rows[0] if header else [str(number) for number in range(1, len(rows[0]) + 1)]
    return Sheet(separator, names, header, rows[1:] if header else rows)


def plan(sample: Sample, mapping: Mapping) -> Plan:
    """Return the plan for a table; `ConfigError` where the mapping does not fit it."""
    sheet = sheet_of(sample)
    found = plan_of(mapping, sheet.names, sheet.rows, "table by its columns", header=sheet.header)
    return _with(found, sheet)


def read(source: Source, plan: Plan, ask: Ask) -> Iterator[Rows | Outside]:
    """Yield the file's rows."""
    layout: _Layout = plan.layout
    clock = WallClock(ask.zone) if ask.zone else None

    def parse(line: bytes) -> Record | None:
        text = _text(line)
        if not text.strip() or text.startswith("#"):
            return None
        row = _split(text, layout.separator)
        # A header is no row, wherever it stands: files are joined with `cat`.
        return None if row == layout.header else layout.reading.record(row, clock, ask)

    return read_records(source, Records(plan, ask, parse, (UNITS[layout.reading.unit],)))


class _Layout(NamedTuple):
    reading: Reading
    separator: str
    header: Sequence[str] | None


def _with(found: Plan, sheet: Sheet) -> Plan:
    layout = _Layout(found.layout, sheet.separator, sheet.names if sheet.header else None)
    return dataclasses.replace(found, layout=layout)


def _text(line: bytes) -> str:
    return line.decode("utf-8", "backslashreplace").rstrip("\r\n")


def _split(line: str, separator: str) -> list[str]:
    row = next(csv.reader([line], delimiter=separator), []) if '"' in line else line.split(separator)
    return [field.strip() for field in row]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
