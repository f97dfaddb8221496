"""Charts as rows for people and programs: exact decimal text, never a binary float for a price or a quantity."""

from __future__ import annotations

import math
from typing import Any

from footloom.core.decimals import from_units
from footloom.engine.frame import ChartFrame

__all__ = ("bar_columns", "bar_rows", "level_rows")


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


def bar_columns(frame: ChartFrame) -> list[tuple[str, str, Any]]:
    """Return what is said of every bar as ``(name, kind, column)``, in the order in which it is shown.

    Kinds: ``ns`` and ``count`` int64; ``tick`` and ``lot`` int64, of the instrument's grid; ``share`` a list of floats,
    None where undefined.
    """
    bars, step = frame.footprint.bars, frame.spec.ticks_per_level
    return [
        ("open_ns", "ns", bars.open_ns),
        ("close_ns", "ns", bars.close_ns),
        ("open", "tick", bars.open_tick),
        ("high", "tick", bars.high_tick),
        ("low", "tick", bars.low_tick),
        ("close", "tick", bars.close_tick),
        ("buy", "lot", bars.buy_lot),
        ("sell", "lot", bars.sell_lot),
        ("unknown", "lot", bars.unknown_lot),
        ("delta", "lot", bars.delta_lot),
        ("min_delta", "lot", bars.min_delta_lot),
        ("max_delta", "lot", bars.max_delta_lot),
        ("cvd", "lot", frame.cvd_lot),
        ("trades", "count", bars.trades),
        ("poc", "tick", frame.poc_row * step),
        ("vah", "tick", frame.vah_row * step),
        ("val", "tick", frame.val_row * step),
        ("vah_edge", "tick", (frame.vah_row + 1) * step),
        ("coverage", "share", _or_none(frame.coverage)),
        ("quote_share", "share", _or_none(frame.quote_share)),
        ("sure", "lot", bars.sure_lot),
        ("rest", "lot", bars.by_rest_lot),
        ("by_stated", "lot", bars.stated_lot),
        ("by_prev_quote", "lot", bars.by_quote_lot),
        ("by_prev_mid", "lot", bars.by_mid_lot),
        ("by_tick", "lot", bars.by_tick_lot),
    ]


def _rows_without_levels(frame: ChartFrame) -> list[dict[str, Any]]:
    instrument = frame.footprint.instrument
    units = {"tick": instrument.tick_size, "lot": instrument.lot_size}
    columns: dict[str, list[Any]] = {}
    for name, kind, column in bar_columns(frame):
        values = column if kind == "share" else column.tolist()
        columns[name] = [from_units(value, units[kind]) for value in values] if kind in units else values
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _or_none(column: Any) -> list[float | None]:
    # 0.6: undefined is null, never NaN.
    return [None if math.isnan(value) else round(value, 6) for value in column.tolist()]
