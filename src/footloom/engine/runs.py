"""Bars of a tape that comes in pieces, and what studies say of them: memory stays flat over any length."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from footloom.bars import parse_rule
from footloom.core.footprint import BAR_FINAL, Footprint
from footloom.core.messages import Gap
from footloom.core.sessions import calendar
from footloom.core.trades import Trades
from footloom.engine.build import gap_flags
from footloom.engine.studies import StudyFold, counting
from footloom.kernels.fold import Count, combine, fold
from footloom.studies import Answer

__all__ = ("bar_runs", "studies_between")


def bar_runs(
    pieces: Iterable[Trades], bars: str, ticks_per_level: int, count: Count | None = None
) -> Iterator[Footprint]:
    """Yield runs of bars of neighbouring pieces of one tape, each bar once and whole.

    ``pieces`` ascend in the ordering key, in themselves and from one to the next. Joined, the runs are the footprint of
    the joined pieces.
    """
    rule, state = parse_rule(bars), b""
    tail: Footprint | None = None
    for trades in pieces:
        if not len(trades):
            continue
        edges, state = rule.edges(trades, calendar(trades.instrument.calendar), state)
        made = fold(trades, edges, rule.text, ticks_per_level, count)
        joined = made if tail is None else combine(tail, made)
        yield joined.slice(0, len(joined) - 1)
        tail = joined.slice(len(joined) - 1, len(joined))
    if tail is not None:
        yield tail


def studies_between(
    pieces: Iterable[Trades],
    shape: tuple[str, int],
    folds: Sequence[StudyFold],
    span: tuple[int, int],
    gaps: Sequence[Gap] = (),
) -> tuple[Footprint | None, dict[str, Answer]]:
    """Return the bars that open in ``span``, ns UTC, and what studies say of them, by their labels.

    ``pieces`` begin where the studies shall begin to look: at the tape's first trade, or where nothing of before counts
    any more. ``shape`` is the bar rule and the ticks in a level.
    """
    kept: list[Footprint] = []
    told: dict[str, list[tuple[Answer, int]]] = {study.label: [] for study in folds}
    for run in bar_runs(pieces, *shape, counting(folds)):
        if not len(run):
            continue
        marked = run.with_flags(run.bars.flags | gap_flags(run, gaps) | BAR_FINAL)
        lo, hi = (int(at) for at in np.searchsorted(run.bars.open_ns, span))
        for study in folds:
            answer = study.update(marked)
            if lo < hi:
                told[study.label].append((answer.part(lo, hi, run.level_offset), hi - lo))
        if lo < hi:
            kept.append(marked.slice(lo, hi))
    if not kept:
        return None, {}
    return Footprint.concat(kept), {label: Answer.concat(parts) for label, parts in told.items()}
