"""Binance live: what each stream says, and which socket carries it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from footloom.core.messages import (
    BookUpdate,
    Liquidation,
    MarkPrice,
    Message,
    OffMarket,
    OpenInterest,
    Quote,
    Reply,
    Trade,
)
from footloom.core.side import Side
from footloom.errors import ConfigError, SchemaChanged
from footloom.venues import binance_coinm, binance_spot, binance_usdm
from footloom.venues._venue import Bases, Wanted

MS = 1_000_000
NOW = 1764738254310
USDM_DEPTH = (
    b'{"e":"depthUpdate","E":1764738254400,"T":1764738254393,"s":"BTCUSDT","U":9400000101,"u":9400000160,'
    b'"pu":9400000100,"b":[["92150.00","3.410"],["92149.50","0"]],"a":[["92150.10","1.200"]],"ps":"BTCUSDT","st":1}'
)
SPOT_DEPTH = (
    b'{"e":"depthUpdate","E":1764738254400,"s":"BTCUSDT","U":157,"u":160,"b":[["0.0024","10"]],"a":[["0.0026","100"]]}'
)
SPOT_TICKER = b'{"u":400900217,"s":"BNBUSDT","b":"25.35190000","B":"31.21","a":"25.36520000","A":"40.66"}'
USDM_TICKER = (
    b'{"e":"bookTicker","u":400900217,"E":1764738254400,"T":1764738254393,"s":"BNBUSDT","ps":"BNBUSDT","b":"25.35",'
    b'"B":"31.21","a":"25.36","A":"40.66","st":1}'
)
FORCE_ORDER = (
    b'{"e":"forceOrder","E":1764738254310,"o":{"s":"BTCUSDT","S":"SELL","o":"LIMIT","f":"IOC","q":"0.014",'
    b'"p":"92010.0","ap":"92050.2","X":"FILLED","l":"0.004","z":"0.014","T":1764738254309}}'
)
MARK = (
    b'{"e":"markPriceUpdate","E":1764738254310,"s":"BTCUSDT","p":"92150.1","ap":"92149.0","i":"92148.55",'
    b'"P":"92140.0","r":"-0.00004","T":1764748800000,"st":1}'
)
AGG = (
    b'{"e":"aggTrade","E":1764738254310,"s":"BTCUSDT","a":2911000123,"p":"92150.10","q":"0.512","nq":"0.500",'
    b'"f":6870001001,"l":6870001004,"T":1764738254155,"m":true,"st":1}'
)
TRADE = (
    b'{"e":"trade","E":1764738254310,"T":1764738254155,"s":"BTCUSDT","t":5266583935,"p":"61800.30","q":"0.006",'
    b'"X":"MARKET","m":false}'
)


def combined(frame: bytes, stream: str = "btcusdt@x") -> bytes:
    return b'{"stream":"%b","data":%b}' % (stream.encode(), frame)


def changed(frame: bytes, **fields: Any) -> bytes:
    value = json.loads(frame)
    value.update(fields)
    return json.dumps({name: content for name, content in value.items() if content is not None}).encode()


def usdm(frame: bytes) -> list[Message]:
    told = list(binance_usdm.parse(frame, 7))
    assert list(binance_usdm.parse(combined(frame), 7)) == told
    return told


def spot(frame: bytes) -> list[Message]:
    told = list(binance_spot.parse(frame, 7))
    assert list(binance_spot.parse(combined(frame), 7)) == told
    return told


# --- streams ---


def test_a_change_of_the_futures_book() -> None:
    assert usdm(USDM_DEPTH) == [
        BookUpdate(
            symbol="BTCUSDT",
            ts_exch_ns=1764738254393 * MS,
            ts_recv_ns=7,
            first_id=9400000101,
            last_id=9400000160,
            prev_id=9400000100,
            bids=(("92150.00", "3.410"), ("92149.50", "0")),
            asks=(("92150.10", "1.200"),),
        )
    ]


def test_a_change_of_the_spot_book_says_when_it_was_sent_and_no_id_before_it() -> None:
    (update,) = spot(SPOT_DEPTH)
    assert isinstance(update, BookUpdate)
    assert (update.first_id, update.last_id, update.prev_id, update.is_snapshot) == (157, 160, None, False)
    assert update.ts_exch_ns == 1764738254400 * MS


def test_the_best_levels_of_futures_are_a_book_and_no_change_of_one() -> None:
    (update,) = binance_usdm.parse(combined(USDM_DEPTH, "btcusdt@depth20@100ms"), 7)
    assert isinstance(update, BookUpdate)
    assert (update.is_snapshot, update.depth) == (True, 20)
    (update,) = binance_usdm.parse(combined(USDM_DEPTH, "btcusdt@depth@100ms"), 7)
    assert isinstance(update, BookUpdate)
    assert (update.is_snapshot, update.depth) == (False, 0)


def test_the_best_levels_of_spot_have_their_symbol_from_the_stream() -> None:
    frame = b'{"lastUpdateId":160,"bids":[["0.0024","10"]],"asks":[["0.0026","100"]]}'
    (update,) = binance_spot.parse(combined(frame, "bnbbtc@depth5"), 7)
    assert update == BookUpdate(
        symbol="BNBBTC",
        ts_exch_ns=7,
        ts_recv_ns=7,
        first_id=160,
        last_id=160,
        bids=(("0.0024", "10"),),
        asks=(("0.0026", "100"),),
        is_snapshot=True,
        depth=5,
    )
    assert list(binance_spot.parse(frame, 7)) == []  # whose it is nobody knows


def test_the_best_bid_and_ask_of_futures() -> None:
    assert usdm(USDM_TICKER) == [
        Quote(
            symbol="BNBUSDT",
            ts_exch_ns=1764738254393 * MS,
            ts_recv_ns=7,
            bid="25.35",
            bid_qty="31.21",
            ask="25.36",
            ask_qty="40.66",
            update_id=400900217,
        )
    ]


def test_the_best_bid_and_ask_of_spot_have_no_event_type_and_no_time() -> None:
    (quote,) = spot(SPOT_TICKER)
    assert isinstance(quote, Quote)
    assert (quote.bid, quote.ask_qty, quote.update_id, quote.ts_exch_ns) == ("25.35190000", "40.66", 400900217, 7)


@pytest.mark.parametrize(("order", "flow"), [("SELL", Side.SELL), ("BUY", Side.BUY)])
def test_the_side_of_a_liquidation_is_that_of_its_order(order: str, flow: Side) -> None:
    """SELL closes a long: the flow is a sale."""
    frame = FORCE_ORDER.replace(b'"SELL"', b'"%b"' % order.encode())
    assert usdm(frame) == [
        Liquidation(
            symbol="BTCUSDT", ts_exch_ns=1764738254309 * MS, ts_recv_ns=7, price="92010.0", qty="0.014", side=flow
        )
    ]


def test_a_liquidation_order_without_a_fill_has_not_traded() -> None:
    assert usdm(FORCE_ORDER.replace(b'"z":"0.014"', b'"z":"0"')) == []


def test_mark_price_index_and_funding() -> None:
    assert usdm(MARK) == [
        MarkPrice(
            symbol="BTCUSDT",
            ts_exch_ns=NOW * MS,
            ts_recv_ns=7,
            mark="92150.1",
            index="92148.55",
            funding_rate="-0.00004",
            next_funding_ns=1764748800000 * MS,
        )
    ]


def test_a_contract_with_a_delivery_day_has_no_funding() -> None:
    (mark,) = usdm(changed(MARK, r="", T=0))
    assert isinstance(mark, MarkPrice)
    assert (mark.funding_rate, mark.next_funding_ns) == ("", None)


def test_of_a_stream_of_all_symbols_only_our_market_counts() -> None:
    ours, theirs = MARK, changed(MARK, s="BTCUSD_PERP", st=2)
    frame = b"[%b,%b,%b]" % (ours, theirs, ours)
    assert [one.symbol for one in usdm(frame) if isinstance(one, MarkPrice)] == ["BTCUSDT"] * 2
    assert [one.symbol for one in binance_coinm.parse(frame, 7) if isinstance(one, MarkPrice)] == ["BTCUSD_PERP"]
    assert usdm(changed(FORCE_ORDER, st=2)) == []
    assert len(usdm(changed(FORCE_ORDER, st=1))) == 1
    assert usdm(changed(USDM_DEPTH, st=2)) == []
    assert usdm(changed(AGG, st=2)) == usdm(changed(TRADE, st=2)) == []
    assert usdm(changed(AGG, s="BTCUSD_PERP", st=None)) == []  # the symbol tells too


def test_a_taker_who_buys_three_and_one_who_sells_two() -> None:
    for frame in (AGG, TRADE):
        (buy,) = usdm(changed(frame, q="3", m=False))
        (sell,) = usdm(changed(frame, q="2", m=True))
        assert isinstance(buy, Trade)
        assert isinstance(sell, Trade)
        assert (buy.qty, buy.side, sell.qty, sell.side) == ("3", Side.BUY, "2", Side.SELL)


@pytest.mark.parametrize("kind", ["INSURANCE_FUND", "ADL", "NA"])
def test_prints_that_are_no_market_trades_are_told_apart_with_their_ids(kind: str) -> None:
    """P11: they are in no footprint, and in a log of their own."""
    (told,) = usdm(changed(TRADE, X=kind))
    assert isinstance(told, OffMarket)
    assert (told.reason, told.trade.trade_id, told.trade.tape) == (f"X is {kind!r}", 5266583935, "trade")


@pytest.mark.parametrize(("price", "qty", "reason"), [("0.00", "1", "price is zero"), ("1", "0", "quantity is zero")])
def test_prints_of_nothing_are_told_apart_with_their_ids(price: str, qty: str, reason: str) -> None:
    """P11: zero price or quantity."""
    for frame, trade_id in ((AGG, 2911000123), (TRADE, 5266583935)):
        (told,) = usdm(changed(frame, p=price, q=qty))
        assert isinstance(told, OffMarket)
        assert (told.reason, told.trade.trade_id) == (reason, trade_id)


@pytest.mark.parametrize(
    ("frame", "reply"),
    [
        (b'{"result":null,"id":1}', Reply(kind="ack", request="1")),
        (b'{"result":["btcusdt@aggTrade"],"id":3}', Reply(kind="ack", request="3", text='["btcusdt@aggTrade"]')),
        (
            b'{"code":2,"msg":"Invalid request: unknown method","id":"a"}',
            Reply(kind="error", request="a", text="Invalid request: unknown method (code 2)"),
        ),
        (
            b'{"error":{"code":3,"msg":"Invalid JSON"},"id":null}',
            Reply(kind="error", request="", text="Invalid JSON (code 3)"),
        ),
    ],
)
def test_answers_to_what_we_sent(frame: bytes, reply: Reply) -> None:
    assert list(binance_usdm.parse(frame, 7)) == [reply]
    assert list(binance_spot.parse(frame, 7)) == [reply]


def test_the_server_announces_that_it_will_go() -> None:
    frame = b'{"e":"serverShutdown","E":1764738254310}'
    for content in (frame, combined(frame, "!serverShutdown")):
        (reply,) = binance_spot.parse(content, 7)
        assert isinstance(reply, Reply)
        assert reply.kind == "shutdown"


@pytest.mark.parametrize("text", ["1e5", "-1", "NaN", "1,0", "1.2.3", ".", "", "٣", "1" * 41, "0x10", "1_0", " 1"])
def test_decimals_in_any_other_notation_are_refused(text: str) -> None:
    frames = [
        changed(AGG, p=text),
        changed(AGG, q=text),
        changed(USDM_DEPTH, b=[["1", "2"], ["3", text]]),
        changed(USDM_DEPTH, a=[[text, "2"]]),
        changed(USDM_TICKER, b=text),
        changed(SPOT_TICKER, A=text),
        changed(MARK, p=text),
        FORCE_ORDER.replace(b'"92010.0"', json.dumps(text).encode()),
    ]
    for frame in frames:
        with pytest.raises(SchemaChanged):
            list(binance_usdm.parse(frame, 7))


@pytest.mark.parametrize(
    ("value", "ns"),
    [(1764738254155, 1764738254155 * MS), (1764738254155123, 1764738254155123 * 1000)],
)
def test_times_in_ms_and_us(value: int, ns: int) -> None:
    (trade,) = usdm(changed(AGG, T=value))
    assert isinstance(trade, Trade)
    assert trade.ts_exch_ns == ns


@pytest.mark.parametrize("value", [1764738254, 1764738254155123456, 0, -1, 4_102_444_800_000])
def test_times_in_other_units_are_refused(value: int) -> None:
    """P7: seconds, nanoseconds, none: by the unit and a window of sense, never by a guess."""
    for frame in (AGG, TRADE, USDM_TICKER if value else AGG):
        with pytest.raises(SchemaChanged, match="no time between 2009 and 2100"):
            usdm(changed(frame, T=value))


# --- sockets ---

BASES = Bases(ws="ws://127.0.0.1:9001", rest="http://127.0.0.1:9001", archive="http://127.0.0.1:9001/archive")


def want(symbol: str, *streams: str, depth: int = 0) -> Wanted:
    return Wanted(symbol=symbol, streams=frozenset(streams), depth=depth)


def test_each_futures_stream_is_asked_at_its_own_path() -> None:
    every = ("agg_trade", "trade", "quote", "depth", "liquidation", "mark", "open_interest")
    market, public = binance_usdm.sockets([want("BTCUSDT", *every)], BASES, {})

    names = "btcusdt@aggTrade/btcusdt@forceOrder/btcusdt@markPrice@1s"
    assert market.url == f"ws://127.0.0.1:9001/market/stream?streams={names}"
    names = "btcusdt@depth@100ms/btcusdt@bookTicker/btcusdt@trade"
    assert public.url == f"ws://127.0.0.1:9001/public/stream?streams={names}"
    assert (market.opening, public.opening) == ((), ())
    assert market.expects == {("BTCUSDT", "agg_trade"), ("BTCUSDT", "mark")}  # hours without a liquidation are usual
    assert public.expects == {("BTCUSDT", "depth"), ("BTCUSDT", "quote"), ("BTCUSDT", "trade")}
    assert market.life_s < 24 * 3600
    assert market.stall_s < public.stall_s  # mark prices come every second


def test_the_real_address_of_futures_is_no_longer_the_root() -> None:
    (market,) = binance_usdm.sockets([want("BTCUSDT", "agg_trade")], binance_usdm.BASES, {})
    assert market.url == "wss://fstream.binance.com/market/stream?streams=btcusdt@aggTrade"


def test_spot_has_one_path() -> None:
    (socket,) = binance_spot.sockets([want("BTCUSDT", "agg_trade", "quote", "depth")], binance_spot.BASES, {})
    names = "btcusdt@aggTrade/btcusdt@depth@100ms/btcusdt@bookTicker"
    assert socket.url == f"wss://stream.binance.com:9443/stream?streams={names}"
    assert socket.sends_per_s < 5


def test_coinm_has_one_path() -> None:
    (socket,) = binance_coinm.sockets([want("BTCUSD_PERP", "agg_trade", "depth")], binance_coinm.BASES, {})
    names = "btcusd_perp@aggTrade/btcusd_perp@depth@100ms"
    assert socket.url == f"wss://dstream.binance.com/stream?streams={names}"
    (poll,) = binance_coinm.polls([want("BTCUSD_PERP", "open_interest")], binance_coinm.BASES, {})
    assert poll.request.url == "https://dapi.binance.com/dapi/v1/openInterest"
    document = b'{"symbol":"BTCUSD_PERP","pair":"BTCUSD","openInterest":"15004","contractType":"PERPETUAL","time":%d}'
    (interest,) = binance_coinm.read_poll(document % NOW, "BTCUSD_PERP", 7)
    assert isinstance(interest, OpenInterest)
    assert interest.qty == "15004"


def test_many_streams_are_subscribed_in_batches_and_on_several_sockets() -> None:
    wanted = [want(f"S{k}USDT", "agg_trade") for k in range(450)]
    sockets = binance_usdm.sockets(wanted, BASES, {})

    assert [socket.name for socket in sockets] == [
        "binance_usdm market", "binance_usdm market 2", "binance_usdm market 3",
    ]  # fmt: skip
    seen: list[str] = []
    for socket in sockets:
        assert len(socket.url) < 4_000
        seen += socket.url.partition("streams=")[2].split("/")
        for text in socket.opening:
            message = json.loads(text)
            assert (message["method"], type(message["id"])) == ("SUBSCRIBE", int)
            assert len(message["params"]) <= 100
            seen += message["params"]
        assert len(socket.expects) <= 200
    assert seen == [f"s{k}usdt@aggTrade" for k in range(450)]


def test_what_is_wanted_twice_is_asked_for_once() -> None:
    (socket,) = binance_usdm.sockets([want("BTCUSDT", "agg_trade")] * 2, BASES, {})
    assert socket.url.endswith("streams=btcusdt@aggTrade")


def test_best_levels_on_demand() -> None:
    (socket,) = binance_usdm.sockets([want("BTCUSDT", "depth", depth=20)], BASES, {})
    assert socket.url.endswith("/public/stream?streams=btcusdt@depth20@100ms")
    with pytest.raises(ConfigError, match=r"no stream of 50 levels .*: 5, 10, 20, or 0"):
        binance_usdm.sockets([want("BTCUSDT", "depth", depth=50)], BASES, {})


def test_a_stream_that_is_not_there_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"binance_spot has no stream 'mark' .*BTCUSDT.*: it has agg_trade, depth"):
        binance_spot.sockets([want("BTCUSDT", "mark")], BASES, {})
    with pytest.raises(ConfigError, match="no stream 'snapshot'"):
        binance_usdm.sockets([want("BTCUSDT", "snapshot")], BASES, {})


def test_what_is_only_polled_needs_no_socket() -> None:
    assert binance_usdm.sockets([want("BTCUSDT", "open_interest")], BASES, {}) == []


# --- polls ---


def test_open_interest_is_polled_within_a_tenth_of_the_budget() -> None:
    (poll,) = binance_usdm.polls([want("BTCUSDT", "open_interest", "agg_trade"), want("ETHUSDT", "mark")], BASES, {})
    assert (poll.request.url, poll.request.params) == (
        "http://127.0.0.1:9001/fapi/v1/openInterest",
        (("symbol", "BTCUSDT"),),
    )
    many = binance_usdm.polls([want(f"S{k}USDT", "open_interest") for k in range(400)], BASES, {})
    weight, seconds = binance_usdm.BUDGETS[poll.request.budget]
    assert sum(one.request.weight / one.every_s for one in many) <= weight / seconds / 10


def test_open_interest() -> None:
    document = b'{"openInterest":"10659.509","symbol":"BTCUSDT","time":1764738254310}'
    assert list(binance_usdm.read_poll(document, "BTCUSDT", 7)) == [
        OpenInterest(symbol="BTCUSDT", ts_exch_ns=NOW * MS, ts_recv_ns=7, qty="10659.509")
    ]
    with pytest.raises(SchemaChanged, match="of 'BTCUSDT' where that of ETHUSDT was asked for"):
        list(binance_usdm.read_poll(document, "ETHUSDT", 7))
