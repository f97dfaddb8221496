"""A month of trades from the store to full footprints, against polars over the same files; time and peak memory."""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import harness
from benchmarks.data import INSTRUMENT, TICKS_PER_LEVEL, bench_folder, day_of_trades, digest
from benchmarks.harness import Row, Scale, Times
from benchmarks.kernel_against_c import BAR_NS, SPEC
from footloom.core.footprint import Footprint
from footloom.core.trades import Trades
from footloom.engine.build import build_footprint, study
from footloom.kernels.fold import combine
from footloom.store.files import Store

__all__ = ("SIDES", "fold_chunks", "made_store", "measure")

SIDES = ("footloom", "polars core", "polars levels")
_MEGABYTE = 2**20


def made_store(days: int) -> Path:
    """Return a store with that many days of the tape, made once and kept."""
    root = bench_folder() / f"store-{days}-days"
    done = root / "made"
    if not done.is_file():
        with Store(root, writer=True) as store:
            store.put_instrument(INSTRUMENT)
            for day in range(days):
                store.write_part(day_of_trades(day))
        done.touch()
    return root


def fold_chunks(chunks: Iterable[Trades]) -> Footprint:
    """Fold consecutive chunks; a bar that two of them hold is joined before it is passed on."""
    return Footprint.concat(list(_whole_bars(chunks)))


def _whole_bars(chunks: Iterable[Trades]) -> Iterator[Footprint]:
    rest: Footprint | None = None
    for chunk in chunks:
        piece = build_footprint(chunk, SPEC.bars, SPEC.ticks_per_level)
        joined = combine(rest, piece) if rest is not None else piece
        yield joined.slice(0, len(joined) - 1)
        rest = joined.slice(len(joined) - 1, len(joined))
    if rest is not None:
        yield rest


def _footloom(root: Path) -> tuple[float, str]:
    wanted = ("ts_exch_ns", "price_tick", "qty_lot", "side")
    import pyarrow.parquet  # noqa: F401 - neither side pays for importing its libraries

    study(build_footprint(day_of_trades(0, 10_000), SPEC.bars, SPEC.ticks_per_level), SPEC)  # nor for loading kernels
    begun = time.perf_counter()
    with Store(root) as store:
        chunks = store.iter_chunks(INSTRUMENT.key, "trade", 0, 2**62, columns=wanted)
        frame = study(fold_chunks(chunk for chunk in chunks if isinstance(chunk, Trades)), SPEC)
    seconds = time.perf_counter() - begun
    levels, bars = frame.footprint.levels, frame.footprint.bars
    of_bar = np.repeat(bars.open_ns // BAR_NS, np.diff(frame.footprint.level_offset))
    return seconds, digest(of_bar, levels.row, levels.buy_lot, levels.sell_lot)


def _polars(root: Path, side: str) -> tuple[float, str]:
    import polars as pl

    from benchmarks.peers import frames

    files = sorted(root.rglob("*.parquet"))
    begun = time.perf_counter()
    tape, unit_ns = _scan(files)
    if side == "polars core":
        levels = frames.polars_core(tape, BAR_NS // unit_ns, TICKS_PER_LEVEL)[0]
    else:
        levels = frames.polars_levels(tape, BAR_NS // unit_ns, TICKS_PER_LEVEL)
    seconds = time.perf_counter() - begun
    levels = levels.sort("bar", "row")
    return seconds, digest(*(levels[name].cast(pl.Int64).to_numpy() for name in ("bar", "row", "buy", "sell")))


# The stored columns as the peer wants them. A file holds quantity and side as one number, in one of two ways.
def _scan(files: list[Path]) -> tuple[Any, int]:
    import polars as pl

    pieces, units = [], set()
    for file in files:
        lazy = pl.scan_parquet(file)
        schema = lazy.collect_schema()
        kind = schema["ts_exch"]
        assert isinstance(kind, pl.Datetime)
        units.add({"ms": 1_000_000, "us": 1_000, "ns": 1}[kind.time_unit])
        if "signed_lot" in schema:
            signed = pl.col("signed_lot").cast(pl.Int64)
            qty, side = signed.abs(), signed.sign()
        else:
            packed = pl.col("lot_side").cast(pl.Int64)
            qty, side = packed // 2, 1 - 2 * (packed % 2)
        tick = pl.col("price_tick").cast(pl.Int64)
        pieces.append(lazy.select(ts=pl.col("ts_exch").to_physical(), tick=tick, qty=qty, side=side))
    assert len(units) == 1, "the days of the made tape have one unit of time"
    return pl.concat(pieces), units.pop()


def _peak_mb() -> float:
    # Not ru_maxrss: a child's begins with the memory of the process that started it.
    status = Path("/proc/self/status")
    if status.is_file():
        line = next(text for text in status.read_text().splitlines() if text.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _MEGABYTE


def _one_side(side: str, root: Path) -> None:
    seconds, hashed = _footloom(root) if side == "footloom" else _polars(root, side)
    print(json.dumps({"seconds": seconds, "peak_mb": _peak_mb(), "digest": hashed}))


def _child(side: str, root: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.days_from_disk", "--side", side, "--store", str(root)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parent.parent)
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def measure(scale: Scale) -> list[Row]:
    """Return the promises; each side runs in a process of its own, so that its peak memory is its own."""
    root = made_store(scale.days)
    answers: dict[str, list[dict[str, Any]]] = {side: [] for side in SIDES}
    for turn in range(scale.rounds):
        for side in SIDES if turn % 2 == 0 else SIDES[::-1]:
            answers[side].append(_child(side, root))
    hashes = {answer["digest"] for side in SIDES for answer in answers[side]}
    assert len(hashes) == 1, f"the answers differ: {hashes}"
    times = Times({side: [answer["seconds"] for answer in answers[side]] for side in SIDES})
    peak = {side: statistics.median(answer["peak_mb"] for answer in answers[side]) for side in SIDES}
    rows = [
        Row(
            f"{scale.days} days from disk, full, against {side}",
            f"{times.median('footloom'):.2f} s",
            f"{side} {times.median(side):.2f} s",
            times.ratio(side, "footloom"),
            floor,
            hashes.copy().pop(),
        )
        for side, floor in (("polars core", 2.5), ("polars levels", 1.5))
    ]
    core = peak["polars core"]
    memory = Row(
        f"{scale.days} days from disk, peak memory against polars core",
        f"{peak['footloom']:.0f} MB",
        f"polars core {core:.0f} MB, levels {peak['polars levels']:.0f} MB",
        core / peak["footloom"],
        3.0,
        hashes.pop(),
    )
    return [*rows, memory]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--side", choices=SIDES)
    parser.add_argument("--store", type=Path)
    child, _ = parser.parse_known_args()
    if child.side:
        _one_side(child.side, child.store)
    else:
        harness.run(measure)
