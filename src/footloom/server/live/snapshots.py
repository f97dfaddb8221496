"""What new clients of a chart are sent first: encoded once for all who ask for the same bars."""

from __future__ import annotations

from collections.abc import Awaitable

from footloom.engine.frame import ChartFrame
from footloom.server.live.lanes import look_up
from footloom.server.wire.codec import encode, encode_json
from footloom.server.wire.frames import Form

__all__ = ("Snapshots", "Want")

_MOST = 8  # that are kept: lengths are the clients' choice
# A snapshot with more levels than this is encoded off the event loop (about 2 ms).
_THREAD_LEVELS: dict[Form, int] = {"binary": 20_000, "json": 2_000}

Want = tuple[int, Form]  # how many bars, and in which form


class Snapshots:
    """The encoded snapshots of one state of a chart: its next state has others, and one under way stays in these."""

    __slots__ = ("_kept",)

    def __init__(self) -> None:
        self._kept: dict[Want, bytes | str] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def again(self, want: Want) -> Awaitable[bytes | str] | None:
        """Return one that is here, or None."""
        data = self._kept.get(want)
        return None if data is None else _made(data)

    async def make(self, want: Want, frame: ChartFrame, meta: bytes, place: tuple[int, int]) -> bytes | str:
        """Encode bars, and keep them; ``place`` is the topic's id and its sequence number."""
        topic_id, seq = place

        def encoded() -> bytes | str:
            if want[1] == "json":
                return encode_json(frame, "snapshot", topic_id=topic_id, topic_seq=seq, meta=meta).decode()
            return encode(frame, "snapshot", topic_id=topic_id, topic_seq=seq, meta=meta)

        is_short = len(frame.footprint.levels) <= _THREAD_LEVELS[want[1]]
        data = encoded() if is_short else await look_up(encoded)
        self._kept[want] = data
        while len(self._kept) > _MOST:
            del self._kept[next(iter(self._kept))]
        return data


async def _made(data: bytes | str) -> bytes | str:
    return data
