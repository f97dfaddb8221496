"""The settings of one process: what they are, what they are made of, and what cannot be."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

import msgspec

from footloom.core.place import StorePlace
from footloom.core.secret import Secret
from footloom.errors import ConfigError
from footloom.typed import from_plain

__all__ = ("FILE", "SETTINGS", "Config", "Fetch", "Notice", "Setting", "is_secret", "size_of", "value_of")

FILE = "footloom.toml"
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kMGT]?)i?B?", re.IGNORECASE)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}
_TOKEN = re.compile(r"[A-Za-z0-9._~-]{16,200}")  # what stands unchanged in a link and in a cookie
_HOST_NAME = re.compile(r"(?:[a-z0-9_-]+\.)*[a-z0-9_-]+|\[?[0-9a-f:.]+\]?", re.IGNORECASE)

Fetch = Literal["missing", "never"]
Compat = Literal["001", "002", "003"]
LogFormat = Literal["text", "json"]


class Notice(msgspec.Struct, frozen=True):
    """What was made of a variable that is not our own; ``is_loud`` ones are told at every start, not by doctor only."""

    name: str
    text: str
    is_loud: bool = False


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of one process; each is also an environment variable (``FOOTLOOM_STORE``) and a line of the file.

    ``store`` is the folder that holds the tape, or a MongoDB database (``mongodb://HOST/DATABASE``). ``folder`` is the
    one with ``footloom.toml`` and the credentials.
    ``endpoints`` are base addresses by venue where another server shall stand for it, ``sockets`` those of its
    WebSockets alone. ``commit_ms`` is how often what arrives is made durable and shown at the most: the first row at
    once, what follows with the next group commit. ``depth_quota`` is how many bytes depth and quotes may take: then
    they are no longer recorded, trades are; 0 is no limit. ``backfill_hours`` is how far back a live chart is filled.
    ``fetch`` says whether `load_trades` may fetch what is missing. ``symbols`` are listened to where a verb names none;
    ``lot_size`` is what the first one's lot is expected to be. ``angelone`` holds a login of that broker.

    Serving: ``host`` and ``port`` are listened on, ``token`` is what a client off this machine has to show,
    ``allow_host`` are names by which this server is reached, ``allow_origin`` other pages that may use it. ``compat``
    serves the addresses of an older page at the root. A stream that nobody looks at stops after ``linger_s``;
    ``on_demand`` lets a client start one, up to ``max_streams`` beside those that were named. One client may hold
    ``max_subscriptions``, ask for ``max_history_bars`` bars at once and send ``max_messages_per_s``; one address may
    hold ``max_connections``. A request has to arrive within ``request_timeout_s``. Clients may import files of
    ``import_folder`` by name, and send files of ``max_upload`` bytes. A client that answers no ping for
    ``ws_ping_interval`` seconds is dropped.

    ``mongo_uri``, ``mongo_db_name`` and ``tick_collection`` say where another program keeps its ticks.
    ``origins`` tells of each field where its value comes from, ``notices`` what became of other programs' names.
    """

    store: StorePlace
    folder: Path
    endpoints: dict[str, str] = {}
    sockets: dict[str, str] = {}
    commit_ms: float = 3.0
    depth_quota: int = 20 * 10**9
    backfill_hours: float = 6.0
    fetch: Fetch = "missing"
    symbols: tuple[str, ...] = ()
    lot_size: str = ""
    angelone: dict[str, Secret] = {}
    host: str = "127.0.0.1"
    port: int = 8123
    token: Secret | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None
    allow_host: tuple[str, ...] = ()
    allow_origin: tuple[str, ...] = ()
    compat: Compat | None = None
    linger_s: float = 300.0
    on_demand: bool = True
    max_streams: int = 100
    max_subscriptions: int = 64
    max_history_bars: int = 20_000
    max_messages_per_s: float = 50.0
    max_connections: int = 100
    import_folder: Path | None = None
    max_upload: int = 2 * 10**9
    request_timeout_s: float = 10.0
    ws_ping_interval: float = 20.0
    log_format: LogFormat = "text"
    mongo_uri: Secret | None = None
    mongo_db_name: str = "upstox_strategy_db"
    tick_collection: str = "tick_data"
    origins: dict[str, str] = {}
    notices: tuple[Notice, ...] = ()


class Setting(msgspec.Struct, frozen=True):
    """What a setting is made of: its type, its bounds, or a function that reads it."""

    kind: Any
    least: float | None = None
    most: float = float("inf")
    read: Callable[[object], object] | None = None
    is_secret: bool = False


def size_of(text: str) -> int:
    """Return bytes of a size such as ``20GB`` (powers of 1000).

    Raises
    ------
    ConfigError
        The text is no size.

    Examples
    --------
    >>> size_of("1.5 GB"), size_of("500k"), size_of("12")
    (1500000000, 500000, 12)
    """
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise ConfigError(f"{text!r} is no size: write 500MB, 20GB or a number of bytes")
    power: int = _POWERS[found[2].lower()]
    return round(float(found[1]) * 10.0 ** (3 * power))


def value_of(name: str, value: object, origin: str) -> Any:
    """Return a setting's value, of its type and within its bounds.

    Raises
    ------
    ConfigError
        The value cannot be; the message repeats no secret.
    """
    setting = SETTINGS[name]
    said = "what was given" if setting.is_secret else repr(value)
    made: Any
    try:
        made = setting.read(value) if setting.read else from_plain(value, setting.kind, strict=False)
    except ConfigError as error:
        raise ConfigError(f"{name} ({origin}): {error}") from None
    except (msgspec.ValidationError, ValueError):
        raise ConfigError(f"{name} is {said} ({origin}), which cannot be: write {_can_be(setting)}") from None
    if setting.least is not None:
        if not setting.least <= made < float("inf"):  # nan is refused too
            raise ConfigError(f"{name} is {said} ({origin}), it must be {setting.least:g} or more")
        if made > setting.most:
            raise ConfigError(f"{name} is {said} ({origin}), it must be {setting.most:g} or less")
    return made


_KINDS = {
    bool: "true or false",
    str: "a text",
    Path: "the name of a file or folder",
    tuple: 'a list, such as a,b in the environment and ["a", "b"] in the file',
    dict: "a table",
}


# What may be written instead of a value that cannot be.
def _can_be(setting: Setting) -> str:
    if setting.kind not in {int, float}:
        return _KINDS.get(setting.kind) or f"one of {', '.join(get_args(setting.kind))}"
    number = "a whole number" if setting.kind is int else "a number"
    if setting.most < float("inf"):
        return f"{number} from {setting.least:g} to {setting.most:g}"
    return f"{number}, {setting.least:g} or more"


def is_secret(name: str, value: object) -> bool:
    """Say whether a value is nobody's business: a token, or an address with a password.

    Examples
    --------
    >>> is_secret("mongo_uri", "mongodb://me:pass@host/"), is_secret("mongo_uri", "mongodb://localhost:27017/")
    (True, False)
    """
    text = value if isinstance(value, str) else ""
    if name == "token":
        return bool(text)
    return "://" in text and "@" in text.partition("://")[2].partition("/")[0]


def _size(value: object) -> int:
    return size_of(value) if isinstance(value, str) else from_plain(value, int, strict=False)


def _seconds(value: object) -> float:
    return float(value.strip().removesuffix("s")) if isinstance(value, str) else from_plain(value, float)


def _compat(value: object) -> Compat:
    made: Compat = from_plain(str(value).zfill(3), Compat)
    return made


# In the environment a list is text with commas.
def _words(value: object) -> tuple[str, ...]:
    parts = value.split(",") if isinstance(value, str) else from_plain(value, list[str])
    return tuple(part.strip() for part in parts if part.strip())


def _path(value: object) -> Path:
    return Path(from_plain(value, str)).expanduser()


def _token(value: object) -> Secret:
    text = value.strip() if isinstance(value, str) else ""
    if not _TOKEN.fullmatch(text):
        raise ConfigError(
            "a token has 16 to 200 letters, digits, '-', '_', '.' or '~': leave it out, and one is made and kept"
        )
    return Secret(text)


def _mongo(value: object) -> Secret:
    text = value.strip() if isinstance(value, str) else ""
    if urlsplit(text).scheme not in {"mongodb", "mongodb+srv"}:
        raise ConfigError("this is no address of a MongoDB: write mongodb://localhost:27017/")
    return Secret(text)


def _hosts(value: object) -> tuple[str, ...]:
    names = _words(value)
    for name in names:
        if not _HOST_NAME.fullmatch(name):
            raise ConfigError(f"{name!r} is no host name: write the name alone, without http:// and port")
    return tuple(name.lower().strip("[]") for name in names)


SETTINGS: dict[str, Setting] = {
    "store": Setting(str),
    "endpoints": Setting(dict),
    "commit_ms": Setting(float, 1.0),
    "depth_quota": Setting(int, 0.0, read=_size),
    "backfill_hours": Setting(float, 0.0),
    "fetch": Setting(Fetch),
    "symbols": Setting(tuple, read=_words),
    "lot_size": Setting(str),
    "host": Setting(str),
    "port": Setting(int, 0.0, 65535.0),
    "token": Setting(str, read=_token, is_secret=True),
    "tls_cert": Setting(Path, read=_path),
    "tls_key": Setting(Path, read=_path),
    "allow_host": Setting(tuple, read=_hosts),
    "allow_origin": Setting(tuple, read=_words),
    "compat": Setting(Compat, read=_compat),
    "linger_s": Setting(float, 0.0, read=_seconds),
    "on_demand": Setting(bool),
    "max_streams": Setting(int, 0.0),
    "max_subscriptions": Setting(int, 1.0),
    "max_history_bars": Setting(int, 1.0),
    "max_messages_per_s": Setting(float, 1.0),
    "max_connections": Setting(int, 1.0),
    "import_folder": Setting(Path, read=_path),
    "max_upload": Setting(int, 1.0, read=_size),
    "request_timeout_s": Setting(float, 0.1, read=_seconds),
    "ws_ping_interval": Setting(float, 0.1, read=_seconds),
    "log_format": Setting(LogFormat),
    "mongo_uri": Setting(str, read=_mongo, is_secret=True),
    "mongo_db_name": Setting(str),
    "tick_collection": Setting(str),
}
