"""ccxt, which is made for many venues: prints what it understood of the one at argv[1], a JSON line a message."""

from __future__ import annotations

import asyncio
import json
import sys

import ccxt.pro

URL = sys.argv[1]


def tell(kind: str, **what: object) -> None:
    sys.stdout.write(json.dumps({"kind": kind, **what}) + "\n")
    sys.stdout.flush()


def local(value: object, path: str) -> object:
    if isinstance(value, dict):
        return {key: local(one, path) for key, one in value.items()}
    if isinstance(value, str) and "fstream.binance.com" in value:
        return value.replace("wss://fstream.binance.com", URL.replace("http", "ws"))
    if isinstance(value, str) and "fapi.binance.com" in value:
        return value.replace("https://fapi.binance.com", URL)
    return value


async def main() -> None:
    exchange = ccxt.pro.binanceusdm({"options": {"fetchMarkets": {"types": ["linear"]}}})
    exchange.has["fetchCurrencies"] = False
    exchange.urls["api"] = local(exchange.urls["api"], URL)
    try:
        markets = await exchange.load_markets()
        tell("symbols", names=[market["id"] for market in markets.values()])
        page = await exchange.fetch_trades("BTC/USDT:USDT", limit=3)
        tell("page", ids=[int(one["id"]) for one in page])
        tell("ready")
        while True:
            for one in await exchange.watch_trades("BTC/USDT:USDT"):
                tell("trade", id=int(one["id"]), price=one["price"], qty=one["amount"], side=one["side"])
    finally:
        await exchange.close()


asyncio.run(main())
