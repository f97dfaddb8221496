"""Small markets, and clients that know nothing of footloom."""

from __future__ import annotations

import json
from decimal import Decimal

import numpy as np
import websockets

from footloom.core.instrument import Instrument
from footloom.core.trades import Trades
from footloom.testing.venues import Changes, Listing, LocalVenue, Market

START = 1_780_000_000_000_000_000
SECOND = 1_000_000_000
START_MS = START // 10**6
SYMBOLS = {
    "binance_usdm": ("BTCUSDT", "0.1", "0.001"),
    "binance_spot": ("BTCUSDT", "0.01", "0.00001"),
    "bybit_linear": ("BTCUSDT", "0.1", "0.001"),
    "upstox": ("NSE_FO|53001", "0.05", "1"),
    "angelone": ("NFO|53001", "0.05", "1"),
}


def tape(venue: str, count: int = 40, first: int = 1_000, every_ms: int = 500, start_ns: int = START) -> Trades:
    symbol, tick, lot = SYMBOLS[venue]
    instrument = Instrument(venue=venue, symbol=symbol, tick_size=Decimal(tick), lot_size=Decimal(lot))
    n = np.arange(count)
    return Trades.build(
        instrument,
        start_ns + n * every_ms * 1_000_000,
        921_500 + n * 7 % 11,
        1 + n % 13,
        np.where(n * 2_654_435_761 % 7 < 3, -1, 1),
        trade_id=first + n,
    )


# A book of five levels a side around the price, of which the best change with every trade.
def changes(trades: Trades) -> Changes:
    rows = [(START - SECOND, 1, 921_490 - k, 10 + k) for k in range(60)]
    rows += [(START - SECOND, -1, 921_520 + k, 20 + k) for k in range(60)]
    for at, number in zip(trades.ts_exch_ns.tolist(), trades.trade_id.tolist(), strict=True):
        rows.append((at, 1, 921_491, number % 5))
        rows.append((at, -1, 921_519, (number + 2) % 3))
    columns = list(zip(*rows, strict=True))
    kinds = (np.int64, np.int8, np.int64, np.int64)
    return Changes(*(np.array(column, kind) for column, kind in zip(columns, kinds, strict=True)))


def market(venue: str, count: int = 40, *, book: bool = False, every_ms: int = 500) -> Market:
    trades = tape(venue, count, every_ms=every_ms)
    return Market([Listing(trades, changes(trades) if book else None)], START - 1)


def socket(venue: LocalVenue, path: str, **options: object) -> websockets.connect:
    return websockets.connect(venue.url.replace("http", "ws") + path, **options)


async def until_lost(connection: websockets.ClientConnection) -> tuple[list, websockets.ConnectionClosed]:
    messages: list = []
    try:
        while True:
            message = await connection.recv()
            messages.append(json.loads(message) if isinstance(message, str) else message)
    except websockets.ConnectionClosed as closed:
        return messages, closed
