"""Adapters of prices, cells, bars and sessions (definitions 1 to 3.1)."""

from __future__ import annotations

import datetime as dt
import json
import math
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from footloom.bars import parse_rule
from footloom.core import nse
from footloom.core.decimals import from_units, to_units
from footloom.core.footprint import Footprint
from footloom.core.messages import Trade
from footloom.core.rows import rows_of
from footloom.core.sessions import calendar, wall_ns
from footloom.engine.build import build, build_footprint
from footloom.engine.frame import ChartFrame
from footloom.engine.spec import ChartSpec
from footloom.testing.adapters._units import MS, WORD, adapter, number, signed, tape
from footloom.venues.binance_usdm import parse

__all__ = ()

_SIDE = {True: -1, False: 1}  # Binance's m: the buyer was the maker


@adapter
def aggressor_binance(given: Any, _params: dict[str, Any]) -> dict[str, Any]:
    frames = [
        {
            "e": "aggTrade",
            "E": 1,
            "s": "X",
            "a": i,
            "p": t["p"],
            "q": t["q"],
            "f": i,
            "l": i,
            "T": 1767225600000,
            "m": t["m"],
        }
        for i, t in enumerate(given["trades"])
    ]
    parsed = [m for frame in frames for m in parse(json.dumps(frame).encode(), 1767225600000 * MS)]
    messages = [m for m in parsed if isinstance(m, Trade)]
    printed = tape([(0, m.price, m.qty, int(m.side)) for m in messages])
    bars = build_footprint(printed, "1m", 1).bars
    return {
        "sides": [WORD[int(m.side)] for m in messages],
        "bid_vol": number(bars.sell_lot[0]),
        "ask_vol": number(bars.buy_lot[0]),
        "delta": number(bars.delta_lot[0]),
    }


@adapter
def footprint_build(given: Any, params: dict[str, Any]) -> dict[str, Any]:
    at = {name: given["fields"].index(name) for name in given["fields"]}
    step = Decimal(params["step"])
    rows = [(r[at["ts"]], r[at["price"]], r[at["qty"]], _SIDE[r[at["m"]]]) for r in given["trades"]]
    frame = build(tape(rows, step), ChartSpec(bars=f"{params['tf_ms'] // 1000}s", cvd_reset="never"))
    return {"bars": [_bar(frame, i) for i in range(len(frame))]}


def _bar(frame: ChartFrame, i: int) -> dict[str, Any]:
    footprint, bars = frame.footprint, frame.footprint.bars
    tick = footprint.instrument.tick_size
    cells = footprint.cells(i)
    levels = {
        from_units(int(cells.row[j]), tick): {
            "bid": number(cells.sell_lot[j]),
            "ask": number(cells.buy_lot[j]),
            "n": int(cells.trades[j]),
        }
        for j in range(len(cells))
    }
    prices = {"o": bars.open_tick, "h": bars.high_tick, "l": bars.low_tick, "c": bars.close_tick}
    lots = {"bid": bars.sell_lot, "ask": bars.buy_lot, "delta": bars.delta_lot, "volume": bars.volume_lot}
    return {
        "open_ts": int(bars.open_ns[i]) // MS,
        **{name: int(column[i]) * tick for name, column in prices.items()},
        **{name: number(column[i]) for name, column in lots.items()},
        "n": int(bars.trades[i]),
        "cvd": number(frame.cvd_lot[i]),
        "levels": levels,
    }


@adapter
def footprint_totals(given: Any, _params: dict[str, Any]) -> dict[str, Any]:
    printed = tape(
        [(0, level["p"], level[name], side) for level in given["levels"] for name, side in (("bid", -1), ("ask", 1))]
    )
    footprint = build_footprint(printed, "1m", 1)
    cells = footprint.levels
    by_price = {footprint.instrument.price_tick(level["p"]): level["n"] for level in given["levels"]}
    counted = Footprint(
        instrument=footprint.instrument,
        bar_rule=footprint.bar_rule,
        ticks_per_level=1,
        bars=footprint.bars,
        level_offset=footprint.level_offset,
        levels=type(cells)(
            cells.row,
            cells.buy_lot,
            cells.sell_lot,
            cells.unknown_lot,
            np.array([by_price[row] for row in cells.row.tolist()], np.int64),
        ),
    )
    total = counted.cell_totals()
    return {
        "bid": number(total.sell_lot[0]),
        "ask": number(total.buy_lot[0]),
        "delta": number(total.delta_lot[0]),
        "n": int(total.trades[0]),
    }


@adapter
def bucket_compare(given: Any, params: dict[str, Any]) -> dict[str, Any]:
    step = Decimal(given["step"])
    places = min(Decimal(text).as_tuple().exponent for text in (*given["prices"], given["step"]))
    tick = Decimal(1).scaleb(int(places))
    ticks = np.array([to_units(text, tick) for text in given["prices"]])
    answer: dict[str, Any] = {}
    for method in params["methods"]:
        rows, counts = np.unique(rows_of(ticks, to_units(step, tick), method), return_counts=True)
        answer[method] = {from_units(int(r), step): int(n) * given["qty"] for r, n in zip(rows, counts, strict=True)}
    return answer


@adapter
def exact_row(given: Any, _params: dict[str, Any]) -> dict[str, Any]:
    return {
        "exact": [to_units(price, Decimal(step)) for price, step in given["items"]],
        # What the case shows beside it: binary floats, which footloom uses for no price.
        "naive_float_floor": [math.floor(float(price) / float(step)) for price, step in given["items"]],
    }


@adapter
def epoch_bar_open(given: Any, params: dict[str, Any]) -> dict[str, Any]:
    return {"open": _opens(given["ts"], "crypto", params["tf_ms"])}


@adapter
def session_bar_open(given: Any, params: dict[str, Any]) -> dict[str, Any]:
    market = f"iana:{params['tz']} {params['session_open']}-{_before(params['session_open'])}"
    return {
        "session_anchored": _opens(given["ts"], market, params["tf_ms"]),
        "epoch_anchored": _opens(given["ts"], "crypto", params["tf_ms"]),
    }


def _before(opens: str) -> str:
    # A session that lasts until just before it opens again: the cases name no close.
    moment = dt.datetime.combine(dt.date(2000, 1, 2), dt.time.fromisoformat(opens)) - dt.timedelta(minutes=1)
    return f"{moment:%H:%M}"


def _opens(times: list[int], market: str, tf_ms: int) -> list[int]:
    rule = parse_rule(f"{tf_ms // 1000}s")
    answer = []
    for ts in times:
        edges, _ = rule.edges(tape([(ts, 1, 1, 1)]), calendar(market))
        answer.append(int(edges.open_ns[0]) // MS)
    return answer


@adapter
def session_open_utc(given: Any, params: dict[str, Any]) -> dict[str, Any]:
    zone, opens = ZoneInfo(params["tz"]), dt.time.fromisoformat(params["session_open"])
    moments = [wall_ns(dt.date.fromisoformat(day), opens, zone) for day in given["dates"]]
    return {"open_utc": [f"{dt.datetime.fromtimestamp(ns // 10**9, dt.UTC):%Y-%m-%dT%H:%M:%SZ}" for ns in moments]}


@adapter
def week_open(given: Any, params: dict[str, Any]) -> dict[str, Any]:
    market = calendar("crypto") if params.get("tz", "UTC") == "UTC" else calendar(f"iana:{params['tz']} 00:00-00:00")
    week_ms = 7 * 86_400_000
    times = given["ts"] if isinstance(given["ts"], list) else [given["ts"]]
    opens = []
    for ts in times:
        edges, _ = parse_rule("1w").edges(tape([(ts, 1, 1, 1)]), market)
        opens.append(int(edges.open_ns[0]) // MS)
    naive = [ts - ts % week_ms for ts in times]
    return {
        "monday_open": opens if isinstance(given["ts"], list) else opens[0],
        "naive_modulo": naive if isinstance(given["ts"], list) else naive[0],
    }


@adapter
def nse_schedule(given: Any, _params: dict[str, Any]) -> dict[str, Any]:
    rows = [nse.schedule(given["segment"], dt.date.fromisoformat(day)) for day in given["dates"]]
    return {
        "preopen": [f"{row.preopen:%H:%M}" if row.preopen else None for row in rows],
        "open": [f"{row.opens:%H:%M}" for row in rows],
        "close": [f"{row.closes:%H:%M}" for row in rows],
    }


@adapter
def delta_path(given: Any, _params: dict[str, Any]) -> dict[str, Any]:
    bars = build_footprint(signed(given["signed"]), "1m", 1).bars
    return {
        "delta": number(bars.delta_lot[0]),
        "max_delta": number(bars.max_delta_lot[0]),
        "min_delta": number(bars.min_delta_lot[0]),
        "volume": number(bars.volume_lot[0]),
        "delta_pct": None if math.isnan(bars.delta_pct[0]) else float(bars.delta_pct[0]),
    }
