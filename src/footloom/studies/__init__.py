"""Studies: one file = one study, found by its name (`footloom.studies.value_area` is the model).

What a study is stands in `footloom.studies.Study`. Outside packages add theirs through the entry point group
``footloom.studies`` and check them with `footloom.testing.study_contract`.
"""

from __future__ import annotations

import functools
import importlib
import importlib.metadata
import importlib.util
import pkgutil
from collections.abc import Mapping
from typing import Any, cast

import msgspec

from footloom.errors import ConfigError, DataError
from footloom.studies._beside import Beside, Companion, Joining
from footloom.studies._study import NONE, Answer, Column, Counting, Kind, Life, NoState, Output, Run, Study, Unit
from footloom.typed import from_msgpack, from_plain

__all__ = (
    "NONE",
    "Answer",
    "Beside",
    "Column",
    "Companion",
    "Counting",
    "Joining",
    "Kind",
    "Life",
    "NoState",
    "Output",
    "Run",
    "Study",
    "Unit",
    "decode_state",
    "encode_state",
    "find_study",
    "make_params",
    "study_names",
)


def _outside() -> dict[str, importlib.metadata.EntryPoint]:
    return {entry.name: entry for entry in importlib.metadata.entry_points(group="footloom.studies")}


def study_names() -> list[str]:
    """Return the names of every study, our own and those of outside packages."""
    own = [module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_")]
    return sorted({*own, *_outside()})


@functools.cache
def find_study(name: str) -> Study:
    """Return a study by its name.

    Raises
    ------
    ConfigError
        There is no such study.
    """
    word = str(name)
    if word.isidentifier() and not word.startswith("_"):
        if importlib.util.find_spec(f"{__name__}.{word}") is not None:
            return cast("Study", importlib.import_module(f"{__name__}.{word}"))
        if (entry := _outside().get(word)) is not None:
            return cast("Study", entry.load())
    raise ConfigError(f"no study is called {name!r}: known are {', '.join(study_names())}")


def make_params(study: Study, settings: Mapping[str, object]) -> Any:
    """Return a study's parameters from outside settings, every value checked.

    Raises
    ------
    ConfigError
        A setting is unknown or out of its range; the message names it.
    """
    unknown = sorted(set(settings) - set(study.Params.__struct_fields__))
    if unknown:
        known = ", ".join(study.Params.__struct_fields__) or "none"
        raise ConfigError(f"{study.TITLE} has no setting {', '.join(unknown)}: it has {known}")
    try:
        return from_plain(settings, study.Params, strict=False)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{study.TITLE} cannot be set so: {error}") from None


def encode_state(state: Any) -> bytes:
    """Return a study's state as bytes."""
    return msgspec.msgpack.encode(state)


def decode_state(study: Study, data: bytes) -> Any:
    """Return the state that `encode_state` wrote.

    Raises
    ------
    DataError
        The bytes are no state of that study.
    """
    try:
        return from_msgpack(data, study.State)
    except msgspec.MsgspecError as error:
        raise DataError(f"these {len(data)} bytes are no state of {study.TITLE}: {error}") from None
