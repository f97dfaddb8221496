"""One struct of settings from all places: flags above the environment above ``.env`` above ``footloom.toml``.

There are two ``.env`` files: that of the working folder, and below it that of the folder of settings.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import platformdirs

from footloom.config.aliases import LOGIN, aliased
from footloom.config.places import endpoints_from
from footloom.config.settings import FILE, SETTINGS, Config, is_secret, value_of
from footloom.config.sources import PREFIX, of_environment, of_file, refuse_unknown, refuse_wide, variables_of
from footloom.core.place import StorePlace, StoreUrl, store_place
from footloom.errors import ConfigError

__all__ = ("config_folder", "load")

_HERE = Path(".env")
_CONFIG = f"{PREFIX}CONFIG"


def config_folder(environment: Mapping[str, str] | None = None) -> Path:
    """Return the folder of settings and credentials: ``FOOTLOOM_CONFIG``, or the user's."""
    variables = {**variables_of(_HERE), **os.environ} if environment is None else environment
    named = variables.get(_CONFIG)
    return Path(named).expanduser() if named else platformdirs.user_config_path("footloom", appauthor=False)


def load(
    environment: Mapping[str, str] | None = None,
    *,
    store: StorePlace | None = None,
    endpoints: Sequence[str] = (),
    flags: Mapping[str, object] | None = None,
) -> Config:
    """Return the settings; ``endpoints`` are ``VENUE=URL``, ``flags`` other fields that were given as flags.

    ``environment`` stands in for that of the process; then no ``.env`` of the working folder is read.

    Raises
    ------
    ConfigError
        The store names a file, a setting cannot be, or there is none of that name.
    """
    folder = config_folder(environment)
    variables, files = _variables(folder, environment)
    given = {name: value for name, value in (flags or {}).items() if value is not None}
    if store is not None:
        given["store"] = store.secret if isinstance(store, StoreUrl) else str(store)

    others = aliased(variables)
    own, places = of_environment(variables)
    layers: list[tuple[Mapping[str, object], Mapping[str, str]]] = [
        (of_file(folder / FILE), dict.fromkeys(SETTINGS, FILE)),
        (others.values, {name: _named(alias, files) for name, alias in others.origins.items()}),
        (own, {name: _named(f"{PREFIX}{name.upper()}", files) for name in own}),
        (given, dict.fromkeys(SETTINGS, "flag")),
    ]
    values = {name: value for layer, _ in layers for name, value in layer.items()}
    origins = dict.fromkeys(SETTINGS, "default") | {name: said[name] for layer, said in layers for name in layer}
    origins["folder"] = _named(_CONFIG, files) if variables.get(_CONFIG) else "default"
    _refuse_open_files(own | others.values, origins, files, has_login=bool(others.angelone))

    endpoint_table = endpoints_from(values.pop("endpoints", {}), places, endpoints)
    for layer, said in layers:  # what stands below something else has to be right as well: it counts another time
        made = {name: value_of(name, value, said[name]) for name, value in layer.items() if name != "endpoints"}
    made = {name: value_of(name, value, origins[name]) for name, value in values.items()}
    return Config(
        store=_store(made.pop("store", None)),
        folder=folder,
        endpoints=endpoint_table,
        sockets=others.sockets,
        angelone=others.angelone,
        origins=origins,
        notices=tuple(others.notices),
        **made,
    )


# All variables, and of those that stand in a `.env` file, which; the real environment is never overridden.
def _variables(folder: Path, environment: Mapping[str, str] | None) -> tuple[dict[str, str], dict[str, Path]]:
    paths = [folder / _HERE] if environment is not None else [folder / _HERE, _HERE]
    variables: dict[str, str] = {}
    files: dict[str, Path] = {}
    for path in paths:
        found = variables_of(path)
        refuse_unknown(found, str(path))
        variables |= found
        files |= dict.fromkeys(found, path)
    real = os.environ if environment is None else environment
    refuse_unknown(real, "the environment")
    return variables | dict(real), {name: path for name, path in files.items() if name not in real}


def _named(variable: str, files: Mapping[str, Path]) -> str:
    return f"{variable} in {files[variable]}" if variable in files else variable


def _refuse_open_files(
    values: Mapping[str, object], origins: Mapping[str, str], files: Mapping[str, Path], *, has_login: bool
) -> None:
    secret = {origins[name].partition(" in ")[0] for name, value in values.items() if is_secret(name, value)}
    secret |= set(LOGIN) if has_login else set()
    for path in dict.fromkeys(files.values()):
        refuse_wide(path, [name for name in files if files[name] == path and name in secret])


def _store(chosen: object) -> StorePlace:
    if str(chosen or "").startswith("mongodb:") and not str(chosen).startswith("mongodb://"):
        raise ConfigError("a store in MongoDB is mongodb://HOST/DATABASE: after mongodb: two slashes are missing")
    root = store_place(str(chosen or platformdirs.user_data_path("footloom", appauthor=False) / "store"))
    if isinstance(root, Path) and root.exists() and not root.is_dir():
        raise ConfigError(f"the store {root} is a file: name a folder with --store or {PREFIX}STORE")
    return root
