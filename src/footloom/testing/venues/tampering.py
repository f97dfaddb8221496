"""Faults that hit single messages on their way out: left out, twice, later, in another order, in pieces."""

from __future__ import annotations

import heapq
from collections.abc import Sequence

from footloom.testing.venues.dialect import Out
from footloom.testing.venues.faults import Fault, Faults

__all__ = ("Tampering",)


class Tampering:
    """What happens to messages between venue and socket."""

    def __init__(self, faults: Faults, start_ns: int) -> None:
        self._faults = faults
        self._drops = faults.of("drop")
        self._doubles = faults.of("duplicate")
        self._lates = faults.of("late")
        self._swaps = faults.of("reorder")
        self._splits = faults.of("fragment")
        self._active = bool(self._drops or self._doubles or self._lates or self._swaps)
        self._held: list[tuple[int, int, Out]] = []  # when it is due, in what order
        self._after: list[tuple[int, Out]] = []  # how many messages pass it first
        self._count = 0
        self._start_ns = start_ns

    def apply(self, outs: Sequence[Out], now_ns: int) -> Sequence[Out]:
        """Return what is sent in the place of messages at an instant."""
        if not self._active:
            return outs
        sent: list[Out] = []
        while self._held and self._held[0][0] <= now_ns:
            sent.append(heapq.heappop(self._held)[2])
        for out in outs:
            self._one(out, now_ns, sent)
        return sent

    def splits(self, out: Out) -> bool:
        """Say whether a message goes in two frames."""
        return any(self._hit(fault, out) for fault in self._splits)

    def _hit(self, fault: Fault, out: Out) -> bool:
        return fault.hits(out.key, self._faults.seed) and fault.on in {"", out.kind}

    def _one(self, out: Out, now_ns: int, sent: list[Out]) -> None:
        self._count += 1
        if any(self._hit(fault, out) or self._lasts(fault, out, now_ns) for fault in self._drops):
            return
        for fault in self._lates:
            if self._hit(fault, out):
                heapq.heappush(self._held, (now_ns + fault.by, self._count, out))
                return
        for fault in self._swaps:
            if self._hit(fault, out):
                self._after.append((self._count + fault.by, out))
                return
        sent.append(out)
        sent.extend(out for fault in self._doubles if self._hit(fault, out))
        due = [one for at, one in self._after if at <= self._count]
        if due:
            self._after = [(at, one) for at, one in self._after if at > self._count]
            sent.extend(due)

    def _lasts(self, fault: Fault, out: Out, now_ns: int) -> bool:
        return fault.on in {"", out.kind} and fault.covers(now_ns - self._start_ns)
