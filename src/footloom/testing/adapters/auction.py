"""Adapters of divergences, zones, auctions and runs (definitions 3.3, 3.4, 5.3 to 5.5, 6.1)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np

from footloom.core.decimals import to_units
from footloom.core.footprint import Footprint
from footloom.engine.build import build_footprint
from footloom.engine.studies import run_study
from footloom.studies import cvd_divergence as swings
from footloom.studies import imbalance, stacked_zones
from footloom.studies._freqtrade import freqtrade_compat as other_program
from footloom.studies.unfinished_auction import UNFINISHED
from footloom.testing.adapters._units import LOT, adapter, tape

__all__ = ()

_TICK = Decimal("0.01")
_POINT = {1: "bullish", -1: "bearish"}
_SIDES = {"buy": 1, "sell": -1, "ask": 1, "bid": -1, None: 0}
_WORDS = {1: "ask", -1: "bid"}


def _units(values: list[Any], unit: Decimal = _TICK) -> Any:
    return np.array([to_units(value, unit) for value in values], np.int64)


def _bars(given: Any, deltas: list[Any]) -> Footprint:
    # A bar a minute: its extremes trade without a side, its delta at the low.
    rows: list[tuple[Any, Any, Any, int]] = []
    for i, (high, low, delta) in enumerate(zip(given["high"], given["low"], deltas, strict=True)):
        rows += [(i * 60_000, high, 1, 0), (i * 60_000, low, 1, 0)]
        if delta:
            rows.append((i * 60_000, low, abs(delta), 1 if delta > 0 else -1))
    return build_footprint(tape(rows), "1m", 1)


@adapter
def pivot_highs(given: Any, params: dict[str, Any]) -> dict[str, Any]:
    return {"pivots": swings.pivots(_units(given["x"]), params["left"], params["right"]).tolist()}


@adapter
def cvd_divergence(given: Any, params: dict[str, Any]) -> dict[str, Any]:
    deltas = [now - before for before, now in zip([0, *given["cvd"]], given["cvd"], strict=False)]
    settings = {name: params[name] for name in ("left", "right", "min_sep", "max_sep")}
    events = run_study("cvd_divergence", _bars(given, deltas), settings).events
    columns = (events[name].tolist() for name in ("bar", "side", "first_back", "second_back"))
    return {
        "signals": [
            {"type": _POINT[side], "p1": bar - first, "p2": bar - second, "known": bar}
            for bar, side, first, second in zip(*columns, strict=True)
        ]
    }


@adapter
def delta_divergence(given: Any, params: dict[str, Any]) -> dict[str, Any]:
    events = run_study("delta_divergence", _bars(given, given["delta"]), {"n": params["n"]}).events
    told = zip(events["bar"].tolist(), events["side"].tolist(), strict=True)
    return {"signals": [[bar, _POINT[side]] for bar, side in told]}


@adapter
def zone_life(given: Any, _params: dict[str, Any]) -> dict[str, Any]:
    bars = [dict(zip(given["fields"], bar, strict=True)) for bar in given["bars"]]
    close = _units([bar["close"] for bar in bars])
    low, high = (_units([bar[name] for bar in bars]) if name in given["fields"] else close for name in ("low", "high"))
    zone = given["zone"]
    bottom, top = (to_units(zone[name], _TICK) for name in ("lo", "hi"))
    first = stacked_zones.zone_life(_SIDES[zone["side"]], bottom, top, high, low, close)
    return {
        "first_touch": first.get(stacked_zones.TESTED),
        "invalid_trade_through": first.get(stacked_zones.INVALID_TRADE),
        "invalid_close_through": first.get(stacked_zones.INVALID_CLOSE),
    }


@adapter
def candle_stack(given: Any, params: dict[str, Any]) -> dict[str, Any]:
    # A bar a minute: one side alone is an imbalance, both alike are none.
    rows: list[tuple[Any, Any, Any, int]] = []
    for i, word in enumerate(given["side"]):
        rows += [(i * 60_000, 1, 1, side) for side in ([_SIDES[word]] if word else [1, -1])]
    settings = {"stack_n": params["n"]}
    events = run_study("candle_imbalance", build_footprint(tape(rows), "1m", 1), settings).events
    told = zip(events["bar"].tolist(), events["stack_side"].tolist(), strict=True)
    return {"signals": [[bar, _WORDS[side]] for bar, side in told]}


@adapter
def unfinished_auction(given: Any, params: dict[str, Any]) -> dict[str, Any]:
    rows = [
        (0, price, given[name][column], side)
        for price, name in ((2, "high_row"), (1, "low_row"))
        for column, side in (("bid", -1), ("ask", 1))
        if given[name][column]
    ]
    settings = {f"{side}_filter_lot": to_units(params[f"{side}_filter"], LOT) for side in ("ask", "bid")}
    bars = run_study("unfinished_auction", build_footprint(tape(rows), "1m", 1), settings).bars
    return {f"unfinished_{name}": bool(bars[name][0] == UNFINISHED) for name in ("high", "low")}


@adapter
def freqtrade_compat(given: Any, params: dict[str, Any]) -> dict[str, Any]:
    step, percent = to_units(params["scale"], _TICK), int(100 * params["ratio"])
    trades = tape([(0, price, quantity, _SIDES[side]) for side, price, quantity in given["trades"]])
    theirs = other_program(trades, step, percent, to_units(params["imbalance_volume"], LOT))
    bar = build_footprint(trades, "1m", step)
    settings = {"percent": percent, "min_vol_lot": to_units(params["imbalance_volume"], LOT)}
    ours = imbalance.imbalances(bar, run_study("imbalance", bar, settings).cells["cell_flags"])

    def prices(rows: Any) -> list[str]:
        return [str(float(row * params["scale"])) for row in rows.tolist()]

    flags = (("bid_imbalance", theirs.bid_imbalance), ("ask_imbalance", theirs.ask_imbalance))
    return {
        "freqtrade_counts": {price: name for name, mask in flags for price in prices(theirs.row[mask])},
        "volume_based": {name: prices(ours["row"][ours["side"] == _SIDES[name]]) for name in ("sell", "buy")},
    }
