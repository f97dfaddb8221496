"""Adapters of studies (definitions 3.2 to 5.4)."""

from __future__ import annotations

import itertools
from decimal import Decimal
from typing import Any

import numpy as np

from footloom.core.decimals import to_units
from footloom.core.sessions import calendar
from footloom.engine.build import build, build_footprint
from footloom.engine.frame import ChartFrame
from footloom.engine.spec import ChartSpec
from footloom.studies import cvd, imbalance
from footloom.studies import value_area as areas
from footloom.studies.candle_imbalance import Params as CandleParams
from footloom.studies.candle_imbalance import candle_imbalance as flags_of
from footloom.testing.adapters._units import LOT, adapter, number, tape

__all__ = ()


def _one_bar(rows_bid_ask: list[Any], spec: ChartSpec) -> ChartFrame:
    # A bar whose rows hold the given sell and buy volumes; empty rows are left out, as a tape would.
    rows = [
        (0, row, quantity, side)
        for row, pair in enumerate(rows_bid_ask)
        for quantity, side in zip(pair, (-1, 1), strict=True)
        if quantity
    ]
    return build(tape(rows, "1"), spec)


def _cvd(deltas: list[Any], sessions: list[Any] | None = None, carry: Any = 0) -> list[Decimal]:
    # A bar a minute, or a day further for a new session; a zero delta is a buy and a sell.
    day = 0
    rows: list[tuple[Any, Any, Any, int]] = []
    for i, delta in enumerate(deltas):
        day += bool(sessions and i and sessions[i] != sessions[i - 1])
        ts = day * 86_400_000 + i * 60_000
        rows += [(ts, 1, 1, 1), (ts, 1, 1, -1)]
        if delta:
            rows.append((ts, 1, abs(delta), 1 if delta > 0 else -1))
    footprint = build_footprint(tape(rows), "1m", 1)
    start = cvd.Carry(to_units(carry, LOT), 0)
    settings = cvd.Params(reset="session" if sessions else "never")
    sums = cvd.cvd(footprint, calendar("crypto"), settings, None if sessions else start)
    return [number(value) for value in sums.cvd_lot]


@adapter
def cvd_series(given: Any, params: dict[str, Any]) -> dict[str, Any]:
    sessions = [bar["s"] for bar in given["bars"]] if params["reset"] == "session" else None
    return {"cvd": _cvd([bar["d"] for bar in given["bars"]], sessions)}


@adapter
def cvd_window_anchor(given: Any, _params: dict[str, Any]) -> dict[str, Any]:
    return {"cvd_last_window": _cvd(given["deltas"])[-given["window"] :]}


@adapter
def cvd_seed_example(given: Any, _params: dict[str, Any]) -> dict[str, Any]:
    pairs = list(zip(given["bid"], given["ask"], strict=True))
    rows = [(i * 60_000, 1, qty, side) for i, pair in enumerate(pairs) for qty, side in zip(pair, (-1, 1), strict=True)]
    footprint = build_footprint(tape(rows), "1m", 1)
    start = cvd.Carry(to_units(given["cvd_before"], LOT), 0)
    sums = cvd.cvd(footprint, calendar("crypto"), cvd.Params(reset="never"), start)
    return {
        "delta": [number(value) for value in footprint.bars.delta_lot],
        "cvd": [number(value) for value in sums.cvd_lot],
    }


def _rows(volume: list[Any]) -> Any:
    return np.array([to_units(v, LOT) for v in volume], np.int64)


@adapter
def poc(given: Any, params: dict[str, Any]) -> dict[str, Any]:
    tie: Any = {"nearest_mid_then_lower": "centre", "lowest": "lowest"}[params["tie"]]
    return {"poc": int(areas.value_area_of_rows(_rows(given["vol"]), areas.Params(tie=tie)).poc_row[0])}


@adapter
def value_area(given: Any, params: dict[str, Any]) -> dict[str, Any]:
    volume = _rows(given["vol"])
    area = areas.value_area_of_rows(volume, areas.Params(method=params["method"], pct=str(params["pct"])))
    low, high = int(area.val_row[0]), int(area.vah_row[0])
    return {
        "poc": int(area.poc_row[0]),
        "val": low,
        "vah": high,
        "va_vol": number(volume[low : high + 1].sum()),
        "target": number(volume.sum()) * params["pct"] / 100,
    }


@adapter
def diag_imbalance(given: Any, params: dict[str, Any]) -> dict[str, Any]:
    settings = imbalance.Params(
        percent=int(params["threshold_pct"]),
        convention=params["convention"],
        compare=params["compare"],
        zero=params["zero"],
        min_vol_lot=to_units(params["min_vol"], LOT),
        stack_n=params["stack_n"],
    )
    footprint = _one_bar(given["rows_bid_ask"], ChartSpec()).footprint
    flags = imbalance.flags(footprint, imbalance.min_volume(footprint, settings), settings)
    rows = footprint.levels.row

    def runs(bit: int) -> list[list[int]]:
        return [list(run) for run in imbalance.stacked_rows(rows, flags, bit)]

    return {
        "buy": rows[(flags & imbalance.CELL_BUY_IMBALANCE) > 0].tolist(),
        "sell": rows[(flags & imbalance.CELL_SELL_IMBALANCE) > 0].tolist(),
        "buy_stacks": runs(imbalance.CELL_BUY_STACK),
        "sell_stacks": runs(imbalance.CELL_SELL_STACK),
    }


@adapter
def imbalance_threshold(given: Any, params: dict[str, Any]) -> dict[str, Any]:
    # Two rows: the weak side sold on the lower, the strong one bought on the upper.
    bars = [_one_bar([[given["weak"], 0], [0, strong]], ChartSpec()).footprint for strong in given["strong"]]
    answer: dict[str, Any] = {}
    conventions: tuple[Any, ...] = ("ratio", "excess")
    comparisons: tuple[Any, ...] = ("gt", "ge")
    for convention, compare in itertools.product(conventions, comparisons):
        settings = imbalance.Params(percent=int(params["pct"]), convention=convention, compare=compare, min_vol_lot=0)
        marks = [imbalance.flags(bar, imbalance.min_volume(bar, settings), settings) for bar in bars]
        answer[f"{convention}_{compare}"] = [bool(cells[1] & imbalance.CELL_BUY_IMBALANCE) for cells in marks]
    return answer


@adapter
def stack_runs(given: Any, params: dict[str, Any]) -> dict[str, Any]:
    # A buy imbalance is a buy above no sell: a buy on every row, and a sell under those that must not be flagged.
    rows = [[0, 0]] + [[0, 1] for _ in given["flags"]]
    for row, flag in enumerate(given["flags"]):
        rows[row][0] = 0 if flag else 100
    rows[0][1] = 1
    frame = _one_bar(rows, ChartSpec(min_vol_lot=0, stack_n=params["n"]))
    runs = imbalance.stacked_rows(frame.footprint.levels.row, frame.cell_flags, imbalance.CELL_BUY_STACK)
    return {"stacks": [[low - 1, high - 1] for low, high in runs]}


@adapter
def candle_imbalance(given: Any, params: dict[str, Any]) -> dict[str, Any]:
    pairs = zip(given["bid"], given["ask"], strict=True)
    rows = [(i * 60_000, 1, q, s) for i, pair in enumerate(pairs) for q, s in zip(pair, (-1, 1), strict=True) if q]
    bars = build_footprint(tape(rows), "1m", 1).bars
    flags = flags_of(bars, CandleParams(percent=int(100 * params["ratio"]), compare=params["compare"])).tolist()
    return {"flag": [bool(f) for f in flags], "side": [{1: "ask", -1: "bid", 0: None}[f] for f in flags]}
