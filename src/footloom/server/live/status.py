"""The header of a symbol: last and best prices and the day so far, folded from the same commits as the bars."""

from __future__ import annotations

import operator
from decimal import Decimal
from functools import lru_cache

import numpy as np

from footloom.core.instrument import Instrument
from footloom.core.sessions import calendar
from footloom.core.trades import FLAG_BACKFILLED, I64, Trades
from footloom.feeds.flow import Commit
from footloom.kernels.facts import facts, in_order
from footloom.server.wire.frames import Message
from footloom.server.wire.messages import Status, encode_text

__all__ = ("CLOCK_INTERVAL_S", "STATUS_INTERVAL_S", "SymbolStatus", "exact_dot")

STATUS_INTERVAL_S = 0.25
CLOCK_INTERVAL_S = 1.0  # where nothing has changed but the engine's time and the lag
_FEW_ROWS = 64  # numpy is faster for more
_INT64_MAX = 2**63 - 1
_LATEST = (_INT64_MAX, 0)
_VWAP_DECIMALS = 2  # beyond those of the tick size: an average lies between ticks


def exact_dot(a: I64, b: I64) -> int:
    """Return the sum of products, exactly: in int64 where it must fit, else in Python integers (definitions 4.4)."""
    if not len(a):
        return 0
    bound = int(np.abs(a).max()) * int(np.abs(b).max()) * len(a)
    if bound <= _INT64_MAX:
        return int(np.dot(a, b))
    return sum(x * y for x, y in zip(a.tolist(), b.tolist(), strict=True))


def _key(ordered: Trades, row: int) -> tuple[int, int]:
    return ordered.ts_exch_ns.item(row), ordered.trade_id.item(row)


def _last_heard(trades: Trades) -> int | None:
    """Return the row that was heard last, None where all were fetched later."""
    if not len(trades) or not facts(trades).flags & FLAG_BACKFILLED:
        return len(trades) - 1 if len(trades) else None
    heard = np.flatnonzero(trades.flags & FLAG_BACKFILLED == 0)
    return int(heard[-1]) if len(heard) else None


def _sums(trades: Trades) -> tuple[int, int, int, int]:
    """Return highest and lowest price, volume and turnover; of a few rows, as most commits have, in plain integers."""
    ticks, lots = trades.price_tick, trades.qty_lot
    if len(ticks) == 1:
        tick, lot = ticks.item(), lots.item()
        return tick, tick, lot, tick * lot
    if len(ticks) > _FEW_ROWS:  # so are pages of history
        return int(ticks.max()), int(ticks.min()), int(lots.sum()), exact_dot(ticks, lots)
    few, sizes = ticks.tolist(), lots.tolist()
    return max(few), min(few), sum(sizes), sum(map(operator.mul, few, sizes))


class SymbolStatus:
    """Running figures of one symbol; sums are whole numbers, so that chunking changes nothing.

    Each commit is folded at once, while the processor's cache holds it: those of a quarter of a second, one behind the
    other, took longer.

    ``notes`` says what is wrong with the server beside the feed, in words.
    """

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self._price_text = lru_cache(16)(instrument.price_text)  # most prices of a header stand for long
        self._calendar = calendar(instrument.calendar)
        self._session = (-(2**63), -(2**63))
        self._last: int | None = None
        self._close: int | None = None  # the last price within the session
        self._last_key = self._close_key = (-(2**63), 0)
        self._open_key = _LATEST
        self._prev_close: int | None = None
        self._open: int | None = None
        self._high = self._low = self._volume = self._turnover = 0
        self._quote: tuple[int | None, int | None] = (None, None)
        self._lag_ms: int | None = None
        self._engine_ns = 0
        self._recorded = True
        self._score: dict[str, float | int | None] | None = None
        self._trouble: str | None = None
        self.notes: tuple[str, ...] = ()
        self._told: object = None

    @property
    def has_news(self) -> bool:
        """Whether anything but the engine's time and the lag has changed since it was last said."""
        return self._told != self._facts()

    def apply(self, commit: Commit) -> None:
        """Take one commit."""
        trades = commit.trades
        rows = len(trades)
        heard = _last_heard(trades)
        # The newest word on each counts. What was fetched later is as late as it is old, and knows no quote.
        self._engine_ns = max(self._engine_ns, commit.watermark_ns)
        self._recorded = commit.recorded
        if heard is not None or not rows:
            self._quote, self._score = commit.quote, commit.score
        if heard is not None:
            self._lag_ms = (trades.ts_recv_ns.item(heard) - trades.ts_exch_ns.item(heard)) // 1_000_000
        if rows:
            self._fold(in_order(trades))

    def stop(self, trouble: str | None) -> None:
        """Say from now on that nothing comes any more, and why; with None, that it goes on."""
        self._trouble = trouble
        self._recorded = trouble is None

    def fold(self, trades: Trades) -> None:
        """Fold trades, session by session; those of a session that is over are left out.

        What is traded between sessions moves the last price alone: the day's figures are those of its session.
        """
        if len(trades):
            self._fold(in_order(trades))

    def _fold(self, trades: Trades) -> None:
        if self._session[0] <= trades.ts_exch_ns.item(0) and trades.ts_exch_ns.item(-1) < self._session[1]:
            self._fold_session(trades)
            return
        while len(trades):
            first_ns, end_ns = int(trades.ts_exch_ns[0]), self._session[1]
            if first_ns < self._session[0]:
                end_ns = self._session[0]
            elif first_ns < end_ns:
                self._fold_session(trades.between(first_ns, end_ns))
            else:
                end_ns = self._start_span(first_ns)
                self._note_last(trades.between(first_ns, end_ns))
                if self._session[1] == end_ns:
                    continue
            trades = trades.between(end_ns, 2**62)

    def said(self, *, to_all: bool = True) -> Message:
        """Return the header as clients are sent it; what only some are told stays news to the others."""
        if to_all:
            self._told = self._facts()
        return Message(self.text())

    def text(self) -> str:
        """Return the `Status` message as JSON."""
        price, quantity = self._price_text, self.instrument.qty_text
        opened = self._open is not None
        bid, ask = self._quote
        return encode_text(
            Status(
                symbol=self.instrument.key,
                last=None if self._last is None else price(self._last),
                bid=None if bid is None else price(bid),
                ask=None if ask is None else price(ask),
                prev_close=None if self._prev_close is None else price(self._prev_close),
                day_open=None if self._open is None else price(self._open),
                day_high=price(self._high) if opened else None,
                day_low=price(self._low) if opened else None,
                day_volume=quantity(self._volume),
                vwap=self._vwap_text(),
                day_start_ns=str(self._session[0]) if opened else None,
                day_from_ns=str(self._open_key[0]) if opened else None,
                lag_ms=self._lag_ms,
                engine_ns=str(self._engine_ns),
                recorded=self._recorded,
                score=self._score,
                trouble=self._trouble,
                notes=self.notes,
            )
        )

    def _facts(self) -> tuple[object, ...]:
        return (
            *(self._last, self._quote, self._prev_close, self._session, self._open, self._open_key),
            *(self._high, self._low, self._volume, self._turnover),
            *(self._recorded, self._score, self._trouble, self.notes),
        )

    def _start_span(self, ts_ns: int) -> int:
        span = self._calendar.spans(ts_ns, ts_ns + 1)
        end_ns = int(span.end_ns[0])
        if span.in_session[0]:
            before, self._session = self._session, (int(span.start_ns[0]), end_ns)
            is_next = before == self._session_before(self._session[0]) and not self._is_rolled(before[1])
            self._prev_close = self._close if is_next else None
            self._close = None
            self._open, self._open_key = None, _LATEST
            self._volume = self._turnover = 0
        return end_ns

    # Nor is another contract's the close of a continuous future: what lies between the two is no change of a day.
    def _is_rolled(self, since_ns: int) -> bool:
        return any(since_ns <= at_ns <= self._session[0] for at_ns in self._calendar.cuts)

    # The close of an older one is no previous close: what was traded since then is not stored.
    def _session_before(self, start_ns: int) -> tuple[int, int]:
        while True:
            span = self._calendar.spans(start_ns - 1, start_ns)
            start_ns = int(span.start_ns[0])
            if span.in_session[0]:
                return start_ns, int(span.end_ns[0])

    def _fold_session(self, trades: Trades) -> None:
        high, low, volume, turnover = _sums(trades)
        first, last = _key(trades, 0), _key(trades, -1)
        if self._open is None:
            self._high, self._low = high, low
        if first < self._open_key:
            self._open, self._open_key = trades.price_tick.item(0), first
        self._high, self._low = max(self._high, high), min(self._low, low)
        if self._close is None or last >= self._close_key:
            self._close, self._close_key = trades.price_tick.item(-1), last
        self._note_last(trades)
        self._volume += volume
        self._turnover += turnover

    # By the ordering key, not by arrival: a print that comes late is not the last one.
    def _note_last(self, trades: Trades) -> None:
        if _key(trades, -1) >= self._last_key:
            self._last, self._last_key = trades.price_tick.item(-1), _key(trades, -1)

    def _vwap_text(self) -> str | None:
        if not self._volume:
            return None
        tick_size = self.instrument.tick_size
        places = max(0, -int(tick_size.as_tuple().exponent)) + _VWAP_DECIMALS
        ticks, per = tick_size.as_integer_ratio()
        whole = self._volume * per
        scaled, rest = divmod(self._turnover * ticks * 10**places, whole)
        scaled += 2 * rest > whole or (2 * rest == whole and scaled % 2 == 1)  # half to even
        return f"{Decimal(scaled).scaleb(-places):f}"
