"""Messages of a conflated feed, put together: a field that a message leaves out is as it was (definitions 1.3).

A message with the day's volume gives a snapshot. One without it, but with the quantity of the last trade, shows some
of the trades: they go to a partial tape, of unknown side. An index has prices alone: a snapshot without volume.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from footloom.core.decimals import parse_decimal
from footloom.core.instrument import Instrument
from footloom.core.messages import Tick
from footloom.core.snapshots import GREEKS, NO_QUOTE, Snapshots, in_e8
from footloom.core.trades import Trades
from footloom.errors import DataError

__all__ = ("PARTIAL", "Merged", "Merger", "Minute", "Refusal")

PARTIAL = "partial:ltpc"
_COLUMNS = (
    *("ts_exch_ns", "ltp_tick", "ltq_lot", "vtt_lot", "bid_tick", "ask_tick", "ts_recv_ns"),
    *("oi_lot", "bid_lot", "ask_lot", "atp_e4"),
    *GREEKS,
)
_FIELDS = ("ltt_ns", "ltp", "ltq", "vtt", "bid", "bid_qty", "ask", "ask_qty", "oi", "atp")
Convert = Callable[[Any], int]
_MOST = 2**62
_NO_GREEKS = (NO_QUOTE,) * len(GREEKS)
_KNOWN = 16_384
_PATIENCE = 5  # older messages in a row that are a new count, not a delay

NOT_TRADED = "not traded yet"
PRICE_ONLY = "last price without volume or quantity: nothing to store"
REPEATED = "repeats the last trade"
OLDER = "older than what came before it, or the same again"


class Minute(NamedTuple):
    """The feed's own minute candle: its start in ns UTC, and what it says was traded."""

    start_ns: int
    volume_lot: int


class Refusal(NamedTuple):
    """A message that does not fit the instrument, and why."""

    tick: Tick
    reason: str


class Merged(NamedTuple):
    """What some messages of one instrument say, in the order of arrival.

    ``partial`` are trades of the tape `PARTIAL`, ``counted`` how many messages gave no row, by reason.
    """

    snapshots: Snapshots
    partial: Trades
    minutes: tuple[Minute, ...]
    refused: tuple[Refusal, ...]
    counted: Counter[str]


class Merger:
    """What is known of one instrument so far, field by field.

    ``price_only`` says that it has no volume, as an index; without it the instrument's kind decides.
    """

    def __init__(self, instrument: Instrument, *, price_only: bool | None = None) -> None:
        self.instrument = instrument
        self._price_only = instrument.kind == "index" if price_only is None else price_only
        self._tick_of = lru_cache(_KNOWN)(lambda text: _units(instrument.price_tick(text), text))
        self._lot_of = lru_cache(_KNOWN)(lambda text: _units(instrument.qty_lot(text), text))
        self.reset()

    def reset(self) -> None:
        """Forget what was known: a new connection begins with the whole state."""
        self._last: dict[str, str | int] = {}
        self._greeks = _NO_GREEKS
        self._order: tuple[int, int] | None = None
        self._older = 0
        self._trade: tuple[int, int, int] | None = None

    def take(self, ticks: Iterable[Tick]) -> Merged:
        """Take messages in the order of arrival; one that does not fit the instrument's grid is refused, and told."""
        rows: list[tuple[int, ...]] = []
        trades: list[tuple[int, int, int, int]] = []
        minutes: list[Minute] = []
        refused: list[Refusal] = []
        counted: Counter[str] = Counter()
        for tick in ticks:
            try:
                if self._is_older(tick):
                    counted[OLDER] += 1
                    continue
                self._keep(tick)
                if tick.minute is not None:
                    minutes.append(Minute(tick.minute[0], self._lot_of(tick.minute[1])))
                reason = self._add(tick, rows, trades)
            except DataError as error:
                refused.append(Refusal(tick, str(error)))
            else:
                counted[reason] += bool(reason)
        return Merged(self._snapshots(rows), self._partial(trades), tuple(minutes), tuple(refused), +counted)

    def _keep(self, tick: Tick) -> None:
        if tick.is_first:
            self.reset()
        if tick.seq is not None and tick.ts_exch_ns is not None:
            self._order = (tick.ts_exch_ns, tick.seq)
        for name in _FIELDS:
            value = getattr(tick, name)
            if value is not None:
                self._last[name] = value
        if tick.greeks is not None:
            self._greeks = tuple(map(_e8, tick.greeks))

    # A packet with a lower number at a later time is a count that began anew, and so are several older ones in a row.
    def _is_older(self, tick: Tick) -> bool:
        if self._order is None or tick.is_first or tick.seq is None or tick.ts_exch_ns is None or self._price_only:
            return False
        at_ns, seq = self._order
        if tick.seq > seq or tick.ts_exch_ns > at_ns:
            self._older = 0
            return False
        self._older = 0 if (tick.ts_exch_ns, tick.seq) == self._order else self._older + 1
        if self._older < _PATIENCE:
            return True
        self._older = 0
        return False

    def _add(self, tick: Tick, rows: list[tuple[int, ...]], trades: list[tuple[int, int, int, int]]) -> str:
        last = self._last
        ltt_ns = last.get("ltt_ns", tick.ts_exch_ns)  # a mode that says no time of the trade has that of the packet
        if "ltp" not in last or not isinstance(ltt_ns, int):
            return NOT_TRADED
        price_tick = self._tick_of(last["ltp"])
        # A count of zero began anew while the last trade is still that of the day before: no trade is taken back.
        if "vtt" in last and not self._lot_of(last["vtt"]):
            return NOT_TRADED
        if "vtt" in last or self._price_only:
            rows.append(self._row(tick, ltt_ns, price_tick))
            return ""
        return self._add_trade(tick, ltt_ns, price_tick, trades)

    def _add_trade(self, tick: Tick, ltt_ns: int, price_tick: int, trades: list[tuple[int, int, int, int]]) -> str:
        if "ltq" not in self._last:
            return PRICE_ONLY
        trade = (ltt_ns, price_tick, self._lot_of(self._last["ltq"]))
        if trade == self._trade or not trade[2]:
            return REPEATED
        if self._trade is not None and ltt_ns < self._trade[0]:
            return OLDER
        self._trade = trade
        trades.append((*trade, tick.ts_recv_ns))
        return ""

    def _row(self, tick: Tick, ltt_ns: int, price_tick: int) -> tuple[int, ...]:
        last = self._last
        return (
            ltt_ns,
            price_tick,
            self._lot_of(last.get("ltq") or "0"),
            self._lot_of(last.get("vtt") or "0"),
            self._optional(self._tick_of, "bid"),
            self._optional(self._tick_of, "ask"),
            tick.ts_recv_ns,
            self._optional(self._lot_of, "oi"),
            self._optional(self._lot_of, "bid_qty"),
            self._optional(self._lot_of, "ask_qty"),
            self._optional(_e4, "atp"),
            *self._greeks,
        )

    def _optional(self, convert: Convert, name: str) -> int:
        text = self._last.get(name)
        return convert(text) if text else NO_QUOTE

    def _snapshots(self, rows: list[tuple[int, ...]]) -> Snapshots:
        table = np.array(rows, np.int64).reshape(-1, len(_COLUMNS))
        columns: dict[str, Any] = {name: np.ascontiguousarray(table[:, i]) for i, name in enumerate(_COLUMNS)}
        return Snapshots(instrument=self.instrument, **columns)

    def _partial(self, trades: list[tuple[int, int, int, int]]) -> Trades:
        table = np.array(trades, np.int64).reshape(-1, 4)
        ltt_ns, price, qty, recv_ns = (np.ascontiguousarray(table[:, i]) for i in range(4))
        side = np.zeros(len(table), np.int8)
        return Trades.build(self.instrument, ltt_ns, price, qty, side, ts_recv_ns=recv_ns, tape=PARTIAL)


def _units(count: int, text: str) -> int:
    if not 0 <= count < _MOST:
        raise DataError(f"{text} is {'below zero' if count < 0 else 'more than 64 bits hold'}")
    return count


@lru_cache(_KNOWN)
def _e4(text: str) -> int:
    return _units(int((parse_decimal(text) * Decimal(10_000)).to_integral_value()), text)


# A computed number of the venue that is none is not known; what was traded beside it is.
@lru_cache(_KNOWN)
def _e8(text: str) -> int:
    try:
        return in_e8(text)
    except DataError:
        return NO_QUOTE
