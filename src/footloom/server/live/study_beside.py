"""Studies beside a live chart: final bars are taken in once, open ones are only looked at."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import numpy as np

from footloom.core.footprint import BAR_FINAL, Footprint
from footloom.core.sessions import calendar
from footloom.engine.beside_live import LiveTapes, Settling
from footloom.engine.build import gap_flags
from footloom.engine.studies import StudyFold, counting
from footloom.errors import ConfigError
from footloom.server.live.companions import Companions
from footloom.server.stored.history import ChartKey, History, Seed, grow_until_ns
from footloom.server.stored.joined import join
from footloom.server.stored.studied import runs_of
from footloom.server.wire.frames import Frame
from footloom.server.wire.messages import StudyOutput, StudyRequest, StudySpec
from footloom.server.wire.studies import Told, encode_studies

__all__ = ("MOST_STUDIES", "StudiesBeside", "folds_of", "specs_of", "studies_beside")

MOST_STUDIES = 32
_UNSETTLED = 3  # the last final bars of a seed, for which other symbols may not have been heard yet
_MOST_BARS = 20_000  # final bars whose values are kept for snapshots
_APART = 256  # closes whose values are kept apart before they are joined: alone each takes some kB


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


def specs_of(folds: Sequence[StudyFold], chart: ChartKey) -> list[StudySpec]:
    """Return studies as they were resolved."""
    return [
        StudySpec(
            label=fold.label,
            study=fold.name,
            title=fold.title,
            params=msgspec.to_builtins(fold.params),
            steps=_steps(fold, chart),
            outputs=_outputs(fold),
        )
        for fold in folds
    ]


def _outputs(fold: StudyFold) -> list[StudyOutput]:
    titles = fold.titles
    return [
        StudyOutput(one.name, one.kind, one.unit, one.columns, titles[one.name], one.life, one.bits)
        for one in fold.study.OUTPUTS
    ]


def _steps(fold: StudyFold, chart: ChartKey) -> dict[str, str]:
    units = {one.unit for one in fold.study.OUTPUTS}
    return {unit: f"{step:f}" for unit, step in fold.steps(chart.instrument).items() if unit in units}


class _Told:
    # What some studies said of final bars, the newest of them.

    def __init__(self, folds: Sequence[StudyFold]) -> None:
        self.folds = list(folds)
        self._final: deque[Told] = deque()
        self._bars = self._apart = 0

    def close(self, bars: Footprint) -> Told:
        told = _told(bars, {fold.label: fold.update(bars) for fold in self.folds})
        self._final.append(told)
        self._bars += len(bars)
        self._apart += 1
        if self._apart == _APART:
            last = [self._final.pop() for _ in range(min(_APART, len(self._final)))]
            self._final.append(Told.concat(last[::-1]))
            self._apart = 0
        while self._bars - len(self._final[0].open_ns) > _MOST_BARS:
            self._bars -= len(self._final.popleft().open_ns)
        return told

    def look(self, bars: Footprint) -> Told:
        return _told(bars, {fold.label: fold.peek(bars) for fold in self.folds})

    def held(self, behind: Footprint | None) -> Told | None:
        pieces = list(self._final)
        if len(pieces) > 1:
            pieces = [Told.concat(pieces)]
            self._final, self._apart = deque(pieces), 0
        if behind is not None and len(behind):
            pieces.append(self.look(behind))
        return Told.concat(pieces) if pieces else None


class StudiesBeside:
    """Studies that follow one topic's builder.

    ``is_stale`` says that a final bar has changed after the fact: nothing more is said until they were read anew.
    Studies that read other symbols too say nothing final of a bar before those were heard beyond its close.
    """

    def __init__(self, folds: Sequence[StudyFold], companions: Companions | None = None) -> None:
        self.folds = list(folds)
        self.specs: list[StudySpec] = []
        self.is_stale = False
        self.companions = companions
        self._studies: dict[str, Any] = {fold.label: fold.study for fold in folds}
        self._plain = _Told([fold for fold in folds if not fold.companions])
        self._joined = _Told([fold for fold in folds if fold.companions])
        self._settling = Settling()

    @property
    def keys(self) -> tuple[str, ...]:
        """The other symbols that they read."""
        return () if self.companions is None else self.companions.keys

    @property
    def _tapes(self) -> Sequence[LiveTapes]:
        return () if self.companions is None else self.companions.tapes

    def seed(self, history: History, chart: ChartKey, held: Footprint, final: int) -> None:
        """Take in the final bars of a seed; other symbols are read from the store but for the last bars. Blocking.

        ``held`` are its bars, of which the first ``final`` are final.
        """
        if self._plain.folds and final:
            self._plain.close(held.slice(0, final))
        if not self._joined.folds:
            return
        first = max(0, final - _UNSETTLED)
        if first:
            self._joined.close(held.slice(0, first))
        if self.companions is not None:
            self.companions.read(history, chart.instrument, self._joined.folds, held.slice(first, len(held)))
        self._settling.close(held.slice(first, final))
        self.settle()

    def begin(self, told: Callable[[int | None], None]) -> None:
        """Call a function when other symbols have traded: with None, or from when on bars are to be read anew."""
        if self.companions is not None:
            self.companions.begin(told)

    def stop(self) -> None:
        """Hear no other symbols any more."""
        if self.companions is not None:
            self.companions.close()

    def close(self, bars: Footprint) -> list[Told]:
        """Take in final bars, the ones that follow those given before, and return what is said of them."""
        found = [self._plain.close(bars)] if self._plain.folds else []
        if self._joined.folds:
            self._settling.close(bars)
            for tapes in self._tapes:
                tapes.note(int(bars.bars.close_ns[-1]))
            found += self.settle()
        return found

    def note(self, watermark_ns: int) -> list[Told]:
        """Note the engine's time, ns UTC, and return what is said of final bars that wait no longer."""
        for tapes in self._tapes:
            tapes.note(watermark_ns)
        return self.settle()

    def settle(self) -> list[Told]:
        """Return what is said of final bars that other symbols have passed by now."""
        ready = self._settling.ready(self._tapes)
        if ready is None:
            return []
        told = self._joined.close(ready)
        for tapes in self._tapes:
            tapes.settle(int(ready.bars.close_ns[-1]))
        return [told]

    def looks(self, opened: Footprint | None) -> list[tuple[str, Told]]:
        """Return what is said of bars that are still open, or not settled yet, each under a name of its own."""
        behind = self._settling.with_open(opened) if self._joined.folds else None
        found = [("studies", self._plain.look(opened))] if self._plain.folds and opened is not None else []
        return found + ([("companions", self._joined.look(behind))] if behind is not None else [])

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
        plain = self._plain.held(opened) if self._plain.folds else None
        joined = self._joined.held(self._settling.with_open(opened)) if self._joined.folds else None
        found = [told for told in (plain, joined) if told is not None]
        if not found:
            return None
        most = min([count, *(len(one.open_ns) for one in found)])
        last = [told.last(most) for told in found]
        answers = {label: answer for told in last for label, answer in told.answers.items()}
        return Told(last[0].open_ns, last[0].level_start, {fold.label: answers[fold.label] for fold in self.folds})


def studies_beside(
    history: History, chart: ChartKey, seed: Seed, folds: Sequence[StudyFold], companions: Companions | None = None
) -> StudiesBeside:
    """Return studies that stand where a seed stands, as if they had seen the whole tape. Blocking.

    The tape is folded piece by piece from its first trade on where a study looks back, else from the session of the
    first bar that the seed shows.
    """
    beside = StudiesBeside(folds, companions)
    join(history, chart.instrument, folds)
    held = seed.builder.frame(2**31)
    if held is not None and len(held):
        opened, bars = seed.builder.open_frame(), held.footprint
        shown_ns = int(bars.bars.open_ns[0])
        looks_back = any(fold.study.warmup(fold.params) for fold in folds)
        start_ns = seed.first_ns if looks_back else calendar(chart.instrument.calendar).session_of(shown_ns)[0]
        if start_ns < shown_ns:
            _fold_before(history, chart, folds, start_ns, shown_ns)
        beside.seed(history, chart, bars, len(held) - (0 if opened is None else len(opened)))
    beside.specs = specs_of(folds, chart)
    return beside


def _fold_before(history: History, chart: ChartKey, folds: Sequence[StudyFold], start_ns: int, shown_ns: int) -> None:
    until_ns = grow_until_ns(chart, shown_ns)
    gaps = history.store.gaps(chart.key, chart.tape, start_ns, until_ns)
    for run in runs_of(history, chart, start_ns, until_ns, counting(folds)):
        count = int(np.searchsorted(run.bars.open_ns, shown_ns))
        if count:
            part = run.slice(0, count)
            marked = part.with_flags(part.bars.flags | gap_flags(part, gaps) | BAR_FINAL)
            for fold in folds:
                fold.update(marked)


def _told(bars: Footprint, answers: dict[str, Any]) -> Told:
    return Told(bars.bars.open_ns, bars.level_offset, answers)
