"""What waits to be sent to one client: bounded, replaceable where newer replaces older, complete where it must be.

A *state* (the open bar of a topic, the header of a symbol) is keyed, and the newest replaces the one still waiting.
An *event* (bar closed, bar revised, gap) is never replaced and never dropped alone: when events no longer fit,
everything of their topic goes, and the client gets a fresh snapshot instead.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass, field

from footloom.server.wire.frames import Heard, together

__all__ = ("DEFAULT_MAX_BYTES", "DEFAULT_MAX_ITEMS", "Item", "Mailbox", "Mark")

DEFAULT_MAX_BYTES = 4 * 2**20
DEFAULT_MAX_ITEMS = 1024

Mark = tuple[int, Heard | None]  # the sequence number of a topic's frame, and when what it shows was received


@dataclass(slots=True, eq=False)
class Item:
    """One message that waits: its topic, and its bytes (binary), its text, or the mark that a snapshot is due.

    ``mark`` is that of a topic's frame; other messages have none.
    """

    topic_id: int | None
    data: bytes | str | None  # None: taken back, or a snapshot that the writer takes when its turn comes
    key: Hashable = None
    due: object = None
    mark: Mark | None = None


@dataclass(slots=True)
class Mailbox:
    """Messages of one client in sending order.

    Attributes
    ----------
    max_bytes, max_items
        Bounds of what may wait; a post that would pass them is refused.
    waiting_bytes, waiting_items
        What waits now.
    replaced
        States that were replaced before they were sent, counted since the start.
    """

    max_bytes: int = DEFAULT_MAX_BYTES
    max_items: int = DEFAULT_MAX_ITEMS
    waiting_bytes: int = 0
    waiting_items: int = 0
    replaced: int = 0
    _queue: deque[Item] = field(default_factory=deque)
    _states: dict[Hashable, Item] = field(default_factory=dict)

    def post_event(
        self, data: bytes | str, topic_id: int | None = None, *, ends: Hashable = None, mark: Mark | None = None
    ) -> bool:
        """Append a message that must arrive; False where it does not fit.

        The state under the key ``ends`` is taken back (a bar that closed is no longer an open bar). Other states of the
        topic keep their places and are no longer replaced, so that the order of a topic holds.
        """
        ended = self._states.pop(ends, None)
        if ended is not None:
            self._take_back(ended)
        if topic_id is not None:
            for item in self._states_of(topic_id):
                del self._states[item.key]
        return self._append(Item(topic_id, data, mark=mark))

    def post_state(
        self, key: Hashable, data: bytes | str, topic_id: int | None = None, mark: Mark | None = None
    ) -> bool:
        """Put the newest state of ``key`` in place of the one that waits, or at the end; False if it does not fit.

        Where several states of a topic wait, the newest takes the place of the last and the others move up: the places
        of a topic among the others stay, and so does its order.
        """
        place = self._states.get(key)
        if place is None or place.data is None:
            item = Item(topic_id, data, key, mark=mark)
            self._states[key] = item
            return self._append(item)
        self.waiting_bytes += len(data) - len(place.data)
        self.replaced += 1
        if mark is not None and place.mark is not None:
            mark = (mark[0], together(place.mark[1], mark[1]))
        if topic_id is not None and len(self._states) > 1:
            place = self._moved_up(place, topic_id)
        place.data, place.key, place.mark = data, key, mark
        self._put(place)
        return self.waiting_bytes <= self.max_bytes

    def post_due(self, due: object, topic_id: int) -> None:
        """Append the mark of a snapshot: it holds no bytes and always fits, one a topic is all there can be."""
        self._queue.append(Item(topic_id, None, due=due))

    def forget(self, topic_id: int) -> None:
        """Take back everything of a topic."""
        for item in self._queue:
            if item.topic_id == topic_id:
                self._states.pop(item.key, None)
                self._take_back(item)
                item.due = None

    def take(self) -> Item | None:
        """Take the next message, None where nothing waits."""
        while self._queue:
            item = self._queue.popleft()
            if item.due is not None:
                return item
            if item.data is None:
                continue
            if self._states.get(item.key) is item:
                del self._states[item.key]
            self.waiting_bytes -= len(item.data)
            self.waiting_items -= 1
            return item
        return None

    # The states of a topic that can still be replaced, in the order in which they are sent: that of their posting.
    def _states_of(self, topic_id: int) -> list[Item]:
        return [item for item in self._states.values() if item.topic_id == topic_id]

    # At the end: the order of the keys is that of the places of each topic.
    def _put(self, place: Item) -> None:
        self._states.pop(place.key, None)
        self._states[place.key] = place

    # What waits behind a place moves up by one; the last place is free then.
    def _moved_up(self, place: Item, topic_id: int) -> Item:
        places = self._states_of(topic_id)
        for behind in places[places.index(place) + 1 :]:
            place.data, place.key, place.mark = behind.data, behind.key, behind.mark
            self._put(place)
            place = behind
        return place

    def _append(self, item: Item) -> bool:
        assert item.data is not None
        if self.waiting_items >= self.max_items or self.waiting_bytes + len(item.data) > self.max_bytes:
            self._states.pop(item.key, None)
            return False
        self._queue.append(item)
        self.waiting_items += 1
        self.waiting_bytes += len(item.data)
        return True

    def _take_back(self, item: Item) -> None:
        if item.data is not None:
            self.waiting_bytes -= len(item.data)
            self.waiting_items -= 1
            item.data = None
