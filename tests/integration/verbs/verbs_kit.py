"""Verbs as processes of their own, a venue on this machine, and what was really traded there."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from footloom.core.messages import Gap
from footloom.core.trades import Trades
from footloom.store.files import Store
from footloom.testing.venues.simulated import simulated_market

EVER = (0, 2**62)
SPEED = 4


def start(*arguments: str, **streams: Any) -> subprocess.Popen[str]:
    """Run a verb in a process of its own."""
    command = [sys.executable, "-m", "footloom.cli.main", *arguments]
    environment = {**os.environ, "NUMBA_NUM_THREADS": "1", "FOOTLOOM_CONFIG": "/nonexistent"}
    return subprocess.Popen(command, env=environment, text=True, **streams)


@contextmanager
def simulating(venue: str) -> Iterator[dict[str, Any]]:
    """Run a venue until the end of the block; gives what it says of itself."""
    process = start("simulate", venue, "--port", "0", "--speed", str(SPEED), "--json", stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        yield json.loads(process.stdout.readline())
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(120)
        process.stdout.close()


def flags(venue: dict[str, Any], root: Path) -> Sequence[str]:
    """Return where a verb finds the venue and the store."""
    return "--endpoint", f"{venue['venue']}={venue['url']}", "--store", str(root)


def statuses(process: subprocess.Popen[str], rows: int) -> list[dict[str, Any]]:
    """Read what a recording says of itself until it has so many rows."""
    assert process.stdout is not None
    found = []
    for text in process.stdout:
        found.append(json.loads(text))
        if found[-1]["rows"] >= rows:
            break
    return found


def stored_rows(root: Path, key: str) -> int:
    """Return how many rows of all tapes are stored of a symbol."""
    with Store(root) as store:
        return sum(day.rows for day in (*store.coverage(key), *store.series(key), *store.partials(key)))


def loaded(root: Path, key: str, tape: str) -> Any:
    """Return the stored rows of a tape, None where there are none yet."""
    with Store(root) as store:
        return store.load(key, tape, *EVER) if any(day.tape == tape for day in store.coverage(key)) else None


class Market:
    """What a simulated venue's first symbol trades, made anew from its seed."""

    def __init__(self, venue: dict[str, Any]) -> None:
        name, start_ns, seed = str(venue["venue"]), int(venue["start_ns"]), int(venue["seed"])
        self._market = simulated_market(name, start_ns, seed, symbols=1)
        self.symbol = self._market.symbols()[0]

    def between(self, from_ns: int, to_ns: int) -> Trades:
        """Return the trades of ``[from_ns, to_ns]``."""
        asyncio.run(self._market.prepare(to_ns))
        return self._market.listings[self.symbol].trades.between(from_ns, to_ns + 1)

    def faults(self, stored: Trades, gaps: Sequence[Gap]) -> list[str]:
        """Return what is wrong with a tape: rows that were never traded, that stand twice, or that nobody misses.

        What else was traded in the first and the last instant of the tape was not listened to, or is yet to come.
        """
        first_ns, last_ns = int(stored.ts_exch_ns.min()), int(stored.ts_exch_ns.max())
        sent = as_rows(self.between(first_ns, last_ns))
        rows, counts = np.unique(np.concatenate([sent, as_rows(stored)]), axis=0, return_counts=True)
        there = _counted(as_rows(stored), rows)
        wanted = counts - there
        often = int((there - wanted)[there > wanted].sum())
        found = [f"{often} rows are there too often"] if often else []
        missing = rows[wanted > there][:, 0]
        told = (missing == first_ns) | (missing == last_ns)
        for gap in gaps:
            told |= (missing >= gap.from_ns) & (missing <= gap.to_ns)
        return found + ([f"{int((~told).sum())} rows are missing without a word"] if not told.all() else [])


def _counted(rows: np.ndarray[Any, Any], every: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    found, counts = np.unique(rows, axis=0, return_counts=True)
    _, places = np.unique(np.concatenate([every, found]), axis=0, return_inverse=True)
    there = np.zeros(len(every), np.int64)
    there[places.ravel()[len(every) :]] = counts
    return there


def as_rows(trades: Trades) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return time, price, quantity and side of each trade, in one order: int64 (n, 4)."""
    columns = np.stack([trades.ts_exch_ns, trades.price_tick, trades.qty_lot, trades.side.astype(np.int64)], axis=1)
    order = np.lexsort(columns.T[::-1])
    return columns[order]
