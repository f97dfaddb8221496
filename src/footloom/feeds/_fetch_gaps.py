"""What is missing between one source of a fetched tape and the next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from footloom.core.instrument import Instrument
from footloom.core.messages import Gap
from footloom.core.trades import Trades
from footloom.feeds._fetch_pages import stored_ids
from footloom.feeds._import_ids import Hole
from footloom.feeds._import_tally import gaps_of
from footloom.store import Store

__all__ = ("Settled", "settle_gaps")

_NEAR_NS = 60_000_000_000


class Settled(NamedTuple):
    """How many gaps are open, and how many ids are missing in them."""

    open: int
    missing: int


def settle_gaps(
    store: Store, instrument: Instrument, tape: str, span_ns: tuple[int, int], joints_ns: Sequence[int]
) -> Settled:
    """Tell the store what is missing where one source ends and the next begins, at ``joints_ns``.

    There nobody has looked for a gap yet. Elsewhere the sources have, and know of prints that are no market trades,
    whose ids are not stored; and gaps that fetched rows have closed, the store finds itself.
    """
    from_ns, to_ns = span_ns
    known = store.gaps(instrument.key, tape, from_ns, to_ns)
    if not joints_ns:
        return Settled(len(known), sum(gap.missing or 0 for gap in known))
    runs = stored_ids(store, instrument.key, tape, from_ns - _NEAR_NS, to_ns + _NEAR_NS)
    holes = [hole for hole in runs.holes() if any(hole.from_ns <= at <= hole.to_ns for at in joints_ns)]
    new = gaps_of(instrument.symbol, [hole for hole in holes if not any(_covers(gap, hole) for gap in known)])
    if new:
        store.write_part(Trades.empty(instrument, tape), None, new)
    every = [*known, *new]
    return Settled(len(every), sum(gap.missing or 0 for gap in every))


def _covers(gap: Gap, hole: Hole) -> bool:
    return gap.from_ns <= min(hole.from_ns, hole.to_ns) and max(hole.from_ns, hole.to_ns) <= gap.to_ns
