"""What clients are told: each message is encoded, and packed for the WebSocket, once for all who are sent it."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Literal

from footloom.engine.frame import ChartFrame
from footloom.server.wire.codec import encode, encode_json, stamped
from footloom.server.wire.one_bar import encode_one

__all__ = ("Form", "Frame", "Heard", "Message", "chart_frame", "together")

_MOST_STAMPS = 4  # clients that keep up were all sent the same frame before; a few are one or two behind

Form = Literal["binary", "json"]
Heard = tuple[int, int]  # the receipt of the oldest and of the newest message that a frame shows, ns UTC


def together(one: Heard | None, other: Heard | None) -> Heard | None:
    """Return the receipts of two frames of which only the second is shown."""
    if one is None or other is None:
        return one or other
    return min(one[0], other[0]), max(one[1], other[1])


class Message:
    """Bytes, or text, as a client is sent them."""

    __slots__ = ("_packed", "data")

    def __init__(self, data: bytes | str) -> None:
        self.data = data
        self._packed: bytes | None = None

    def packed(self) -> bytes:
        """Return it as one frame of a WebSocket; made at the first call.

        A server's frames are not masked and ours are not compressed: a frame is its kind, its length and its bytes.
        """
        if self._packed is None:
            payload = self.data if isinstance(self.data, bytes) else self.data.encode()
            self._packed = _head(len(payload), isinstance(self.data, bytes)) + payload
        return self._packed


def _head(size: int, is_binary: bool) -> bytes:  # noqa: FBT001 - one of two kinds
    kind = 0x82 if is_binary else 0x81
    if size < 126:
        return struct.pack("!BB", kind, size)
    if size < 65_536:
        return struct.pack("!BBH", kind, 126, size)
    return struct.pack("!BBQ", kind, 127, size)


class Frame:
    """One message of a topic: ``seq`` is its place in it, ``kind`` what it is.

    ``chart`` holds the bars that it shows, None where it shows something else. ``heard`` tells when the messages that
    it is the first to show were received. ``handed`` counts the connections that have it and were not timed yet.
    """

    __slots__ = ("_forms", "_make", "_stamps", "chart", "handed", "heard", "kind", "seq", "topic_id")

    def __init__(
        self,
        topic_id: int,
        seq: int,
        kind: str,
        make: Callable[[Form], bytes | str],
        *,
        chart: ChartFrame | None = None,
        heard: Heard | None = None,
    ) -> None:
        self.topic_id = topic_id
        self.seq = seq
        self.kind = kind
        self.chart = chart
        self.heard = heard
        self.handed = 0
        self._make = make
        self._forms: dict[Form, bytes | str] = {}
        self._stamps: dict[tuple[Form, int], Message] = {}

    def data(self, form: Form) -> bytes | str:
        """Return it in a form; made at the first call.

        Raises
        ------
        ProtocolError
            It holds a number that the wire cannot carry.
        """
        made = self._forms.get(form)
        if made is None:
            made = self._forms[form] = self._make(form)
        return made

    def stamped(self, form: Form, prev_seq: int) -> Message:
        """Return it as it is sent to those who were sent the frame ``prev_seq`` before it.

        Raises
        ------
        ProtocolError
            It holds a number that the wire cannot carry.
        """
        made = self._stamps.get((form, prev_seq))
        if made is None:
            made = Message(stamped(self.data(form), prev_seq))
            if len(self._stamps) < _MOST_STAMPS:
                self._stamps[form, prev_seq] = made
        return made


def chart_frame(topic_id: int, seq: int, kind: str, chart: ChartFrame, heard: Heard | None = None) -> Frame:
    """Return the frame of some bars."""

    def make(form: Form) -> bytes | str:
        if form == "json":
            return encode_json(chart, kind, topic_id=topic_id, topic_seq=seq).decode()
        one = encode_one(chart, kind, topic_id, seq)
        return encode(chart, kind, topic_id=topic_id, topic_seq=seq) if one is None else one

    return Frame(topic_id, seq, kind, make, chart=chart, heard=heard)
