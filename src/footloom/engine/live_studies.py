"""Studies beside a live chart: they take in bars when these are final, and look at the open ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from footloom.core.footprint import Footprint
from footloom.core.instrument import Instrument
from footloom.core.messages import Gap
from footloom.core.snapshots import Snapshots
from footloom.core.trades import Trades
from footloom.engine.beside import LONGEST_NS, Rows, Units
from footloom.engine.beside_live import LiveTapes, Settling, Tail
from footloom.engine.builder import Builder
from footloom.engine.events import BarClosed, BarRevised, Event, Rebuilt
from footloom.engine.studies import StudyFold
from footloom.errors import ConfigError
from footloom.studies import Answer

__all__ = ("LiveStudies", "StudiesTold")


@dataclass(frozen=True, slots=True)
class StudiesTold:
    """What studies say after a commit, by their labels.

    ``final`` answers for final bars, from number ``first`` on, counted from the chart's first bar: the ones of which
    nothing was said before, or all that are held (``first`` is `Builder.dropped`, 0 on the first two sessions) where
    late trades changed an earlier one. ``provisional`` answers for the bars behind them: the open ones
    (`Builder.open_frame`), and before those the final ones that wait for other symbols.
    """

    first: int
    final: Mapping[str, Answer]
    provisional: Mapping[str, Answer]


class LiveStudies:
    """Studies that follow a builder, which must count for them (`footloom.engine.studies.counting`).

    What they say of a final bar is what they say of it in a batch over the same tape. A study that reads other symbols
    too says nothing final of a bar before each of them (``others``) was heard beyond its close, or two seconds have
    passed since; what it says is told apart from what the rest say.
    """

    def __init__(self, builder: Builder, folds: Sequence[StudyFold], others: Iterable[Instrument] = ()) -> None:
        self._builder = builder
        self._plain = _Group([fold for fold in folds if not fold.companions])
        self._joined = _Group([fold for fold in folds if fold.companions])
        self._settling = Settling()
        known = {one.key: one for one in others}
        self._tapes = [_tapes_of(fold, builder.instrument, known) for fold in self._joined.folds]

    def seed(self, trades: Trades, gaps: Sequence[Gap] = ()) -> list[StudiesTold]:
        """Give the builder the stored tape (`Builder.seed`)."""
        self._builder.seed(trades, gaps)
        self._take(trades, -(2**62), gaps)
        return self._begin_again()

    def update(
        self, trades: Trades, watermark_ns: int, gaps: Sequence[Gap] = ()
    ) -> tuple[list[Event], list[StudiesTold]]:
        """Give the builder one commit; return its events, and what the studies say where any bar moved."""
        events = self._builder.update(trades, watermark_ns, gaps)
        is_late = self._take(trades, watermark_ns, gaps)
        if any(isinstance(event, BarRevised | Rebuilt) for event in events):
            return events, self._begin_again()
        pieces = [event.frame.footprint for event in events if isinstance(event, BarClosed)]
        closed = Footprint.concat(pieces) if pieces else None
        if closed is not None and self._joined.folds:
            self._settling.close(closed)
        told = [self._plain.tell(closed, self._opened())] if events and self._plain.folds else []
        return events, [*told, *(self._join_again() if is_late else self._settle(said=bool(events)))]

    def hear(self, block: Trades | Snapshots, watermark_ns: int, gaps: Sequence[Gap] = ()) -> list[StudiesTold]:
        """Take in one commit of another symbol, and return what the studies that read it say now."""
        if self._take(block, watermark_ns, gaps):
            return self._join_again()
        return self._settle(said=len(block) > 0)

    # Whether bars that were settled have to be told anew.
    def _take(self, block: Trades | Snapshots, watermark_ns: int, gaps: Sequence[Gap]) -> bool:
        key, late = block.instrument.key, []
        for tapes in self._tapes:
            if key in tapes.units.others:
                late.append(tapes.take(key, tapes.units.rows(block), gaps, watermark_ns))
            tapes.note(watermark_ns)
        return any(at is not None for at in late)

    def _opened(self) -> Footprint | None:
        opened = self._builder.open_frame()
        return None if opened is None else opened.footprint

    def _finals(self) -> Footprint | None:
        held, opened = self._builder.frame(), self._builder.open_frame()
        return None if held is None else held.slice(0, len(held) - (0 if opened is None else len(opened))).footprint

    def _begin_again(self) -> list[StudiesTold]:
        told = []
        if self._plain.folds:
            self._plain.begin_again(self._builder.dropped)
            told.append(self._plain.tell(self._finals(), self._opened()))
        return [*told, *self._join_again()]

    def _join_again(self) -> list[StudiesTold]:
        self._joined.begin_again(self._builder.dropped)
        self._settling = Settling()
        finals = self._finals()
        if finals is not None:
            self._settling.close(finals)
        return self._settle(said=True)

    def _settle(self, *, said: bool) -> list[StudiesTold]:
        if not self._joined.folds:
            return []
        ready = self._settling.ready(self._tapes)
        if ready is None and not said:
            return []
        told = self._joined.tell(ready, self._settling.with_open(self._opened()))
        if ready is not None:
            first_ns = self._builder.first_ns
            for tapes in self._tapes:
                tapes.settled_ns = int(ready.bars.close_ns[-1])
                if first_ns is not None:  # whoever begins again reads from the first bar that is held on
                    tapes.forget(first_ns - LONGEST_NS)
        return [told]


class _Group:
    # Studies that have taken in the same bars.

    def __init__(self, folds: Sequence[StudyFold]) -> None:
        self.folds = list(folds)
        self._final = 0  # bars that the folds have taken in

    def begin_again(self, first: int) -> None:
        for fold in self.folds:
            fold.begin_again()
        self._final = first

    def tell(self, closed: Footprint | None, behind: Footprint | None) -> StudiesTold:
        first, final = self._final, {}
        if closed is not None and len(closed):
            final = {fold.label: fold.update(closed) for fold in self.folds}
            self._final += len(closed)
        provisional = {} if behind is None else {fold.label: fold.peek(behind) for fold in self.folds}
        return StudiesTold(first, final, provisional)


def _tapes_of(fold: StudyFold, own: Instrument, known: Mapping[str, Instrument]) -> LiveTapes:
    wanted = fold.companions_of(own)
    missing = [key for key in wanted if key not in known and key != own.key]
    if missing:
        raise ConfigError(f"{fold.study.TITLE} reads {', '.join(missing)} too, which is not among the other symbols")
    units = Units.of(own, [own if key == own.key else known[key] for key in wanted])
    nothing = np.empty(0, np.int64)
    tapes = LiveTapes(units, {key: Tail(Rows(nothing, nothing, nothing), ()) for key in wanted})
    fold.tapes = tapes
    return tapes
