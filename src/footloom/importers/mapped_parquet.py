"""Any Parquet file of trades, by what its user says about its columns (``--map``).

Prices and quantities that are stored as binary floats are read to fifteen digits, which is what such a float can carry
of a decimal: 0.00031099999999999997 is 0.000311. Rows whose float held other digits than that are counted.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from footloom.errors import DataError
from footloom.importers._mapping import UNITS, Mapping, Reading, plan_of
from footloom.importers._records import Line, Record, Records, fields
from footloom.importers._rows import Ask, Outside, Plan, Rows
from footloom.importers._source import Sample, Source
from footloom.importers._wall_time import WallClock

__all__ = ("KIND", "columns_of", "plan", "read", "recognise")

KIND = "parquet"
_ROWS = 65_536
_SAMPLED = 100
_NUMBERS = frozenset({"price", "qty"})
_SEPARATOR = ";"
_ROUNDED = "binary floats with more than 15 digits, read to 15"


class _Layout(NamedTuple):
    reading: Reading
    names: Sequence[str]


def recognise(sample: Sample) -> Plan | str:
    """Say what it takes to read the file: nothing is guessed."""
    names, _ = columns_of(sample.path)
    return f"its columns are {', '.join(names)}: say which is which with --map ts=..,price=..,qty=..; see --preview"


def columns_of(path: Path) -> tuple[list[str], list[list[str]]]:
    """Return the names of a file's columns, and the text of its first rows.

    Raises
    ------
    DataError
        It cannot be read.
    """
    try:
        with pq.ParquetFile(path) as file:
            names = file.schema_arrow.names
            batch = next(file.iter_batches(_SAMPLED), None)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise DataError(f"{path} is damaged or cut: it cannot be read as Parquet ({_short(error)})") from error
    if batch is None:
        return names, []
    columns = [_texts(column, name) for column, name in zip(batch.columns, names, strict=True)]
    return names, [list(row) for row in zip(*columns, strict=True)]


def plan(sample: Sample, mapping: Mapping) -> Plan:
    """Return the plan for a file; `ConfigError` where the mapping does not fit it."""
    names, rows = columns_of(sample.path)
    found = plan_of(mapping, names, rows, "Parquet by its columns", header=True)
    return dataclasses.replace(found, layout=_Layout(found.layout, names))


def read(source: Source, plan: Plan, ask: Ask) -> Iterator[Rows | Outside]:
    """Yield the file's rows; they are numbered from 1 on."""
    layout: _Layout = plan.layout
    clock = WallClock(ask.zone) if ask.zone else None
    records = Records(plan, ask, _parser(layout, clock, ask), (UNITS[layout.reading.unit],))
    number = 1
    try:
        with pq.ParquetFile(source.path) as file:
            for batch in file.iter_batches(_ROWS):
                yield from records.read(_lines(batch, layout, number))
                number += batch.num_rows
    except (pa.ArrowException, OSError) as error:
        source.damage = f"it cannot be read as Parquet from row {number} on ({_short(error)})"


def _parser(layout: _Layout, clock: WallClock | None, ask: Ask) -> Callable[[bytes], Record]:
    reading, width = layout.reading, len(layout.names)

    def parse(line: bytes) -> Record:
        row = fields(line, _SEPARATOR)
        rounded = len(row) > width
        record = reading.record(row[:width], clock, ask)
        return record._replace(odd=_ROUNDED) if rounded else record

    return parse


# Rows as text; a last field more says that a float was rounded.
def _lines(batch: pa.RecordBatch, layout: _Layout, first: int) -> Iterator[Line]:
    numbers = {layout.reading.at[role] for role in _NUMBERS}
    columns, rounded = [], [False] * batch.num_rows
    for at, (column, name) in enumerate(zip(batch.columns, layout.names, strict=True)):
        texts = _texts(column, name)
        columns.append(texts)
        if at in numbers and pa.types.is_float64(column.type):
            exact = column.to_pylist()
            rounded = [
                was or (value is not None and float(text) != value)
                for was, text, value in zip(rounded, texts, exact, strict=True)
            ]
    for k, row in enumerate(zip(*columns, strict=True)):
        text = _SEPARATOR.join(row) + (f"{_SEPARATOR}rounded" if rounded[k] else "")
        yield Line(first + k, text.encode())


def _texts(column: pa.Array, name: str) -> list[str]:
    kind = column.type
    if pa.types.is_timestamp(kind):
        zone = "Z" if kind.tz else ""
        return ["" if value is None else value + zone for value in _moments(column)]
    if pa.types.is_float64(kind):
        return ["" if value is None else f"{value:.15g}" for value in column.to_pylist()]
    if pa.types.is_float32(kind) or pa.types.is_float16(kind):
        return ["" if value is None else _short_float(value, kind) for value in column.to_pylist()]
    if pa.types.is_nested(kind):
        return [f"{name}: {kind}"] * len(column)
    return ["" if value is None else str(value).strip() for value in column.to_pylist()]


# By arrow's own text, which has all digits of ns.
def _moments(column: pa.Array) -> list[str | None]:
    plain = column.cast(pa.timestamp(column.type.unit))
    texts: list[str | None] = plain.cast(pa.string()).to_pylist()
    return texts


def _short_float(value: float, kind: Any) -> str:
    import numpy as np

    return str(np.float32(value) if pa.types.is_float32(kind) else np.float16(value))


def _short(error: Exception) -> str:
    return str(error).splitlines()[0][:160] if str(error) else type(error).__name__
