"""The option chain of the simulated market: made of its price, so that strikes, quotes and open interest agree with it.

Three expiries at 08:00 UTC, calls and puts around the day's first price, a quote each minute from Black-76 on a smile,
open interest that comes and goes. A pure function of the instants and prices that it is given.
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Final

import numpy as np

from footloom.core.chains import CALL, CHAIN, PUT, UNDERLYING, source_code
from footloom.core.instrument import Instrument
from footloom.core.series import Series
from footloom.core.trades import I64
from footloom.options import black76

__all__ = ("EVERY_NS", "chain_of", "open_contracts")

EVERY_NS: Final = 60_000_000_000
_DAY_NS: Final = 86_400_000_000_000
_EXPIRES_NS: Final = 8 * 3_600_000_000_000  # after midnight
_AHEAD: Final = (1, 7, 28)  # days
_STRIKES: Final = 12  # on each side
_RATE: Final = 0.055
_OPEN: Final = 4_000_000.0  # of the busiest option, over its price
_OWN: Final = 350_000.0  # open of the contract itself, in whole units
_FIELDS: Final = (
    "side", "expiry_ns", "strike_tick", "oi_lot", "prev_oi_lot", "volume_lot", "ltp_tick",
    "bid_tick", "bid_lot", "ask_tick", "ask_lot",
)  # fmt: skip


def chain_of(instrument: Instrument, at_ns: I64, price_tick: I64) -> Series:
    """Return the chain of one UTC day at instants that ascend (n,), of the underlying's price at each of them.

    It stands on the underlying's tick, and on whole contracts.
    """
    instrument = instrument.with_grid(instrument.tick_size, Decimal(1))
    if not len(at_ns):
        return Series.empty(instrument, CHAIN)
    day_ns = int(at_ns[0]) // _DAY_NS * _DAY_NS
    strikes = _strikes(int(price_tick[0]))
    blocks = [_spot(at_ns, price_tick)]
    blocks += [
        _options(at_ns, price_tick, strikes, day_ns + days * _DAY_NS + _EXPIRES_NS, side, number)
        for number, days in enumerate(_AHEAD)
        for side in (CALL, PUT)
    ]
    times = np.concatenate([np.repeat(at_ns, block.shape[1] // len(at_ns)) for block in blocks])
    order = np.argsort(times, kind="stable")
    table = np.concatenate(blocks, axis=1)[:, order]
    columns = dict(zip(_FIELDS, table, strict=True))
    return Series.build(instrument, CHAIN, times[order], source=source_code("simulated"), **columns)


def open_contracts(instrument: Instrument, at_ns: I64) -> Series:
    """Return the open interest of the simulated contract itself at instants (n,): it comes and goes through the day."""
    of_day = (at_ns % _DAY_NS) / _DAY_NS
    noise = np.modf(np.abs(np.sin(at_ns // EVERY_NS * 12.9898)) * 43_758.5453)[0]
    turns = 0.06 * np.sin(2 * np.pi * 2 * of_day) + 0.015 * np.sin(2 * np.pi * 17 * of_day) + 0.004 * noise
    lots = _whole(_OWN * (1 + turns)) * round(1 / instrument.lot_size)
    return Series.build(instrument, "open_interest", at_ns, at_ns, oi_lot=lots)


# Steps of 1, 2 or 5 times a power of ten, near half a percent of the price.
def _strikes(price: int) -> I64:
    wanted = max(1.0, price * 0.005)
    power = 10 ** math.floor(math.log10(wanted))
    step = next(int(of * power) for of in (1, 2, 5, 10) if of * power >= wanted)
    centre = round(price / step) * step
    found = centre + step * np.arange(-_STRIKES, _STRIKES + 1)
    return found[found > 0].astype(np.int64)


def _spot(at_ns: I64, price: I64) -> I64:
    table = np.full((len(_FIELDS), len(at_ns)), np.iinfo(np.int64).min, np.int64)
    table[_FIELDS.index("side")] = UNDERLYING
    table[_FIELDS.index("expiry_ns")] = table[_FIELDS.index("strike_tick")] = 0
    table[_FIELDS.index("ltp_tick")] = price
    return table


def _options(at_ns: I64, price: I64, strikes: I64, expiry_ns: int, side: int, number: int) -> I64:
    at, spot, strike = (
        one.ravel().astype(np.float64) for one in np.broadcast_arrays(at_ns[:, None], price[:, None], strikes[None, :])
    )
    years = np.maximum((expiry_ns - at) / (365 * 86_400e9), 1e-6)
    forward = spot * np.exp(_RATE * years)
    away = np.log(strike / forward)
    vol = np.clip(0.45 + 0.05 * number - 0.15 * away + 4.0 * away * away, 0.1, 2.0)
    worth = black76.price(forward, strike, years, _RATE, vol, is_call=side == CALL)
    middle = np.maximum(1, np.rint(worth)).astype(np.int64)
    half = np.maximum(1, middle // 200)
    oi, before, volume = _positions(at, strike, float(price[0]), side, number)
    return np.stack(
        [
            np.full(len(at), side), np.full(len(at), expiry_ns), strike.astype(np.int64), oi, before, volume, middle,
            np.maximum(0, middle - half), 5 + oi // 1_000, middle + half, 5 + oi // 1_100,
        ]
    ).astype(np.int64)  # fmt: skip


# Most is open out of the money and at round strikes; it swells and shrinks through the day, each strike in its turn.
def _positions(at: black76.F64, strike: black76.F64, first: float, side: int, number: int) -> tuple[I64, I64, I64]:
    turn = np.modf(np.abs(np.sin(strike * 12.9898 + side * 78.233 + number * 37.719)) * 43_758.5453)[0]
    outside = side * (strike - first) / first
    size = _OPEN / max(first, 1.0) * 1_000 / (1 + number) * (0.3 + turn) * np.exp(-((outside - 0.02) ** 2) / 0.002)
    of_day = (at % _DAY_NS) / _DAY_NS
    wave = 0.3 * np.sin(2 * np.pi * (3 * of_day + turn)) + 0.2 * of_day
    start = 0.3 * np.sin(2 * np.pi * turn)
    volume = size * 4 * of_day
    return _whole(size * (1.5 + wave)), _whole(size * (1.5 + start)), _whole(volume)


def _whole(values: black76.F64) -> I64:
    return np.rint(values).astype(np.int64)
