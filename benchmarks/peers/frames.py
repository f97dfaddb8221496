"""The same job in polars (streaming engine, all cores) and in pandas, written as they invite to."""

from __future__ import annotations

from typing import Any

import pandas as pd
import polars as pl

__all__ = ("pandas_core", "polars_core", "polars_levels")

SIGNED = pl.col("qty") * pl.col("side")


def polars_levels(tape: pl.LazyFrame, bar: int, step: int) -> pl.DataFrame:
    """Return one row a level: bar, row, buy, sell, trades.

    ``tape`` has ts, tick, qty (lots) and side; ``bar`` is a bar's length in the unit of ts, ``step`` ticks a level.
    """
    return _levels(tape, bar, step).collect(engine="streaming")


def polars_core(tape: pl.LazyFrame, bar: int, step: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return levels, and one row a bar: open, high, low, close, delta, min_delta, max_delta, cvd; both ascending."""
    path = pl.col("path")
    bars = (
        tape.with_columns(bar=pl.col("ts") // bar, path=SIGNED.cum_sum(), signed=SIGNED)
        .group_by("bar")
        .agg(
            open=pl.col("tick").first(),
            high=pl.col("tick").max(),
            low=pl.col("tick").min(),
            close=pl.col("tick").last(),
            delta=pl.col("signed").sum(),
            before=path.first() - pl.col("signed").first(),
            lowest=path.min(),
            highest=path.max(),
            cvd=path.last(),
        )
        .with_columns(
            min_delta=pl.min_horizontal(pl.lit(0, pl.Int64), pl.col("lowest") - pl.col("before")),
            max_delta=pl.max_horizontal(pl.lit(0, pl.Int64), pl.col("highest") - pl.col("before")),
        )
    )
    levels, per_bar = pl.collect_all([_levels(tape, bar, step), bars], engine="streaming")
    return levels.sort("bar", "row"), per_bar.sort("bar")


def _levels(tape: pl.LazyFrame, bar: int, step: int) -> pl.LazyFrame:
    qty, side = pl.col("qty"), pl.col("side")
    return (
        tape.with_columns(bar=pl.col("ts") // bar, row=pl.col("tick") // step)
        .group_by("bar", "row")
        .agg(buy=(qty * (side > 0)).sum(), sell=(qty * (side < 0)).sum(), trades=pl.len())
    )


def pandas_core(tape: pd.DataFrame, bar: int, step: int) -> tuple[Any, Any]:
    """Return levels and bars as `polars_core` does, as pandas frames."""
    signed = tape["qty"] * tape["side"]
    table = pd.DataFrame(
        {
            "bar": tape["ts"] // bar,
            "row": tape["tick"] // step,
            "tick": tape["tick"],
            "buy": tape["qty"].where(tape["side"] > 0, 0),
            "sell": tape["qty"].where(tape["side"] < 0, 0),
            "signed": signed,
            "path": signed.cumsum(),
        }
    )
    levels = table.groupby(["bar", "row"])[["buy", "sell"]].sum()
    levels["trades"] = table.groupby(["bar", "row"]).size()
    groups = table.groupby("bar")
    bars = groups["tick"].agg(["first", "max", "min", "last"])
    before = groups["path"].first() - groups["signed"].first()
    bars["delta"] = groups["signed"].sum()
    bars["min_delta"] = (groups["path"].min() - before).clip(upper=0)
    bars["max_delta"] = (groups["path"].max() - before).clip(lower=0)
    bars["cvd"] = groups["path"].last()
    return levels, bars
