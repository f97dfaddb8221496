"""What all bars share that end by what was traded: sessions, keys, state (definitions 2.4).

A rule says in `Sequential.cut` which trades end a bar. Everything else stands here: each span of the calendar starts
anew, so that bars are a function of their session's tape alone; a bar is named by the time of its first trade, or by
the end of the bar before where both share it; and the state goes into bytes and back.
"""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from footloom.core.edges import Edges
from footloom.core.sessions import Calendar
from footloom.core.trades import I64, Trades
from footloom.errors import DataError
from footloom.kernels.sequential import bar_keys

__all__ = ("Cut", "Sequential")

Cut = tuple[Trades, I64]
_START, _END, _OFF_SESSION, _OPEN, _CLOSE, _GROWS, _HEAD = range(7)
_NEVER = -(2**63)  # before any span: the first one of a calendar begins at -(2**62)


@dataclass(frozen=True, slots=True)
class Sequential(ABC):
    """A rule whose bars end by what was traded; ``MEMORY`` is how many numbers it keeps from trade to trade."""

    text: str
    MEMORY: ClassVar[int] = 1

    @property
    def sequential(self) -> bool:
        """Always: a bar begins where the one before it ended."""
        return True

    @abstractmethod
    def cut(self, trades: Trades, memory: I64) -> Cut:
        """Return the rows to fold, and the row numbers behind which bars end, int64, ascending.

        ``trades`` are of one session and follow those that left ``memory`` behind, int64 (MEMORY,), zeros at the
        session's start; ``cut`` leaves there what the next trades need. An end of 0 says that the bar before these
        trades is over without them. The rows are the trades, or these with some cut into parts.
        """

    def edges(self, trades: Trades, calendar: Calendar, state: bytes = b"") -> tuple[Edges, bytes]:
        """Cut the trades (see `footloom.bars.BarRule`).

        Raises
        ------
        DataError
            The state is that of another rule.
        """
        if not len(trades):
            return Edges.none(), state
        kept = self._kept(state)
        sessions, pieces = [], []
        for part in self._sessions(trades, calendar, kept):
            sessions.append(part)
            pieces.append(self._session(part, kept))
        uncut = all(piece.pieces is part for piece, part in zip(pieces, sessions, strict=True))
        return _joined(pieces, uncut=uncut), kept.tobytes()

    def _kept(self, state: bytes) -> I64:
        if not state:
            kept = np.zeros(_HEAD + self.MEMORY, np.int64)
            kept[_START : _HEAD - 1] = (_NEVER, _NEVER, 0, _NEVER, _NEVER)
            return kept
        kept = np.frombuffer(state, np.int64).copy()
        if len(kept) != _HEAD + self.MEMORY:
            raise DataError(
                f"the state given to {self.text} bars has {len(state)} bytes, theirs has {8 * (_HEAD + self.MEMORY)}: "
                "it belongs to another rule"
            )
        return kept

    # The trades of each session in turn; what is kept starts anew with each.
    def _sessions(self, trades: Trades, calendar: Calendar, kept: I64) -> Iterator[Trades]:
        ts = trades.ts_exch_ns
        if kept[_START] <= ts[0] and ts[-1] < kept[_END]:
            yield trades
            return
        spans = calendar.spans(int(ts[0]), int(ts[-1]) + 1)
        cuts = np.concatenate([[0], np.searchsorted(ts, spans.end_ns[:-1]), [len(ts)]])
        for span, (lo, hi) in enumerate(itertools.pairwise(cuts.tolist())):
            if lo == hi:
                continue
            if spans.start_ns[span] != kept[_START]:
                kept[_START], kept[_END] = spans.start_ns[span], spans.end_ns[span]
                kept[_OFF_SESSION] = not spans.in_session[span]
                kept[_GROWS] = 0
                kept[_HEAD:] = 0
            yield trades if hi - lo == len(ts) else trades.take(slice(lo, hi))

    def _session(self, trades: Trades, kept: I64) -> Edges:
        rows, found = self.cut(trades, kept[_HEAD:])
        goes_on = bool(kept[_GROWS])
        if len(found) and found[0] == 0:
            found, goes_on = found[1:], False
        complete = len(found) > 0 and int(found[-1]) == len(rows)
        ends = np.concatenate([[0], found] if complete else [[0], found, [len(rows)]])
        open_ns, close_ns = np.empty((2, len(ends) - 1), np.int64)
        bar_keys(rows.ts_exch_ns, ends, int(kept[_OPEN]), int(kept[_CLOSE]), int(goes_on), open_ns, close_ns)
        until_ns = close_ns.copy()
        if not complete:
            until_ns[-1] = kept[_END]
        kept[_OPEN], kept[_CLOSE], kept[_GROWS] = open_ns[-1], close_ns[-1], not complete
        off_session = np.full(len(open_ns), kept[_OFF_SESSION])
        return Edges(ends, open_ns, close_ns, off_session, until_ns, complete, rows)


def _joined(pieces: list[Edges], *, uncut: bool) -> Edges:
    if len(pieces) == 1:
        return replace(pieces[0], pieces=None) if uncut else pieces[0]
    starts = np.cumsum([0, *(int(piece.ends[-1]) for piece in pieces[:-1])])
    ends = [piece.ends[1:] + start for piece, start in zip(pieces, starts, strict=True)]
    return Edges(
        np.concatenate([[0], *ends]),
        np.concatenate([piece.open_ns for piece in pieces]),
        np.concatenate([piece.close_ns for piece in pieces]),
        np.concatenate([piece.off_session for piece in pieces]),
        np.concatenate([piece.grows_until_ns for piece in pieces]),
        pieces[-1].complete,
        None if uncut else Trades.concat([piece.pieces for piece in pieces if piece.pieces is not None]),
    )
