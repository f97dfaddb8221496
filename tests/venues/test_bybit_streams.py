"""Bybit live: what each topic says, and how it is asked for."""

from __future__ import annotations

import json
from typing import Any

import pytest

from footloom.core.book import BookChange, OrderBook, Outcome
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
from footloom.venues import bybit_linear
from footloom.venues._venue import Wanted

MS = 1_000_000
NOW = 1764738254371
PRINT: dict[str, Any] = {
    "T": 1764738254369, "s": "BTCUSDT", "S": "Buy", "v": "0.012", "p": "92150.10", "L": "PlusTick",
    "i": "c0ffee00-0000-5000-8000-000000000001", "BT": False, "RPI": False, "seq": 88012345678,
}  # fmt: skip
BOOK: dict[str, Any] = {
    "s": "BTCUSDT", "b": [["92149.90", "1.200"], ["92148.00", "0"]], "a": [["92150.10", "0.450"]], "u": 177400507,
    "seq": 88012345701,
}  # fmt: skip
TICKER: dict[str, Any] = {
    "symbol": "BTCUSDT", "tickDirection": "PlusTick", "lastPrice": "92150.10", "markPrice": "92151.02",
    "indexPrice": "92160.5", "openInterest": "50000.125", "openInterestValue": "4607500000",
    "singleOpenInterest": "25000.0625", "fundingRate": "-0.000012", "nextFundingTime": "1764748800000",
    "deliveryTime": "", "basis": "",
}  # fmt: skip
FORCED: dict[str, Any] = {"T": 1764738254300, "s": "BTCUSDT", "S": "Sell", "v": "0.250", "p": "93010.50"}


def frame(topic: str, data: Any, kind: str = "snapshot", **more: Any) -> bytes:
    message = {"topic": topic, "type": kind, "ts": NOW, "data": data} | more
    return json.dumps(message, separators=(",", ":")).encode()


def told(text: bytes) -> list[Message]:
    return list(bybit_linear.parse(text, 7))


def book(kind: str, depth: int = 50, **fields: Any) -> BookUpdate:
    update = told(frame(f"orderbook.{depth}.BTCUSDT", BOOK | fields, kind, cts=1764738254464))[0]
    assert isinstance(update, BookUpdate)
    return update


# --- trades ---


def test_a_taker_who_buys_three_and_one_who_sells_two() -> None:
    buy, sell = told(frame("publicTrade.BTCUSDT", [PRINT | {"v": "3"}, PRINT | {"v": "2", "S": "Sell"}]))
    assert isinstance(buy, Trade)
    assert isinstance(sell, Trade)
    assert (buy.qty, buy.side, sell.qty, sell.side) == ("3", Side.BUY, "2", Side.SELL)


def test_prints_of_one_event_share_its_sequence_and_have_names() -> None:
    data = [PRINT, PRINT | {"i": "c0ffee00-0000-5000-8000-000000000002"}]
    first, second = told(frame("publicTrade.BTCUSDT", data))
    assert isinstance(first, Trade)
    assert isinstance(second, Trade)
    assert first.seq == second.seq == 88012345678
    assert (first.uid[-1], second.uid[-1], first.trade_id) == ("1", "2", None)


@pytest.mark.parametrize(
    ("change", "reason"),
    [({"BT": True}, "block trade"), ({"v": "0.000"}, "quantity is zero"), ({"p": "0"}, "price is zero")],
)
def test_what_is_no_market_trade_is_told_apart_in_its_place(change: dict[str, Any], reason: str) -> None:
    """P11: block trades and prints of nothing."""
    first, second, third = told(frame("publicTrade.BTCUSDT", [PRINT, PRINT | change, PRINT]))
    assert isinstance(second, OffMarket)
    assert (second.reason, second.trade.seq, second.trade.uid) == (reason, PRINT["seq"], PRINT["i"])
    assert isinstance(first, Trade)
    assert isinstance(third, Trade)


def test_keys_may_come_in_any_order() -> None:
    usual = frame("publicTrade.BTCUSDT", [PRINT])
    turned = json.dumps(dict(reversed(json.loads(usual).items()))).encode()
    assert told(turned) == told(usual)


# --- books ---


def test_a_change_of_the_book() -> None:
    assert book("delta") == BookUpdate(
        symbol="BTCUSDT",
        ts_exch_ns=1764738254464 * MS,  # the matching engine's time, as that of trades
        ts_recv_ns=7,
        first_id=177400507,
        last_id=177400507,
        bids=(("92149.90", "1.200"), ("92148.00", "0")),
        asks=(("92150.10", "0.450"),),
        depth=50,
    )


@pytest.mark.parametrize("depth", [50, 200, 1000])
def test_a_snapshot_of_each_depth(depth: int) -> None:
    update = book("snapshot", depth)
    assert (update.is_snapshot, update.depth) == (True, depth)


def test_update_one_is_a_book_anew_whatever_it_is_called() -> None:
    assert book("delta", u=1).is_snapshot


def test_the_best_levels_come_as_a_book_and_as_a_quote() -> None:
    text = frame("orderbook.1.BTCUSDT", BOOK | {"b": [["92149.90", "1.200"]]}, cts=1764738254464)
    update, quote = told(text)
    assert isinstance(update, BookUpdate)
    assert (update.is_snapshot, update.depth) == (True, 1)
    assert quote == Quote(
        symbol="BTCUSDT",
        ts_exch_ns=1764738254464 * MS,
        ts_recv_ns=7,
        bid="92149.90",
        bid_qty="1.200",
        ask="92150.10",
        ask_qty="0.450",
        update_id=177400507,
    )
    _, quote = told(frame("orderbook.1.BTCUSDT", BOOK | {"b": []}))
    assert isinstance(quote, Quote)
    assert (quote.bid, quote.bid_qty, quote.ask) == ("", "", "92150.10")


def test_the_exercise_with_frames() -> None:
    state = OrderBook(bybit_linear.BOOK, depth=50)

    def step(kind: str, u: int) -> str:
        update = book(kind, u=u)
        levels = [tuple((int(price.replace(".", "")), 1 if float(qty) else 0) for price, qty in side)
                  for side in (update.bids, update.asks)]  # fmt: skip
        return state.apply(update_of(update, levels)).outcome.value

    assert [step("snapshot", 10), step("delta", 11), step("delta", 13), step("delta", 14)] == [
        "replaced", "applied", "gap", "ignored",
    ]  # fmt: skip
    assert step("snapshot", 1) == Outcome.REPLACED.value


def update_of(update: BookUpdate, levels: list[Any]) -> Any:
    bids, asks = levels
    return BookChange(update.first_id, update.last_id, bids, asks, update.prev_id, update.is_snapshot)


@pytest.mark.parametrize("ts", [NOW, str(NOW)])
def test_the_time_may_be_a_text(ts: Any) -> None:
    (update,) = told(json.dumps({"type": "delta", "data": BOOK, "topic": "orderbook.50.BTCUSDT", "ts": ts}).encode())
    assert isinstance(update, BookUpdate)
    assert update.ts_exch_ns == NOW * MS


# --- tickers ---


def test_a_first_ticker_says_everything() -> None:
    assert told(frame("tickers.BTCUSDT", TICKER)) == [
        OpenInterest(symbol="BTCUSDT", ts_exch_ns=NOW * MS, ts_recv_ns=7, qty="25000.0625"),
        MarkPrice(
            symbol="BTCUSDT",
            ts_exch_ns=NOW * MS,
            ts_recv_ns=7,
            mark="92151.02",
            index="92160.5",
            funding_rate="-0.000012",
            next_funding_ns=1764748800000 * MS,
        ),
    ]


def test_a_later_ticker_says_what_has_changed() -> None:
    interest, mark = told(frame("tickers.BTCUSDT", {"symbol": "BTCUSDT", "markPrice": "92152.00"}, "delta"))
    stands = OpenInterest(symbol="BTCUSDT", ts_exch_ns=NOW * MS, ts_recv_ns=7, qty="")
    assert interest == stands
    assert mark == MarkPrice(symbol="BTCUSDT", ts_exch_ns=NOW * MS, ts_recv_ns=7, mark="92152.00")
    assert told(frame("tickers.BTCUSDT", {"symbol": "BTCUSDT", "lastPrice": "92152.00"}, "delta")) == [stands]


@pytest.mark.parametrize(
    ("both", "one"),
    [("50000.125", "25000.0625"), ("3", "1.5"), ("100", "50"), ("0", "0"), ("9" * 39, "4" + "9" * 38 + ".5")],
)
def test_open_interest_counts_each_contract_once(both: str, one: str) -> None:
    (interest,) = told(frame("tickers.BTCUSDT", {"symbol": "BTCUSDT", "openInterest": both}, "delta"))
    assert isinstance(interest, OpenInterest)
    assert interest.qty == one


def test_an_empty_text_does_not_apply() -> None:
    empty = dict.fromkeys(TICKER, "") | {"symbol": "BTCUSDT"}
    assert told(frame("tickers.BTCUSDT", empty)) == []
    (mark,) = told(frame("tickers.BTCUSDT", empty | {"markPrice": "1", "nextFundingTime": "0"}))
    assert isinstance(mark, MarkPrice)
    assert (mark.funding_rate, mark.next_funding_ns) == ("", None)


# --- liquidations ---


@pytest.mark.parametrize(("position", "flow"), [("Buy", Side.SELL), ("Sell", Side.BUY)])
def test_the_side_of_a_liquidation_is_that_of_the_position(position: str, flow: Side) -> None:
    """Buy is a long that was liquidated: it was sold. Binance tells the order's side instead."""
    data = [FORCED | {"S": position}, FORCED | {"S": position, "v": "1"}]
    first, second = told(frame("allLiquidation.BTCUSDT", data))
    assert first == Liquidation(
        symbol="BTCUSDT", ts_exch_ns=1764738254300 * MS, ts_recv_ns=7, price="93010.50", qty="0.250", side=flow
    )
    assert isinstance(second, Liquidation)
    assert second.qty == "1"


# --- answers ---


@pytest.mark.parametrize(
    ("message", "reply"),
    [
        (
            {"success": True, "ret_msg": "pong", "conn_id": "x", "req_id": "p", "op": "ping"},
            Reply(kind="pong", request="p"),
        ),
        ({"op": "pong", "args": ["1764738254371"]}, Reply(kind="pong")),
        (
            {"success": True, "ret_msg": "", "conn_id": "x", "req_id": "1", "op": "subscribe"},
            Reply(kind="ack", request="1", text="subscribe"),
        ),
        (
            {"success": False, "ret_msg": "error:handler not found,topic:x", "req_id": "1", "op": "subscribe"},
            Reply(kind="error", request="1", text="error:handler not found,topic:x"),
        ),
        (
            {"success": False, "req_id": "1", "op": "subscribe"},
            Reply(kind="error", request="1", text="subscribe failed"),
        ),
    ],
)
def test_answers_to_what_we_sent(message: dict[str, Any], reply: Reply) -> None:
    assert told(json.dumps(message).encode()) == [reply]


@pytest.mark.parametrize(
    "text",
    [
        b"{}",
        b"[]",
        b'{"op":"subscribe"}',
        frame("novelty.BTCUSDT", []),
        frame("orderbook.50.BTCUSDT", BOOK, "change"),
        frame("orderbook.x.BTCUSDT", BOOK),
        frame("orderbook.50.BTCUSDT", BOOK | {"u": -1}),
        frame("orderbook.50.BTCUSDT", BOOK | {"b": [["1", "1e5"]]}),
        frame("orderbook.50.BTCUSDT", BOOK | {"b": [["1", "1", "1"]]}),
        frame("tickers.BTCUSDT", TICKER | {"singleOpenInterest": "1e5"}),
        frame("tickers.BTCUSDT", {"symbol": "BTCUSDT", "openInterest": "1e999999999"}),
        frame("tickers.BTCUSDT", TICKER | {"fundingRate": "--1"}),
        frame("tickers.BTCUSDT", TICKER | {"nextFundingTime": "1764748800"}),
        frame("allLiquidation.BTCUSDT", [FORCED | {"S": "None"}]),
        frame("publicTrade.BTCUSDT", [PRINT | {"seq": 2**63}]),
        b"[" * 100_000,
    ],
)
def test_what_is_not_as_documented_is_refused(text: bytes) -> None:
    with pytest.raises(SchemaChanged):
        told(text)


# --- sockets ---


def want(symbol: str, *streams: str, depth: int = 0) -> Wanted:
    return Wanted(symbol=symbol, streams=frozenset(streams), depth=depth)


def test_one_socket_carries_all() -> None:
    every = ("trade", "quote", "depth", "liquidation", "mark", "open_interest")
    (socket,) = bybit_linear.sockets([want("BTCUSDT", *every, depth=50)], bybit_linear.BASES, {})
    assert socket.url == "wss://stream.bybit.com/v5/public/linear"
    (opening,) = [json.loads(text) for text in socket.opening]
    assert opening == {
        "req_id": "1",
        "op": "subscribe",
        "args": ["orderbook.50.BTCUSDT", "allLiquidation.BTCUSDT", "tickers.BTCUSDT", "orderbook.1.BTCUSDT",
                 "publicTrade.BTCUSDT"],
    }  # fmt: skip
    assert socket.expects == {("BTCUSDT", stream) for stream in every if stream != "liquidation"}
    assert socket.ping is not None
    assert (socket.ping.every_s, json.loads(socket.ping.text)["op"]) == (20.0, "ping")


def test_topics_of_one_socket_stay_under_the_limit() -> None:
    wanted = [want(f"SYMBOL{k:04}USDT", "trade", "depth") for k in range(500)]
    sockets = bybit_linear.sockets(wanted, bybit_linear.BASES, {})
    assert len(sockets) == 2
    topics: list[str] = []
    for socket in sockets:
        batches = [json.loads(text) for text in socket.opening]
        args = [topic for batch in batches for topic in batch["args"]]
        assert len(json.dumps(args, separators=(",", ":"))) <= 21_000
        assert len({batch["req_id"] for batch in batches}) == len(batches)
        topics += args
    assert len(topics) == len(set(topics)) == 1000


@pytest.mark.parametrize("depth", [5, 25, 100, 500])
def test_a_depth_that_is_not_there_is_refused(depth: int) -> None:
    """500 was removed on 2025-09-11."""
    with pytest.raises(ConfigError, match=rf"no book of {depth} levels .*: 1, 50, 200, 1000"):
        bybit_linear.sockets([want("BTCUSDT", "depth", depth=depth)], bybit_linear.BASES, {})


def test_a_stream_that_is_not_there_is_refused() -> None:
    with pytest.raises(ConfigError, match="bybit_linear has no stream 'agg_trade'"):
        bybit_linear.sockets([want("BTCUSDT", "agg_trade")], bybit_linear.BASES, {})


def test_a_book_is_renewed_in_the_stream() -> None:
    away, again = (json.loads(text) for text in bybit_linear.renew_book(want("BTCUSDT", "depth", depth=50)))
    assert (away["op"], again["op"]) == ("unsubscribe", "subscribe")
    assert away["args"] == again["args"] == ["orderbook.50.BTCUSDT"]
