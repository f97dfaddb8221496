"""What the parts of one venue's feed share."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from footloom.feeds._asks import Asks
from footloom.feeds._fleet import Fleet
from footloom.feeds._settings import Settings
from footloom.feeds._symbol import Symbol
from footloom.feeds.backfill import Repair
from footloom.feeds.clock import Clock, ReceiptClock
from footloom.store import Store
from footloom.venues._venue import Bases

__all__ = ("Stock", "Yard")


@dataclass(frozen=True, slots=True)
class Yard:
    """What the feeds of one process share.

    ``settled`` says whether all that they gave is durable; they call ``wake`` when there is something to take.
    """

    clock: Clock
    receipts: ReceiptClock
    store: Store | None
    rng: random.Random = field(default_factory=random.Random)
    settled: Callable[[], bool] = lambda: True
    wake: Callable[[], None] = lambda: None


@dataclass(slots=True)
class Stock:
    """One venue: what is asked of it, its symbols by the venue's own names, and what is wrong, in words.

    ``repairs`` are those of a symbol, one a tape. ``trouble`` is of symbols; under "" of the whole venue.
    """

    venue: Any
    bases: Bases
    settings: Settings
    yard: Yard
    asks: Asks
    fleet: Fleet
    symbols: dict[str, Symbol] = field(default_factory=dict)
    repairs: dict[str, tuple[Repair, ...]] = field(default_factory=dict)
    trouble: dict[str, str] = field(default_factory=dict)

    def mend(self, name: str, *, behind: bool = True) -> None:
        """Let what is missing of a symbol be fetched now; ``behind`` is what is newer than the newest trade, too."""
        for repair in self.repairs.get(name, ()):
            repair.behind |= behind
            repair.asked.set()

    @property
    def name(self) -> str:
        """The venue's name."""
        name: str = self.venue.VENUE
        return name
