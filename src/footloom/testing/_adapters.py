"""Known answers to footloom's own functions: each adapter converts units and names, and computes nothing."""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np

from footloom.bars import parse_rule
from footloom.core import nse
from footloom.core.decimals import from_units, to_units
from footloom.core.footprint import Footprint
from footloom.core.instrument import Instrument
from footloom.core.messages import Trade
from footloom.core.rows import rows_of
from footloom.core.sessions import calendar, wall_ns
from footloom.core.trades import Trades
from footloom.engine.build import build, build_footprint
from footloom.engine.frame import ChartFrame
from footloom.engine.spec import ChartSpec
from footloom.kernels.imbalance import GE, GT, INFINITE, is_imbalance
from footloom.studies import cvd, imbalance, profile
from footloom.studies.candle_imbalance import Params as CandleParams
from footloom.studies.candle_imbalance import candle_imbalance

__all__ = ("ADAPTERS",)

Adapter = Callable[[Any, dict[str, Any]], dict[str, Any]]
ADAPTERS: dict[str, Adapter] = {}

_MS = 1_000_000
_LOT = Decimal("1e-9")
_SIDE = {True: -1, False: 1}  # Binance's m: the buyer was the maker
_WORD = {1: "BUY", -1: "SELL", 0: "UNKNOWN"}


def _adapter(function: Adapter) -> Adapter:
    ADAPTERS[function.__name__] = function
    return function


def _instrument(tick: Decimal | str = "0.01") -> Instrument:
    return Instrument(venue="known", symbol="ANSWER", tick_size=Decimal(tick), lot_size=_LOT)


def _number(lots: int) -> Decimal:
    return int(lots) * _LOT


def _tape(rows: list[tuple[Any, Any, Any, int]], tick: Decimal | str = "0.01") -> Trades:
    instrument = _instrument(tick)
    ts, price, quantity, side = (list(column) for column in zip(*rows, strict=True))
    return Trades.build(
        instrument,
        np.array(ts, np.int64) * _MS,
        [instrument.price_tick(p) for p in price],
        [instrument.qty_lot(q) for q in quantity],
        side,
    )


def _signed(quantities: list[Any], ts: list[int] | None = None) -> Trades:
    times = ts or list(range(len(quantities)))
    return _tape([(t, 100, abs(q), 1 if q > 0 else -1) for t, q in zip(times, quantities, strict=True)])


def _one_bar(rows_bid_ask: list[Any], spec: ChartSpec) -> ChartFrame:
    # A bar whose rows hold the given sell and buy volumes; empty rows are left out, as a tape would.
    rows = [
        (0, row, quantity, side)
        for row, pair in enumerate(rows_bid_ask)
        for quantity, side in zip(pair, (-1, 1), strict=True)
        if quantity
    ]
    return build(_tape(rows, "1"), spec)


@_adapter
def aggressor_binance(given: Any, _params: dict[str, Any]) -> dict[str, Any]:
    from footloom.venues.binance_usdm import parse

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
    parsed = [m for frame in frames for m in parse(json.dumps(frame).encode(), 1767225600000 * _MS)]
    messages = [m for m in parsed if isinstance(m, Trade)]
    tape = _tape([(0, m.price, m.qty, int(m.side)) for m in messages])
    bars = build_footprint(tape, "1m", 1).bars
    return {
        "sides": [_WORD[int(m.side)] for m in messages],
        "bid_vol": _number(bars.sell_lot[0]),
        "ask_vol": _number(bars.buy_lot[0]),
        "delta": _number(bars.delta_lot[0]),
    }


@_adapter
def footprint_build(given: Any, params: dict[str, Any]) -> dict[str, Any]:
    at = {name: given["fields"].index(name) for name in given["fields"]}
    step = Decimal(params["step"])
    rows = [(r[at["ts"]], r[at["price"]], r[at["qty"]], _SIDE[r[at["m"]]]) for r in given["trades"]]
    frame = build(_tape(rows, step), ChartSpec(bars=f"{params['tf_ms'] // 1000}s", cvd_reset="never"))
    return {"bars": [_bar(frame, i) for i in range(len(frame))]}


def _bar(frame: ChartFrame, i: int) -> dict[str, Any]:
    footprint, bars = frame.footprint, frame.footprint.bars
    tick = footprint.instrument.tick_size
    cells = footprint.cells(i)
    levels = {
        from_units(int(cells.row[j]), tick): {
            "bid": _number(cells.sell_lot[j]),
            "ask": _number(cells.buy_lot[j]),
            "n": int(cells.trades[j]),
        }
        for j in range(len(cells))
    }
    prices = {"o": bars.open_tick, "h": bars.high_tick, "l": bars.low_tick, "c": bars.close_tick}
    lots = {"bid": bars.sell_lot, "ask": bars.buy_lot, "delta": bars.delta_lot, "volume": bars.volume_lot}
    return {
        "open_ts": int(bars.open_ns[i]) // _MS,
        **{name: int(column[i]) * tick for name, column in prices.items()},
        **{name: _number(column[i]) for name, column in lots.items()},
        "n": int(bars.trades[i]),
        "cvd": _number(frame.cvd_lot[i]),
        "levels": levels,
    }


@_adapter
def footprint_totals(given: Any, _params: dict[str, Any]) -> dict[str, Any]:
    tape = _tape(
        [(0, level["p"], level[name], side) for level in given["levels"] for name, side in (("bid", -1), ("ask", 1))]
    )
    footprint = build_footprint(tape, "1m", 1)
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
        "bid": _number(total.sell_lot[0]),
        "ask": _number(total.buy_lot[0]),
        "delta": _number(total.delta_lot[0]),
        "n": int(total.trades[0]),
    }


@_adapter
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


@_adapter
def exact_row(given: Any, _params: dict[str, Any]) -> dict[str, Any]:
    return {
        "exact": [to_units(price, Decimal(step)) for price, step in given["items"]],
        # What the case shows beside it: binary floats, which footloom uses for no price.
        "naive_float_floor": [math.floor(float(price) / float(step)) for price, step in given["items"]],
    }


@_adapter
def epoch_bar_open(given: Any, params: dict[str, Any]) -> dict[str, Any]:
    return {"open": _opens(given["ts"], "crypto", params["tf_ms"])}


@_adapter
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
        edges, _ = rule.edges(_tape([(ts, 1, 1, 1)]), calendar(market))
        answer.append(int(edges.open_ns[0]) // _MS)
    return answer


@_adapter
def session_open_utc(given: Any, params: dict[str, Any]) -> dict[str, Any]:
    from zoneinfo import ZoneInfo

    zone, opens = ZoneInfo(params["tz"]), dt.time.fromisoformat(params["session_open"])
    moments = [wall_ns(dt.date.fromisoformat(day), opens, zone) for day in given["dates"]]
    return {"open_utc": [f"{dt.datetime.fromtimestamp(ns // 10**9, dt.UTC):%Y-%m-%dT%H:%M:%SZ}" for ns in moments]}


@_adapter
def week_open(given: Any, params: dict[str, Any]) -> dict[str, Any]:
    market = calendar("crypto") if params.get("tz", "UTC") == "UTC" else calendar(f"iana:{params['tz']} 00:00-00:00")
    week_ms = 7 * 86_400_000
    times = given["ts"] if isinstance(given["ts"], list) else [given["ts"]]
    opens = []
    for ts in times:
        edges, _ = parse_rule("1w").edges(_tape([(ts, 1, 1, 1)]), market)
        opens.append(int(edges.open_ns[0]) // _MS)
    naive = [ts - ts % week_ms for ts in times]
    return {
        "monday_open": opens if isinstance(given["ts"], list) else opens[0],
        "naive_modulo": naive if isinstance(given["ts"], list) else naive[0],
    }


@_adapter
def nse_schedule(given: Any, _params: dict[str, Any]) -> dict[str, Any]:
    rows = [nse.schedule(given["segment"], dt.date.fromisoformat(day)) for day in given["dates"]]
    return {
        "preopen": [f"{row.preopen:%H:%M}" if row.preopen else None for row in rows],
        "open": [f"{row.opens:%H:%M}" for row in rows],
        "close": [f"{row.closes:%H:%M}" for row in rows],
    }


@_adapter
def delta_path(given: Any, _params: dict[str, Any]) -> dict[str, Any]:
    bars = build_footprint(_signed(given["signed"]), "1m", 1).bars
    return {
        "delta": _number(bars.delta_lot[0]),
        "max_delta": _number(bars.max_delta_lot[0]),
        "min_delta": _number(bars.min_delta_lot[0]),
        "volume": _number(bars.volume_lot[0]),
        "delta_pct": None if math.isnan(bars.delta_pct[0]) else float(bars.delta_pct[0]),
    }


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
    footprint = build_footprint(_tape(rows), "1m", 1)
    start = cvd.Carry(to_units(carry, _LOT), 0)
    settings = cvd.Params(reset="session" if sessions else "never")
    sums = cvd.cvd(footprint, calendar("crypto"), settings, None if sessions else start)
    return [_number(value) for value in sums.cvd_lot]


@_adapter
def cvd_series(given: Any, params: dict[str, Any]) -> dict[str, Any]:
    sessions = [bar["s"] for bar in given["bars"]] if params["reset"] == "session" else None
    return {"cvd": _cvd([bar["d"] for bar in given["bars"]], sessions)}


@_adapter
def cvd_window_anchor(given: Any, _params: dict[str, Any]) -> dict[str, Any]:
    return {"cvd_last_window": _cvd(given["deltas"])[-given["window"] :]}


@_adapter
def cvd_seed_example(given: Any, _params: dict[str, Any]) -> dict[str, Any]:
    pairs = list(zip(given["bid"], given["ask"], strict=True))
    rows = [(i * 60_000, 1, qty, side) for i, pair in enumerate(pairs) for qty, side in zip(pair, (-1, 1), strict=True)]
    footprint = build_footprint(_tape(rows), "1m", 1)
    start = cvd.Carry(to_units(given["cvd_before"], _LOT), 0)
    sums = cvd.cvd(footprint, calendar("crypto"), cvd.Params(reset="never"), start)
    return {
        "delta": [_number(value) for value in footprint.bars.delta_lot],
        "cvd": [_number(value) for value in sums.cvd_lot],
    }


def _rows(volume: list[Any]) -> Any:
    return np.array([to_units(v, _LOT) for v in volume], np.int64)


@_adapter
def poc(given: Any, params: dict[str, Any]) -> dict[str, Any]:
    tie: Any = {"nearest_mid_then_lower": "centre", "lowest": "lowest"}[params["tie"]]
    return {"poc": int(profile.value_area_of_rows(_rows(given["vol"]), profile.Params(tie=tie)).poc_row[0])}


@_adapter
def value_area(given: Any, params: dict[str, Any]) -> dict[str, Any]:
    volume = _rows(given["vol"])
    area = profile.value_area_of_rows(volume, profile.Params(method=params["method"], pct=str(params["pct"])))
    low, high = int(area.val_row[0]), int(area.vah_row[0])
    return {
        "poc": int(area.poc_row[0]),
        "val": low,
        "vah": high,
        "va_vol": _number(volume[low : high + 1].sum()),
        "target": _number(volume.sum()) * params["pct"] / 100,
    }


@_adapter
def diag_imbalance(given: Any, params: dict[str, Any]) -> dict[str, Any]:
    settings = imbalance.Params(
        percent=int(params["threshold_pct"]),
        convention=params["convention"],
        compare=params["compare"],
        zero=params["zero"],
        min_vol_lot=to_units(params["min_vol"], _LOT),
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


@_adapter
def imbalance_threshold(given: Any, params: dict[str, Any]) -> dict[str, Any]:
    weak = to_units(given["weak"], _LOT)
    answer = {}
    conventions: tuple[Any, ...] = ("ratio", "excess")
    for convention in conventions:
        percent = imbalance.threshold_percent(imbalance.Params(percent=int(params["pct"]), convention=convention))
        for name, compare in (("gt", GT), ("ge", GE)):
            answer[f"{convention}_{name}"] = [
                bool(is_imbalance(to_units(s, _LOT), weak, percent, 0, 0, compare, INFINITE)) for s in given["strong"]
            ]
    return answer


@_adapter
def stack_runs(given: Any, params: dict[str, Any]) -> dict[str, Any]:
    # A buy imbalance is a buy above no sell: a buy on every row, and a sell under those that must not be flagged.
    rows = [[0, 0]] + [[0, 1] for _ in given["flags"]]
    for row, flag in enumerate(given["flags"]):
        rows[row][0] = 0 if flag else 100
    rows[0][1] = 1
    frame = _one_bar(rows, ChartSpec(min_vol_lot=0, stack_n=params["n"]))
    runs = imbalance.stacked_rows(frame.footprint.levels.row, frame.cell_flags, imbalance.CELL_BUY_STACK)
    return {"stacks": [[low - 1, high - 1] for low, high in runs]}


@_adapter
def candle_imbalance_(given: Any, params: dict[str, Any]) -> dict[str, Any]:
    pairs = zip(given["bid"], given["ask"], strict=True)
    rows = [(i * 60_000, 1, q, s) for i, pair in enumerate(pairs) for q, s in zip(pair, (-1, 1), strict=True) if q]
    bars = build_footprint(_tape(rows), "1m", 1).bars
    flags = candle_imbalance(bars, CandleParams(percent=int(100 * params["ratio"]), compare=params["compare"])).tolist()
    return {"flag": [bool(f) for f in flags], "side": [{1: "ask", -1: "bid", 0: None}[f] for f in flags]}


ADAPTERS["candle_imbalance"] = ADAPTERS.pop("candle_imbalance_")
