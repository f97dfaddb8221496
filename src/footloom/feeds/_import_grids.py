"""Which tick and lot an imported instrument stands on, and who says so: flags, what is known, the file's decimals."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from types import ModuleType
from typing import NamedTuple

import msgspec

import footloom.venues
from footloom.core.instrument import Instrument
from footloom.errors import ConfigError, DataError, NotStored
from footloom.importers import Grid
from footloom.importers._rows import is_symbol

__all__ = ("DECIMALS", "MOST_PLACES", "Chosen", "Grids", "check_venue", "venue_module")

_VENUE = re.compile(r"[a-z][a-z0-9_]{0,39}")
MOST_PLACES = 18
_FORMAT = "the format"
_LISTED, _STORED, DECIMALS = "known instrument", "stored instrument", "decimals of the file"
_TODAY = "the venue's definition of today"
_TICK_FLAG, _LOT_FLAG = "--tick-size", "--lot-size"

Key = tuple[str, str]
Lookup = Callable[[str, int], Instrument]
Places = Callable[[], dict[Key, tuple[int, int]]]


class Chosen(NamedTuple):
    """An instrument on its grid, where tick and lot come from, and what the store should know of the instrument."""

    instrument: Instrument
    tick_from: str
    lot_from: str
    define: Instrument | None = None


def venue_module(venue: str) -> ModuleType | None:
    """Return the module of a venue that footloom knows instruments of."""
    names = {found.name for found in pkgutil.iter_modules(footloom.venues.__path__)}
    if venue not in names or venue.startswith("_"):
        return None
    module = importlib.import_module(f"footloom.venues.{venue}")
    return module if hasattr(module, "known_instrument") else None


def check_venue(venue: str, possible: tuple[str, ...]) -> None:
    """Refuse a venue that the file cannot come from, or that looks like a slip of the pen.

    Raises
    ------
    ConfigError
        It is none of ``possible`` (if there are any), no name, or nearly the name of a venue that is known.
    """
    if possible and venue not in possible:
        raise ConfigError(f"--venue {venue} cannot be: the file is of {', '.join(possible)}")
    if not _VENUE.fullmatch(venue):
        raise ConfigError(f"--venue {venue!r} is no name of a venue: write lower-case letters, digits and _")
    known = sorted(found.name for found in pkgutil.iter_modules(footloom.venues.__path__) if found.name[0] != "_")
    near = difflib.get_close_matches(venue, known, n=1, cutoff=0.8)
    if near and venue not in known:
        raise ConfigError(f"--venue {venue} is not known; did you mean {near[0]}?")


@dataclass
class Grids:
    """Chooses the grid of each instrument of one file, once.

    ``places`` reads the file for the decimals of each instrument; it runs where nothing else is known, and only once;
    where the file ``grows``, again for each instrument that it had not.
    ``calendar`` is that of an instrument that nobody knows. ``own`` takes the decimals, whatever is known. ``today`` is
    how the venue defines an instrument now. ``fixed`` is the grid of a format, which no instrument is defined by.
    """

    tick_size: Decimal | None
    lot_size: Decimal | None
    stored: Lookup | None
    places: Places
    calendar: str = ""
    own: bool = False
    today: Instrument | None = None
    grows: bool = False
    fixed: tuple[Decimal, Decimal] | None = None
    chosen: dict[Key, Chosen] = field(default_factory=dict)
    _places: dict[Key, tuple[int, int]] | None = None

    def grid(self, venue: str, symbol: str, at_ns: int) -> Grid:
        """Return the grid of an instrument as the tokenizer wants it; asked at its first row.

        Raises
        ------
        DataError
            The symbol can be no symbol.
        """
        key = (venue, symbol)
        if key not in self.chosen:
            if not is_symbol(symbol):
                raise DataError(f"{symbol!r} is no symbol: name it with --symbol")
            self.chosen[key] = self._choose(venue, symbol, at_ns)
        instrument = self.chosen[key].instrument
        return Grid.of(instrument.tick_size, instrument.lot_size)

    def _choose(self, venue: str, symbol: str, at_ns: int) -> Chosen:
        if self.fixed is not None:
            return Chosen(self._instrument(venue, symbol, *self.fixed), _FORMAT, _FORMAT)
        module = venue_module(venue)
        listed: Instrument | None = module.known_instrument(symbol, at_ns) if module else None
        if self.tick_size is not None and self.lot_size is not None:
            instrument = self._instrument(venue, symbol, self.tick_size, self.lot_size)
            return Chosen(instrument, _TICK_FLAG, _LOT_FLAG, listed if self.own else listed or instrument)
        known = self._from_decimals(venue, symbol) if self.own else self._known(venue, symbol, at_ns, listed)
        instrument, tick_from, lot_from, define = known
        if self.tick_size is not None:
            instrument, tick_from = msgspec.structs.replace(instrument, tick_size=self.tick_size), _TICK_FLAG
        if self.lot_size is not None:
            instrument, lot_from = msgspec.structs.replace(instrument, lot_size=self.lot_size), _LOT_FLAG
        # A flag says how to read this file; where nobody else knows better, also what the instrument is.
        undated = instrument.valid_from_ns is None and not self.own
        return Chosen(instrument, tick_from, lot_from, instrument if undated else define)

    # The venue's own table, where it is dated for this day; what the store defines for the same span stands before it.
    def _known(self, venue: str, symbol: str, at_ns: int, listed: Instrument | None) -> Chosen:
        stored = self._stored(venue, symbol, at_ns)
        if stored is not None and (listed is None or stored.valid_from_ns == listed.valid_from_ns):
            return self._refined(stored) if stored.valid_from_ns is None else Chosen(stored, _STORED, _STORED)
        if listed is not None:
            return Chosen(listed, _LISTED, _LISTED, listed)
        return self._from_decimals(venue, symbol)

    def _stored(self, venue: str, symbol: str, at_ns: int) -> Instrument | None:
        if self.stored is None:
            return None
        try:
            return self.stored(f"{venue}:{symbol}", at_ns)
        except NotStored:
            return None

    # A stored definition without a date came from a file. Where it may be the decimals of a file with few rows, a
    # file that needs more decimals has them.
    def _refined(self, stored: Instrument) -> Chosen:
        price, qty = self._decimals(stored.venue, stored.symbol)
        tick, tick_from = _finer(stored.tick_size, price)
        lot, lot_from = _finer(stored.lot_size, qty)
        return Chosen(msgspec.structs.replace(stored, tick_size=tick, lot_size=lot), tick_from, lot_from)

    def _from_decimals(self, venue: str, symbol: str) -> Chosen:
        price, qty = self._decimals(venue, symbol)
        tick, tick_from = Decimal(1).scaleb(-price), DECIMALS
        lot, lot_from = Decimal(1).scaleb(-qty), DECIMALS
        if self.today is not None and (self.today.venue, self.today.symbol) == (venue, symbol):
            tick, tick_from = (
                (self.today.tick_size, _TODAY) if _is_fine(self.today.tick_size, price) else (tick, tick_from)
            )
            lot, lot_from = (self.today.lot_size, _TODAY) if _is_fine(self.today.lot_size, qty) else (lot, lot_from)
        return Chosen(self._instrument(venue, symbol, tick, lot), tick_from, lot_from)

    def _instrument(self, venue: str, symbol: str, tick_size: Decimal, lot_size: Decimal) -> Instrument:
        module = venue_module(venue)
        if module is not None:
            made: Instrument = module.instrument(symbol, tick_size, lot_size)
            return made
        plain = Instrument(venue=venue, symbol=symbol, tick_size=tick_size, lot_size=lot_size)
        return msgspec.structs.replace(plain, calendar=self.calendar) if self.calendar else plain

    def _decimals(self, venue: str, symbol: str) -> tuple[int, int]:
        if self._places is None or (self.grows and (venue, symbol) not in self._places):
            self._places = self.places()
        price, qty = self._places.get((venue, symbol), (0, 0))
        return min(price, MOST_PLACES), min(qty, MOST_PLACES)


# A step of the venue's today that rows of another day, with so many decimals, can stand on.
def _is_fine(step: Decimal, places: int) -> bool:
    exponent = step.normalize().as_tuple().exponent
    return isinstance(exponent, int) and -exponent >= places


def _finer(stored: Decimal, places: int) -> tuple[Decimal, str]:
    power_of_ten = stored.normalize().as_tuple().digits == (1,)
    needed = Decimal(1).scaleb(-places)
    if power_of_ten and needed < stored:
        return needed, f"{DECIMALS}: finer than the stored {stored:f}"
    return stored, _STORED
