"""What a table says of itself: the facts in its schema's metadata, so that a file is understood without its writer."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from footloom.core.arrow import arrow_of
from footloom.core.instrument import Instrument
from footloom.errors import DataError
from footloom.typed import from_json

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ("FACTS", "Facts", "facts_of", "read_facts", "stamped")

FACTS = b"footloom"  # the key in the schema's metadata; its value is JSON


class Facts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the rows of a table are, and what their numbers mean.

    ``what`` is trades, snapshots, bars, levels or study. ``spec`` holds the settings of the chart, ``params`` those of
    the study; ``part`` is bars, cells or events. ``latency_ns`` was added to the exchange's time where nobody recorded
    the receipt (event files only).
    """

    what: str
    version: str
    instrument: Instrument
    tape: str = ""
    bars: str = ""
    ticks_per_level: int | None = None
    spec: dict[str, Any] = msgspec.field(default_factory=dict)
    study: str = ""
    part: str = ""
    params: dict[str, Any] = msgspec.field(default_factory=dict)
    latency_ns: int | None = None


def facts_of(what: str, instrument: Instrument, **more: Any) -> Facts:
    """Return the facts of a table that this version of footloom makes."""
    return Facts(what=what, version=importlib.metadata.version("footloom"), instrument=instrument, **more)


def stamped(columns: Mapping[str, Any], facts: Facts) -> pa.Table:
    """Return columns, of Arrow or of numbers, as a table that carries its facts."""
    import pyarrow as pa

    arrays = [arrow_of(column) if isinstance(column, np.ndarray) else column for column in columns.values()]
    return pa.Table.from_arrays(arrays, list(columns)).replace_schema_metadata({FACTS: msgspec.json.encode(facts)})


def read_facts(metadata: Mapping[bytes, bytes] | None) -> Facts | None:
    """Return the facts that a schema carries; None where footloom did not write it.

    Raises
    ------
    DataError
        There are facts, but they cannot be read.
    """
    held = (metadata or {}).get(FACTS)
    if held is None:
        return None
    try:
        return from_json(held, Facts)
    except msgspec.MsgspecError as error:
        raise DataError(f"the table's own description cannot be read: {error}; give the instrument yourself") from None
