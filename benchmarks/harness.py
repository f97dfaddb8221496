"""How every promise is measured: both sides in turn in one process, the median of the rounds' ratios."""

from __future__ import annotations

import argparse
import gc
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

__all__ = (
    "Row",
    "Scale",
    "Times",
    "broken",
    "interleave",
    "limit",
    "machine",
    "million_per_second",
    "read_rows",
    "run",
    "versions",
)

T = TypeVar("T")
PACKAGES = ("footloom", "numpy", "numba", "polars", "pyarrow", "pandas")


@dataclass(frozen=True)
class Scale:
    """How much to measure: trades in memory, days on disk, rounds of each side."""

    trades: int = 10_000_000
    days: int = 30
    rounds: int = 5


@dataclass(frozen=True)
class Row:
    """One line of the table; ``ratio``: how much better than the peer, or than the promised limit."""

    promise: str
    ours: str
    peer: str
    ratio: float | None  # None: it could not be measured here, and `peer` says why
    floor: float | None  # None: printed, not promised
    data: str  # hash of the input, or what it was

    @property
    def is_broken(self) -> bool:
        """Whether the ratio is under its floor."""
        return self.ratio is not None and self.floor is not None and self.ratio < self.floor


@dataclass(frozen=True)
class Times:
    """Seconds of each side, one entry a round."""

    seconds: Mapping[str, list[float]]

    def median(self, side: str) -> float:
        """Return the median time of a side, seconds."""
        return statistics.median(self.seconds[side])

    def ratio(self, peer: str, ours: str) -> float:
        """Return how many times faster than the peer: the median of the rounds' ratios, which drift does not touch."""
        pairs = zip(self.seconds[peer], self.seconds[ours], strict=True)
        return statistics.median(theirs / mine for theirs, mine in pairs)


def interleave(sides: Mapping[str, Callable[[], object]], rounds: int) -> Times:
    """Call the sides in turn, ``rounds`` times each, after a call each to warm up; every other round goes backwards."""
    for call in sides.values():
        call()
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    collecting = gc.isenabled()
    gc.disable()
    try:
        for turn in range(rounds):
            order = list(sides) if turn % 2 == 0 else list(sides)[::-1]
            for name in order:
                begun = time.perf_counter()
                sides[name]()
                seconds[name].append(time.perf_counter() - begun)
            gc.collect()
    finally:
        if collecting:
            gc.enable()
    return Times(seconds)


def million_per_second(count: int, seconds: float) -> str:
    """Write a speed the way the table shows it."""
    return f"{count / seconds / 1e6:.3g} M/s"


def limit(promise: str, value: float, most: float, unit: str, peer: str, data: str) -> Row:
    """Make the line of a promise that is a limit: ``value`` may be at most ``most``."""
    return Row(promise, f"{value:.3g} {unit}", f"{peer}; limit {most:.3g} {unit}", most / value, 1.0, data)


def broken(rows: list[Row]) -> list[str]:
    """Return a sentence for each promise that is not kept."""
    return [f"{r.promise}: ratio {r.ratio:.3g} is under its floor {r.floor:.3g}" for r in rows if r.is_broken]


def machine() -> str:
    """Return what this runs on: processor, cores, memory, system."""
    processor = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        named = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        processor = named[0].partition(":")[2].strip() if named else processor
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30 if hasattr(os, "sysconf") else 0
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{processor}, {cores} cores, {memory:.0f} GiB, {platform.system()} {platform.release()}"


def versions() -> str:
    """Return the versions that matter."""
    return ", ".join([f"Python {platform.python_version()}", *(f"{name} {version(name)}" for name in PACKAGES)])


def run(measure: Callable[[Scale], list[Row]]) -> None:
    """Run one benchmark file from the command line; with ``--json FILE`` the rows go there for the table."""
    parser = argparse.ArgumentParser(description=sys.modules["__main__"].__doc__)
    parser.add_argument("--trades", type=int, default=Scale.trades, help="trades in memory")
    parser.add_argument("--days", type=int, default=Scale.days, help="days on disk")
    parser.add_argument("--rounds", type=int, default=Scale.rounds, help="calls of each side; the median counts")
    parser.add_argument("--json", type=Path, help="write the rows here instead of printing them")
    given = parser.parse_args()
    rows = measure(Scale(given.trades, given.days, given.rounds))
    if given.json:
        given.json.write_text(json.dumps([asdict(row) for row in rows]))
        return
    print(machine(), versions(), sep="\n")
    for row in rows:
        print(*(f"{name}: {value}" for name, value in asdict(row).items()), sep="  |  ")


def read_rows(path: Path) -> list[Row]:
    """Read what `run` wrote."""
    return [Row(**fields) for fields in json.loads(path.read_text())]
