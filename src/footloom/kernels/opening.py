"""Ranges of a session's first minutes, and what days and weeks leave behind (definitions 4.5, 4.7)."""

from __future__ import annotations

from numba import types

from footloom.kernels.developing import FRESH, OUTSIDE, UNDEFINED
from footloom.kernels.jit import I64_IN, I64_OUT, jit, part

__all__ = ("fill_opening", "fill_previous")

_TABLE = types.Array(types.int64, 2, "C")


@part
def _widen(held, at, high, low):
    if held[at] == UNDEFINED:
        held[at], held[at + 1] = high, low
    else:
        held[at], held[at + 1] = max(held[at], high), min(held[at + 1], low)


@jit(types.void(I64_IN, I64_IN, I64_IN, I64_IN, I64_IN, I64_OUT, _TABLE))
def fill_opening(code, inside, over, high, low, held, out):
    """Write the opening range and the session's own range as of each bar.

    ``code`` says how a bar counts, ``inside`` whether it lies in the first minutes, ``over`` whether they end with it;
    ``held`` (5,): high, low of the range, high, low of the session, whether the minutes are over; carried on in place.
    ``out`` (5, n_bars): the same as of each bar. Undefined: `UNDEFINED`.
    """
    for bar in range(len(code)):
        if code[bar] == FRESH:
            for i in range(4):
                held[i] = UNDEFINED
            held[4] = 0
        if code[bar] != OUTSIDE:
            _widen(held, 2, high[bar], low[bar])
            if inside[bar]:
                _widen(held, 0, high[bar], low[bar])
        if over[bar]:
            held[4] = 1
        for i in range(5):
            out[i, bar] = held[i]


@jit(types.void(*(I64_IN,) * 8, I64_OUT, I64_OUT, _TABLE))
def fill_previous(code, opened, high, low, close, poc, vah, val, held, before, out):
    """Write what the period before left behind, as of each bar, and where the current one opened.

    ``poc``, ``vah``, ``val`` need be defined at the last bar of each period and of the run only. ``held`` (7,): high,
    low, close, POC, VAH, VAL and open of the period so far; ``before`` (6,): the same of the one before, without its
    open; both carried on in place. ``out`` (7, n_bars): ``before``, and the current open. Undefined: `UNDEFINED`.
    """
    for bar in range(len(code)):
        if code[bar] == FRESH:
            for i in range(6):
                before[i] = held[i]
                held[i] = UNDEFINED
            held[6] = opened[bar]
        if code[bar] != OUTSIDE:
            _widen(held, 0, high[bar], low[bar])
            held[2] = close[bar]
        if poc[bar] != UNDEFINED:
            held[3], held[4], held[5] = poc[bar], vah[bar], val[bar]
        for i in range(6):
            out[i, bar] = before[i]
        out[6, bar] = held[6]
