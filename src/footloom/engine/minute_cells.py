"""Time bars out of kept cells of one-minute bars: the same bits as from the trades, of which there are many more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from footloom.bars import BarRule
from footloom.bars.time import TimeRule
from footloom.core.edges import Edges
from footloom.core.footprint import Footprint
from footloom.core.sessions import calendar
from footloom.core.trades import Trades
from footloom.kernels.coarser import MOST_LOTS, coarser, fits
from footloom.kernels.fold import combine, fold

__all__ = ("bars_of_cells", "cell_step", "holds_minutes", "minute_cells", "runs_of_cells")

_MINUTE = TimeRule("1m", "m", 60 * 10**9)


def holds_minutes(rule: BarRule) -> bool:
    """Say whether bars of a rule are made of whole one-minute bars, wherever sessions begin."""
    return isinstance(rule, TimeRule) and (rule.unit in {"d", "w", "mo"} or rule.length_ns % _MINUTE.length_ns == 0)


def cell_step(ticks_per_level: int) -> int:
    """Return the ticks in a level of the cells that a study step is made of: a power of ten where one divides it."""
    step: int = 10 ** (len(str(ticks_per_level)) - 1)
    return step if ticks_per_level % step == 0 else ticks_per_level


def minute_cells(trades: Trades, ticks_per_level: int) -> Footprint:
    """Return the one-minute bars of trades in the ordering key; the first and the last may be parts of bars."""
    edges, _ = _MINUTE.edges(trades, calendar(trades.instrument.calendar))
    return fold(trades, edges, _MINUTE.text, ticks_per_level)


def bars_of_cells(parts: Sequence[Footprint], rule: BarRule, ticks_per_level: int) -> tuple[Footprint, Edges] | None:
    """Return the bars of a rule and their edges, which count minutes; None where only the trades can say them.

    ``parts`` are minutes of neighbouring runs of one tape, at least one, in one step that divides ``ticks_per_level``;
    two of them may each hold a part of one minute.
    """
    minutes = Footprint.concat(parts)
    edges = _edges([minutes], rule, ticks_per_level)
    return None if edges is None else (coarser(minutes, edges[0], rule.text, ticks_per_level), edges[0])


def runs_of_cells(parts: Sequence[Footprint], rule: BarRule, ticks_per_level: int) -> Iterator[Footprint] | None:
    """Return the same bars in runs, each bar once and whole: no more than a part's bars are in memory at a time."""
    edges = _edges(parts, rule, ticks_per_level)
    return None if edges is None else _runs(parts, edges, rule.text, ticks_per_level)


def _runs(parts: Sequence[Footprint], edges: Sequence[Edges], bars: str, ticks_per_level: int) -> Iterator[Footprint]:
    tail: Footprint | None = None
    for part, cut in zip(parts, edges, strict=True):
        made = coarser(part, cut, bars, ticks_per_level)
        joined = made if tail is None else combine(tail, made)
        yield joined.slice(0, len(joined) - 1)
        tail = joined.slice(len(joined) - 1, len(joined))
    if tail is not None:
        yield tail


# Of each part; None where the bars of one cannot be added up.
def _edges(parts: Sequence[Footprint], rule: BarRule, ticks_per_level: int) -> list[Edges] | None:
    if not isinstance(rule, TimeRule) or not holds_minutes(rule):
        return None
    if sum(float(part.bars.volume_lot.sum(dtype=float)) for part in parts) > MOST_LOTS:
        return None
    found = []
    for part in parts:
        edges = rule.cut(part.bars.first_ns, calendar(part.instrument.calendar))
        # Nothing but a calendar that is cut within a minute could part one.
        if np.any(part.bars.last_ns >= np.repeat(edges.close_ns, np.diff(edges.ends))):
            return None
        if not fits(part, edges, ticks_per_level):
            return None
        found.append(edges)
    return found
