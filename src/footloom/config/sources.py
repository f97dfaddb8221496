"""Where settings stand: ``footloom.toml``, ``.env``, the environment; what is no setting there is refused."""

from __future__ import annotations

import difflib
import os
import stat
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

from footloom.config.settings import SETTINGS, is_secret
from footloom.errors import ConfigError

__all__ = ("PREFIX", "of_environment", "of_file", "refuse_unknown", "refuse_wide", "variables_of")

PREFIX = "FOOTLOOM_"
_ENDPOINT = f"{PREFIX}ENDPOINT_"
# What else begins so: the folder of settings, and names of our own tests and tools.
_OTHERS = ("CONFIG", "CACHE", "CHROMIUM", "MONGOD", "PEERS", "RECORDINGS", "SKIP_WEB")
_OTHER_FAMILIES = ("ENDPOINT_", "TEST_", "BENCH_", "DEV_")
_FILE_ALIASES = {"max_candles": "max_history_bars"}


def of_file(path: Path) -> dict[str, object]:
    """Return what ``footloom.toml`` says, empty where there is none.

    Raises
    ------
    ConfigError
        It cannot be read, names what is no setting, or shows a secret to others.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"the settings {path} cannot be read: {error}; mend the file, or move it away") from None
    document = {_FILE_ALIASES.get(name, name): value for name, value in document.items()}
    for name in document:
        if name not in SETTINGS:
            near = difflib.get_close_matches(name, SETTINGS, n=1)
            hint = f"; did you mean {near[0]}?" if near else f": there are {', '.join(SETTINGS)}"
            raise ConfigError(f"{path}: there is no setting {name}{hint}")
    refuse_wide(path, [name for name, value in document.items() if is_secret(name, value)])
    return document


def variables_of(path: Path) -> dict[str, str]:
    """Return the variables of a ``.env`` file, empty where there is none; nothing in it is expanded.

    Raises
    ------
    ConfigError
        It cannot be read, or one of its lines is no ``NAME=value``.
    """
    if not path.is_file():
        return {}
    from dotenv.parser import parse_stream

    found = {}
    try:
        with path.open(encoding="utf-8") as stream:
            for line in parse_stream(stream):
                if line.error:
                    raise ConfigError(f"{path}, line {line.original.line}: this is no NAME=value; mend the line")
                if line.key is not None and line.value is not None:
                    found[line.key] = line.value
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the settings {path} cannot be read: {error}; mend the file, or move it away") from None
    return found


def refuse_unknown(variables: Iterable[str], where: str) -> None:
    """Refuse a variable that begins like ours and is none: a slip in a name would go unnoticed.

    Raises
    ------
    ConfigError
        There is one.
    """
    for name in variables:
        rest = name.removeprefix(PREFIX)
        if rest == name or rest.lower() in SETTINGS or rest in _OTHERS or rest.startswith(_OTHER_FAMILIES):
            continue
        known = (*map(str.upper, SETTINGS), *_OTHERS)
        near = difflib.get_close_matches(rest, known, n=1)  # without what all share
        every = ", ".join(f"{PREFIX}{one}" for one in (*known, "ENDPOINT_VENUE"))
        hint = f"did you mean {PREFIX}{near[0]}?" if near else f"there are {every}"
        raise ConfigError(f"{where}: there is no setting {name}; {hint}")


def of_environment(variables: Mapping[str, str]) -> tuple[dict[str, object], dict[str, str]]:
    """Return the settings among variables, and the endpoints by venue; an empty one is not set."""
    named = {name: variables.get(f"{PREFIX}{name.upper()}") for name in SETTINGS if name != "endpoints"}
    places = {
        name.removeprefix(_ENDPOINT).lower(): url for name, url in variables.items() if name.startswith(_ENDPOINT)
    }
    return {name: value for name, value in named.items() if value}, places


def refuse_wide(path: Path, names: Iterable[str]) -> None:
    """Refuse a file that holds secrets and that others may read.

    Raises
    ------
    ConfigError
        It is so.
    """
    secrets = ", ".join(names)
    if secrets and os.name == "posix" and path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise ConfigError(f"{path} holds {secrets} and others may read it: chmod 600 {path}")
