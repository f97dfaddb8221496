"""What can be set, in one frozen struct: environment below flags (a file comes with the server's settings)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec
import platformdirs

from footloom.errors import ConfigError

__all__ = ("Config", "load")

_PREFIX = "FOOTLOOM_"


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of one process.

    ``store`` is the folder that holds the tape. Each field is also an environment variable: ``FOOTLOOM_STORE``.
    """

    store: Path


def load(environment: Mapping[str, str] | None = None, *, store: Path | None = None) -> Config:
    """Return the settings: flags, given as arguments, above the environment, above the defaults.

    Raises
    ------
    ConfigError
        The store names a file.
    """
    variables = os.environ if environment is None else environment
    chosen = (
        store or variables.get(f"{_PREFIX}STORE") or platformdirs.user_data_path("footloom", appauthor=False) / "store"
    )
    folder = Path(chosen).expanduser()
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"the store {folder} is a file: name a folder with --store or {_PREFIX}STORE")
    return Config(store=folder)
