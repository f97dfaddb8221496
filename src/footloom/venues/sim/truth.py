"""What was planted in a session, as it can be found on the tape: the measure of detectors."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec
import numpy as np
from numpy.typing import NDArray

from footloom.core.side import Side
from footloom.core.trades import I64
from footloom.venues.sim.feed import lost_stretches
from footloom.venues.sim.session import SimSession
from footloom.venues.sim.stage import Played

__all__ = ("Truth", "truth")

_MINUTE_NS = 60_000_000_000
_WINDOW = 20  # minutes that say what a usual cell is (definitions 5.1)


class Truth(msgspec.Struct, frozen=True, kw_only=True):
    """One labelled event.

    Attributes
    ----------
    kind
        ``iceberg``, ``sweep``, ``absorption``, ``stop_run``, ``exhaustion``, ``stacked_imbalance`` or ``feed_gap``.
    side
        Who made it. Iceberg and absorption: the resting side (buy: a bid that held). All others: the aggressor. A gap
        has none.
    from_ns, to_ns
        When, ns UTC, the end excluded but for a sweep, which has one instant.
    low_tick, high_tick
        The lowest and highest price of its trades; of a stacked imbalance, its lowest and highest row at one tick a
        level.
    level_tick
        The price that it is about: the level that held or was pierced, else where it began; of a gap, the last price
        before.
    qty_lot
        Volume of its trades, lots.
    trade_ids
        Ids of its trades: those that hit the level, made the run, or were lost.
    """

    kind: str
    side: Side
    from_ns: int
    to_ns: int
    low_tick: int
    high_tick: int
    level_tick: int
    qty_lot: int
    trade_ids: tuple[int, ...]
    note: str = ""


def truth(session: SimSession) -> list[Truth]:
    """Return every event that the tape shows, by time; what was tried and did not come about is left out."""
    found = [label for played in session.played if (label := _LABELS[played.plan.kind](session, played)) is not None]
    return sorted([*found, *_gaps(session)], key=lambda event: event.from_ns)


def _gaps(session: SimSession) -> Iterator[Truth]:
    for lost in lost_stretches(session):
        rows = np.arange(*np.searchsorted(session.trade_ns, (lost.from_ns, lost.to_ns)))
        before = int(session.trade_tick[max(0, int(rows[0]) - 1)])
        yield _event(session, rows, ("feed_gap", Side.UNKNOWN), (lost.from_ns, lost.to_ns), before, note=lost.cause)


def _event(
    session: SimSession, rows: I64, what: tuple[str, Side], span: tuple[int, int], level: int, note: str = ""
) -> Truth:
    ticks = session.trade_tick[rows]
    return Truth(
        kind=what[0],
        side=what[1],
        from_ns=span[0],
        to_ns=span[1],
        low_tick=int(ticks.min()),
        high_tick=int(ticks.max()),
        level_tick=level,
        qty_lot=int(session.trade_lot[rows].sum()),
        trade_ids=tuple((rows + session.first_id).tolist()),
        note=note,
    )


def _label(session: SimSession, played: Played, wanted: NDArray[np.bool_]) -> Truth:
    # The event made of those of its trades that are wanted.
    rows = np.arange(played.first_trade, played.last_trade)[wanted]
    span = (session.start_ns + played.from_us * 1_000, session.start_ns + played.to_us * 1_000)
    level = played.reference + session.floor_tick
    return _event(session, rows, (played.plan.kind, Side(played.plan.side)), span, level)


def _part(session: SimSession, played: Played) -> tuple[I64, I64, I64]:
    rows = slice(played.first_trade, played.last_trade)
    side = session.trade_side[rows].astype(np.int64)
    return session.trade_tick[rows], session.trade_lot[rows], side * played.plan.side


def _sweep(session: SimSession, played: Played) -> Truth | None:
    ticks, _, _ = _part(session, played)
    return _label(session, played, np.ones(len(ticks), np.bool_)) if len(np.unique(ticks)) >= 3 else None


def _iceberg(session: SimSession, played: Played) -> Truth | None:
    # Found where three times what the level ever showed was executed there (definitions 6.6).
    ticks, lots, sides = _part(session, played)
    hit = (ticks == played.reference + session.floor_tick) & (sides < 0)
    lo, hi = np.searchsorted(session.delta_us, (played.from_us, played.to_us))
    at_level = session.delta_tick[lo:hi] == played.reference
    shown = int(session.delta_lot[lo:hi][at_level].max(initial=0))
    return _label(session, played, hit) if shown and int(lots[hit].sum()) >= 3 * shown else None


def _absorption(session: SimSession, played: Played) -> Truth | None:
    ticks, lots, sides = _part(session, played)
    beyond = (ticks - played.reference - session.floor_tick) * played.plan.side
    hit = (beyond == 0) & (sides < 0)
    held = bool(beyond.min(initial=0) >= 0)
    return _label(session, played, hit) if held and 2 * int(lots[hit].sum()) >= int(lots.sum()) else None


def _stop_run(session: SimSession, played: Played) -> Truth | None:
    # Pierced by two ticks at least, and back inside within three minutes.
    ticks, _, sides = _part(session, played)
    level, up = played.reference + session.floor_tick, played.plan.side
    burst = ((ticks - level) * up > 0) & (sides > 0)
    after = np.searchsorted(session.trade_ns, session.start_ns + played.to_us * 1_000 + 3 * _MINUTE_NS)
    back = (session.trade_tick[played.last_trade : after] - level) * up
    happened = ((ticks - level) * up).max(initial=0) >= 2 and back.min(initial=0) < 0
    return _label(session, played, burst) if happened else None


def _exhaustion(session: SimSession, played: Played) -> Truth | None:
    # A burst of one side by more than three to one, and for three minutes no price beyond it.
    ticks, lots, sides = _part(session, played)
    climax = sides > 0
    until = session.start_ns + played.to_us * 1_000 + 3 * _MINUTE_NS
    later = session.trade_tick[played.last_trade : np.searchsorted(session.trade_ns, until)] * played.plan.side
    ended = later.max(initial=-(2**62)) <= (ticks * played.plan.side).max(initial=-(2**62))
    lopsided = int(lots[climax].sum()) > 3 * int(lots[~climax].sum())
    return _label(session, played, climax) if ended and lopsided else None


def _stack(session: SimSession, played: Played) -> Truth | None:
    # The rows that the diagonal test of definitions 5.1 flags in its minute, at 300 % and one tick a level.
    minute = played.from_us // 60_000_000
    rows = _flagged_run(session, minute, played.plan.side)
    if rows is None:
        return None
    ticks, _, sides = _part(session, played)
    label = _label(session, played, (ticks >= rows[0]) & (ticks <= rows[1]) & (sides > 0))
    return msgspec.structs.replace(label, low_tick=rows[0], high_tick=rows[1])


def _cells(session: SimSession, minute: int) -> tuple[int, I64, I64]:
    # Lowest row, and lots sold and bought a row, of one minute at one tick a level.
    start = session.start_ns + minute * _MINUTE_NS
    part = slice(*np.searchsorted(session.trade_ns, (start, start + _MINUTE_NS)))
    ticks, lots, sides = session.trade_tick[part], session.trade_lot[part], session.trade_side[part]
    if not len(ticks):
        return 0, np.zeros(1, np.int64), np.zeros(1, np.int64)
    low = int(ticks.min())
    rows = int(ticks.max()) - low + 1
    sold, bought = (np.bincount((ticks - low)[sides == s], lots[sides == s], rows).astype(np.int64) for s in (-1, 1))
    return low, sold, bought


def _flagged_run(session: SimSession, minute: int, side: int) -> tuple[int, int] | None:
    # The longest run of three or more adjacent rows flagged for a side: its first and last price.
    before = [_cells(session, m) for m in range(max(0, minute - _WINDOW), minute)]
    sizes = (
        np.sort(np.concatenate([np.concatenate(cells[1:]) for cells in before])) if before else np.zeros(1, np.int64)
    )
    sizes = sizes[sizes > 0]
    least = int(sizes[(len(sizes) * 75 + 99) // 100 - 1]) if len(sizes) else 1
    low, sold, bought = _cells(session, minute)
    if side > 0:
        flags = (bought[1:] >= least) & (bought[1:] >= 3 * sold[:-1])
        low += 1
    else:
        flags = (sold[:-1] >= least) & (sold[:-1] >= 3 * bought[1:])
    edges = np.flatnonzero(np.diff(np.concatenate(([0], flags.astype(np.int8), [0]))))
    starts, ends = edges[::2], edges[1::2]
    if not len(starts) or (ends - starts).max() < 3:
        return None
    best = int(np.argmax(ends - starts))
    return low + int(starts[best]), low + int(ends[best]) - 1


_LABELS: dict[str, Callable[[SimSession, Played], Truth | None]] = {
    "absorption": _absorption,
    "exhaustion": _exhaustion,
    "iceberg": _iceberg,
    "stacked_imbalance": _stack,
    "stop_run": _stop_run,
    "sweep": _sweep,
}
