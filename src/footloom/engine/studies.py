"""Studies over bars: one choice of a study, its fold, and what it counts in the trades while bars are made."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Self, cast

import msgspec

from footloom.core.footprint import Footprint
from footloom.core.instrument import Instrument
from footloom.core.sessions import calendar
from footloom.core.trades import I64, Trades
from footloom.engine.beside import Tapes, Units
from footloom.errors import ConfigError
from footloom.kernels.fold import Count
from footloom.studies import (
    Answer,
    Beside,
    Counting,
    Joining,
    Run,
    Study,
    decode_state,
    encode_state,
    find_study,
    make_params,
)

__all__ = ("StudyFold", "counting", "run_study")


class StudyFold:
    """One study with its settings, fed with neighbouring runs of bars.

    ``update`` keeps what it saw: give it final bars. ``peek`` answers for bars that may still change and keeps nothing.
    ``tapes`` is where it finds other symbols; a study that names none needs none.
    """

    def __init__(self, name: str, settings: Mapping[str, object] | None = None, label: str | None = None) -> None:
        self.study: Study = find_study(name)
        self.name = name
        self.label = label or name
        self.params: Any = make_params(self.study, settings or {})
        self.state: msgspec.Struct = self.study.State()
        self.tapes: Tapes | None = None
        self.note = ""  # what of it cannot be said here, and why

    @property
    def companions(self) -> tuple[str, ...]:
        """The other symbols that it reads."""
        return self.study.companions(self.params) if isinstance(self.study, Joining) else ()

    def companions_of(self, own: Instrument) -> tuple[str, ...]:
        """Return the symbols that it reads beside the bars of a chart: of an inverse contract its own trades too.

        Raises
        ------
        ConfigError
            A setting names no symbol.
        """
        named = tuple(key for key in self.companions if key != own.key)
        return (*named, own.key) if named and own.inverse else named

    def steps(self, own: Instrument) -> dict[str, Decimal]:
        """Return what the units ``base`` and ``price`` of its columns are worth beside a chart of ``own``."""
        units = Units.of(own, ()) if self.tapes is None else self.tapes.units
        return {"base": units.base, "price": units.price}

    @property
    def title(self) -> str:
        """What it is called with its settings, and what of it cannot be said."""
        titled: Callable[[Any], str] | None = getattr(self.study, "title_of", None)
        title = self.study.TITLE if titled is None else titled(self.params)
        return f"{title}: {self.note}" if self.note else title

    @property
    def titles(self) -> Mapping[str, str]:
        """What its outputs are called with its settings, by their names."""
        titled: Callable[[Any], Mapping[str, str]] | None = getattr(self.study, "titles_of", None)
        named = {} if titled is None else titled(self.params)
        return {one.name: named.get(one.name, one.title) for one in self.study.OUTPUTS}

    @property
    def reads_trades(self) -> bool:
        """Whether it counts in the trades themselves: then bars must be made with `counting`."""
        return isinstance(self.study, Counting)

    def update(self, footprint: Footprint) -> Answer:
        """Fold final bars, the ones that follow those given before."""
        answer, self.state = self.study.update(self._run(footprint), self.params, self.state)
        return answer

    def peek(self, footprint: Footprint) -> Answer:
        """Return what the study says of the bars that follow, without taking them in."""
        answer, _ = self.study.update(self._run(footprint), self.params, self.state)
        return answer

    def reduce(self, trades: Trades, ends: I64) -> dict[str, I64]:
        """Return what the study counts in the trades of each bar, under names of its own."""
        columns = cast("Counting", self.study).reduce(trades, ends, self.params)
        return {f"{self.label}.{name}": column for name, column in columns.items()}

    def begin_again(self) -> None:
        """Forget every bar."""
        self.state = self.study.State()

    def to_bytes(self) -> bytes:
        """Return the state as bytes."""
        return encode_state(self.state)

    def restore(self, data: bytes) -> Self:
        """Take a state that `to_bytes` returned."""
        self.state = decode_state(self.study, data)
        return self

    def _run(self, footprint: Footprint) -> Run:
        prefix = f"{self.label}."
        mine = {name.removeprefix(prefix): c for name, c in footprint.prints.items() if name.startswith(prefix)}
        if self.reads_trades and not mine:
            raise ConfigError(
                f"{self.study.TITLE} reads the trades themselves: make the bars with it, "
                f'such as footprint(trades, bars="1m", studies=["{self.name}"])'
            )
        return Run(footprint, calendar(footprint.instrument.calendar), mine, self._beside(footprint))

    def _beside(self, footprint: Footprint) -> Beside | None:
        own = footprint.instrument
        if not isinstance(self.study, Joining) or not self.companions:
            return None
        wanted = self.companions_of(own)
        if not wanted or not len(footprint):
            return Units.of(own, ()).beside({})
        if self.tapes is None:
            raise ConfigError(
                f"{self.study.TITLE} reads {', '.join(wanted)} too, and here is only {own.key}: ask where they are "
                "stored, or give their trades as companions"
            )
        from_ns = self.study.reads_from(footprint, self.params, self.state)
        return self.tapes.beside(from_ns, max(from_ns, int(footprint.bars.close_ns[-1])))


def counting(folds: Sequence[StudyFold]) -> Count | None:
    """Return the function that counts for these studies while bars are made, or None where none needs it."""
    readers = [fold for fold in folds if fold.reads_trades]
    if not readers:
        return None

    def count(trades: Trades, ends: I64) -> dict[str, I64]:
        return {name: column for fold in readers for name, column in fold.reduce(trades, ends).items()}

    return count


def run_study(name: str, footprint: Footprint, settings: Mapping[str, object] | None = None) -> Answer:
    """Return what a study says of finished bars, at once.

    Raises
    ------
    ConfigError
        There is no such study, or no such setting.
    """
    return StudyFold(name, settings).update(footprint)
