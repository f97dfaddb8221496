"""How right inferred sides are, where the true ones are known (definitions 1.4)."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
from numpy.typing import ArrayLike

from footloom.errors import DataError

__all__ = ("Score", "score")


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """How well sides were inferred (definitions 1.4); None where nothing can be said (0/0).

    ``acc_classified`` is the share of right ones among the rows that got a side, ``coverage`` the share of rows that
    got one; ``vol_*`` the same by volume; in ``acc_half_credit`` an unknown row counts as half right.
    """

    acc_classified: float | None
    coverage: float | None
    vol_acc_classified: float | None
    vol_coverage: float | None
    acc_half_credit: float | None


def score(inferred_side: ArrayLike, true_side: ArrayLike, qty: ArrayLike) -> Score:
    """Score inferred sides against true ones (definitions 1.4).

    Parameters
    ----------
    inferred_side, true_side
        +1, -1, 0 unknown; shape (n,). Rows whose true side is unknown cannot be judged and are left out.
    qty
        Volume of each row in any whole unit, shape (n,).

    Examples
    --------
    >>> score([1, 0, -1, 1, 1], [1, 1, -1, -1, 1], [1, 2, 3, 4, 5]).acc_classified
    0.75
    """
    columns = [np.asarray(column, np.int64) for column in (inferred_side, true_side, qty)]
    if len({column.shape for column in columns}) != 1:
        raise DataError(f"sides and quantities must have one shape, got {[column.shape for column in columns]}")
    judged = columns[1] != 0
    pred, true, lots = (column[judged] for column in columns)
    given, right = pred != 0, (pred == true)
    return Score(
        acc_classified=_share(right.sum(), given.sum()),
        coverage=_share(given.sum(), len(pred)),
        vol_acc_classified=_share(lots[right].sum(), lots[given].sum()),
        vol_coverage=_share(lots[given].sum(), lots.sum()),
        acc_half_credit=_share(right.sum() + 0.5 * (~given).sum(), len(pred)),
    )


def _share(part: Any, whole: Any) -> float | None:
    return float(part) / float(whole) if whole else None
