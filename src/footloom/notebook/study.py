"""What a study says, as it is shown in a notebook: its columns in prices and quantities beside the bars' times."""

from __future__ import annotations

import datetime as dt
import html
from typing import Any

import numpy as np

from footloom.core.decimals import from_units
from footloom.core.footprint import Footprint
from footloom.core.sessions import calendar
from footloom.engine.studies import StudyFold
from footloom.studies import NONE, Answer, Unit

__all__ = ("StudyResult",)

_SHOWN = 12


class StudyResult:
    """The answer of one study over the bars of a chart.

    ``answer`` holds its columns as integers and floats (`footloom.studies.Answer`); `rows` and `events` give them in
    prices and quantities.
    """

    def __init__(self, fold: StudyFold, footprint: Footprint, answer: Answer) -> None:
        self.name = fold.name
        self.title = fold.study.TITLE
        self.params = fold.params
        self.footprint = footprint
        self.answer = answer
        self._units: dict[str, Unit] = {c: output.unit for output in fold.study.OUTPUTS for c in output.columns}

    def __repr__(self) -> str:
        footprint = self.footprint
        return f"<{self.title} of {footprint.instrument.key} {footprint.bar_rule}: {len(footprint):,} bars>"

    def __len__(self) -> int:
        return len(self.footprint)

    def rows(self) -> list[dict[str, Any]]:
        """Return one dict a bar: ``open_ns`` and its columns; prices and quantities exact text, undefined None."""
        return self._dicts({"open_ns": self.footprint.bars.open_ns, **self.answer.bars})

    def events(self) -> list[dict[str, Any]]:
        """Return one dict an event, with the open of the bar at whose close it is known."""
        if not self.answer.events:
            return []
        opens = self.footprint.bars.open_ns[self.answer.events["bar"]]
        return self._dicts({"open_ns": opens, **self.answer.events})

    def _dicts(self, columns: dict[str, Any]) -> list[dict[str, Any]]:
        texts = [self._values(name, column) for name, column in columns.items()]
        return [dict(zip(columns, row, strict=True)) for row in zip(*texts, strict=True)]

    def _values(self, name: str, column: Any) -> list[Any]:
        instrument, unit = self.footprint.instrument, self._units.get(name)
        if column.dtype.kind == "f":
            scale = {"tick": float(instrument.tick_size), "lot": float(instrument.lot_size)}.get(unit or "", 1.0)
            return [None if np.isnan(value) else value * scale for value in column.tolist()]
        step = {
            "tick": instrument.tick_size,
            "lot": instrument.lot_size,
            "row": instrument.tick_size * self.footprint.ticks_per_level,
        }.get(unit or "")
        values = column.tolist()
        if step is None:
            return [None if value == NONE else value for value in values]
        return [None if value == NONE else from_units(value, step) for value in values]

    def _repr_html_(self) -> str:
        rows = self.rows()[-_SHOWN:]
        zone = calendar(self.footprint.instrument.calendar).zone
        names = [name for name in rows[0] if name != "open_ns"] if rows else []
        head = "".join(f"<th>{html.escape(name)}</th>" for name in (f"open time ({zone.key})", *names))
        lines = []
        for row in rows:
            opened = dt.datetime.fromtimestamp(row["open_ns"] // 10**9, zone)
            cells = "".join(f"<td>{html.escape(_short(row[name]))}</td>" for name in names)
            lines.append(f"<tr><td>{opened:%Y-%m-%d %H:%M:%S}</td>{cells}</tr>")
        body = "".join(lines)
        table = f'<table style="text-align:right"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
        return f"<div>{table}<p>{html.escape(repr(self))}</p></div>"


def _short(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)
