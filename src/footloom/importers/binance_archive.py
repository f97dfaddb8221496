"""Binance's archive files (data.binance.vision): aggTrades and trades, with a header or without.

Spot files carry ms until 2024 and µs from 2025-01-01, futures ms; booleans are written ``true`` or ``True``. Spot
rows end with a column more (is_best_match), which tells the market; USD-M and COIN-M have the same columns, so there
the symbol tells.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from footloom.importers import _csv_rules as csv
from footloom.importers._csv import read_csv
from footloom.importers._csv_reference import fields_of
from footloom.importers._csv_words import CsvLayout
from footloom.importers._rows import Ask, Outside, Plan, Rows
from footloom.importers._source import Sample, Source
from footloom.venues._binance import COINM, FUTURES, SPOT, USDM, venue_of

__all__ = ("read", "recognise")

_SWITCH_NS = 1_735_689_600_000_000_000  # 2025-01-01: spot files carry µs from here on
_FILE_NAME = re.compile(r"([A-Z0-9_]+)-(aggTrades|trades)-\d{4}-\d{2}")
_FOLDERS = {"/futures/um/": USDM, "/futures/cm/": COINM}

# What may stand in a column of a row without a header: a whole number, any number, a boolean.
_WHOLE, _NUMBER, _BOOLEAN = (
    re.compile(rb"\d+"),
    re.compile(rb"-?\d*\.?\d+([eE][+-]?\d+)?"),
    re.compile(rb"(?i)true|false"),
)


class _Shape(NamedTuple):
    tape: str
    market: str
    names: str
    pattern: str  # a letter a column: w whole, n number, b boolean


_SHAPES = (
    _Shape(
        "agg_trade",
        FUTURES,
        "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker",
        "wnnwwwb",
    ),
    _Shape(
        "agg_trade",
        SPOT,
        "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker,is_best_match",
        "wnnwwwbb",
    ),
    _Shape("trade", FUTURES, "id,price,qty,quote_qty,time,is_buyer_maker", "wnnnwb"),
    _Shape("trade", COINM, "id,price,qty,base_qty,time,is_buyer_maker", "wnnnwb"),
    _Shape("trade", SPOT, "id,price,qty,quote_qty,time,is_buyer_maker,is_best_match", "wnnnwbb"),
)
_PATTERNS = {"w": _WHOLE, "n": _NUMBER, "b": _BOOLEAN}
_ROLES = {
    "agg_trade_id": csv.ID,
    "id": csv.ID,
    "price": csv.PRICE,
    "quantity": csv.QTY,
    "qty": csv.QTY,
    "transact_time": csv.TIME,
    "time": csv.TIME,
    "is_buyer_maker": csv.MAKER,
}


def recognise(sample: Sample) -> Plan | str:
    """Return a plan for an archive file, or why it is none."""
    lines = [line for line in sample.lines if fields_of(line)]
    shape = _by_header(lines) or _by_rows(lines)
    if isinstance(shape, str):
        return shape
    # Old and self-made files name their columns otherwise; a line without a digit is no row.
    header = lines[0] if _by_header(lines) or not any(map(str.isdigit, lines[0].decode("latin-1"))) else b""
    name = next((match for match in map(_FILE_NAME.match, sample.names) if match), None)
    symbol = name[1] if name else ""
    venue, why = _market(shape, symbol, sample)
    columns = tuple(shape.names.split(","))
    layout = CsvLayout(
        roles=tuple(_ROLES.get(column, csv.IGNORED) for column in columns),
        names=columns,
        header=header,
        time_units=("ms", "µs") if venue in {SPOT, ""} else ("ms",),
        switch_ns=_SWITCH_NS,
    )
    kind = "aggTrades" if shape.tape == "agg_trade" else "trades"
    return Plan(
        format=f"Binance archive, {kind}, {'with' if header else 'no'} header",
        venue=venue,
        venue_from=why,
        venues=(USDM, COINM),
        symbol=symbol,
        tape=shape.tape,
        layout=layout,
        notes=_doubts(name, kind),
    )


def read(source: Source, plan: Plan, ask: Ask) -> Iterator[Rows | Outside]:
    """Yield the file's rows."""
    return read_csv(source, plan, ask)


def _by_header(lines: Sequence[bytes]) -> _Shape | None:
    names = b",".join(fields_of(lines[0])).decode("utf-8", "replace").lower() if lines else ""
    return next((shape for shape in _SHAPES if shape.names == names), None)


def _by_rows(lines: Sequence[bytes]) -> _Shape | str:
    # Bad rows are no reason to refuse a file: the shape that fits the most rows counts, if it fits at least one in
    # four.
    rows = [fields_of(line) for line in lines]
    votes = {shape: sum(_fits(row, shape.pattern) for row in rows) for shape in _SHAPES}
    best = max(votes, key=lambda shape: votes[shape])
    if rows and votes[best] and votes[best] * 4 >= len(rows) - 1:
        return best
    if not rows:
        return "no rows"
    row = rows[min(1, len(rows) - 1)]
    alike = next((shape for shape in _SHAPES if len(shape.pattern) == len(row)), None)
    if alike is None:
        return f"its rows have {len(row)} columns; aggTrades have 7 or 8, trades 6 or 7"
    column = next((c for c, p in enumerate(alike.pattern) if not _PATTERNS[p].fullmatch(row[c])), 0)
    text = row[column][:40].decode("utf-8", "backslashreplace")
    wanted = {"w": "a whole number", "n": "a number", "b": "true or false"}[alike.pattern[column]]
    return f"column {column + 1} of its rows is {text!r}, expected {wanted} ({alike.names.split(',')[column]})"


def _fits(row: Sequence[bytes], pattern: str) -> bool:
    return len(row) == len(pattern) and all(_PATTERNS[p].fullmatch(f) for p, f in zip(pattern, row, strict=True))


def _market(shape: _Shape, symbol: str, sample: Sample) -> tuple[str, str]:
    if shape.market in {SPOT, COINM}:
        return (
            shape.market,
            f"its {len(shape.pattern)} columns ({shape.names.split(',')[3 if shape.market == COINM else -1]})",
        )
    for part, venue in _FOLDERS.items():
        if part in f"{sample.folder}/":
            return venue, f"its folder {part.strip('/')}"
    if symbol:
        return venue_of(FUTURES, symbol), f"its columns and the symbol {symbol}"
    return "", ""


def _doubts(name: re.Match[str] | None, kind: str) -> tuple[str, ...]:
    if name and name[2] != kind:
        return (f"the file name says {name[2]}, its columns are those of {kind}: imported as {kind}",)
    return ()
