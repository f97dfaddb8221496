"""What a study says, as Arrow tables: prices and quantities exact, undefined values null."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from footloom.core.arrow import arrow_of, text_of
from footloom.core.footprint import Footprint
from footloom.engine.exact import decimal_array
from footloom.engine.studies import StudyFold
from footloom.engine.table_facts import facts_of, stamped
from footloom.studies import NONE, Answer, Column

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ("PARTS", "study_tables")

PARTS = ("bars", "cells", "events")


def study_tables(fold: StudyFold, footprint: Footprint, answer: Answer, tape: str = "") -> dict[str, pa.Table]:
    """Return the tables of an answer that have columns: ``bars``, ``cells``, ``events``.

    ``bars`` has one row a bar and begins with ``open_ns`` and ``close_ns``; ``cells`` one row a level, with
    ``open_ns``, ``level`` and ``price``; ``events`` one row an event, with ``open_ns`` and ``close_ns`` of the bar at
    whose close it is known. The study's own columns keep their names: whole ticks, rows (by their low edge) and lots
    become exact decimals, fractions of them float64 prices and quantities; what is undefined is null.
    """
    bars, levels = footprint.bars, footprint.levels
    times = {"open_ns": bars.open_ns, "close_ns": bars.close_ns}
    heads: dict[str, dict[str, Any]] = {"bars": times, "cells": {}, "events": {}}
    if answer.cells:
        heads["cells"] = {
            "open_ns": np.repeat(bars.open_ns, np.diff(footprint.level_offset)),
            "level": levels.row,
            "price": decimal_array(levels.row * footprint.ticks_per_level, footprint.instrument.tick_size),
        }
    if answer.events:
        heads["events"] = {name: column[answer.events["bar"]] for name, column in times.items()}
    units = {column: output.unit for output in fold.study.OUTPUTS for column in output.columns}
    steps = _steps(fold, footprint)
    tables = {}
    for part in PARTS:
        own = {name: column for name, column in getattr(answer, part).items() if (part, name) != ("events", "bar")}
        if own or (part == "events" and answer.events):
            columns = {name: _column(column, steps.get(units.get(name, ""))) for name, column in own.items()}
            tables[part] = _stamped(heads[part] | columns, part, fold, footprint, tape)
    return tables


def _stamped(columns: dict[str, Any], part: str, fold: StudyFold, footprint: Footprint, tape: str) -> pa.Table:
    facts = facts_of(
        "study",
        footprint.instrument,
        tape=tape,
        bars=footprint.bar_rule,
        ticks_per_level=footprint.ticks_per_level,
        study=fold.name,
        part=part,
        params=msgspec.to_builtins(fold.params),
    )
    return stamped(columns, facts)


def _steps(fold: StudyFold, footprint: Footprint) -> dict[str, Decimal]:
    instrument = footprint.instrument
    return {
        "tick": instrument.tick_size,
        "row": instrument.tick_size * footprint.ticks_per_level,
        "lot": instrument.lot_size,
        **fold.steps(instrument),
    }


def _column(column: Column, step: Decimal | None) -> pa.Array:
    if column.dtype.kind == "f":
        return arrow_of(_scaled(column, step), np.isnan(column))
    if column.dtype.kind not in "iu":
        return arrow_of(column) if column.dtype.kind == "b" else text_of(column.tolist())
    valid = column != NONE
    if step is not None and column.dtype == np.int64:  # narrower ones are codes and flags beside what has the unit
        return decimal_array(column, step, None if valid.all() else valid)
    return arrow_of(column, ~valid)


def _scaled(column: Column, step: Decimal | None) -> Column:
    # One multiplication and one division, both by whole numbers: the nearest float where the unit is a power of ten.
    if step is None:
        return column
    top, bottom = step.as_integer_ratio()
    scaled: Column = column * top / bottom
    return scaled
