"""What flows from a feed: arrivals before they are durable, commits after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, NamedTuple, Protocol

from footloom.core.messages import Gap
from footloom.core.series import Series
from footloom.core.snapshots import Snapshots
from footloom.core.trades import Trades

__all__ = ("Arrival", "Commit", "FeedState", "Losses", "Phase", "Quote", "Score", "Source")

Score = dict[str, float | int | None]
Quote = tuple[int | None, int | None]
Phase = Literal["connecting", "live", "reconnecting", "stale", "closed", "stopped"]


@dataclass(frozen=True, slots=True)
class FeedState:
    """How the connection of one symbol stands.

    ``closed`` is a market that is shut, ``stale`` one that is open and says nothing, ``stopped`` a feed that will not
    try again. ``text`` says what happened and what is done about it, "" where all is well. ``backfill`` is how much of
    the history behind it is there, 0 to 1, None where none is under way. ``offset_ms`` is how far our clock is ahead of
    the venue's.
    """

    phase: Phase
    text: str = ""
    since_ns: int = 0
    backfill: float | None = None
    messages_per_s: float = 0.0
    offset_ms: float | None = None


class Losses(NamedTuple):
    """Rows that were received since the start and will never be stored.

    ``refused`` by the store for what they are, ``given_up`` because it took nothing for too long; of all symbols, which
    ``of`` tells apart.
    """

    refused: int = 0
    given_up: int = 0
    of: Mapping[str, int] = MappingProxyType({})

    def and_more(self, key: str, *, refused: int = 0, given_up: int = 0) -> Losses:
        """Return them with rows of a symbol."""
        of = {**self.of, key: self.of.get(key, 0) + refused + given_up}
        return Losses(self.refused + refused, self.given_up + given_up, of)


@dataclass(frozen=True, slots=True)
class Arrival:
    """What one symbol received since the last time it was asked, up to ``until_ns``.

    ``block`` is what is stored, ``trades`` what is folded: the same rows, or the trades inferred from snapshots. A
    symbol that is heard on two tapes has an arrival for each. ``quote`` is the best bid and ask in ticks after them,
    None where the feed has none. ``series`` and ``logs`` (liquidations, prints off the market) are stored beside them,
    each on a tape of its own; ``side_gaps`` are (tape, gap) of theirs, and such a tape is among them, if without rows.
    """

    key: str
    block: Trades | Snapshots
    trades: Trades
    until_ns: int
    gaps: tuple[Gap, ...] = ()
    quote: Quote = (None, None)
    score: Score | None = None
    state: FeedState | None = None
    series: tuple[Series, ...] = ()
    logs: tuple[Trades, ...] = ()
    side_gaps: tuple[tuple[str, Gap], ...] = ()

    @property
    def _prices(self) -> Snapshots | None:
        return self.block if isinstance(self.block, Snapshots) and self.block.instrument.kind == "index" else None

    def stored(self) -> list[tuple[Trades | Snapshots | Series, Sequence[Gap]]]:
        """Return what has to be made durable: rows with the gaps of their tape, where there are any of the two."""
        if not self.logs and not self.series:
            return [(self.block, self.gaps)] if len(self.block) or self.gaps else []
        items: list[tuple[Trades | Snapshots | Series, Sequence[Gap]]] = [(self.block, self.gaps)]
        beside: tuple[Trades | Series, ...] = (*self.logs, *self.series)
        items += [(rows, [gap for tape, gap in self.side_gaps if tape == rows.tape]) for rows in beside]
        return [(rows, gaps) for rows, gaps in items if len(rows) or gaps]

    def committed(self, *, recorded: bool, losses: Losses) -> Commit:
        """Return the same as others see it, once it is durable or could not be made so."""
        return Commit(
            key=self.key,
            trades=self.trades,
            gaps=self.gaps,
            watermark_ns=self.until_ns,
            quote=self.quote,
            score=self.score,
            recorded=recorded,
            losses=losses,
            state=self.state,
            series=self.series,
            logs=self.logs,
            side_gaps=self.side_gaps,
            snapshots=len(self.block) if isinstance(self.block, Snapshots) else None,
            prices=self._prices,
        )


@dataclass(frozen=True, slots=True)
class Commit:
    """Rows of one symbol that are durable (or, with ``recorded`` false, could not be made so), in arrival order.

    ``watermark_ns`` is the engine's time: everything received up to it is in this commit or an earlier one.
    ``series``, ``logs`` and ``side_gaps`` are as in `Arrival`; the tape of ``trades`` says which of a symbol's it is.
    ``losses`` is what will never be stored, of all symbols since the start. ``snapshots`` is from how many rows of the
    tape the trades were inferred, None where they are its rows themselves. ``prices`` are those of an index, which has
    no trades.
    """

    key: str
    trades: Trades
    gaps: tuple[Gap, ...]
    watermark_ns: int
    quote: Quote = (None, None)
    score: Score | None = None
    recorded: bool = True
    losses: Losses = field(default_factory=Losses)
    state: FeedState | None = None
    series: tuple[Series, ...] = ()
    logs: tuple[Trades, ...] = ()
    side_gaps: tuple[tuple[str, Gap], ...] = ()
    snapshots: int | None = None
    prices: Snapshots | None = None

    @property
    def rows(self) -> Trades | Snapshots:
        """What other charts read of the symbol: its trades, or the prices of an index."""
        return self.trades if self.prices is None else self.prices


class Source(Protocol):
    """A venue's stream of one or more symbols."""

    async def receive(self, until_ns: int) -> Sequence[Arrival]:
        """Return what arrived up to a time, in order; at least one arrival a symbol, those without rows included."""
