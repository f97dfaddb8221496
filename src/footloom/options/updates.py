"""Updates of open interest: which row of a chain said what stood before another (definitions 7.1).

A table says its open interest anew at each of its times, and each saying is an update. A feed repeats the last one
with every message: there an update is another number.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from footloom.core.chains import FEEDS, UNDERLYING
from footloom.core.series import Series
from footloom.core.snapshots import NO_QUOTE
from footloom.core.trades import I64

__all__ = ("latest_said", "option_numbers", "update_before")

_NONE: Final = -1


def option_numbers(series: Series) -> I64:
    """Return a number for the option that each row speaks of, the same for all rows of one; -1 for the underlying."""
    _, expiry = np.unique(series["expiry_ns"], return_inverse=True)
    strikes, strike = np.unique(series["strike_tick"], return_inverse=True)
    numbers = (expiry * len(strikes) + strike) * 2 + (series["side"] > 0)
    return np.where(series["side"] == UNDERLYING, _NONE, numbers).astype(np.int64)


def update_before(series: Series, numbers: I64, days: I64) -> I64:
    """Return, for each row that says open interest, the row that said the update before it; -1 where none did.

    Parameters
    ----------
    series
        Rows of a chain in the order of time (n,).
    numbers
        The option of each (n,), as `option_numbers` has it.
    days
        The day that each is filed under (n,): an update of another day is none.
    """
    found = np.full(len(series), _NONE, np.int64)
    oi = series["oi_lot"]
    said = np.flatnonzero((oi != NO_QUOTE) & (numbers != _NONE))
    rows = said[np.argsort(numbers[said], kind="stable")]  # of one option together, each in the order of time
    if not len(rows):
        return found
    follows = np.zeros(len(rows), np.bool_)
    follows[1:] = (numbers[rows[1:]] == numbers[rows[:-1]]) & (days[rows[1:]] == days[rows[:-1]])
    repeats = np.zeros(len(rows), np.bool_)
    repeats[1:] = follows[1:] & (oi[rows[1:]] == oi[rows[:-1]]) & np.isin(series["source"][rows[1:]], FEEDS)
    place = np.arange(len(rows))
    first = np.maximum.accumulate(np.where(repeats, 0, place))  # the saying that a repetition repeats
    found[rows] = np.where(follows[first], rows[np.maximum(first - 1, 0)], _NONE)
    return found


def latest_said(numbers: I64, said: NDArray[np.bool_]) -> I64:
    """Return the last row of each option among those that are marked, ascending; of the underlying too."""
    rows = np.flatnonzero(said)
    last = np.full(int(numbers.max(initial=_NONE)) + 2, _NONE, np.int64)
    last[numbers[rows]] = rows  # they ascend: the last one stands; the underlying's is the last place
    kept: I64 = np.sort(last[last != _NONE])
    return kept
