"""Other symbols beside a chart, as they are stored: where studies that name them find them. Blocking."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from footloom.core.instrument import Instrument
from footloom.core.messages import Gap
from footloom.core.snapshots import Snapshots
from footloom.core.trades import Trades
from footloom.engine.beside import Tapes, Units, stored_tapes
from footloom.engine.studies import StudyFold
from footloom.engine.unseen import unseen
from footloom.errors import FootloomError, NotStored
from footloom.server.stored.history import History

__all__ = ("is_priced_only", "join", "join_stored", "read_beside", "state_of", "units_of")


def units_of(history: History, own: Instrument, fold: StudyFold) -> Units:
    """Return the units that a chart shares with the symbols that a study names; the fold notes which are not stored."""
    found, missing = [], []
    for key in fold.companions_of(own):
        try:
            found.append(history.store.grid(key, history.tape_of(key)))
        except FootloomError:
            missing.append(key)
    if missing:
        fold.note = f"nothing is stored of {', '.join(missing)}"
    return Units.of(own, found)


def join(history: History, own: Instrument, folds: Sequence[StudyFold]) -> None:
    """Let studies find the symbols that they name in the store."""
    for fold in folds:
        if fold.companions_of(own):
            fold.tapes = _tapes(history, units_of(history, own, fold))
        elif fold.companions:
            fold.note = "that is the chart's own symbol"


def join_stored(history: History, own: Instrument, folds: Sequence[StudyFold]) -> None:
    """Do the same where all that is named must be there.

    Raises
    ------
    NotStored
        Nothing is stored of a symbol that a study names.
    """
    join(history, own, folds)
    for fold in folds:
        if fold.note and fold.tapes is not None:
            raise NotStored(f"{fold.name}: {fold.note}; see footloom coverage")


def _tapes(history: History, units: Units) -> Tapes:
    def missing(key: str, from_ns: int, to_ns: int) -> Sequence[Gap]:
        return history.store.gaps(key, history.tape_of(key), from_ns, to_ns)

    return stored_tapes(units, lambda key, from_ns, to_ns: read_beside(history, key, from_ns, to_ns), missing)


def read_beside(history: History, key: str, from_ns: int, to_ns: int) -> Trades | Snapshots:
    """Return the trades of ``[from_ns, to_ns)``, with those that could not be stored yet; of an index its prices."""
    tape = history.tape_of(key)
    grid = history.store.grid(key, tape)
    if is_priced_only(grid):
        return _prices(history, grid, from_ns, to_ns)
    waiting = history.unrecorded(key, tape)  # asked for first: rows that are stored meanwhile are in both
    stored = history.trades(key, tape, from_ns, to_ns)
    fresh = [unseen(rows.on_grid(grid), stored) for rows in waiting]
    every = Trades.concat([stored, *fresh]) if fresh else stored
    return every.take((every.ts_exch_ns >= from_ns) & (every.ts_exch_ns < to_ns)) if fresh else every


def is_priced_only(instrument: Instrument) -> bool:
    """Say whether a symbol has prices and no trades, as an index has."""
    return instrument.kind == "index"


def state_of(history: History, keys: Sequence[str]) -> tuple[str, ...]:
    """Return a hash of what is stored of each symbol, "" where nothing is."""
    return tuple(_state(history, key) for key in keys)


def _state(history: History, key: str) -> str:
    try:
        return history.state(key, history.tape_of(key))
    except FootloomError:
        return ""


def _prices(history: History, grid: Instrument, from_ns: int, to_ns: int) -> Snapshots:
    nothing = np.empty(0, np.int64)
    try:
        block = history.store.load(grid.key, "snapshot", from_ns, to_ns)
    except NotStored:
        return Snapshots(grid, nothing, nothing, nothing, nothing, nothing, nothing, nothing)
    assert isinstance(block, Snapshots)
    return block
