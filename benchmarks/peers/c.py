"""The fixed C kernel (`footprint.c`), compiled on this machine for this machine."""

from __future__ import annotations

import ctypes
import hashlib
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.data import bench_folder
from footloom.core.trades import I64, U8, Trades

__all__ = ("FLAGS", "CAnswer", "compiler", "prepare")

FLAGS = ("-O3", "-march=native", "-shared", "-fPIC")
SOURCE = Path(__file__).parent / "footprint.c"
_P64 = ctypes.POINTER(ctypes.c_int64)
_P8 = ctypes.POINTER(ctypes.c_int8)
_PU8 = ctypes.POINTER(ctypes.c_uint8)
_BAR_COLUMNS = (
    *("open_ns", "open_tick", "high_tick", "low_tick", "close_tick", "buy_lot", "sell_lot", "unknown_lot"),
    *("min_delta_lot", "max_delta_lot", "cvd_lot", "trades"),
)
_LEVEL_COLUMNS = ("row", "level_buy", "level_sell", "level_unknown", "level_trades")
_MEASURES = ("poc_row", "vah_row", "val_row")


class _Job(ctypes.Structure):
    _fields_ = (
        ("n_trades", ctypes.c_int64),
        ("ts_ns", _P64),
        ("price_tick", _P64),
        ("qty_lot", _P64),
        ("side", _P8),
        *((name, ctypes.c_int64) for name in ("bar_ns", "ticks_per_level", "full")),
        *((name, ctypes.c_int64) for name in ("value_area_pct", "imbalance_pct", "min_vol_lot", "stack_n")),
    )


class _Answer(ctypes.Structure):
    _fields_ = (
        ("bar_capacity", ctypes.c_int64),
        ("level_capacity", ctypes.c_int64),
        *((name, _P64) for name in _BAR_COLUMNS),
        ("level_offset", _P64),
        *((name, _P64) for name in _LEVEL_COLUMNS),
        *((name, _P64) for name in _MEASURES),
        ("cell_flags", _PU8),
    )


@dataclass(frozen=True)
class CAnswer:
    """What the peer computed, int64: bars by column name, level offsets, levels by column name; flags uint8."""

    bars: dict[str, I64]
    level_offset: I64
    levels: dict[str, I64]
    cell_flags: U8


def compiler() -> str | None:
    """Return the C compiler of this machine, if there is one."""
    return shutil.which("gcc") or shutil.which("cc")


def prepare(trades: Trades, bar_ns: int, step: int, *, min_vol_lot: int | None) -> Callable[[], CAnswer]:
    """Return a call that computes the footprint of ``trades``; ``min_vol_lot`` None leaves the measures out.

    The arrays for the answer are made once, outside the call: the peer is measured without the cost of fresh memory.
    """
    library = _compiled()
    most_bars = int(trades.ts_exch_ns[-1] // bar_ns - trades.ts_exch_ns[0] // bar_ns + 1)
    most_levels = 256 * most_bars + 65_536
    bars = {name: np.zeros(most_bars, np.int64) for name in (*_BAR_COLUMNS, *_MEASURES)}
    offset = np.zeros(most_bars + 1, np.int64)
    levels = {name: np.zeros(most_levels, np.int64) for name in _LEVEL_COLUMNS}
    flags = np.zeros(most_levels, np.uint8)
    job = _Job(
        n_trades=len(trades),
        ts_ns=_at(trades.ts_exch_ns),
        price_tick=_at(trades.price_tick),
        qty_lot=_at(trades.qty_lot),
        side=trades.side.ctypes.data_as(_P8),
        bar_ns=bar_ns,
        ticks_per_level=step,
        full=min_vol_lot is not None,
        value_area_pct=70,
        imbalance_pct=300,
        min_vol_lot=max(1, min_vol_lot or 1),
        stack_n=3,
    )
    answer = _Answer(
        bar_capacity=most_bars,
        level_capacity=most_levels,
        level_offset=_at(offset),
        cell_flags=flags.ctypes.data_as(_PU8),
        **{name: _at(column) for name, column in (bars | levels).items()},
    )

    def compute() -> CAnswer:
        n = int(library.footprint(ctypes.byref(job), ctypes.byref(answer)))
        if n < 0:
            raise RuntimeError(f"the C peer's answer does not fit {most_bars} bars and {most_levels} levels")
        m = int(offset[n])
        return CAnswer(
            {name: column[:n] for name, column in bars.items()},
            offset[: n + 1],
            {name: column[:m] for name, column in levels.items()},
            flags[:m],
        )

    return compute


def _at(column: NDArray[np.int64]) -> ctypes._Pointer[ctypes.c_int64]:
    return column.ctypes.data_as(_P64)


def _compiled() -> ctypes.CDLL:
    found = compiler()
    if found is None:
        raise RuntimeError("no C compiler is here: the C peer needs gcc")
    release = subprocess.run([found, "--version"], capture_output=True, check=True).stdout
    name = hashlib.sha256(SOURCE.read_bytes() + release + " ".join(FLAGS).encode()).hexdigest()[:16]
    target = bench_folder() / f"footprint-{name}.so"
    if not target.is_file():
        fresh = target.with_suffix(".tmp")
        subprocess.run([found, *FLAGS, str(SOURCE), "-o", str(fresh)], check=True)
        fresh.replace(target)
    library = ctypes.CDLL(str(target))
    library.footprint.restype = ctypes.c_int64
    library.footprint.argtypes = [ctypes.POINTER(_Job), ctypes.POINTER(_Answer)]
    return library
