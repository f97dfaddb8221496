"""Every error that footloom raises on purpose.

::

    FootloomError
    ├── ConfigError              a setting, a flag or an argument cannot be used
    ├── DataError                input that cannot be taken as it is
    │   ├── UnknownFormat        no importer recognises the file
    │   ├── OffGrid              a price or quantity is no whole multiple of its tick or lot
    │   └── SchemaChanged        a venue's message is not what its parser knows
    ├── StoreError               the store cannot do what was asked
    │   ├── NotStored            nothing is stored for that symbol and range
    │   ├── StoreLocked          another process writes to this store
    │   ├── StoreUnavailable     what it lies in does not answer
    │   └── CorruptPart          a stored file does not hold what its manifest says
    ├── VenueError               an exchange or vendor refused or failed
    │   ├── UnknownSymbol        the venue does not list that symbol
    │   ├── RateLimited          it wants no more calls for a while
    │   ├── Refused              it answered, but not what was asked for
    │   └── Unreachable          it did not answer at all
    └── ProtocolError            a client's request cannot be understood, or not be served
        ├── NotFound             there is nothing of that name here
        ├── TooMuch              it asks for more than is given or taken at once
        ├── Conflict             what it changes is not as it says, or not its turn
        ├── Overloaded           too many others wait
        └── TookTooLong          it was given up

A message says what happened, where, both values, and what to do about it.
"""

from __future__ import annotations

__all__ = (
    "ConfigError",
    "Conflict",
    "CorruptPart",
    "DataError",
    "FootloomError",
    "NotFound",
    "NotStored",
    "OffGrid",
    "Overloaded",
    "ProtocolError",
    "RateLimited",
    "Refused",
    "SchemaChanged",
    "StoreError",
    "StoreLocked",
    "StoreUnavailable",
    "TooMuch",
    "TookTooLong",
    "UnknownFormat",
    "UnknownSymbol",
    "Unreachable",
    "VenueError",
)


class FootloomError(Exception):
    """The root: catching it catches everything that footloom raises on purpose."""


class ConfigError(FootloomError):
    """A setting, a flag or an argument cannot be used."""


class DataError(FootloomError):
    """Input that cannot be taken as it is."""


class UnknownFormat(DataError):
    """No importer recognises the file."""


class OffGrid(DataError):
    """A price or quantity is no whole multiple of its tick or lot (definitions 0.1)."""

    def __init__(self, value: str, unit: str, what: str = "value") -> None:
        super().__init__(f"{what} {value} is no whole multiple of {unit}")
        self.value = value
        self.unit = unit


class SchemaChanged(DataError):
    """A venue's message is not what its parser knows."""


class StoreError(FootloomError):
    """The store cannot do what was asked."""


class NotStored(StoreError):
    """Nothing is stored for that symbol and range."""


class StoreLocked(StoreError):
    """Another process writes to this store."""


class StoreUnavailable(StoreError):
    """What a store lies in does not answer, or is another writer's now: nothing is wrong with what was to be stored."""


class CorruptPart(StoreError):
    """A stored file does not hold what its manifest says."""


class VenueError(FootloomError):
    """An exchange or vendor refused or failed."""


class UnknownSymbol(VenueError):
    """The venue does not list that symbol."""


class RateLimited(VenueError):
    """The venue wants no more calls for ``retry_after_s`` seconds."""

    def __init__(self, message: str, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Refused(VenueError):
    """The venue answered with an HTTP ``status`` that is no success; ``text`` is the beginning of what it said."""

    def __init__(self, message: str, status: int, text: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.text = text


class Unreachable(VenueError):
    """The venue could not be reached, or broke off, as often as it was tried."""


class ProtocolError(FootloomError):
    """A client's request cannot be understood, or not be served."""


class NotFound(ProtocolError):
    """There is nothing of that name here."""


class TooMuch(ProtocolError):
    """A client asks for more than is given at once, or sends more than is taken."""


class Conflict(ProtocolError):
    """What a client wants to change is not as it says, or not its turn."""


class Overloaded(ProtocolError):
    """Too many others wait: try again in ``retry_after_s`` seconds."""

    def __init__(self, message: str, retry_after_s: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class TookTooLong(ProtocolError):
    """A client's request was given up."""
