"""Instruments and candles of the Indian brokers: paise and units, days of expiry, rows of candles."""

from __future__ import annotations

import contextlib
import datetime as dt
import gzip
import json
from decimal import Decimal
from types import ModuleType
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from footloom.core.sessions import calendar, wall_ns
from footloom.errors import ConfigError, SchemaChanged, VenueError
from footloom.venues import angelone, upstox
from footloom.venues._india_master import expiry_ns
from footloom.venues._venue import Bases, Candle

KOLKATA = ZoneInfo("Asia/Kolkata")
LOCAL = Bases(ws="ws://127.0.0.1:9", rest="http://127.0.0.1:9", archive="http://127.0.0.1:9/archive")
TOKEN = {"access_token": "t0ken"}
ANGEL = {"api_key": "k3y", "jwt_token": "jwt", "feed_token": "feed", "client_code": "A1"}
DAY_NS = 86_400 * 10**9
NOW = 1_764_738_254 * 10**9

UPSTOX_ROWS: list[dict[str, Any]] = [
    {
        "segment": "NSE_FO",
        "name": "NIFTY",
        "exchange": "NSE",
        "expiry": 1_765_304_999_000,
        "instrument_type": "CE",
        "underlying_symbol": "NIFTY",
        "instrument_key": "NSE_FO|45450",
        "lot_size": 75,
        "freeze_quantity": 1800.0,
        "exchange_token": "45450",
        "minimum_lot": 75,
        "underlying_key": "NSE_INDEX|Nifty 50",
        "tick_size": 5.0,
        "underlying_type": "INDEX",
        "trading_symbol": "NIFTY 26000 CE 09 DEC 25",
        "strike_price": 26000.0,
        "weekly": True,
    },
    {
        "segment": "NSE_FO",
        "expiry": 1_767_119_399_000,
        "instrument_type": "FUT",
        "underlying_symbol": "NIFTY",
        "instrument_key": "NSE_FO|51714",
        "lot_size": 75,
        "tick_size": 10.0,
        "trading_symbol": "NIFTY FUT 30 DEC 25",
    },
    {
        "segment": "NSE_EQ",
        "instrument_type": "EQ",
        "instrument_key": "NSE_EQ|INE467B01029",
        "lot_size": 1,
        "freeze_quantity": 100000.0,
        "tick_size": 10.0,
        "trading_symbol": "TCS",
        "isin": "INE467B01029",
    },
    {
        "segment": "NSE_INDEX",
        "instrument_type": "INDEX",
        "instrument_key": "NSE_INDEX|Nifty 50",
        "trading_symbol": "NIFTY",
    },
    {
        "segment": "MCX_FO",
        "expiry": 1_766_168_999_000,
        "instrument_type": "FUT",
        "asset_symbol": "CRUDEOIL",
        "instrument_key": "MCX_FO|463007",
        "lot_size": 1.0,
        "tick_size": 100.0,
        "trading_symbol": "CRUDEOIL FUT 18 DEC 25",
    },
    {"segment": "NSE_EQ", "instrument_type": "EQ", "instrument_key": "NSE_EQ|SUSPENDED", "tick_size": 0.0},
]


def close_of(day: dt.date, name: str) -> int:
    return [close for _, close in calendar(name).sessions(day, day)][-1]


def test_instruments_of_upstox() -> None:
    packed = gzip.compress(json.dumps(UPSTOX_ROWS).encode())
    option, future, share, index, crude = upstox.instruments(packed, NOW)
    assert upstox.instruments(json.dumps(UPSTOX_ROWS).encode(), NOW) == [option, future, share, index, crude]

    assert (option.tick_size, option.lot_size, option.market_lot, option.freeze_qty) == (Decimal("0.05"), 1, 75, 1800)
    assert (option.kind, option.option, option.strike, option.underlying) == ("option", "CE", 26_000, "NIFTY")
    assert option.expiry_ns == close_of(dt.date(2025, 12, 9), "nse_fo")
    assert option.valid_from_ns == NOW
    assert (future.kind, str(future.tick_size), future.calendar) == ("future", "0.1", "nse_fo")
    assert (share.kind, str(share.tick_size), share.expiry_ns, share.name) == ("spot", "0.1", None, "TCS")
    assert (index.kind, index.symbol, str(index.tick_size)) == ("index", "NSE_INDEX|Nifty 50", "0.01")
    assert (crude.underlying, str(crude.tick_size), crude.calendar) == (
        "CRUDEOIL",
        "1",
        "iana:Asia/Kolkata 09:00-23:30",
    )
    assert crude.expiry_ns == wall_ns(dt.date(2025, 12, 19), dt.time(23, 30), KOLKATA)
    assert upstox.resolve("NIFTY 09DEC25 26000 CE", [option, future, index], NOW) == "NSE_FO|45450"
    assert upstox.instruments_request(LOCAL).url.endswith("/archive/instruments/exchange/complete.json.gz")


def test_option_contracts_of_upstox() -> None:
    row = UPSTOX_ROWS[0] | {"expiry": "2025-12-09"}
    (found,) = upstox.read_option_contracts(json.dumps({"status": "success", "data": [row]}).encode(), NOW)
    assert found.expiry_ns == expiry_ns(dt.date(2025, 12, 9), "nse_fo")
    request = upstox.option_contracts("NSE_INDEX|Nifty 50", LOCAL, TOKEN, "2025-12-09")
    assert request.params == (("instrument_key", "NSE_INDEX|Nifty 50"), ("expiry_date", "2025-12-09"))
    assert upstox.option_chain("NSE_INDEX|Nifty 50", "2025-12-09", LOCAL, TOKEN).url.endswith("/v2/option/chain")


ANGEL_ROWS = [
    {
        "token": "45450",
        "symbol": "NIFTY09DEC2526000CE",
        "name": "NIFTY",
        "expiry": "09DEC2025",
        "strike": "2600000.000000",
        "lotsize": "75",
        "instrumenttype": "OPTIDX",
        "exch_seg": "NFO",
        "tick_size": "5.000000",
    },
    {
        "token": "51714",
        "symbol": "NIFTY30DEC25FUT",
        "name": "NIFTY",
        "expiry": "30DEC2025",
        "strike": "-1.000000",
        "lotsize": "75",
        "instrumenttype": "FUTIDX",
        "exch_seg": "NFO",
        "tick_size": "10.000000",
    },
    {
        "token": "3045",
        "symbol": "SBIN-EQ",
        "name": "SBIN",
        "expiry": "",
        "strike": "-1.000000",
        "lotsize": "1",
        "instrumenttype": "",
        "exch_seg": "NSE",
        "tick_size": "5.000000",
    },
    {
        "token": "99926000",
        "symbol": "Nifty 50",
        "name": "NIFTY",
        "expiry": "",
        "strike": "0.000000",
        "lotsize": "1",
        "instrumenttype": "AMXIDX",
        "exch_seg": "NSE",
        "tick_size": "0.000000",
    },
    {
        "token": "1234",
        "symbol": "USDINR26DEC2584.5CE",
        "name": "USDINR",
        "expiry": "26DEC2025",
        "strike": "845000000.000000",
        "lotsize": "1",
        "instrumenttype": "OPTCUR",
        "exch_seg": "CDS",
        "tick_size": "25000.000000",
    },
    {"token": "1", "symbol": "?", "name": "?", "exch_seg": "NCO", "tick_size": "5.000000"},
]


def test_instruments_of_angel_one() -> None:
    found = angelone.instruments(json.dumps(ANGEL_ROWS).encode(), NOW)
    option, future, share, index, currency = found
    assert (option.symbol, option.strike, option.option, str(option.tick_size)) == ("NFO|45450", 26_000, "CE", "0.05")
    assert option.expiry_ns == close_of(dt.date(2025, 12, 9), "nse_fo")
    assert (future.kind, future.strike, str(future.tick_size), future.market_lot) == ("future", None, "0.1", 75)
    assert (share.symbol, share.kind, share.calendar) == ("NSE|3045", "spot", "nse_cash")
    assert (index.symbol, index.kind, str(index.tick_size)) == ("NSE|99926000", "index", "0.01")
    assert (currency.strike, str(currency.tick_size)) == (Decimal("84.5"), "0.0025")
    meant = {"NIFTY": index, "SBIN": share, "NIFTY.FUT1": future, "NIFTY 09DEC25 26000 CE": option, "NFO|45450": option}
    for name, one in meant.items():
        assert angelone.resolve(name, found, NOW) == one.symbol


@pytest.mark.parametrize("module", [upstox, angelone])
@pytest.mark.parametrize(
    "document", [b"", b"{}", b"[1]", b'[{"token": 5}]', b'[{"instrument_key": 1}]', b"\x1f\x8b\x00", b"\xff\xfe"]
)
def test_other_masters_are_refused(module: ModuleType, document: bytes) -> None:
    with pytest.raises(SchemaChanged):
        module.instruments(document, NOW)


@pytest.mark.parametrize(
    ("module", "row"),
    [
        (upstox, UPSTOX_ROWS[0] | {"expiry": "soon"}),
        (angelone, ANGEL_ROWS[0] | {"expiry": "soon"}),
        (angelone, ANGEL_ROWS[0] | {"strike": "many"}),
    ],
)
def test_a_row_that_cannot_be_read_is_named(module: ModuleType, row: dict[str, Any]) -> None:
    with pytest.raises(SchemaChanged, match=r"NSE_FO.45450|NIFTY09DEC25"):
        module.instruments(json.dumps([row]).encode(), NOW)


ROWS = [
    ["2025-12-03T10:34:00+05:30", 3184.6, 3185.5, 3181.6, 3184.6, 8031, 0],
    ["2025-12-03T10:33:00+05:30", 3184, 3185.55, 3181, 3184.6, 803100000000, 1565935],
]
CANDLES = [
    Candle(
        open_ns=1_764_738_180 * 10**9,
        close_ns=1_764_738_240 * 10**9,
        open="3184",
        high="3185.55",
        low="3181",
        close="3184.6",
        volume="803100000000",
        open_interest="1565935",
    ),
    Candle(
        open_ns=1_764_738_240 * 10**9,
        close_ns=1_764_738_300 * 10**9,
        open="3184.6",
        high="3185.5",
        low="3181.6",
        close="3184.6",
        volume="8031",
        open_interest="0",
    ),
]


def test_candles_of_upstox() -> None:
    assert upstox.read_candles(json.dumps({"status": "success", "data": {"candles": ROWS}}).encode()) == CANDLES
    assert upstox.read_candles(b'{"status":"success","data":{"candles":[]}}') == []
    from_ns = wall_ns(dt.date(2025, 12, 1), dt.time(), KOLKATA)
    request = upstox.candles("NSE_INDEX|Nifty 50", from_ns, from_ns + 3 * DAY_NS, LOCAL, TOKEN)
    assert request.url == (
        "http://127.0.0.1:9/v3/historical-candle/NSE_INDEX%7CNifty%2050/minutes/1/2025-12-03/2025-12-01"
    )
    today = upstox.candles_today("NSE_FO|1", LOCAL, TOKEN)
    assert today.url == "http://127.0.0.1:9/v3/historical-candle/intraday/NSE_FO%7C1/minutes/1"
    with pytest.raises(ConfigError, match="up to 28"):
        upstox.candles("NSE_FO|1", from_ns, from_ns + 29 * DAY_NS, LOCAL, TOKEN)


def test_candles_of_angel_one() -> None:
    answer = {"status": True, "message": "SUCCESS", "errorcode": "", "data": [row[:6] for row in ROWS]}
    found = angelone.read_candles(json.dumps(answer).encode())
    assert [(one.open_ns, one.volume, one.open_interest) for one in found] == [
        (CANDLES[0].open_ns, "803100000000", ""),
        (CANDLES[1].open_ns, "8031", ""),
    ]
    assert angelone.read_candles(b'{"status":true,"data":null}') == []
    with pytest.raises(VenueError, match="AB1004"):
        angelone.read_candles(b'{"status":false,"message":"Something went wrong","errorcode":"AB1004","data":null}')
    from_ns = wall_ns(dt.date(2025, 12, 3), dt.time(9, 15), KOLKATA)
    request = angelone.candles("NFO|45450", from_ns, from_ns + 60 * 60 * 10**9, LOCAL, ANGEL)
    assert request.method == "POST"
    assert json.loads(request.body) == {
        "exchange": "NFO",
        "symboltoken": "45450",
        "interval": "ONE_MINUTE",
        "fromdate": "2025-12-03 09:15",
        "todate": "2025-12-03 10:14",
    }
    assert ("Authorization", "Bearer jwt") in request.headers
    assert "k3y" not in repr(request.headers)


@pytest.mark.parametrize("row", [[], ["x", 1, 2, 3, 4, 5], ["2025-12-03T10:34:00", "x", 2, 3, 4, 5], ["2025-12-03", 1]])
def test_other_candles_are_refused(row: list[Any]) -> None:
    with pytest.raises(SchemaChanged, match="candle"):
        upstox.read_candles(json.dumps({"data": {"candles": [row]}}).encode())


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), lambda one: st.lists(one, max_size=8)))
def test_random_candles(row: object) -> None:
    with contextlib.suppress(SchemaChanged):
        upstox.read_candles(json.dumps({"data": {"candles": [row, [row] * 7]}}).encode())


def test_no_account() -> None:
    with pytest.raises(ConfigError, match="footloom login angelone"):
        angelone.candles("NFO|1", 0, DAY_NS, LOCAL, {})
    with pytest.raises(ConfigError, match="footloom login upstox"):
        upstox.candles("NSE_FO|1", 0, DAY_NS, LOCAL, {})
