"""Option chains without a moment of their own: NSE's export by position, and a reply of Upstox's REST."""

from __future__ import annotations

import json
from typing import Any

import pytest

from footloom.core.series import NO_QUOTE, Series
from footloom.store.files import Store
from tests.unit.importers.conftest import Import, Imported

AT_NS = 1_764_909_000_000_000_000  # 2025-12-05 10:00 in Kolkata
NAME = "option-chain-ED-NIFTY-09-Dec-2025.csv"
BANNER = "CALLS,,PUTS,,,,"
HEADER = (
    ",OI,CHNG IN OI,VOLUME,IV,LTP,CHNG,BID QTY,BID,ASK,ASK QTY,STRIKE,"
    "BID QTY,BID,ASK,ASK QTY,CHNG,LTP,IV,VOLUME,CHNG IN OI,OI,"
)
ROW = (
    ',"1,234",-10,"17,72,550",11.25,150.05,-3.1,75,149.95,150.10,"1,500","26,000.00",'
    '150,88.00,88.05,75,2.00,88.00,12.5,"9,000",20,500,'
)
SILENT = ",-,-,-,-,-,-,-,-,-,-,25000.00,-,-,-,-,-,-,-,-,-,-,"
KEY = "upstox:NSE_INDEX|Nifty 50"


def said(done: Imported, key: str, row: int) -> dict[str, int]:
    series: Series = Store(done.store).load_series(key, "chain", 0, 2**62)
    return {name: int(values[row]) for name, values in series.columns.items() if values[row] != NO_QUOTE}


@pytest.mark.parametrize(("bom", "end"), [(b"", "\n"), (b"\xef\xbb\xbf", "\r\n")])
def test_a_page_of_nse_is_read_by_position(take: Import, bom: bytes, end: str) -> None:
    text = bom + end.join((BANNER, HEADER, ROW, SILENT, "")).encode()
    done = take(text, NAME, at_ns=AT_NS)
    assert (done.file.importer, done.tape.instrument, done.report.problems) == ("nse_chain", "nse:NIFTY", [])
    assert said(done, "nse:NIFTY", 0) == {
        "side": 1, "expiry_ns": 1_765_274_400_000_000_000, "strike_tick": 2_600_000, "oi_lot": 1_234 * 75,
        "prev_oi_lot": 1_244 * 75, "volume_lot": 1_772_550 * 75, "ltp_tick": 15_005, "bid_tick": 14_995, "bid_lot": 75,
        "ask_tick": 15_010, "ask_lot": 1_500, "iv_e8": 11_250_000, "source": 1,
    }  # fmt: skip
    put = said(done, "nse:NIFTY", 1)
    assert (put["oi_lot"], put["prev_oi_lot"], put["volume_lot"]) == (500 * 75, 480 * 75, 9_000 * 75)
    assert (put["bid_tick"], put["bid_lot"], put["ask_tick"], put["ask_lot"]) == (8_800, 150, 8_805, 75)
    assert "oi_lot" not in said(done, "nse:NIFTY", 2)  # a dash is not nothing open: it is not said
    assert take(text, NAME, at_ns=AT_NS).report.new == 0


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (ROW.replace('"1,234"', "-5"), "number below zero"),
        (ROW.replace("150.05", "150.055"), "price off the grid"),
        (ROW[1:], "number below zero"),
        (ROW.replace('"26,000.00"', "0"), "no strike"),
        (ROW.replace('"26,000.00"', "-"), "no strike"),
        (ROW.replace(",500,", ",x,"), "OI or VOLUME is no number"),
        (ROW + "1,2", "another number of columns"),
    ],
)
def test_rows_of_a_page_that_cannot_be_are_told(take: Import, row: str, reason: str) -> None:
    good = ROW.replace("26,000", "26,100")
    done = take(f"{BANNER}\n{HEADER}\n{good}\n{row}\n".encode(), NAME, at_ns=AT_NS)
    assert set(done.reasons) <= {reason, "price is no number"}
    assert done.tape.kept == 1


def test_a_page_needs_its_moment_and_its_name(take: Import) -> None:
    text = f"{BANNER}\n{HEADER}\n{ROW}\n".encode()
    assert "says of which moment it is: add --at" in take(text, NAME).file.error
    assert "its name does not say underlying and expiry" in take(text, "chain.csv", at_ns=AT_NS).file.error
    late = take(text, NAME, at_ns=AT_NS + 10 * 86_400 * 10**9)
    assert "expired before its moment" in late.reasons or "before the moment" in late.file.error


def strike(price: float, **changed: Any) -> dict[str, Any]:
    market = {
        "ltp": 150.05, "volume": 900_075, "oi": 92_550.0, "close_price": 153.1, "bid_price": 149.95, "bid_qty": 75,
        "ask_price": 150.1, "ask_qty": 1500, "prev_oi": 93_300.0,
    }  # fmt: skip
    greeks = {"vega": 11.5, "theta": -14.25, "gamma": 0.0007, "delta": 0.5521, "iv": 11.123456789, "pop": 48.1}
    side = {"instrument_key": "NSE_FO|1", "market_data": market | changed, "option_greeks": greeks}
    return {
        "expiry": "2025-12-09", "pcr": 1.1, "strike_price": price, "underlying_key": "NSE_INDEX|Nifty 50",
        "underlying_spot_price": 26_186.45, "call_options": side,
        "put_options": {"market_data": {"oi": 5, "bid_price": 0}},
    }  # fmt: skip


def reply(*strikes: Any) -> bytes:
    return json.dumps({"status": "success", "data": list(strikes)}).encode()


def test_a_reply_of_upstox_is_a_chain_with_its_underlying(take: Import) -> None:
    done = take(reply(strike(26_000.0), strike(26_050.0)), "chain.json", at_ns=AT_NS)
    assert (done.file.importer, done.tape.instrument, done.report.problems) == ("upstox_chain", KEY, [])
    assert said(done, KEY, 0) == {
        "side": 0, "expiry_ns": 0, "strike_tick": 0, "ltp_tick": 2_618_645, "source": 2
    }  # fmt: skip
    assert said(done, KEY, 1) == {
        "side": 1, "expiry_ns": 1_765_274_400_000_000_000, "strike_tick": 2_600_000, "oi_lot": 92_550,
        "prev_oi_lot": 93_300, "volume_lot": 900_075, "ltp_tick": 15_005, "bid_tick": 14_995, "bid_lot": 75,
        "ask_tick": 15_010, "ask_lot": 1_500, "iv_e8": 11_123_456, "delta_e8": 55_210_000, "gamma_e8": 70_000,
        "theta_e8": -1_425_000_000, "vega_e8": 1_150_000_000, "source": 2,
    }  # fmt: skip
    put = said(done, KEY, 2)
    assert (put["oi_lot"], put["bid_lot"]) == (5, 0)  # nobody bids; who offers is not said
    assert not put.keys() & {"ltp_tick", "bid_tick", "ask_tick", "ask_lot"}
    assert done.tape.kept == 2


def test_strikes_that_cannot_be_are_told(take: Import) -> None:
    bare = strike(1.0) | {"strike_price": None}
    past = strike(26_100.0) | {"expiry": "2025-12-07"}
    wrong = [strike(26_050.0, oi=-1), strike(0.0), bare, past, {"strike_price": 1}]
    done = take(reply(strike(26_000.0), *wrong), "chain.json", at_ns=AT_NS)
    assert sum(done.reasons.values()) == 5
    assert done.reasons["no strike"] == 2
    assert done.tape.kept == 1
    assert "no reply of Upstox" in take(reply(strike(26_000.0))[:-3], "chain.json", at_ns=AT_NS).file.error
