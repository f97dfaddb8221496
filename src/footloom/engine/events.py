"""What the engine says: bars that moved, closed or changed after the fact, and gaps (definitions 0.5, 2.3)."""

from __future__ import annotations

from dataclasses import dataclass

from footloom.core.messages import Gap
from footloom.engine.frame import ChartFrame

__all__ = ("BarClosed", "BarRevised", "BarUpdated", "Event", "GapSeen", "Rebuilt")


@dataclass(frozen=True, slots=True)
class BarUpdated:
    """A provisional bar as it stands now, whole: the next one replaces it."""

    frame: ChartFrame


@dataclass(frozen=True, slots=True)
class BarClosed:
    """A bar is final: said once. ``known_ns`` is the engine time at which that was known."""

    frame: ChartFrame
    known_ns: int


@dataclass(frozen=True, slots=True)
class BarRevised:
    """A final bar changed because a trade came late; it stays final."""

    frame: ChartFrame


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """So many bars changed that everything from ``from_ns`` on must be read again; ``epoch`` counts these.

    ``closed`` are the bars that are final since, where that is all that happened: no bar changed that was final before.
    """

    from_ns: int
    epoch: int
    closed: ChartFrame | None = None


@dataclass(frozen=True, slots=True)
class GapSeen:
    """A stretch of the tape is missing."""

    gap: Gap


Event = BarUpdated | BarClosed | BarRevised | Rebuilt | GapSeen
