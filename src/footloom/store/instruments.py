"""What is known of each instrument, by the date from which it holds (definitions 0.7)."""

from __future__ import annotations

import msgspec

from footloom.core.instrument import Instrument, split_key
from footloom.errors import CorruptPart, NotStored
from footloom.store.medium import Medium
from footloom.typed import from_json

__all__ = ("InstrumentBook",)

_ALWAYS = -(2**63)  # an instrument without a date holds from the beginning of time


def _since(instrument: Instrument) -> int:
    return _ALWAYS if instrument.valid_from_ns is None else instrument.valid_from_ns


class InstrumentBook:
    """The dated definitions of a store: one list for each instrument, replaced whole."""

    def __init__(self, medium: Medium) -> None:
        self._medium = medium

    def every(self) -> list[Instrument]:
        """Return each instrument as last defined, by key."""
        every = (_decoded(*one)[-1] for one in self._medium.definitions().items())
        return sorted(every, key=lambda instrument: instrument.key)

    def get(self, key: str, at_ns: int | None = None) -> Instrument:
        """Return an instrument as it was defined at a time (last, if none is given).

        Raises
        ------
        NotStored
            No instrument has that key, or none was defined at that time.
        """
        definitions = self._known(*split_key(key))
        if not definitions:
            raise NotStored(
                f"the store {self._medium.where} knows no instrument {key}: footloom coverage lists what it holds"
            )
        if at_ns is None:
            return definitions[-1]
        fitting = [one for one in definitions if _since(one) <= at_ns]
        if not fitting:
            raise NotStored(f"{key} is defined from {_since(definitions[0])} ns on, not at {at_ns} ns")
        return fitting[-1]

    def put(self, instrument: Instrument) -> None:
        """Keep a definition; one with the same effective date is replaced."""
        known = self._known(instrument.venue, instrument.symbol)
        others = [one for one in known if _since(one) != _since(instrument)]
        definitions = sorted([*others, instrument], key=_since)
        if definitions == known:
            return
        self._medium.write_definitions(instrument.venue, instrument.symbol, msgspec.json.encode(definitions))

    def put_if_new(self, instrument: Instrument) -> None:
        """Keep a definition where the instrument has none: rows never change what somebody defined."""
        if self._medium.read_definitions(instrument.venue, instrument.symbol) is None:
            self.put(instrument)

    def _known(self, venue: str, symbol: str) -> list[Instrument]:
        found = self._medium.read_definitions(venue, symbol)
        return _decoded(*found) if found else []


def _decoded(place: str, data: bytes) -> list[Instrument]:
    try:
        definitions = from_json(data, list[Instrument])
    except msgspec.MsgspecError as error:
        raise CorruptPart(f"{place} is damaged: {error}; remove it, and import or record the symbol again") from error
    if not definitions:
        raise CorruptPart(f"{place} is damaged: it defines nothing; remove it, and import or record the symbol again")
    return definitions
