"""A connection to MongoDB, and what it says put into words; a password appears in none of them."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import msgspec

from footloom.errors import ConfigError, StoreError, StoreUnavailable

if TYPE_CHECKING:  # an extra: `footloom[mongo]`
    from pymongo import MongoClient

__all__ = ("Address", "address_of", "asking", "connected")

Document = dict[str, Any]

_SCHEMES = ("mongodb://", "mongodb+srv://")
_DATABASE = re.compile(r"[A-Za-z0-9_-]{1,63}")
_PATIENCE_MS = 15_000  # an election takes less; a server that is not there is told after this
_NETWORK_MS = 30_000
_TOO_LARGE = frozenset({10334, 17280})  # a document, a key: another time they are no smaller


class Address(msgspec.Struct, frozen=True):
    """A database on a server. ``str`` and ``repr`` leave user and password out; ``url`` has them."""

    url: str
    hosts: str
    database: str

    def __str__(self) -> str:
        return f"mongodb://{self.hosts}/{self.database}"

    def __repr__(self) -> str:
        return f"Address({str(self)!r})"


def address_of(text: str, database: str = "") -> Address:
    """Return the database that an address names; ``database`` where it names none.

    Raises
    ------
    ConfigError
        It is no address, or names no database.

    Examples
    --------
    >>> str(address_of("mongodb://me:secret@localhost:27017/tapes?replicaSet=rs0"))
    'mongodb://localhost:27017/tapes'
    """
    scheme, _, rest = text.partition("://")
    place, _, options = rest.partition("?")
    server, _, path = place.rpartition("/") if "/" in place else (place, "", "")
    hosts = server.rpartition("@")[2]
    if "/" in server or server.count("@") > 1 or ("@" in options and "@" not in server):
        raise ConfigError(
            "a MongoDB address is mongodb://USER:PASSWORD@HOST:PORT/DATABASE: of this one nobody can say where the "
            "password ends; write / ? # @ : and % in user and password as %2F %3F %23 %40 %3A and %25"
        )
    name = unquote(path) or database
    if f"{scheme}://" not in _SCHEMES or not hosts:
        raise ConfigError("a MongoDB address is mongodb://HOST:PORT/DATABASE: this one names no host")
    if not _DATABASE.fullmatch(name):
        raise ConfigError(
            f"the MongoDB address of {hosts} names no database ({name!r}): write mongodb://{hosts}/DATABASE, in "
            "letters, digits, - and _"
        )
    url = f"{scheme}://{server}/{name}" + (f"?{options}" if options else "")
    return Address(url, hosts, name)


def connected(address: Address) -> MongoClient[Document]:
    """Return a client; nothing is sent before it is asked something.

    What is written is on the disks of most nodes when it is acknowledged, and only such is read.

    Raises
    ------
    ConfigError
        The driver is not installed, or the address cannot be.
    """
    try:
        from pymongo import MongoClient, errors
    except ImportError:
        raise ConfigError(
            f"{address} needs the MongoDB driver, which is not installed: pip install 'footloom[mongo]'"
        ) from None
    asked = dict.fromkeys(part.partition("=")[0].lower() for part in urlsplit(address.url).query.split("&"))
    options: dict[str, Any] = {
        "serverSelectionTimeoutMS": _PATIENCE_MS,
        "connectTimeoutMS": 5_000,
        "socketTimeoutMS": _NETWORK_MS,
        "appname": "footloom",
    }
    options = {name: value for name, value in options.items() if name.lower() not in asked}
    options |= {"w": "majority", "journal": True, "readConcernLevel": "majority"}
    try:
        return MongoClient(address.url, tz_aware=True, **options)
    except (errors.PyMongoError, ValueError, TypeError) as error:
        raise ConfigError(f"the MongoDB address {address} cannot be: {_clean(error, address)}") from None


@contextlib.contextmanager
def asking(what: str, address: Address) -> Iterator[None]:
    """Turn what the driver refuses into a `StoreError` that says what, where and what to do.

    It is a `StoreUnavailable` where the server is in the way, and not what it was sent.
    """
    from bson.errors import BSONError
    from pymongo import errors

    try:
        yield
    except errors.ConnectionFailure as error:
        raise StoreUnavailable(
            f"cannot {what} {address}: no server answers there that may write ({_shortly(error)}); start mongod, or "
            "look whether host, port and replica set are right. What was acknowledged is stored"
        ) from None
    except errors.OperationFailure as error:
        kind = StoreError if error.code in _TOO_LARGE else StoreUnavailable
        raise kind(f"cannot {what} {address}: {_clean(error, address)}; {_advice(error.code)}") from None
    except (errors.PyMongoError, BSONError) as error:
        raise StoreError(f"cannot {what} {address}: {_clean(error, address)}") from None


def _advice(code: int | None) -> str:
    if code in {13, 18, 8000}:
        return "give the user of the address the right to read and write this database, or mend its password"
    if code in {14031, 39}:
        return "free some space on the server's disk: nothing stored was changed"
    return "look at the server's log"


# The driver's long description of the topology follows after the first comma or line.
def _shortly(error: Exception) -> str:
    return re.split(r"[,\n(]", str(error), maxsplit=1)[0].strip()[:200]


def _clean(error: Exception, address: Address) -> str:
    text = str(error).split(", full error:")[0]
    user = urlsplit(address.url).netloc.rpartition("@")[0]
    for secret in {user, user.partition(":")[2], unquote(user.partition(":")[2])} - {""}:
        text = text.replace(secret, "***")
    return text[:300]
