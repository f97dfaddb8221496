"""What can be set, in one frozen struct: flags above the environment above ``footloom.toml`` above the defaults."""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal
from urllib.parse import SplitResult, urlsplit

import msgspec
import platformdirs

from footloom.errors import ConfigError

__all__ = ("Config", "Fetch", "config_folder", "endpoint_of", "load", "size_of")

_PREFIX = "FOOTLOOM_"
_FILE = "footloom.toml"
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kMGT]?)i?B?", re.IGNORECASE)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}

Fetch = Literal["missing", "never"]


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of one process; each is also an environment variable (``FOOTLOOM_STORE``) and a line of the file.

    ``store`` is the folder that holds the tape, ``folder`` the one with ``footloom.toml`` and the credentials.
    ``endpoints`` are base addresses by venue where another server shall stand for it. ``commit_ms`` is how often what
    arrives is made durable and shown. ``depth_quota`` is how many bytes depth and quotes may take: then they are no
    longer recorded, trades are; 0 is no limit.
    ``backfill_hours`` is how far back a live chart is filled. ``fetch`` says whether `load_trades` may fetch what is
    missing. ``origins`` tells of each field where its value comes from.
    """

    store: Path
    folder: Path
    endpoints: dict[str, str] = {}
    commit_ms: float = 15.0
    depth_quota: int = 20 * 10**9
    backfill_hours: float = 6.0
    fetch: Fetch = "missing"
    origins: dict[str, str] = {}


def config_folder(environment: Mapping[str, str] | None = None) -> Path:
    """Return the folder of settings and credentials: ``FOOTLOOM_CONFIG``, or the user's."""
    variables = os.environ if environment is None else environment
    named = variables.get(f"{_PREFIX}CONFIG")
    return Path(named).expanduser() if named else platformdirs.user_config_path("footloom", appauthor=False)


def load(
    environment: Mapping[str, str] | None = None,
    *,
    store: Path | None = None,
    endpoints: Sequence[str] = (),
    flags: Mapping[str, object] | None = None,
) -> Config:
    """Return the settings; ``endpoints`` are ``VENUE=URL``, ``flags`` other fields that were given as flags.

    Raises
    ------
    ConfigError
        The store names a file, or a setting cannot be.
    """
    variables = os.environ if environment is None else environment
    folder = config_folder(variables)
    values: dict[str, object] = {}
    origins = {"folder": f"{_PREFIX}CONFIG" if variables.get(f"{_PREFIX}CONFIG") else "default"}
    given = {name: value for name, value in (flags or {}).items() if value is not None}
    if store is not None:
        given["store"] = str(store)
    for origin, layer in (
        (_FILE, _from_file(folder / _FILE)),
        (_PREFIX, _from_environment(variables)),
        ("flag", given),
    ):
        for name, value in layer.items():
            values[name] = value
            origins[name] = f"{_PREFIX}{name.upper()}" if origin == _PREFIX else origin
    places = {**_endpoints_in(values.pop("endpoints", {})), **_of_environment(variables), **_of_flags(endpoints)}
    made = {name: _value(name, value, origins[name]) for name, value in values.items()}
    chosen = made.pop("store", None) or platformdirs.user_data_path("footloom", appauthor=False) / "store"
    root = Path(str(chosen)).expanduser()
    if root.exists() and not root.is_dir():
        raise ConfigError(f"the store {root} is a file: name a folder with --store or {_PREFIX}STORE")
    every = {name: origins.get(name, "default") for name in Config.__struct_fields__ if name != "origins"}
    return Config(store=root, folder=folder, endpoints=places, origins=every, **made)


def endpoint_of(text: str) -> tuple[str, str]:
    """Return venue and base address of ``VENUE=URL``.

    Raises
    ------
    ConfigError
        It is something else.

    Examples
    --------
    >>> endpoint_of("binance_usdm=http://127.0.0.1:9001/")
    ('binance_usdm', 'http://127.0.0.1:9001')
    """
    venue, equals, url = text.partition("=")
    if not equals or not re.fullmatch(r"[a-z][a-z0-9_]*", venue):
        raise ConfigError(f"the endpoint {text!r} is no VENUE=URL, such as binance_usdm=http://127.0.0.1:9001")
    return venue, _address(venue, url)


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


def _from_file(path: Path) -> dict[str, object]:
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"the settings {path} cannot be read: {error}; mend the file, or move it away") from None
    for name in document:
        if name not in _SETTABLE:
            near = difflib.get_close_matches(name, _SETTABLE, n=1)
            hint = f"; did you mean {near[0]}?" if near else f": there are {', '.join(_SETTABLE)}"
            raise ConfigError(f"{path}: there is no setting {name}{hint}")
    return document


def _from_environment(variables: Mapping[str, str]) -> dict[str, object]:
    named = {name: variables.get(f"{_PREFIX}{name.upper()}") for name in _SETTABLE if name != "endpoints"}
    return {name: value for name, value in named.items() if value}


def _of_environment(variables: Mapping[str, str]) -> dict[str, str]:
    prefix = f"{_PREFIX}ENDPOINT_"
    named = {name.removeprefix(prefix).lower(): url for name, url in variables.items() if name.startswith(prefix)}
    return {venue: _address(venue, url) for venue, url in named.items() if url}


def _of_flags(endpoints: Sequence[str]) -> dict[str, str]:
    return dict(endpoint_of(text) for text in endpoints)


def _endpoints_in(table: object) -> dict[str, str]:
    if not isinstance(table, dict):
        raise ConfigError(f'{_FILE}: endpoints is {table!r}, not a table: write [endpoints] and VENUE = "URL" below it')
    return {venue: _address(venue, str(url)) for venue, url in table.items()}


def _address(venue: str, url: str) -> str:
    parts = urlsplit(url)
    extra = parts.query or parts.fragment or parts.username
    if parts.scheme not in {"http", "https"} or not parts.hostname or extra or not _has_port(parts):
        raise ConfigError(f"the endpoint of {venue} is {url!r}, no address such as http://127.0.0.1:9001")
    return url.rstrip("/")


def _has_port(parts: SplitResult) -> bool:
    try:
        return parts.port != 0
    except ValueError:
        return False


def _value(name: str, value: object, origin: str) -> Any:
    kind, least = _SETTABLE[name]
    try:
        made = size_of(value) if kind is int and isinstance(value, str) else msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError:
        raise ConfigError(f"{name} is {value!r} ({origin}), which cannot be") from None
    if least is not None and not least <= made < float("inf"):  # nan is refused too
        raise ConfigError(f"{name} is {value!r} ({origin}), it must be {least:g} or more")
    return made


# setting -> what it is made of, and its least value
_SETTABLE: dict[str, tuple[Any, float | None]] = {
    "store": (str, None),
    "endpoints": (dict, None),
    "commit_ms": (float, 1.0),
    "depth_quota": (int, 0.0),
    "backfill_hours": (float, 0.0),
    "fetch": (Fetch, None),
}
