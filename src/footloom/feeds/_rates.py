"""How many messages a second."""

from __future__ import annotations

__all__ = ("Rate",)

_SPAN_NS = 2_000_000_000


class Rate:
    """Messages a second over the last two seconds or so, from a count that only grows."""

    def __init__(self) -> None:
        self.per_s = 0.0
        self._at_ns = 0
        self._count = 0

    def note(self, count: int, now_ns: int) -> float:
        """Take in how many messages there were until now, and return the rate."""
        passed_ns = now_ns - self._at_ns
        if not self._at_ns or passed_ns >= _SPAN_NS:
            self.per_s = (count - self._count) * 1e9 / passed_ns if self._at_ns else 0.0
            self._at_ns, self._count = now_ns, count
        return self.per_s
