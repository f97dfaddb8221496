"""An option chain through time: what is known of each option at some instants, from the rows of its tape.

A row says some values of one option; what it leaves out holds from before, within its day. So at any instant each value
has a row that said it last, and that row says since when it stands and who said it (definitions 7).
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from footloom.core.chains import CALL, CHAIN, PUT, UNDERLYING
from footloom.core.instrument import Instrument
from footloom.core.series import Series
from footloom.core.sessions import calendar
from footloom.core.snapshots import NO_QUOTE
from footloom.core.trades import I64
from footloom.errors import ConfigError, DataError, TooMuch
from footloom.options.updates import latest_said, option_numbers, update_before

__all__ = ("VALUES", "Board", "Chain", "Side", "Value")

Side = Literal["call", "put"]
Value = Literal[
    "oi_lot", "prev_oi_lot", "volume_lot", "ltp_tick", "bid_tick", "bid_lot", "ask_tick", "ask_lot",
    "iv_e8", "delta_e8", "gamma_e8", "theta_e8", "vega_e8",
]  # fmt: skip
VALUES: Final[tuple[Value, ...]] = (
    "oi_lot", "prev_oi_lot", "volume_lot", "ltp_tick", "bid_tick", "bid_lot", "ask_tick", "ask_lot",
    "iv_e8", "delta_e8", "gamma_e8", "theta_e8", "vega_e8",
)  # fmt: skip
_SIDES: Final[dict[Side, int]] = {"call": CALL, "put": PUT}
# A side of the quote is said by its price or its quantity: a quantity of 0 alone says that nobody bids.
_SAID_BY: Final[dict[str, tuple[str, ...]]] = {
    name: (f"{side}_tick", f"{side}_lot") for side in ("bid", "ask") for name in (f"{side}_tick", f"{side}_lot")
}
_MINUTE_NS = 60_000_000_000
_MOST_CELLS = 16_000_000  # instants times options of one answer
_NONE = -1


class Chain:
    """The rows of one underlying's chain, in the order of time.

    Parameters
    ----------
    series
        The rows (n,).
    lots
        By expiry (ns UTC), how many units a contract is as the venue's list of contracts says it, None where it says
        several; expiries that it leaves out are looked up by their day (definitions 0.7).

    Raises
    ------
    DataError
        These are rows of another tape.
    """

    def __init__(self, series: Series, lots: Mapping[int, int | None] | None = None) -> None:
        if series.tape != CHAIN:
            raise DataError(f"an option chain is made of rows of the tape {CHAIN}, not of {series.tape}")
        self.series = series
        self.lots: Mapping[int, int | None] = lots or {}

    def __len__(self) -> int:
        return len(self.series)

    def __repr__(self) -> str:
        return f"<Chain {self.instrument.key}: {len(self):,} rows, {len(self.expiries)} expiries>"

    @property
    def instrument(self) -> Instrument:
        """The underlying, on the grid of the chain."""
        return self.series.instrument

    @functools.cached_property
    def expiries(self) -> I64:
        """When its options expire, ns UTC ascending (n,)."""
        return np.unique(self.series["expiry_ns"][self.series["side"] != UNDERLYING])

    @functools.cached_property
    def _days(self) -> I64:
        return _days_of(self.instrument.calendar, self.series.ts_exch_ns)

    @functools.cached_property
    def updates(self) -> I64:
        """The row that said the update of open interest before each row, -1 where none did (n,)."""
        return update_before(self.series, self._numbers, self._days)

    @functools.cached_property
    def _numbers(self) -> I64:
        return option_numbers(self.series)

    def standing(self) -> Chain:
        """Return the rows alone that say how the chain stands at its last one: what is told of it then is the same."""
        series = self.series
        if not len(series):
            return self
        today = self._days == self._days[-1]
        kept = [
            np.array([len(series) - 1], np.int64),
            latest_said(self._numbers, today),
        ]  # every option that was heard of
        for value in VALUES:
            last = latest_said(self._numbers, today & _said(series, value))
            kept.append(last)
            if value == "oi_lot":
                kept.append(self.updates[last])
        rows = np.unique(np.concatenate(kept))
        return Chain(series.take(rows[rows >= 0]), self.lots)

    def expiry(self, asked: int | None = None, at_ns: int | None = None) -> int:
        """Return an expiry that the chain has: the one asked for, else the first that has not passed at an instant.

        Raises
        ------
        DataError
            It has no such expiry, or none at all.
        """
        every = self.expiries
        days = ", ".join(self.day_text(one) for one in every.tolist()) or "none"
        if asked is not None:
            if asked not in every:
                raise DataError(
                    f"the chain of {self.instrument.key} has no expiry {self.day_text(asked)}: it has {days}"
                )
            return asked
        at_ns = int(self.series.ts_exch_ns[-1]) if at_ns is None and len(self) else at_ns or 0
        alive = every[every > at_ns]
        if not len(alive):
            raise DataError(f"no option of {self.instrument.key} is left at {at_ns} ns: its expiries are {days}")
        return int(alive[0])

    def day_text(self, expiry_ns: int) -> str:
        """Return the date of an expiry, on the exchange's clock."""
        return calendar(self.instrument.calendar).local_date(expiry_ns).isoformat()

    def stamps(self, every_ns: int = _MINUTE_NS, expiry_ns: int | None = None) -> I64:
        """Return the instants, whole multiples of ``every_ns``, up to which something new was said since the last one.

        The last instant is that of the last row: what comes behind it is not known yet, and less time to the expiry
        would be left then.

        Raises
        ------
        ConfigError
            ``every_ns`` is not above zero.
        """
        if every_ns <= 0:
            raise ConfigError(f"instants must be some time apart, got {every_ns} ns")
        times = self.series.ts_exch_ns
        if expiry_ns is not None:
            times = times[self.series["expiry_ns"] == expiry_ns]
        instants = np.unique(-(-times // every_ns) * every_ns)
        instants[-1:] = times[-1:]
        return instants

    def board(self, expiry_ns: int, at_ns: I64) -> Board:
        """Return what is known of the options of an expiry at instants that ascend (n,)."""
        return Board(self, expiry_ns, np.asarray(at_ns, np.int64))


@dataclass(eq=False)
class Board:
    """The options of one expiry at some instants: every column is (instants, strikes), `NO_QUOTE` where not known.

    Attributes
    ----------
    at_ns
        The instants, ns UTC, ascending.
    """

    chain: Chain
    expiry_ns: int
    at_ns: I64
    _rows: dict[tuple[Value, Side], I64] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        cells = len(self.at_ns) * 2 * len(self.strikes)
        if cells > _MOST_CELLS:
            raise TooMuch(
                f"{len(self.at_ns):,} instants of {len(self.strikes):,} strikes are asked for, {cells:,} values of "
                f"{_MOST_CELLS:,} that are given at once: ask for a shorter range, or for instants further apart"
            )

    @functools.cached_property
    def strikes(self) -> I64:
        """The strikes that were ever heard of, ticks ascending (s,)."""
        series = self.chain.series
        mine = (series["expiry_ns"] == self.expiry_ns) & (series["side"] != UNDERLYING)
        return np.unique(series["strike_tick"][mine])

    @functools.cached_property
    def at_days(self) -> I64:
        """The day that each instant is filed under, as the ordinal of its date (n,)."""
        return _days_of(self.chain.instrument.calendar, self.at_ns)

    @functools.cached_property
    def _slot(self) -> I64:
        return np.searchsorted(self.at_ns, self.chain.series.ts_exch_ns, side="left").astype(np.int64)

    def rows(self, value: Value, side: Side) -> I64:
        """Return which row said a value last, by its place in the chain; -1 where none did on that day."""
        if (value, side) not in self._rows:
            self._rows[value, side] = self._find(value, side)
        return self._rows[value, side]

    def _find(self, value: Value, side: Side) -> I64:
        series = self.chain.series
        said = _said(series, value) & (series["side"] == _SIDES[side]) & (series["expiry_ns"] == self.expiry_ns)
        return self._last(said, np.searchsorted(self.strikes, series["strike_tick"]), len(self.strikes))

    # The last row of each column up to each instant, of the instant's own day.
    def _last(self, said: NDArray[np.bool_], column: NDArray[np.int64], columns: int) -> I64:
        found = np.full((len(self.at_ns), columns), _NONE, np.int64)
        rows = np.flatnonzero(said & (self._slot < len(self.at_ns)))
        found[self._slot[rows], column[rows]] = rows  # they ascend: the last one stands
        np.maximum.accumulate(found, axis=0, out=found)
        if len(self.chain):
            found[self.chain._days[found] != self.at_days[:, None]] = _NONE  # noqa: SLF001 - of one module
        return found

    def values(self, value: Value, side: Side) -> I64:
        """Return what is known of a value."""
        return self._taken(self.rows(value, side), self.chain.series[value])

    def times(self, value: Value, side: Side) -> I64:
        """Return since when each value stands, ns UTC."""
        return self._taken(self.rows(value, side), self.chain.series.ts_exch_ns)

    def sources(self, value: Value, side: Side) -> I64:
        """Return who said each value, as `footloom.core.chains.SOURCES` numbers them."""
        return self._taken(self.rows(value, side), self.chain.series["source"])

    def steps(self, side: Side) -> tuple[I64, I64]:
        """Return how open interest changed since the update before, and when that was; `NO_QUOTE` where none was."""
        rows = self.rows("oi_lot", side)
        before = self._taken(rows, self.chain.updates)
        before = np.where(before == NO_QUOTE, _NONE, before)
        then, now = self._taken(before, self.chain.series["oi_lot"]), self.values("oi_lot", side)
        changed = np.where(before == _NONE, NO_QUOTE, now - np.where(before == _NONE, 0, then))
        return changed, self._taken(before, self.chain.series.ts_exch_ns)

    def _taken(self, rows: I64, column: I64) -> I64:
        if not len(column):
            return np.full(rows.shape, NO_QUOTE, np.int64)
        return np.where(rows == _NONE, NO_QUOTE, column[rows])

    @functools.cached_property
    def spot(self) -> I64:
        """The price of the underlying in ticks (n,)."""
        series = self.chain.series
        said = (series["side"] == UNDERLYING) & (series["ltp_tick"] != NO_QUOTE)
        return self._taken(self._last(said, np.zeros(len(series), np.int64), 1), series["ltp_tick"])[:, 0]

    def mid(self, side: Side) -> NDArray[np.float64]:
        """Return the middle of bid and ask in quote currency; nan where one is missing, or they are crossed."""
        bid, ask = self.values("bid_tick", side), self.values("ask_tick", side)
        good = (bid != NO_QUOTE) & (ask != NO_QUOTE) & (bid <= ask) & (bid >= 0)
        tick = float(self.chain.instrument.tick_size)
        return np.where(good, (np.where(good, bid, 0) + np.where(good, ask, 0)) * (tick / 2), np.nan)

    def crossed(self, side: Side) -> NDArray[np.bool_]:
        """Say which quotes have their bid above their ask."""
        bid, ask = self.values("bid_tick", side), self.values("ask_tick", side)
        crossed: NDArray[np.bool_] = (bid != NO_QUOTE) & (ask != NO_QUOTE) & (bid > ask)
        return crossed


def _said(series: Series, value: Value) -> NDArray[np.bool_]:
    """Say which rows say a value, or that there is none."""
    said = np.zeros(len(series), np.bool_)
    for name in _SAID_BY.get(value, (value,)):
        said |= series[name] != NO_QUOTE
    return said


def _days_of(name: str, times_ns: I64) -> I64:
    """Return the day that each instant is filed under, as the ordinal of its date (n,)."""
    session_date = calendar(name).session_date
    minutes, place = np.unique(times_ns // _MINUTE_NS, return_inverse=True)
    dates = np.array([session_date(minute * _MINUTE_NS).toordinal() for minute in minutes.tolist()], np.int64)
    return dates[place] if len(dates) else np.zeros(0, np.int64)
