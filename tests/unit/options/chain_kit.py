"""Small chains whose every number is known."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np

from footloom.core.chains import CALL, PUT, UNDERLYING
from footloom.core.instrument import Instrument
from footloom.core.series import NO_QUOTE, Series
from footloom.options.chain import Chain

NIFTY = Instrument(venue="nse", symbol="NIFTY", tick_size=Decimal("0.01"), lot_size=Decimal(1), calendar="nse_fo")
OPEN_NS = 1_764_906_300_000_000_000  # 2025-12-05 09:15 in Kolkata, a Friday
MONDAY_NS = OPEN_NS + 3 * 86_400 * 10**9
EXPIRY_NS = 1_765_274_400_000_000_000  # 2025-12-09 15:30
MINUTE_NS = 60_000_000_000

Row = dict[str, Any]


def call(at_ns: int, strike: int, **said: int) -> Row:
    return {"at": at_ns, "side": CALL, "strike_tick": strike * 100, "expiry_ns": EXPIRY_NS, "source": 0, **said}


def put(at_ns: int, strike: int, **said: int) -> Row:
    return call(at_ns, strike, **said) | {"side": PUT}


def spot(at_ns: int, price: float) -> Row:
    return {
        "at": at_ns,
        "side": UNDERLYING,
        "strike_tick": 0,
        "expiry_ns": 0,
        "source": 0,
        "ltp_tick": round(price * 100),
    }


def chain_of(*rows: Row) -> Chain:
    """Make a chain of rows in the order of time."""
    names = sorted({name for row in rows for name in row} - {"at"})
    columns = {name: [row.get(name, NO_QUOTE) for row in rows] for name in names}
    return Chain(Series.build(NIFTY, "chain", np.array([row["at"] for row in rows], np.int64), **columns))
