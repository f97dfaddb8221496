"""``footloom bars --tape finished:NAME``: footprints that another program has finished, as they came."""

from __future__ import annotations

import csv as csv_format
import datetime as dt
import sys
from typing import TYPE_CHECKING, Any

import typer

from footloom.cli._shared import console
from footloom.core.place import StorePlace

if TYPE_CHECKING:
    from footloom.core.footprint import Footprint

__all__ = ("PREFIX", "refuse_to_cut", "show")

PREFIX = "finished:"
_CUT_ANEW = ("bars", "ticks_per_level", "rest_policy", "parquet", "studies")
_KEPT = ("open_ns", "close_ns", "open", "high", "low", "close", "buy", "sell", "unknown", "delta")
_COLUMNS = ("open", "high", "low", "close", "volume", "buy", "sell", "delta", "levels")
_TABLE_BARS = 60


def show(root: StorePlace, key: str, name: str, span: tuple[int | None, int | None], *, json: bool, csv: bool) -> None:
    """Print finished bars as JSON, CSV or a table.

    Raises
    ------
    NotStored
        There are none under that name.
    """
    from footloom.feeds.finished import finished_footprint
    from footloom.store.open import open_store

    with open_store(root) as store:
        footprint = finished_footprint(store, key, name, *span)
    rows = _rows(footprint)
    if json:
        _print_json(footprint, name, rows)
    elif csv:
        _print_csv(rows)
    else:
        _print_table(footprint, name, rows)


def refuse_to_cut(context: typer.Context) -> None:
    """Refuse flags that would cut the bars or rows anew: nobody has the trades.

    Raises
    ------
    BadParameter
        One was given.
    """
    for name in _CUT_ANEW:
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            flag = f"--{name.replace('_', '-')}"
            raise typer.BadParameter("finished footprints are shown as they came: leave it out", param_hint=flag)


def _rows(footprint: Footprint) -> list[dict[str, Any]]:
    from footloom.core.decimals import from_units

    bars, levels, height = footprint.bars, footprint.levels, footprint.ticks_per_level
    tick, lot = footprint.instrument.tick_size, footprint.instrument.lot_size
    rows: list[dict[str, Any]] = []
    for i, (lo, hi) in enumerate(
        zip(footprint.level_offset[:-1].tolist(), footprint.level_offset[1:].tolist(), strict=True)
    ):
        row: dict[str, Any] = {"open_ns": int(bars.open_ns[i]), "close_ns": int(bars.close_ns[i])}
        row |= {
            name: from_units(int(getattr(bars, f"{name}_tick")[i]), tick) for name in ("open", "high", "low", "close")
        }
        row |= {
            name: from_units(int(getattr(bars, f"{name}_lot")[i]), lot) for name in ("buy", "sell", "unknown", "delta")
        }
        row["levels"] = [
            [from_units(int(levels.row[k]) * height, tick)]
            + [from_units(int(column[k]), lot) for column in (levels.buy_lot, levels.sell_lot, levels.unknown_lot)]
            for k in range(lo, hi)
        ]
        rows.append(row)
    return rows


def _print_json(footprint: Footprint, name: str, rows: list[dict[str, Any]]) -> None:
    import msgspec

    instrument = footprint.instrument
    chart = {
        "symbol": instrument.key,
        "tape": name,
        "bars": footprint.bar_rule,
        "ticks_per_level": footprint.ticks_per_level,
        "tick_size": f"{instrument.tick_size:f}",
        "lot_size": f"{instrument.lot_size:f}",
    }
    sys.stdout.write(msgspec.json.encode({"chart": chart, "bars": rows}).decode() + "\n")


def _print_csv(rows: list[dict[str, Any]]) -> None:
    writer = csv_format.DictWriter(sys.stdout, [*_KEPT, "levels"], lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow(row | {"levels": " ".join(":".join(level) for level in row["levels"])})


def _print_table(footprint: Footprint, name: str, rows: list[dict[str, Any]]) -> None:
    from rich.table import Table

    from footloom.core.sessions import calendar

    instrument, out = footprint.instrument, console()
    zone = calendar(instrument.calendar).zone
    table = Table(box=None, pad_edge=False)
    table.add_column(f"open ({zone.key})", no_wrap=True)
    for column in _COLUMNS:
        table.add_column(column, justify="right", no_wrap=True)
    volumes = footprint.bars.volume_lot.tolist()
    shown = slice(max(0, len(rows) - _TABLE_BARS), len(rows))
    for row, volume in zip(rows[shown], volumes[shown], strict=True):
        moment = dt.datetime.fromtimestamp(row["open_ns"] // 10**9, zone)
        cells = row | {"volume": instrument.qty_text(volume), "levels": len(row["levels"])}
        table.add_row(f"{moment:%Y-%m-%d %H:%M:%S}", *(str(cells[column]) for column in _COLUMNS))
    height = instrument.price_text(footprint.ticks_per_level)
    out.print(f"{instrument.key} {name}: finished by another program, rows of {height}, shown as they came")
    out.print(table)
    if len(rows) > _TABLE_BARS:
        out.print(f"the last {_TABLE_BARS} of {len(rows):,} bars: --json and --csv give all, with their levels")
