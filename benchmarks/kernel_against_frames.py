"""The kernel in one thread against polars' streaming engine on all cores, and against pandas; trades in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
from numpy.typing import NDArray

from benchmarks import harness
from benchmarks.data import TICKS_PER_LEVEL, digest, trades
from benchmarks.harness import Row, Scale
from benchmarks.kernel_against_c import BAR_NS, levels_only, unseen
from benchmarks.peers import frames
from footloom.core.footprint import Footprint
from footloom.core.trades import I64

__all__ = ("check_equal", "measure")

_PANDAS_TRADES = 3_000_000  # a fifth of the patience, the same speed


@dataclass(frozen=True)
class Answer:
    """Levels by (bar, row) and bars, as plain columns."""

    levels: Mapping[str, Any]
    bars: Mapping[str, Any]


def measure(scale: Scale) -> list[Row]:
    """Return the promises against polars and pandas."""
    tape = trades(scale.trades)
    columns: dict[str, NDArray[Any]] = {
        "ts": tape.ts_exch_ns,
        "tick": tape.price_tick,
        "qty": tape.qty_lot,
        "side": tape.side,
    }
    lazy = pl.DataFrame(columns).lazy()
    few = {name: column[:_PANDAS_TRADES] for name, column in columns.items()}
    table = pd.DataFrame(few)
    part = tape.take(slice(0, _PANDAS_TRADES))
    footprint, cvd = levels_only(tape)
    levels, bars = frames.polars_core(lazy, BAR_NS, TICKS_PER_LEVEL)
    check_equal(footprint, cvd, Answer(levels.to_dict(), bars.to_dict()))
    check_equal(*levels_only(part), _of_pandas(*frames.pandas_core(table, BAR_NS, TICKS_PER_LEVEL)))
    times = harness.interleave(
        {
            "ours": lambda: levels_only(unseen(tape)),
            "polars": lambda: frames.polars_core(lazy, BAR_NS, TICKS_PER_LEVEL),
            "polars levels": lambda: frames.polars_levels(lazy, BAR_NS, TICKS_PER_LEVEL),
        },
        scale.rounds,
    )
    slow = harness.interleave(
        {
            "ours": lambda: levels_only(unseen(part)),
            "pandas": lambda: frames.pandas_core(table, BAR_NS, TICKS_PER_LEVEL),
        },
        scale.rounds,
    )
    hashed = digest(*columns.values())
    own = harness.million_per_second(len(tape), times.median("ours"))

    def against(peer: str, floor: float | None) -> Row:
        speed = harness.million_per_second(len(tape), times.median(peer))
        name = f"kernel, levels to CVD, 1 thread, against {peer}"
        return Row(name, own, f"{peer} {speed}", times.ratio(peer, "ours"), floor, hashed)

    return [
        against("polars", 10.0),
        against("polars levels", None),
        Row(
            "kernel, levels to CVD, 1 thread, against pandas",
            harness.million_per_second(len(part), slow.median("ours")),
            f"pandas {harness.million_per_second(len(part), slow.median('pandas'))}",
            slow.ratio("pandas", "ours"),
            40.0,
            digest(*few.values()),
        ),
    ]


def _of_pandas(levels: pd.DataFrame, bars: pd.DataFrame) -> Answer:
    levels = levels.reset_index()
    bars = bars.reset_index().rename(columns={"first": "open", "max": "high", "min": "low", "last": "close"})
    return Answer({name: levels[name] for name in levels}, {name: bars[name] for name in bars})


def check_equal(footprint: Footprint, cvd: I64, theirs: Answer) -> None:
    """Raise `AssertionError` where the answers differ."""
    bars, levels = footprint.bars, footprint.levels
    of_bar = np.repeat(bars.open_ns // BAR_NS, np.diff(footprint.level_offset))
    mine = {"bar": of_bar, "row": levels.row, "buy": levels.buy_lot, "sell": levels.sell_lot, "trades": levels.trades}
    for name, column in mine.items():
        np.testing.assert_array_equal(column, np.asarray(theirs.levels[name]), err_msg=name)
    mine = {"open": bars.open_tick, "high": bars.high_tick, "low": bars.low_tick, "close": bars.close_tick, "cvd": cvd}
    mine |= {"delta": bars.delta_lot, "min_delta": bars.min_delta_lot, "max_delta": bars.max_delta_lot}
    for name, column in mine.items():
        np.testing.assert_array_equal(column, np.asarray(theirs.bars[name]), err_msg=name)


if __name__ == "__main__":
    harness.run(measure)
