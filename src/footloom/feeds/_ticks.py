"""A conflated feed of one symbol: messages to snapshots, and snapshots to trades with inferred sides.

What live inference gives for a day is what inference over the stored snapshots of that day gives: both begin with the
exchange's day, and leave out what came long after it (`footloom.feeds.stored`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import msgspec
import numpy as np

from footloom.core.instrument import Instrument
from footloom.core.messages import Gap, Tick
from footloom.core.sessions import calendar
from footloom.core.snapshots import GREEKS, NO_QUOTE, Snapshots
from footloom.core.ticks import Merger, Refusal
from footloom.core.trades import Trades
from footloom.errors import NotStored
from footloom.feeds._minutes import MinuteCheck
from footloom.feeds.flow import Quote
from footloom.kernels.inference import InferState, SnapshotParams, infer
from footloom.store import Store

__all__ = ("SNAPSHOT", "Seen", "SnapshotTape")

SNAPSHOT = "snapshot"
_LATEST_NS = 60 * 10**9  # as in `footloom.feeds.stored`
_NS_MAX = 2**62


class Seen:
    """What a batch gave: snapshots to store, trades to fold, gaps, and messages that the grid refused."""

    __slots__ = ("gaps", "partial", "refused", "snapshots", "trades")

    def __init__(
        self,
        snapshots: Snapshots,
        trades: Trades,
        partial: Trades,
        gaps: tuple[Gap, ...],
        refused: tuple[Refusal, ...],
    ) -> None:
        self.snapshots = snapshots
        self.trades = trades
        self.partial = partial
        self.gaps = gaps
        self.refused = refused


class SnapshotTape:
    """Snapshots of one symbol, and the trades that are inferred from them.

    ``told`` is what is wrong, ``last_ns`` the receipt of the newest snapshot, ``quote`` the best bid and ask of it,
    ``price`` its last price.
    """

    def __init__(self, instrument: Instrument, params: SnapshotParams | None = None) -> None:
        self.instrument = instrument
        self.last_ns = 0
        self.quote: Quote = (None, None)
        self.price: Decimal | None = None
        self.told: list[str] = []
        self._minutes = MinuteCheck()
        self._params = params or SnapshotParams()
        self._merger = Merger(instrument)
        self._ticks: list[Tick] = []
        self._breaks: list[tuple[int, str]] = []  # losses before the first tick that was received since
        self._missed: tuple[int, str] | None = None  # since when nothing was heard, and why
        self._state: InferState | None = None
        self._day_ns = (-_NS_MAX, -_NS_MAX)  # the exchange's day that the state is of
        self._gaps: list[Gap] = []

    @property
    def add(self) -> Callable[[Tick], None]:
        """How a message is given, until the next `take`."""
        return self._ticks.append

    def missed(self, cause: str, since_ns: int) -> None:
        """Note that a connection was lost: volume until the next snapshot is of unknown side.

        What was received before ``since_ns`` came before the loss, and may still be to come.
        """
        self._breaks.append((since_ns, cause))

    def renew(self, instrument: Instrument) -> None:
        """Let new rows stand on another definition of the instrument; inference goes on where its numbers can."""
        if self._state is not None:
            self._state = _rescaled(self._state, self.instrument, instrument)
        self.instrument = instrument
        self._merger = Merger(instrument)

    def restore(self, store: Store) -> bool:
        """Go on from what is stored of the exchange's newest day; False where nothing is. Blocking.

        Raises
        ------
        StoreError
            The store cannot be read.
        """
        key = self.instrument.key
        lasts = [row.last_ns for row in store.coverage(key) if row.tape == SNAPSHOT and row.last_ns is not None]
        if not lasts:
            return False
        start_ns, _ = self._day_of(max(lasts))
        try:
            block = store.load(key, SNAPSHOT, start_ns - _LATEST_NS, _NS_MAX)
        except NotStored:
            return False
        assert isinstance(block, Snapshots)
        self._gaps = store.gaps(key, SNAPSHOT, start_ns - _LATEST_NS, _NS_MAX)
        own, self.instrument = self.instrument, block.instrument
        self._infer(block)
        self.renew(own)
        self.last_ns = int(block.ts_recv_ns.max())
        return True

    def fold(self, seen: Snapshots, gaps: Sequence[Gap] = ()) -> Trades:
        """Return the trades of snapshots that others have made and stored, in the order of receipt."""
        self._gaps += gaps
        if len(seen):
            self.last_ns = int(seen.ts_recv_ns[-1])
        return self._infer(seen)

    @property
    def waiting(self) -> bool:
        """Whether anything was given since the last `take`."""
        return bool(self._ticks)

    def take(self) -> Seen:
        """Return what came since the last time."""
        ticks, self._ticks = self._ticks, []
        pieces = []
        while self._breaks and ticks and ticks[-1].ts_recv_ns >= self._breaks[0][0]:
            since_ns, cause = self._breaks.pop(0)
            before = [tick for tick in ticks if tick.ts_recv_ns < since_ns]
            if before:
                pieces.append(self._take(before))
                ticks = [tick for tick in ticks if tick.ts_recv_ns >= since_ns]
            self._merger.reset()
            self._minutes.interrupted()
            if self.last_ns and self._missed is None:
                self._missed = (self.last_ns, cause)
        pieces.append(self._take(ticks))
        return pieces[0] if len(pieces) == 1 else _joined(pieces)

    def _take(self, ticks: list[Tick]) -> Seen:
        merged = self._merger.take(ticks)
        seen = self._in_order(merged.snapshots)
        gaps: tuple[Gap, ...] = ()
        if len(seen):
            gaps = self._close_gap(int(seen.ts_recv_ns[0]))
            self.last_ns = int(seen.ts_recv_ns[-1])
            self.quote = (_known(seen.bid_tick[-1]), _known(seen.ask_tick[-1]))
            self.price = int(seen.ltp_tick[-1]) * seen.instrument.tick_size
        trades = self._infer(seen)
        text = self._minutes.add(ticks, trades)
        if text:
            self.told.append(f"{self.instrument.key}: {text}")
        return Seen(seen, trades, merged.partial, gaps, merged.refused)

    # Snapshots are filed under their receipt: no two of a symbol share one, so that their order is kept.
    def _in_order(self, seen: Snapshots) -> Snapshots:
        if not len(seen):
            return seen
        at_ns = np.empty(len(seen), np.int64)
        last_ns = self.last_ns
        for place, recv_ns in enumerate(seen.ts_recv_ns.tolist()):
            at_ns[place] = last_ns = max(recv_ns, last_ns + 1)
        columns = {name: getattr(seen, name) for name in _KEPT}
        return Snapshots(instrument=seen.instrument, ts_recv_ns=at_ns, **columns)

    def _close_gap(self, recv_ns: int) -> tuple[Gap, ...]:
        if self._missed is None:
            return ()
        (from_ns, cause), self._missed = self._missed, None
        gap = Gap(symbol=self.instrument.symbol, from_ns=from_ns, to_ns=max(recv_ns, from_ns + 1), cause=cause)
        self._gaps.append(gap)
        return (gap,)

    def _infer(self, seen: Snapshots) -> Trades:
        pieces = [Trades.empty(self.instrument, SNAPSHOT)]
        for part, start_ns in self._by_day(seen):
            if start_ns > self._day_ns[0]:
                self._state, self._day_ns = None, self._day_of(start_ns)
                self._gaps = [gap for gap in self._gaps if gap.to_ns >= start_ns - _LATEST_NS]
            inferred = infer(part, self._state, self._params, gaps=self._gaps)
            self._state = inferred.state
            pieces.append(inferred.trades)
        return Trades.concat(pieces)

    # The days of a batch in order, each with its snapshots; what is of an earlier day than the newest is left out.
    def _by_day(self, seen: Snapshots) -> list[tuple[Snapshots, int]]:
        found = []
        place = 0
        while place < len(seen):
            start_ns, end_ns = self._day_of(int(seen.ts_exch_ns[place]))
            inside = (seen.ts_exch_ns[place:] >= start_ns) & (seen.ts_exch_ns[place:] < end_ns)
            stop = len(seen) if inside.all() else place + int(np.argmin(inside))
            part = seen.take(slice(place, stop))
            near = (part.ts_recv_ns >= start_ns - _LATEST_NS) & (part.ts_recv_ns < end_ns + _LATEST_NS)
            if start_ns >= self._day_ns[0] and near.any():
                found.append((part.take(near), start_ns))
            place = stop
        return found

    def _day_of(self, at_ns: int) -> tuple[int, int]:
        if self._day_ns[0] <= at_ns < self._day_ns[1]:
            return self._day_ns
        day = calendar(self.instrument.calendar).day_edges(at_ns, at_ns + 1, lambda one: one)
        return int(day.start_ns[0]), int(day.end_ns[0])


_KEPT = (
    *("ts_exch_ns", "ltp_tick", "ltq_lot", "vtt_lot", "bid_tick", "ask_tick"),
    *("oi_lot", "bid_lot", "ask_lot", "atp_e4"),
    *GREEKS,
)


def _joined(pieces: list[Seen]) -> Seen:
    snapshots = [one.snapshots for one in pieces]
    columns: dict[str, Any] = {
        name: np.concatenate([getattr(rows, name) for rows in snapshots]) for name in ("ts_recv_ns", *_KEPT)
    }
    return Seen(
        Snapshots(instrument=snapshots[0].instrument, **columns),
        Trades.concat([one.trades for one in pieces]),
        Trades.concat([one.partial for one in pieces]),
        tuple(gap for one in pieces for gap in one.gaps),
        tuple(refusal for one in pieces for refusal in one.refused),
    )


def _known(tick: np.int64) -> int | None:
    return None if tick == NO_QUOTE else int(tick)


_IN_TICKS = ("ltp_tick", "bid_tick", "ask_tick")
_IN_LOTS = ("vtt_lot", "low_vtt_lot", "unattributed_lot", "corrected_lot")


# The same state in other units. Where they do not hold it inference begins anew, but for the numbers of its rows.
def _rescaled(state: InferState, old: Instrument, new: Instrument) -> InferState:
    ratios = {name: Fraction(old.tick_size) / Fraction(new.tick_size) for name in _IN_TICKS}
    ratios |= {name: Fraction(old.lot_size) / Fraction(new.lot_size) for name in _IN_LOTS}
    changed: dict[str, int] = {}
    for name, ratio in ratios.items():
        value = getattr(state, name)
        moved = value * ratio if value != NO_QUOTE else Fraction(value)
        if moved.denominator != 1:
            return InferState(params_hash=state.params_hash, seen=state.seen)
        changed[name] = int(moved)
    return msgspec.structs.replace(state, **changed)
