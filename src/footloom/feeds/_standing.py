"""How the symbols of one venue stand, and what was counted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from footloom.feeds._chores import Chores
from footloom.feeds._rates import Rate
from footloom.feeds._reader import Reader
from footloom.feeds._socket import Keeper
from footloom.feeds._symbol import Symbol
from footloom.feeds.backfill import Repair
from footloom.feeds.clock import ReceiptClock
from footloom.feeds.flow import FeedState, Phase
from footloom.feeds.metrics import FeedFigures

__all__ = ("Standing", "figures")

_WORST: tuple[Phase, ...] = ("live", "closed", "stale", "reconnecting", "connecting", "stopped")


@dataclass(slots=True)
class Standing:
    """Puts together what sockets, repairs and readers say of a symbol; ``carriers`` gives the sockets that carry it."""

    symbols: Mapping[str, Symbol]
    keepers: Mapping[Keeper, object]
    repairs: Mapping[str, Sequence[Repair]]
    reader: Reader
    chores: Chores
    receipts: ReceiptClock
    carriers: Callable[[str], Iterable[Keeper]]
    options: Callable[[str], str]  # why those of a symbol are not followed
    _before: dict[str, FeedState] = field(default_factory=dict)
    _rates: dict[str, Rate] = field(default_factory=dict)

    def of(self, name: str) -> FeedState:
        """Return how a symbol stands."""
        before = self._before.get(name)
        phase, text = self._phase_of(name)
        now_ns = self.receipts.now_ns()
        symbol = self.symbols.get(name)
        progress = [one.progress for one in self.repairs.get(name, ()) if one.progress is not None]
        state = FeedState(
            phase=phase,
            text=text,
            since_ns=now_ns if before is None or before.phase != phase else before.since_ns,
            backfill=min(progress, default=None),
            messages_per_s=0.0
            if symbol is None
            else self._rates.setdefault(name, Rate()).note(symbol.messages, now_ns),
            offset_ms=self.offset_ms,
        )
        self._before[name] = state
        return state

    @property
    def offset_ms(self) -> float | None:
        """How far our clock is ahead of the venue's, as it says or as its messages are stamped; None if not known."""
        said = self.chores.offset_ms
        return self.reader.stamps.offset_ms if said is None else said

    # The worst of the sockets that carry the symbol's tape.
    def _phase_of(self, name: str) -> tuple[Phase, str]:
        trouble = (
            self.chores.trouble.get(name)
            or self.chores.trouble.get("")
            or self.options(name)
            or self.reader.trouble(self.receipts.now_ns())
            or self.receipts.text
        )
        if name not in self.symbols:
            return ("stopped" if self.chores.trouble.get(name) else "connecting"), trouble
        if self.chores.trouble.get("") and not self.keepers:
            return "stopped", trouble
        mine = list(self.carriers(name))
        if not mine:
            return "connecting", trouble
        # Those that carry its tape say how it stands; another one that is down is told beside it.
        tape = (name, self.symbols[name].main)
        first = [keeper for keeper in mine if tape in keeper.socket.expects] or mine
        worst = max(first, key=lambda keeper: _WORST.index(_phase(keeper, name)))
        phase = _phase(worst, name)
        hush_s = min(keeper.hush_s for keeper in mine) if phase == "live" else 0.0
        if hush_s:
            return "stale", f"nothing was heard for {hush_s:.0f} s, which is unusual here"
        beside = next((keeper.text for keeper in mine if keeper not in first and keeper.text), "")
        return phase, worst.text or beside or trouble


def _phase(keeper: Keeper, name: str) -> Phase:
    if keeper.phase == "live" and any(silent == name for silent, _ in keeper.watch.silent):
        return "stale"
    return keeper.phase


def figures(
    venue: str, symbols: Mapping[str, Symbol], keepers: Iterable[Keeper], reader: Reader, offset_ms: float | None
) -> FeedFigures:
    """Return counts since the start."""
    every = list(keepers)
    ids = [tape.events or tape.ids for symbol in symbols.values() for tape in symbol.tapes.values()]
    return FeedFigures(
        venue=venue,
        frames=reader.frames,
        waiting=sum(keeper.waiting for keeper in every),
        quarantined=reader.quarantined,
        connections=sum(keeper.connections for keeper in every),
        losses=sum(keeper.losses for keeper in every),
        duplicates=sum(one.duplicates for one in ids),
        late=sum(one.late for one in ids),
        off_grid=sum(len(symbol.off_grid) for symbol in symbols.values()),
        book_breaks=sum(symbol.book.breaks for symbol in symbols.values() if symbol.book is not None),
        offset_ms=offset_ms,
    )
