"""The frame of one bar, encoded dozens of times a second for each chart: the same bytes, several times faster."""

from __future__ import annotations

import struct
from typing import Final

import numpy as np

from footloom.engine.frame import ChartFrame
from footloom.server.wire.layout import (
    ALIGN,
    BAR_COLUMNS,
    HEADER,
    HEADER_BYTES,
    KINDS,
    LAYOUT_VERSION,
    LEVEL_COLUMNS,
    LEVEL_START,
    MAGIC,
    MAX_EXACT,
    NO_SEQ,
    ColumnType,
)

__all__ = ("encode_one",)

_FORMS: Final[dict[ColumnType, str]] = {"i64": "q", "f64": "d", "i32": "i4x", "u32": "I4x", "u8": "B7x"}
_BAR: Final = struct.Struct(
    "<" + "".join("II" if name == LEVEL_START else _FORMS[type_] for name, type_ in BAR_COLUMNS)
)
_LEVELS_AT: Final = HEADER_BYTES + _BAR.size
_DTYPES: Final[dict[ColumnType, str]] = {"i64": "<i8", "f64": "<f8", "i32": "<i4", "u32": "<u4", "u8": "u1"}
_LEVEL_TYPES: Final = tuple(np.dtype(_DTYPES[type_]) for _, type_ in LEVEL_COLUMNS)
_INT32_MAX = 2**31 - 1
_NAN = float("nan")


def encode_one(frame: ChartFrame, kind: str, topic_id: int, topic_seq: int) -> bytes | None:
    """Return the frame of one bar with levels; None where a number may not fit: `encode` then finds out, and says."""
    levels = frame.footprint.levels
    start, rows = frame.footprint.level_offset, levels.row
    count = len(rows)
    if len(start) != 2 or start[0] or not count:
        return None
    base = rows.item(0)
    if rows.item(count - 1) - base > _INT32_MAX:
        return None
    # All three are at least 0: a sum of bits is no less than any of them, and as an unsigned number no sign is lost.
    bits = (levels.buy_lot | levels.sell_lot | levels.unknown_lot).view(np.uint64)
    if bits.max() > MAX_EXACT:
        return None
    bar = _bar(frame, base, count)
    if bar is None:
        return None
    data = bytearray(_LEVELS_AT + sum(_padded(count * dtype.itemsize) for dtype in _LEVEL_TYPES))
    head = (MAGIC, LAYOUT_VERSION, KINDS[kind], 0, 0, 1, count, topic_id, topic_seq, NO_SEQ)
    struct.pack_into(HEADER, data, 0, *head)
    _BAR.pack_into(data, HEADER_BYTES, *bar)
    at = _LEVELS_AT
    columns = (rows - base, levels.buy_lot, levels.sell_lot, levels.unknown_lot, levels.trades, frame.cell_flags)
    for dtype, column in zip(_LEVEL_TYPES, columns, strict=True):
        np.ndarray(count, dtype, data, at)[:] = column
        at += _padded(count * dtype.itemsize)
    return bytes(data)


def _padded(size: int) -> int:
    return size + -size % ALIGN


# In the order of the layout's table.
def _bar(frame: ChartFrame, base: int, count: int) -> tuple[float, ...] | None:
    bars = frame.footprint.bars
    buy, sell, unknown = bars.buy_lot.item(0), bars.sell_lot.item(0), bars.unknown_lot.item(0)
    volume = buy + sell + unknown
    whole = (
        base, bars.open_tick.item(0), bars.high_tick.item(0), bars.low_tick.item(0), bars.close_tick.item(0),
        buy, sell, unknown, bars.min_delta_lot.item(0), bars.max_delta_lot.item(0),
        frame.cvd_lot.item(0), frame.min_vol_lot.item(0),
    )  # fmt: skip
    trades, rows = bars.trades.item(0), (frame.poc_row.item(0), frame.vah_row.item(0), frame.val_row.item(0))
    offsets = tuple(row - base for row in rows)
    if not volume or max(*whole, trades) > MAX_EXACT or min(whole) < -MAX_EXACT or volume > MAX_EXACT:
        return None
    if max(offsets) > _INT32_MAX or min(offsets) < -_INT32_MAX:
        return None
    quote_share = bars.quote_lot.item(0) / volume if bars.inferred_lot.item(0) > 0 else _NAN
    times = (bars.open_ns.item(0), bars.close_ns.item(0), bars.last_ns.item(0))
    return (
        *times, *whole, (volume - unknown) / volume, quote_share, trades, *offsets, bars.flags.item(0), 0, count
    )  # fmt: skip
