"""The rows that a builder keeps where no store gives them back: as far as a late one can need them."""

from __future__ import annotations

from footloom.core.trades import Trades
from footloom.engine.unseen import unseen
from footloom.kernels.facts import in_order, once

__all__ = ("HeldRows", "with_new")

_APART = 256  # pieces of a commit that are kept apart before they are joined


class HeldRows:
    """Trades in the order of their arrival."""

    def __init__(self) -> None:
        self._pieces: list[Trades] = []
        self._apart = 0

    def __len__(self) -> int:
        return sum(map(len, self._pieces))

    def since(self, from_ns: int) -> Trades:
        """Return what is kept from a time on, in the ordering key and each row once."""
        whole = once(in_order(Trades.concat(self._pieces)))
        self._pieces, self._apart = [whole], 0  # it need not be sorted again
        return whole.between(from_ns, 2**62)

    @property
    def apart(self) -> int:
        """How many pieces were not joined yet: 0 where they have just been."""
        return self._apart

    def keep(self, trades: Trades) -> None:
        """Take rows."""
        self._pieces.append(trades)
        self._apart += 1
        if self._apart > _APART:
            self._pieces[-self._apart :] = [Trades.concat(self._pieces[-self._apart :])]
            self._apart = 0

    def drop(self, before_ns: int) -> bool:
        """Drop the rows before a time; say whether there were any."""
        old = [int(piece.ts_exch_ns.min()) < before_ns for piece in self._pieces]
        if not any(old):
            return False
        left = [_since(piece, before_ns) if cut else piece for piece, cut in zip(self._pieces, old, strict=True)]
        self._pieces, self._apart = [piece for piece in left if len(piece)], 0
        return True


def _since(piece: Trades, from_ns: int) -> Trades:
    return piece.take(piece.ts_exch_ns >= from_ns)  # a mask copies: nothing of the others stays in memory


def with_new(stored: Trades, new: Trades) -> Trades:
    """Return stored rows with those of ``new`` that they lack (the store could not be written), in the ordering key."""
    stored = in_order(stored)
    if not len(stored) or not len(new):
        return stored if len(stored) else in_order(new)
    missing = unseen(new, stored)
    return once(in_order(Trades.concat([stored, missing]) if len(missing) else stored))
