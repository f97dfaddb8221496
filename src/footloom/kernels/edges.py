"""Bar boundaries of time bars (definitions 2.3): arrays in, arrays out."""

from __future__ import annotations

import numpy as np
from numba import types
from numpy.typing import NDArray

from footloom.core.trades import I64
from footloom.kernels.jit import I64_IN, I64_OUT, INT, jit

__all__ = ("time_edges",)

_CHUNK = 4096


@jit(types.UniTuple(INT, 2)(I64_IN, I64_IN, I64_IN, INT, INT, I64_OUT, I64_OUT, I64_OUT, I64_OUT))
def _fill_edges(ts, span_start, span_end, length, first, begins, opens, closes, spans):
    # Fills the outputs from trade `first` on until they are full or the trades are over; returns the number of bars and
    # the first trade behind them.
    n, last_span = len(ts), len(span_end) - 1
    bar, i, span, guess = 0, first, 0, 1024
    while i < n and bar < len(begins):
        while span < last_span and ts[i] >= span_end[span]:
            span += 1
        opened = span_start[span] + (ts[i] - span_start[span]) // length * length
        closed = span_end[span]
        if length < closed - opened:
            closed = opened + length
        begins[bar], opens[bar], closes[bar], spans[bar] = i, opened, closed, span
        bar += 1
        # Gallop to a trade behind the bar, then halve: a bar costs a few reads, whatever it holds.
        low, reach = i, guess
        while low + reach < n and ts[low + reach] < closed:
            low += reach
            reach *= 2
        high = min(low + reach, n)
        while high - low > 1:
            middle = (low + high) >> 1
            if ts[middle] < closed:
                low = middle
            else:
                high = middle
        guess = max((high - i) // 2, 1)
        i = high
    return bar, i


def time_edges(ts: I64, span_start: I64, span_end: I64, length: int) -> tuple[I64, I64, I64, I64]:
    """Cut ascending times at ``start + i * length`` within each span.

    Times that do not ascend are cut anyhow, at places that mean nothing: each bar has a trade, and each trade a bar.

    Parameters
    ----------
    ts
        Times, ns, int64 (n,), ascending.
    span_start, span_end
        A partition of the time that ``ts`` covers, ns, int64 (n_spans,).
    length
        Length of a bar, ns; a bar ends with its span at the latest.

    Returns
    -------
    tuple
        ``ends`` int64 (n_bars + 1,), then ``open_ns``, ``close_ns`` and the span of each bar, int64 (n_bars,).
    """
    pieces: list[NDArray[np.int64]] = []
    first = 0
    while first < len(ts):
        columns = np.empty((4, min(len(ts) - first, 16 * _CHUNK if pieces else _CHUNK)), np.int64)
        count, first = _fill_edges(ts, span_start, span_end, length, first, *columns)
        pieces.append(columns[:, :count])
    begins, opens, closes, spans = np.concatenate([np.empty((4, 0), np.int64), *pieces], axis=1)
    return np.append(begins, len(ts)), opens, closes, spans
