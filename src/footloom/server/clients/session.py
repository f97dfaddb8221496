"""One connected client: a reader of its requests, and a mailbox for what its connection cannot take just now.

What is posted goes to the connection at once where nothing waits and the connection takes more. Else it waits in the
mailbox, and one task writes until nothing waits any more. Nothing waits for a client but that task, so a slow reader
harms only itself. A reader that is paused for ten seconds is dropped by the connection's own timer
(`footloom.server.clients.connection`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Hashable
from dataclasses import dataclass, field

import footloom
from footloom.errors import DataError, FootloomError, NotStored, ProtocolError, TooMuch
from footloom.server.clients.allowance import Limits, Pace
from footloom.server.clients.mailbox import Item, Mailbox, Mark
from footloom.server.clients.socket import Disconnected, Socket
from footloom.server.failures import code_of
from footloom.server.live.any_topic import AnyTopic
from footloom.server.live.companions import keys_beside
from footloom.server.live.hub import Hub
from footloom.server.live.lanes import ASKER
from footloom.server.live.streams import Streams
from footloom.server.live.topics import Topic
from footloom.server.wire.codec import stamped
from footloom.server.wire.frames import Form, Frame, Message
from footloom.server.wire.layout import NO_SEQ
from footloom.server.wire.messages import (
    PROTOCOL_VERSION,
    ErrorText,
    Hello,
    Ping,
    Pong,
    Rebuilt,
    Request,
    Resync,
    Subscribe,
    encode_text,
    parse_request,
)

__all__ = ("Session", "Subscription")

_LOG = logging.getLogger(__name__)


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
        if not self.live or self.client.hand(self, frame):
            return
        if not self.client.keep((self.topic.id, key), frame.data(self.form), self.topic.id, _mark(frame)):
            self._overflow()

    def post_event(self, frame: Frame, *, ends_ns: int | None = None) -> None:
        """Post what must arrive; ``ends_ns`` is the open time of the bar whose open form it makes obsolete."""
        if not self.live or self.client.hand(self, frame):
            return
        mailbox, topic_id = self.client.mailbox, self.topic.id
        ends = None if ends_ns is None else (topic_id, ends_ns)
        if not mailbox.post_event(frame.data(self.form), topic_id, ends=ends, mark=_mark(frame)):
            self._overflow()
        self.client.wake()

    def resnapshot(self, rebuilt: tuple[int, int] | None = None, closed: object = None) -> None:  # noqa: ARG002 - the snapshot has them
        """Take back what waits and send a fresh snapshot instead; one is enough where several are asked for."""
        if rebuilt is not None:
            from_ns = rebuilt[0] if self.rebuilt is None else min(rebuilt[0], self.rebuilt[0])
            self.rebuilt = (from_ns, rebuilt[1])
        if self.live:
            self.live = False
            self.again = True
            self.client.mailbox.forget(self.topic.id)
            self.client.post_due(self)

    def drop(self, error: FootloomError) -> None:
        """Tell the client that the topic cannot go on, and end it."""
        self.client.leave(self)
        self.client.post(encode_text(ErrorText(None, code_of(error), str(error))))

    def _overflow(self) -> None:
        self.client.resyncs += 1
        self.client.hub.measures.resyncs += 1
        self.resnapshot()


def _mark(frame: Frame) -> Mark:
    return frame.seq, frame.heard


@dataclass(slots=True, eq=False)
class Session:
    """The server's side of one WebSocket.

    ``_idle`` is true while nothing waits and nothing is being written: what is posted may then go out at once.
    """

    hub: Hub
    socket: Socket
    streams: Streams | None = None
    limits: Limits = field(default_factory=Limits)
    mailbox: Mailbox = field(default_factory=Mailbox)
    subscriptions: dict[int, Subscription] = field(default_factory=dict)
    resyncs: int = 0
    _held: dict[int, list[list[str]]] = field(default_factory=dict)  # streams, by topic, once for each request of it
    _opening: set[asyncio.Task[None]] = field(default_factory=set)
    _idle: bool = True
    _writing: asyncio.Task[None] | None = None
    _reading: asyncio.Task[None] | None = None  # the task that runs the session, while it may be cut off
    _ended: bool = False
    _fault: Exception | None = None

    async def run(self) -> None:
        """Serve the client until it goes away."""
        self.hub.measures.connections += 1
        self.post(encode_text(Hello(PROTOCOL_VERSION, f"footloom {footloom.__version__}")))
        self.hub.board.join(self)
        self._reading = asyncio.current_task()
        try:
            if not self._ended:
                await self._read()
        except Disconnected:
            pass
        except asyncio.CancelledError:
            if not self._ended or self._reading is None or self._reading.uncancel():
                raise
        finally:
            await self._end()
        if self._fault is not None:
            raise self._fault

    async def _end(self) -> None:
        self._ended, self._idle, self._reading = True, False, None
        tasks = [*self._opening, *([] if self._writing is None else [self._writing])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.hub.board.leave(self)
        for subscription in list(self.subscriptions.values()):
            self.leave(subscription)

    def _cut(self, fault: Exception | None = None) -> None:
        if not self._ended:
            self._ended, self._idle, self._fault = True, False, fault
            if self._reading is not None:
                self._reading.cancel()

    def hand(self, subscription: Subscription, frame: Frame) -> bool:
        """Send a frame at once where nothing waits and the connection takes more; say whether it was sent."""
        if not self._idle:
            return False
        message = frame.stamped(subscription.form, subscription.sent)
        if not self.socket.offer(message):
            return False
        subscription.sent = frame.seq
        self.hub.measures.hand(frame, len(message.data))
        return True

    def post(self, text: str) -> bool:
        """Post what must arrive; False where it does not fit."""
        if self._idle and self.socket.offer(Message(text)):
            return True
        fits = self.mailbox.post_event(text)
        self.wake()
        return fits

    def post_due(self, subscription: Subscription) -> None:
        """Post the mark of a snapshot, which is taken when its turn comes."""
        self.mailbox.post_due(subscription, subscription.topic.id)
        self.wake()

    def post_status(self, key: str, said: Message) -> None:
        """Post the header of a symbol: a newer one replaces it, and one that does not fit is left out."""
        self._post_state(("status", key), said)

    def post_feed(self, key: str, said: Message) -> None:
        """Post how a symbol's feed stands: a newer one replaces it, and one that does not fit is left out."""
        self._post_state(("feed", key), said)

    def _post_state(self, key: tuple[str, str], said: Message) -> None:
        if not (self._idle and self.socket.offer(said)):
            self.keep(key, said.data)

    def keep(self, key: Hashable, data: bytes | str, topic_id: int | None = None, mark: Mark | None = None) -> bool:
        """Let a state wait in the mailbox, and count the one that it replaces; False where it does not fit."""
        replaced = self.mailbox.replaced
        fits = self.mailbox.post_state(key, data, topic_id, mark)
        self.hub.measures.conflated += self.mailbox.replaced - replaced
        self.wake()
        return fits

    def wake(self) -> None:
        """Write what waits, beside everything else."""
        if self._writing is None and not self._ended:
            self._idle = False
            self._writing = asyncio.create_task(self._write())

    def leave(self, subscription: Subscription) -> None:
        """End a subscription."""
        if self.subscriptions.pop(subscription.topic.id, None) is not None:
            subscription.live = False
            self.mailbox.forget(subscription.topic.id)
            self.hub.leave(subscription.topic, subscription)
            self._let_go(subscription.topic)

    async def _read(self) -> None:
        pace = Pace(self.limits.messages_per_s)
        while True:
            text = await self.socket.receive()
            wait_s = pace.wait_s(asyncio.get_running_loop().time())
            if wait_s > 0:  # what else it says waits in its own connection meanwhile
                self._refuse(None, TooMuch(f"more than {pace.per_s:g} messages a second: read again in {wait_s:.2g} s"))
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
        if isinstance(request, Ping):
            self._answer(encode_text(Pong()))
            return
        subscription = self.subscriptions.get(request.topic_id)
        if subscription is None:
            raise ProtocolError(f"topic_id {request.topic_id} is not subscribed here: nothing to unsubscribe")
        self.leave(subscription)

    # A stream that has to start first takes seconds: other requests are answered meanwhile.
    async def _open(self, request: Subscribe) -> None:
        ASKER.set(id(self))
        try:
            await self._opened(request)
        except Disconnected:
            self._cut()

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
        if self.streams is None or not request.is_fed:
            topic = await self.hub.open_asked(request, key)
            _check_begun(topic, key, is_fed=False)
        else:
            key = await self.streams.open(key)
            held = [key]
            try:
                held += await self.streams.open_beside(keys_beside(request.studies, key))
                topic = await self.hub.open_asked(request, key)
                _check_begun(topic, key, is_fed=True)
            except BaseException:
                for one in held:
                    self.streams.close(one)
                raise
            self._held.setdefault(topic.id, []).append(held)
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
            self._let_go(topic)  # it is held once already
        self._answer(encode_text(topic.subscribed(request.id)))
        self.post_due(subscription)

    def _let_go(self, topic: AnyTopic) -> None:
        held = self._held.get(topic.id)
        if self.streams is None or not held:
            return
        for key in held.pop():
            self.streams.close(key)
        if not held:
            del self._held[topic.id]

    def _refuse(self, request: Request | None, error: FootloomError) -> None:
        self.hub.measures.refused_requests += 1
        self._answer_error(request, code_of(error), str(error))

    def _answer_error(self, request: Request | None, code: str, message: str) -> None:
        self._answer(encode_text(ErrorText(request.id if isinstance(request, Subscribe) else None, code, message)))

    # A client that asks faster than it reads answers is cut off: its questions cost the others time.
    def _answer(self, text: str) -> None:
        if not self.post(text):
            raise Disconnected

    # Between the last look into the mailbox and the end there is no await: what is posted then goes out at once.
    async def _write(self) -> None:
        try:
            while (item := self.mailbox.take()) is not None:
                if isinstance(item.due, Subscription):
                    await self._write_snapshot(item.due)
                elif item.mark is not None:
                    await self._write_frame(item, item.mark)
                elif item.data is not None:
                    await self.socket.send(Message(item.data))
        except Disconnected:
            self._cut()
        except Exception as fault:  # noqa: BLE001 - it ends the session, which raises it
            self._cut(fault)
        self._writing, self._idle = None, not self._ended

    async def _write_frame(self, item: Item, mark: Mark) -> None:
        subscription = self.subscriptions.get(item.topic_id or 0)
        if subscription is None or item.data is None:
            return
        await self._send(subscription, mark[0], item.data)
        self.hub.measures.note_frame(len(item.data), mark[1])

    async def _send(self, subscription: Subscription, seq: int, data: bytes | str) -> None:
        prev_seq, subscription.sent = subscription.sent, seq
        await self.socket.send(Message(stamped(data, prev_seq)))

    # `live` turns true when `snapshot` takes its bars, with no await between: what changes from here on is posted
    # behind it. What waits to be folded is folded before: it is in the snapshot, and not posted here again.
    async def _write_snapshot(self, subscription: Subscription) -> None:
        topic = subscription.topic
        if subscription.again and subscription.rebuilt is None:
            await self._send(subscription, topic.seq, encode_text(Resync(topic.id, topic.seq)))
        try:
            async with topic.folding:
                topic.catch_up()
                if self.subscriptions.get(topic.id) is not subscription:
                    return
                subscription.live, subscription.again = True, False
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


# A chart without bars: an index's would wait for ever. Of what is fed the first snapshot shows no trade yet: refused by
# the request's number, so that who asked knows to ask again.
def _check_begun(topic: AnyTopic, key: str, *, is_fed: bool) -> None:
    if not isinstance(topic, Topic) or topic.has_begun:
        return
    if topic.chart.instrument.kind == "index":
        raise DataError(
            f"{key} is an index: nothing is traded in it, so it has no bars. Its price can stand below another chart: "
            "Studies, Price of another symbol"
        )
    if is_fed:
        raise NotStored(f"{key} has no bars yet: ask again when it has traded")
