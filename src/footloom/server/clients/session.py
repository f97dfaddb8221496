"""One connected client: a reader of its requests, a mailbox, and the one task that writes to it.

Nothing here waits for a client but its own writer task, so a slow reader harms only itself. A reader
that is paused for ten seconds is dropped by the connection's own timer (`footloom.server.clients.connection`).
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import Protocol

import footloom
from footloom.errors import FootloomError, ProtocolError, TooMuch
from footloom.server.clients.allowance import Limits, Pace
from footloom.server.clients.mailbox import Item, Mailbox, Mark
from footloom.server.failures import code_of
from footloom.server.live.hub import Hub
from footloom.server.live.streams import Streams
from footloom.server.live.topics import AnyTopic
from footloom.server.wire.codec import stamped
from footloom.server.wire.frames import Form, Frame
from footloom.server.wire.layout import NO_SEQ
from footloom.server.wire.messages import (
    PROTOCOL_VERSION,
    ErrorText,
    Hello,
    Rebuilt,
    Request,
    Resync,
    Subscribe,
    encode_text,
    parse_request,
)

__all__ = ("Disconnected", "Session", "Socket", "Subscription")

_LOG = logging.getLogger(__name__)


class Disconnected(Exception):
    """The client went away."""


class Socket(Protocol):
    """The connection, as a session needs it: `Disconnected` is raised when it is gone."""

    async def send(self, data: bytes | str) -> None:
        """Send one message; returns when the connection can take more."""

    async def receive(self) -> str | bytes:
        """Return the next message."""


@dataclass(slots=True, eq=False)
class Subscription:
    """One topic of one client, as `footloom.server.live.topics.Subscriber`.

    ``live`` is false while a snapshot is due: what happens meanwhile will be in it. ``again`` says that the client
    had a snapshot before, so that it is told to forget it; ``rebuilt`` from where on bars were built anew since, and
    the epoch. ``sent`` is the place in the topic of what the client was sent last.
    """

    client: Session
    topic: AnyTopic
    history_bars: int
    form: Form = "binary"
    live: bool = False
    again: bool = False
    rebuilt: tuple[int, int] | None = None
    sent: int = NO_SEQ

    def post_bar(self, open_ns: int, frame: Frame) -> None:
        """Post an open bar: a newer form of the same bar replaces it."""
        self.post_state(open_ns, frame)

    def post_state(self, key: object, frame: Frame) -> None:
        """Post what a newer frame under the same key replaces."""
        mailbox, topic_id = self.client.mailbox, self.topic.id
        if self.live and not mailbox.post_state((topic_id, key), frame.data(self.form), topic_id, _mark(frame)):
            self._overflow()

    def post_event(self, frame: Frame, *, ends_ns: int | None = None) -> None:
        """Post what must arrive; ``ends_ns`` is the open time of the bar whose open form it makes obsolete."""
        if not self.live:
            return
        mailbox, topic_id = self.client.mailbox, self.topic.id
        ends = None if ends_ns is None else (topic_id, ends_ns)
        if not mailbox.post_event(frame.data(self.form), topic_id, ends=ends, mark=_mark(frame)):
            self._overflow()

    def resnapshot(self, rebuilt: tuple[int, int] | None = None) -> None:
        """Take back what waits and send a fresh snapshot instead; one is enough where several are asked for."""
        if rebuilt is not None:
            from_ns = rebuilt[0] if self.rebuilt is None else min(rebuilt[0], self.rebuilt[0])
            self.rebuilt = (from_ns, rebuilt[1])
        if self.live:
            self.live = False
            self.again = True
            self.client.mailbox.forget(self.topic.id)
            self.client.mailbox.post_due(self, self.topic.id)

    def drop(self, error: FootloomError) -> None:
        """Tell the client that the topic cannot go on, and end it."""
        self.client.leave(self)
        self.client.mailbox.post_event(encode_text(ErrorText(None, code_of(error), str(error))))

    def _overflow(self) -> None:
        self.client.resyncs += 1
        self.client.hub.measures.resyncs += 1
        self.resnapshot()


def _mark(frame: Frame) -> Mark:
    return frame.seq, frame.heard


@dataclass(eq=False)
class Session:
    """The server's side of one WebSocket."""

    hub: Hub
    socket: Socket
    streams: Streams | None = None
    limits: Limits = field(default_factory=Limits)
    mailbox: Mailbox = field(default_factory=Mailbox)
    subscriptions: dict[int, Subscription] = field(default_factory=dict)
    resyncs: int = 0
    _opening: set[asyncio.Task[None]] = field(default_factory=set)
    _cut: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Serve the client until it goes away."""
        self.hub.measures.connections += 1
        self.mailbox.post_event(encode_text(Hello(PROTOCOL_VERSION, f"footloom {footloom.__version__}")))
        self.hub.board.join(self)
        work = (self._read(), self._write(), self._end())
        tasks = {asyncio.create_task(one) for one in work}
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        except Disconnected:
            pass
        finally:
            tasks |= self._opening
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self.hub.board.leave(self)
            self.hub.measures.conflated += self.mailbox.replaced
            for subscription in list(self.subscriptions.values()):
                self.leave(subscription)

    def post_status(self, key: str, text: str) -> None:
        """Post the header of a symbol: a newer one replaces it, and one that does not fit is left out."""
        self.mailbox.post_state(("status", key), text)

    def post_feed(self, key: str, text: str) -> None:
        """Post how a symbol's feed stands: a newer one replaces it, and one that does not fit is left out."""
        self.mailbox.post_state(("feed", key), text)

    def leave(self, subscription: Subscription) -> None:
        """End a subscription."""
        if self.subscriptions.pop(subscription.topic.id, None) is not None:
            subscription.live = False
            self.mailbox.forget(subscription.topic.id)
            self.hub.leave(subscription.topic, subscription)
            if self.streams is not None:
                self.streams.close(subscription.topic.key)

    async def _read(self) -> None:
        pace = Pace(self.limits.messages_per_s)
        while True:
            text = await self.socket.receive()
            wait_s = pace.wait_s(asyncio.get_running_loop().time())
            if wait_s > 0:  # what else it says waits in its own connection meanwhile
                self._refuse(None, TooMuch(f"more than {pace.per_s:g} messages a second: read again in {wait_s:.1f} s"))
                await asyncio.sleep(wait_s)
            request: Request | None = None
            try:
                request = parse_request(text)
                self._serve(request)
            except FootloomError as error:
                self._refuse(request, error)

    def _serve(self, request: Request) -> None:
        if isinstance(request, Subscribe):
            self.limits.check(len(self.subscriptions) + len(self._opening), request.history_bars)
            task = asyncio.create_task(self._open(request))
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)
            return
        subscription = self.subscriptions.get(request.topic_id)
        if subscription is None:
            raise ProtocolError(f"topic_id {request.topic_id} is not subscribed here: nothing to unsubscribe")
        self.leave(subscription)

    # A stream that has to start first takes seconds: other requests are answered meanwhile.
    async def _open(self, request: Subscribe) -> None:
        try:
            await self._opened(request)
        except Disconnected:
            self._cut.set()

    async def _end(self) -> None:
        await self._cut.wait()
        raise Disconnected

    async def _opened(self, request: Subscribe) -> None:
        try:
            await self._subscribe(request)
        except FootloomError as error:
            self._refuse(request, error)
        except Disconnected:
            raise
        except Exception:  # noqa: BLE001 - one client's request must not end the others'
            _LOG.exception("a request of a client failed")
            self._answer_error(request, "internal", "the server could not serve this request: its log says why")

    async def _subscribe(self, request: Subscribe) -> None:
        key = request.symbol
        if self.streams is None:
            topic = await self.hub.open_asked(request, key)
        else:
            key = await self.streams.open(key)
            try:
                topic = await self.hub.open_asked(request, key)
            except BaseException:
                self.streams.close(key)
                raise
        self._take(request, topic)

    def _take(self, request: Subscribe, topic: AnyTopic) -> None:
        subscription = self.subscriptions.get(topic.id)
        if subscription is None:
            subscription = Subscription(self, topic, request.history_bars, request.format)
            self.subscriptions[topic.id] = subscription
            self.hub.join(topic, subscription)
        else:  # the same topic again: the client wants another snapshot, perhaps a longer one, or in another form
            subscription.live = False
            subscription.history_bars, subscription.form = request.history_bars, request.format
            self.mailbox.forget(topic.id)
            if self.streams is not None:  # it is held once already
                self.streams.close(topic.key)
        self._answer(encode_text(topic.subscribed(request.id)))
        self.mailbox.post_due(subscription, topic.id)

    def _refuse(self, request: Request | None, error: FootloomError) -> None:
        self.hub.measures.refused_requests += 1
        self._answer_error(request, code_of(error), str(error))

    def _answer_error(self, request: Request | None, code: str, message: str) -> None:
        self._answer(encode_text(ErrorText(request.id if isinstance(request, Subscribe) else None, code, message)))

    # A client that asks faster than it reads answers is cut off: its questions cost the others time.
    def _answer(self, text: str) -> None:
        if not self.mailbox.post_event(text):
            raise Disconnected

    async def _write(self) -> None:
        while True:
            item = await self.mailbox.get()
            if isinstance(item.due, Subscription):
                await self._write_snapshot(item.due)
            elif item.mark is not None:
                await self._write_frame(item, item.mark)
            elif item.data is not None:
                await self.socket.send(item.data)

    async def _write_frame(self, item: Item, mark: Mark) -> None:
        subscription = self.subscriptions.get(item.topic_id or 0)
        if subscription is None or item.data is None:
            return
        await self._send(subscription, mark[0], item.data)
        self.hub.measures.note_frame(len(item.data), mark[1])

    async def _send(self, subscription: Subscription, seq: int, data: bytes | str) -> None:
        prev_seq, subscription.sent = subscription.sent, seq
        await self.socket.send(stamped(data, prev_seq))

    # `live` turns true when `snapshot` takes its bars, with no await between: what changes from here on is posted
    # behind it.
    async def _write_snapshot(self, subscription: Subscription) -> None:
        topic = subscription.topic
        if subscription.again and subscription.rebuilt is None:
            await self._send(subscription, topic.seq, encode_text(Resync(topic.id, topic.seq)))
        try:
            async with topic.folding:
                if self.subscriptions.get(topic.id) is not subscription:
                    return
                subscription.live = True
                subscription.again = False
                rebuilt, subscription.rebuilt = subscription.rebuilt, None
                seq, snapshot = topic.seq, topic.snapshot(subscription.history_bars, subscription.form)
                beside = topic.study_snapshot(subscription.history_bars, subscription.form)
            data = await snapshot
        except FootloomError as error:  # a number that the wire cannot carry: this topic ends, the others go on
            subscription.drop(error)
            return
        if rebuilt is not None:
            text = encode_text(Rebuilt(topic.id, seq, str(rebuilt[0]), rebuilt[1]))
            await self._send(subscription, seq, text)
        await self._send(subscription, seq, data)
        if beside is not None:
            await self._send(subscription, seq, beside)
