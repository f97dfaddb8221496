"""The levels of one bar as the bytes of six columns: int32 rows, float64 lots, uint32 trades, uint8 marks.

Each column is padded with zeros to a multiple of eight bytes, as a frame on the wire has it.
"""

from __future__ import annotations

import numpy as np
from numba import types

from footloom.kernels.jit import I64_2D_IN, INT, U8_IN, U8_OUT, jit

__all__ = ("fill_level_bytes", "level_bytes")


def level_bytes(count: int) -> int:
    """Return how many bytes so many levels take."""
    return 2 * (4 * count + -4 * count % 8) + 24 * count + count + -count % 8


@jit(types.void(I64_2D_IN, U8_IN, INT, U8_OUT), brief=True)
def fill_level_bytes(levels, marks, count, out):
    """Write ``count`` levels, int64 (5, at least ``count``) as in `Levels`, into ``out``: `level_bytes`, all zeros.

    Rows are counted from the first one. Every number fits its column.
    """
    wide = 4 * count + (8 - 4 * count % 8) % 8
    at = 0
    out[at : at + 4 * count].view(np.int32)[:] = levels[0, :count] - levels[0, 0]
    at += wide
    for column in range(1, 4):
        out[at : at + 8 * count].view(np.float64)[:] = levels[column, :count]
        at += 8 * count
    out[at : at + 4 * count].view(np.uint32)[:] = levels[4, :count]
    at += wide
    out[at : at + count] = marks[:count]
