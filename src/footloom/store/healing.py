"""Gaps that rows brought later have closed, where the venue's ids prove it.

Ids of a tape count its trades. Where they run without a hole from a row before a gap to a row behind it, no trade is
missing there, whoever brought them and in whatever order. Rows without ids prove nothing, and neither do ids that do
not count one by one: there, whoever filled the gap has to say so with a healed gap of its own.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from footloom.core.gaps import closing
from footloom.core.messages import Gap
from footloom.core.trades import FLAG_NO_ID, I64
from footloom.store.columns import Columns, has_id, length

__all__ = ("REACH_NS", "proven_whole")

REACH_NS = 600_000_000_000  # how far from a gap the rows on either side of it are looked for
_CAUSE = "its trades were imported"


def proven_whole(columns: Columns, gaps: Sequence[Gap]) -> list[Gap]:
    """Return healed gaps for those of ``gaps`` in which nothing is missing, by the rows around and within them.

    ``columns`` are ``ts_exch_ns``, ``trade_id`` and ``flags`` of rows in the ordering key, each once.
    """
    if not gaps or not length(columns):
        return []
    numbered = has_id(columns)
    time, ids = columns["ts_exch_ns"][numbered], np.sort(columns["trade_id"][numbered])
    by_time = columns["trade_id"][numbered]
    bare = columns["ts_exch_ns"][(columns["flags"] & FLAG_NO_ID) != 0]
    whole = []
    for gap in gaps:
        if ((bare >= gap.from_ns) & (bare <= gap.to_ns)).any():
            continue
        ends = _ends(time, by_time, gap)
        if ends is not None and _run_through(ids, *ends):
            whole.append(gap)
    others = [gap for gap in gaps if gap not in whole]
    return [msgspec.structs.replace(one, cause=_CAUSE) for gap in whole for one in closing(gap, others)]


# The ids of the nearest rows that are surely on either side: of several at the very time of an end, the farther.
def _ends(time: I64, ids: I64, gap: Gap) -> tuple[int, int] | None:
    before, upto = np.searchsorted(time, gap.from_ns, "left"), np.searchsorted(time, gap.from_ns, "right")
    behind, until = np.searchsorted(time, gap.to_ns, "right"), np.searchsorted(time, gap.to_ns, "left")
    if upto == 0 or until == len(time):
        return None
    low = int(ids[before - 1]) if before else int(ids[:upto].min())
    high = int(ids[behind]) if behind < len(ids) else int(ids[until:].max())
    return (low, high) if low < high else None


def _run_through(ids: I64, low: int, high: int) -> bool:
    first, last = np.searchsorted(ids, (low, high))
    return bool(last - first == high - low)
