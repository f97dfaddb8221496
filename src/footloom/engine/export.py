"""Charts as rows for people and programs: exact decimal text, never a binary float for a price or a quantity."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from footloom.core.decimals import from_units
from footloom.engine.frame import ChartFrame

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ("bar_rows", "bars_table", "level_rows")

_DECIMALS_MAX = 38


def bar_rows(frame: ChartFrame) -> list[dict[str, Any]]:
    """Return one dict a bar, its levels ascending as ``[price, buy, sell, unknown, trades]``; numbers as exact text.

    ``poc``, ``vah``, ``val`` are row labels (low edges), ``vah_edge`` is the top edge of the highest row (definitions
    4.2).
    """
    levels = level_rows(frame)
    offset = frame.footprint.level_offset
    return [
        row | {"levels": levels[int(offset[i]) : int(offset[i + 1])]}
        for i, row in enumerate(_rows_without_levels(frame))
    ]


def level_rows(frame: ChartFrame) -> list[list[Any]]:
    """Return every level as ``[price, buy, sell, unknown, trades]``, in the order of the bars."""
    footprint = frame.footprint
    tick, lot = footprint.instrument.tick_size, footprint.instrument.lot_size
    columns = footprint.levels
    rows = zip(
        (columns.row * footprint.ticks_per_level).tolist(),
        columns.buy_lot.tolist(),
        columns.sell_lot.tolist(),
        columns.unknown_lot.tolist(),
        columns.trades.tolist(),
        strict=True,
    )
    return [
        [from_units(p, tick), from_units(b, lot), from_units(s, lot), from_units(u, lot), n] for p, b, s, u, n in rows
    ]


def _rows_without_levels(frame: ChartFrame) -> list[dict[str, Any]]:
    footprint, step = frame.footprint, frame.spec.ticks_per_level
    bars = footprint.bars
    tick, lot = footprint.instrument.tick_size, footprint.instrument.lot_size

    def prices(column: Any) -> list[str]:
        return [from_units(value, tick) for value in column.tolist()]

    def lots(column: Any) -> list[str]:
        return [from_units(value, lot) for value in column.tolist()]

    columns = {
        "open_ns": bars.open_ns.tolist(),
        "close_ns": bars.close_ns.tolist(),
        "open": prices(bars.open_tick),
        "high": prices(bars.high_tick),
        "low": prices(bars.low_tick),
        "close": prices(bars.close_tick),
        "buy": lots(bars.buy_lot),
        "sell": lots(bars.sell_lot),
        "unknown": lots(bars.unknown_lot),
        "delta": lots(bars.delta_lot),
        "min_delta": lots(bars.min_delta_lot),
        "max_delta": lots(bars.max_delta_lot),
        "cvd": lots(frame.cvd_lot),
        "trades": bars.trades.tolist(),
        "poc": prices(frame.poc_row * step),
        "vah": prices(frame.vah_row * step),
        "val": prices(frame.val_row * step),
        "vah_edge": prices((frame.vah_row + 1) * step),
        "coverage": _or_none(frame.coverage),
        "quote_share": _or_none(frame.quote_share),
    }
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _or_none(column: Any) -> list[float | None]:
    # 0.6: undefined is null, never NaN.
    return [None if math.isnan(value) else round(value, 6) for value in column.tolist()]


def bars_table(frame: ChartFrame) -> pa.Table:
    """Return one row a bar as an Arrow table: times int64 ns UTC, exact decimals, levels as a list of structs."""
    import pyarrow as pa

    footprint, step = frame.footprint, frame.spec.ticks_per_level
    bars = footprint.bars
    tick, lot = footprint.instrument.tick_size, footprint.instrument.lot_size

    def exact(column: Any, unit: Any) -> pa.Array:
        kind = pa.decimal128(_DECIMALS_MAX, max(0, -int(unit.as_tuple().exponent)))
        return pa.array([from_units(value, unit) for value in column.tolist()], pa.string()).cast(kind)

    ticks = {"open": bars.open_tick, "high": bars.high_tick, "low": bars.low_tick, "close": bars.close_tick}
    ticks |= {"poc": frame.poc_row * step, "vah": frame.vah_row * step, "val": frame.val_row * step}
    ticks |= {"vah_edge": (frame.vah_row + 1) * step}
    lots = {"buy": bars.buy_lot, "sell": bars.sell_lot, "unknown": bars.unknown_lot, "delta": bars.delta_lot}
    lots |= {"min_delta": bars.min_delta_lot, "max_delta": bars.max_delta_lot, "cvd": frame.cvd_lot}
    columns: dict[str, Any] = {"open_ns": bars.open_ns, "close_ns": bars.close_ns}
    columns |= {name: exact(column, tick) for name, column in ticks.items()}
    columns |= {name: exact(column, lot) for name, column in lots.items()}
    columns |= {"trades": bars.trades, "coverage": _or_none(frame.coverage), "quote_share": _or_none(frame.quote_share)}
    levels = footprint.levels
    cells = pa.StructArray.from_arrays(
        [
            exact(levels.row * step, tick),
            exact(levels.buy_lot, lot),
            exact(levels.sell_lot, lot),
            exact(levels.unknown_lot, lot),
            pa.array(levels.trades),
        ],
        ["price", "buy", "sell", "unknown", "trades"],
    )
    columns["levels"] = pa.ListArray.from_arrays(pa.array(footprint.level_offset, pa.int32()), cells)
    columns["quote_share"] = pa.array(columns["quote_share"], pa.float64())
    return pa.table(columns)
