"""Binance's frames, as documented and as recorded: what each says, and what must not pass for a trade."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from footloom.core.messages import Message, Trade
from footloom.core.side import Side
from footloom.errors import FootloomError, SchemaChanged
from footloom.venues import binance_coinm, binance_spot, binance_usdm
from footloom.venues._binance import COINM, FUTURES, SPOT, USDM, Print, Seen, read, venue_of
from footloom.venues._binance_symbols import split_symbol

VENUES = {SPOT: binance_spot, USDM: binance_usdm, COINM: binance_coinm}

USDM_AGG = (
    b'{"e":"aggTrade","E":1764738254310,"s":"BTCUSDT","a":2911000123,"p":"92150.10","q":"0.512","nq":"0.500",'
    b'"f":6870001001,"l":6870001004,"T":1764738254155,"m":true,"st":1}'
)
USDM_TRADE = (
    b'{"stream":"btcusdt@trade","data":{"e":"trade","E":1723161256322,"T":1723161256322,"s":"BTCUSDT","t":5266583935,'
    b'"p":"61800.30","q":"0.006","X":"MARKET","m":false}}'
)
SPOT_TRADE = (
    b'{"stream":"btcusdt@trade","data":{"e":"trade","E":1723161255343,"s":"BTCUSDT","t":3735683259,"p":"61837.63000000",'
    b'"q":"0.02000000","T":1723161255342,"m":true,"M":true}}'
)
COINM_TRADE = (
    b'{"stream":"btcusd_perp@trade","data":{"e":"trade","E":1723161257687,"T":1723161257679,"s":"BTCUSD_PERP",'
    b'"t":849714402,"p":"61804.8","q":"4","X":"MARKET","m":false}}'
)
FORCE_ORDER = (
    b'{"e":"forceOrder","E":1764738254310,"o":{"s":"BTCUSDT","S":"SELL","o":"LIMIT","f":"IOC","q":"0.014",'
    b'"p":"92010.0","ap":"92050.2","X":"FILLED","l":"0.014","z":"0.014","T":1764738254309}}'
)
MARK = (
    b'{"e":"markPriceUpdate","E":1764738254310,"s":"BTCUSDT","p":"92150.1","ap":"92149.0","i":"92148.55",'
    b'"P":"92140.0","r":"-0.00004","T":1764748800000,"st":1}'
)
OTHERS = [
    (b'{"e":"depthUpdate","E":NOW,"T":NOW,"s":"BTCUSDT","U":1,"u":2,"pu":0,"b":[],"a":[["1","2"]],"st":1}', USDM),
    (b'{"e":"depthUpdate","E":NOW,"s":"BTCUSDT","U":1,"u":2,"b":[["1","0"]],"a":[]}', SPOT),
    (b'{"u":1,"e":"bookTicker","s":"BTCUSD_PERP","ps":"BTCUSD","b":"1","B":"2","a":"3","A":"4","T":NOW,"E":6}', COINM),
    (b'{"u":400900217,"s":"BNBUSDT","b":"25.35","B":"31.2","a":"25.36","A":"40.6"}', SPOT),
    (b'{"lastUpdateId":1,"bids":[["1","2"]],"asks":[]}', SPOT),
    (b'{"lastUpdateId":1,"E":2,"T":3,"bids":[],"asks":[]}', FUTURES),
    (b'{"lastUpdateId":1,"E":2,"T":3,"symbol":"BTCUSD_PERP","pair":"BTCUSD","bids":[],"asks":[]}', COINM),
    (b'{"e":"kline","E":1,"s":"CTKUSDT","k":{"t":1}}', ""),
    (FORCE_ORDER, ""),
    (MARK, ""),
    (b"[" + MARK + b"," + MARK.replace(b'"st":1', b'"st":2') + b"]", ""),
    (b'{"e":"serverShutdown","E":1}', ""),
    (b'{"result":null,"id":1}', ""),
    (b'{"code":2,"msg":"Invalid request","id":1}', ""),
]  # fmt: skip


def trades(frame: bytes, venue: str) -> list[Any]:
    return [one for one in VENUES[venue].parse(frame, 7) if isinstance(one, Trade)]


def changed(frame: bytes, **fields: Any) -> bytes:
    value = json.loads(frame)
    payload = value.get("data", value)
    payload.update(fields)
    for name in [name for name, content in fields.items() if content is None]:
        del payload[name]
    return json.dumps(value).encode()


def test_a_usdm_aggregate() -> None:
    assert trades(USDM_AGG, USDM) == [
        Trade(
            symbol="BTCUSDT",
            ts_exch_ns=1764738254155000000,
            price="92150.10",
            qty="0.512",
            side=Side.SELL,
            trade_id=2911000123,
            ts_recv_ns=7,
            tape="agg_trade",
        )
    ]


@pytest.mark.parametrize(
    ("frame", "venue"), [(USDM_TRADE, USDM), (SPOT_TRADE, SPOT), (COINM_TRADE, COINM), (USDM_AGG, USDM)]
)
@pytest.mark.parametrize(("maker", "side"), [(True, Side.SELL), (False, Side.BUY)])
def test_the_taker_is_the_one_who_was_not_the_maker(frame: bytes, venue: str, maker: bool, side: Side) -> None:  # noqa: FBT001
    (trade,) = trades(changed(frame, m=maker), venue)
    assert trade.side is side


@pytest.mark.parametrize(
    ("frame", "market", "sure"),
    [
        (USDM_TRADE, FUTURES, True),
        (COINM_TRADE, FUTURES, True),
        (SPOT_TRADE, SPOT, True),
        (USDM_AGG, USDM, True),
        (changed(USDM_AGG, st=2), COINM, True),
        (changed(USDM_AGG, st=None), FUTURES, True),
        (changed(USDM_AGG, st=None, nq=None), FUTURES, False),
        (changed(USDM_AGG, st=None, nq=None, M=True), SPOT, True),
        (changed(USDM_TRADE, X=None), "", False),
    ],
)
def test_whose_a_trade_is(frame: bytes, market: str, sure: bool) -> None:  # noqa: FBT001
    found = read(frame, None)
    assert isinstance(found, Print)
    assert (found.market, found.sure) == (market, sure)


def test_the_symbol_tells_the_two_futures_markets_apart() -> None:
    assert venue_of(FUTURES, "BTCUSD_PERP") == venue_of(FUTURES, "BTCUSD_240927") == COINM
    assert venue_of(FUTURES, "BTCUSDT") == venue_of(FUTURES, "BTCUSDT_240927") == venue_of(FUTURES, "ETHUSDC") == USDM
    assert venue_of(SPOT, "BTCUSDT") == SPOT


@pytest.mark.parametrize("reason", ["INSURANCE_FUND", "ADL", "NA", ""])
def test_prints_that_are_no_market_trades(reason: str) -> None:
    frame = changed(USDM_TRADE, X=reason)
    assert trades(frame, USDM) == []
    found = read(frame, None)
    assert isinstance(found, Print)
    assert found.not_market == f"X is {reason!r}"
    assert found.trade.trade_id == 5266583935


@pytest.mark.parametrize(("price", "qty"), [("0", "1"), ("0.00", "1"), ("1", "0.0"), ("0.0", "0.0")])
def test_nothing_traded(price: str, qty: str) -> None:
    assert trades(changed(USDM_TRADE, p=price, q=qty), USDM) == []


def test_rows_of_the_other_futures_market_on_a_shared_stream_are_left_out() -> None:
    assert trades(changed(USDM_AGG, st=2, s="BTCUSD_PERP"), USDM) == []
    assert len(trades(changed(USDM_AGG, st=2, s="BTCUSD_PERP"), COINM)) == 1


@pytest.mark.parametrize(("frame", "market"), OTHERS)
def test_everything_else_that_is_known_is_no_error(frame: bytes, market: str) -> None:
    frame = frame.replace(b"NOW", b"1764738254310")
    for content in (frame, b'{"stream":"x@y","data":' + frame + b"}"):
        found = read(content, None)
        assert isinstance(found, Seen)
        assert found.market == market
        for venue in VENUES:
            assert trades(content, venue) == []


def test_microseconds_where_the_connection_asked_for_them() -> None:
    (trade,) = trades(changed(SPOT_TRADE, T=1723161255342123), SPOT)
    assert trade.ts_exch_ns == 1723161255342123000


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (b'{"e":"tradeLite","s":"BTCUSDT"}', "unknown event type 'tradeLite'"),
        (b'{"stream":"x","data":{"e":"novelty"}}', "unknown event type 'novelty'"),
        (b'{"hello":1}', "no message of Binance's"),
        (b"[1,2]", "no message of Binance's"),
        (b"17", "no message of Binance's"),
        (b'{"e":"trade","s":"BTCUSDT"', "no JSON"),
        (b"\xff\xfe", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (changed(USDM_TRADE, t=None), "not as documented"),
        (changed(USDM_TRADE, t="5"), "not as documented"),
        (changed(USDM_TRADE, t=-1), "not as documented"),
        (changed(USDM_TRADE, t=2**63), "not as documented"),
        (changed(USDM_TRADE, m=1), "not as documented"),
        (changed(USDM_TRADE, p=61800.3), "not as documented"),
        (changed(USDM_TRADE, p="NaN"), "not as documented"),
        (changed(USDM_TRADE, p="-1"), "not as documented"),
        (changed(USDM_TRADE, p=""), "not as documented"),
        (changed(USDM_TRADE, q="1e5"), "not as documented"),
        (changed(USDM_TRADE, q="٣"), "not as documented"),
        (changed(USDM_TRADE, T=1723161256), "T is 1723161256"),
        (changed(USDM_TRADE, T=1723161256322000000), "T is 1723161256322000000"),
        (changed(USDM_TRADE, T=None), "T is 0"),
    ],
)
def test_a_change_of_schema_is_told(frame: bytes, words: str) -> None:
    with pytest.raises(SchemaChanged, match=words):
        trades(frame, USDM)


@given(st.binary(max_size=120))
def test_junk_raises_nothing_of_its_own(frame: bytes) -> None:
    _own_errors_only(frame)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=6),
    max_leaves=12,
)


@given(JSON, st.dictionaries(st.sampled_from("eEsatpqTmMXnqstfl"), JSON, max_size=8))
def test_any_json_raises_nothing_of_its_own(value: Any, fields: dict[str, Any]) -> None:
    _own_errors_only(json.dumps(value).encode())
    for frame in (USDM_TRADE, SPOT_TRADE, USDM_AGG):
        _own_errors_only(changed(frame, **{name: content for name, content in fields.items() if content is not None}))


@given(st.sampled_from([USDM_TRADE, SPOT_TRADE, USDM_AGG, COINM_TRADE]), st.data())
def test_mutated_frames_raise_nothing_of_their_own(frame: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(frame) - 1))
    _own_errors_only(frame[:at] + data.draw(st.binary(max_size=4)) + frame[at + data.draw(st.integers(0, 4)) :])


def _own_errors_only(frame: bytes) -> None:
    for module in VENUES.values():
        try:
            for message in module.parse(frame, 1):
                assert isinstance(message, Message)
        except FootloomError:
            pass


@pytest.mark.parametrize(
    ("symbol", "parts"),
    [
        ("BTCUSDT", ("BTC", "USDT")),
        ("ETHBTC", ("ETH", "BTC")),
        ("1000PEPEUSDT_250328", ("1000PEPE", "USDT")),
        ("X", ("", "")),
    ],
)
def test_base_and_quote(symbol: str, parts: tuple[str, str]) -> None:
    assert split_symbol(symbol) == parts


def test_a_grid_is_known_for_its_dates_only() -> None:
    august_2024, january_2020 = 1723161256322000000, 1577836800000000000
    known = binance_usdm.known_instrument("BTCUSDT", august_2024)
    assert known is not None
    assert (known.tick_size, known.lot_size, known.base, known.quote) == (
        Decimal("0.1"),
        Decimal("0.001"),
        "BTC",
        "USDT",
    )
    assert binance_usdm.known_instrument("BTCUSDT", january_2020) is None
    assert binance_usdm.known_instrument("NOSUCHUSDT", august_2024) is None
    assert binance_spot.known_instrument("BNBUSDT", 1767225600000000000) is None  # its row has ended


def test_what_a_contract_stands_for() -> None:
    instrument = binance_coinm.instrument("BTCUSD_PERP", Decimal("0.1"), Decimal(1))
    assert (instrument.contract_multiplier, instrument.quote) == (Decimal(100), "USD")
    assert binance_coinm.instrument("ETHUSD_PERP", Decimal("0.01"), Decimal(1)).contract_multiplier == 10
    assert binance_usdm.instrument("ETHUSDT", Decimal("0.01"), Decimal("0.001")).contract_multiplier == 1
