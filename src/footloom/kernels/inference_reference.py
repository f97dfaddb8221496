"""The snapshot inference in plain Python, readable as definitions 1.3: what the fast fold is tested against."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

__all__ = ("Event", "Fold", "Snap")


@dataclass(frozen=True, slots=True)
class Snap:
    """One snapshot: ``day`` any ascending number, prices in ticks, quantities in lots, None for a missing quote."""

    day: int
    ltt: int
    ltp: int
    ltq: int
    vtt: int
    bid: int | None
    ask: int | None
    reconnect: bool = False


@dataclass(frozen=True, slots=True)
class Event:
    """Volume that traded since the snapshot before: snapshot number ``i``, side +1, -1 or 0 and how it was found."""

    i: int
    side: int
    price: int
    dv: int
    sure: int
    rest: int
    how: str
    prev_ltp: int


class Fold:
    """The state of the algorithm, and its counts."""

    def __init__(self, patience: int = 5) -> None:
        self.patience = patience
        self.prev: Snap | None = None
        self.seen = 0
        self.tick_sign = 0
        self.low: list[int] = []
        self.reconnected = False
        self.unattributed = self.dropped = self.ltq_anomaly = self.rebaselined = self.corrected = 0
        self.lost: list[tuple[int, int]] = []

    def run(self, snaps: Iterable[Snap]) -> Iterator[Event]:
        """Yield the events of more snapshots."""
        for snap in snaps:
            event = self.take(snap)
            self.seen += 1
            if event is not None:
                yield event

    def take(self, snap: Snap) -> Event | None:
        """Take in one snapshot; the event that it makes, if any."""
        self.reconnected |= snap.reconnect
        prev = self.prev
        # Step 1: the first snapshot, a new day, a reconnect on the same day.
        if prev is None or snap.day > prev.day:
            self.start(snap, unattributed=snap.vtt)
            return None
        if self.reconnected and snap.day == prev.day:
            self.corrected += max(0, prev.vtt - snap.vtt)
            self.start(snap, unattributed=max(0, snap.vtt - prev.vtt))
            return None
        # Step 2: late or lower; lower five times over and consistent is a correction by the exchange.
        if snap.day == prev.day and snap.vtt < prev.vtt:
            self.low = [*self.low, snap.vtt] if self.low and snap.vtt >= self.low[-1] else [snap.vtt]
            self.lower(prev, snap)
            return None
        self.low = []
        if snap.day < prev.day or snap.ltt < prev.ltt:
            self.dropped += 1
            return None
        return self.accept(prev, snap)

    def lower(self, prev: Snap, snap: Snap) -> None:
        """Drop a snapshot with less volume than the baseline; one too many in a row makes it the baseline."""
        if len(self.low) < self.patience:
            self.dropped += 1
            return
        self.rebaselined += 1
        self.corrected += prev.vtt - snap.vtt
        self.start(snap, unattributed=0)

    def start(self, snap: Snap, unattributed: int) -> None:
        """Make a snapshot the baseline."""
        self.unattributed += unattributed
        if unattributed:
            self.lost.append((snap.ltt, unattributed))
        self.tick_sign = 0
        self.low = []
        self.reconnected = False
        self.prev = snap

    def accept(self, prev: Snap, snap: Snap) -> Event | None:
        """Take steps 3 to 6."""
        if snap.ltp != prev.ltp:
            self.tick_sign = 1 if snap.ltp > prev.ltp else -1
        self.prev = snap
        dv = snap.vtt - prev.vtt
        if dv == 0:
            return None  # the book alone has changed
        if snap.ltq > dv:
            self.ltq_anomaly += 1
        sure = max(0, min(snap.ltq, dv))
        side, how = self.side(prev, snap.ltp)
        return Event(self.seen, side, snap.ltp, dv, sure, dv - sure, how, prev.ltp)

    def side(self, prev: Snap, price: int) -> tuple[int, str]:
        """Return the side by the previous quote, its middle, or the tick rule."""
        bid, ask = prev.bid, prev.ask
        usable = bid is not None and ask is not None and bid <= ask and not price == bid == ask
        if usable and bid is not None and ask is not None:
            if price >= ask:
                return 1, "prev_quote"
            if price <= bid:
                return -1, "prev_quote"
            if 2 * price != bid + ask:
                return (1 if 2 * price > bid + ask else -1), "prev_mid"
        return (self.tick_sign, "tick") if self.tick_sign else (0, "none")
