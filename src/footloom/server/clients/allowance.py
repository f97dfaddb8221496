"""What one client of the WebSocket may ask for, so that no client takes what is there for all."""

from __future__ import annotations

from dataclasses import dataclass

from footloom.errors import TooMuch

__all__ = ("Limits", "Pace")


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one connection: topics at once, bars of a snapshot, messages a second (0: as many as it likes)."""

    subscriptions: int = 64
    history_bars: int = 20_000
    messages_per_s: float = 50.0

    def check(self, subscriptions: int, history_bars: int) -> None:
        """Refuse one topic more than a client may have, or a snapshot that is longer than it may be.

        Raises
        ------
        TooMuch
            It is beyond a limit; the message says which and what to do.
        """
        if subscriptions >= self.subscriptions:
            raise TooMuch(
                f"this connection holds {subscriptions} of {self.subscriptions} subscriptions: drop one first"
            )
        if history_bars > self.history_bars:
            raise TooMuch(
                f"history_bars is {history_bars:,}, at most {self.history_bars:,} are sent at once: ask for fewer, and "
                "page through older bars with /api/v1/footprint"
            )


class Pace:
    """How fast a client talks: it may save up one second's messages, and then as many a second as it has.

    Parameters
    ----------
    per_s
        Messages a second; 0 sets no limit.
    """

    def __init__(self, per_s: float) -> None:
        self.per_s = per_s
        self._left = max(1.0, per_s)
        self._at_s: float | None = None

    def wait_s(self, now_s: float) -> float:
        """Count a message that came at a time, and return how long to wait until the next one is listened to."""
        if self.per_s <= 0:
            return 0.0
        if self._at_s is not None:
            self._left = min(max(1.0, self.per_s), self._left + (now_s - self._at_s) * self.per_s)
        self._at_s = now_s
        self._left -= 1
        return 0.0 if self._left >= 0 else max(1.0, -self._left) / self.per_s
