"""Adapters of options and open interest (definitions 7)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from footloom.options import black76 as options
from footloom.options import positions
from footloom.testing.adapters._units import adapter

__all__ = ()


def _oi(values: list[int]) -> Any:
    return np.array(values, np.int64)


def _market(given: Any) -> dict[str, Any]:
    return {
        "forward": given["F"],
        "strike": given["K"],
        "years": given["T"],
        "rate": given["r"],
        "is_call": given.get("cp") == "C",
    }


@adapter
def oi_quadrant(given: Any, params: dict[str, Any]) -> dict[str, Any]:
    quiet = (params["price_eps"], params["oi_eps"])
    return {"labels": [positions.quadrant(price, oi, *quiet) for price, oi in given["items"]]}


@adapter
def oi_change(given: Any, _params: dict[str, Any]) -> dict[str, Any]:
    daily, interval = positions.changes(_oi(given["oi"]), given["prev_close_oi"])
    return {"vs_prev_day": daily, "interval": interval}


@adapter
def pcr(given: Any, _params: dict[str, Any]) -> dict[str, Any]:
    return {"pcr": positions.put_call_ratio(_oi([given["put_oi"]]), _oi([given["call_oi"]]))}


@adapter
def max_pain(given: Any, _params: dict[str, Any]) -> dict[str, Any]:
    strikes, calls, puts = (_oi(given[name]) for name in ("strikes", "call_oi", "put_oi"))
    pain = positions.max_pain(strikes, calls, puts)
    assert pain is not None
    return {
        "max_pain": pain.strike,
        "payout": {str(strike): payout for strike, payout in pain.payouts.items()},
        "call_wall": positions.walls(strikes, calls)[0].strike,
        "put_wall": positions.walls(strikes, puts)[0].strike,
    }


@adapter
def bsm(given: Any, _params: dict[str, Any]) -> dict[str, Any]:
    spot, strike, years, rate, vol, dividend = (float(given[name]) for name in ("S", "K", "T", "r", "sigma", "q"))
    market = (options.forward_of(spot, years, rate, dividend), strike, years, rate, vol)
    call, put = (float(options.price(*market, is_call=is_call)[0]) for is_call in (True, False))
    return {"call": call, "put": put}


@adapter
def black76(given: Any, _params: dict[str, Any]) -> dict[str, Any]:
    return {"price": float(options.price(vol=given["sigma"], **_market(given))[0])}


@adapter
def implied_vol(given: Any, _params: dict[str, Any]) -> dict[str, Any]:
    found = float(options.implied_vol(given["price"], **_market(given))[0])
    return {"iv": None if math.isnan(found) else found}


@adapter
def black76_greeks(given: Any, _params: dict[str, Any]) -> dict[str, Any]:
    found = options.greeks(vol=given["sigma"], **_market(given))
    return {"delta": float(found.delta[0]), "gamma": float(found.gamma[0]), "vega_per_1pct": float(found.vega[0])}
