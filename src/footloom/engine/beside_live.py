"""Other symbols beside a live chart: what traded since the last bar that was settled, and which bars wait for them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from footloom.core.footprint import Footprint
from footloom.core.gaps import open_gaps
from footloom.core.messages import Gap
from footloom.core.trades import I64
from footloom.engine.beside import LONGEST_NS, Rows, Units, spans
from footloom.studies import Beside, Companion

__all__ = ("LiveTapes", "Settling", "Tail")

_WAIT_NS = 2 * 10**9  # a symbol that is behind the chart by more than this is late: its bars are then read anew
_LEAST = 1024


class Tail:
    """The newest trades of one symbol, in common units; they may come late, and are kept in order of their times."""

    def __init__(self, rows: Rows, gaps: Sequence[Gap]) -> None:
        self.gaps = list(gaps)
        self._count = 0
        self._ts, self._price = np.empty((2, _LEAST), np.int64)
        self._running = np.zeros(_LEAST + 1, np.int64)
        self.add(rows)

    @property
    def newest_ns(self) -> int:
        """When the newest row traded, ns UTC."""
        return int(self._ts[self._count - 1]) if self._count else -(2**62)

    def add(self, rows: Rows) -> None:
        """Take in rows that ascend in themselves."""
        if not len(rows.ts_ns):
            return
        if int(rows.ts_ns[0]) < self.newest_ns:
            rows = self._merged(rows)
        count = self._count + len(rows.ts_ns)
        self._make_room(count)
        self._ts[self._count : count] = rows.ts_ns
        self._price[self._count : count] = rows.price
        self._running[self._count + 1 : count + 1] = self._running[self._count] + np.cumsum(rows.signed)
        self._count = count

    def companion(self, from_ns: int, to_ns: int) -> Companion:
        """Return what traded in ``[from_ns, to_ns)``."""
        lo, hi = (int(at) for at in np.searchsorted(self._ts[: self._count], (from_ns, to_ns)))
        return Companion(self._ts[lo:hi], self._price[lo:hi], self._running[lo : hi + 1], spans(self.gaps))

    def forget(self, before_ns: int) -> None:
        """Drop the rows before a time, where they are many."""
        lo = int(np.searchsorted(self._ts[: self._count], before_ns))
        self.gaps = [gap for gap in self.gaps if gap.to_ns >= before_ns - LONGEST_NS]
        if lo < max(_LEAST, self._count // 2):
            return
        kept = self._count - lo
        for column, more in ((self._ts, 0), (self._price, 0), (self._running, 1)):
            column[: kept + more] = column[lo : self._count + more].copy()
        self._count = kept

    # Everything anew: `rows` and what is held, by their times; of equal ones those that were held come first.
    def _merged(self, rows: Rows) -> Rows:
        held = Rows(self._ts[: self._count], self._price[: self._count], np.diff(self._running[: self._count + 1]))
        ts = np.concatenate([held.ts_ns, rows.ts_ns])
        order = np.argsort(ts, kind="stable")
        self._count = 0
        return Rows(
            ts[order],
            np.concatenate([held.price, rows.price])[order],
            np.concatenate([held.signed, rows.signed])[order],
        )

    def _make_room(self, count: int) -> None:
        if count <= len(self._ts):
            return
        size = 2 * count
        self._ts, self._price = (_longer(column, size) for column in (self._ts, self._price))
        self._running = _longer(self._running, size + 1)


def _longer(column: I64, size: int) -> I64:
    longer = np.zeros(size, np.int64)
    longer[: len(column)] = column
    return longer


class LiveTapes:
    """The symbols beside one study of a live chart."""

    def __init__(self, units: Units, tails: dict[str, Tail]) -> None:
        self.units = units
        self.settled_ns = -(2**62)  # what traded before is in the study's state
        self._tails = tails
        self._watermark_ns = -(2**62)

    def beside(self, from_ns: int, to_ns: int) -> Beside:
        """Return what traded in ``[from_ns, to_ns)``."""
        return self.units.beside({key: tail.companion(from_ns, to_ns) for key, tail in self._tails.items()})

    def take(self, key: str, rows: Rows, gaps: Sequence[Gap], watermark_ns: int) -> int | None:
        """Take in what a symbol traded; return from when on bars that were settled have to be told anew, ns UTC."""
        self.note(watermark_ns)
        tail = self._tails.get(key)
        if tail is None:
            return None
        tail.add(rows)
        if gaps:
            tail.gaps = open_gaps([*tail.gaps, *gaps])
        changed = [*rows.ts_ns[:1].tolist(), *(gap.from_ns for gap in gaps)]
        oldest_ns = min(changed, default=self.settled_ns)
        return oldest_ns if oldest_ns < self.settled_ns else None

    def note(self, watermark_ns: int) -> None:
        """Note the engine's time, ns UTC."""
        self._watermark_ns = max(self._watermark_ns, watermark_ns)

    def has_passed(self, at_ns: int) -> bool:
        """Say whether every symbol was heard beyond a time, or will not be in time."""
        return self._watermark_ns >= at_ns + _WAIT_NS or all(tail.newest_ns >= at_ns for tail in self._tails.values())

    def settle(self, to_ns: int) -> None:
        """Forget what traded before a time: it is in the study's state."""
        self.settled_ns = to_ns
        self.forget(to_ns)

    def forget(self, before_ns: int) -> None:
        """Drop what traded before a time."""
        for tail in self._tails.values():
            tail.forget(before_ns)


class Settling:
    """Final bars of a chart that wait until the symbols beside it were heard beyond their close."""

    def __init__(self) -> None:
        self._bars: Footprint | None = None

    def close(self, bars: Footprint) -> None:
        """Take in final bars, the ones that follow those given before."""
        if len(bars):
            self._bars = bars if self._bars is None else Footprint.concat([self._bars, bars])

    def with_open(self, opened: Footprint | None) -> Footprint | None:
        """Return the bars that wait and the open ones behind them."""
        pieces = [piece for piece in (self._bars, opened) if piece is not None and len(piece)]
        return Footprint.concat(pieces) if pieces else None

    def ready(self, tapes: Sequence[LiveTapes]) -> Footprint | None:
        """Return the bars that wait no longer."""
        bars, count = self._bars, 0
        if bars is None:
            return None
        closes = bars.bars.close_ns.tolist()
        while count < len(closes) and all(one.has_passed(closes[count]) for one in tapes):
            count += 1
        if not count:
            return None
        self._bars = bars.slice(count, len(bars)) if count < len(bars) else None
        return bars.slice(0, count)
