"""A stored or given tape to a chart, at once; the same folds as live (`footloom.engine.builder`)."""

from __future__ import annotations

import contextvars
import itertools
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np

from footloom.bars import BarRule, parse_rule
from footloom.bars.time import TimeRule
from footloom.core.edges import Edges
from footloom.core.footprint import BAR_FINAL, BAR_GAP, Footprint
from footloom.core.messages import Gap
from footloom.core.sessions import Calendar, calendar
from footloom.core.trades import I64, U8, Trades
from footloom.engine.frame import ChartFrame
from footloom.engine.spec import ChartSpec
from footloom.kernels.facts import facts, in_order
from footloom.kernels.fold import Count, fold, fold_unseen
from footloom.studies import cvd, imbalance
from footloom.studies import value_area as areas

P = TypeVar("P")
T = TypeVar("T")

__all__ = ("build", "build_footprint", "chart_of", "gap_flags", "study", "together")


def build_footprint(
    trades: Trades, bars: str, ticks_per_level: int, threads: int = 1, count: Count | None = None
) -> Footprint:
    """Return bars and cells of a tape; rows out of the ordering key are sorted first (definitions 0.4).

    ``count`` is what studies count in the trades (`footloom.engine.studies.counting`). ``threads`` share the bars among
    them: the kernels hold no lock, and the pieces join to the same bits.
    """
    rule = parse_rule(bars)
    if threads == 1 and isinstance(rule, TimeRule) and _may_stand_in_order(trades):
        edges, _ = rule.edges(trades, calendar(trades.instrument.calendar))
        if (made := fold_unseen(trades, edges, rule.text, ticks_per_level, count)) is not None:
            return made
    ordered, market = in_order(trades), calendar(trades.instrument.calendar)

    def folded(piece: Trades) -> Footprint:
        return fold(piece, rule.edges(piece, market)[0], rule.text, ticks_per_level, count)

    if threads > 1 and not rule.sequential:
        return Footprint.concat(together(folded, _between_bars(ordered, rule, market, threads)))
    edges, _ = rule.edges(ordered, market)
    if threads == 1 or len(edges) < threads:
        return fold(ordered, edges, rule.text, ticks_per_level, count)
    shares = _shares(edges.ends, threads)
    ordered = edges.rows(ordered)
    parts = [_part(ordered, edges, share) for share in shares]
    return Footprint.concat(together(lambda part: fold(*part, rule.text, ticks_per_level, count), parts))


# Nobody knows yet, and the ends say nothing against it: the fold will see.
def _may_stand_in_order(trades: Trades) -> bool:
    ts = trades.ts_exch_ns
    return trades.noted is None and len(ts) > 0 and bool(ts[0] <= ts[-1])


def together(work: Callable[[P], T], parts: Sequence[P]) -> list[T]:
    """Do the same work with each of some parts at once, at least one: it spends its time in kernels that hold no lock.

    The caller's thread takes a part too; the others get a fresh thread each, which the system puts on an idle core.
    They run in the caller's context: where work is given up, all parts of it end.
    """
    if len(parts) == 1:
        return [work(parts[0])]
    with ThreadPoolExecutor(len(parts) - 1) as pool:
        others = [pool.submit(contextvars.copy_context().run, work, part) for part in parts[1:]]
        return [work(parts[0]), *(other.result() for other in others)]


# About as many trades each, cut where a bar begins: the time of a trade says where that is, so that even the edges are
# found by all threads.
def _between_bars(trades: Trades, rule: BarRule, market: Calendar, count: int) -> list[Trades]:
    rows = [len(trades) * part // count for part in range(1, count)] if len(trades) else []
    opens = [rule.edges(trades.take(slice(row, row + 1)), market)[0].open_ns[0] for row in rows]
    cuts = np.unique([0, *np.searchsorted(trades.ts_exch_ns, opens), len(trades)]).tolist()
    pieces = [trades.take(slice(*ends)) for ends in itertools.pairwise(cuts)] or [trades]
    for piece in pieces:
        piece.note(facts(trades))  # what holds of the whole tape holds of its parts
    return pieces


def _shares(offset: I64, count: int) -> list[slice]:
    # Whole bars, about as many trades (or levels) to each.
    wanted = np.linspace(0, offset[-1], count + 1)
    cuts = np.unique(np.searchsorted(offset, wanted))
    return [slice(int(lo), int(hi)) for lo, hi in itertools.pairwise(cuts)]


def _part(trades: Trades, edges: Edges, share: slice) -> tuple[Trades, Edges]:
    first, last = int(edges.ends[share.start]), int(edges.ends[share.stop])
    part = Edges(
        ends=edges.ends[share.start : share.stop + 1] - first,
        open_ns=edges.open_ns[share],
        close_ns=edges.close_ns[share],
        off_session=edges.off_session[share],
    )
    piece = trades.take(slice(first, last))
    piece.note(facts(trades))  # what holds of the whole tape holds of its parts
    return piece, part


def build(
    trades: Trades, spec: ChartSpec, gaps: Sequence[Gap] = (), threads: int = 1, count: Count | None = None
) -> ChartFrame:
    """Return the chart of a whole tape: every bar but the last is final.

    Raises
    ------
    ConfigError
        The spec names no bars, or a setting is out of its range.
    """
    return chart_of(build_footprint(trades, spec.bars, spec.ticks_per_level, threads, count), spec, gaps, threads)


def chart_of(footprint: Footprint, spec: ChartSpec, gaps: Sequence[Gap] = (), threads: int = 1) -> ChartFrame:
    """Return the chart of all bars of a tape: every bar but the last is final."""
    flags = footprint.bars.flags | gap_flags(footprint, gaps)
    flags[:-1] |= BAR_FINAL
    return study(footprint.with_flags(flags), spec, threads=threads)


def gap_flags(footprint: Footprint, gaps: Sequence[Gap]) -> I64:
    """Return `BAR_GAP` for every bar that a gap touches, else 0; int64 (n_bars,)."""
    flags = np.zeros(len(footprint), np.int64)
    for gap in gaps:
        touched = (footprint.bars.open_ns < max(gap.to_ns, gap.from_ns + 1)) & (footprint.bars.close_ns > gap.from_ns)
        flags[touched] |= BAR_GAP
    return flags


def study(
    footprint: Footprint,
    spec: ChartSpec,
    min_vol_lot: I64 | None = None,
    carry: cvd.Carry | None = None,
    *,
    threads: int = 1,
) -> ChartFrame:
    """Return the studies of bars, given what came before them.

    ``min_vol_lot`` int64 (n_bars,) is the imbalances' minimum volume where earlier bars decide it, ``carry`` the CVD at
    their end; without them the bars count as the first of their tape.
    """
    sums = cvd.cvd(footprint, calendar(footprint.instrument.calendar), spec.cvd, carry)
    least, poc, vah, val, marks = _per_bar(footprint, spec, min_vol_lot, threads)
    return ChartFrame(
        footprint=footprint,
        spec=spec,
        cvd_lot=sums.cvd_lot,
        cvd_anchor_ns=sums.anchor_ns,
        poc_row=poc,
        vah_row=vah,
        val_row=val,
        min_vol_lot=least,
        cell_flags=marks,
    )


# Of each bar its minimum volume, POC, value area, and the bits of its cells.
def _per_bar(footprint: Footprint, spec: ChartSpec, least: I64 | None, threads: int) -> tuple[I64, I64, I64, I64, U8]:
    def of(share: slice) -> tuple[I64, I64, I64, I64, U8]:
        bars = footprint.slice(share.start, share.stop)
        if least is None:
            back = max(0, share.start - imbalance.WINDOW)
            own = imbalance.min_volume(footprint.slice(back, share.stop), spec.imbalance, share.start - back)
        else:
            own = least[share]
        area = areas.profiles(bars, spec.profile)
        return own, area.poc_row, area.vah_row, area.val_row, imbalance.flags(bars, own, spec.imbalance)

    if threads == 1 or len(footprint) < threads:
        return of(slice(0, len(footprint)))
    pieces = together(of, _shares(footprint.level_offset, threads))
    own, poc, vah, val, marks = (np.concatenate(columns) for columns in zip(*pieces, strict=True))
    return own, poc, vah, val, marks
