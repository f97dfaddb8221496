"""What one server counts and times about itself, for ``/metrics`` and for the benchmarks.

Times run from the receipt of a venue's message on this machine. Nothing here knows a secret or a symbol.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Literal

import msgspec

from footloom.core.trades import FLAG_BACKFILLED, Trades
from footloom.feeds.flow import Commit
from footloom.feeds.metrics import Spread
from footloom.server.wire.frames import Frame, Heard

__all__ = ("Figure", "Measures")


class Figure(msgspec.Struct, frozen=True):
    """One line of a page of metrics: a count since the start, or how things stand."""

    name: str
    kind: Literal["counter", "gauge"]
    words: str
    value: float


class Measures:
    """Counters and spreads of one server; written to on its event loop only.

    ``durable`` is the time from a message's receipt to its commit, ``newest`` and ``oldest`` the time until a frame
    that shows it was handed to a client's connection: of the newest message in the frame, and of the oldest one that
    no frame showed before. What was fetched later is left out: it is as late as it is old.
    """

    def __init__(self) -> None:
        self.durable = Spread()
        self.newest = Spread()
        self.oldest = Spread()
        self.messages = 0
        self.frames = 0
        self.bytes = 0
        self.conflated = 0
        self.resyncs = 0
        self.connections = 0
        self.evicted = 0
        self.refused_requests = 0
        self.gaps = 0
        self._handed: list[Frame] = []

    def note_commit(self, first_ns: int, rows: int) -> None:
        """Note that so many received rows are durable and published; ``first_ns`` is the oldest one's receipt."""
        self.messages += rows
        self.durable.note((time.time_ns() - first_ns) / 1e9)

    def note_gaps(self, commit: Commit) -> None:
        """Note what a commit says to be missing, of each tape."""
        if commit.gaps or commit.side_gaps:
            told = (*commit.gaps, *(gap for _, gap in commit.side_gaps))
            self.gaps += sum(not gap.healed for gap in told)

    def note_trades(self, trades: Trades) -> None:
        """Note that these rows are durable and published, where they were heard from a venue."""
        if trades.instrument.venue != "sim" and not trades.flags.item(0) & FLAG_BACKFILLED:
            self.note_commit(trades.ts_recv_ns.item(0), len(trades))

    def note_frame(self, size: int, heard_ns: Heard | None, times: int = 1) -> None:
        """Note that a frame was handed to connections; ``heard_ns`` are the oldest and newest receipt it shows."""
        self.frames += times
        self.bytes += size
        if heard_ns is not None:
            now_ns = time.time_ns()
            self.oldest.note((now_ns - heard_ns[0]) / 1e9, times)
            self.newest.note((now_ns - heard_ns[1]) / 1e9, times)

    def hand(self, frame: Frame, size: int) -> None:
        """Note that one more connection was handed a frame; it is timed once for all, when the loop has written it.

        What is handed to connections in one turn of the event loop is written at the end of that turn.
        """
        if not frame.handed:
            if not self._handed:
                asyncio.get_running_loop().call_soon(self._note_handed)
            self._handed.append(frame)
        frame.handed += 1
        self.bytes += size

    def _note_handed(self) -> None:
        frames, self._handed = self._handed, []
        for frame in frames:
            times, frame.handed = frame.handed, 0
            self.note_frame(0, frame.heard, times)

    def spreads(self) -> Iterator[tuple[str, str, Spread]]:
        """Yield what was timed: a name (of seconds), words, and the spread."""
        yield "receipt_to_durable_seconds", "from a message's receipt to its commit", self.durable
        yield "receipt_to_frame_newest_seconds", "from receipt to frame written, newest message of a frame", self.newest
        yield "receipt_to_frame_oldest_seconds", "from receipt to frame written, oldest message of a frame", self.oldest

    def figures(self) -> list[Figure]:
        """Return what was counted."""
        return [
            Figure("messages_total", "counter", "rows received from venues and published", self.messages),
            Figure("gaps_total", "counter", "stretches of a tape that were found to be missing", self.gaps),
            Figure("frames_total", "counter", "frames handed to clients", self.frames),
            Figure("frame_bytes_total", "counter", "bytes of these frames", self.bytes),
            Figure(
                "frames_conflated_total", "counter", "states a newer one replaced before they were sent", self.conflated
            ),
            Figure("resyncs_total", "counter", "snapshots in place of events that did not fit", self.resyncs),
            Figure("connections_total", "counter", "WebSocket connections since the start", self.connections),
            Figure("evicted_total", "counter", "connections cut off because nothing was read", self.evicted),
            Figure("refused_requests_total", "counter", "WebSocket requests that were refused", self.refused_requests),
        ]
