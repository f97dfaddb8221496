"""CSV without a header: time in seconds, price, quantity, side; the side is BUY, SELL, or ANY where nobody knows it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from footloom.importers import _csv_rules as csv
from footloom.importers._csv import read_csv
from footloom.importers._csv_reference import fields_of
from footloom.importers._csv_words import CsvLayout
from footloom.importers._rows import Ask, Outside, Plan, Rows
from footloom.importers._source import Sample, Source

__all__ = ("read", "recognise")

_SIDE = re.compile(rb"(?i)any|buy|sell|unknown")
_NUMBER = re.compile(rb"[\d.eE+-]+")


def recognise(sample: Sample) -> Plan | str:
    """Return a plan for such a file, or why it is none."""
    rows = [fields_of(line) for line in sample.lines if fields_of(line)]
    fitting = sum(len(row) == 4 and bool(_SIDE.fullmatch(row[3])) and bool(_NUMBER.fullmatch(row[0])) for row in rows)
    if not fitting or fitting * 4 < len(rows):
        return "no rows of four columns: time in seconds, price, quantity, and buy, sell or any"
    layout = CsvLayout(
        roles=(csv.TIME, csv.PRICE, csv.QTY, csv.SIDE),
        names=("time", "price", "quantity", "side"),
        time_units=("s",),
    )
    return Plan(format="CSV of time, price, quantity and side, without ids", tape="trade", ids=False, layout=layout)


def read(source: Source, plan: Plan, ask: Ask) -> Iterator[Rows | Outside]:
    """Yield the file's rows."""
    return read_csv(source, plan, ask)
