"""One WebSocket of a venue that stays open: connecting, greeting, pinging, watching, and connecting again.

It knows no field of any message. What was received waits in the inbox of its connection until somebody takes it.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from footloom.errors import FootloomError, Refused
from footloom.feeds._frames import HandshakeRefused, Link, open_link
from footloom.feeds._watch import Backoff, Pair, Watch
from footloom.feeds.clock import Clock
from footloom.feeds.flow import Phase
from footloom.venues._venue import Socket

__all__ = ("Break", "Keeper", "Surroundings")

_LOG = logging.getLogger(__name__)

_LOOK_S = 0.5
_OVERLAP_S = 10.0  # so long a new connection may take until it delivers, before the old one is closed regardless
_BANNED_S = 300.0
_LIMITS = (403, 418, 429)
_SPEAKS_NS = 30 * 10**9  # a market that has said something so lately is not closed, whatever its calendar says
_SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a socket needs from outside.

    ``now_ns`` is the time of a receipt, ``wake`` is called when something came, ``authorize`` gives the address to
    connect to, ``is_open`` says whether any market of the socket is open, ``is_quiet`` whether the venue itself says
    that there is nothing to be heard, ``silent`` of which pairs, unheard for so many seconds, it says
    so. ``changes`` gives the messages that make of a connection that was opened as one
    socket what another asks for, ``explain`` says what a status of a refusal means at this venue.
    """

    clock: Clock
    now_ns: Callable[[], int]
    wake: Callable[[], None]
    authorize: Callable[[Socket], Awaitable[str]]
    is_open: Callable[[], bool]
    rng: random.Random = field(default_factory=random.Random)
    is_quiet: Callable[[Keeper], Awaitable[bool]] | None = None
    silent: Callable[[dict[Pair, float]], Awaitable[set[Pair]]] | None = None
    changes: Callable[[Socket, Socket], Sequence[bytes | str]] = lambda _old, _new: ()
    explain: Callable[[int, str], str] = lambda _status, _text: ""


class Break(NamedTuple):
    """A connection was lost for ``cause``: nothing was heard from ``lost_ns`` until the next one stood, ns UTC each.

    What was received before ``opened_ns`` came before the loss, everything else behind it.
    """

    cause: str
    lost_ns: int
    opened_ns: int


class Keeper:
    """Keeps one socket open.

    ``phase`` and ``text`` say how it stands, ``cause`` why the last connection ended. ``connections`` and ``losses``
    count; `take_breaks` tells whoever takes its messages between which of them there may be a hole.
    """

    def __init__(self, socket: Socket, around: Surroundings) -> None:
        self.socket = socket
        self.phase: Phase = "connecting"
        self._said, self._due_ns = "", 0  # what `text` says, and when is tried again, monotonic
        self.since_ns = around.now_ns()
        self.cause = ""
        self.connections = self.losses = 0
        self.opened_ns = around.now_ns()  # nothing of the newest connection was received before
        self._lost_ns: int | None = None  # since when nothing was heard; None while there is a connection
        self._breaks: list[Break] = []
        self.relieving = False  # two connections deliver the same
        self.watch = Watch(socket.expects, socket.stall_s, socket.life_s)
        self._around = around
        self._backoff = Backoff(around.rng)
        self._links: list[Link] = []  # those that may still hold messages; the last one is the one that counts
        self._asked: dict[Link, Socket] = {}  # what each of them was told
        self._sent_ns: int | None = None
        self._renewed = asyncio.Event()
        self._roused = asyncio.Event()  # wakes whoever attends: `_leaving` or `socket` has changed
        self._leaving = False  # the connection shall be relieved by another
        self._relief = Backoff(around.rng)
        self._relief_ns = 0  # not to be tried before, monotonic
        self._heard_ns = self._pinged_ns = 0

    # --- what a feed calls

    def take(self, most: int) -> list[tuple[int, bytes]]:
        """Return up to ``most`` messages, each with its receipt: of an old connection before those of its successor."""
        taken: list[tuple[int, bytes]] = []
        for link in list(self._links):
            taken += link.take(most - len(taken))
            if link.closed.done() and not link.waiting and link is not self._links[-1]:
                self._links.remove(link)
                self._asked.pop(link, None)
            if len(taken) >= most:
                break
        return taken

    def take_breaks(self) -> list[Break]:
        """Return the losses since the last time, the oldest first: each lies between messages, taken or still to be."""
        breaks, self._breaks = self._breaks, []
        return breaks

    @property
    def text(self) -> str:
        """What there is to say of it, and in how many seconds it tries again."""
        left_s = -((self._around.clock.monotonic_ns() - self._due_ns) // _SECOND)
        return f"{self._said}; trying again in {left_s} s" if left_s > 0 else self._said

    @property
    def waiting(self) -> int:
        """How many messages nobody has taken yet."""
        return sum(link.waiting for link in self._links)

    @property
    def oldest_ns(self) -> int | None:
        """The receipt of the oldest message that nobody has taken yet."""
        return min((link.oldest_ns for link in self._links if link.oldest_ns is not None), default=None)

    @property
    def hush_s(self) -> float:
        """For how many seconds nothing came although the market is open and usually speaks; else 0."""
        return self.watch.hush_s(self._around.clock.monotonic_ns()) if self._around.is_open() else 0.0

    @property
    def mute_s(self) -> float:
        """For how many seconds nothing came before the oldest message that waits, where that is unusual; else 0."""
        seconds = ((self.oldest_ns or 0) - self._heard_ns) / _SECOND
        return seconds if self.hush_s and self.watch.is_unusual(seconds) else 0.0

    def heard(self, pairs: set[Pair]) -> None:
        """Note that messages of these (symbol, stream) were understood."""
        self.watch.heard(self._around.clock.monotonic_ns(), pairs)
        self._heard_ns = self._around.now_ns()
        self._backoff.reset()
        if self.phase in {"connecting", "reconnecting", "stale", "closed"}:
            self.say("stale" if self.watch.silent else "live", self.watch.silence(self.socket.url))

    def replace(self) -> None:
        """Connect anew at once: the venue says that it will close this connection."""
        self._leaving = True
        self._roused.set()

    def send(self, text: str) -> None:
        """Send a text on the newest connection, if there is one."""
        if self._links:
            self._links[-1].send(text)

    def renew(self, socket: Socket) -> None:
        """Go on with new credentials."""
        self.socket = socket
        self._renewed.set()

    def change(self, socket: Socket) -> None:
        """Listen to something else from now on: an open connection is told, the next ones begin with it."""
        self.socket = socket
        self.watch.expect(self._around.clock.monotonic_ns(), socket.expects)
        self.watch.stall_s = socket.stall_s
        self._roused.set()

    # --- the life of it

    async def run(self) -> None:
        """Keep it open until cancelled."""
        link: Link | None = None
        try:
            while True:
                link = link or await self._connect()
                link = await self._attend(link)
        finally:
            for open_one in self._links:
                open_one.close("stopped")

    async def _connect(self) -> Link:
        while True:
            tried = self.socket
            try:
                link = await self._open()
            except (FootloomError, OSError) as error:
                if _status(error) != 401 or self.socket is tried:  # else there are new credentials since
                    await self._after_refusal(error)
            else:
                again = self.phase == "reconnecting"
                self.say("reconnecting" if again else "connecting", "connected, nothing heard yet" if again else "")
                return link

    async def _open(self) -> Link:
        around, socket = self._around, self.socket
        url = await around.authorize(socket)
        opened_ns = around.now_ns()
        link = await open_link(url, socket.headers, around.now_ns, around.wake)
        self._links.append(link)
        self._asked[link] = socket
        self.connections += 1
        self.opened_ns = opened_ns
        if self._lost_ns is not None:
            self._breaks.append(Break(self.cause, self._lost_ns, opened_ns))
            self._lost_ns = None
        self.watch.opened(around.clock.monotonic_ns())
        self._pinged_ns = self.watch.opened_ns
        self._heard_ns = around.now_ns()
        self._leaving = False
        self._sent_ns = None
        try:
            await self._send_all(link, socket.opening)
            await self._tell_changes(link)
        except BaseException:
            link.close("stopped")
            raise
        return link

    async def _tell_changes(self, link: Link) -> None:
        while (socket := self.socket) is not self._asked[link]:
            await self._send_all(link, self._around.changes(self._asked[link], socket))
            self._asked[link] = socket

    # Venues cut a connection that sends too fast.
    async def _send_all(self, link: Link, messages: Sequence[bytes | str]) -> None:
        clock = self._around.clock
        for message in messages:
            if self._sent_ns is not None:
                due_ns = self._sent_ns + int(_SECOND / self.socket.sends_per_s)
                await clock.sleep(max(0, due_ns - clock.monotonic_ns()) / _SECOND)
            self._sent_ns = clock.monotonic_ns()
            link.send(message)

    async def _after_refusal(self, error: Exception) -> None:
        status = _status(error)
        name = self.socket.name
        if status == 401:
            self.say("stopped", f"{name}: the venue refuses our credentials (401): log in again, then it goes on")
            self._renewed.clear()
            await self._renewed.wait()
            return
        wait_s = max(self._backoff.next_s(), _ordered_s(error))
        text = f"{name}: {error}"
        if status in _LIMITS:
            why = self._around.explain(status, "")
            text = f"{name}: refused with {status}" + (f" ({why})" if why else ", the venue does not say why")
        self.say("reconnecting" if self.connections else "connecting", text, wait_s)
        await self._around.clock.sleep(wait_s)

    # Watches one connection; returns its successor where that was opened before it ended.
    async def _attend(self, link: Link) -> Link | None:
        while not link.closed.done():
            await self._first_of(link)
            if link.closed.done():
                break
            await self._tell_changes(link)
            self._ping(link)
            verdict = self._judge()
            if verdict in {"", "old"}:
                successor = await self._relieve(link) if self._is_relief_due(verdict) else None
                if successor is not None:
                    return successor
            elif not await (self._is_well(link) if verdict == "stalled" else self._hears_all()):
                link.close(self._reason(verdict))
        await self._after_end(link)
        return None

    # Whether what came lately waits to be read, or something came while the venue was asked; or there is nothing.
    async def _is_well(self, link: Link) -> bool:
        heard_ns = self.watch.heard_ns
        return self._is_behind(link) or await self._is_quiet() or self.watch.heard_ns != heard_ns

    def _is_behind(self, link: Link) -> bool:
        late_ns = self._around.now_ns() - (link.received_ns or 0)
        return link.waiting > 0 and late_ns < self.socket.stall_s * _SECOND

    # Whether what was never heard has nothing to say: others here must not suffer for a symbol that does not trade.
    async def _hears_all(self) -> bool:
        unheard = self.watch.unheard(self._around.clock.monotonic_ns())
        quiet = await self._around.silent(unheard) if self._around.silent is not None else set()
        return self.watch.judge(self._around.clock.monotonic_ns(), unheard, quiet)

    # Whether nothing is heard because nothing happens, as the venue itself says.
    async def _is_quiet(self) -> bool:
        if self._around.is_quiet is None or not await self._around.is_quiet(self):
            return False
        self.watch.calm(self._around.clock.monotonic_ns())
        if self.phase in {"connecting", "reconnecting"}:
            self.say("live", "")
        return True

    def _is_relief_due(self, verdict: str) -> bool:
        self._leaving |= verdict == "old"
        return self._leaving and self._around.clock.monotonic_ns() >= self._relief_ns

    async def _first_of(self, link: Link) -> None:
        waits: list[asyncio.Future[object]] = [
            asyncio.ensure_future(self._around.clock.sleep(_LOOK_S)),
            asyncio.ensure_future(self._roused.wait()),
            asyncio.ensure_future(asyncio.shield(link.closed)),
        ]
        meant_ns = self._around.clock.monotonic_ns() + int(_LOOK_S * _SECOND)
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._roused.clear()
            for wait in waits:
                wait.cancel()
        self.watch.looked(meant_ns, self._around.clock.monotonic_ns())

    def _judge(self) -> str:
        market_open = self._around.is_open()
        spoke = self.watch.moved and self._around.now_ns() - self._heard_ns < _SPEAKS_NS
        if not market_open and spoke:
            self.say("live", "")
        elif not market_open and self.phase in {"live", "stale", "connecting", "reconnecting"}:
            self.say("closed", "")
        elif market_open and self.phase == "closed":
            self.say("live", "")
        return self.watch.verdict(self._around.clock.monotonic_ns(), market_open=market_open)

    def _ping(self, link: Link) -> None:
        ping, now_ns = self.socket.ping, self._around.clock.monotonic_ns()
        if ping is not None and now_ns - self._pinged_ns >= ping.every_s * _SECOND:
            self._pinged_ns = now_ns
            link.send(ping.text)

    # The new connection delivers before the old one is closed; what both carry is recognised by whoever takes it. Where
    # it cannot be had, the old one goes on meanwhile.
    async def _relieve(self, old: Link) -> Link | None:
        try:
            new = await self._open()
        except (FootloomError, OSError) as error:
            self._put_off(str(error), _ordered_s(error))
            return None
        begun_ns = self._around.clock.monotonic_ns()
        self.relieving = True
        while not (new.received > len(self.socket.opening) or new.closed.done() or old.closed.done()):
            if self._around.clock.monotonic_ns() - begun_ns > _OVERLAP_S * _SECOND:
                break
            await self._around.clock.sleep(_LOOK_S / 10)
        self.relieving = False
        if new.closed.done() and not old.closed.done():
            self._links.remove(old)
            self._links.append(old)  # the one that counts
            self._put_off(new.closed.result(), 0.0)
            return None
        old.close("replaced by a new connection")
        self._relief.reset()
        return new

    def _put_off(self, why: str, least_s: float) -> None:
        wait_s = max(self._relief.next_s(), least_s)
        _LOG.warning("%s: no new connection yet: %s; trying again in %.0f s", self.socket.name, why, wait_s)
        self._leaving = True
        self._relief_ns = self._around.clock.monotonic_ns() + int(wait_s * _SECOND)

    # A connection that was mute had ended when the last thing was heard on it.
    async def _after_end(self, link: Link) -> None:
        self.cause = cause = link.closed.result()
        self.losses += 1
        self._lost_ns = min(self._heard_ns, link.received_ns or self._heard_ns)
        wait_s = self._backoff.next_s()
        self.say("reconnecting", f"{self.socket.name}: {cause}", wait_s)
        _LOG.warning("%s", self.text)
        await self._around.clock.sleep(wait_s)

    def _reason(self, verdict: str) -> str:
        if verdict == "silent":
            return self.watch.silence(self.socket.url)
        seconds = (self._around.clock.monotonic_ns() - self.watch.heard_ns) // _SECOND
        return f"mute for {seconds} s although the market is open"

    def say(self, phase: Phase, text: str, wait_s: float = 0.0) -> None:
        """Note how it stands, and after how many seconds it tries again."""
        if phase != self.phase:
            self.since_ns = self._around.now_ns()
        self.phase, self._said = phase, text
        self._due_ns = self._around.clock.monotonic_ns() + int(wait_s * _SECOND)


def _status(error: Exception) -> int | None:
    return error.status if isinstance(error, HandshakeRefused | Refused) else None


# How long the venue wants no further try, in seconds.
def _ordered_s(error: Exception) -> float:
    if _status(error) not in _LIMITS:
        return 0.0
    said: float | None = getattr(error, "retry_after_s", None)
    return said or _BANNED_S
