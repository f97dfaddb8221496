"""The meaning of Bybit's publicTrade messages."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from footloom.core.messages import Trade
from footloom.core.side import Side
from footloom.errors import SchemaChanged
from footloom.venues import bybit_linear

PRINT: dict[str, Any] = {
    "T": 1764738254369,
    "s": "BTCUSDT",
    "S": "Buy",
    "v": "0.012",
    "p": "92150.10",
    "L": "PlusTick",
    "i": "c0ffee00-0000-5000-8000-000000000001",
    "BT": False,
    "RPI": False,
    "seq": 88012345678,
}


def frame(*prints: dict[str, Any], topic: str = "publicTrade.BTCUSDT") -> bytes:
    return json.dumps({"topic": topic, "type": "snapshot", "ts": 1764738254371, "data": prints}).encode()


def parsed(text: bytes) -> list[Trade]:
    return [one for one in bybit_linear.parse(text, 7) if isinstance(one, Trade)]


def test_the_side_is_that_of_the_taker() -> None:
    buy, sell = parsed(frame(PRINT, PRINT | {"S": "Sell", "v": "2"}))
    assert buy == Trade(
        symbol="BTCUSDT",
        ts_exch_ns=1764738254369_000_000,
        price="92150.10",
        qty="0.012",
        side=Side.BUY,
        trade_id=None,
        ts_recv_ns=7,
        seq=88012345678,
        uid="c0ffee00-0000-5000-8000-000000000001",
    )
    assert (sell.side, sell.qty) == (Side.SELL, "2")


@pytest.mark.parametrize("change", [{"BT": True}, {"v": "0.000"}, {"p": "0"}])
def test_what_is_no_market_trade_yields_nothing(change: dict[str, Any]) -> None:
    assert len(parsed(frame(PRINT, PRINT | change))) == 1


@pytest.mark.parametrize(
    "text",
    [
        b'{"success":true,"ret_msg":"pong","conn_id":"x","req_id":"","op":"ping"}',
        b'{"success":true,"ret_msg":"","conn_id":"x","req_id":"x","op":"subscribe"}',
        frame({"s": "BTCUSDT"}, topic="kline.1.BTCUSDT"),
    ],
)
def test_other_messages_yield_nothing(text: bytes) -> None:
    assert parsed(text) == []


@pytest.mark.parametrize(
    "text",
    [
        b"not json",
        b"\xff{}",
        frame(PRINT | {"S": "buy"}),
        frame(PRINT | {"p": "x"}),
        frame(PRINT | {"v": 0.012}),
        frame(PRINT | {"T": 1764738254}),
        frame({"T": 1}),
    ],
)
def test_a_message_that_is_not_as_documented_is_refused(text: bytes) -> None:
    with pytest.raises(SchemaChanged):
        parsed(text)


@pytest.mark.parametrize(
    ("symbol", "base", "quote"),
    [("BTCUSDT", "BTC", "USDT"), ("BTCPERP", "BTC", "USDC"), ("ETHUSDT-26DEC25", "ETH", "USDT"), ("ODD", "", "")],
)
def test_names_tell_base_and_quote(symbol: str, base: str, quote: str) -> None:
    made = bybit_linear.instrument(symbol, Decimal("0.1"), Decimal("0.001"))
    assert (made.key, made.base, made.quote) == (f"bybit_linear:{symbol}", base, quote)
    assert bybit_linear.known_instrument(symbol, 0) is None
