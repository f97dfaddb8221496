"""Implied volatilities a second on one core, over the whole grid of moneyness, time and volatility, and how exact.

The peer is `py_lets_be_rational`, which solves the same in another way. Prices are its own, so that neither side is
judged by itself; both are asked for options whose price holds a volatility to 1e-8: deep in the money the last digit of
a price hides it. What no volatility gives must be null.
"""

from __future__ import annotations

import math

import numpy as np
from py_lets_be_rational import black, implied_volatility_from_a_transformed_rational_guess

from benchmarks import harness
from benchmarks.data import digest
from benchmarks.harness import Row, Scale
from footloom.options import black76

__all__ = ("Grid", "measure")

FORWARD, RATE = 25_000.0, 0.065
_COUNT = 100_000
_OF_PEER = 2_000  # it is called once an option
_EXACT = 1e-8


class Grid:
    """Options at every moneyness, time and volatility, with the prices that the peer asks for them.

    Strikes lie from e^-0.7 to e^0.7 forwards, times from an hour to three years, volatilities from 0.5 % to 500 %.
    """

    def __init__(self, seed: int, count: int) -> None:
        made = np.random.default_rng(seed)
        strike = FORWARD * np.exp(made.uniform(-0.7, 0.7, 4 * count))
        years = np.exp(made.uniform(math.log(1 / 365 / 24), math.log(3), 4 * count))
        vol = np.exp(made.uniform(math.log(0.005 * 1.01), math.log(5 * 0.99), 4 * count))
        call = made.random(4 * count) < 0.5
        vega = 100 * black76.greeks(FORWARD, strike, years, RATE, vol, is_call=call).vega
        worth = black76.price(FORWARD, strike, years, RATE, vol, is_call=call)
        # A price has so many digits: one unit of its last, in volatility, must lie well below what is asked for.
        held = np.flatnonzero(np.spacing(np.maximum(worth, 1.0)) * 64 < _EXACT * vega)
        rows = np.resize(held, count)
        self.strike, self.years, self.vol, self.call = strike[rows], years[rows], vol[rows], call[rows]
        columns = zip(self.strike.tolist(), self.vol.tolist(), self.years.tolist(), self.call.tolist(), strict=True)
        undiscounted = np.array([black(FORWARD, k, v, t, 1.0 if is_call else -1.0) for k, v, t, is_call in columns])
        self.price = undiscounted * np.exp(-RATE * self.years)


def measure(scale: Scale) -> list[Row]:
    """Return the promises: how fast, how much faster than the peer, how exact."""
    grid = Grid(20251209, _COUNT)
    few = slice(0, _OF_PEER)

    def ours() -> black76.F64:
        return black76.implied_vol(grid.price, FORWARD, grid.strike, grid.years, RATE, is_call=grid.call)

    def peer() -> list[float]:
        rows = zip(grid.price[few], grid.strike[few], grid.years[few], grid.call[few], strict=True)
        return [
            implied_volatility_from_a_transformed_rational_guess(
                p * math.exp(RATE * t), FORWARD, k, t, 1.0 if is_call else -1.0
            )
            for p, k, t, is_call in rows
        ]

    found = ours()
    worst = float(np.abs(found - grid.vol).max())
    assert np.abs(found[few] - np.array(peer())).max() <= _EXACT, "both sides find the same volatility"
    _check_nulls(grid)
    times = harness.interleave({"ours": ours, "peer": peer}, scale.rounds)
    mine, theirs = times.median("ours"), times.median("peer") * _COUNT / _OF_PEER
    hashed = digest(grid.price, grid.strike, grid.years)
    speed = f"{_COUNT / mine:,.0f} a second"
    return [
        Row("implied volatilities a second, one core", speed, "limit 100,000", _COUNT / mine / 100_000, 1.0, hashed),
        Row(
            "implied volatilities against py_lets_be_rational",
            f"{mine * 1e6 / _COUNT:.2f} us each",
            f"{theirs * 1e6 / _COUNT:.1f} us each",
            times.ratio("peer", "ours") * _COUNT / _OF_PEER,
            5.0,
            hashed,
        ),
        harness.limit("implied volatility, largest error on the grid", worst, _EXACT, "", "the volatility", hashed),
    ]


# At the discounted intrinsic value and below, and from what no volatility exceeds on, there is none.
def _check_nulls(grid: Grid) -> None:
    left = np.exp(-RATE * grid.years)
    least = left * np.maximum(np.where(grid.call, FORWARD - grid.strike, grid.strike - FORWARD), 0)
    most = left * np.where(grid.call, FORWARD, grid.strike)
    for refused in (least, least - 1, most, most * 1.01):
        none = black76.implied_vol(refused, FORWARD, grid.strike, grid.years, RATE, is_call=grid.call)
        assert np.isnan(none).all(), "a price out of bounds has no volatility"


if __name__ == "__main__":
    harness.run(measure)
