"""Where things lie in a store's folder, and how any symbol becomes a safe file name.

::

    ROOT/
    ├── footloom.json                       says that this is a store, and which layout it has
    ├── writer.lock                         who writes
    ├── instruments/VENUE/SYMBOL.json       dated definitions
    ├── tapes/VENUE/SYMBOL/TAPE/DAY/        manifest.json and the parts that it names
    ├── raw/VENUE/SYMBOL/KIND/              HASH.gz and HASH.json: text that is kept as it came
    ├── notes/NAME.json                     how far what is followed has been taken
    ├── unreadable.sqlite                   frames that could not be parsed, the newest of them
    └── journal/                            segment-N.sqlite, what is not sealed yet; quarantine/ what could not be read
"""

from __future__ import annotations

import datetime as dt
import functools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, TypeAlias
from urllib.parse import quote, unquote

from footloom.core.instrument import Instrument, split_key
from footloom.core.series import KINDS, is_series
from footloom.errors import StoreError

__all__ = (
    "BOOKS",
    "LIQUIDATION",
    "MANIFEST",
    "OFF_MARKET",
    "OWN_GRID",
    "Asked",
    "Layout",
    "Stream",
    "file_name",
    "is_finished",
    "is_partial",
)

MANIFEST = "manifest.json"
_LONGEST = 240  # bytes; file systems allow 255, temporary names need a few
_WHOLE_TAPES = ("agg_trade", "snapshot", "trade")
LIQUIDATION = "liquidation"  # throttled by the venue, and the fills are in the trades already
OFF_MARKET = "partial:off_market"  # prints that are no market trades: a log
BOOKS = frozenset(("depth", "quote"))  # many times what trades are, and no chart waits for them
OWN_GRID = (LIQUIDATION, OFF_MARKET)  # their prices say nothing about the instrument's tick
_PARTIAL, _FINISHED = "partial:", "finished:"


def file_name(text: str) -> str:
    r"""Return a reversible file name that no file system misreads: no separators, no ``.`` or ``..``, no hidden files.

    Examples
    --------
    >>> file_name("NSE_EQ|INE467B01029")
    'NSE_EQ%7CINE467B01029'
    >>> file_name("..")
    '%2E.'

    Raises
    ------
    StoreError
        The text is empty, is no text, or too long for a file name.
    """
    try:
        name = quote(text, safe="")
    except UnicodeEncodeError:
        raise StoreError(f"{text!r} cannot be a file name: it is no valid Unicode text") from None
    if name.startswith("."):
        name = "%2E" + name[1:]
    if not name or len(name) > _LONGEST:
        raise StoreError(
            f"{text!r} cannot be a file name: it takes {len(name)} bytes, from 1 to {_LONGEST} are possible"
        )
    return name


def is_partial(tape: str) -> bool:
    """Say whether a tape holds only some trades of a stretch, such as large prints or liquidations."""
    return tape == LIQUIDATION or tape.startswith(_PARTIAL)


def is_finished(tape: str) -> bool:
    """Say whether a tape holds footprints that another program has finished, and so no tape at all."""
    return tape.startswith(_FINISHED)


@functools.lru_cache(maxsize=1_024)
def _is_tape(tape: str) -> bool:
    named = (is_partial(tape) or is_finished(tape)) and tape not in {_PARTIAL, _FINISHED}
    return tape in _WHOLE_TAPES or is_series(tape) or named


Asked: TypeAlias = "Stream | str | None"  # one tape, all tapes of a symbol by its key, or everything


class Stream(NamedTuple):
    """One tape of one symbol."""

    venue: str
    symbol: str
    tape: str

    @property
    def key(self) -> str:
        """What users type: ``venue:symbol``."""
        return f"{self.venue}:{self.symbol}"

    def __str__(self) -> str:
        return f"{self.key}/{self.tape}"

    def is_of(self, asked: Asked) -> bool:
        """Say whether it is what was asked for."""
        return asked is None or asked in (self, self.key)

    @classmethod
    def of(cls, instrument: Instrument, tape: str) -> Stream:
        """Return the stream that rows of an instrument and a tape belong to.

        Raises
        ------
        StoreError
            There is no such tape.
        """
        if not _is_tape(tape):
            known = ", ".join((*_WHOLE_TAPES, LIQUIDATION, *KINDS))
            raise StoreError(
                f"there is no tape {tape!r} for {instrument.key}: tapes are {known}, partial:SOURCE and finished:SOURCE"
            )
        return cls(instrument.venue, instrument.symbol, tape)

    @classmethod
    def named(cls, key: str, tape: str) -> Stream:
        """Return the stream of a key such as ``binance_usdm:BTCUSDT``."""
        return cls(*split_key(key), tape)


class Layout:
    """The paths of one store."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.marker = root / "footloom.json"
        self.lock = root / "writer.lock"
        self.journal = root / "journal"
        self.quarantine = root / "journal" / "quarantine"
        self.unreadable = root / "unreadable.sqlite"
        self.tapes = root / "tapes"
        self.instruments = root / "instruments"
        self.notes = root / "notes"

    def tape(self, stream: Stream) -> Path:
        """Return the folder of a tape."""
        return self.tapes / file_name(stream.venue) / file_name(stream.symbol) / file_name(stream.tape)

    def day(self, stream: Stream, day: dt.date) -> Path:
        """Return the folder of a day."""
        return self.tape(stream) / day.isoformat()

    def instrument(self, venue: str, symbol: str) -> Path:
        """Return the file of an instrument's definitions."""
        return self.instruments / file_name(venue) / f"{file_name(symbol)}.json"

    def streams(self) -> Iterator[Stream]:
        """Yield every tape that has a folder, in the order of their names."""
        for venue in _folders(self.tapes):
            for symbol in _folders(self.tapes / venue):
                for tape in _folders(self.tapes / venue / symbol):
                    yield Stream(*(unquote(name) for name in (venue, symbol, tape)))

    def days(self, stream: Stream) -> list[dt.date]:
        """Return the days that have a folder, ascending."""
        found = []
        for name in _folders(self.tape(stream)):
            try:
                found.append(dt.date.fromisoformat(name))
            except ValueError:  # not ours
                continue
        return found


# The names of the folders in a folder that may be absent, sorted; hidden ones are not ours.
def _folders(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.name for entry in entries if not entry.name.startswith(".") and entry.is_dir())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StoreError(f"cannot list {folder}: {error.strerror}; let this user read it") from error
