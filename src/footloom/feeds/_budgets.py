"""Rate limits, kept from our side: so much weight in so many seconds, and stops that a venue ordered."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

__all__ = ("Budget",)

_FIRST_STOP_S = 60.0  # where a refusal does not say for how long; doubled each time that it comes again
_LONGEST_STOP_S = 16 * 60.0


class Budget:
    """One rate limit as a sliding window, which holds for any fixed window of the venue's that it covers.

    ``limit`` is the weight that ``window_s`` seconds may carry. Times are of a clock that never steps back, seconds.
    """

    def __init__(self, limit: int, window_s: float, now: Callable[[], float]) -> None:
        self.limit = limit
        self.window_s = window_s
        self.paused_until = self.stopped_until = 0.0
        self.why_stopped = ""
        self._now = now
        self._spent: deque[tuple[float, int]] = deque()
        self._stops = 0

    def wait_s(self, weight: int, share: float) -> float:
        """Return how long a call has to wait until it may be made; 0 is now.

        ``share`` is how much of the limit the call may fill: what can wait leaves room for what cannot.
        """
        now = self._now()
        while self._spent and self._spent[0][0] <= now - self.window_s:
            self._spent.popleft()
        used = sum(spent for _, spent in self._spent)
        over = used + weight - max(self.limit * share, weight)  # a call above the limit goes alone
        moment = self.paused_until
        for at, spent in self._spent:
            if over <= 0:
                break
            over -= spent
            moment = max(moment, at + self.window_s)
        return max(0.0, moment - now)

    def spend(self, weight: int) -> None:
        """Count a call."""
        self._spent.append((self._now(), weight))

    def told(self, used: int) -> None:
        """Take what the venue says of our address, which other programs may use too."""
        own = sum(spent for at, spent in self._spent if at > self._now() - self.window_s)
        if used > own:
            self._spent.append((self._now(), used - own))

    def pause(self, seconds: float) -> None:
        """Let calls wait."""
        self.paused_until = max(self.paused_until, self._now() + seconds)

    def stop(self, seconds: float | None, why: str) -> float:
        """Refuse calls for a time, the longer the more often nothing but refusals came; return how long."""
        if seconds is None:
            seconds = min(_FIRST_STOP_S * 2**self._stops, _LONGEST_STOP_S)
        self._stops += 1
        self.stopped_until = max(self.stopped_until, self._now() + seconds)
        self.why_stopped = why
        return seconds

    def answered(self) -> None:
        """Note a success: the next stop begins short again."""
        self._stops = 0

    @property
    def stopped_s(self) -> float:
        """How long calls are still refused."""
        return max(0.0, self.stopped_until - self._now())
