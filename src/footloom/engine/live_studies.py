"""Studies beside a live chart: they take in bars when these are final, and look at the open ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from footloom.core.footprint import Footprint
from footloom.core.messages import Gap
from footloom.core.trades import Trades
from footloom.engine.builder import Builder
from footloom.engine.events import BarClosed, BarRevised, Event, Rebuilt
from footloom.engine.studies import StudyFold
from footloom.studies import Answer

__all__ = ("LiveStudies", "StudiesTold")


@dataclass(frozen=True, slots=True)
class StudiesTold:
    """What studies say after a commit, by their labels.

    ``final`` answers for final bars, from number ``first`` on, counted from the chart's first bar: the ones that closed
    with this commit, or all that are held (``first`` is `Builder.dropped`, 0 on the first two sessions) where a late
    trade changed an earlier one. ``provisional`` answers for the open bars (`Builder.open_frame`).
    """

    first: int
    final: Mapping[str, Answer]
    provisional: Mapping[str, Answer]


class LiveStudies:
    """Studies that follow a builder, which must count for them (`footloom.engine.studies.counting`).

    What they say of a final bar is what they say of it in a batch over the same tape.
    """

    def __init__(self, builder: Builder, folds: Sequence[StudyFold]) -> None:
        self._builder = builder
        self._folds = list(folds)
        self._final = 0  # bars that the folds have taken in

    def seed(self, trades: Trades, gaps: Sequence[Gap] = ()) -> StudiesTold:
        """Give the builder the stored tape (`Builder.seed`)."""
        self._builder.seed(trades, gaps)
        return self._begin_again()

    def update(
        self, trades: Trades, watermark_ns: int, gaps: Sequence[Gap] = ()
    ) -> tuple[list[Event], StudiesTold | None]:
        """Give the builder one commit; return its events, and what the studies say where any bar moved."""
        events = self._builder.update(trades, watermark_ns, gaps)
        if not events:
            return events, None
        if any(isinstance(event, BarRevised | Rebuilt) for event in events):
            return events, self._begin_again()
        closed = [event.frame.footprint for event in events if isinstance(event, BarClosed)]
        return events, self._tell(Footprint.concat(closed) if closed else None)

    def _begin_again(self) -> StudiesTold:
        for fold in self._folds:
            fold.begin_again()
        self._final = self._builder.dropped
        held, opened = self._builder.frame(), self._builder.open_frame()
        if held is None:
            return self._tell(None)
        return self._tell(held.slice(0, len(held) - (0 if opened is None else len(opened))).footprint)

    def _tell(self, closed: Footprint | None) -> StudiesTold:
        first = self._final
        final = {}
        if closed is not None and len(closed):
            final = {fold.label: fold.update(closed) for fold in self._folds}
            self._final += len(closed)
        opened = self._builder.open_frame()
        provisional = {} if opened is None else {fold.label: fold.peek(opened.footprint) for fold in self._folds}
        return StudiesTold(first, final, provisional)
