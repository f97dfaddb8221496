"""What any study says of stored bars: the tape is folded from where the study begins to look. Blocking."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from footloom.core.footprint import Footprint
from footloom.core.sessions import calendar
from footloom.engine.runs import bar_runs, studies_between
from footloom.engine.studies import StudyFold
from footloom.feeds.stored import span_of
from footloom.kernels.fold import Count
from footloom.server.stored.history import ChartKey, History, grow_until_ns
from footloom.server.stored.joined import join_stored
from footloom.studies import Answer

__all__ = ("runs_of", "studied")

_MOST_ROWS = 150_000_000  # whose minutes are all held at once: fifty days of three million trades


def runs_of(
    history: History, chart: ChartKey, from_ns: int, to_ns: int, count: Count | None = None
) -> Iterator[Footprint]:
    """Yield the bars of the trades of a range in runs, of kept cells where these say the same.

    ``count`` is what studies count in the trades. Memory stays flat over any length.
    """
    is_short = history.rows(chart.key, chart.tape, from_ns, to_ns) <= _MOST_ROWS
    runs = history.runs(chart, from_ns, to_ns) if count is None and is_short else None
    if runs is not None:
        yield from runs
        return
    pieces = history.pieces(chart.key, chart.tape, from_ns, to_ns)
    yield from bar_runs(pieces, chart.spec.bars, chart.spec.ticks_per_level, count)


def studied(
    history: History, chart: ChartKey, folds: Sequence[StudyFold], from_ns: int | None, to_ns: int | None
) -> tuple[Footprint | None, dict[str, Answer]]:
    """Return the bars that open in ``[from_ns, to_ns)``, and what studies say of them, by their labels.

    The answers are those of the whole tape: it is read piece by piece from its first trade on, or from the session of
    the first bar where no study looks back.

    Raises
    ------
    NotStored
        Nothing is stored of another symbol that a study names.
    """
    join_stored(history, chart.instrument, folds)
    first_ns, last_ns = span_of(history.store, chart.key, chart.tape)
    begin_ns = -(2**62) if from_ns is None else from_ns  # the first bar opens before its first trade
    end_ns = last_ns + 1 if to_ns is None else to_ns
    until_ns = min(grow_until_ns(chart, end_ns), last_ns + 1)
    looks_back = any(fold.study.warmup(fold.params) for fold in folds)
    start_ns = first_ns if looks_back else calendar(chart.instrument.calendar).session_of(max(begin_ns, first_ns))[0]
    gaps = history.store.gaps(chart.key, chart.tape, start_ns, until_ns)
    shape = (chart.spec.bars, chart.spec.ticks_per_level)
    return studies_between(
        history.pieces(chart.key, chart.tape, start_ns, until_ns), shape, folds, (begin_ns, end_ns), gaps
    )
