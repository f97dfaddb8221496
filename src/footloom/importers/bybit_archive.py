"""Bybit's archive files of trades (public.bybit.com): futures and spot, each with a header.

Futures: ``timestamp,symbol,side,size,price,tickDirection,trdMatchID,..`` with seconds and a fraction; spot:
``id,timestamp,price,volume,side`` with ms. The side is that of the taker. A trade is known by its trdMatchID, of which
repeated ones are left out; spot ids begin anew every day, so that they tell no trades apart. Rows marked as block
trades were agreed outside the book: they are no market trades. Rows need not be in the order of time.
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

_FUTURES = ("timestamp", "symbol", "side", "size", "price", "tickdirection", "trdmatchid")
_SPOT = ("id", "timestamp", "price", "volume", "side")
_ROLES = {
    "timestamp": csv.TIME,
    "symbol": csv.TEXT,
    "side": csv.SIDE,
    "size": csv.QTY,
    "volume": csv.QTY,
    "price": csv.PRICE,
    "isblocktrade": csv.TEXT + 2,
    "bt": csv.TEXT + 2,
}
_NOT_BLOCK = (b"false", b"False", b"0")
_LINEAR, _INVERSE, _SPOT_VENUE = "bybit_linear", "bybit_inverse", "bybit_spot"
_SPOT_NAME = re.compile(r"([A-Z0-9]+)_\d{4}-\d{2}-\d{2}")


def recognise(sample: Sample) -> Plan | str:
    """Return a plan for an archive file, or why it is none."""
    lines = [line for line in sample.lines if fields_of(line)]
    header = lines[0] if lines else b""
    names = tuple(name.decode("utf-8", "replace") for name in fields_of(header))
    lower = tuple(name.lower() for name in names)
    if lower[: len(_SPOT)] == _SPOT:
        return _spot(sample, header, lower)
    if lower[: len(_FUTURES)] != _FUTURES:
        return f"no header that begins with {','.join(_FUTURES)} or {','.join(_SPOT)}"
    symbol = _first_symbol(lines)
    venue = _INVERSE if symbol.endswith("USD") or re.search(r"USD[A-Z]\d\d$", symbol) else _LINEAR
    return Plan(
        format="Bybit archive, trades of futures",
        venue=venue,
        venue_from=f"the symbol {symbol or '(none)'}",
        venues=(_LINEAR, _INVERSE),
        rows_say_symbol=True,
        tape="trade",
        ids=False,
        layout=CsvLayout(
            roles=tuple(_ROLES.get(name, csv.IGNORED) for name in lower),
            names=names,
            header=header,
            time_units=("s",),
            key=_FUTURES.index("trdmatchid"),
            market=_NOT_BLOCK,
            not_market="block trade",
        ),
    )


def read(source: Source, plan: Plan, ask: Ask) -> Iterator[Rows | Outside]:
    """Yield the file's rows."""
    return read_csv(source, plan, ask)


def _spot(sample: Sample, header: bytes, names: tuple[str, ...]) -> Plan:
    match = next((found for found in map(_SPOT_NAME.match, sample.names) if found), None)
    return Plan(
        format="Bybit archive, spot trades",
        venue=_SPOT_VENUE,
        venue_from="its columns",
        symbol=match[1] if match else "",
        tape="trade",
        ids=False,
        notes=("its ids begin anew every day: rows are known by the file and their line",),
        layout=CsvLayout(
            roles=tuple(_ROLES.get(name, csv.IGNORED) for name in names),
            names=names,
            header=header,
            time_units=("ms",),
            market=_NOT_BLOCK,
            not_market="block trade",
        ),
    )


def _first_symbol(lines: list[bytes]) -> str:
    first = fields_of(lines[1]) if len(lines) > 1 else []
    return first[1].decode("utf-8", "replace") if len(first) > 1 else ""
