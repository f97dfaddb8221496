"""How the connection of every live symbol stands, told to all who are connected, whatever they look at."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol

from footloom.feeds.flow import FeedState
from footloom.server.wire.frames import Message
from footloom.server.wire.messages import FeedGone, FeedText, encode_text

__all__ = ("Board", "Reader", "feed_text")

_FIGURES_S = 1.0  # rates and offsets move all the time: so often they are told where nothing else is new
_MOST_A_SECOND = 500  # of such messages: of fifty symbols to fifty clients they filled a seventh of the event loop
_PROGRESS_STEPS = 200


class Reader(Protocol):
    """A connected client."""

    def post_feed(self, key: str, said: Message) -> None:
        """Post how a symbol's feed stands: a newer one replaces it."""


def feed_text(key: str, state: FeedState, *, has_trades: bool) -> FeedText:
    """Return a state as the wire has it."""
    return FeedText(
        symbol=key,
        phase=state.phase,
        text=state.text,
        since_ns=str(state.since_ns),
        backfill=state.backfill,
        messages_per_s=round(state.messages_per_s, 1),
        offset_ms=None if state.offset_ms is None else round(state.offset_ms, 1),
        has_trades=has_trades,
    )


# What is told at once when it changes; a progress is told in steps.
def _news(state: FeedText) -> tuple[object, ...]:
    progress = None if state.backfill is None else int(state.backfill * _PROGRESS_STEPS)
    return state.phase, state.text, state.since_ns, progress, state.has_trades


class Board:
    """The states of all live symbols, in the order in which they were asked for."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._states: dict[str, FeedState] = {}
        self._traded: set[str] = set()
        self._heard: set[str] = set()  # what feeds hear themselves
        self._told: dict[str, tuple[FeedText, float]] = {}
        self._readers: set[Reader] = set()

    def join(self, reader: Reader) -> None:
        """Tell a client all states, and what changes from here on."""
        self._readers.add(reader)
        for row in self.rows():
            reader.post_feed(row.symbol, Message(encode_text(row)))

    def leave(self, reader: Reader) -> None:
        """Tell a client nothing more."""
        self._readers.discard(reader)

    def rows(self) -> Sequence[FeedText]:
        """Return the state of every live symbol."""
        return [feed_text(key, state, has_trades=key in self._traded) for key, state in self._states.items()]

    def tell(self, key: str, state: FeedState) -> None:
        """Note how a symbol's feed stands, and say so where it is news."""
        self._states[key] = state
        self._say(key)

    def tell_all(
        self, states: Sequence[tuple[str, FeedState]], meanings: Mapping[str, str], names: Collection[str]
    ) -> None:
        """Note how all feeds stand; what they hear no more is forgotten, but for ``names``, which somebody needs.

        Names stand as what they mean now, once that is known: a continuous future as its contract of the day.
        """
        heard = dict(states)
        for gone in self._heard - heard.keys() - set(names):
            self.forget(gone)
        self._heard = set(heard)
        for asked, found in meanings.items():
            if asked != found and found in heard and (asked in names or asked in self._states):
                if found in self._traded:
                    self._traded.add(asked)
                self.tell(asked, heard[found])
        for key, state in states:
            self.tell(key, state)

    def state(self, key: str) -> FeedState | None:
        """Return how a symbol's feed stood when it was told last; None where it is not listened to."""
        return self._states.get(key)

    def note_trades(self, key: str) -> None:
        """Note that there are trades of a symbol: from here on it can be charted."""
        if key not in self._traded:
            self._traded.add(key)
            if key in self._states:
                self._say(key)

    def has_trades(self, key: str) -> bool:
        """Say whether a symbol can be charted."""
        return key in self._traded

    def forget(self, key: str) -> None:
        """Say that a symbol is no longer listened to."""
        if self._states.pop(key, None) is None:
            return
        self._told.pop(key, None)
        self._traded.discard(key)
        self._post(key, FeedGone(key))

    def stop(self, text: str) -> None:
        """Say of every symbol that nothing comes any more, and why."""
        for key in self._states:
            self.tell(key, FeedState("stopped", text))

    def _say(self, key: str) -> None:
        row = feed_text(key, self._states[key], has_trades=key in self._traded)
        now = self._clock()
        told = self._told.get(key)
        wait_s = max(_FIGURES_S, len(self._states) * len(self._readers) / _MOST_A_SECOND)
        if told is not None and _news(told[0]) == _news(row) and (told[0] == row or now - told[1] < wait_s):
            return
        self._told[key] = (row, now)
        self._post(key, row)

    def _post(self, key: str, news: FeedText | FeedGone) -> None:
        said = Message(encode_text(news))
        for reader in list(self._readers):
            reader.post_feed(key, said)
