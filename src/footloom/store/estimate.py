"""How long a disk lasts: bytes a day from what was measured, and days from what is free."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from footloom.store.layout import BOOKS

__all__ = ("Estimate", "Rate", "estimate")

_DAY_S = 86_400


class Rate(msgspec.Struct, frozen=True):
    """What one tape brought in a while: rows, how long that took, and how many bytes a row takes on the disk.

    `footloom.store.measure.bytes_per_row` gives the last from the very rows; a short measurement in a busy hour gives
    more than a day has, one at night less.
    """

    rows: int
    seconds: float
    bytes_per_row: float

    @property
    def bytes_per_day(self) -> float:
        """Bytes that a day takes at this rate."""
        return self.rows / self.seconds * _DAY_S * self.bytes_per_row if self.seconds > 0 else 0.0


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """``days_left`` until the disk is down to its reserve, None where nothing grows.

    ``book_days`` is when depth and quotes reach their quota, None where they have none or never do.
    """

    trade_bytes_per_day: float
    book_bytes_per_day: float
    days_left: float | None
    book_days: float | None


def estimate(
    rates: Mapping[str, Rate],
    free_bytes: int,
    *,
    reserve_bytes: int = 0,
    book_quota_bytes: int = 0,
    book_bytes: int = 0,
) -> Estimate:
    """Return bytes a day and days left, from the rate of each tape.

    Parameters
    ----------
    rates
        By tape, such as ``agg_trade`` and ``depth``; several symbols are added up before.
    free_bytes, reserve_bytes
        What the disk has, and what shall be left of it.
    book_quota_bytes, book_bytes
        What depth and quotes may take (0: no limit), and what they take already.

    Examples
    --------
    >>> day = Rate(rows=1_000, seconds=86.4, bytes_per_row=5.0)
    >>> round(estimate({"trade": day, "depth": day}, free_bytes=100_000_000).days_left, 9)
    10.0
    """
    books = sum(rate.bytes_per_day for tape, rate in rates.items() if tape in BOOKS)
    trades = sum(rate.bytes_per_day for tape, rate in rates.items() if tape not in BOOKS)
    free = float(max(0, free_bytes - reserve_bytes))
    book_days = max(0, book_quota_bytes - book_bytes) / books if book_quota_bytes and books else None
    total = trades + books
    days = free / total if total else None
    if book_days is not None and days is not None and book_days < days:  # from then on trades have the disk alone
        rest = free - book_days * total
        days = book_days + rest / trades if trades else None
    return Estimate(
        trade_bytes_per_day=trades,
        book_bytes_per_day=books,
        days_left=days,
        book_days=None if book_days is not None and days is not None and book_days > days else book_days,
    )
