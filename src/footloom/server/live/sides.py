"""Streams of a symbol that are no chart: last price, liquidations, funding, open interest.

Last price, funding and open interest are states, of which a slow client gets the newest; each liquidation is an event.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol

from footloom.core.series import NO_QUOTE, Series
from footloom.core.trades import FLAG_BACKFILLED, I64, Trades
from footloom.errors import NotStored
from footloom.feeds.flow import Commit
from footloom.feeds.stored import chart_tapes, span_of, stored_trades
from footloom.kernels.facts import in_order
from footloom.server.live.readers import Client
from footloom.server.wire.frames import Form, Frame
from footloom.server.wire.messages import SideName, StreamRequest, StreamText, Subscribed, encode_text
from footloom.store import Store

__all__ = ("Side", "SideReader", "stored_rows")

_TAPES: dict[SideName, str] = {"liquidations": "liquidation", "funding": "mark", "open_interest": "open_interest"}
_MOST_ROWS = 100  # of events that a snapshot brings along
_LOOK_BACK_NS = 86_400 * 10**9

Row = dict[str, Any]


class SideReader(Protocol):
    """One client's interest in one stream."""

    @property
    def client(self) -> Client:
        """Whose interest it is."""

    def post_state(self, key: object, frame: Frame) -> None:
        """Post what a newer frame under the same key replaces."""

    def post_event(self, frame: Frame, *, ends_ns: int | None = None) -> None:
        """Post what must arrive."""


@dataclass(eq=False)
class Side:
    """One stream of one symbol: what it last said, and who reads it. Everything here happens on the event loop."""

    id: int
    key: str
    name: SideName
    rows: list[Row]
    seq: int = 0
    readers: set[SideReader] = field(default_factory=set)
    folding: asyncio.Lock = field(default_factory=asyncio.Lock)
    _newest: tuple[int, int] = (-(2**63), 0)

    def subscribed(self, request_id: int) -> Subscribed:
        """Return the answer to a request of this stream."""
        return Subscribed(request_id, self.id, stream=StreamRequest(symbol=self.key, name=self.name))

    def snapshot(self, history_bars: int, form: Form = "json") -> Awaitable[bytes | str]:  # noqa: ARG002 - as a chart's
        """Return what the stream last said; of events some of the newest. It is text in either form."""
        return _made(self._text("snapshot", self.rows))

    def study_snapshot(self, history_bars: int, form: Form) -> None:
        """Return nothing: studies stand beside charts."""

    def apply(self, commit: Commit) -> None:
        """Take in a commit, and post what of it is this stream's."""
        fresh = self._rows_of(commit)
        if not fresh:
            return
        keeps = self._keeps
        self.rows = [*self.rows, *fresh][-keeps:]
        self.seq += 1
        text = self._text("update", fresh if keeps > 1 else fresh[-1:])
        frame = Frame(self.id, self.seq, self.name, lambda _form: text)
        for reader in list(self.readers):
            if keeps > 1:
                reader.post_event(frame)
            else:
                reader.post_state(self.name, frame)

    def catch_up(self, commits: Sequence[Commit] = ()) -> None:
        """Take in what came while the stored rows were read: they may hold it already."""
        for commit in commits:
            fresh = self._rows_of(commit)
            self.rows = [*(row for row in self.rows if row not in fresh), *fresh][-self._keeps :]

    @property
    def _keeps(self) -> int:
        return _MOST_ROWS if self.name == "liquidations" else 1

    def _text(self, kind: str, rows: Sequence[Row]) -> str:
        return encode_text(StreamText(self.id, self.seq, self.key, self.name, kind, rows))

    # Where the symbol has option chains, commits of its options come along: they say nothing of its own streams.
    def _rows_of(self, commit: Commit) -> list[Row]:
        if commit.key != self.key:
            return []
        if self.name == "last":
            return self._last_of(commit.trades)
        tape = _TAPES[self.name]
        if self.name == "liquidations":
            return [row for log in commit.logs if log.tape == tape for row in _trade_rows(log)]
        return [row for series in commit.series if series.tape == tape for row in _series_rows(series)]

    # By the ordering key, not by arrival: a print that comes late, or was fetched, is not the last one.
    def _last_of(self, trades: Trades) -> list[Row]:
        heard = in_order(trades.take(trades.flags & FLAG_BACKFILLED == 0))
        if not len(heard):
            return []
        newest = int(heard.ts_exch_ns[-1]), int(heard.trade_id[-1])
        if newest <= self._newest:
            return []
        self._newest = newest
        return _trade_rows(heard.take(slice(len(heard) - 1, len(heard))))


def stored_rows(store: Store, key: str, name: SideName) -> list[Row]:
    """Return what a stream last said, as far as it is stored. Blocking."""
    try:
        if name == "last":
            tape = chart_tapes(store, key)[0]
            end_ns = span_of(store, key, tape)[1] + 1
            return _trade_rows(stored_trades(store, key, tape, end_ns - _LOOK_BACK_NS // 24, end_ns))[-1:]
        tape = _TAPES[name]
        held = [row for row in (*store.partials(key), *store.series(key)) if row.tape == tape and row.rows]
        if not held:
            return []
        end_ns = max(row.last_ns or 0 for row in held) + 1
        if name == "liquidations":
            found = store.load(key, tape, end_ns - _LOOK_BACK_NS, end_ns)
            return _trade_rows(found)[-_MOST_ROWS:] if isinstance(found, Trades) else []
        return _series_rows(store.load_series(key, tape, end_ns - _LOOK_BACK_NS // 24, end_ns))[-1:]
    except NotStored:
        return []


def _trade_rows(trades: Trades) -> list[Row]:
    price, quantity = trades.instrument.price_text, trades.instrument.qty_text
    columns = (trades.ts_exch_ns, trades.price_tick, trades.qty_lot, trades.side)
    return [
        {"ts_ns": str(ts), "price": price(tick), "qty": quantity(lot), "side": side}
        for ts, tick, lot, side in zip(*(column[-_MOST_ROWS:].tolist() for column in columns), strict=True)
    ]


# A state: the newest word of each column is all that counts.
def _series_rows(series: Series) -> list[Row]:
    if not len(series):
        return []
    said = {name: _last_said(column) for name, column in series.columns.items()}
    row: Row = {"ts_ns": str(int(series.ts_exch_ns[-1]))}
    if series.tape == "open_interest":
        return [row | {"quantity": series.instrument.qty_text(said["oi_lot"])}]
    row |= {name: _e8(said[f"{name}_e8"]) for name in ("mark", "index", "rate")}
    return [row | {"next_ns": None if said["next_ns"] == NO_QUOTE else str(said["next_ns"])}]


# A row may leave out what has not changed.
def _last_said(column: I64) -> int:
    told = column[column != NO_QUOTE]
    return int(told[-1]) if len(told) else NO_QUOTE


def _e8(value: int) -> str | None:
    return None if value == NO_QUOTE else f"{Decimal(value).scaleb(-8).normalize():f}"


async def _made(text: str) -> str:
    return text
