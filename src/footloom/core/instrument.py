"""What is traded: its grid, its money and its calendar."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from footloom.core.decimals import from_units, parse_decimal, to_units
from footloom.errors import ConfigError, DataError

__all__ = ("Instrument", "check_same_grid", "split_key")


def split_key(key: str) -> tuple[str, str]:
    """Split ``"binance_usdm:BTCUSDT"`` into venue and symbol.

    Raises
    ------
    ConfigError
        There is no colon, or a side of it is empty.
    """
    venue, colon, symbol = key.partition(":")
    if not (venue and colon and symbol):
        raise ConfigError(f"{key!r} names no instrument: write VENUE:SYMBOL, such as binance_usdm:BTCUSDT")
    return venue, symbol


class Instrument(msgspec.Struct, frozen=True, kw_only=True):
    """One tradable thing, as a venue defined it from ``valid_from_ns`` on.

    ``tick_size`` and ``lot_size`` are the smallest steps of price and quantity (Decimal). ``contract_multiplier`` is
    what one unit of quantity stands for (1 for spot and linear; 100 USD for COIN-M): so much of what is traded, or of
    the quote currency where the contract is ``inverse``. ``calendar`` names the sessions (`footloom.core.sessions`).
    ``kind`` is ``spot``, ``perpetual``, ``future``, ``option`` or ``index``, ``status`` what the venue calls its state
    (``TRADING``), ``expiry_ns`` when it ends (ns UTC), None where it does not; "" is not known. ``name`` is what people
    call it, ``underlying`` what a derivative stands on. An option has a ``strike`` and is a ``CE`` (call) or ``PE``
    (put); ``market_lot`` is the units that one contract trades in, ``freeze_qty`` the most that one order may hold.
    Dates are effective dates: ticks and lots change (definitions 0.7).
    """

    venue: str
    symbol: str
    tick_size: Decimal
    lot_size: Decimal
    base: str = ""
    quote: str = ""
    contract_multiplier: Decimal = Decimal(1)
    inverse: bool = False
    calendar: str = "crypto"
    kind: str = ""
    status: str = ""
    expiry_ns: int | None = None
    name: str = ""
    underlying: str = ""
    option: str = ""
    strike: Decimal | None = None
    market_lot: Decimal | None = None
    freeze_qty: Decimal | None = None
    valid_from_ns: int | None = None
    valid_to_ns: int | None = None

    def __post_init__(self) -> None:
        for name in ("tick_size", "lot_size", "contract_multiplier"):
            value = getattr(self, name)
            if not value.is_finite() or value <= 0:
                raise ConfigError(f"{name} of {self.venue}:{self.symbol} must be above zero, got {value}")

    @property
    def key(self) -> str:
        """What users type: ``venue:symbol``."""
        return f"{self.venue}:{self.symbol}"

    def price_tick(self, price: str | int | Decimal) -> int:
        """Return the price in whole ticks; `OffGrid` where it is not on the grid."""
        return to_units(price, self.tick_size, "price")

    def qty_lot(self, quantity: str | int | Decimal) -> int:
        """Return the quantity in whole lots; `OffGrid` where it is not on the grid."""
        return to_units(quantity, self.lot_size, "quantity")

    def price_text(self, price_tick: int) -> str:
        """Return ticks as exact decimal text."""
        return from_units(int(price_tick), self.tick_size)

    def qty_text(self, qty_lot: int) -> str:
        """Return lots as exact decimal text."""
        return from_units(int(qty_lot), self.lot_size)

    def with_grid(self, tick_size: str | Decimal, lot_size: str | Decimal) -> Instrument:
        """Return the same instrument on another grid."""
        return msgspec.structs.replace(self, tick_size=parse_decimal(tick_size), lot_size=parse_decimal(lot_size))


def check_same_grid(one: Instrument, other: Instrument) -> None:
    """Raise `DataError` where two instruments count prices or quantities in other units: their integers never mix."""
    if (one.tick_size, one.lot_size) != (other.tick_size, other.lot_size):
        raise DataError(
            f"{one.key} with tick {one.tick_size}, lot {one.lot_size} and {other.key} with tick {other.tick_size}, lot "
            f"{other.lot_size} stand on different grids: bring them onto one first"
        )
