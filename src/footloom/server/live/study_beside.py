"""Studies beside a live chart: final bars are taken in once, open ones are only looked at."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from footloom.core.footprint import BAR_FINAL, Footprint
from footloom.core.sessions import calendar
from footloom.engine.build import gap_flags
from footloom.engine.runs import bar_runs
from footloom.engine.studies import StudyFold, counting
from footloom.errors import ConfigError
from footloom.server.stored.history import ChartKey, History, Seed, grow_until_ns
from footloom.server.wire.frames import Frame
from footloom.server.wire.messages import StudyOutput, StudyRequest, StudySpec
from footloom.server.wire.studies import Told, encode_studies

__all__ = ("MOST_STUDIES", "StudiesBeside", "folds_of", "specs_of", "studies_beside")

MOST_STUDIES = 32
_MOST_BARS = 20_000  # final bars whose values are kept for snapshots


def folds_of(requests: Sequence[StudyRequest]) -> list[StudyFold]:
    """Return the folds of some studies, every setting checked.

    Raises
    ------
    ConfigError
        There is no such study or setting, a label stands twice, or there are too many.
    """
    if len(requests) > MOST_STUDIES:
        raise ConfigError(f"{len(requests)} studies beside one chart, at most {MOST_STUDIES} are: leave some out")
    folds = [StudyFold(one.study, one.params, one.label or None) for one in requests]
    labels = [fold.label for fold in folds]
    twice = sorted({label for label in labels if labels.count(label) > 1})
    if twice:
        raise ConfigError(f"two studies are labelled {', '.join(twice)}: give each a label of its own")
    return folds


def specs_of(folds: Sequence[StudyFold]) -> list[StudySpec]:
    """Return studies as they were resolved."""
    return [
        StudySpec(
            label=fold.label,
            study=fold.name,
            title=fold.title,
            params=msgspec.to_builtins(fold.params),
            outputs=[
                StudyOutput(one.name, one.kind, one.unit, one.columns, one.title, one.life, one.bits)
                for one in fold.study.OUTPUTS
            ],
        )
        for fold in folds
    ]


class StudiesBeside:
    """Studies that follow one topic's builder.

    ``is_stale`` says that a final bar has changed after the fact: nothing more is said until they were read anew.
    """

    def __init__(self, folds: Sequence[StudyFold]) -> None:
        self.folds = list(folds)
        self.specs = specs_of(folds)
        self.is_stale = False
        self._studies: dict[str, Any] = {fold.label: fold.study for fold in folds}
        self._final: deque[Told] = deque()
        self._bars = 0

    def close(self, bars: Footprint) -> Told:
        """Take in final bars, the ones that follow those given before, and return what is said of them."""
        told = _told(bars, {fold.label: fold.update(bars) for fold in self.folds})
        self._final.append(told)
        self._bars += len(bars)
        while self._bars - len(self._final[0].open_ns) > _MOST_BARS:
            self._bars -= len(self._final.popleft().open_ns)
        return told

    def look(self, bars: Footprint) -> Told:
        """Return what is said of bars that are still open."""
        return _told(bars, {fold.label: fold.peek(bars) for fold in self.folds})

    def frame(self, told: Told, kind: str, topic_id: int, seq: int) -> Frame:
        """Return a frame of it."""
        return Frame(
            topic_id,
            seq,
            kind,
            lambda form: encode_studies(told, self._studies, kind, form, topic_id=topic_id, topic_seq=seq),
        )

    def held(self, count: int, opened: Footprint | None) -> Told | None:
        """Return what was said of the last final bars, and what is said of the open ones behind them."""
        pieces = list(self._final)
        if len(pieces) > 1:
            joined = Told.concat(pieces)
            self._final = deque([joined])
            pieces = [joined]
        if opened is not None and len(opened):
            pieces.append(self.look(opened))
        return Told.concat(pieces).last(count) if pieces else None


def studies_beside(history: History, chart: ChartKey, seed: Seed, folds: Sequence[StudyFold]) -> StudiesBeside:
    """Return studies that stand where a seed stands, as if they had seen the whole tape. Blocking.

    The tape is folded piece by piece from its first trade on where a study looks back, else from the session of the
    first bar that the seed shows.
    """
    beside = StudiesBeside(folds)
    held = seed.builder.frame(2**31)
    if held is None or not len(held):
        return beside
    shown_ns = int(held.footprint.bars.open_ns[0])
    looks_back = any(fold.study.warmup(fold.params) for fold in folds)
    start_ns = seed.first_ns if looks_back else calendar(chart.instrument.calendar).session_of(shown_ns)[0]
    if start_ns < shown_ns:
        _fold_before(history, chart, folds, start_ns, shown_ns)
    opened = seed.builder.open_frame()
    final = held.footprint.slice(0, len(held) - (0 if opened is None else len(opened)))
    if len(final):
        beside.close(final)
    return beside


def _fold_before(history: History, chart: ChartKey, folds: Sequence[StudyFold], start_ns: int, shown_ns: int) -> None:
    until_ns = grow_until_ns(chart, shown_ns)
    gaps = history.store.gaps(chart.key, chart.tape, start_ns, until_ns)
    pieces = history.pieces(chart.key, chart.tape, start_ns, until_ns)
    for run in bar_runs(pieces, chart.spec.bars, chart.spec.ticks_per_level, counting(folds)):
        count = int(np.searchsorted(run.bars.open_ns, shown_ns))
        if count:
            part = run.slice(0, count)
            marked = part.with_flags(part.bars.flags | gap_flags(part, gaps) | BAR_FINAL)
            for fold in folds:
                fold.update(marked)


def _told(bars: Footprint, answers: dict[str, Any]) -> Told:
    return Told(bars.bars.open_ns, bars.level_offset, answers)
