"""One tape of one file while it is read: counted, freed of duplicates, and gathered into blocks for the store."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from footloom.core.instrument import Instrument
from footloom.core.messages import Gap
from footloom.core.trades import FLAG_NO_ID, FLAG_NO_RECV, I64, Trades
from footloom.feeds._import_grids import DECIMALS, Chosen
from footloom.feeds._import_ids import Hole, IdRuns
from footloom.feeds._import_report import Drop, GapReport, TapeReport
from footloom.importers import Dropped, Rows
from footloom.store import Storable

__all__ = ("ROWS_A_PART", "Ready", "Tally", "add_counts", "add_drops", "gaps_of", "iso")

ROWS_A_PART = 1 << 20
_GAPS_SHOWN = 1_000
_GAPS_STORED = 5_000  # with more holes than that the ids are sparse by nature: one gap over all says it
_SAFE = 2**62
DUPLICATE, CONFLICT = "duplicate id", "duplicate id with other values"
_HOUR_NS = 3_600_000_000_000
_SURE_ROWS, _SURE_STEPS = 1_000, 10  # fewer prices may stand on a coarser step by chance


class Ready(NamedTuple):
    """Rows for the store, and the lines ``[first, stop)`` of the file that they were read from."""

    block: Storable
    lines: tuple[int, int]
    gaps: tuple[Gap, ...] = ()


class Tally:
    """Counts one tape and hands on its rows, a million at a time."""

    def __init__(self, chosen: Chosen, tape: str, *, ids: bool, holes: bool = True) -> None:
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
        )
        self.id_runs = IdRuns() if ids else None
        self.sparse = not holes  # ids that are not there are not missing
        self.duplicates: dict[str, Drop] = {}
        self._latest_ns = -1
        self._lots = {1: 0, -1: 0, 0: 0}
        self._rows = {1: 0, -1: 0, 0: 0}
        self._own_tick = chosen.tick_from.startswith(DECIMALS)
        self._prices = (0, 0, 0)  # greatest common step in ticks, least and greatest price
        self._held: list[Trades] = []
        self._held_rows = 0
        self._first_line = self._next_line = 0

    @property
    def key(self) -> tuple[str, str]:
        """Venue and symbol."""
        return self.instrument.venue, self.instrument.symbol

    def add(self, rows: Rows) -> list[Ready]:
        """Count a block and return what is ready to be stored."""
        add_drops(self.report.drops, rows.dropped)
        dropped = sum(drop.count for drop in rows.dropped)
        self.report.read += len(rows.line) + dropped
        self.report.dropped += dropped
        add_counts(self.report.counted, rows.counted)
        again = self._see_ids(rows)
        self._count_order(rows)
        trades = self._trades(rows)
        line = rows.line
        if again is not None and again.any():
            self._count_duplicates(rows, again)
            trades, line = trades.take(~again), line[~again]
        self._count(trades, line)
        return self._hold(trades, line)

    def finish(self) -> list[Ready]:
        """Close the report and return the last rows, with the gaps."""
        report, instrument = self.report, self.instrument
        report.buy, report.sell, report.unknown = (instrument.qty_text(self._lots[side]) for side in (1, -1, 0))
        report.buy_rows, report.sell_rows, report.unknown_rows = (self._rows[side] for side in (1, -1, 0))
        report.first, report.last = iso(report.first_ns), iso(report.last_ns)
        holes = self.id_runs.holes() if self.id_runs and not self.sparse else []
        report.gap_count = len(holes)
        report.missing_ids = sum(hole.missing for hole in holes)
        report.gaps = [_gap_report(hole) for hole in holes[:_GAPS_SHOWN]]
        return self._flush(tuple(gaps_of(instrument.symbol, holes)))

    def coarser(self) -> str:
        """Return what to say where the tick was taken from decimals and all prices stand on a coarser one, else ""."""
        step, least, greatest = self._prices
        if not self._own_tick or step < 2 or self.report.kept < _SURE_ROWS or (greatest - least) // step < _SURE_STEPS:
            return ""
        key, tick = self.instrument.key, self.instrument.price_text(step)
        return (
            f"every price of {key} is a multiple of {tick}, while its tick {self.report.tick_size} was taken from the "
            f"decimals of the file: if {tick} is the tick, take the tape out again (footloom remove {key} --tape "
            f"{self.report.tape} --yes) and import it with --tick-size {tick}"
        )

    # Which rows carry an id that was seen before. Prints that are no market trades have ids too: theirs are not
    # missing.
    def _see_ids(self, rows: Rows) -> NDArray[np.bool_] | None:
        if self.id_runs is None or rows.trade_id is None:
            return None
        if not len(rows.other_id):
            return self.id_runs.add(rows.trade_id, rows.ts_exch_ns, rows.line)
        own = len(rows.trade_id)
        ids = np.concatenate([rows.trade_id, rows.other_id])
        times, lines = np.concatenate([rows.ts_exch_ns, rows.other_ns]), np.concatenate([rows.line, rows.other_line])
        order = np.argsort(lines, kind="stable")
        again = np.empty(len(ids), np.bool_)
        again[order] = self.id_runs.add(ids[order], times[order], lines[order])
        return again[:own]

    def _count_duplicates(self, rows: Rows, again: NDArray[np.bool_]) -> None:
        count = int(again.sum())
        self.report.duplicates += count
        self.report.dropped += count
        other = again & _differ(rows)
        for reason, mine in ((DUPLICATE, again & ~other), (CONFLICT, other)):
            if not mine.any():
                continue
            if reason in self.duplicates:
                self.duplicates[reason].count += int(mine.sum())
                continue
            first = int(np.argmax(mine))
            # The line's text is read from the file when all is done.
            self.duplicates[reason] = Drop(
                reason=reason,
                count=int(mine.sum()),
                line=int(rows.line[first]),
                text="",
                detail=_before(rows, first) + (", with other values" if reason == CONFLICT else ""),
                defect=reason == CONFLICT,
            )
            self.report.drops.append(self.duplicates[reason])

    def _count_order(self, rows: Rows) -> None:
        times = rows.ts_exch_ns
        if not len(times):
            return
        if times[0] >= self._latest_ns and bool((times[1:] >= times[:-1]).all()):
            self._latest_ns = int(times[-1])
            return
        reached = np.maximum.accumulate(np.concatenate([[self._latest_ns], times]))
        late = times < reached[:-1]
        self._latest_ns = int(reached[-1])
        self.report.out_of_order += int(late.sum())
        if late.any() and self.report.out_of_order_line is None:
            self.report.out_of_order_line = int(rows.line[np.argmax(late)])

    def _trades(self, rows: Rows) -> Trades:
        flags = np.uint8(
            (FLAG_NO_ID if rows.trade_id is None else 0) | (FLAG_NO_RECV if rows.ts_recv_ns is None else 0)
        )
        return Trades(
            instrument=self.instrument,
            ts_exch_ns=rows.ts_exch_ns,
            price_tick=rows.price_tick,
            qty_lot=rows.qty_lot,
            side=rows.side,
            trade_id=rows.line if rows.trade_id is None else rows.trade_id,
            ts_recv_ns=rows.ts_exch_ns if rows.ts_recv_ns is None else rows.ts_recv_ns,
            flags=np.full(len(rows.line), flags, np.uint8),
            tape=rows.tape,
        )

    def _count(self, trades: Trades, line: I64) -> None:
        report = self.report
        report.kept += len(trades)
        if not len(trades):
            return
        first, last = int(trades.ts_exch_ns.min()), int(trades.ts_exch_ns.max())
        report.first_ns = first if report.first_ns is None else min(first, report.first_ns)
        report.last_ns = last if report.last_ns is None else max(last, report.last_ns)
        self._count_sides(trades)
        if self._own_tick:
            step, least, greatest = self._prices if self._prices[0] else (0, int(trades.price_tick[0]), 0)
            low, high = int(trades.price_tick.min()), int(trades.price_tick.max())
            step = math.gcd(step, int(np.gcd.reduce(trades.price_tick)))
            self._prices = (step, min(least, low), max(greatest, high))
        if not trades.flags[0] & FLAG_NO_RECV:
            self._count_receipts(trades.ts_recv_ns - trades.ts_exch_ns, line)

    # By sums of all, of all with sides and of all by their signs: three times as fast as a mask for each side.
    def _count_sides(self, trades: Trades) -> None:
        side, qty = trades.side, trades.qty_lot
        if int(qty.max()) > _SAFE // len(qty):
            side, qty = side.astype(object), qty.astype(object)  # integers without bounds
        rows, known, signed = len(side), int(abs(side).sum()), int(side.sum())
        lots, signed_lots = int(qty.sum()), int((qty * side).sum())
        known_lots = lots if known == rows else int((qty * abs(side)).sum())
        for counts, all_, sided, net in (
            (self._rows, rows, known, signed),
            (self._lots, lots, known_lots, signed_lots),
        ):
            counts[1] += (sided + net) // 2
            counts[-1] += (sided - net) // 2
            counts[0] += all_ - sided

    def _count_receipts(self, late: I64, line: I64) -> None:
        report = self.report
        least, most = int(late.min()), int(late.max())
        known = report.received_ms or (least / 1e6, most / 1e6)
        report.received_ms = (min(least / 1e6, known[0]), max(most / 1e6, known[1]))
        if least > -_HOUR_NS and most < _HOUR_NS:
            return
        odd = np.abs(late) >= _HOUR_NS
        report.received_odd += int(odd.sum())
        if report.received_odd_line is None:
            report.received_odd_line = int(line[np.argmax(odd)])

    def _hold(self, trades: Trades, line: I64) -> list[Ready]:
        if len(trades):
            self._first_line = self._first_line if self._held else int(line[0])
            self._next_line = int(line[-1]) + 1
            self._held.append(trades)
            self._held_rows += len(trades)
        return self._flush(()) if self._held_rows >= ROWS_A_PART else []

    def _flush(self, gaps: tuple[Gap, ...]) -> list[Ready]:
        if not self._held and not gaps:
            return []
        if not self._held:
            return [Ready(Trades.empty(self.instrument, self.report.tape), (0, 0), gaps)]
        trades, self._held, self._held_rows = Trades.concat(self._held), [], 0
        return [Ready(trades, (self._first_line, self._next_line), gaps)]


def add_drops(drops: list[Drop], new: list[Dropped]) -> None:
    """Add the drops of a block to those of the blocks before it: the first example stays."""
    for drop in new:
        known = next((one for one in drops if one.reason == drop.reason), None)
        if known is None:
            drops.append(Drop(**dataclasses.asdict(drop)))
        else:
            known.count += drop.count


def add_counts(counts: dict[str, int], new: Mapping[str, int]) -> None:
    """Add the counts of a block to those of the blocks before it."""
    for what, count in new.items():
        counts[what] = counts.get(what, 0) + count


def iso(ts_ns: int | None) -> str:
    """Return a time as text, with the decimals of ns that it needs."""
    if ts_ns is None:
        return ""
    seconds, rest = divmod(ts_ns, 1_000_000_000)
    decimals = f"{rest:09d}".rstrip("0").ljust(3, "0")
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{decimals}Z"


def _differ(rows: Rows) -> NDArray[np.bool_]:
    # Which rows have an earlier row of the block with their id, and other values than that.
    differ = np.zeros(len(rows.line), np.bool_)
    if rows.trade_id is not None:
        order = np.argsort(rows.trade_id, kind="stable")
        left, right = order[:-1], order[1:]
        columns = (rows.ts_exch_ns, rows.price_tick, rows.qty_lot, rows.side)
        other = np.logical_or.reduce([column[left] != column[right] for column in columns])
        differ[right] = other & (rows.trade_id[left] == rows.trade_id[right])
    return differ


def _before(rows: Rows, at: int) -> str:
    # Where the id stood before, if that is in the same block.
    if rows.trade_id is None:
        return ""
    earlier = np.flatnonzero(rows.trade_id[:at] == rows.trade_id[at])
    where = f"on line {int(rows.line[earlier[0]])}" if len(earlier) else "earlier in the file"
    return f"id {int(rows.trade_id[at])} stands {where} already"


def _gap_report(hole: Hole) -> GapReport:
    return GapReport(missing=hole.missing, **hole._asdict())


def gaps_of(symbol: str, holes: list[Hole]) -> list[Gap]:
    cause = "missing ids"
    if len(holes) > _GAPS_STORED:
        missing = sum(hole.missing for hole in holes)
        return [Gap(symbol=symbol, from_ns=holes[0].from_ns, to_ns=holes[-1].to_ns, cause=cause, missing=missing)]
    return [
        Gap(
            symbol=symbol,
            from_ns=min(h.from_ns, h.to_ns),
            to_ns=max(h.from_ns, h.to_ns),
            cause=cause,
            missing=h.missing,
        )
        for h in holes
    ]
