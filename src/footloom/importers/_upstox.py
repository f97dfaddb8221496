"""What Upstox says of one instrument, as a recorder wrote it down: fields to whole numbers, messages to rows.

A message of full mode or with greeks is a snapshot. Parts that it leaves out have not changed. A message of ltpc mode
has no day's volume: its last trade, where it is a new one, was seen among others that were not, and goes to a partial
tape. An index has prices only: a snapshot without volume.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import msgspec
import numpy as np

from footloom.core.snapshots import GREEKS, NO_QUOTE
from footloom.core.ticks import PARTIAL
from footloom.core.trades import I64
from footloom.errors import DataError
from footloom.importers import _csv_rules as csv
from footloom.importers._csv_words import shown
from footloom.importers._exact import Refused, Units, count_refused, number, units_of
from footloom.importers._json_documents import Document, fault_of
from footloom.importers._rows import Ask, BareRows, Dropped, Outside, Rows, Silence
from footloom.importers._upstox_fields import Feed, LastTrade, Quote
from footloom.venues.upstox import VENUE, is_index

__all__ = ("Messages", "decode", "time_ns")

_LONGEST_SILENCE_NS = 60_000_000_000
_IST_NS = 19_800_000_000_000
_DAY_NS = 86_400_000_000_000
_MS = 1_000_000
_GREATEST_E8 = 2**62 // 10**8

REPEATED = "repeats the last trade: the book may be new, nothing was traded"
LTT_BACK = "time of the last trade steps back"
VTT_BACK = "volume of the day steps back"
NO_BID, NO_ASK = "no bid in the book", "no ask in the book"
KEPT_BOOK = "without a book: that of the message before still stands"
INDEX = "price of an index: nothing is traded"
AHEAD = "recorder's clock ahead of UTC by"
SLOW = "received before its last trade, by the recorder's clock"

_SNAPSHOT = ("ts_exch_ns", "ltp_tick", "ltq_lot", "vtt_lot", "bid_tick", "ask_tick", "ts_recv_ns", "oi_lot")
_COLUMNS = (*_SNAPSHOT, "bid_lot", "ask_lot", "atp_e4", *GREEKS)


class _NoTrade(Exception):
    """An instrument that has not traded yet."""


class Row(NamedTuple):
    """One snapshot in whole units, in the order of the columns."""

    ts_exch_ns: int
    ltp_tick: int
    ltq_lot: int
    vtt_lot: int
    bid_tick: int
    ask_tick: int
    ts_recv_ns: int
    oi_lot: int
    bid_lot: int
    ask_lot: int
    atp_e4: int
    iv_e8: int
    delta_e8: int
    gamma_e8: int
    theta_e8: int
    vega_e8: int


class _Key:
    # One instrument: what is known of it so far, and its rows of this block.
    def __init__(self, symbol: str, ask: Ask) -> None:
        self.symbol = symbol
        self.ask = ask
        self.prices: Units | None = None
        self.lots: Units | None = None
        self.quote: Quote | None = None
        self.greeks = (NO_QUOTE,) * len(GREEKS)
        self.last: dict[str, bytes] = {}
        self.before: Row | None = None
        self.before_line = 0
        self.trade_before: tuple[int, int, int] | None = None
        self.begin()

    def begin(self) -> None:
        self.rows: list[Row] = []
        self.lines: list[int] = []
        self.trades: list[tuple[int, int, int, int]] = []
        self.dropped: dict[str, Dropped] = {}
        self.counted: Counter[str] = Counter()
        self.partial_dropped: dict[str, Dropped] = {}
        self.partial_counted: Counter[str] = Counter()
        self.gaps: list[Silence] = []

    def units(self, ltt_ns: int) -> tuple[Units, Units]:
        if self.prices is None or self.lots is None:
            self.prices, self.lots = units_of(self.ask.grid(VENUE, self.symbol, ltt_ns))
        return self.prices, self.lots


class Messages:
    """Takes messages and gives blocks of rows; ``symbol`` chooses one of several instruments (``""``: all)."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self.symbol = ask.symbol
        self._keys: dict[str, _Key] = {}
        self._outside = Outside()

    def take(self, symbol: str, feed: Feed, recv_ns: int | None, where: Document, *, ahead_ns: int = 0) -> None:
        """Take what one message says of one instrument; without a time of receipt that of its last trade stands.

        ``ahead_ns`` is by how much the recorder's clock was ahead, which is taken out already.
        """
        if self.symbol not in {"", symbol}:
            self._outside.other[f"messages of {symbol}"] += 1
            return
        key = self._keys.get(symbol)
        if key is None:
            key = self._keys[symbol] = _Key(symbol, self._ask)
        parts = feed.parts()
        partial = feed.is_ltpc and not is_index(symbol)
        try:
            if partial:
                _take_trade(key, parts.trade, where)
            else:
                _take_snapshot(key, parts, recv_ns, where)
                if ahead_ns:
                    key.counted[f"{AHEAD} {_hours(ahead_ns)}, which is taken out"] += 1
        except _NoTrade:
            self.other("instruments without a trade yet")
        except Refused as refused:
            into = key.partial_dropped if partial else key.dropped
            _count(into, refused, where)

    def refuse(self, where: Document, reason: str = "", detail: str = "") -> None:
        """Count what belongs to no instrument; without a reason, what is no whole object."""
        reason, detail = reason or where.fault, detail or fault_of(where)
        found = {drop.reason: drop for drop in self._outside.dropped}
        _count(found, Refused(reason, detail), where)
        self._outside.dropped = list(found.values())

    def other(self, kind: str) -> None:
        """Count a message of another kind."""
        self._outside.other[kind] += 1

    def blocks(self) -> Iterator[Rows | BareRows | Outside]:
        """Yield what was taken since the last time."""
        for key in self._keys.values():
            if key.rows or key.dropped:
                yield _bare(key)
            if key.trades or key.partial_dropped or key.partial_counted:
                yield _partial(key)
            key.begin()
        outside, self._outside = self._outside, Outside()
        yield outside


def time_ns(text: bytes | msgspec.Raw, what: str) -> int:
    """Return a time in ms as ns UTC; `Refused` where it is none, or is in another unit."""
    raw = bytes(text)
    value = number(raw)
    if value is None or value != value.to_integral_value():
        raise Refused(f"{what} is no time", f"{what} is {shown(raw)}: no time in ms since 1970")
    seconds = value / 1000
    if not csv.EARLIEST_S <= seconds < csv.LATEST_S:
        scales = enumerate(csv.UNITS)
        fits = [unit for power, unit in scales if csv.EARLIEST_S <= value / 1000**power < csv.LATEST_S]
        unit = f"a time in {fits[0]}" if fits else "no time between 2009 and 2100 in any unit"
        raise Refused(f"{what} in another unit", f"{what} is {shown(raw)}: {unit}, expected ms")
    return int(value) * _MS


def _trade_of(key: _Key, trade: LastTrade | None) -> tuple[int, bytes, bytes]:
    # Time, price and quantity of the last trade; what a message leaves out is as it was.
    if trade is not None:
        key.last |= {name: raw for name in ("ltt", "ltp", "ltq") if (raw := bytes(getattr(trade, name)))}
    ltt = key.last.get("ltt", b"")
    if not key.last.get("ltp") or not ltt or number(ltt) == 0:
        raise _NoTrade
    return time_ns(key.last["ltt"], "ltt"), key.last["ltp"], key.last.get("ltq", b"")


def _take_trade(key: _Key, trade: LastTrade | None, where: Document) -> None:
    ltt_ns, ltp, ltq = _trade_of(key, trade)
    prices, lots = key.units(ltt_ns)
    price, qty = prices.of(ltp), lots.of(ltq or b"0")
    before = key.trade_before
    if before == (ltt_ns, price, qty):
        key.partial_counted[REPEATED] += 1
        return
    if before is not None and ltt_ns < before[0]:
        raise Refused("an older trade again", f"ltt is {shown(key.last['ltt'])}, before that of the message before")
    if not number(ltq or b"0"):
        raise Refused("no market trade: quantity is zero", "ltq is missing: nothing was traded", defect=False)
    key.trade_before = (ltt_ns, price, qty)
    key.trades.append((where.line, ltt_ns, price, qty))


def _take_snapshot(key: _Key, parts: Any, recv_ns: int | None, where: Document) -> None:
    ltt_ns, ltp, ltq = _trade_of(key, parts.trade)
    if parts.quote is not None:
        key.quote = parts.quote
    else:
        key.counted[KEPT_BOOK] += not is_index(key.symbol)
    key.last |= {name: raw for name in ("vtt", "oi", "atp") if (raw := getattr(parts, name))}
    if parts.greeks:
        key.greeks = tuple(map(_e8, parts.greeks))
    iv, delta, gamma, theta, vega = key.greeks
    prices, lots = key.units(ltt_ns)
    quote = key.quote or Quote()
    row = Row(
        ts_exch_ns=ltt_ns,
        ltp_tick=prices.of(ltp),
        ltq_lot=lots.of(ltq or b"0"),
        vtt_lot=lots.of(key.last.get("vtt", b"0")),
        bid_tick=_or_none(prices, quote.bidP),
        ask_tick=_or_none(prices, quote.askP),
        ts_recv_ns=_received(key, ltt_ns, recv_ns),
        oi_lot=_or_none(lots, key.last.get("oi", b"")),
        bid_lot=_or_none(lots, quote.bidQ),
        ask_lot=_or_none(lots, quote.askQ),
        atp_e4=_e4(key.last.get("atp", b"")),
        iv_e8=iv,
        delta_e8=delta,
        gamma_e8=gamma,
        theta_e8=theta,
        vega_e8=vega,
    )
    _count_odd(key, row, where)
    key.before, key.before_line = row, where.line
    key.rows.append(row)
    key.lines.append(where.line)


# Nobody wrote down the receipt: it is not before anything that was received earlier.
def _received(key: _Key, ltt_ns: int, recv_ns: int | None) -> int:
    if recv_ns is not None:
        return recv_ns
    return ltt_ns if key.before is None else max(ltt_ns, key.before.ts_recv_ns)


def _or_none(units: Units, raw: bytes | msgspec.Raw) -> int:
    return units.of(raw) if number(raw) else NO_QUOTE


def _e4(raw: bytes) -> int:
    value = number(raw)
    return NO_QUOTE if not value else int((value * 10_000).to_integral_value())


# A computed number of the venue: what is finer is cut off, and one that is none is not known.
def _e8(raw: bytes) -> int:
    value = number(raw)
    return NO_QUOTE if value is None or abs(value) >= _GREATEST_E8 else int(value.scaleb(8))


def _count_odd(key: _Key, row: Row, where: Document) -> None:
    counted, before = key.counted, key.before
    counted[SLOW] += row.ts_recv_ns < row.ts_exch_ns
    if is_index(key.symbol):
        counted[INDEX] += 1
        return
    counted[NO_BID] += row.bid_tick == NO_QUOTE
    counted[NO_ASK] += row.ask_tick == NO_QUOTE
    if before is None:
        return
    counted[LTT_BACK] += row.ts_exch_ns < before.ts_exch_ns
    same_day = (row.ts_exch_ns + _IST_NS) // _DAY_NS == (before.ts_exch_ns + _IST_NS) // _DAY_NS
    counted[VTT_BACK] += same_day and row.vtt_lot < before.vtt_lot
    counted[REPEATED] += row.ts_exch_ns == before.ts_exch_ns and row.vtt_lot == before.vtt_lot
    # A silence in which more was traded than the last trade: nobody saw how. One trade, or none, is known whole.
    silent = row.ts_recv_ns - before.ts_recv_ns > _LONGEST_SILENCE_NS
    if silent and same_day and row.vtt_lot - before.vtt_lot > row.ltq_lot:
        times = (before.ts_recv_ns, row.ts_recv_ns)
        key.gaps.append(Silence(*times, key.before_line, where.line, "nothing recorded"))


def _bare(key: _Key) -> BareRows:
    table = np.array(key.rows, np.int64).reshape(-1, len(_COLUMNS))
    return BareRows(
        venue=VENUE,
        symbol=key.symbol,
        tape="snapshot",
        line=np.array(key.lines, np.int64),
        columns={name: np.ascontiguousarray(table[:, i]) for i, name in enumerate(_COLUMNS)},
        dropped=list(key.dropped.values()),
        counted=+key.counted,
        gaps=key.gaps,
    )


def _partial(key: _Key) -> Rows:
    nothing: I64 = np.zeros(0, np.int64)
    table = np.array(key.trades, np.int64).reshape(-1, 4)
    line, ltt_ns, price, qty = (np.ascontiguousarray(table[:, i]) for i in range(4))
    return Rows(
        venue=VENUE,
        symbol=key.symbol,
        tape=PARTIAL,
        line=line,
        ts_exch_ns=ltt_ns,
        price_tick=price,
        qty_lot=qty,
        side=np.zeros(len(line), np.int8),
        trade_id=None,
        ts_recv_ns=None,
        other_line=nothing,
        other_id=nothing,
        other_ns=nothing,
        dropped=list(key.partial_dropped.values()),
        counted=+key.partial_counted,
    )


def _hours(span_ns: int) -> str:
    minutes = span_ns // 60_000_000_000
    return f"{'-' * (minutes < 0)}{abs(minutes) // 60}:{abs(minutes) % 60:02d} h"


def _count(counts: dict[str, Dropped], refused: Refused, where: Document) -> None:
    if where.cut:
        refused.detail += "; the file ends within this, it seems to be cut"
    count_refused(counts, refused, where.line, b" ".join(where.text[:1000].split()), f"document {where.number}")


def decode(text: bytes, into: Callable[[bytes], Any]) -> Any:
    """Decode one object; `Refused` where it is no JSON, or not what it should be."""
    try:
        return into(text)
    except msgspec.ValidationError as error:
        raise Refused("not as documented", f"not as documented: {error}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, DataError) as error:
        raise Refused("no JSON", f"no JSON: {error}") from None
