"""Bars that end by what was traded (definitions 2.4)."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np

from footloom.bars import parse_rule
from footloom.bars.imbalance import expected_threshold
from footloom.bars.renko import bricks
from footloom.core.decimals import to_units
from footloom.core.footprint import Footprint
from footloom.core.sessions import calendar
from footloom.core.trades import Trades
from footloom.engine.build import build_footprint
from footloom.testing.adapters._units import MS, adapter, instrument

__all__ = ()


# The smallest steps that hold every number: ticks and lots of the case's own making.
def _finest(numbers: Iterable[Any]) -> Decimal:
    places = min([0, *(int(Decimal(number).as_tuple().exponent) for number in numbers)])
    return Decimal(1).scaleb(places)


def _printed(prices: list[Any], quantities: list[Any], sides: list[int]) -> Trades:
    traded = instrument(_finest(prices)).with_grid(_finest(prices), _finest(quantities))
    return Trades.build(
        traded,
        np.arange(len(prices)) * MS,
        [traded.price_tick(price) for price in prices],
        [traded.qty_lot(quantity) for quantity in quantities],
        sides,
    )


class _Cut(NamedTuple):
    """A tape's bars by one rule: its footprint, the rows, where bars end, how many are complete."""

    footprint: Footprint
    rows: Trades
    ends: list[int]
    complete: int


def _cut(trades: Trades, rule: str) -> _Cut:
    edges, _ = parse_rule(rule).edges(trades, calendar("crypto"))
    made = build_footprint(trades, rule, 1)
    return _Cut(made, edges.rows(trades), edges.ends.tolist(), len(edges) - (not edges.complete))


def _spelled(value: Any) -> str:
    return f"{Decimal(value):f}"


def _split(params: dict[str, Any]) -> str:
    return "-split" if params.get("split") else ""


def _in_bars(values: list[Any], cut: _Cut) -> dict[str, Any]:
    bars = [values[lo:hi] for lo, hi in itertools.pairwise(cut.ends)]
    return {"bars": bars[: cut.complete], "open": bars[cut.complete] if cut.complete < len(bars) else []}


@adapter
def tick_bars(given: Any, params: dict[str, Any]) -> dict[str, Any]:
    cut = _cut(_printed(given["prices"], [1] * len(given["prices"]), [0] * len(given["prices"])), f"{params['n']}t")
    return _in_bars([Decimal(cut.rows.instrument.price_text(tick)) for tick in cut.rows.price_tick], cut)


@adapter
def volume_bars(given: Any, params: dict[str, Any]) -> dict[str, Any]:
    size = len(given["qty"])
    rule = f"{_spelled(params['threshold'])}v{_split(params)}"
    cut = _cut(_printed([1] * size, [*given["qty"]], [0] * size), rule)
    return _in_bars([Decimal(cut.rows.instrument.qty_text(lots)) for lots in cut.rows.qty_lot], cut)


@adapter
def dollar_bars(given: Any, params: dict[str, Any]) -> dict[str, Any]:
    trades = [(t["p"], t["q"]) if isinstance(t, dict) else t for t in given["trades"]]
    prices, quantities = ([trade[i] for trade in trades] for i in (0, 1))
    rule = f"{_spelled(params['threshold'])}q{_split(params)}"
    cut = _cut(_printed(prices, quantities, [0] * len(prices)), rule)
    traded = cut.rows.instrument
    values = [int(p) * int(q) for p, q in zip(cut.rows.price_tick, cut.rows.qty_lot, strict=True)]
    bars = [values[lo:hi] for lo, hi in itertools.pairwise(cut.ends)][: cut.complete]
    return {
        "notional": [sum(bar) * traded.tick_size * traded.lot_size for bar in bars],
        "sizes": [len(bar) for bar in bars],
    }


@adapter
def delta_bars(given: Any, params: dict[str, Any]) -> dict[str, Any]:
    signed_lots = given["signed"]
    sides = [1 if quantity > 0 else -1 for quantity in signed_lots]
    printed = _printed([1] * len(sides), [abs(quantity) for quantity in signed_lots], sides)
    return {"close_idx": _closes(_cut(printed, f"d{_spelled(params['threshold'])}"))}


def _closes(cut: _Cut) -> list[int]:
    return [end - 1 for end in cut.ends[1 : cut.complete + 1]]


@adapter
def range_bars(given: Any, params: dict[str, Any]) -> dict[str, Any]:
    prices = given["prices"]
    cut = _cut(_printed(prices, [1] * len(prices), [0] * len(prices)), f"r{params['range_ticks']}")
    bars, tick = cut.footprint.bars, cut.footprint.instrument.tick_size
    columns = (bars.open_tick, bars.high_tick, bars.low_tick, bars.close_tick)
    rows = [[int(value) * tick for value in row] for row in zip(*columns, strict=True)]
    return {"bars": rows[: cut.complete], "open": rows[cut.complete] if cut.complete < len(rows) else []}


@adapter
def renko(given: Any, params: dict[str, Any]) -> dict[str, Any]:
    tick = _finest([*given["prices"], params["brick"], params["start"]])
    found = bricks(
        np.array([to_units(price, tick) for price in given["prices"]], np.int64),
        to_units(params["brick"], tick),
        params.get("reversal_bricks", 2),
        to_units(params["start"], tick),
    )
    return {"bricks": [[b.open_tick * tick, b.close_tick * tick, b.direction] for b in found]}


@adapter
def tick_imbalance_bars(given: Any, params: dict[str, Any]) -> dict[str, Any]:
    prices = given["prices"]
    threshold = expected_threshold(Decimal(params["E_T"]), Decimal(params["P_up"]))
    rule = f"ib{math.ceil(threshold)}" + (f"-e{params['E_T']}" if params["update"] else "")
    cut = _cut(_printed(prices, [1] * len(prices), [0] * len(prices)), rule)
    return {"close_idx": _closes(cut), "threshold": threshold}
