"""What a feed says of one option, as rows of its underlying's chain; and of the underlying itself.

A row holds what changed, every two seconds at most: the messages themselves are stored as the option's own snapshots.
What is said again unchanged is written once a minute, so that its age is the age of the news.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Final

from footloom.core.chains import CALL, CHAIN, PUT, SOURCES, UNDERLYING, quote_side, source_code
from footloom.core.instrument import Instrument
from footloom.core.messages import Tick
from footloom.core.series import NO_QUOTE, Series
from footloom.core.snapshots import GREEKS, in_e8
from footloom.errors import DataError
from footloom.feeds._grid import Grid

__all__ = ("ChainTape",)

_TICK, _LOT = Decimal("0.01"), Decimal(1)  # of prices of options and of indices; one unit
_EVERY_NS: Final = 2 * 10**9
_AGAIN_NS: Final = 60 * 10**9
_AHEAD_NS: Final = 60 * 10**9  # so far two clocks may differ
_SIDES: Final = {"CE": CALL, "PE": PUT}
Said = tuple[tuple[str, int], ...]  # columns that are said together


class ChainTape:
    """One option, or the underlying, between two commits.

    Parameters
    ----------
    instrument
        Of which the feed speaks.
    underlying
        The symbol of the index, under whose key the chain is kept.
    tell
        Called with what is wrong with a message.
    """

    def __init__(self, instrument: Instrument, underlying: str, tell: Callable[[str], None]) -> None:
        self._of = instrument
        self._tell = tell
        self.chain = Instrument(
            venue=instrument.venue,
            symbol=underlying,
            tick_size=_TICK,
            lot_size=_LOT,
            quote=instrument.quote,
            calendar=instrument.calendar,
            kind="index",
            name=instrument.underlying or instrument.name,
        )
        self._grid = Grid(self.chain)
        self._side = _SIDES.get(instrument.option, UNDERLYING)
        strike = instrument.strike if self._side != UNDERLYING else None
        self._strike_tick = 0 if strike is None else self._grid.ticks[f"{strike:f}"]
        self._source = SOURCES.index(f"{instrument.venue}_feed")
        self._pending: dict[str, Said] = {}
        self._times = (0, 0)
        self._told: dict[str, tuple[Said, int]] = {}
        self._written_ns = 0
        self._is_ahead = False  # its messages' times were not believed, which was told
        self._before: tuple[int, int] | None = None  # open interest of the day before, and when it was told

    def add(self, tick: Tick) -> None:
        """Take in a message."""
        try:
            said = self._said(tick)
        except (DataError, ValueError) as error:
            self._tell(f"a message of {self._of.key} is in no chain: {error}")
            return
        at_ns = max(self._at_ns(tick), self._times[0])
        for name, values in said.items():
            known, since_ns = self._told.get(name, ((), 0))
            if name in self._pending or known != values or at_ns - since_ns >= _AGAIN_NS:
                self._pending[name] = values
                self._times = (at_ns, tick.ts_recv_ns)

    # A time that lies ahead of its receipt is not believed: every later row would be stamped with it.
    def _at_ns(self, tick: Tick) -> int:
        if tick.ts_exch_ns is None:
            return tick.ts_recv_ns
        if tick.ts_exch_ns - tick.ts_recv_ns > _AHEAD_NS:
            if not self._is_ahead:
                self._tell(
                    f"a message of {self._of.key} says {tick.ts_exch_ns} ns and came at {tick.ts_recv_ns} ns: its time "
                    f"is more than {_AHEAD_NS // 10**9} s ahead, and its receipt stands in the chain, here and from "
                    "now on; look at the clocks (footloom doctor)"
                )
            self._is_ahead = True
            return tick.ts_recv_ns
        return tick.ts_exch_ns

    def stood(self, units: str, at_ns: int) -> None:
        """Take in what was open at the previous day's close, as the venue's chain said at an instant.

        Raises
        ------
        DataError
            It is no number of units.
        """
        self._before = _positive(self._grid.lots[units], "prev_oi", units), at_ns

    def take(self, until_ns: int) -> list[Series]:
        """Return the rows that are due by a receipt: what the feed said, and what stood the day before."""
        rows: list[Series] = []
        if self._before is not None:
            (held, at_ns), self._before = self._before, None
            rows.append(self._row(at_ns, at_ns, {"prev_oi_lot": held}, source_code("upstox_chain")))
        if not self._pending or until_ns - self._written_ns < _EVERY_NS:
            return rows
        at_ns, recv_ns = self._times
        columns = {name: value for said in self._pending.values() for name, value in said}
        self._told |= {name: (said, at_ns) for name, said in self._pending.items()}
        self._pending, self._written_ns = {}, until_ns
        return [*rows, self._row(at_ns, recv_ns, columns, self._source)]

    def _row(self, at_ns: int, recv_ns: int, columns: dict[str, int], source: int) -> Series:
        expiry_ns = self._of.expiry_ns if self._side != UNDERLYING else 0
        where = {"side": self._side, "expiry_ns": expiry_ns or 0, "strike_tick": self._strike_tick, "source": source}
        rows = {name: [value] for name, value in (where | columns).items()}
        return Series.build(self.chain, CHAIN, [at_ns], [recv_ns], **rows)

    def _said(self, tick: Tick) -> dict[str, Said]:
        ticks, lots = self._grid.ticks, self._grid.lots
        if self._side == UNDERLYING:
            return {"ltp": (("ltp_tick", ticks[tick.ltp]),)} if tick.ltp else {}
        found: dict[str, Said] = {}
        for name, text, units in (
            ("ltp_tick", tick.ltp, ticks),
            ("oi_lot", tick.oi, lots),
            ("volume_lot", tick.vtt, lots),
        ):
            if text:
                found[name] = ((name, _positive(units[text], name.rpartition("_")[0], text)),)
        for name, price, quantity in (("bid", tick.bid, tick.bid_qty), ("ask", tick.ask, tick.ask_qty)):
            if price is not None:
                held = _positive(lots[quantity], f"{name}_qty", quantity) if quantity else NO_QUOTE  # "": not said
                at = quote_side(ticks[price], held) if price else (NO_QUOTE, 0)
                found[name] = ((f"{name}_tick", at[0]), (f"{name}_lot", at[1]))
        for name, text in zip(GREEKS, tick.greeks or (), strict=False):
            if text:
                found[name] = ((name, in_e8(text)),)
        return found


def _positive(value: int, name: str, text: str) -> int:
    if value < 0:
        raise DataError(f"{name} is {text}: below zero")
    return value
