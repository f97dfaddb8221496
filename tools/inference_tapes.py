"""Recorded trades with their true sides and the quotes beside them, and the same quotes made worse."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import msgspec
import numpy as np

from footloom.core.instrument import Instrument
from footloom.core.quotes import Quotes
from footloom.core.snapshots import Snapshots
from footloom.core.trades import I64, Trades
from footloom.kernels.side_rules import last_before
from footloom.venues import _binance

__all__ = ("Tape", "read_tape", "sampled", "snapshots_of")

MS = 1_000_000


class _Ticker(msgspec.Struct):
    b: str
    a: str
    T: int = 0


class _Line(msgspec.Struct):
    data: _Ticker


@dataclass(frozen=True)
class Tape:
    """One recording: trades in the ordering key, quotes in the order of the file.

    ``trade_line`` and ``quote_line`` are line numbers: the order of arrival. ``timed`` says whether quotes carry the
    exchange's time; where they do not, ``quotes`` stand at their line numbers.
    """

    file: str
    sha256: str
    trades: Trades
    quotes: Quotes
    trade_line: I64
    quote_line: I64
    timed: bool


def read_tape(path: Path) -> Tape:
    """Read a recorded stream of one symbol; funds' prints that are no market trades are left out."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    prints: list[tuple[int, int, int, Decimal, Decimal, int]] = []
    quotes: list[tuple[int, int, Decimal, Decimal]] = []
    for number, frame in _frames(path):
        if b"@bookTicker" in frame:
            ticker = msgspec.json.decode(frame, type=_Line).data
            quotes.append((ticker.T * MS, number, Decimal(ticker.b), Decimal(ticker.a)))
        elif b"@trade" in frame:
            found = _binance.read(frame, 0)
            if isinstance(found, _binance.Print) and not found.not_market:
                trade = found.trade
                prints.append(
                    (
                        trade.ts_exch_ns,
                        trade.trade_id or 0,
                        number,
                        Decimal(trade.price),
                        Decimal(trade.qty),
                        trade.side,
                    )
                )
    prints.sort(key=lambda row: row[:2])
    timed = all(row[0] for row in quotes)
    quotes.sort(key=lambda row: row[0])  # stable: of one time, in the order of arrival
    return _tape(path.name, digest, prints, quotes, timed=timed)


def _frames(path: Path) -> Iterator[tuple[int, bytes]]:
    with gzip.open(path, "rb") as lines:
        for number, line in enumerate(lines, 1):
            at = line.find(b"{")
            if at > 0:
                yield number, line[at:]


def _tape(
    file: str,
    digest: str,
    prints: list[tuple[int, int, int, Decimal, Decimal, int]],
    quotes: list[tuple[int, int, Decimal, Decimal]],
    *,
    timed: bool,
) -> Tape:
    ts, ids, lines, prices, amounts, sides = zip(*prints, strict=True)
    quote_ns, quote_lines, bids, asks = zip(*quotes, strict=True)
    grid = Instrument(
        venue="recorded",
        symbol=file.partition(".")[0],
        tick_size=Decimal("0.01"),
        lot_size=Decimal("0.00000001"),
    )
    trades = Trades.build(
        grid,
        ts,
        [grid.price_tick(price) for price in prices],
        [grid.qty_lot(amount) for amount in amounts],
        sides,
        trade_id=ids,
    )
    best = [np.array([grid.price_tick(price) for price in column], np.int64) for column in (bids, asks)]
    arrival = np.array(quote_lines, np.int64)
    book = Quotes(grid, np.array(quote_ns, np.int64) if timed else arrival, *best)
    return Tape(file, digest, trades, book, np.array(lines, np.int64), arrival, timed)


def sampled(quotes: Quotes, each_ns: int) -> Quotes:
    """Return what somebody sees who looks at the book every ``each_ns``: the quote in force then, from then on."""
    first, last = int(quotes.ts_exch_ns[0]), int(quotes.ts_exch_ns[-1])
    looked = np.arange(-(-first // each_ns) * each_ns, last + each_ns, each_ns, dtype=np.int64)
    at = last_before(looked + 1, quotes.ts_exch_ns)  # one that comes into force at that time is seen
    return Quotes(quotes.instrument, looked, quotes.bid_tick[at], quotes.ask_tick[at])


def snapshots_of(trades: Trades, quotes: Quotes, each_ns: int) -> tuple[Snapshots, I64]:
    """Return the snapshots of a feed that looks every ``each_ns``, and the row of the trade that each shows last."""
    seen = sampled(quotes, each_ns)
    looked = seen.ts_exch_ns
    last = np.searchsorted(trades.ts_exch_ns, looked, side="right") - 1
    shown = last >= 0
    looked, last = looked[shown], last[shown]
    made = Snapshots(
        instrument=trades.instrument,
        ts_exch_ns=trades.ts_exch_ns[last],
        ltp_tick=trades.price_tick[last],
        ltq_lot=trades.qty_lot[last],
        vtt_lot=np.cumsum(trades.qty_lot)[last],
        bid_tick=seen.bid_tick[shown],
        ask_tick=seen.ask_tick[shown],
        ts_recv_ns=looked,
    )
    return made, last
