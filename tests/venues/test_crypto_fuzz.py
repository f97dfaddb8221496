"""Whatever arrives: the venues raise nothing but their own errors, and end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from footloom.core.decimals import parse_decimal
from footloom.core.messages import BookUpdate, Message, OffMarket, Quote, Trade
from footloom.errors import FootloomError, SchemaChanged
from footloom.venues import binance_coinm, binance_spot, binance_usdm, bybit_linear
from footloom.venues._decimal_text import check_levels, is_number

VENUES: tuple[Any, ...] = (binance_usdm, binance_spot, binance_coinm, bybit_linear)
FRAMES = [
    (
        b'{"e":"aggTrade","E":1764738254310,"s":"BTCUSDT","a":2911000123,"p":"92150.10","q":"0.512","nq":"0.500","f":1,'
        b'"l":2,"T":1764738254155,"m":true,"st":1}'
    ),
    (
        b'{"stream":"btcusdt@trade","data":{"e":"trade","E":1723161255343,"s":"BTCUSDT","t":3735683259,"p":"61837.63",'
        b'"q":"0.02000000","T":1723161255342,"m":true,"M":true}}'
    ),
    (
        b'{"e":"depthUpdate","E":1764738254400,"T":1764738254393,"s":"BTCUSDT","U":101,"u":160,"pu":100,'
        b'"b":[["92150.00","3.410"],["92149.50","0"]],"a":[["92150.10","1.200"]],"ps":"BTCUSDT","st":1}'
    ),
    b'{"stream":"bnbusdt@bookTicker","data":{"u":400900217,"s":"BNBUSDT","b":"25.35","B":"31.2","a":"25.36","A":"4"}}',
    b'{"stream":"bnbbtc@depth5","data":{"lastUpdateId":160,"bids":[["0.0024","10"]],"asks":[["0.0026","100"]]}}',
    (
        b'{"e":"forceOrder","E":1764738254310,"o":{"s":"BTCUSDT","S":"SELL","q":"0.014","p":"92010.0","X":"FILLED",'
        b'"z":"0.014","T":1764738254309}}'
    ),
    (
        b'[{"e":"markPriceUpdate","E":1764738254310,"s":"BTCUSDT","p":"92150.1","i":"92148.55","r":"-0.00004",'
        b'"T":1764748800000,"st":1}]'
    ),
    b'{"code":2,"msg":"Invalid request","id":1}',
    (
        b'{"topic":"publicTrade.BTCUSDT","type":"snapshot","ts":1764738254371,"data":[{"T":1764738254369,"s":"BTCUSDT",'
        b'"S":"Buy","v":"0.012","p":"92150.10","L":"PlusTick","i":"c0ffee00-0000","BT":false,"RPI":false,"seq":88012345678}]}'
    ),
    (
        b'{"topic":"orderbook.50.BTCUSDT","type":"delta","ts":1764738254466,"data":{"s":"BTCUSDT","b":[["92149.90","1.2"]],'
        b'"a":[["92150.10","0"]],"u":177400507,"seq":88012345701},"cts":1764738254464}'
    ),
    (
        b'{"topic":"tickers.BTCUSDT","type":"delta","data":{"symbol":"BTCUSDT","openInterest":"50000.125","markPrice":"1",'
        b'"nextFundingTime":"1764748800000","fundingRate":"-0.1"},"cs":1,"ts":1764738254371}'
    ),
    (
        b'{"topic":"allLiquidation.BTCUSDT","type":"snapshot","ts":1764738254371,"data":[{"T":1764738254369,'
        b'"s":"BTCUSDT","S":"Sell","v":"0.250","p":"93010.50"}]}'
    ),
    b'{"success":true,"ret_msg":"pong","conn_id":"x","req_id":"","op":"ping"}',
]
DOCUMENTS = [
    b'[{"id":1,"price":"92150.10","qty":"0.512","quoteQty":"1","time":1764738254155,"isBuyerMaker":true}]',
    b'[{"a":1,"p":"92150.10","q":"0.512","f":1,"l":2,"T":1764738254155,"m":true}]',
    b'{"lastUpdateId":1,"E":1764738254155,"T":1764738254155,"bids":[["1","2"]],"asks":[]}',
    b'{"serverTime":1764738254155}',
    b'[[1764763200000,"1","2","1","2","10",1764763259999,"15",3,"6","10","0"]]',
    (
        b'{"symbols":[{"symbol":"X","filters":[{"filterType":"PRICE_FILTER","tickSize":"0.1"},{"filterType":"LOT_SIZE",'
        b'"stepSize":"1"}],"deliveryDate":1764763200000,"contractSize":10}]}'
    ),
    (
        b'{"retCode":0,"retMsg":"OK","result":{"list":[{"execId":"a","price":"1","size":"2","side":"Buy","time":'
        b'"1764738254369","seq":"5"}],"nextPageCursor":"","timeNano":"1688639403423213947"}}'
    ),
    b'{"retCode":10006,"retMsg":"Too many visits","result":{}}',
    b'{"openInterest":"10659.509","symbol":"BTCUSDT","time":1764738254310}',
]
# What breaks parsers: deep nests, endless numbers, none, halves of characters.
BITS = [
    b"null", b"true", b"-1", b"1e400", b"9" * 5_000, b"-0", b"NaN", b"Infinity", b'"NaN"', b'"1e999999999"', b'"-1"',
    b'"\\ud800"', b"\xff", b"\xed\xa0\x80", b"{}", b"[]", b"[" * 3_000, b'{"a":' * 3_000, b'""',
    b'"' + b"1" * 5_000 + b'"',
    b"9223372036854775808", b"18446744073709551616", b"0.1", b"\x00", b'"\\u0000"',
]  # fmt: skip


def tell(frame: bytes) -> list[Message]:
    told: list[Message] = []
    for venue in VENUES:
        told += attempt(venue.parse, frame, 1)
    for message in told:
        assert isinstance(message, Message)
        for text in numbers(message):
            assert parse_decimal(text) >= 0
    return told


def numbers(message: Message) -> list[str]:
    if isinstance(message, OffMarket):
        message = message.trade
    if isinstance(message, Trade):
        return [message.price, message.qty]
    if isinstance(message, BookUpdate):
        return [text for level in (*message.bids, *message.asks) for text in level]
    if isinstance(message, Quote):
        return [text for text in (message.bid, message.bid_qty, message.ask, message.ask_qty) if text]
    return []


READERS: tuple[tuple[str, tuple[Any, ...]], ...] = (
    ("read_trades", ("BTCUSDT", 1)),
    ("read_book", ("BTCUSDT", 1)),
    ("read_poll", ("BTCUSDT", 1)),
    ("read_time", ()),
    ("read_candles", ()),
    ("instruments", (1,)),
)


def readers(document: bytes) -> None:
    for venue in VENUES:
        for name, more in READERS:
            if hasattr(venue, name):
                attempt(getattr(venue, name), document, *more)
        for calls in getattr(venue, "OTHER_TAPES", {}).values():
            attempt(calls.read_trades, document, "BTCUSDT", 1)


def attempt(read: Any, *arguments: Any) -> list[Any]:
    try:
        answer = read(*arguments)
        return list(answer) if isinstance(answer, Iterator) else []
    except FootloomError as error:
        message = str(error)
    assert len(message) < 1_500  # a frame of megabytes is not shown whole
    return []


@pytest.mark.parametrize("frame", FRAMES)
def test_the_frames_themselves_say_something(frame: bytes) -> None:
    assert tell(frame)


@given(st.binary(max_size=200))
def test_any_bytes(frame: bytes) -> None:
    tell(frame)
    readers(frame)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(["BTCUSDT", "1.5", "Buy", "SELL", "snapshot", 1764738254369, "1764738254369"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=6),
    max_leaves=12,
)


@given(JSON)
def test_any_json(value: Any) -> None:
    text = json.dumps(value).encode()
    tell(text)
    readers(text)


@given(st.sampled_from(FRAMES + DOCUMENTS), st.data())
def test_bytes_put_into_real_frames(frame: bytes, data: st.DataObject) -> None:
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(frame) - 1))
        put = data.draw(st.binary(max_size=4) | st.sampled_from(BITS))
        frame = frame[:at] + put + frame[at + data.draw(st.integers(0, 6)) :] or b" "
    tell(frame)
    readers(frame)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, one in inner for found in places(one, (*path, key)))]


def put(value: Any, path: tuple[Any, ...], content: Any) -> Any:
    if not path:
        return content
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = put(value[path[0]], path[1:], content)
    return copy


@given(st.sampled_from(FRAMES + DOCUMENTS), st.data())
def test_any_value_put_into_real_frames(frame: bytes, data: st.DataObject) -> None:
    value = json.loads(frame)
    path = data.draw(st.sampled_from(places(value)))
    text = json.dumps(put(value, path, data.draw(JSON))).encode()
    tell(text)
    readers(text)


@pytest.mark.parametrize("frame", FRAMES + DOCUMENTS)
def test_every_value_of_a_real_frame_made_strange(frame: bytes) -> None:
    value = json.loads(frame)
    for path in places(value):
        text = json.dumps(put(value, path, "HERE")).encode()
        for bit in BITS:
            tell(text.replace(b'"HERE"', bit))
            readers(text.replace(b'"HERE"', bit))


NUMBERS = st.text(alphabet="0019..,-e٣ ", max_size=5) | st.sampled_from(["1", "0.5", "12.", ".5", "."])


@given(st.lists(st.tuples(NUMBERS, NUMBERS), max_size=4))
def test_levels_are_judged_all_at_once_as_one_by_one(levels: list[tuple[str, str]]) -> None:
    plain = all(is_number(text) for level in levels for text in level)
    try:
        check_levels(levels)
    except SchemaChanged:
        assert not plain
    else:
        assert plain
