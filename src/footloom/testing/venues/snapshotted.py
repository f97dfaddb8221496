"""A tape as a conflated feed shows it: what a broker's server knows of each key, looked at a few times a second.

`Board` conflates trades as they happen; a `SnapshotListing` plays a recording of such looks, one by one. What a perfect
listener would have seen is kept: that is the truth which a recorder of such a feed is held against.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from footloom.core.instrument import Instrument
from footloom.core.sessions import DAY_NS
from footloom.core.snapshots import NO_QUOTE, Snapshots
from footloom.core.trades import I64, Trades
from footloom.testing.venues.market import Listing

__all__ = ("IST_NS", "Board", "Look", "SnapshotListing")

IST_NS = 19_800 * 10**9
_MINUTE_NS = 60 * 10**9
_MS = 1_000_000


@dataclass(frozen=True)
class Look:
    """What the server knows of one key: ticks, lots, ms; None and empty where it knows nothing."""

    ltt_ms: int
    ltp: int
    ltq: int
    vtt: int
    atp_e4: int
    oi: int | None
    bids: tuple[tuple[int, int], ...]
    asks: tuple[tuple[int, int], ...]
    minute_ms: int = 0
    minute_volume: int = 0


class SnapshotListing(Listing):
    """A recording of looks, each at the time at which it was received."""

    def __init__(self, seen: Snapshots) -> None:
        super().__init__(Trades.empty(seen.instrument, "trade"))
        self.seen_rows = seen.take(np.argsort(seen.ts_recv_ns, kind="stable"))
        self.look = 0

    @property
    def times(self) -> I64:
        """When something happens, ns UTC ascending."""
        return self.seen_rows.ts_recv_ns

    def shift(self, by_ns: int) -> None:
        """Let everything happen at another time."""
        rows = self.seen_rows
        self.seen_rows = replace(rows, ts_recv_ns=rows.ts_recv_ns + by_ns, ts_exch_ns=rows.ts_exch_ns + by_ns)

    def looks(self, to_ns: int) -> list[Look]:
        """Let time pass; return what was seen meanwhile."""
        stop = int(np.searchsorted(self.seen_rows.ts_recv_ns, to_ns, side="right"))
        rows = self.seen_rows.take(slice(self.look, stop))
        self.look = max(self.look, stop)
        return [_look_of(rows, row) for row in range(len(rows))]


def _look_of(rows: Snapshots, row: int) -> Look:
    def known(name: str) -> int | None:
        value = int(getattr(rows, name)[row])
        return None if value == NO_QUOTE else value

    bid, ask = known("bid_tick"), known("ask_tick")
    return Look(
        ltt_ms=int(rows.ts_exch_ns[row]) // _MS,
        ltp=int(rows.ltp_tick[row]),
        ltq=int(rows.ltq_lot[row]),
        vtt=int(rows.vtt_lot[row]),
        atp_e4=known("atp_e4") or 0,
        oi=known("oi_lot"),
        bids=() if bid is None else ((bid, known("bid_lot") or 0),),
        asks=() if ask is None else ((ask, known("ask_lot") or 0),),
    )


class Board:
    """What the server knows of one key."""

    def __init__(self, listing: Listing, now_ns: int) -> None:
        self.listing = listing
        listing.forward_book(now_ns)
        self._tape: Trades | None = None
        self._volume = self._value = np.zeros(1, np.int64)
        self.current: Look | None = None
        self.seen: list[Look] = []  # what a perfect listener would have heard, in order
        self.refresh(now_ns)

    @property
    def instrument(self) -> Instrument:
        """The instrument."""
        return self.listing.instrument

    def refresh(self, now_ns: int) -> list[Look]:
        """Look again; return what is new, oldest first: of trades one look, of a recording all of them."""
        if isinstance(self.listing, SnapshotListing):
            fresh = self.listing.looks(now_ns)
        else:
            self.listing.forward_book(now_ns)
            look = self._look()
            fresh = [] if look is None or look == self.current else [look]
        if fresh:
            self.current = fresh[-1]
            self.seen += fresh
        return fresh

    # Sums from the tape's start, so that a day's volume is a difference; int64 holds 9e18 of them.
    def _sums(self) -> None:
        if self._tape is not self.listing.trades:
            self._tape = self.listing.trades
            self._volume = np.r_[0, np.cumsum(self._tape.qty_lot)]
            self._value = np.r_[0, np.cumsum(self._tape.qty_lot * self._tape.price_tick)]

    def _look(self) -> Look | None:
        row = self.listing.row
        if row == 0:
            return None
        self._sums()
        tape = self.listing.trades
        last_ns = int(tape.ts_exch_ns[row - 1])
        is_endless = bool(self.instrument.kind) and self.instrument.calendar == "crypto"
        east_ns = 0 if is_endless else IST_NS  # open day and night: days are those of UTC
        day_ns = (last_ns + east_ns) // DAY_NS * DAY_NS - east_ns
        minute_ns = last_ns // _MINUTE_NS * _MINUTE_NS
        first, minute = (int(at) for at in np.searchsorted(tape.ts_exch_ns[:row], (day_ns, minute_ns)))
        volume = int(self._volume[row] - self._volume[first])
        value = int(self._value[row] - self._value[first])
        tick_e4 = int(self.instrument.tick_size * 10_000)
        bids, asks = self.listing.levels(30)
        return Look(
            ltt_ms=last_ns // _MS,
            ltp=int(tape.price_tick[row - 1]),
            ltq=int(tape.qty_lot[row - 1]),
            vtt=volume,
            # Rounded to a paisa, as brokers do.
            atp_e4=round(value * tick_e4 / volume / 100) * 100,
            oi=self.listing.open_interest(),
            bids=tuple(bids),
            asks=tuple(asks),
            minute_ms=minute_ns // _MS,
            minute_volume=int(self._volume[row] - self._volume[minute]),
        )
