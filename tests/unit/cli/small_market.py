"""A market of a hundred trades: whoever asks a local venue for its clock or a login needs no simulated day."""

from __future__ import annotations

from decimal import Decimal

import numpy as np

from footloom.core.instrument import Instrument
from footloom.core.trades import Trades
from footloom.testing.venues import Market

_SYMBOLS = {"upstox": "NSE_FO|53001", "angelone": "NFO|53001"}


def small_market(venue: str, start_ns: int) -> Market:
    """Return a broker's market that is open from ``start_ns`` on, a trade a second."""
    instrument = Instrument(venue=venue, symbol=_SYMBOLS[venue], tick_size=Decimal("0.05"), lot_size=Decimal(1))
    number = np.arange(100)
    tape = Trades.build(
        instrument, start_ns + number * 10**9, 474_000 + number % 7, 75 + 0 * number, 1 - 2 * (number % 2),
        trade_id=1 + number,
    )  # fmt: skip
    return Market.of(tape, start_ns=start_ns)
