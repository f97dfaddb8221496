"""The frame of one bar, encoded dozens of times a second for each chart: the same bytes, several times faster."""

from __future__ import annotations

import struct
from operator import itemgetter
from typing import Final

import numpy as np

from footloom.engine.frame import ChartFrame
from footloom.engine.open_bar import COLUMNS, packed
from footloom.kernels.level_bytes import fill_level_bytes, level_bytes
from footloom.server.wire.layout import (
    BAR_COLUMNS,
    HEADER,
    HEADER_BYTES,
    KINDS,
    LAYOUT_VERSION,
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
_HEAD: Final = struct.Struct(HEADER)
_LEVELS_AT: Final = HEADER_BYTES + _BAR.size
_INT32_MAX = 2**31 - 1
_NAN = float("nan")


def _places(*names: str) -> tuple[int, ...]:
    return tuple(COLUMNS.index(name) for name in names)


_times: Final = itemgetter(*_places("open_ns", "close_ns", "last_ns"))
_sides: Final = itemgetter(*_places("buy_lot", "sell_lot", "unknown_lot"))
_whole: Final = itemgetter(
    *_places(
        *(f"{name}_tick" for name in ("open", "high", "low", "close")),
        *(f"{name}_lot" for name in ("buy", "sell", "unknown", "min_delta", "max_delta", "cvd", "min_vol")),
    )
)
_rows: Final = itemgetter(*_places("poc_row", "vah_row", "val_row"))
_TRADES, _FLAGS, _INFERRED, _QUOTE = _places("trades", "flags", "inferred_lot", "quote_lot")


def encode_one(frame: ChartFrame, kind: str, topic_id: int, topic_seq: int) -> bytes | None:
    """Return the frame of one bar with levels; None where a number may not fit: `encode` then finds out, and says."""
    one = packed(frame) if len(frame) == 1 else None
    if one is None or not one.count:
        return None
    count, rows = one.count, one.rows
    base = rows.item(0)
    bar = _bar(one.bar.tolist(), base, count)
    if bar is None or rows.item(count - 1) - base > _INT32_MAX:
        return None
    data = bytearray(_LEVELS_AT + level_bytes(count))
    _HEAD.pack_into(data, 0, MAGIC, LAYOUT_VERSION, KINDS[kind], 0, 0, 1, count, topic_id, topic_seq, NO_SEQ)
    _BAR.pack_into(data, HEADER_BYTES, *bar)
    fill_level_bytes(rows, one.marks, count, np.frombuffer(data, np.uint8, offset=_LEVELS_AT))
    return bytes(data)


# In the order of the layout's table. Levels are at least 0 and add up to their bar: none is beyond what fits the bar.
def _bar(values: list[int], base: int, count: int) -> tuple[float, ...] | None:
    buy, sell, unknown = _sides(values)
    volume, trades = buy + sell + unknown, values[_TRADES]
    whole = (base, *_whole(values))
    poc, vah, val = _rows(values)
    offsets = (poc - base, vah - base, val - base)
    if not volume or max(*whole, trades, volume) > MAX_EXACT or min(whole) < -MAX_EXACT:
        return None
    if max(offsets) > _INT32_MAX or min(offsets) < -_INT32_MAX:
        return None
    quote_share = values[_QUOTE] / volume if values[_INFERRED] > 0 else _NAN
    return (
        *_times(values),
        *whole,
        (volume - unknown) / volume,
        quote_share,
        trades,
        *offsets,
        values[_FLAGS],
        0,
        count,
    )
