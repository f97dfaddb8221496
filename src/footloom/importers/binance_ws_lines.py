"""Recorded Binance WebSocket streams, a message a line.

Lines are ``<local ns, µs, ms or s> {json}``, ``<local s>: {json}`` or ``{json}``. Payloads are combined or raw.
Trades and aggregate trades are different tapes. Everything else that stands in such recordings, book snapshots fetched
beside the stream and the stream's address among it, is counted and left.
"""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

import numpy as np

from footloom.core.messages import Trade
from footloom.errors import SchemaChanged
from footloom.importers import _csv_rules as csv
from footloom.importers._csv import table_of
from footloom.importers._csv_words import CsvLayout, explain, shown
from footloom.importers._rows import Ask, Dropped, Outside, Plan, Rows
from footloom.importers._source import Block, Sample, Source
from footloom.venues import _binance
from footloom.venues._binance import COINM, FUTURES, SPOT, USDM, Print, Seen, venue_of

__all__ = ("read", "recognise")

_ADDRESS = "stream address"
_UP_TO_VALUES = re.compile(r"(?:(?! \(|[:;]).)*", re.DOTALL)  # many details are one reason
_ADDRESSES = ((b"fstream", FUTURES), (b"dstream", COINM), (b"stream.binance", SPOT))
# What `Trade` becomes on its way to the tokenizer, which makes exact integers of it.
_LAYOUT = CsvLayout(
    roles=(csv.ID, csv.PRICE, csv.QTY, csv.TIME, csv.MAKER),
    names=("id", "p", "q", "T", "m"),
    time_units=("ns",),
)


class _Line(NamedTuple):
    number: int
    text: bytes
    ended: bool


class _Layout(NamedTuple):
    market: str  # of trades that do not say it themselves
    sure: bool
    stamp: int | None  # the unit of the local time, as a number in `_csv_rules.UNITS`; None where lines have none


def recognise(sample: Sample) -> Plan | str:
    """Return a plan for a recording, or why the file is none."""
    known: list[Print | Seen] = []
    stamps: Counter[int | None] = Counter()
    wrong = ""
    for line in sample.lines:
        stamp, frame = _split(line)
        if not frame:
            known += [Seen(_ADDRESS, market, sure=True) for market in (_address(line),) if market]
            continue
        try:
            known.append(_binance.read(frame, None))
            stamps[_stamp_unit(stamp)] += 1
        except SchemaChanged as error:
            wrong = wrong or str(error)
    if not stamps:
        return wrong or "no lines with JSON"
    market, sure, why = _market(known)
    symbols = {one.trade.symbol for one in known if isinstance(one, Print)}
    return Plan(
        format="recorded Binance WebSocket stream",
        venue=venue_of(market, min(symbols, default="")),
        venue_from=why,
        venues=(SPOT, USDM, COINM),
        rows_say_symbol=True,
        rows_say_venue=bool(market),
        layout=_Layout(market, sure, stamps.most_common(1)[0][0]),
    )


def read(source: Source, plan: Plan, ask: Ask) -> Iterator[Rows | Outside]:
    """Yield the file's rows."""
    reader = _Reader(plan.layout, ask)
    for block in source.blocks():
        yield from reader.read(block)


# What the messages of the beginning say of the market: what one of them says surely, else what most of them let guess.
def _market(known: Sequence[Print | Seen]) -> tuple[str, bool, str]:
    for sure in (True, False):
        votes = Counter(_kind_of_market(one) for one in known if one.market and one.sure == sure)
        if not votes:
            continue
        market = votes.most_common(1)[0][0]
        witness = next(one for one in known if _kind_of_market(one) == market and one.sure == sure)
        kind = witness.kind if isinstance(witness, Seen) else witness.trade.tape
        return market, sure, "the address in it" if kind == _ADDRESS else f"the fields of its {kind} messages"
    return "", False, ""


# Spot or futures; which futures is for each symbol to say.
def _kind_of_market(one: Print | Seen) -> str:
    return FUTURES if one.market in {USDM, COINM} else one.market


def _address(line: bytes) -> str:
    if b"wss://" not in line:
        return ""
    return next((market for part, market in _ADDRESSES if part in line), "")


def _split(line: bytes) -> tuple[bytes, bytes]:
    # Returns the local time's text and the frame; an empty frame where the line holds none.
    at, array = line.find(b"{"), line.find(b"[", 0, 64)
    if at < 0 or 0 <= array < at:
        at = array
    if at < 0:
        return line, b""
    return line[:at].rstrip(b" :\t"), line[at:]


_BY_DIGITS = {19: 3, 16: 2, 13: 1, 10: 0}


def _stamp_unit(text: bytes) -> int | None:
    return _BY_DIGITS.get(len(text)) if text.isdigit() else 0 if b"." in text else None


def _stamp_ns(text: bytes, unit: int) -> int | None:
    # Returns ns, or None where the text is no time in that unit.
    try:
        exact = Decimal(text.decode("latin-1")).scaleb(9 - 3 * unit)
        # Compared before it becomes an int, which would have as many digits as somebody cared to write.
        return int(exact) if csv.EARLIEST_S * 10**9 <= exact < csv.LATEST_S * 10**9 else None
    except ArithmeticError:  # no number, or none that can be scaled
        return None


@dataclass
class _Tape:
    # The prints of one tape in one block.
    rows: list[bytes] = field(default_factory=list)
    recv: list[int] = field(default_factory=list)
    lines: list[_Line] = field(default_factory=list)
    first_ns: int = 0
    others: list[tuple[int, int, int]] = field(default_factory=list)
    dropped: dict[str, Dropped] = field(default_factory=dict)


class _Reader:
    def __init__(self, layout: _Layout, ask: Ask) -> None:
        self.layout = layout
        self.ask = ask
        self.grids: dict[tuple[str, str], csv.Grid] = {}
        self.tapes: dict[tuple[str, str, str], _Tape] = {}
        self.outside = Outside()

    def read(self, block: Block) -> Iterator[Rows | Outside]:
        self.tapes, self.outside = {}, Outside()
        lines, ended = block.texts(), block.ended
        for k, text in enumerate(lines):
            self._line(_Line(block.first_line + k, text, ended or k + 1 < len(lines)))
        for (venue, symbol, tape), held in self.tapes.items():
            yield self._rows(venue, symbol, tape, held)
        yield self.outside

    def _line(self, line: _Line) -> None:
        stamp, frame = _split(line.text)
        if not frame:
            self._no_frame(line)
            return
        recv_ns = 0
        if self.layout.stamp is not None:
            found = _stamp_ns(stamp, self.layout.stamp)
            if found is None:
                self._bad_stamp(line, stamp)
                return
            recv_ns = found
        try:
            seen = _binance.read(frame, recv_ns)
        except SchemaChanged as error:
            self._unreadable(line, str(error))
            return
        if isinstance(seen, Seen):
            self.outside.other[seen.kind] += 1
        else:
            self._print(line, seen)

    def _print(self, line: _Line, found: Print) -> None:
        trade, ask = found.trade, self.ask
        guess = self.layout.market if self.layout.sure else ask.venue or self.layout.market or found.market
        market = found.market if found.sure else guess
        venue = venue_of(market, trade.symbol)
        if ask.venue not in {"", venue} or ask.symbol not in {"", trade.symbol}:
            self.outside.other[f"trades of {venue}:{trade.symbol}"] += 1
            return
        held = self.tapes.setdefault((venue, trade.symbol, trade.tape), _Tape())
        if found.not_market:
            held.others.append((line.number, trade.trade_id or 0, trade.ts_exch_ns))
            detail = f"{found.not_market}: id {trade.trade_id}, price {trade.price}, quantity {trade.qty}"
            _count(held.dropped, f"no market trade: {found.not_market}", line, detail, defect=False)
            return
        held.first_ns = held.first_ns or trade.ts_exch_ns
        held.rows.append(_row(trade))
        held.recv.append(trade.ts_recv_ns or 0)
        held.lines.append(line)

    def _rows(self, venue: str, symbol: str, tape: str, held: _Tape) -> Rows:
        key = (venue, symbol)
        if key not in self.grids and held.rows:
            self.grids[key] = self.ask.grid(venue, symbol, held.first_ns)
        grid = self.grids.get(key, csv.SCAN)
        table = table_of(b"".join(held.rows), len(held.rows), _LAYOUT, grid)
        for row in np.flatnonzero(table.status):
            status, line = int(table.status[row]), held.lines[int(row)]
            detail = explain(status, held.rows[int(row)].rstrip(), _LAYOUT, grid, "", ended=True)
            _count(held.dropped, csv.REASONS[status], line, detail, defect=True)
        good = table.status == csv.OK
        other = np.array(held.others, np.int64).reshape(-1, 3)
        return Rows(
            venue=venue,
            symbol=symbol,
            tape=tape,
            line=np.array([line.number for line in held.lines], np.int64)[good],
            ts_exch_ns=table.out[4][good],
            price_tick=table.out[2][good],
            qty_lot=table.out[3][good],
            side=table.side[good],
            trade_id=table.out[1][good],
            ts_recv_ns=None if self.layout.stamp is None else np.array(held.recv, np.int64)[good],
            other_line=other[:, 0],
            other_id=other[:, 1],
            other_ns=other[:, 2],
            dropped=list(held.dropped.values()),
        )

    def _no_frame(self, line: _Line) -> None:
        if _address(line.text):
            self.outside.other[_ADDRESS] += 1
        elif line.text.strip():
            self._unreadable(line, "no JSON on the line")

    def _bad_stamp(self, line: _Line, stamp: bytes) -> None:
        own = csv.UNITS[self.layout.stamp or 0]
        text = stamp[:40].decode("utf-8", "backslashreplace")
        self._unreadable(
            line, f"local time in another unit than the rest of the file: it is {text!r}, the file's are in {own}"
        )

    def _unreadable(self, line: _Line, detail: str) -> None:
        reason = _UP_TO_VALUES.match(detail)[0]  # type: ignore[index]
        if not line.ended:
            detail += "; the file ends within this line, it seems to be cut"
        found = {dropped.reason: dropped for dropped in self.outside.dropped}
        _count(found, reason, line, detail, defect=True)
        self.outside.dropped = list(found.values())


def _row(trade: Trade) -> bytes:
    maker = 1 if trade.side < 0 else 0
    return f"{trade.trade_id},{trade.price},{trade.qty},{trade.ts_exch_ns},{maker}\n".encode()


def _count(counts: dict[str, Dropped], reason: str, line: _Line, detail: str, *, defect: bool) -> None:
    if reason in counts:
        counts[reason] = dataclasses.replace(counts[reason], count=counts[reason].count + 1)
    else:
        counts[reason] = Dropped(reason, 1, line.number, shown(line.text), detail, defect)
