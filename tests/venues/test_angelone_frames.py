"""Packets of Angel One's feed: four layouts, two units of time, two scales of prices."""

from __future__ import annotations

import contextlib
import json
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from footloom.core.messages import BookUpdate, Message, Reply, Tick
from footloom.errors import SchemaChanged
from footloom.venues import angelone
from tests.venues.india_frames import ANGEL_LTP, ANGEL_SNAP_QUOTE

MS, SECOND = 1_000_000, 1_000_000_000
NOW_MS = 1_735_201_464_000


def parsed(frame: bytes) -> list[Message]:
    return list(angelone.parse(frame, 5))


def ltp(exchange: int = 2, token: bytes = b"45450", at_ms: int = NOW_MS, price: int = 21_930) -> bytes:
    return struct.pack("<BB25sqqq", 1, exchange, token, 1001, at_ms, price)


def quote(**changed: int) -> bytes:
    values: dict[str, Any] = {
        "seq": 7,
        "at": NOW_MS,
        "price": 190_735,
        "ltq": 3,
        "atp": 190_899,
        "vtt": 2_129_562,
    } | changed
    return struct.pack("<BB25sqqqqqqddqqqq", 2, 1, b"1594", *values.values(), 224_305.0, 246_078.0, 1, 2, 3, 4)


def snap(levels: list[tuple[int, int, int, int]], ltt_s: int = NOW_MS // 1000) -> bytes:
    head = b"\x03" + quote()[1:]
    best = b"".join(struct.pack("<hqqh", *one) for one in levels)
    return head + struct.pack("<qqd", ltt_s, 75, float("nan")) + best + struct.pack("<qqqq", 1, 2, 3, 4)


def depth(bids: list[tuple[int, int, int]], asks: list[tuple[int, int, int]]) -> bytes:
    rows = [*bids, *[(0, 0, 0)] * (20 - len(bids)), *asks, *[(0, 0, 0)] * (20 - len(asks))]
    head = struct.pack("<BB25sqq", 4, 1, b"1594", NOW_MS, 99)
    return head + b"".join(struct.pack("<iih", *row) for row in rows)


BEST = [(1, 10, 100_00 - 5 * i, 1) for i in range(5)] + [(0, 20, 100_05 + 5 * i, 1) for i in range(5)]


def test_the_last_price() -> None:
    assert parsed(ANGEL_LTP) == [
        Tick(symbol="NFO|45450", ts_exch_ns=1_740_729_566_039 * MS, ts_recv_ns=5, ltp="219.3", seq=1001)
    ]
    assert ltp(at_ms=1_740_729_566_039) == ANGEL_LTP


def test_the_snapshot_with_five_levels() -> None:
    tick, book = parsed(ANGEL_SNAP_QUOTE)
    assert tick == Tick(
        symbol="NSE|1594",
        ts_exch_ns=1_735_201_464_000 * MS,
        ts_recv_ns=5,
        ltt_ns=1_735_201_464 * SECOND,
        ltp="1907.35",
        ltq="3",
        vtt="2129562",
        bid="1907",
        bid_qty="2",
        ask="1907.35",
        ask_qty="43",
        oi="78268800",
        atp="1908.99",
        seq=12_109_948,
    )
    assert isinstance(book, BookUpdate)
    assert (len(book.bids), len(book.asks), book.depth, book.is_snapshot) == (5, 5, 5, True)
    assert book.asks[0] == ("1907.35", "43")


def test_the_mode_without_a_book_says_no_time_of_the_trade() -> None:
    (tick,) = parsed(quote())
    assert isinstance(tick, Tick)
    assert (tick.ltp, tick.ltq, tick.vtt, tick.atp) == ("1907.35", "3", "2129562", "1908.99")
    assert (tick.ltt_ns, tick.bid, tick.ask, tick.oi) == (None, None, None, None)


def test_twenty_levels() -> None:
    (book,) = parsed(depth([(10, 190_700, 2), (7, 190_650, 1)], [(43, 190_735, 3)]))
    assert isinstance(book, BookUpdate)
    assert len(depth([], [])) == 443
    assert book.ts_exch_ns == NOW_MS * MS, "the time stands at 27; what stands at 35 is a dummy"
    assert book.bids == (("1907", "10"), ("1906.5", "7"))
    assert book.asks == (("1907.35", "43"),)
    assert (book.depth, book.symbol) == (20, "NSE|1594")


def test_the_side_of_a_level_is_its_flag_s_not_its_place_s() -> None:
    tick, book = parsed(snap(BEST))
    shuffled, same = parsed(snap([*BEST[7:], *BEST[:7]]))
    assert tick == shuffled
    assert book == same
    assert isinstance(tick, Tick)
    assert (tick.bid, tick.ask) == ("100", "100.05")


def test_an_empty_side() -> None:
    tick, _ = parsed(snap([(1, 0, 0, 0)] * 5 + BEST[5:]))
    assert isinstance(tick, Tick)
    assert (tick.bid, tick.bid_qty, tick.ask) == ("", "", "100.05")


def test_prices_of_currencies_have_seven_decimals() -> None:
    (tick,) = parsed(ltp(13, b"1234", price=844_525_000))
    assert isinstance(tick, Tick)
    assert (tick.symbol, tick.ltp) == ("CDS|1234", "84.4525")
    (paise,) = parsed(ltp(2, b"1234", price=844_525_000))
    assert isinstance(paise, Tick)
    assert paise.ltp == "8445250"


def test_a_contract_that_has_not_traded() -> None:
    (tick,) = parsed(ltp(price=0, at_ms=0))
    assert isinstance(tick, Tick)
    assert (tick.ltp, tick.ts_exch_ns) == (None, None)


def test_seconds_are_not_milliseconds() -> None:
    tick, _ = parsed(snap(BEST, ltt_s=1_735_201_464))
    assert isinstance(tick, Tick)
    assert tick.ltt_ns == 1_735_201_464 * SECOND
    with pytest.raises(SchemaChanged, match="no time in s"):
        parsed(snap(BEST, ltt_s=1_735_201_464_000))
    with pytest.raises(SchemaChanged, match="no time in ms"):
        parsed(ltp(at_ms=1_735_201_464))


def test_texts() -> None:
    assert parsed(b"pong") == [Reply(kind="pong")]
    error = {"correlationID": "footloom00", "errorCode": "E1002", "errorMessage": "Subscription limit"}
    (reply,) = parsed(json.dumps(error).encode())
    assert isinstance(reply, Reply)
    assert (reply.kind, reply.request) == ("error", "footloom00")
    assert "E1002" in reply.text
    assert "1000" in reply.text


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (b"", "0 bytes"),
        (ANGEL_LTP[:-1], "50 bytes"),
        (ANGEL_LTP + b"\0", "52 bytes"),
        (b"\x03" + ANGEL_LTP[1:], "51, 123, 379 and 443"),
        (ltp(exchange=6), "exchange type 6"),
        (ltp(token=b"\xff\xfe"), "token"),
        (ltp(price=-1), "below zero"),
        (quote(vtt=-1), "below zero"),
        (snap([(7, 1, 1, 1), *BEST[1:]]), "flag 7"),
        (b"{}", "neither pong nor an error"),
        (b'{"errorCode": 5}', "neither pong nor an error"),
        (b"pong!", "neither pong"),
    ],
)
def test_what_is_refused(frame: bytes, words: str) -> None:
    with pytest.raises(SchemaChanged, match=words):
        parsed(frame)


def test_a_packet_cut_anywhere_is_refused() -> None:
    for cut in range(len(ANGEL_SNAP_QUOTE)):
        _survives(ANGEL_SNAP_QUOTE[:cut])


@given(st.integers(1, 4), st.sampled_from([51, 123, 379, 443, 17]), st.data())
def test_random_packets(mode: int, length: int, data: st.DataObject) -> None:
    _survives(bytes([mode]) + data.draw(st.binary(min_size=length - 1, max_size=length - 1)))


@given(st.sampled_from([ANGEL_LTP, ANGEL_SNAP_QUOTE, depth([(1, 2, 3)], [])]), st.data())
def test_packets_with_some_bytes_changed(good: bytes, data: st.DataObject) -> None:
    changed = bytearray(good)
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    _survives(bytes(changed))


def _survives(frame: bytes) -> None:
    with contextlib.suppress(SchemaChanged):
        assert all(isinstance(one, Tick | BookUpdate | Reply) for one in parsed(frame))
