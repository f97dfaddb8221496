"""What is asked of Bybit over REST, and what the answers mean."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import pytest

from footloom.core.messages import OffMarket, Trade
from footloom.core.side import Side
from footloom.errors import ConfigError, RateLimited, Refused, SchemaChanged
from footloom.venues import bybit_linear

MS = 1_000_000
BASES = bybit_linear.BASES
NOON_NS = 1764763200000 * MS
ROW = {
    "execId": "c0ffee00-0000-5000-8000-000000000001", "symbol": "BTCUSDT", "price": "92150.10", "size": "0.012",
    "side": "Buy", "time": "1764738254369", "isBlockTrade": False, "isRPITrade": False, "seq": "88012345678",
}  # fmt: skip
LISTED: dict[str, Any] = {
    "symbol": "BTCUSDT", "contractType": "LinearPerpetual", "status": "Trading", "baseCoin": "BTC",
    "quoteCoin": "USDT", "launchTime": "1584230400000", "deliveryTime": "0", "priceScale": "2",
    "priceFilter": {"minPrice": "0.10", "maxPrice": "1999999.80", "tickSize": "0.10"},
    "lotSizeFilter": {"qtyStep": "0.001", "minOrderQty": "0.001", "minNotionalValue": "5"},
}  # fmt: skip


def answer(result: Any, code: int = 0, text: str = "OK") -> bytes:
    return json.dumps(
        {"retCode": code, "retMsg": text, "result": result, "retExtInfo": {}, "time": 1764738254400}
    ).encode()


def page(*rows: dict[str, Any]) -> bytes:
    return answer({"category": "linear", "list": rows})


def test_recent_trades_are_turned_to_oldest_first() -> None:
    request = bybit_linear.recent_trades("BTCUSDT", BASES)
    assert request.url == "https://api.bybit.com/v5/market/recent-trade"
    assert dict(request.params) == {"category": "linear", "symbol": "BTCUSDT", "limit": "1000"}
    found = bybit_linear.read_trades(page(ROW | {"execId": "b", "side": "Sell"}, ROW | {"execId": "a"}), "BTCUSDT", 7)
    first, second = found
    assert first == Trade(
        symbol="BTCUSDT",
        ts_exch_ns=1764738254369 * MS,
        price="92150.10",
        qty="0.012",
        side=Side.BUY,
        trade_id=None,
        ts_recv_ns=7,
        seq=88012345678,
        uid="a",
    )
    assert isinstance(second, Trade)
    assert (second.uid, second.side) == ("b", Side.SELL)


def test_block_trades_are_told_apart() -> None:
    (told,) = bybit_linear.read_trades(page(ROW | {"isBlockTrade": True}), "BTCUSDT", 7)
    assert isinstance(told, OffMarket)
    assert told.reason == "block trade"


def test_there_are_no_older_trades_to_ask_for() -> None:
    assert not any(hasattr(bybit_linear, name) for name in ("trades_from", "trades_at", "book_snapshot", "polls"))


def test_instruments_come_in_pages() -> None:
    future = LISTED | {"symbol": "BTCUSDT-26DEC25", "contractType": "LinearFutures", "deliveryTime": "1766736000000"}
    ungridded = LISTED | {"priceFilter": {"tickSize": ""}}
    document = answer({"list": [LISTED, future, ungridded], "nextPageCursor": "first%3DBTCUSDT%26last%3DXUSDT"})
    btc, dated = bybit_linear.instruments(document, 5)
    assert (btc.key, btc.tick_size, btc.lot_size) == ("bybit_linear:BTCUSDT", Decimal("0.1"), Decimal("0.001"))
    assert (btc.kind, btc.status, btc.expiry_ns, btc.base, btc.quote) == ("perpetual", "Trading", None, "BTC", "USDT")
    assert (dated.kind, dated.expiry_ns) == ("future", 1766736000000 * MS)

    first = bybit_linear.instruments_request(BASES)
    following = bybit_linear.instruments_next(document, BASES)
    assert following is not None
    assert dict(following.params) == dict(first.params) | {"cursor": "first=BTCUSDT&last=XUSDT"}
    assert "cursor=first%3DBTCUSDT%26last%3DXUSDT" in urlencode(following.params)  # as it came
    assert bybit_linear.instruments_next(answer({"list": [LISTED], "nextPageCursor": ""}), BASES) is None
    assert bybit_linear.instruments_next(answer({"list": [], "nextPageCursor": "again"}), BASES) is None  # no end else


def test_the_clock() -> None:
    assert bybit_linear.server_time(BASES).url == "https://api.bybit.com/v5/market/time"
    document = answer({"timeSecond": "1688639403", "timeNano": "1688639403423213947"})
    assert bybit_linear.read_time(document) == 1688639403423213947


def test_files_of_the_archive() -> None:
    file = bybit_linear.archive("BTCUSDT", "2026-09-01", "trade", BASES)
    assert file.url == "https://public.bybit.com/trading/BTCUSDT/BTCUSDT2026-09-01.csv.gz"
    assert (file.name, file.checksum_url) == ("BTCUSDT2026-09-01.csv.gz", "")
    with pytest.raises(ConfigError, match="no tape 'agg_trade'"):
        bybit_linear.archive("BTCUSDT", "2026-09-01", "agg_trade", BASES)


def test_candles_are_turned_to_oldest_first() -> None:
    params = dict(bybit_linear.candles("BTCUSDT", NOON_NS, NOON_NS + 86_400 * 10**9, BASES, {}).params)
    assert (params["start"], params["end"]) == ("1764763200000", str(1764763200000 + 60_000_000 - 1))
    rows = [["1764763260000", "1", "2", "1", "2", "10", "15"], ["1764763200000", "1", "1", "1", "1", "3", "3"]]
    first, second = bybit_linear.read_candles(answer({"list": rows}))
    assert (first.open_ns, first.close_ns, first.volume) == (NOON_NS, second.open_ns, "3")
    assert (second.open, second.high, second.low, second.close, second.volume) == ("1", "2", "1", "2", "10")


READERS = (
    lambda text: bybit_linear.read_trades(text, "BTCUSDT", 7),
    lambda text: bybit_linear.instruments(text, 7),
    lambda text: bybit_linear.instruments_next(text, BASES),
    bybit_linear.read_candles,
    bybit_linear.read_time,
)


@pytest.mark.parametrize("read", READERS)
def test_a_refusal_comes_with_a_good_status(read: Any) -> None:
    with pytest.raises(Refused, match=r"Not supported symbols \(code 10001\)"):
        read(answer({}, 10001, "Not supported symbols"))
    with pytest.raises(RateLimited, match="code 10006") as caught:
        read(answer({}, 10006, "Too many visits"))
    assert caught.value.retry_after_s > 0


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\xff",
        b"<html>",
        b"{}",
        answer(None),
        page({"execId": "a"}),
        page(ROW | {"side": "buy"}),
        page(ROW | {"seq": "x"}),
        page(ROW | {"time": "17"}),
        answer({"list": [["1764763260000", "1", "2", "1", "x", "10", "15"]]}),
        answer({"timeNano": "1688639403"}),
        b"[" * 100_000,
    ],
)
def test_another_answer_is_a_change_of_schema(read: Any, text: bytes) -> None:
    with pytest.raises(SchemaChanged):
        read(text)
