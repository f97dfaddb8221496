"""What is wrong with a row, in words: which column, what stands there, and what was expected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from footloom.importers import _csv_rules as csv
from footloom.importers._csv_reference import fields_of, first_refused

__all__ = ("CsvLayout", "explain", "shown")

_SHOWN = 240  # characters: a trade of a stream, whole


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvLayout:
    """The columns of a CSV file.

    ``roles`` and ``names`` have one entry a column (`_csv_rules`); ``header`` is the header's text, ``b""`` where there
    is none. ``switch_ns`` is the time from which the venue's files carry µs instead of ms. `TEXT` is the symbol's
    column, `TEXT + 1` that of the event type (``event``, others are no trades), `TEXT + 2` that of the execution type
    (one of ``market``, or no market trade, but a ``not_market``). ``key`` is the number of a column whose text tells a
    trade from all others.
    """

    roles: tuple[int, ...]
    names: tuple[str, ...]
    header: bytes = b""
    time_units: tuple[str, ...] = ("ms", "µs")
    recv_units: tuple[str, ...] = csv.UNITS
    switch_ns: int | None = None
    event: bytes = b"trade"
    market: tuple[bytes, ...] = (b"MARKET",)
    not_market: str = "execution type"
    key: int | None = None


def shown(line: bytes) -> str:
    """Return a line for a message: cut where it is long, and with nothing in it that a terminal would obey."""
    text = line[:_SHOWN].decode("utf-8", "backslashreplace").rstrip("\r\n")
    plain = "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)
    return f"{plain} ..." if len(line) > _SHOWN else plain


def explain(status: int, line: bytes, layout: CsvLayout, grid: csv.Grid, unit: str, *, ended: bool) -> str:
    """Say what is wrong with a line of a given status.

    ``unit`` is the one that the file began with, for a status of mixed units. ``ended`` False: the line is the
    file's last, and has no newline.
    """
    fields = fields_of(line)
    cut = "" if ended else "; the file ends within this line, it seems to be cut"
    if status == csv.COLUMNS:
        return f"{len(fields)} columns, expected {len(layout.roles)} ({', '.join(layout.names)}){cut}"
    if status == csv.REPEATED and layout.key is not None:
        text = fields[layout.key][:60].decode("utf-8", "backslashreplace")
        return f"{layout.names[layout.key]} {text} stands in the file before"
    name, text = _culprit(status, fields, layout, grid)
    return f"{name} is {text!r}: {_why(status, text, layout, grid, unit)}{cut}"


# Statuses that belong to one column whatever stands in the others.
_COLUMN_OF = {
    csv.ZERO_PRICE: csv.PRICE,
    csv.ZERO_QTY: csv.QTY,
    csv.MIXED_UNITS: csv.TIME,
    csv.MIXED_RECV: csv.RECV,
    csv.NOT_MARKET: csv.TEXT + 2,
    csv.ONE_TOO_MANY: csv.TEXT,
}


def _culprit(status: int, fields: Sequence[bytes], layout: CsvLayout, grid: csv.Grid) -> tuple[str, str]:
    if status in _COLUMN_OF:
        at = layout.roles.index(_COLUMN_OF[status])
    else:
        masks = (csv.unit_mask(layout.time_units), csv.unit_mask(layout.recv_units))
        at = first_refused(fields, layout.roles, csv.rules(grid, *masks))
    return layout.names[at], fields[at][:60].decode("utf-8", "backslashreplace")


def _why(status: int, text: str, layout: CsvLayout, grid: csv.Grid, unit: str) -> str:
    units = " or ".join(layout.time_units)
    side = "true or false" if csv.MAKER in layout.roles else "buy, sell or any"
    reasons = {
        csv.BAD_ID: "no whole number",
        csv.BAD_PRICE: "no decimal number",
        csv.BAD_QTY: "no decimal number",
        csv.BAD_TIME: f"no time in {units} since 1970",
        csv.BAD_RECV: f"no time in {' or '.join(layout.recv_units)} since 1970",
        csv.TIME_RANGE: f"no time between 2009 and 2100, in {units} or any other unit",
        csv.BAD_SIDE: f"expected {side}",
        csv.BELOW_ZERO: "below zero",
        csv.TOO_LARGE: "does not fit 64 bits",
        csv.ZERO_PRICE: "nothing is traded at no price",
        csv.ZERO_QTY: "nothing was traded",
        csv.ONE_TOO_MANY: "one more than a file may hold: name the one to import with --symbol, or divide the file",
        csv.NOT_MARKET: "expected MARKET; insurance fund, liquidation and settlement prints are no market trades",
    }
    if status == csv.OFF_TICK:
        return f"no whole multiple of the tick {_size(grid.price_places, grid.price_unit)}"
    if status == csv.OFF_LOT:
        return f"no whole multiple of the lot {_size(grid.qty_places, grid.qty_unit)}"
    if status == csv.TIME_UNIT:
        return f"a time in {_unit(text)}, but this format carries {units}"
    if status in {csv.MIXED_UNITS, csv.MIXED_RECV}:
        return f"a time in {_unit(text)}, but the file began in {unit}"
    if status == csv.NOT_MARKET and b"MARKET" not in layout.market:
        return f"a {layout.not_market}, which was agreed outside the book"
    return reasons[status]


def _size(places: int, unit: int) -> str:
    return f"{Decimal(unit).scaleb(-places):f}"


def _unit(text: str) -> str:
    value = Decimal(text)
    for power, unit in enumerate(csv.UNITS):
        seconds = value / 1000**power
        if csv.EARLIEST_S <= seconds < csv.LATEST_S:
            return f"{unit} ({datetime.fromtimestamp(int(seconds), UTC):%Y-%m-%d %H:%M:%S} UTC)"
    return "no unit"
