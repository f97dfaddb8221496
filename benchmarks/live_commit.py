"""Rows made durable in group commits of 2 ms, SQLite with `synchronous=FULL`, against bare SQLite on the same disk.

The peer puts the same bytes into one table with one insert a commit, in the same run: what remains is the journal's own
work. A commit counts from its call; where bare SQLite alone is beyond the limit, the disk cannot keep the promise and
the line says so.
"""

from __future__ import annotations

import sqlite3
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks import harness
from benchmarks.data import day_of_trades, digest
from benchmarks.harness import Row, Scale
from footloom.core.series import Series
from footloom.core.snapshots import Snapshots
from footloom.core.trades import Trades
from footloom.store.files import Store
from footloom.testing.append_times import AppendTimes, Pace, timed_appends

__all__ = ("measure",)

_LIMITS = ((5_000, 1.5, 3.7), (50_000, None, 9.6))  # rows a second, p50 and p99 of a commit in ms
_SECONDS = 2.0  # a round
_COLUMNS = ("ts_exch_ns", "price_tick", "qty_lot", "side", "trade_id", "ts_recv_ns", "flags")


class _Bare:
    """A table of blobs."""

    def __init__(self, folder: Path) -> None:
        self.rows = 0
        self._base = sqlite3.connect(folder / "bare.sqlite", isolation_level=None)
        self._base.execute("PRAGMA journal_mode=WAL")
        self._base.execute("PRAGMA synchronous=FULL")
        self._base.execute("CREATE TABLE blobs (seq INTEGER PRIMARY KEY, data BLOB)")

    def append(self, block: Trades | Snapshots | Series) -> int:
        """Insert one blob and commit."""
        data = b"".join(getattr(block, name).tobytes() for name in _COLUMNS)
        self._base.execute("INSERT INTO blobs (data) VALUES (?)", (data,))
        self.rows += len(block)
        return self.rows

    def close(self) -> int:
        """Close it; returns the bytes that it holds."""
        (held,) = self._base.execute("SELECT SUM(LENGTH(data)) FROM blobs").fetchone()
        self._base.close()
        return int(held)


def measure(scale: Scale) -> list[Row]:
    """Return the promises of both rates."""
    tape = day_of_trades(0)
    hashed = digest(tape.ts_exch_ns, tape.price_tick, tape.qty_lot, tape.side)
    return [row for rate, p50, p99 in _LIMITS for row in _rate(scale, tape, rate, (p50, p99), hashed)]


def _rate(scale: Scale, tape: Trades, rate: int, limits: tuple[float | None, float], hashed: str) -> list[Row]:
    ours: list[AppendTimes] = []
    peers: list[AppendTimes] = []
    for turn in range(scale.rounds):
        for side in (_ours, _peers) if turn % 2 == 0 else (_peers, _ours):
            (ours if side is _ours else peers).append(
                side(tape, Pace(rows_per_s=rate, commit_s=0.002, seconds=_SECONDS))
            )

    def median(times: list[AppendTimes], name: str) -> float:
        return float(np.median([getattr(one, name) for one in times]))

    rows = []
    for name, most in zip(("append_p50_ms", "append_p99_ms"), limits, strict=True):
        mine, bare = median(ours, name), median(peers, name)
        shown = f"bare SQLite {bare:.3g} ms"
        promise = f"a group commit at {rate:,} rows/s, {name[7:10]}"
        if most is None:
            rows.append(Row(promise, f"{mine:.3g} ms", shown, bare / mine, None, hashed))
        elif bare > most:
            shown += f": this disk alone is beyond the limit of {most:.3g} ms"
            rows.append(Row(promise, f"{mine:.3g} ms", shown, None, 1.0, hashed))
        else:
            rows.append(harness.limit(promise, mine, most, "ms", shown, hashed))
    delay = f"p50 {median(ours, 'delay_p50_ms'):.3g} ms, p99 {median(ours, 'delay_p99_ms'):.3g} ms"
    against = f"bare SQLite p99 {median(peers, 'delay_p99_ms'):.3g} ms"
    rows.append(Row(f"from a row's arrival to durable at {rate:,} rows/s", delay, against, None, None, hashed))
    return rows


def _rows(tape: Trades, first: int, count: int) -> Trades:
    return tape.take(slice(first, first + count))


def _ours(tape: Trades, pace: Pace) -> AppendTimes:
    with tempfile.TemporaryDirectory() as folder:
        with Store(Path(folder) / "store", writer=True) as store:
            times = timed_appends(store, lambda *at: _rows(tape, *at), pace, time.perf_counter, time.sleep)
            found = store.load(tape.instrument.key, tape.tape, 0, 2**62)
        assert isinstance(found, Trades)
        assert found.trade_id.tolist() == tape.trade_id[: times.rows].tolist(), "rows are lost"
    return times


def _peers(tape: Trades, pace: Pace) -> AppendTimes:
    with tempfile.TemporaryDirectory() as folder:
        bare = _Bare(Path(folder))
        times = timed_appends(bare, lambda *at: _rows(tape, *at), pace, time.perf_counter, time.sleep)
        assert bare.close() == 42 * times.rows, "rows are lost"
    return times


if __name__ == "__main__":
    harness.run(measure)
