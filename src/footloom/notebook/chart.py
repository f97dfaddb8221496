"""A chart in Python: a table, a picture, and the columns behind them."""

from __future__ import annotations

import dataclasses
import html
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

from footloom.core.footprint import Footprint
from footloom.core.trades import Trades
from footloom.engine.beside import Units, stored_tapes
from footloom.engine.build import build_footprint
from footloom.engine.export import bar_rows
from footloom.engine.frame import ChartFrame
from footloom.engine.studies import StudyFold, counting
from footloom.errors import ConfigError
from footloom.kernels.facts import in_order
from footloom.notebook.study import StudyResult

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

__all__ = ("Chart",)

_STUDIES = ("delta", "cvd", "poc", "value_area", "imbalance")
_COLUMNS = {
    "delta": ("delta", "min_delta", "max_delta"),
    "cvd": ("cvd",),
    "poc": ("poc",),
    "value_area": ("vah", "val", "vah_edge"),
    "imbalance": (),
}
_SHOWN = 12  # bars in a notebook's picture and table
_ALWAYS = (
    "open_ns",
    "close_ns",
    "open",
    "high",
    "low",
    "close",
    "buy",
    "sell",
    "unknown",
    "trades",
    "coverage",
    "quote_share",
)


class Chart:
    """Bars, cells and studies of one tape.

    ``frame`` holds everything as integer columns; the methods give it to people and programs in prices and quantities.
    ``trades`` is the tape that it was made of, in order: studies that read trades count in it.
    """

    def __init__(self, frame: ChartFrame, studies: tuple[str, ...] = _STUDIES, *, trades: Trades | None = None) -> None:
        self.frame = frame
        self.studies = studies
        self._trades = trades

    def __repr__(self) -> str:
        footprint = self.frame.footprint
        what = f"{footprint.instrument.key} {footprint.bar_rule}, {footprint.ticks_per_level} ticks a level"
        return f"<Chart {what}: {len(self.frame):,} bars>"

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def footprint(self) -> Footprint:
        """The bars and cells, integer columns."""
        return self.frame.footprint

    def with_studies(self, *names: str) -> Self:
        """Return the same chart showing these studies: delta, cvd, poc, value_area, imbalance.

        Raises
        ------
        ConfigError
            There is no such study.
        """
        unknown = sorted(set(names) - set(_STUDIES))
        if unknown:
            raise ConfigError(f"no study is called {', '.join(unknown)}: known are {', '.join(_STUDIES)}")
        return type(self)(self.frame, names, trades=self._trades)

    def study(self, name: str, *, companions: Sequence[Trades] = (), **settings: object) -> StudyResult:
        """Return what a study says of these bars; ``settings`` are its parameters (see ``docs/studies``).

        ``companions`` are the trades of the other symbols that it reads, where it names any.

        Raises
        ------
        ConfigError
            There is no such study or setting, the study reads trades and the chart was made without them, or it names
            a symbol that is not among the ``companions``.

        Examples
        --------
        >>> import footloom as fl
        >>> chart = fl.footprint(fl.load_trades("sim:PERP", "2026-03-02", "2026-03-02T01:00"), bars="5m")
        >>> chart.study("vwap", reset="day")
        <VWAP of sim:PERP 5m: 12 bars>
        """
        fold = StudyFold(name, settings)
        footprint = self.footprint
        count = counting([fold])
        if count is not None and self._trades is not None:
            made = build_footprint(self._trades, footprint.bar_rule, footprint.ticks_per_level, count=count)
            footprint = dataclasses.replace(footprint, prints=made.prints)
        _join(fold, footprint, companions)
        return StudyResult(fold, footprint, fold.update(footprint))

    def to_rows(self) -> list[dict[str, Any]]:
        """Return one dict a bar, numbers as exact text, with the columns of the chosen studies and the levels."""
        wanted = {*_ALWAYS, "levels", *(column for study in self.studies for column in _COLUMNS[study])}
        return [{name: value for name, value in row.items() if name in wanted} for row in bar_rows(self.frame)]

    def to_arrow(self) -> pa.Table:
        """Return one row a level: bar (open time UTC), level, price, buy, sell, unknown, delta and trades; exact."""
        import pyarrow as pa

        from footloom.engine.tables import levels_table

        table = levels_table(self.frame, "" if self._trades is None else self._trades.tape)
        facts = table.schema.metadata
        opens = table.column("open_ns").cast(pa.timestamp("ns", tz="UTC"))
        return table.set_column(0, "bar", opens).replace_schema_metadata(facts)

    def to_polars(self) -> pl.DataFrame:
        """Return `to_arrow` as a polars frame.

        Raises
        ------
        ConfigError
            polars is not installed.
        """
        from footloom.notebook.frames import to_polars

        return to_polars(self.to_arrow())

    def to_svg(self, bars: int = _SHOWN) -> str:
        """Return a picture of the last ``bars`` bars as SVG text."""
        from footloom.notebook.picture import picture

        return picture(self.frame.slice(max(0, len(self.frame) - bars), len(self.frame)), studies=self.studies)

    def show(self) -> Self:
        """Return the chart itself, which a notebook shows as its picture."""
        return self

    def _repr_html_(self) -> str:
        if not len(self):
            return f"<p>{html.escape(repr(self))}</p>"
        from footloom.notebook.table import table

        recent = self.frame.slice(len(self.frame) - min(len(self.frame), _SHOWN), len(self.frame))
        return f"<div>{self.to_svg(_SHOWN)}{table(recent, self.studies)}<p>{html.escape(repr(self))}</p></div>"


def _join(fold: StudyFold, footprint: Footprint, companions: Sequence[Trades]) -> None:
    tapes = {one.instrument.key: in_order(one) for one in companions}
    wanted = fold.companions_of(footprint.instrument)
    missing = [key for key in wanted if key not in tapes]
    if missing:
        raise ConfigError(
            f"{fold.study.TITLE} reads {', '.join(missing)} too: give its trades, such as "
            f'companions=[load_trades("{missing[0]}", ...)]'
        )
    if wanted:
        units = Units.of(footprint.instrument, [tapes[key].instrument for key in wanted])
        fold.tapes = stored_tapes(units, lambda key, lo, hi: tapes[key].between(lo, hi), lambda *_asked: ())
