"""Prices, Greeks and implied volatilities against another library, and against the laws that they must keep."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from py_lets_be_rational import black, implied_volatility_from_a_transformed_rational_guess

from footloom.options import black76
from footloom.options.black76 import F64, HIGHEST_VOL, LOWEST_VOL

SEED = 20251209
FORWARD, RATE = 25_000.0, 0.065


class Market:
    """Options over the whole grid of moneyness, time and volatility; the same ones from one seed."""

    def __init__(self, seed: int, count: int) -> None:
        made = np.random.default_rng(seed)
        self.strike = FORWARD * np.exp(made.uniform(-0.7, 0.7, count))
        self.years = np.exp(made.uniform(math.log(1 / 365 / 24), math.log(3), count))
        self.vol = np.exp(made.uniform(math.log(LOWEST_VOL * 1.01), math.log(HIGHEST_VOL * 0.99), count))
        self.is_call = made.random(count) < 0.5

    @property
    def price(self) -> F64:
        """What another library asks for them."""
        rows = zip(self.strike, self.vol, self.years, self.is_call, strict=True)
        undiscounted = [black(FORWARD, k, v, t, 1.0 if call else -1.0) for k, v, t, call in rows]
        return np.array(undiscounted) * np.exp(-RATE * self.years)

    @property
    def intrinsic(self) -> F64:
        """Discounted."""
        inside = np.where(self.is_call, FORWARD - self.strike, self.strike - FORWARD)
        return np.exp(-RATE * self.years) * np.maximum(inside, 0)


def test_prices_are_those_of_another_library() -> None:
    market = Market(SEED, 4000)
    got = black76.price(FORWARD, market.strike, market.years, RATE, market.vol, is_call=market.is_call)
    assert got == pytest.approx(market.price, rel=1e-12, abs=1e-12 * FORWARD)


# A price holds a volatility as well as its last digit lets it: deep in the money none is left.
def test_every_volatility_that_a_price_holds_is_found_to_1e_8() -> None:
    market = Market(SEED + 1, 4000)
    price = market.price
    found = black76.implied_vol(price, FORWARD, market.strike, market.years, RATE, is_call=market.is_call)
    market_greeks = black76.greeks(FORWARD, market.strike, market.years, RATE, market.vol, is_call=market.is_call)
    digit = 8 * np.spacing(np.maximum(price, market.intrinsic))
    held = 1e-8 + digit / np.maximum(100 * market_greeks.vega, 1e-300)
    silent = price - market.intrinsic <= np.maximum(digit, 1e-300)
    assert np.mean(silent) < 0.5
    assert np.all(silent | (np.abs(found - market.vol) <= held))
    precise = held < 2e-8
    assert np.count_nonzero(precise) > 1500
    assert np.max(np.abs(found - market.vol)[precise & ~silent]) <= 2e-8


def test_volatilities_are_those_of_another_library() -> None:
    market = Market(SEED + 2, 2000)
    outside = np.where(market.is_call, market.strike > FORWARD, market.strike < FORWARD)
    price = market.price
    rows = np.flatnonzero(outside & (price > 1e-6))
    assert len(rows) > 300
    found = black76.implied_vol(
        price[rows], FORWARD, market.strike[rows], market.years[rows], RATE, is_call=market.is_call[rows]
    )
    for got, row in zip(found, rows, strict=True):
        expected = implied_volatility_from_a_transformed_rational_guess(
            price[row] * math.exp(RATE * market.years[row]),
            FORWARD,
            market.strike[row],
            market.years[row],
            1.0 if market.is_call[row] else -1.0,
        )
        assert got == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("is_call", [True, False])
def test_prices_that_no_volatility_gives_have_none(*, is_call: bool) -> None:
    strike, years = 24_800.0, 7 / 365
    discount = math.exp(-RATE * years)
    intrinsic = discount * max(FORWARD - strike if is_call else strike - FORWARD, 0)
    most = discount * (FORWARD if is_call else strike)
    least_vol, most_vol = black76.price(FORWARD, strike, years, RATE, [LOWEST_VOL, HIGHEST_VOL], is_call=is_call)
    refused = [-1.0, 0.0, intrinsic, intrinsic * (1 - 1e-9), most, most * 1.1, math.nan, math.inf, most_vol * 1.001]
    assert np.all(np.isnan(black76.implied_vol(refused, FORWARD, strike, years, RATE, is_call=is_call)))
    taken = [max(least_vol * (1 + 1e-9), 1e-250), most_vol * (1 - 1e-9)]
    assert np.all(np.isfinite(black76.implied_vol(taken[1:], FORWARD, strike, years, RATE, is_call=is_call)))
    for no_time in (0.0, -1.0, math.nan):
        assert np.isnan(black76.implied_vol(300.0, FORWARD, strike, no_time, RATE, is_call=is_call)[0])


def test_at_the_intrinsic_value_there_is_none_over_the_whole_grid() -> None:
    market = Market(SEED + 3, 20_000)
    inside = market.intrinsic > 0
    at = {"strike": market.strike[inside], "years": market.years[inside], "is_call": market.is_call[inside]}
    worth = market.intrinsic[inside]
    for price in (worth, np.nextafter(worth, 0), np.nextafter(worth, np.inf), worth - 1, -worth):
        found = black76.implied_vol(price, FORWARD, at["strike"], at["years"], RATE, is_call=at["is_call"])
        assert np.all(np.isnan(found))
    most = np.exp(-RATE * at["years"]) * np.where(at["is_call"], FORWARD, at["strike"])
    for price in (most, np.nextafter(most, np.inf), most * 2):
        found = black76.implied_vol(price, FORWARD, at["strike"], at["years"], RATE, is_call=at["is_call"])
        assert np.all(np.isnan(found))


@given(
    strike=st.floats(15_000, 40_000),
    years=st.floats(1 / 365, 2),
    vol=st.floats(0.05, 1.5),
    rate=st.floats(-0.02, 0.12),
)
def test_calls_and_puts_are_at_par(strike: float, years: float, vol: float, rate: float) -> None:
    call, put = (black76.price(FORWARD, strike, years, rate, vol, is_call=side)[0] for side in (True, False))
    assert call - put == pytest.approx(math.exp(-rate * years) * (FORWARD - strike), abs=1e-8)
    of_call, of_put = (black76.greeks(FORWARD, strike, years, rate, vol, is_call=side) for side in (True, False))
    assert of_call.delta - of_put.delta == pytest.approx(math.exp(-rate * years))
    assert np.array([of_call.gamma, of_call.vega]) == pytest.approx(np.array([of_put.gamma, of_put.vega]))


@pytest.mark.parametrize("is_call", [True, False])
def test_greeks_are_the_slopes_of_the_price(*, is_call: bool) -> None:
    at = {"strike": 25_400.0, "years": 20 / 365, "rate": RATE, "vol": 0.14}

    def price(forward: float = FORWARD, **changed: float) -> float:
        return float(black76.price(forward, **{**at, **changed}, is_call=is_call)[0])

    found = black76.greeks(FORWARD, **at, is_call=is_call)
    up, down = price(FORWARD + 1), price(FORWARD - 1)
    assert found.delta[0] == pytest.approx((up - down) / 2, rel=1e-6)
    assert found.gamma[0] == pytest.approx(up - 2 * price() + down, rel=1e-5)
    assert found.vega[0] == pytest.approx((price(vol=0.1401) - price(vol=0.1399)) / 0.02, rel=1e-6)
    minute = 1 / 365 / 1440
    slope = (price(years=at["years"] - minute) - price(years=at["years"] + minute)) / (2 / 1440)
    assert found.theta[0] == pytest.approx(slope, rel=1e-6)


def test_without_time_an_option_is_worth_what_it_pays_and_has_no_greeks() -> None:
    paid = black76.price(FORWARD, [24_900, 25_100], 0, RATE, 0.2, is_call=[True, False])
    assert paid.tolist() == [100, 100]
    assert all(np.all(np.isnan(column)) for column in black76.greeks(FORWARD, 25_000, 0, RATE, 0.2, is_call=True))
    assert np.isnan(black76.price(-1, 25_000, 1, RATE, 0.2, is_call=True)[0])


def test_the_forward_is_where_the_closest_pairs_are_at_par() -> None:
    strike = np.arange(24_500.0, 25_600, 100)
    years, vol = 10 / 365, 0.13
    call, put = (black76.price(25_037, strike, years, RATE, vol, is_call=side) for side in (True, False))
    assert black76.implied_forward(strike, call, put, years, RATE) == pytest.approx(25_037)
    call[5] += 40  # one stale quote
    assert black76.implied_forward(strike, call, put, years, RATE) == pytest.approx(25_037, abs=1e-6)
    call[:] = np.nan
    assert black76.implied_forward(strike, call, put, years, RATE) is None
