"""What is known of each instrument, by the date from which it holds (definitions 0.7)."""

from __future__ import annotations

from pathlib import Path

import msgspec

from footloom.core.instrument import Instrument, split_key
from footloom.errors import CorruptPart, NotStored, StoreError
from footloom.store.disk import make_folder, storing, write_whole
from footloom.store.layout import Layout

__all__ = ("InstrumentBook",)

_ALWAYS = -(2**63)  # an instrument without a date holds from the beginning of time


def _since(instrument: Instrument) -> int:
    return _ALWAYS if instrument.valid_from_ns is None else instrument.valid_from_ns


class InstrumentBook:
    """The dated definitions of a store: a small file for each instrument, replaced whole."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    def every(self) -> list[Instrument]:
        """Return each instrument as last defined, by key."""
        paths = sorted(self._layout.instruments.glob("*/*.json"))
        return sorted((_read(path)[-1] for path in paths), key=lambda instrument: instrument.key)

    def get(self, key: str, at_ns: int | None = None) -> Instrument:
        """Return an instrument as it was defined at a time (last, if none is given).

        Raises
        ------
        NotStored
            No instrument has that key, or none was defined at that time.
        """
        path = self._layout.instrument(*split_key(key))
        if not path.exists():
            raise NotStored(
                f"the store {self._layout.root} knows no instrument {key}: footloom coverage lists what it holds"
            )
        definitions = _read(path)
        if at_ns is None:
            return definitions[-1]
        fitting = [one for one in definitions if _since(one) <= at_ns]
        if not fitting:
            raise NotStored(f"{key} is defined from {_since(definitions[0])} ns on, not at {at_ns} ns")
        return fitting[-1]

    def put(self, instrument: Instrument) -> None:
        """Keep a definition; one with the same effective date is replaced."""
        path = self._layout.instrument(instrument.venue, instrument.symbol)
        known = _read(path) if path.exists() else []
        others = [one for one in known if _since(one) != _since(instrument)]
        definitions = sorted([*others, instrument], key=_since)
        if definitions == known:
            return
        with storing("write", path):
            make_folder(path.parent)
            write_whole(path, msgspec.json.encode(definitions))

    def put_if_new(self, instrument: Instrument) -> None:
        """Keep a definition where the instrument has none: rows never change what somebody defined."""
        if not self._layout.instrument(instrument.venue, instrument.symbol).exists():
            self.put(instrument)


def _read(path: Path) -> list[Instrument]:
    try:
        definitions = msgspec.json.decode(path.read_bytes(), type=list[Instrument])
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror}; let this user read it") from error
    except msgspec.MsgspecError as error:
        raise CorruptPart(f"{path} is damaged: {error}; remove it, and import or record the symbol again") from error
    if not definitions:
        raise CorruptPart(f"{path} is damaged: it defines nothing; remove it, and import or record the symbol again")
    return definitions
