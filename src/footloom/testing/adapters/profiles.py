"""Adapters of profiles and of what is drawn over prices (definitions 4.3 to 4.7)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np

from footloom.core.decimals import parse_decimal, to_units
from footloom.core.trades import I64
from footloom.engine.build import build_footprint
from footloom.engine.studies import StudyFold, counting, run_study
from footloom.studies import hvn_lvn as nodes
from footloom.studies import tpo as brackets
from footloom.testing.adapters._units import LOT, adapter, tape

__all__ = ()

_DAY_MS = 86_400_000
_BORN, _FILLED = 1, 2


@adapter
def hvn_lvn(given: Any, params: dict[str, Any]) -> dict[str, Any]:
    volume = np.array([to_units(v, LOT) for v in given["vol"]], np.int64)
    settings = nodes.Params(
        k=params["k"], high_percent=int(100 * params["hvn_mult"]), low_percent=int(100 * params["lvn_mult"])
    )
    found = nodes.nodes_of_rows(np.arange(len(volume)), volume, settings)
    return {"hvn": found.hvn_row.tolist(), "lvn": found.lvn_row.tolist()}


@adapter
def naked_poc(given: Any, _params: dict[str, Any]) -> dict[str, Any]:
    # A bar a day: most of it at the POC, a little at the low and at the high.
    rows = [
        (day * _DAY_MS + at, session[name], quantity, 1)
        for day, session in enumerate(given["sessions"])
        for at, (name, quantity) in enumerate((("poc", 10), ("lo", 1), ("hi", 1)))
    ]
    events = run_study("naked_poc", build_footprint(tape(rows), "1d", 1)).events
    told = zip(*(events[name].tolist() for name in ("bar", "since_ns", "what")), strict=True)
    filled: list[int | None] = [None] * len(given["sessions"])
    standing = set()
    for bar, since_ns, what in told:
        session = since_ns // (_DAY_MS * 10**6)
        if what == _BORN:
            standing.add(session)
        if what == _FILLED:
            standing.remove(session)
            filled[session] = bar
    return {"filled_at": filled, "naked": sorted(standing)}


@adapter
def tpo(given: Any, params: dict[str, Any]) -> dict[str, Any]:
    unit = parse_decimal(params["row"])
    ranges = np.array([[to_units(price, unit) for price in pair] for pair in given["brackets"]], np.int64)
    settings = brackets.Params(method=params["method"], pct=str(params["pct"]), ib_brackets=params["ib_brackets"])
    low, high = (np.ascontiguousarray(column) for column in ranges.T)
    made = brackets.profile_of_brackets(np.arange(len(ranges)), low, high, settings)

    def prices(rows: I64) -> list[Decimal]:
        return [row * unit for row in rows.tolist()]

    counts = {f"{price:f}": count for price, count in zip(prices(made.row), made.count.tolist(), strict=True)}
    return {
        "counts": counts,
        "total": made.total,
        "poc": made.poc_row * unit,
        "val": made.val_row * unit,
        "vah": made.vah_row * unit,
        "ib_low": made.ib_low_row * unit,
        "ib_high": made.ib_high_row * unit,
        "low_tail": prices(made.low_tail_row),
        "high_tail": prices(made.high_tail_row),
        "interior_single_prints": prices(made.single_row),
        "poor_high": made.poor_high,
        "poor_low": made.poor_low,
        "range_ext_up": made.above,
        "range_ext_down": made.below,
    }


@adapter
def vwap_bands(given: Any, params: dict[str, Any]) -> dict[str, Any]:
    widths = [float(k) for k in params["k"]]
    fold = StudyFold("vwap", {"bands": [*widths, *(1.0, 2.0, 3.0)[len(widths) :]][:3]})
    made = tape([(i, price, quantity, 1) for i, (price, quantity) in enumerate(given["trades"])])
    bars = fold.update(build_footprint(made, "1d", 1, count=counting([fold]))).bars
    tick = float(made.instrument.tick_size)
    answer = {name: float(bars[name][0]) * tick for name in ("vwap", "sd")}
    for i, k in enumerate(params["k"], 1):
        answer |= {f"{side}{k}": float(bars[f"{side}{i}"][0]) * tick for side in ("lower", "upper")}
    return answer
