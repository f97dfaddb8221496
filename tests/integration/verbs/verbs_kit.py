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
from footloom.feeds.credentials import Credentials, save
from footloom.store.files import Store
from footloom.testing.venues.simulated import simulated_market

EVER = (0, 2**62)
SPEED = 4


# Any token is good at a local broker.
TOKENS = {
    "upstox": {"access_token": "local"},
    "angelone": {"jwt_token": "local", "feed_token": "local", "client_code": "L1", "api_key": "k"},
}


def log_in(venue: str, folder: Path) -> Path:
    """Keep a token of a local broker in a folder of settings, and return that folder."""
    made = Credentials(venue=venue, kind="local", values=TOKENS[venue], made_ns=1)
    save(made, folder)
    return folder


def start(*arguments: str, config: Path = Path("/nonexistent"), **streams: Any) -> subprocess.Popen[str]:
    """Run a verb in a process of its own; ``config`` is its folder of settings."""
    command = [sys.executable, "-m", "footloom.cli.main", *arguments]
    environment = {**os.environ, "NUMBA_NUM_THREADS": "1", "FOOTLOOM_CONFIG": str(config)}
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
        self._counts = name.startswith("binance")  # ids that count up by one

    def between(self, from_ns: int, to_ns: int) -> Trades:
        """Return the trades of ``[from_ns, to_ns]``."""
        asyncio.run(self._market.prepare(to_ns))
        return self._market.listings[self.symbol].trades.between(from_ns, to_ns + 1)

    def faults(self, stored: Trades, gaps: Sequence[Gap]) -> list[str]:
        """Return what is wrong with a tape: rows that were never traded, that stand twice, or that nobody misses.

        What has an id below the first or above the last one was not listened to, or is yet to come. Where ids do not
        count, that may be anything else that was traded in the first and the last instant.
        """
        first_ns, last_ns = int(stored.ts_exch_ns.min()), int(stored.ts_exch_ns.max())
        traded = self.between(first_ns, last_ns)
        if self._counts:
            inside = (traded.trade_id >= stored.trade_id.min()) & (traded.trade_id <= stored.trade_id.max())
            traded = traded.take(inside)
        sent = as_rows(traded)
        rows, counts = np.unique(np.concatenate([sent, as_rows(stored)]), axis=0, return_counts=True)
        there = _counted(as_rows(stored), rows)
        wanted = counts - there
        often = int((there - wanted)[there > wanted].sum())
        found = [f"{often} rows are there too often"] if often else []
        missing = rows[wanted > there][:, 0]
        told = np.zeros(len(missing), np.bool_) if self._counts else (missing == first_ns) | (missing == last_ns)
        for gap in gaps:
            told |= (missing >= gap.from_ns) & (missing <= gap.to_ns)
        return found + ([_where(missing[~told], stored, gaps)] if not told.all() else [])


def _where(missing: np.ndarray[Any, Any], stored: Trades, gaps: Sequence[Gap]) -> str:
    times = stored.ts_exch_ns
    first_ns = int(times.min())
    places = [(int(ns) - first_ns) / 1e9 for ns in np.unique(missing)[:20]]
    spans = [((gap.from_ns - first_ns) / 1e9, (gap.to_ns - first_ns) / 1e9, gap.cause) for gap in gaps]
    return (
        f"{len(missing)} rows are missing without a word: {places} s behind the first of the tape, which has "
        f"{len(stored)} rows in {(int(times.max()) - first_ns) / 1e9} s; its gaps: {spans}"
    )


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
