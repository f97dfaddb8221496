"""What a topic says, encoded once in each form for all who look at it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from footloom.engine.frame import ChartFrame
from footloom.server.wire.codec import encode, encode_json

__all__ = ("Form", "Frame", "Heard", "chart_frame", "together")

Form = Literal["binary", "json"]
Heard = tuple[int, int]  # the receipt of the oldest and of the newest message that a frame shows, ns UTC


def together(one: Heard | None, other: Heard | None) -> Heard | None:
    """Return the receipts of two frames of which only the second is shown."""
    if one is None or other is None:
        return one or other
    return min(one[0], other[0]), max(one[1], other[1])


class Frame:
    """One message of a topic: ``seq`` is its place in it, ``kind`` what it is.

    ``chart`` holds the bars that it shows, None where it shows something else. ``heard`` tells when the messages that
    it is the first to show were received. ``size`` is about what it takes on the wire.
    """

    __slots__ = ("_forms", "_make", "chart", "heard", "kind", "seq", "topic_id")

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
        self._make = make
        self._forms: dict[Form, bytes | str] = {}

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


def chart_frame(topic_id: int, seq: int, kind: str, chart: ChartFrame, heard: Heard | None = None) -> Frame:
    """Return the frame of some bars."""

    def make(form: Form) -> bytes | str:
        if form == "json":
            return encode_json(chart, kind, topic_id=topic_id, topic_seq=seq).decode()
        return encode(chart, kind, topic_id=topic_id, topic_seq=seq)

    return Frame(topic_id, seq, kind, make, chart=chart, heard=heard)
