"""What is asked of Binance over REST, and what the answers mean."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from footloom.core.messages import BookUpdate, OffMarket, Trade
from footloom.core.side import Side
from footloom.errors import ConfigError, SchemaChanged
from footloom.venues import binance_coinm, binance_spot, binance_usdm

MS = 1_000_000
HOUR_NS = 3_600 * 10**9
NOON_NS = 1764763200000 * MS
AGG_ROW = {
    "a": 2911000123, "p": "92150.10", "q": "0.512", "nq": "0.500", "f": 6870001001, "l": 6870001004,
    "T": 1764738254155, "m": True,
}  # fmt: skip
USDM_LISTED = {
    "symbol": "BTCUSDT", "pair": "BTCUSDT", "contractType": "PERPETUAL", "status": "TRADING", "baseAsset": "BTC",
    "quoteAsset": "USDT", "marginAsset": "USDT", "onboardDate": 1569398400000, "deliveryDate": 4133404800000,
    "pricePrecision": 2, "quantityPrecision": 3,
    "filters": [
        {"filterType": "PRICE_FILTER", "minPrice": "556.80", "maxPrice": "4529764", "tickSize": "0.10"},
        {"filterType": "LOT_SIZE", "minQty": "0.001", "maxQty": "1000", "stepSize": "0.001"},
        {"filterType": "MARKET_LOT_SIZE", "minQty": "0.001", "maxQty": "120", "stepSize": "0.002"},
        {"filterType": "MIN_NOTIONAL", "notional": "100"},
    ],
}  # fmt: skip


def document(value: Any) -> bytes:
    return json.dumps(value).encode()


def test_a_row_of_a_page_is_the_trade_of_the_stream() -> None:
    (trade,) = binance_usdm.read_trades(document([AGG_ROW]), "BTCUSDT", 7)
    streamed = {"e": "aggTrade", "E": 1764738254310, "s": "BTCUSDT", "st": 1} | AGG_ROW
    assert [trade] == list(binance_usdm.parse(document(streamed), 7))
    assert isinstance(trade, Trade)
    assert (trade.side, trade.tape, trade.trade_id) == (Side.SELL, "agg_trade", 2911000123)


def test_a_page_comes_oldest_first_and_with_its_prints_of_nothing() -> None:
    rows = [AGG_ROW | {"a": 12}, AGG_ROW | {"a": 11, "q": "0"}, AGG_ROW | {"a": 10, "m": False}]
    page = binance_usdm.read_trades(document(rows), "BTCUSDT", 7)
    ids = [one.trade.trade_id if isinstance(one, OffMarket) else one.trade_id for one in page]
    assert ids == [10, 11, 12]
    assert [type(one) for one in page] == [Trade, OffMarket, Trade]


def test_pages_of_trades() -> None:
    bases = binance_usdm.BASES
    newest = binance_usdm.recent_trades("BTCUSDT", bases)
    assert newest.url == "https://fapi.binance.com/fapi/v1/aggTrades"
    assert dict(newest.params) == {"symbol": "BTCUSDT", "limit": "1000"}
    assert (newest.weight, newest.budget) == (20, "binance_futures")
    following = binance_usdm.trades_from("BTCUSDT", 5, bases)
    assert dict(following.params) == {"symbol": "BTCUSDT", "fromId": "5", "limit": "1000"}
    spot = binance_spot.trades_from("BTCUSDT", 5, binance_spot.BASES)
    assert (spot.url, spot.weight) == ("https://api.binance.com/api/v3/aggTrades", 4)


def test_single_trades_of_spot_are_asked_for_as_aggregates_are() -> None:
    calls, bases = binance_spot.OTHER_TAPES["trade"], binance_spot.BASES
    newest, following = calls.recent_trades("BTCUSDT", bases), calls.trades_from("BTCUSDT", 5, bases)
    assert (newest.url, newest.weight) == ("https://api.binance.com/api/v3/trades", 25)
    assert (following.url, following.weight) == ("https://api.binance.com/api/v3/historicalTrades", 25)
    assert dict(following.params) == {"symbol": "BTCUSDT", "fromId": "5", "limit": "1000"}
    assert {newest.budget, following.budget} <= binance_spot.BUDGETS.keys()
    assert not hasattr(binance_usdm, "OTHER_TAPES"), "its single trades ask for a key"


def test_a_row_of_a_page_of_single_trades_is_the_trade_of_the_stream() -> None:
    row = {
        "id": 28457, "price": "4.00000100", "qty": "12.00000000", "quoteQty": "48.000012", "time": 1764738254155,
        "isBuyerMaker": True, "isBestMatch": True,
    }  # fmt: skip
    read = binance_spot.OTHER_TAPES["trade"].read_trades
    (nothing, trade) = read(document([row, row | {"id": 28456, "qty": "0.00000000"}]), "BNBBTC", 7)
    streamed = {
        "e": "trade", "E": 1764738254310, "s": "BNBBTC", "t": 28457, "p": "4.00000100", "q": "12.00000000",
        "T": 1764738254155, "m": True, "M": True,
    }  # fmt: skip
    assert [trade] == list(binance_spot.parse(document(streamed), 7))
    assert isinstance(trade, Trade)
    assert (trade.side, trade.tape, trade.trade_id) == (Side.SELL, "trade", 28457)
    assert isinstance(nothing, OffMarket)
    assert nothing.trade.trade_id == 28456


def test_a_page_by_time_spans_an_hour_at_most_and_never_asks_with_an_id() -> None:
    request = binance_usdm.trades_at("BTCUSDT", NOON_NS, NOON_NS + 6 * HOUR_NS, binance_usdm.BASES)
    params = dict(request.params)
    assert int(params["endTime"]) - int(params["startTime"]) == 3_600_000 - 1
    assert "fromId" not in params
    short = dict(binance_usdm.trades_at("BTCUSDT", NOON_NS, NOON_NS + 5 * MS, binance_usdm.BASES).params)
    assert (short["startTime"], short["endTime"]) == ("1764763200000", "1764763200004")  # both are inclusive


def test_the_venue_keeps_48_hours_of_futures_trades() -> None:
    assert binance_usdm.REACH_NS == binance_coinm.REACH_NS == 48 * HOUR_NS
    assert not hasattr(binance_spot, "REACH_NS")


def test_the_whole_book_of_futures() -> None:
    request = binance_usdm.book_snapshot("BTCUSDT", binance_usdm.BASES)
    assert (dict(request.params)["limit"], request.weight) == ("1000", 20)
    answer = {"lastUpdateId": 1027024, "E": 1764738254400, "T": 1764738254393, "bids": [["4.0", "431"]], "asks": []}
    assert binance_usdm.read_book(document(answer), "BTCUSDT", 7) == BookUpdate(
        symbol="BTCUSDT",
        ts_exch_ns=1764738254393 * MS,
        ts_recv_ns=7,
        first_id=1027024,
        last_id=1027024,
        bids=(("4.0", "431"),),
        asks=(),
        is_snapshot=True,
    )


def test_the_whole_book_of_spot_says_no_time() -> None:
    request = binance_spot.book_snapshot("BTCUSDT", binance_spot.BASES)
    assert (dict(request.params)["limit"], request.weight) == ("5000", 250)
    book = binance_spot.read_book(b'{"lastUpdateId":160,"bids":[],"asks":[["1","2"]]}', "BTCUSDT", 7)
    assert (book.ts_exch_ns, book.last_id, book.is_snapshot) == (7, 160, True)


def test_instruments_of_usdm() -> None:
    quarter = USDM_LISTED | {
        "symbol": "BTCUSDT_260327", "contractType": "CURRENT_QUARTER", "deliveryDate": 1774598400000,
        "status": "SETTLING",
    }  # fmt: skip
    stock = USDM_LISTED | {"symbol": "TSLAUSDT", "contractType": "TRADIFI_PERPETUAL"}
    found = binance_usdm.instruments(document({"symbols": [USDM_LISTED, quarter, stock]}), 5)
    btc, future, tesla = found
    both = document({"symbols": [USDM_LISTED, USDM_LISTED | {"symbol": "BTCUSD_PERP"}]})
    assert [one.symbol for one in binance_usdm.instruments(both, 5)] == ["BTCUSDT"]
    assert [one.symbol for one in binance_coinm.instruments(both, 5)] == ["BTCUSD_PERP"]
    assert (btc.key, btc.tick_size, btc.lot_size) == ("binance_usdm:BTCUSDT", Decimal("0.1"), Decimal("0.001"))
    assert (btc.kind, btc.status, btc.expiry_ns, btc.valid_from_ns) == ("perpetual", "TRADING", None, 5)
    assert (future.kind, future.status, future.expiry_ns) == ("future", "SETTLING", 1774598400000 * MS)
    assert (tesla.kind, tesla.base, tesla.quote) == ("perpetual", "BTC", "USDT")


def test_instruments_of_spot() -> None:
    request = binance_spot.instruments_request(binance_spot.BASES)
    assert (request.url, request.weight) == ("https://api.binance.com/api/v3/exchangeInfo", 20)
    row = {
        "symbol": "BNBBTC", "status": "CANCEL_ONLY", "baseAsset": "BNB", "quoteAsset": "BTC", "baseAssetPrecision": 8,
        "filters": [
            {"filterType": "PRICE_FILTER", "tickSize": "0.00000100"},
            {"filterType": "LOT_SIZE", "stepSize": "1.00000000"},
        ],
    }  # fmt: skip
    (bnb,) = binance_spot.instruments(document({"symbols": [row]}), 5)
    assert (bnb.tick_size, bnb.lot_size, bnb.kind, bnb.status) == (
        Decimal("0.000001"),
        Decimal(1),
        "spot",
        "CANCEL_ONLY",
    )


def test_instruments_of_coinm_are_inverse_and_counted_in_contracts() -> None:
    row = USDM_LISTED | {"symbol": "BTCUSD_PERP", "contractSize": 100, "contractStatus": "TRADING"}
    del row["status"]
    (btc,) = binance_coinm.instruments(document({"symbols": [row]}), 5)
    assert (btc.contract_multiplier, btc.inverse, btc.status) == (Decimal(100), True, "TRADING")


@pytest.mark.parametrize("tick", ["0", "0.0000", "", "x", "1e-1"])
def test_a_symbol_without_a_grid_is_left_out(tick: str) -> None:
    filters = [{"filterType": "PRICE_FILTER", "tickSize": tick}, {"filterType": "LOT_SIZE", "stepSize": "1"}]
    rows = [USDM_LISTED | {"filters": filters}, USDM_LISTED | {"filters": filters[1:]}, USDM_LISTED]
    assert len(binance_usdm.instruments(document({"symbols": rows}), 5)) == 1


def test_the_clock() -> None:
    assert binance_usdm.server_time(binance_usdm.BASES).url == "https://fapi.binance.com/fapi/v1/time"
    assert binance_spot.server_time(binance_spot.BASES).url == "https://api.binance.com/api/v3/time"
    assert binance_spot.read_time(b'{"serverTime":1764738254310}') == 1764738254310 * MS


def test_files_of_the_archive() -> None:
    file = binance_usdm.archive("BTCUSDT", "2026-09-01", "agg_trade", binance_usdm.BASES)
    assert file.name == "BTCUSDT-aggTrades-2026-09-01.zip"
    folder = "https://data.binance.vision/data/futures/um/daily/aggTrades/BTCUSDT"
    assert file.url == f"{folder}/BTCUSDT-aggTrades-2026-09-01.zip"
    assert file.checksum_url == f"{file.url}.CHECKSUM"
    assert "/data/spot/daily/trades/" in binance_spot.archive("X", "2026-09-01", "trade", binance_spot.BASES).url
    assert "/data/futures/cm/daily/" in binance_coinm.archive("X", "2026-09-01", "trade", binance_coinm.BASES).url
    with pytest.raises(ConfigError, match="no tape 'depth'"):
        binance_usdm.archive("BTCUSDT", "2026-09-01", "depth", binance_usdm.BASES)


def test_candles() -> None:
    request = binance_usdm.candles("BTCUSDT", NOON_NS - 1, NOON_NS + 48 * HOUR_NS, binance_usdm.BASES, {})
    params = dict(request.params)
    assert (params["startTime"], params["endTime"]) == ("1764763200000", str(1764763200000 + 60_000_000 - 1))
    row = [1764763200000, "1.5", "2", "1", "1.75", "100", 1764763259999, "170", 3, "60", "100", "0"]
    later = [1764763260000, *row[1:6], 1764763319999, *row[7:]]
    first, second = binance_usdm.read_candles(document([later, row]))
    assert (first.open_ns, first.close_ns) == (NOON_NS, NOON_NS + 60 * 10**9)
    assert (first.open, first.high, first.low, first.close, first.volume) == ("1.5", "2", "1", "1.75", "100")
    assert second.open_ns == first.close_ns


READERS = (
    lambda text: binance_usdm.read_trades(text, "BTCUSDT", 7),
    lambda text: binance_usdm.read_book(text, "BTCUSDT", 7),
    binance_usdm.read_candles,
    lambda text: binance_usdm.instruments(text, 7),
    binance_usdm.read_time,
    lambda text: list(binance_usdm.read_poll(text, "BTCUSDT", 7)),
)


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\xff",
        b"<html>blocked</html>",
        b'{"code":-1121,"msg":"Invalid symbol."}',
        b'[{"a":1}]',
        b"[[1]]",
        b'[[1,"x","1","1","1","1",2]]',
        b'{"serverTime":17}',
        b"[" * 100_000,
    ],
)
def test_another_answer_is_a_change_of_schema(read: Any, text: bytes) -> None:
    with pytest.raises(SchemaChanged):
        read(text)
