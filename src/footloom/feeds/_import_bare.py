"""A tape whose rows are no trades while it is read from a file: snapshots and finished footprints."""

from __future__ import annotations

import numpy as np

from footloom.core.instrument import Instrument
from footloom.core.messages import Gap
from footloom.core.trades import I64
from footloom.feeds._import_grids import Chosen
from footloom.feeds._import_report import GapReport, TapeReport
from footloom.feeds._import_tally import ROWS_A_PART, Ready, add_counts, add_drops, iso
from footloom.importers import BareRows, Rows, Silence
from footloom.store.columns import Columns, block_of, concat, form_of

__all__ = ("BareTally", "places_of")

_GAPS_SHOWN = 1_000


def places_of(rows: Rows | BareRows) -> tuple[I64, I64]:
    """Return the decimals of the prices and of the quantities of rows that were read without a grid."""
    if isinstance(rows, Rows):
        return rows.price_tick, rows.qty_lot
    form = form_of(rows.tape)
    nothing = np.zeros(1, np.int64)
    of_prices = [rows.columns[name] for name in form.ticks if name in rows.columns]
    of_lots = [rows.columns[name] for name in form.lots if name in rows.columns]
    return np.concatenate([nothing, *of_prices]), np.concatenate([nothing, *of_lots])


class BareTally:
    """Counts one such tape and hands on its rows, a million at a time.

    The rows have no ids: in the store, each is known by its number among the rows that were kept.
    """

    def __init__(self, chosen: Chosen, tape: str) -> None:
        self.instrument: Instrument = chosen.instrument
        self.report = TapeReport(
            instrument=chosen.instrument.key,
            tape=tape,
            tick_size=f"{chosen.instrument.tick_size:f}",
            lot_size=f"{chosen.instrument.lot_size:f}",
            tick_from=chosen.tick_from,
            lot_from=chosen.lot_from,
            drops=[],
            gaps=[],
            counted={},
        )
        self._form = form_of(tape)
        self._held: list[Columns] = []
        self._gaps: list[Gap] = []
        self._latest_ns = -1
        self._stored = self._held_rows = 0

    @property
    def key(self) -> tuple[str, str]:
        """Venue and symbol."""
        return self.instrument.venue, self.instrument.symbol

    def add(self, rows: BareRows) -> list[Ready]:
        """Count a block and return what is ready to be stored."""
        report = self.report
        add_drops(report.drops, rows.dropped)
        add_counts(report.counted, rows.counted)
        dropped = sum(drop.count for drop in rows.dropped)
        kept = len(rows.line) if rows.lines is None else rows.lines
        report.read += kept + dropped
        report.dropped += dropped
        report.kept += kept
        self._add_gaps(rows.gaps)
        if not len(rows.line):
            return []
        self._count_times(rows)
        self._held.append(dict(rows.columns))
        self._held_rows += len(rows.line)
        return self._flush() if self._held_rows >= ROWS_A_PART else []

    def finish(self) -> list[Ready]:
        """Close the report and return the last rows."""
        self.report.first, self.report.last = iso(self.report.first_ns), iso(self.report.last_ns)
        return self._flush()

    def _add_gaps(self, gaps: list[Silence]) -> None:
        report, symbol = self.report, self.instrument.symbol
        report.gap_count += len(gaps)
        shown = gaps[: max(0, _GAPS_SHOWN - len(report.gaps))]
        report.gaps += [GapReport(missing=0, after_id=0, before_id=0, **_without_cause(gap)) for gap in shown]
        self._gaps += [Gap(symbol=symbol, from_ns=gap.from_ns, to_ns=gap.to_ns, cause=gap.cause) for gap in gaps]

    def _count_times(self, rows: BareRows) -> None:
        report, times = self.report, rows.columns[self._form.time]
        first, last = int(times.min()), int(times.max())
        report.first_ns = first if report.first_ns is None else min(first, report.first_ns)
        report.last_ns = last if report.last_ns is None else max(last, report.last_ns)
        reached = np.maximum.accumulate(np.concatenate([[self._latest_ns], times]))
        late = times < reached[:-1]
        self._latest_ns = int(reached[-1])
        report.out_of_order += int(late.sum())
        if late.any() and report.out_of_order_line is None:
            report.out_of_order_line = int(rows.line[np.argmax(late)])

    def _flush(self) -> list[Ready]:
        if not self._held:
            return []
        columns, self._held = concat(self._held), []
        block = block_of(self._form, self.instrument, self.report.tape, columns)
        first, self._stored = self._stored, self._stored + self._held_rows
        gaps, self._gaps, self._held_rows = tuple(self._gaps), [], 0
        return [Ready(block, (first, self._stored), gaps)]


def _without_cause(gap: Silence) -> dict[str, int]:
    return {name: value for name, value in gap._asdict().items() if name != "cause"}
