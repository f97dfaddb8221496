"""What a study reads beside its own symbol: trades of others, on units that all share (definitions 6.15)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple, Protocol

import numpy as np

from footloom.core.decimals import to_units
from footloom.core.instrument import Instrument
from footloom.core.messages import Gap
from footloom.core.snapshots import Snapshots
from footloom.core.trades import I64, Trades
from footloom.errors import DataError
from footloom.studies import Beside, Companion

__all__ = ("LONGEST_NS", "Rows", "Tapes", "Units", "companion", "spans", "stored_tapes")

LONGEST_NS = 86_400 * 10**9  # no price stands for longer: so far back a gap may still matter
_INVERSE_UNIT = Decimal("0.00000001")  # what an inverse contract is worth in the base asset is rounded to it
_MOST = 2**62


class Rows(NamedTuple):
    """Trades of one symbol in common units: times (ns UTC, ascending), prices, what was bought less what was sold."""

    ts_ns: I64
    price: I64
    signed: I64


class Tapes(Protocol):
    """Where a fold finds other symbols, and the units that it counts them in."""

    @property
    def units(self) -> Units:
        """The units that they share with the chart."""

    def beside(self, from_ns: int, to_ns: int) -> Beside:
        """Return what traded in ``[from_ns, to_ns)``."""


@dataclass(frozen=True, slots=True, eq=False)
class Units:
    """The units that a chart's symbol and its companions share: the greatest of which all steps are whole multiples."""

    own: Instrument
    others: Mapping[str, Instrument]
    base: Decimal
    price: Decimal

    @classmethod
    def of(cls, own: Instrument, others: Iterable[Instrument]) -> Units:
        """Return the units of some instruments."""
        named = {one.key: one for one in others}
        every = [own, *named.values()]
        return cls(own, named, _common([_step(one) for one in every]), _common([one.tick_size for one in every]))

    def beside(self, tapes: Mapping[str, Companion]) -> Beside:
        """Return what was read of the others."""
        own_lot = 0 if self.own.inverse else _times(_step(self.own), self.base)
        own_tick = _times(self.own.tick_size, self.price)
        return Beside(self.own, self.others, self.base, self.price, own_lot, own_tick, tapes)

    def rows(self, block: Trades | Snapshots) -> Rows:
        """Return trades, or the prices of an index, in these units; rows that the tape has out of order are sorted.

        Raises
        ------
        DataError
            A quantity does not fit into 64 bits.
        OffGrid
            A step of theirs is no whole multiple of these units.
        """
        instrument = block.instrument
        order = np.argsort(block.ts_exch_ns, kind="stable") if np.any(np.diff(block.ts_exch_ns) < 0) else slice(None)
        ticks = block.ltp_tick if isinstance(block, Snapshots) else block.price_tick
        price = ticks[order] * _times(instrument.tick_size, self.price)
        if isinstance(block, Snapshots):
            return Rows(block.ts_exch_ns[order], price, np.zeros(len(block), np.int64))
        quantity = self._quantity(block)[order]
        return Rows(block.ts_exch_ns[order], price, quantity * block.side[order])

    def _quantity(self, trades: Trades) -> I64:
        instrument = trades.instrument
        if not instrument.inverse:
            return _whole(trades.qty_lot, _times(_step(instrument), self.base), instrument)
        worth = Fraction(instrument.lot_size * instrument.contract_multiplier) / Fraction(instrument.tick_size)
        ratio = worth / Fraction(_INVERSE_UNIT)
        top, bottom = ratio.numerator, ratio.denominator * trades.price_tick
        if len(trades) and int(trades.qty_lot.max()) * 2 * top >= _MOST:
            pairs = zip(trades.qty_lot.tolist(), bottom.tolist(), strict=True)
            rounded = np.array([(2 * lots * top + below) // (2 * below) for lots, below in pairs], np.int64)
        else:
            rounded = (2 * trades.qty_lot * top + bottom) // (2 * bottom)
        return _whole(rounded, _times(_INVERSE_UNIT, self.base), instrument)


def companion(rows: Rows, gaps: Sequence[Gap]) -> Companion:
    """Return rows with their running sum, and where trades are missing."""
    running = np.concatenate([np.zeros(1, np.int64), np.cumsum(rows.signed)])
    return Companion(rows.ts_ns, rows.price, running, spans(gaps))


def spans(gaps: Sequence[Gap]) -> I64:
    """Return where gaps begin and end, ns UTC, int64 (n, 2); an instant is 1 ns long."""
    edges = [[gap.from_ns, max(gap.to_ns, gap.from_ns + 1)] for gap in gaps]
    return np.array(edges, np.int64).reshape(-1, 2)


Read = Callable[[str, int, int], Trades | Snapshots]
Missing = Callable[[str, int, int], Sequence[Gap]]


@dataclass(frozen=True, slots=True, eq=False)
class _Stored:
    units: Units
    read: Read
    missing: Missing

    def beside(self, from_ns: int, to_ns: int) -> Beside:
        return self.units.beside(
            {
                key: companion(
                    self.units.rows(self.read(key, from_ns, to_ns)), self.missing(key, from_ns - LONGEST_NS, to_ns)
                )
                for key in self.units.others
            }
        )


def stored_tapes(units: Units, read: Read, missing: Missing) -> Tapes:
    """Return tapes that are read stretch by stretch: ``read`` and ``missing`` take a symbol and a range."""
    return _Stored(units, read, missing)


def _step(instrument: Instrument) -> Decimal:
    return _INVERSE_UNIT if instrument.inverse else instrument.lot_size * instrument.contract_multiplier


def _common(steps: Sequence[Decimal]) -> Decimal:
    places = max(0, *(-int(step.normalize().as_tuple().exponent) for step in steps))
    whole = math.gcd(*(int(step.scaleb(places)) for step in steps))
    return Decimal(whole).scaleb(-places)


def _times(step: Decimal, unit: Decimal) -> int:
    return to_units(step, unit, "step")


# What is summed later must fit too.
def _whole(counts: I64, factor: int, instrument: Instrument) -> I64:
    total = float(np.abs(counts).sum(dtype=np.float64))
    if total * factor >= _MOST:
        raise DataError(
            f"{instrument.key}: {total:g} steps of {factor} common units do not fit into 64 bits: leave this symbol out"
        )
    return counts * factor
