"""One connected client: a reader of its requests, a mailbox, and the one task that writes to it.

Nothing here waits for a client but its own writer task, so a slow reader harms only itself. A reader
that is paused for ten seconds is dropped by the connection's own timer (`footloom.server.connection`).
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import Protocol

import footloom
from footloom.errors import ConfigError, FootloomError, ProtocolError
from footloom.server.failures import code_of
from footloom.server.hub import Hub
from footloom.server.mailbox import Mailbox
from footloom.server.messages import (
    PROTOCOL_VERSION,
    ErrorText,
    Hello,
    Rebuilt,
    Request,
    Resync,
    Subscribe,
    Subscribed,
    encode_text,
    parse_request,
)
from footloom.server.topics import Topic

__all__ = ("MAX_SUBSCRIPTIONS", "Disconnected", "Session", "Socket", "Subscription")

MAX_SUBSCRIPTIONS = 32
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
    """One topic of one client, as `footloom.server.topics.Subscriber`.

    ``live`` is false while a snapshot is due: what happens meanwhile will be in it. ``again`` says that the client
    had a snapshot before, so that it is told to forget it; ``rebuilt`` from where on bars were built anew since.
    """

    client: Session
    topic: Topic
    history_bars: int
    live: bool = False
    again: bool = False
    rebuilt: Rebuilt | None = None

    def post_bar(self, open_ns: int, data: bytes) -> None:
        """Post an open bar: a newer form of the same bar replaces it."""
        mailbox, topic_id = self.client.mailbox, self.topic.id
        if self.live and not mailbox.post_state((topic_id, open_ns), data, topic_id):
            self._overflow()

    def post_event(self, data: bytes | str, *, ends_ns: int | None = None) -> None:
        """Post what must arrive; ``ends_ns`` is the open time of the bar whose open form it makes obsolete."""
        mailbox, topic_id = self.client.mailbox, self.topic.id
        ends = None if ends_ns is None else (topic_id, ends_ns)
        if self.live and not mailbox.post_event(data, topic_id, ends=ends):
            self._overflow()

    def resnapshot(self, rebuilt: Rebuilt | None = None) -> None:
        """Take back what waits and send a fresh snapshot instead; one is enough where several are asked for."""
        if rebuilt is not None and (self.rebuilt is None or int(rebuilt.from_ns) < int(self.rebuilt.from_ns)):
            self.rebuilt = rebuilt
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
        self.resnapshot()


@dataclass(eq=False)
class Session:
    """The server's side of one WebSocket."""

    hub: Hub
    socket: Socket
    mailbox: Mailbox = field(default_factory=Mailbox)
    subscriptions: dict[int, Subscription] = field(default_factory=dict)
    resyncs: int = 0

    async def run(self) -> None:
        """Serve the client until it goes away."""
        self.mailbox.post_event(encode_text(Hello(PROTOCOL_VERSION, f"footloom {footloom.__version__}")))
        self.hub.board.join(self)
        tasks = {asyncio.create_task(self._read()), asyncio.create_task(self._write())}
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        except Disconnected:
            pass
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self.hub.board.leave(self)
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

    async def _read(self) -> None:
        while True:
            text = await self.socket.receive()
            request: Request | None = None
            try:
                request = parse_request(text)
                await self._serve(request)
            except FootloomError as error:
                self._reply_error(request, code_of(error), str(error))
            except Exception:  # noqa: BLE001 - one client's request must not end the others'
                _LOG.exception("a request of a client failed")
                self._reply_error(request, "internal", "the server could not serve this request: its log says why")

    async def _serve(self, request: Request) -> None:
        if not isinstance(request, Subscribe):
            subscription = self.subscriptions.get(request.topic_id)
            if subscription is None:
                raise ProtocolError(f"topic_id {request.topic_id} is not subscribed here: nothing to unsubscribe")
            self.leave(subscription)
            return
        if len(self.subscriptions) >= MAX_SUBSCRIPTIONS:
            raise ConfigError(
                f"this connection holds {len(self.subscriptions)} of {MAX_SUBSCRIPTIONS} subscriptions: drop one first"
            )
        topic = await self.hub.open(request.topic, request.history_bars)
        subscription = self.subscriptions.get(topic.id)
        if subscription is None:
            subscription = Subscription(self, topic, request.history_bars)
            self.subscriptions[topic.id] = subscription
            self.hub.join(topic, subscription)
        else:  # the same topic again: the client wants another snapshot, perhaps a longer one
            subscription.live = False
            subscription.history_bars = request.history_bars
            self.mailbox.forget(topic.id)
        self._answer(encode_text(Subscribed(request.id, topic.id, topic.chart.request())))
        self.mailbox.post_due(subscription, topic.id)

    def _reply_error(self, request: Request | None, code: str, message: str) -> None:
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
            elif item.data is not None:
                await self.socket.send(item.data)

    # `live` turns true when `snapshot` takes its bars, with no await between: what changes from here on is posted
    # behind it.
    async def _write_snapshot(self, subscription: Subscription) -> None:
        if subscription.again and subscription.rebuilt is None:
            await self.socket.send(encode_text(Resync(subscription.topic.id)))
        try:
            async with subscription.topic.folding:
                if subscription.topic.id not in self.subscriptions:
                    return
                subscription.live = True
                subscription.again = False
                rebuilt, subscription.rebuilt = subscription.rebuilt, None
                snapshot = subscription.topic.snapshot(subscription.history_bars)
            data = await snapshot
        except FootloomError as error:  # a number that the wire cannot carry: this topic ends, the others go on
            subscription.drop(error)
        else:
            if rebuilt is not None:
                await self.socket.send(encode_text(rebuilt))
            await self.socket.send(data)
