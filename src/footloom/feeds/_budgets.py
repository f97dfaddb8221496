"""Rate limits, kept from our side: so much weight in so many seconds, and stops that a venue ordered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ("Budget", "Spent")

_FIRST_STOP_S = 60.0  # where a refusal does not say for how long; doubled each time that it comes again
_LONGEST_STOP_S = 16 * 60.0


@dataclass(slots=True)
class Spent:
    """A call that counts: its weight, and when it was answered, None while it is under way."""

    weight: int
    at: float | None = None


class Budget:
    """One rate limit as a sliding window, which holds for any window of the venue's that it covers.

    The venue counts a call when it arrives there, which is not known: before it is answered. So a call counts until a
    window's length behind its answer.

    ``limit`` is the weight that ``window_s`` seconds may carry. Times are of a clock that never steps back, seconds.
    """

    def __init__(self, limit: int, window_s: float, now: Callable[[], float]) -> None:
        self.limit = limit
        self.window_s = window_s
        self.paused_until = self.stopped_until = 0.0
        self.why_stopped = ""
        self._now = now
        self._spent: list[Spent] = []
        self._stops = 0

    def wait_s(self, weight: int, share: float) -> float:
        """Return how long a call has to wait until it may be made; 0 is now.

        ``share`` is how much of the limit the call may fill: what can wait leaves room for what cannot.
        """
        now = self._now()
        self._spent = [one for one in self._spent if self._until(one, now) > now]
        used = sum(one.weight for one in self._spent)
        over = used + weight - max(self.limit * share, weight)  # a call above the limit goes alone
        moment = self.paused_until
        for one in sorted(self._spent, key=lambda one: self._until(one, now)):
            if over <= 0:
                break
            over -= one.weight
            moment = max(moment, self._until(one, now))
        return max(0.0, moment - now)

    def _until(self, one: Spent, now: float) -> float:
        return (now if one.at is None else one.at) + self.window_s

    def spend(self, weight: int) -> Spent:
        """Count a call; whoever makes it says when it was answered (`done`)."""
        self._spent.append(Spent(weight))
        return self._spent[-1]

    def done(self, spent: Spent) -> None:
        """Note that a call was answered, or will not be."""
        spent.at = self._now()

    def told(self, used: int) -> None:
        """Take what the venue says of our address, which other programs may use too."""
        now = self._now()
        own = sum(one.weight for one in self._spent if self._until(one, now) > now)
        if used > own:
            self._spent.append(Spent(used - own, now))

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
