"""What a feed says of one option, as rows of its underlying's chain; and of the underlying itself.

A row holds what changed, every two seconds at most: the messages themselves are stored as the option's own snapshots.
What is said again unchanged is written once a minute, so that its age is the age of the news.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Final

from footloom.core.chains import CALL, CHAIN, PUT, SOURCES, UNDERLYING
from footloom.core.instrument import Instrument
from footloom.core.messages import Tick
from footloom.core.series import NO_QUOTE, Series
from footloom.errors import DataError
from footloom.feeds._grid import Grid, in_e8

__all__ = ("ChainTape",)

_TICK, _LOT = Decimal("0.01"), Decimal(1)  # of prices of options and of indices; one unit
_EVERY_NS: Final = 2 * 10**9
_AGAIN_NS: Final = 60 * 10**9
_SIDES: Final = {"CE": CALL, "PE": PUT}
_GREEKS: Final = ("iv_e8", "delta_e8", "gamma_e8", "theta_e8", "vega_e8")
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

    def add(self, tick: Tick) -> None:
        """Take in a message."""
        try:
            said = self._said(tick)
        except (DataError, ValueError) as error:
            self._tell(f"a message of {self._of.key} is in no chain: {error}")
            return
        at_ns = max(tick.ts_recv_ns if tick.ts_exch_ns is None else tick.ts_exch_ns, self._times[0])
        for name, values in said.items():
            known, since_ns = self._told.get(name, ((), 0))
            if name in self._pending or known != values or at_ns - since_ns >= _AGAIN_NS:
                self._pending[name] = values
                self._times = (at_ns, tick.ts_recv_ns)

    def take(self, until_ns: int) -> list[Series]:
        """Return the row that is due by a receipt, if any."""
        if not self._pending or until_ns - self._written_ns < _EVERY_NS:
            return []
        at_ns, recv_ns = self._times
        columns = {name: value for said in self._pending.values() for name, value in said}
        self._told |= {name: (said, at_ns) for name, said in self._pending.items()}
        self._pending, self._written_ns = {}, until_ns
        expiry_ns = self._of.expiry_ns if self._side != UNDERLYING else 0
        where = {"side": self._side, "expiry_ns": expiry_ns or 0, "strike_tick": self._strike_tick}
        rows = {name: [value] for name, value in (where | columns | {"source": self._source}).items()}
        return [Series.build(self.chain, CHAIN, [at_ns], [recv_ns], **rows)]

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
                found[name] = ((name, units[text]),)
        for name, price, quantity in (("bid", tick.bid, tick.bid_qty), ("ask", tick.ask, tick.ask_qty)):
            if price is not None:
                at = (ticks[price], max(1, lots[quantity or "0"])) if price else (NO_QUOTE, 0)
                found[name] = ((f"{name}_tick", at[0]), (f"{name}_lot", at[1]))
        for name, text in zip(_GREEKS, tick.greeks or (), strict=False):
            if text:
                found[name] = ((name, in_e8(text)),)
        return found
