"""Rows that charts read, from what is kept packed of the store (`footloom.store.kept_parts`), piece by piece."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

import numpy as np

from footloom.bars import parse_rule
from footloom.core.footprint import Footprint
from footloom.core.instrument import Instrument
from footloom.core.sessions import Calendar, calendar
from footloom.core.trades import FLAG_INFERRED, FLAG_NO_ID, Trades
from footloom.engine.minute_cells import holds_minutes, minute_cells, runs_of_cells
from footloom.engine.seed_bars import SeedBars, seed_of_cells, seed_of_sessions
from footloom.engine.spec import ChartSpec
from footloom.engine.unseen import unseen
from footloom.errors import NotStored
from footloom.kernels.fold import Count
from footloom.server.stored.abandon import checkpoint
from footloom.server.stored.kept_cells import KeptCells
from footloom.store import Store
from footloom.store.kept_parts import KeptParts, Run
from footloom.store.medium import PartGone

__all__ = ("KeptRows", "Tape")

Read = Callable[[str, str, int, int], Trades]

_ENDS: Final = (-(2**62), 2**62)


class Tape:
    """Trades of a range in the ordering key, as they stood when they were asked for; nothing is unpacked before.

    Parameters
    ----------
    grid
        The instrument whose ticks and lots they are read in.
    tape
        Its name.
    runs
        Neighbouring runs of rows.
    span
        ``[from_ns, to_ns)``: what lies outside is left out.
    before
        Reads what stands before the runs, anew each time: of a long range only its end is held.
    older
        Returns the one-minute bars of that in a step; None where they are not kept.
    """

    def __init__(
        self,
        grid: Instrument,
        tape: str,
        runs: Sequence[Run],
        span: tuple[int, int] = _ENDS,
        before: Callable[[], Iterable[Trades]] | None = None,
        older: Callable[[int], list[Footprint] | None] = lambda _step: None,
    ) -> None:
        self.grid, self.tape = grid, tape
        self._span, self._before, self._older = span, before, older
        self._runs = [run for run in runs if len(run)]

    def __iter__(self) -> Iterator[Trades]:
        for rows in () if self._before is None else self._before():
            checkpoint()
            yield rows.on_grid(self.grid)
        if self._runs:
            yield from self.newest_days()

    def newest_days(self) -> Iterator[Trades]:
        """Yield what is held: all trades, or those of the last days of a long range; all where it holds none."""
        if not self._runs:
            yield from self
        for run in self._runs:
            checkpoint()
            rows = self._cut(run, *self._span)
            if len(rows):
                yield rows

    def minutes(self, cells: KeptCells, ticks_per_level: int) -> tuple[list[Footprint], tuple[int, int]] | None:
        """Return one-minute bars of all trades, and the key of the newest; None where they are read from the trades.

        They come in parts, in one step that divides ``ticks_per_level``.
        """
        if not any(not isinstance(run, Trades) for run in self._runs):
            return None
        step = cells.step_for(self.grid, ticks_per_level)
        older = [] if self._before is None else self._older(step)
        if older is None:
            return None
        parts = list(older)
        newest: tuple[int, int] | None = None
        for run in self._runs:
            checkpoint()
            if not isinstance(run, Trades) and self._span[0] <= run.first[0] and run.last[0] < self._span[1]:
                made, newest = cells.of(run, self.grid, step), run.last
                if made is None:
                    return None
                parts.append(made)
            elif len(rows := self._cut(run, *self._span)):
                parts.append(minute_cells(rows, step))
                newest = (rows.ts_exch_ns.item(-1), rows.trade_id.item(-1))
        return None if newest is None else (parts, newest)

    def by_session(self, market: Calendar) -> list[Tape]:
        """Return these trades in two tapes where a session begins among them, the newest that does."""
        if self._before is not None or not self._runs:
            return [self]
        from_ns, to_ns = self._span
        opened_ns = market.session_of(min(_last_ns(self._runs[-1]), to_ns - 1))[0]
        before = [run for run in self._runs if _first_ns(run) < opened_ns]
        since = [run for run in self._runs if _last_ns(run) >= opened_ns]
        if opened_ns <= from_ns or not before or not since:
            return [self]
        return [
            Tape(self.grid, self.tape, before, (from_ns, opened_ns)),
            Tape(self.grid, self.tape, since, (opened_ns, to_ns)),
        ]

    def behind(self, before: Callable[[], Iterable[Trades]], older: Callable[[int], list[Footprint] | None]) -> Tape:
        """Return these trades behind others, which are read each time."""
        return Tape(self.grid, self.tape, self._runs, self._span, before, older)

    def whole(self) -> Trades:
        """Return all of them at once."""
        return Trades.concat([Trades.empty(self.grid, self.tape), *self])

    def since(self, from_ns: int) -> Trades:
        """Return the rows that are held from a time on."""
        begin_ns = max(from_ns, self._span[0])
        late = [run for run in self._runs if _last_ns(run) >= begin_ns]
        return Trades.concat(
            [Trades.empty(self.grid, self.tape), *(self._cut(run, begin_ns, self._span[1]) for run in late)]
        )

    def unseen(self, trades: Trades) -> Trades:
        """Return the rows of ``trades`` that are not among these (`footloom.engine.unseen`)."""
        if not self._runs or not len(trades):
            return trades
        if np.any(trades.flags & (FLAG_NO_ID | FLAG_INFERRED)):
            newest_ns = max(map(self._newest_recv_ns, self._runs))
            # What lies behind the range was not read, though a late row that came after it was.
            return trades.take((trades.ts_recv_ns > newest_ns) | (trades.ts_exch_ns >= self._span[1]))
        return unseen(trades, self.since(int(trades.ts_exch_ns.min())))

    def _newest_recv_ns(self, run: Run) -> int:
        if not isinstance(run, Trades) and run.first[0] >= self._span[0] and run.last[0] < self._span[1]:
            return run.newest_recv_ns
        rows = self._cut(run, *self._span)
        return int(rows.ts_recv_ns.max()) if len(rows) else _ENDS[0]

    def _cut(self, run: Run, from_ns: int, to_ns: int) -> Trades:
        rows = run.on_grid(self.grid) if isinstance(run, Trades) else run.trades(self.grid)
        ts = rows.ts_exch_ns
        return rows if from_ns <= ts[0] and ts[-1] < to_ns else rows.between(from_ns, to_ns)


def _first_ns(run: Run) -> int:
    return run.ts_exch_ns.item(0) if isinstance(run, Trades) else run.first[0]


def _last_ns(run: Run) -> int:
    return run.ts_exch_ns.item(-1) if isinstance(run, Trades) else run.last[0]


class KeptRows:
    """The tapes of a store, for charts. Safe to call from any thread.

    Where what the store lies in can be read part by part, what was decoded is kept.

    Parameters
    ----------
    store
        What is read.
    read
        Returns the rows of a key, tape and range ``[from_ns, to_ns)``, in time order.
    pieces
        Returns the same in neighbouring pieces.
    """

    def __init__(self, store: Store, read: Read, pieces: Callable[[str, str, int, int], Iterable[Trades]]) -> None:
        self._store, self._read, self._pieces = store, read, pieces
        self._cells = KeptCells()
        medium = getattr(store, "medium", None)  # a store may be anything that keeps the contract
        self.parts = None if medium is None else KeptParts(medium)

    def holds(self, rows: int) -> bool:
        """Say whether so many rows are kept once they were read."""
        return self.parts is not None and self.parts.holds(rows)

    def kept(self, key: str, tape: str, from_ns: int, to_ns: int, grid: Instrument) -> Tape | None:
        """Return the rows of ``[from_ns, to_ns)`` from what is kept; None where that range is not."""
        if self.parts is None:
            return None
        try:
            found = self.parts.runs(key, tape, from_ns, to_ns)
        except NotStored:
            return Tape(grid, tape, ())
        return None if found is None else Tape(grid, tape, found[1], (from_ns, to_ns))

    def bars(
        self, rows: Tape | Iterable[Trades], instrument: Instrument, spec: ChartSpec, count: Count | None = None
    ) -> SeedBars | None:
        """Return the bars of rows, from kept cells where these say the same; None without a trade.

        ``count`` is what studies count in the trades themselves.
        """
        rule, market, step = parse_rule(spec.bars), calendar(instrument.calendar), spec.ticks_per_level
        if isinstance(rows, Tape) and rows.grid == instrument and count is None and holds_minutes(rule):
            cells = rows.minutes(self._cells, step)
            found = None if cells is None else seed_of_cells(cells[0], rule, step, cells[1])
            if found is not None:
                return found
        parts = rows.by_session(market) if isinstance(rows, Tape) else [rows]
        pieces = [(piece.on_grid(instrument) for piece in part) for part in parts]
        return seed_of_sessions(pieces, rule, market, step, count)

    def runs(
        self, asked: tuple[str, str, int, int], instrument: Instrument, spec: ChartSpec, pieces: Iterable[Trades]
    ) -> Iterator[Footprint] | None:
        """Return the bars of a key, tape and range, whose trades ``pieces`` are, in runs, each bar once and whole.

        None where only the trades can say them.
        """
        rule, step = parse_rule(spec.bars), spec.ticks_per_level
        if not holds_minutes(rule):
            return None
        if not isinstance(pieces, Tape):
            cells = self.minutes(*asked, instrument, self._cells.step_for(instrument, step))
        else:
            found = pieces.minutes(self._cells, step) if pieces.grid == instrument else None
            cells = None if found is None else found[0]
        return runs_of_cells(cells, rule, step) if cells else None

    def footprint(
        self, asked: tuple[str, str, int, int], instrument: Instrument, spec: ChartSpec, pieces: Iterable[Trades]
    ) -> Footprint | None:
        """Return the same bars at once; None without a trade."""
        runs = self.runs(asked, instrument, spec, pieces)
        if runs is not None:
            return Footprint.concat([run for run in runs if len(run)])
        found = self.bars(pieces, instrument, spec)
        return None if found is None else found.bars

    def between(self, key: str, tape: str, from_ns: int, to_ns: int, grid: Instrument) -> Tape:
        """Return the rows of ``[from_ns, to_ns)``; of a range that is longer than what is kept only its end is held."""
        held_ns = self._held_from_ns(key, tape, from_ns, to_ns)
        end = self.kept(key, tape, held_ns, to_ns, grid)
        if end is None:
            end = Tape(grid, tape, (self._read(key, tape, held_ns, to_ns).on_grid(grid),), (held_ns, to_ns))
        if held_ns <= from_ns:
            return end
        asked = (key, tape, from_ns, held_ns)
        return end.behind(lambda: self._pieces(*asked), lambda step: self.minutes(*asked, grid, step))

    def minutes(
        self, key: str, tape: str, from_ns: int, to_ns: int, grid: Instrument, step: int
    ) -> list[Footprint] | None:
        """Return the one-minute bars of a range whose rows need not be kept; None where its trades have to be read."""
        try:
            found = None if self.parts is None else self.parts.stretches(key, tape, from_ns, to_ns)
            made = [self._cells.of_stretch(one, grid, step) for one in found] if found else None
        except (NotStored, PartGone):
            return None
        return None if made is None or None in made else [one for one in made if one is not None]

    # From when on the days of a range hold no more rows than are kept. Sides that are inferred follow from rows before
    # them: those are read as a whole.
    def _held_from_ns(self, key: str, tape: str, from_ns: int, to_ns: int) -> int:
        if self.parts is None or tape == "snapshot":
            return from_ns
        days = [row for row in self._store.coverage(key) if row.tape == tape and row.first_ns is not None]
        rows, held_ns = 0, to_ns
        for day in sorted(days, key=lambda row: row.first_ns or 0, reverse=True):
            if (day.first_ns or 0) >= to_ns or (day.last_ns or 0) < from_ns:
                continue
            rows += day.rows
            if not self.parts.holds(rows):
                return held_ns
            held_ns = min(held_ns, day.first_ns or 0)
        return from_ns
