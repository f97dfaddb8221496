"""What a file holds and how it would be read: its columns, its first rows, and what is missing.

Names are guessed, meanings are not: a side's words and the unit of a time are shown, and asked for.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Final

import msgspec

from footloom.core.side import Side
from footloom.errors import ConfigError, DataError
from footloom.feeds._import_asked import Options, asked, planned
from footloom.feeds._import_tally import iso
from footloom.importers import Grid, RawText, Rows, Source
from footloom.importers._csv_rules import EARLIEST_S, LATEST_S
from footloom.importers._mapping import NEEDED, time_kind
from footloom.importers.mapped import sheet_of
from footloom.importers.mapped_parquet import columns_of

__all__ = ("Column", "Preview", "PreviewRow", "preview")

_GUESSES: Final = {
    "ts": ("timestamp", "time", "ts", "datetime", "date_time", "transact_time", "trade_time", "tradetime", "ts_event"),
    "price": ("price", "p", "px", "last", "trade_price"),
    "qty": ("qty", "quantity", "size", "volume", "amount", "vol", "q", "sz", "trade_size"),
    "side": ("side", "aggressor", "aggressor_side", "taker_side", "direction", "tradetype"),
    "maker": ("is_buyer_maker", "buyer_maker", "isbuyermaker", "m"),
    "id": ("id", "trade_id", "tradeid", "agg_trade_id", "aggtradeid"),
    "symbol": ("symbol", "ticker", "instrument", "sym"),
    "date": ("date", "day"),
}
_ROWS = 8
_EXAMPLES = 6
_PLACES = 9


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """A column: its name or number, texts of its first rows, and the role that its name may mean, or ``""``."""

    name: str
    examples: tuple[str, ...]
    guess: str


class PreviewRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row as it would be read: time as ISO text, numbers as decimal text."""

    line: int
    symbol: str
    tape: str
    time: str
    price: str
    qty: str
    side: str
    trade_id: int | None


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """What a file holds. ``missing`` says what must be told before it can be imported, ``told`` flags to begin with."""

    file: str
    format: str
    columns: tuple[Column, ...] = ()
    rows: tuple[PreviewRow, ...] = ()
    refused: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    told: str = ""


def preview(path: Path, options: Options) -> Preview:
    """Return what a file holds.

    Raises
    ------
    DataError
        Nothing can be read from it.
    """
    source = Source(path)
    columns = _columns(source)
    try:
        importer, plan = planned(source, options)
    except (DataError, ConfigError) as error:
        if options.mapping is not None or not columns:
            return Preview(file=str(path), format="", columns=columns, missing=(str(error),))
        missing, told = _missing(columns)
        return Preview(file=str(path), format="", columns=columns, missing=missing, told=told)
    found = Preview(file=str(path), format=plan.format, columns=columns, notes=plan.notes)
    try:
        ask = asked(plan, options, path)
    except ConfigError as error:
        return msgspec.structs.replace(found, missing=(str(error),))
    exact = dataclasses.replace(ask, grid=lambda _venue, _symbol, _at_ns: Grid(_PLACES, 1, _PLACES, 1))
    refused: list[str] = []
    rows: list[PreviewRow] = []
    for block in itertools.islice(importer.read(source, plan, exact), _ROWS):
        if isinstance(block, RawText):
            continue
        refused += [f"line {one.line}: {one.detail} ({one.count} such rows)" for one in block.dropped]
        if isinstance(block, Rows):
            rows += _rows(block)
    rows.sort(key=lambda row: row.line)
    return msgspec.structs.replace(found, rows=tuple(rows[:_ROWS]), refused=tuple(refused))


def _columns(source: Source) -> tuple[Column, ...]:
    if source.kind == "parquet":
        names, rows = columns_of(source.path)
    elif source.kind == "text":
        sample = source.sample()
        if any(b"{" in line for line in sample.lines[:3]):
            return ()  # JSON has no columns
        sheet = sheet_of(sample)
        names, rows = sheet.names, sheet.rows
    else:
        return ()
    columns = []
    for at, name in enumerate(names):
        texts = dict.fromkeys(row[at] for row in rows if len(row) == len(names))
        guess = next((role for role, known in _GUESSES.items() if name.lower().replace(" ", "_") in known), "")
        columns.append(Column(name=name, examples=tuple(itertools.islice(texts, _EXAMPLES)), guess=guess))
    return tuple(columns)


# What has to be told of a table that no format takes, and the flags as far as they can be guessed.
def _missing(columns: Sequence[Column]) -> tuple[tuple[str, ...], str]:
    guessed: dict[str, Column] = {}
    for column in columns:
        if column.guess:
            guessed.setdefault(column.guess, column)
    if "maker" in guessed:
        guessed.pop("side", None)
    missing = [f"which column is {role}" for role in NEEDED if role not in guessed]
    flags = []
    if "ts" in guessed:
        example = next(iter(guessed["ts"].examples), "")
        unit = _unit(example)
        missing += [f"the unit of {guessed['ts'].name}: {example} {unit}"] if time_kind(example) == "number" else []
        missing += [f"the zone of {guessed['ts'].name}: {example}"] if time_kind(example) in {"local", "clock"} else []
        flags += ["--ts-unit UNIT"] if time_kind(example) == "number" else []
    if "side" in guessed:
        missing.append(f"what {', '.join(map(repr, guessed['side'].examples))} mean in {guessed['side'].name}")
        flags.append("--side-buy WORDS --side-sell WORDS")
    told = ",".join(f"{role}={guessed[role].name}" for role in guessed if role != "date")
    missing += ["the venue and the symbol"] if "symbol" not in guessed else ["the venue"]
    return tuple(missing), " ".join([f"--map '{told}'", *flags]) if told else ""


# In which units a number is a time of this century: shown, and left to the user.
def _unit(text: str) -> str:
    try:
        value = Decimal(text)
    except ArithmeticError:
        return ""
    for power, unit in enumerate(("s", "ms", "us", "ns")):
        seconds = value / 1000**power
        if EARLIEST_S <= seconds < LATEST_S:
            return f"would be {dt.datetime.fromtimestamp(int(seconds), dt.UTC):%Y-%m-%d %H:%M:%S} UTC in {unit}"
    return "fits no unit"


def _rows(block: Rows) -> Iterator[PreviewRow]:
    for k in range(min(len(block.line), _ROWS)):
        yield PreviewRow(
            line=int(block.line[k]),
            symbol=f"{block.venue}:{block.symbol}",
            tape=block.tape,
            time=iso(int(block.ts_exch_ns[k])),
            price=_plain(int(block.price_tick[k])),
            qty=_plain(int(block.qty_lot[k])),
            side=Side(int(block.side[k])).name.lower(),
            trade_id=None if block.trade_id is None else int(block.trade_id[k]),
        )


def _plain(value: int) -> str:
    return f"{Decimal(value).scaleb(-_PLACES).normalize():f}"
