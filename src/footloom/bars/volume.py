"""Volume bars: ``100v`` ends with the trade that brings it to 100 of the venue's quantity (definitions 2.4).

That trade stays whole, so that a bar holds 100 or more. ``100v-split`` cuts it: every bar holds exactly 100, and the
rest of the trade goes to the next bars. Quantity is what the venue counts: base units, or contracts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import numpy as np

from footloom.bars._amounts import lots
from footloom.bars._grammar import NUMBER, number, spelled
from footloom.bars._sequential import Cut, Sequential
from footloom.bars._split import split
from footloom.core.trades import I64, Trades
from footloom.errors import ConfigError
from footloom.kernels.sequential import volume_ends

__all__ = ("VolumeRule", "parse")

_TEXT = re.compile(rf"(?P<quantity>{NUMBER})v(?P<split>-split)?")


@dataclass(frozen=True, slots=True)
class VolumeRule(Sequential):
    """A bar of ``quantity``, overshot or exact."""

    quantity: Decimal
    split: bool

    def cut(self, trades: Trades, memory: I64) -> Cut:
        """See `Sequential.cut`; memory: the lots of the open bar."""
        threshold = lots(self.quantity, trades, self.text)
        if self.split:
            self._check_whole(trades)
            return split(trades, threshold, memory, self.text)
        ends = np.empty(len(trades) + 1, np.int64)
        return trades, ends[: volume_ends(trades.qty_lot, threshold, memory, ends)].copy()

    def _check_whole(self, trades: Trades) -> None:
        lot = trades.instrument.lot_size
        if Fraction(self.quantity) % Fraction(lot):
            raise ConfigError(
                f"bars of {self.text} cannot be made of {trades.instrument.key}: {self.quantity:f} is no whole number "
                f"of its lots of {lot:f}, so no bar holds exactly that; use a multiple of {lot:f}, or leave out -split"
            )


def parse(text: str) -> VolumeRule | None:
    """Return the rule that ``text`` spells, or None where it is no volume bar.

    Raises
    ------
    ConfigError
        It is a volume bar that cannot be: of no volume.
    """
    match = _TEXT.fullmatch(text)
    if match is None:
        return None
    quantity = number(match["quantity"], text)
    return VolumeRule(f"{spelled(quantity)}v{match['split'] or ''}", quantity, match["split"] is not None)
