"""P1: one taker buys 3 and one sells 2, as a venue sends it: the ask column holds 3, the bid column 2, delta is 1."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from footloom.core.messages import OffMarket, Trade
from footloom.core.trades import Trades
from footloom.engine.build import build_footprint
from footloom.venues import binance_coinm, binance_spot, binance_usdm, bybit_linear

MS = 1_764_738_254_155
BINANCE: dict[str, Any] = {"E": MS, "T": MS, "s": "BTCUSDT", "p": "92150.10"}
BYBIT: dict[str, Any] = {"T": MS, "s": "BTCUSDT", "p": "92150.10", "i": "a", "BT": False, "seq": 5}


def binance(venue: Any, **fields: Any) -> list[Any]:
    said = [BINANCE | {"q": "3", "m": False} | fields, BINANCE | {"q": "2", "m": True} | fields]
    return [one for data in said for one in venue.parse(json.dumps({"stream": "s", "data": data}).encode(), MS)]


def bybit() -> list[Any]:
    data = [BYBIT | {"S": "Buy", "v": "3"}, BYBIT | {"S": "Sell", "v": "2"}]
    return list(bybit_linear.parse(json.dumps({"topic": "publicTrade.BTCUSDT", "data": data}).encode(), MS))


def binance_page() -> list[Any]:
    rows = [{"a": 7, "q": "3", "m": False} | BINANCE, {"a": 8, "q": "2", "m": True} | BINANCE]
    return list(binance_usdm.read_trades(json.dumps(rows).encode(), "BTCUSDT", MS))


def spot_page() -> list[Any]:
    row = {"price": "92150.10", "time": MS, "quoteQty": "1", "isBestMatch": True}
    rows = [row | {"id": 7, "qty": "3", "isBuyerMaker": False}, row | {"id": 8, "qty": "2", "isBuyerMaker": True}]
    return list(binance_spot.OTHER_TAPES["trade"].read_trades(json.dumps(rows).encode(), "BTCUSDT", MS))


def bybit_page() -> list[Any]:
    row = {"execId": "a", "price": "92150.10", "time": str(MS), "seq": "5"}
    rows = [row | {"side": "Sell", "size": "2"}, row | {"side": "Buy", "size": "3"}]
    answer = {"retCode": 0, "retMsg": "OK", "result": {"list": rows}}
    return list(bybit_linear.read_trades(json.dumps(answer).encode(), "BTCUSDT", MS))


FORMS: dict[str, list[Any]] = {
    "usdm aggTrade": binance(binance_usdm, e="aggTrade", a=7, nq="1", st=1),
    "usdm trade": binance(binance_usdm, e="trade", t=7, X="MARKET"),
    "spot aggTrade": binance(binance_spot, e="aggTrade", a=7, M=True),
    "spot trade": binance(binance_spot, e="trade", t=7, M=True),
    "coinm aggTrade": binance(binance_coinm, e="aggTrade", a=7, s="BTCUSD_PERP", st=2),
    "usdm page": binance_page(),
    "spot page of single trades": spot_page(),
    "bybit publicTrade": bybit(),
    "bybit page": bybit_page(),
}


@pytest.mark.parametrize("form", FORMS)
def test_columns_and_delta(form: str) -> None:
    told = FORMS[form]
    assert [type(one) for one in told] == [Trade, Trade]
    instrument = binance_usdm.instrument("BTCUSDT", Decimal("0.1"), Decimal(1))
    trades = Trades.build(
        instrument,
        [one.ts_exch_ns for one in told],
        [instrument.price_tick(one.price) for one in told],
        [instrument.qty_lot(one.qty) for one in told],
        [int(one.side) for one in told],
    )
    bars = build_footprint(trades, "1m", 1).bars
    assert (bars.buy_lot.tolist(), bars.sell_lot.tolist(), bars.delta_lot.tolist()) == ([3], [2], [1])


def test_prints_that_are_no_market_trades_are_in_no_column() -> None:
    """P11: they are told apart, and counted nowhere."""
    told = binance(binance_usdm, e="trade", t=7, X="INSURANCE_FUND", p="1.00")
    assert [type(one) for one in told] == [OffMarket, OffMarket]
