"""Bybit's own pybit: prints what it understood of the venue at argv[1], a JSON line a message."""

from __future__ import annotations

import json
import sys
import time

import pybit.unified_trading as unified
from pybit.unified_trading import HTTP, WebSocket

URL = sys.argv[1]
unified.PUBLIC_WSS = URL.replace("http", "ws") + "/v5/public/{CHANNEL_TYPE}"


def tell(kind: str, **what: object) -> None:
    sys.stdout.write(json.dumps({"kind": kind, **what}) + "\n")
    sys.stdout.flush()


rest = HTTP()
rest.endpoint = URL
listed = rest.get_instruments_info(category="linear")["result"]["list"]
tell("symbols", names=[one["symbol"] for one in listed])
recent = rest.get_public_trade_history(category="linear", symbol="BTCUSDT", limit=3)["result"]["list"]
tell("page", ids=[one["execId"] for one in recent])
tell("time", ns=rest.get_server_time()["result"]["timeNano"])
tell("book", u=rest.get_orderbook(category="linear", symbol="BTCUSDT")["result"]["u"])


# pybit notes a request after it has sent it, and ends for good where the answer is quicker, as on this machine.
class Noted(dict[str, str]):
    def __missing__(self, key: str) -> str:
        while key not in self:
            time.sleep(0.001)
        return self[key]


socket = WebSocket(channel_type="linear", testnet=False)
socket.subscriptions = Noted()
get = socket._get_callback


# pybit asks for a topic before it notes who takes it; a venue on this machine answers in between.
def patient(topic: str) -> object:
    while topic not in socket.callback_directory:
        time.sleep(0.001)
    return get(topic)


socket._get_callback = patient
socket.trade_stream(
    "BTCUSDT",
    lambda message: [
        tell("trade", id=one["i"], price=one["p"], qty=one["v"], side=one["S"], ms=one["T"]) for one in message["data"]
    ],
)
socket.orderbook_stream(50, "BTCUSDT", lambda message: tell("depth", bids=len(message["data"]["b"])))
socket.ticker_stream("BTCUSDT", lambda message: tell("ticker", interest=message["data"]["openInterest"]))
tell("ready")
time.sleep(600)
