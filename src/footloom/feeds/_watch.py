"""When a connection is to be judged dead, deaf or old: pure, so that a test can say what time it is."""

from __future__ import annotations

import random
from collections.abc import Collection
from dataclasses import dataclass, field

__all__ = ("Backoff", "Watch")

_SECOND = 1_000_000_000
_FIRST_S, _LONGEST_S = 1.0, 30.0
_PATIENCE = 64  # how many times longer a quiet symbol is waited for at most
_SILENT_S = 30.0
_HUSH_S, _HUSH_PAUSES = 5.0, 4.0  # silence is worth a word after so long, and after so many of the usual longest pause
_FADES = 0.98  # a long pause counts for less with each message behind it
_ASLEEP_S = 5.0  # who looks so much later than it meant to did not run meanwhile

Pair = tuple[str, str]


@dataclass(slots=True)
class Backoff:
    """Waits that double from 1 s to 30 s, each somewhere between half and whole."""

    rng: random.Random
    tries: int = 0

    def next_s(self) -> float:
        """Return the next wait."""
        longest = min(_LONGEST_S, _FIRST_S * 2.0 ** min(self.tries, 10))
        self.tries += 1
        return longest * (0.5 + self.rng.random() / 2)

    def reset(self) -> None:
        """Begin anew: a connection has proved itself."""
        self.tries = 0


@dataclass(slots=True)
class Watch:
    """What was heard on a socket, over all of its connections. Times are monotonic ns.

    ``unseen`` are the expected (symbol, stream) pairs that this connection has not carried yet, each with the time
    since which it might have; ``silent`` those that no connection has carried although others moved beside them:
    refused, or asked for at the wrong path.
    """

    expects: frozenset[Pair]
    stall_s: float
    life_s: float
    opened_ns: int = 0
    heard_ns: int = 0
    unseen: dict[Pair, int] = field(default_factory=dict)
    silent: set[Pair] = field(default_factory=set)
    _known: set[Pair] = field(default_factory=set)  # carried by some connection
    _moved: bool = False
    _pause_ns: float = 0.0  # the longest pause of late
    _stalls: int = 0
    _silences: int = 0
    _quiet: dict[Pair, int] = field(default_factory=dict)  # how often the venue said that there was nothing to be heard
    _slept_ns: int = 0  # of the time since something was heard
    _stamp_ns: int = 0  # the newest time that messages of this connection tell themselves
    _leapt_ns: int | None = None  # the receipt of the first message behind a pause in these times

    def opened(self, now_ns: int) -> None:
        """Begin with a connection."""
        self.calm(now_ns)
        self.opened_ns = now_ns
        self.unseen = dict.fromkeys(self.expects, now_ns)
        self._moved = False
        self._stamp_ns, self._leapt_ns = 0, None

    def calm(self, now_ns: int) -> None:
        """Begin to listen anew: until now there was nothing to be heard."""
        self.heard_ns, self._slept_ns = now_ns, 0

    def looked(self, meant_ns: int, now_ns: int) -> None:
        """Note when one looked and when one meant to: in time in which this process did not run nothing is silent."""
        late_ns = now_ns - meant_ns
        if late_ns > _ASLEEP_S * _SECOND:
            self._slept_ns += late_ns
            self.unseen = {pair: min(asked_ns + late_ns, now_ns) for pair, asked_ns in self.unseen.items()}

    def stamped(self, at_ns: int, recv_ns: int) -> None:
        """Note the time that a message tells itself, and its receipt."""
        if self._stamp_ns and self._leapt_ns is None and self.is_unusual((at_ns - self._stamp_ns) / _SECOND):
            self._leapt_ns = recv_ns
        self._stamp_ns = max(self._stamp_ns, at_ns)

    def silent_until(self, oldest_ns: int) -> int | None:
        """Return what was received first behind a silence that ended with ``oldest_ns``, None where it was our own.

        What we did not read in time was kept for us: the times of such messages go on without a pause. Where messages
        tell no time, nobody knows.
        """
        leapt_ns, self._leapt_ns = self._leapt_ns, None
        return leapt_ns if self._stamp_ns else oldest_ns

    def expect(self, now_ns: int, expects: frozenset[Pair]) -> None:
        """Go on with other pairs on the same connection: what is new has its time from now on."""
        self.unseen |= dict.fromkeys(expects - self.expects, now_ns)
        for gone in self.expects - expects:
            self.unseen.pop(gone, None)
            self.silent.discard(gone)
            self._known.discard(gone)
            self._quiet.pop(gone, None)
        self.expects = expects

    def heard(self, now_ns: int, pairs: set[Pair]) -> None:
        """Note what market messages came."""
        self._pause_ns = max(float(now_ns - self.heard_ns - self._slept_ns), self._pause_ns * _FADES)
        self.calm(now_ns)
        self._moved = True
        self._stalls = 0
        if self.unseen:
            seen = self.unseen.keys() & pairs
            self._known |= seen
            self.silent -= seen
            for pair in seen:
                del self.unseen[pair]

    def hush_s(self, now_ns: int) -> float:
        """Return for how many seconds nothing was heard, where that is longer than it uses to be; else 0."""
        hush_s = (now_ns - self.heard_ns) / _SECOND
        return hush_s if self.is_unusual(hush_s) else 0.0

    def is_unusual(self, seconds: float) -> bool:
        """Whether so long a silence is not what it uses to be here."""
        return self._moved and seconds > max(_HUSH_S, _HUSH_PAUSES * self._pause_ns / _SECOND)

    @property
    def moved(self) -> bool:
        """Whether this connection has carried market messages."""
        return self._moved

    def verdict(self, now_ns: int, *, market_open: bool) -> str:
        """Return why the connection has to be replaced: ``stalled``, ``silent``, ``old``, or "" where it need not."""
        if not market_open:
            self.calm(now_ns)  # nobody speaks
            least_ns = now_ns - int(_SILENT_S * _SECOND)
            self.unseen = {pair: max(asked_ns, least_ns) for pair, asked_ns in self.unseen.items()}
        elif now_ns - self.heard_ns - self._slept_ns > self.stall_s * _SECOND * min(2**self._stalls, _PATIENCE):
            self._stalls += 1
            return "stalled"
        elif self.unheard(now_ns):
            return "silent"
        return "old" if now_ns - self.opened_ns > self.life_s * _SECOND else ""

    def unheard(self, now_ns: int) -> dict[Pair, float]:
        """Return the pairs that no connection has carried although others move, and for how long each, in seconds."""
        waited_ns = {pair: now_ns - self.unseen[pair] for pair in self.unseen.keys() - self._known}
        return {pair: ns / _SECOND for pair, ns in waited_ns.items() if self._moved and ns > self._wait_ns(pair)}

    def silence(self, url: str) -> str:
        """Return what there is to say of `silent`, "" where it is empty; nothing is shown of the query of ``url``."""
        names = [f"{symbol} {stream}" for symbol, stream in sorted(self.silent)]
        shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
        where = url.partition("?")[0]
        if not names:
            return ""
        return (
            f"{shown} never heard on {where} while others move there: refused silently, asked at the wrong path, or "
            "it does not trade"
        )

    # A symbol that trades once an hour looks the same for a while: each time it is waited for longer.
    def _wait_ns(self, pair: Pair) -> int:
        times = self._silences + self._quiet.get(pair, 0)
        return int(max(self.stall_s, _SILENT_S) * min(2**times, _PATIENCE) * _SECOND)

    def judge(self, now_ns: int, unheard: Collection[Pair], quiet: set[Pair]) -> bool:
        """Say whether pairs that were never heard are well: all ``quiet``, or heard meanwhile; the others are noted."""
        for pair in quiet & self.unseen.keys():
            self.unseen[pair] = now_ns
            self._quiet[pair] = self._quiet.get(pair, 0) + 1
        deaf = (self.unseen.keys() & unheard) - quiet
        self._silences += bool(deaf)
        self.silent |= deaf
        return not deaf
