"""What is still missing, after everything that was said about it (definitions 0.5)."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from footloom.core.messages import Gap

__all__ = ("closing", "open_gaps")


def open_gaps(records: Iterable[Gap]) -> list[Gap]:
    """Return the gaps that are open after some records, given in the order in which they came, in time order.

    A healed record closes what it covers of the gaps before it, none that comes after it. What is left of a gap keeps
    its cause. How many trades are still missing is known where the record says how many it brought and what is left is
    one stretch.

    Examples
    --------
    >>> lost = Gap(symbol="BTCUSDT", from_ns=0, to_ns=10, cause="disconnect", missing=7)
    >>> found = Gap(symbol="BTCUSDT", from_ns=0, to_ns=4, cause="backfill", missing=5, healed=True)
    >>> [(gap.from_ns, gap.to_ns, gap.missing) for gap in open_gaps([lost, found])]
    [(4, 10, 2)]
    """
    still: dict[Gap, None] = {}  # ordered, each once
    for record in records:
        if record.healed:
            still = dict.fromkeys(left for gap in still for left in _left(gap, record))
        else:
            still[record] = None
    return sorted(still, key=lambda gap: (gap.from_ns, gap.to_ns, gap.cause, gap.missing or 0))


def closing(gap: Gap, others: Iterable[Gap]) -> list[Gap]:
    """Return the records that close a gap and take nothing away from ``others``, which stay open.

    Gaps include the instants of the trades on either side of them. So two that lie side by side share one: closed as a
    whole, the first would open a hole in the second, and what was lost in that instant would be lost without a word.

    Examples
    --------
    >>> first = Gap(symbol="BTCUSDT", from_ns=0, to_ns=11, cause="disconnect")
    >>> second = Gap(symbol="BTCUSDT", from_ns=10, to_ns=21, cause="disconnect")
    >>> [(one.from_ns, one.to_ns, one.healed) for one in closing(first, [second])]
    [(0, 10, True)]
    """
    stretches = [(gap.from_ns, gap.to_ns)]
    for other in others:
        stretches = [
            (first, last)
            for start, stop in stretches
            for first, last in ((start, min(stop, other.from_ns)), (max(start, other.to_ns), stop))
            if first < last
        ]
    missing = gap.missing if len(stretches) == 1 else None
    replace = msgspec.structs.replace
    return [replace(gap, from_ns=first, to_ns=last, missing=missing, healed=True) for first, last in stretches]


def _left(gap: Gap, healed: Gap) -> list[Gap]:
    if healed.from_ns <= gap.from_ns and gap.to_ns <= healed.to_ns:
        return []
    if healed.to_ns <= gap.from_ns or gap.to_ns <= healed.from_ns:
        return [gap]
    before = (gap.from_ns, min(gap.to_ns, healed.from_ns))
    after = (max(gap.from_ns, healed.to_ns), gap.to_ns)
    stretches = [(first, last) for first, last in (before, after) if first < last]
    missing = None
    if len(stretches) == 1 and gap.missing is not None and healed.missing is not None:
        missing = max(0, gap.missing - healed.missing)
    return [msgspec.structs.replace(gap, from_ns=first, to_ns=last, missing=missing) for first, last in stretches]
