"""What an option chain says at instants: ratios, max pain, walls, straddle, volatilities, exposure (definitions 7).

Sums run over strikes of which call and put are both known; how many were left out is told beside them. Strikes are
ticks, open interest units, prices and volatilities floats with nan for what is not known.
"""

from __future__ import annotations

import datetime as dt
import functools
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from footloom.core.sessions import calendar
from footloom.core.snapshots import NO_QUOTE
from footloom.core.trades import I64
from footloom.options import black76, positions
from footloom.options.black76 import F64, Greeks
from footloom.options.chain import Board, Side
from footloom.options.positions import Wall

__all__ = ("GEX_ASSUMES", "RATE", "Measures", "days_left")

RATE: Final = 0.055  # a year; about what India's bills of 91 days paid at the end of 2025
GEX_ASSUMES: Final = "dealers are long every call and short every put; how they really stand is not known"
Bool = NDArray[np.bool_]
Of = Literal["oi_lot", "volume_lot"]


@dataclass(eq=False)
class Measures:
    """What the options of one expiry say at the instants of a board.

    Attributes
    ----------
    rate
        Interest a year; 0.055 is 5.5 %.
    around
        How many strikes on each side of the money count for sums, walls and max pain; None for all.
    price
        The price of the underlying in quote currency, where the chain does not say it.
    """

    board: Board
    rate: float = RATE
    around: int | None = None
    price: float | None = None

    @functools.cached_property
    def years(self) -> F64:
        """Time to expiry in years of 365 days (n,); below 0 behind it."""
        left = self.board.expiry_ns - self.board.at_ns
        years: F64 = (left / (365 * 86_400 * 1e9)).astype(np.float64)
        return years

    @property
    def strike(self) -> F64:
        """Strikes in quote currency (s,)."""
        return np.multiply(self.board.strikes, self._tick, dtype=np.float64)

    @property
    def _tick(self) -> float:
        return float(self.board.chain.instrument.tick_size)

    @functools.cached_property
    def mids(self) -> dict[Side, F64]:
        """The middle of bid and ask (n, s)."""
        return {"call": self.board.mid("call"), "put": self.board.mid("put")}

    @functools.cached_property
    def forward(self) -> F64:
        """The forward that the expiry's own quotes imply (n,)."""
        found = np.full(len(self.board.at_ns), np.nan)
        for i, years in enumerate(self.years.tolist()):
            implied = black76.implied_forward(
                self.strike, self.mids["call"][i], self.mids["put"][i], years, self.rate
            ) if years > 0 else None  # fmt: skip
            found[i] = np.nan if implied is None else implied
        return found

    @functools.cached_property
    def spot(self) -> F64:
        """The price of the underlying (n,): as the chain says it, as it was given, else the forward."""
        told = self.board.spot
        said = np.where(told == NO_QUOTE, np.nan, told * self._tick)
        given = np.full(len(said), np.nan if self.price is None else self.price)
        return np.where(np.isfinite(said), said, np.where(np.isfinite(given), given, self.forward))

    @functools.cached_property
    def atm(self) -> I64:
        """The place of the strike nearest to the money, the lower of two (n,); -1 where no price is known."""
        apart = np.abs(self.strike[None, :] - self.spot[:, None])
        if not apart.shape[1]:
            return np.full(len(apart), -1, np.int64)
        nearest = np.argmin(np.where(np.isnan(apart), np.inf, apart), axis=1)
        return np.where(np.isfinite(self.spot), nearest, -1).astype(np.int64)

    @functools.cached_property
    def near(self) -> Bool:
        """Which strikes count (n, s): none where they stand around a money that is not known."""
        shape = (len(self.board.at_ns), len(self.board.strikes))
        if self.around is None:
            return np.ones(shape, np.bool_)
        apart = np.abs(np.arange(shape[1])[None, :] - self.atm[:, None])
        near: Bool = (apart <= self.around) & (self.atm[:, None] >= 0)
        return near

    def both(self, of: Of) -> Bool:
        """Say which strikes count and have a number on both sides (n, s)."""
        known = [self.board.values(of, side) != NO_QUOTE for side in ("call", "put")]
        both: Bool = known[0] & known[1] & self.near
        return both

    def left_out(self, of: Of) -> I64:
        """Return how many strikes that would count have no number on one side or both (n,)."""
        count: I64 = (self.near & ~self.both(of)).sum(axis=1)
        return count

    def total(self, of: Of, side: Side) -> I64:
        """Return the sum over the strikes that count, in units (n,)."""
        total: I64 = np.where(self.both(of), self.board.values(of, side), 0).sum(axis=1)
        return total

    def put_call_ratio(self, of: Of) -> F64:
        """Return puts over calls (n,); nan without calls."""
        calls, puts = self.total(of, "call"), self.total(of, "put")
        return np.where(calls > 0, puts / np.where(calls > 0, calls, 1), np.nan)

    def change(self, side: Side) -> I64:
        """Return open interest against the previous day's close (n, s); `NO_QUOTE` where one of both is not known."""
        now, before = self.board.values("oi_lot", side), self.board.values("prev_oi_lot", side)
        known = (now != NO_QUOTE) & (before != NO_QUOTE)
        return np.where(known, np.where(known, now, 0) - np.where(known, before, 0), NO_QUOTE)

    @functools.cached_property
    def max_pain(self) -> I64:
        """The strike at which writers would pay least, ticks (n,); `NO_QUOTE` without open interest."""
        board, known = self.board, self.both("oi_lot")
        calls, puts = board.values("oi_lot", "call"), board.values("oi_lot", "put")
        found = np.full(len(board.at_ns), NO_QUOTE, np.int64)
        for i, mine in enumerate(known):
            pain = positions.max_pain(board.strikes[mine], calls[i, mine], puts[i, mine], self._ahead(i))
            found[i] = NO_QUOTE if pain is None else pain.strike
        return found

    def walls(self, side: Side) -> list[list[Wall]]:
        """Return the strikes with the most open interest of a side, largest first, for each instant."""
        board = self.board
        oi = board.values("oi_lot", side)
        known = (oi != NO_QUOTE) & self.near
        return [positions.walls(board.strikes[mine], oi[i, mine], self._place(i)) for i, mine in enumerate(known)]

    # What the market expects in ticks, for ties of max pain: the forward, else where the money is.
    def _ahead(self, i: int) -> float | None:
        forward = float(self.forward[i])
        return forward / self._tick if np.isfinite(forward) else self._place(i)

    # Where the money is in ticks, for ties of walls.
    def _place(self, i: int) -> float | None:
        spot = float(self.spot[i])
        return spot / self._tick if np.isfinite(spot) else None

    @functools.cached_property
    def straddle(self) -> F64:
        """What call and put at the money cost together (n,)."""
        return self._at_the_money(self.mids["call"] + self.mids["put"])

    @functools.cached_property
    def vols(self) -> dict[Side, F64]:
        """The volatility that each mid price implies on the forward (n, s)."""
        return {"call": self._implied("call"), "put": self._implied("put")}

    def _implied(self, side: Side) -> F64:
        mids, (forward, strike, years) = self.mids[side], self._market
        found = black76.implied_vol(mids.ravel(), forward, strike, years, self.rate, is_call=side == "call")
        return found.reshape(mids.shape)

    # Forward, strike and time of every option, flat.
    @functools.cached_property
    def _market(self) -> tuple[F64, F64, F64]:
        shape = (len(self.board.at_ns), len(self.board.strikes))
        forward, strike, years = self.forward[:, None], self.strike[None, :], self.years[:, None]
        return (
            np.broadcast_to(forward, shape).ravel(),
            np.broadcast_to(strike, shape).ravel(),
            np.broadcast_to(years, shape).ravel(),
        )

    def greeks(self, side: Side) -> Greeks:
        """Return the Greeks of a side's options, at the volatility that their own price implies; columns (n, s)."""
        vols, (forward, strike, years) = self.vols[side], self._market
        made = black76.greeks(forward, strike, years, self.rate, vols.ravel(), is_call=side == "call")
        return Greeks(*(one.reshape(vols.shape) for one in made))

    @functools.cached_property
    def smile(self) -> F64:
        """The volatility of each strike by the option that is out of the money (n, s); at the money by both."""
        call, put = self.vols["call"], self.vols["put"]
        above = self.strike[None, :] > self.forward[:, None]
        outside = np.where(above, call, put)
        inside = np.where(above, put, call)
        both = np.where(np.isfinite(call) & np.isfinite(put), (call + put) / 2, outside)
        at_money = np.arange(len(self.board.strikes))[None, :] == self.atm[:, None]
        return np.where(at_money, np.where(np.isfinite(both), both, inside), outside)

    @functools.cached_property
    def atm_vol(self) -> F64:
        """The volatility at the money (n,)."""
        return self._at_the_money(self.smile)

    def gamma_exposure(self) -> F64:
        """Return what dealers must trade a move of 1 %, in quote currency (n,), under `GEX_ASSUMES`.

        Over options that have open interest and a volatility; nan where none has, or no price is known.
        """
        total = np.zeros(len(self.board.at_ns))
        known = np.zeros(len(total), np.bool_)
        signs: tuple[tuple[Side, float], ...] = (("call", 1.0), ("put", -1.0))
        for side, sign in signs:
            gamma, oi = self.greeks(side).gamma, self.board.values("oi_lot", side)
            used = np.isfinite(gamma) & (oi != NO_QUOTE) & self.near
            known |= used.any(axis=1)
            total += sign * np.where(used, np.where(used, gamma, 0) * np.where(used, oi, 0), 0).sum(axis=1)
        return np.where(known, total * self.spot * self.spot * 0.01, np.nan)

    def _at_the_money(self, of_strikes: F64) -> F64:
        if not of_strikes.shape[1]:
            return np.full(len(of_strikes), np.nan)
        chosen = of_strikes[np.arange(len(of_strikes)), np.maximum(self.atm, 0)]
        return np.where(self.atm >= 0, chosen, np.nan)


def days_left(name: str, at_ns: int, expiry_ns: int) -> tuple[int, int]:
    """Return calendar days from an instant to the day of expiry, and sessions that end from it on to that expiry.

    A session that runs counts. Both are 0 behind the expiry.
    """
    if at_ns >= expiry_ns:
        return 0, 0
    market = calendar(name)
    first, last = market.local_date(at_ns), market.local_date(expiry_ns)
    sessions = market.sessions(first - dt.timedelta(days=1), last)
    return (last - first).days, sum(at_ns < close <= expiry_ns for _, close in sessions)
