"""Binance's own SDK: prints what it understood of the venue at argv[1], a JSON line a message."""

from __future__ import annotations

import asyncio
import json
import sys

from binance_common.configuration import ConfigurationRestAPI, ConfigurationWebSocketStreams
from binance_sdk_derivatives_trading_usds_futures import DerivativesTradingUsdsFutures

URL = sys.argv[1]


def tell(kind: str, **what: object) -> None:
    sys.stdout.write(json.dumps({"kind": kind, **what}) + "\n")
    sys.stdout.flush()


async def main() -> None:
    client = DerivativesTradingUsdsFutures(
        config_rest_api=ConfigurationRestAPI(api_key="k", api_secret="s", base_path=URL),  # noqa: S106 - of nobody
        config_ws_streams=ConfigurationWebSocketStreams(stream_url=URL.replace("http", "ws")),
    )
    rest = client.rest_api
    info = rest.exchange_information().data()
    tell("symbols", names=[one.symbol for one in info.symbols])
    page = rest.compressed_aggregate_trades_list(symbol="BTCUSDT", limit=3).data()
    tell("page", ids=[one.a for one in page], prices=[one.p for one in page])
    book = rest.order_book(symbol="BTCUSDT", limit=5).data()
    tell("book", id=book.last_update_id, bids=len(book.bids))
    tell("time", ms=rest.check_server_time().data().server_time)

    connection = await client.websocket_streams.create_connection()
    trades = await connection.aggregate_trade_streams(symbol="btcusdt")
    trades.on("message", lambda one: tell("trade", id=one.a, price=one.p, qty=one.q, maker=one.m, ms=one.T))
    depth = await connection.diff_book_depth_streams(symbol="btcusdt", update_speed="100ms")
    depth.on("message", lambda one: tell("depth", first=one.U, last=one.u, previous=one.pu))
    tell("ready")
    await asyncio.sleep(600)


asyncio.run(main())
