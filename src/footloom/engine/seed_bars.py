"""The bars of a stored tape, from its trades or from kept cells, and where its live fold goes on behind them."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from footloom.bars import BarRule
from footloom.bars.time import TimeRule
from footloom.core.edges import Edges
from footloom.core.footprint import Footprint
from footloom.core.sessions import Calendar
from footloom.core.trades import Trades
from footloom.engine.build import together
from footloom.engine.minute_cells import bars_of_cells
from footloom.kernels.fold import Count, combine, fold

__all__ = ("SeedBars", "seed_of_cells", "seed_of_pieces", "seed_of_sessions")


class SeedBars(NamedTuple):
    """Bars of the newest trades, and behind them the rule's state, the edges of the last bar, the newest row's key."""

    bars: Footprint
    edges: Edges
    state: bytes
    newest: tuple[int, int]


def seed_of_pieces(
    pieces: Iterable[Trades], rule: BarRule, market: Calendar, ticks_per_level: int, count: Count | None = None
) -> SeedBars | None:
    """Return the bars of neighbouring pieces of a tape, one of which is in memory at a time; None without a trade."""
    runs: list[Footprint] = []
    edges, state, newest = None, b"", (0, 0)
    for piece in filter(len, pieces):
        edges, state = rule.edges(piece, market, state)
        made = fold(piece, edges, rule.text, ticks_per_level, count)
        runs.append(combine(runs.pop(), made.slice(0, 1)) if runs else made.slice(0, 1))
        if len(made) > 1:
            runs += [made.slice(1, len(made) - 1), made.slice(len(made) - 1, len(made))]
        newest = (int(piece.ts_exch_ns[-1]), int(piece.trade_id[-1]))
    if edges is None:
        return None
    return SeedBars(Footprint.concat([run for run in runs if len(run)]), edges, state, newest)


def seed_of_sessions(
    parts: Sequence[Iterable[Trades]], rule: BarRule, market: Calendar, ticks_per_level: int, count: Count | None = None
) -> SeedBars | None:
    """Return the same of neighbouring parts of a tape, a thread each; a session begins with every part but the first.

    There every rule begins anew.
    """
    made = together(lambda pieces: seed_of_pieces(pieces, rule, market, ticks_per_level, count), parts)
    found = [one for one in made if one is not None]
    if not found:
        return None
    return found[-1]._replace(bars=functools.reduce(combine, (one.bars for one in found)))


def seed_of_cells(
    parts: Sequence[Footprint], rule: BarRule, ticks_per_level: int, newest: tuple[int, int]
) -> SeedBars | None:
    """Return the same from one-minute bars of the tape (`footloom.engine.minute_cells`); None where they cannot say."""
    found = bars_of_cells(parts, rule, ticks_per_level) if parts else None
    if found is None or not isinstance(rule, TimeRule):
        return None
    bars, edges = found
    return SeedBars(bars, edges, rule.state_behind(edges), newest)
