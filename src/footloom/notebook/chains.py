"""An option chain in Python: what it says at an instant and through time, as tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from footloom.core.trades import I64
from footloom.engine.chain_tables import chain_table, history_table
from footloom.errors import DataError
from footloom.feeds.stored_chain import ChainAsk
from footloom.options.chain import Chain
from footloom.options.documents import chain_reply, heat_reply
from footloom.options.heat import Heat
from footloom.options.measures import Measures
from footloom.options.replies import ChainReply, HeatReply

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

__all__ = ("OptionChain",)

_MINUTE_NS = 60_000_000_000


class OptionChain:
    """The calls and puts of one underlying through a stretch of time.

    ``chain`` holds the rows as integer columns; the methods give prices, ratios and volatilities. Their ``settings``
    are those of `footloom.feeds.stored_chain.ChainAsk`: ``expiry`` (a day; the next one), ``around`` (strikes on each
    side of the money; all), ``rate`` (interest a year), ``price`` (of the underlying, where the chain does not say it).
    """

    def __init__(self, chain: Chain, instant: Callable[[Any], int] = int) -> None:
        self.chain = chain
        self._instant = instant  # how an instant is written

    def __repr__(self) -> str:
        days = ", ".join(self.expiries) or "no expiry"
        return f"<OptionChain {self.chain.instrument.key}: {len(self.chain):,} rows, {days}>"

    def __len__(self) -> int:
        return len(self.chain)

    @property
    def expiries(self) -> list[str]:
        """The days on which its options expire, ascending."""
        return [self.chain.day_text(one) for one in self.chain.expiries.tolist()]

    def measures(self, at_ns: I64, **settings: Any) -> Measures:
        """Return everything that is computed at instants that ascend, ns UTC; as integer and float columns."""
        ask, instants = ChainAsk(**settings), np.asarray(at_ns, np.int64)
        if not len(instants) or not len(self.chain):
            raise DataError(f"nothing is asked of {self!r}: it needs rows, and at least one instant")
        return ask.measures(self.chain, ask.expiry_ns(self.chain, int(instants[0])), instants)

    def at(self, moment: Any = None, **settings: Any) -> ChainReply:
        """Return the chain at an instant (text, date, ns; left out, at its last row): ratios, walls, max pain, rows."""
        at_ns = int(self.chain.series.ts_exch_ns[-1]) if moment is None else self._instant(moment)
        return chain_reply(self.measures(np.array([at_ns]), **settings))

    def history(self, every_ns: int = _MINUTE_NS, **settings: Any) -> Measures:
        """Return all that is computed at each instant with news: ``put_call_ratio``, ``max_pain``, ``walls``, ..."""
        ask = ChainAsk(**settings)
        expiry_ns = ask.expiry_ns(self.chain, int(self.chain.series.ts_exch_ns[0])) if len(self.chain) else None
        return self.measures(self.chain.stamps(every_ns, expiry_ns), **settings)

    def heat(self, every_ns: int = _MINUTE_NS, **settings: Any) -> HeatReply:
        """Return the changes of open interest by strike and time."""
        measures = self.history(every_ns, **settings)
        return heat_reply(Heat(measures.board), measures)

    def to_arrow(self, every_ns: int = _MINUTE_NS, **settings: Any) -> pa.Table:
        """Return one row an instant with news, strike and side; exact."""
        return chain_table(self.history(every_ns, **settings))

    def history_arrow(self, every_ns: int = _MINUTE_NS, **settings: Any) -> pa.Table:
        """Return one row an instant with news: ratios, max pain, walls, straddle, volatility."""
        return history_table(self.history(every_ns, **settings))

    def to_polars(self, every_ns: int = _MINUTE_NS, **settings: Any) -> pl.DataFrame:
        """Return `to_arrow` as a polars frame."""
        from footloom.notebook.frames import to_polars

        return to_polars(self.to_arrow(every_ns, **settings))
