"""How a symbol's numbers are written: exact decimal text with as many places as its steps need."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from footloom.core.trades import Trades
from footloom.testing.venues.market import Listing

__all__ = ("Grid", "Row", "decimal_text")

_MS = 1_000_000
Row = tuple[int, int, str, str, bool]  # id, time in ms, price, quantity, whether a seller took


class Grid:
    """How one symbol's numbers are written."""

    def __init__(self, listing: Listing) -> None:
        instrument = listing.instrument
        self._tick, self._tick_places = _scaled(instrument.tick_size)
        self._lot, self._lot_places = _scaled(instrument.lot_size)
        self.tick_size = decimal_text(self._tick, self._tick_places)
        self.lot_size = decimal_text(self._lot, self._lot_places)

    def price(self, tick: int) -> str:
        """Return a price."""
        return decimal_text(tick * self._tick, self._tick_places)

    def qty(self, lot: int) -> str:
        """Return a quantity."""
        return decimal_text(lot * self._lot, self._lot_places)

    def rows(self, trades: Trades) -> list[Row]:
        """Return id, time in ms, price, quantity and whether a seller took, of each trade."""
        price, qty = self.price, self.qty
        return [
            (number, ns // _MS, price(tick), qty(lot), side < 0)
            for number, ns, tick, lot, side in zip(
                trades.trade_id.tolist(),
                trades.ts_exch_ns.tolist(),
                trades.price_tick.tolist(),
                trades.qty_lot.tolist(),
                trades.side.tolist(),
                strict=True,
            )
        ]

    def levels(self, levels: Sequence[tuple[int, int]]) -> list[list[str]]:
        """Return levels as pairs of texts."""
        return [[self.price(tick), self.qty(lot)] for tick, lot in levels]


def _scaled(size: Decimal) -> tuple[int, int]:
    digits = size.as_tuple()
    return int("".join(map(str, digits.digits))), -int(digits.exponent)


def decimal_text(count: int, places: int) -> str:
    """Return ``count`` units of ``10**-places`` as decimal text."""
    if places <= 0:
        return str(count * 10**-places)
    sign, digits = ("-", str(-count)) if count < 0 else ("", str(count))
    digits = digits.rjust(places + 1, "0")
    return f"{sign}{digits[:-places]}.{digits[-places:]}"
