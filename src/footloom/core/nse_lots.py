"""How many units one contract of NSE's index options is, by the day on which it expires (definitions 0.7).

From circulars as the press quotes them: where contracts of the old and the new size stood side by side, nothing is said
here, and the broker's list of the day or the user decides.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

__all__ = ("underlying_of_index", "units_a_lot")

_END: Final = dt.date(9999, 12, 31)
# Underlying: (first expiry, last expiry, units). A new size holds for contracts that are listed from a day on, so that
# old and new ones expired in turns from November 2024 to January 2025.
_TABLE: Final[dict[str, tuple[tuple[dt.date, dt.date, int], ...]]] = {
    "NIFTY": (
        (dt.date(2022, 1, 1), dt.date(2024, 4, 30), 50),
        (dt.date(2024, 5, 2), dt.date(2024, 11, 19), 25),
        (dt.date(2025, 2, 1), dt.date(2025, 12, 31), 75),
        (dt.date(2026, 1, 1), _END, 65),
    ),
    "BANKNIFTY": (
        (dt.date(2023, 8, 1), dt.date(2024, 11, 19), 15),
        (dt.date(2025, 2, 1), dt.date(2025, 7, 30), 30),
        (dt.date(2025, 7, 31), dt.date(2025, 12, 31), 35),
        (dt.date(2026, 1, 1), _END, 30),
    ),
}

# The underlying of options by the name of its index, as NSE and the brokers' keys of indices write it.
_INDICES: Final = {
    "nifty 50": "NIFTY",
    "nifty bank": "BANKNIFTY",
    "nifty fin service": "FINNIFTY",
    "nifty mid select": "MIDCPNIFTY",
    "nifty next 50": "NIFTYNXT50",
}


def underlying_of_index(symbol: str) -> str | None:
    """Return what options on an index of NSE call it, None where that is not known.

    Examples
    --------
    >>> underlying_of_index("NSE_INDEX|Nifty 50"), underlying_of_index("NSE_EQ|INE467B01029")
    ('NIFTY', None)
    """
    return _INDICES.get(symbol.rpartition("|")[2].lower())


def units_a_lot(underlying: str, expiry: dt.date) -> int | None:
    """Return how many units a contract that expires on a day is, None where that is not known.

    Examples
    --------
    >>> units_a_lot("NIFTY", dt.date(2025, 12, 9)), units_a_lot("NIFTY", dt.date(2026, 1, 6))
    (75, 65)
    >>> units_a_lot("NIFTY", dt.date(2024, 12, 26)) is None
    True
    """
    for first, last, units in _TABLE.get(underlying.upper(), ()):
        if first <= expiry <= last:
            return units
    return None
