"""What a study says, as it is shown in a notebook: its columns in prices and quantities beside the bars' times."""

from __future__ import annotations

import datetime as dt
import functools
import html
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

from footloom.core.footprint import Footprint
from footloom.core.sessions import calendar
from footloom.engine.studies import StudyFold
from footloom.errors import ConfigError
from footloom.studies import Answer

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

__all__ = ("Part", "StudyResult")

Part = Literal["bars", "cells", "events"]

_SHOWN = 12
_TIMES = ("open_ns", "close_ns")


class StudyResult:
    """The answer of one study over the bars of a chart.

    ``answer`` holds its columns as integers and floats (`footloom.studies.Answer`); `rows`, `events` and the tables
    give them in prices and quantities.
    """

    def __init__(self, fold: StudyFold, footprint: Footprint, answer: Answer) -> None:
        self.name = fold.name
        self.title = fold.study.TITLE
        self.footprint = footprint
        self.answer = answer
        self._fold = fold

    def __repr__(self) -> str:
        footprint = self.footprint
        return f"<{self.title} of {footprint.instrument.key} {footprint.bar_rule}: {len(footprint):,} bars>"

    def __len__(self) -> int:
        return len(self.footprint)

    @functools.cached_property
    def _tables(self) -> dict[str, pa.Table]:
        from footloom.engine.study_tables import study_tables

        return study_tables(self._fold, self.footprint, self.answer)

    def to_arrow(self, part: Part = "bars") -> pa.Table:
        """Return one row a bar, a level (``cells``) or an event as an Arrow table, prices and quantities exact.

        Raises
        ------
        ConfigError
            The study has no such part.
        """
        if part not in self._tables:
            raise ConfigError(f"{self.title} has no {part}: it has {', '.join(self._tables)}")
        return self._tables[part]

    def to_polars(self, part: Part = "bars") -> pl.DataFrame:
        """Return the same as a polars frame.

        Raises
        ------
        ConfigError
            The study has no such part, or polars is not installed.
        """
        from footloom.notebook.frames import to_polars

        return to_polars(self.to_arrow(part))

    def rows(self) -> list[dict[str, Any]]:
        """Return one dict a bar: its times and columns; prices and quantities exact text, undefined None."""
        return self._dicts("bars")

    def events(self) -> list[dict[str, Any]]:
        """Return one dict an event, with the times of the bar at whose close it is known."""
        return self._dicts("events")

    def cells(self) -> list[dict[str, Any]]:
        """Return one dict a level, with its bar's ``open_ns`` and its price; none where it says nothing of levels."""
        return self._dicts("cells")

    def _dicts(self, part: Part) -> list[dict[str, Any]]:
        if part not in self._tables:
            return []
        return [{name: _plain(value) for name, value in row.items()} for row in self._tables[part].to_pylist()]

    def _repr_html_(self) -> str:
        rows = self.rows()[-_SHOWN:]
        zone = calendar(self.footprint.instrument.calendar).zone
        names = [name for name in rows[0] if name not in _TIMES] if rows else []
        head = "".join(f"<th>{html.escape(name)}</th>" for name in (f"open time ({zone.key})", *names))
        lines = []
        for row in rows:
            opened = dt.datetime.fromtimestamp(row["open_ns"] // 10**9, zone)
            cells = "".join(f"<td>{html.escape(_short(row[name]))}</td>" for name in names)
            lines.append(f"<tr><td>{opened:%Y-%m-%d %H:%M:%S}</td>{cells}</tr>")
        body = "".join(lines)
        table = f'<table style="text-align:right"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
        return f"<div>{table}<p>{html.escape(repr(self))}</p></div>"


def _plain(value: Any) -> Any:
    return f"{value:f}" if isinstance(value, Decimal) else value


def _short(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)
