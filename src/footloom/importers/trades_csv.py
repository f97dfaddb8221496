"""Plain CSV of trades with a header such as ``timestamp,symbol,price,quantity,is_buyer_maker``, without ids.

Identical rows are separate trades: without an id nothing tells them apart but their line.
"""

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

_ROLES = {
    "timestamp": csv.TIME,
    "time_seconds": csv.TIME,
    "symbol": csv.TEXT,
    "price": csv.PRICE,
    "quantity": csv.QTY,
    "qty": csv.QTY,
    "size": csv.QTY,
    "is_buyer_maker": csv.MAKER,
}
_UNITS = {"timestamp": ("ms", "µs"), "time_seconds": ("s",)}
_NEEDED = {csv.TIME: "timestamp", csv.PRICE: "price", csv.QTY: "quantity", csv.MAKER: "is_buyer_maker"}
_ID = re.compile(r"(agg_?(trade_?)?|trade_?)?id$|id$")


def recognise(sample: Sample) -> Plan | str:
    """Return a plan for a CSV of trades without ids, or why the file is none."""
    lines = [line for line in sample.lines if fields_of(line)]
    header = lines[0] if lines else b""
    names = tuple(name.decode("utf-8", "replace").lower() for name in fields_of(header))
    roles = tuple(_ROLES.get(name, csv.IGNORED) for name in names)
    missing = [name for role, name in _NEEDED.items() if role not in roles]
    if missing:
        return f"no header with {', '.join(missing)}"
    if len(set(roles) - {csv.IGNORED}) != sum(role != csv.IGNORED for role in roles):
        return "two columns of its header mean the same"
    ids = [name for name in names if _ID.search(name)]
    if ids:
        return f"it has ids (column {ids[0]}): this is the reader of files without"
    aggregated = "aggtrade" in "".join(sample.names).lower().replace("_", "").replace("-", "")
    tape, note = (
        ("agg_trade", "the file name says so") if aggregated else ("trade", "neither content nor file name says")
    )
    layout = CsvLayout(roles=roles, names=names, header=header, time_units=_UNITS[names[roles.index(csv.TIME)]])
    return Plan(
        format="CSV of trades without ids",
        rows_say_symbol=csv.TEXT in roles,
        tape=tape,
        ids=False,
        layout=layout,
        notes=(f"tape {tape}: {note}",),
    )


def read(source: Source, plan: Plan, ask: Ask) -> Iterator[Rows | Outside]:
    """Yield the file's rows."""
    return read_csv(source, plan, ask)
