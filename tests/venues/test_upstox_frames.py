"""Frames of Upstox's feed V3: what they mean, what is left out, and what is refused."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import descriptor_pb2
from google.protobuf.json_format import MessageToDict
from hypothesis import given
from hypothesis import strategies as st

from footloom.core.messages import BookUpdate, MarketStatus, Message, Tick
from footloom.errors import SchemaChanged
from footloom.venues import _upstox_feed_pb2 as wire
from footloom.venues import upstox
from tests.venues.india_frames import UPSTOX_FULL, UPSTOX_LTPC, UPSTOX_MARKET_INFO

KEY = "NSE_FO|45450"
NOW_MS = 1_764_738_254_300
MS = 1_000_000
PROTO = Path(upstox.__file__).with_name("_upstox_feed.proto")


def parsed(frame: bytes) -> list[Message]:
    return list(upstox.parse(frame, 5))


def tick(feed: wire.Feed, kind: int = wire.Type.live_feed) -> Tick:
    found = [one for one in parsed(frame(feed, kind)) if isinstance(one, Tick)]
    assert len(found) == 1
    return found[0]


def frame(feed: wire.Feed, kind: int = wire.Type.live_feed) -> bytes:
    response = wire.FeedResponse(type=kind, currentTs=NOW_MS)
    response.feeds[KEY].CopyFrom(feed)
    return response.SerializeToString()


def full(**fields: Any) -> wire.Feed:
    return wire.Feed(fullFeed={"marketFF": fields}, requestMode=wire.RequestMode.full_d5)


LTPC = {"ltp": 219.3, "ltt": NOW_MS - 50, "ltq": 75, "cp": 494.05}
BOOK = {"bidAskQuote": [{"bidP": 219.25, "bidQ": 150, "askP": 219.35, "askQ": 75}, {"bidP": 219.2, "bidQ": 300}]}


def test_the_mode_of_the_last_trade() -> None:
    assert parsed(UPSTOX_LTPC) == [
        Tick(
            symbol="NSE_FO|45450",
            ts_exch_ns=1_740_729_566_039 * MS,
            ts_recv_ns=5,
            ltt_ns=1_740_729_552_723 * MS,
            ltp="219.3",
            ltq="75",
        )
    ]


def test_the_full_mode() -> None:
    one, book = parsed(UPSTOX_FULL)
    assert one == Tick(
        symbol="NSE_EQ|INE467B01029",
        ts_exch_ns=1_764_738_254_300 * MS,
        ts_recv_ns=5,
        ltt_ns=1_764_738_254_253 * MS,
        ltp="3183.8",
        ltq="1",
        vtt="945518",
        bid="3183.3",
        bid_qty="2",
        ask="3183.8",
        ask_qty="67",
        atp="3168.99",
        minute=(1_764_738_180_000 * MS, "8031"),
    )
    assert isinstance(book, BookUpdate)
    assert (book.bids, book.asks) == ((("3183.3", "2"), ("3182.8", "85")), (("3183.8", "67"), ("3183.9", "72")))
    assert book.is_snapshot
    assert book.depth == 5


def test_the_state_of_the_market() -> None:
    assert parsed(UPSTOX_MARKET_INFO) == [
        MarketStatus(
            ts_exch_ns=1_732_775_008_661 * MS,
            ts_recv_ns=5,
            segments={"NSE_EQ": "NORMAL_OPEN", "NSE_FO": "NORMAL_OPEN", "MCX_FO": "PRE_OPEN_START"},
        )
    ]


# As dictionaries numbers become text and zeros vanish; the message itself has whole numbers and zeros.
def test_whole_numbers_stay_whole_and_zeros_are_read() -> None:
    vtt = 2**53 + 1
    feed = full(ltpc=LTPC | {"ltq": 0}, vtt=vtt)
    assert MessageToDict(feed)["fullFeed"]["marketFF"]["vtt"] == str(vtt)
    assert "ltq" not in MessageToDict(feed)["fullFeed"]["marketFF"]["ltpc"]
    assert (tick(feed).vtt, tick(feed).ltq) == (str(vtt), "0")


def test_the_first_message_of_a_key_is_known_by_a_type_that_is_left_out() -> None:
    first = frame(full(ltpc=LTPC), wire.Type.initial_feed)
    assert "type" not in MessageToDict(wire.FeedResponse.FromString(first))
    assert tick(full(ltpc=LTPC), wire.Type.initial_feed).is_first
    assert not tick(full(ltpc=LTPC)).is_first


def test_the_day_s_volume_is_zero_only_where_the_whole_state_is_sent() -> None:
    assert tick(full(ltpc=LTPC), wire.Type.initial_feed).vtt == "0"
    assert tick(full(ltpc=LTPC)).vtt is None
    assert tick(wire.Feed(ltpc=LTPC), wire.Type.initial_feed).vtt is None


def test_a_book_that_is_left_out_is_no_empty_book() -> None:
    unchanged = tick(full(ltpc=LTPC, vtt=100))
    assert (unchanged.bid, unchanged.bid_qty, unchanged.ask, unchanged.ask_qty) == (None, None, None, None)
    assert not any(isinstance(one, BookUpdate) for one in parsed(frame(full(ltpc=LTPC, vtt=100))))
    empty = tick(full(marketLevel={}))
    assert (empty.bid, empty.bid_qty, empty.ask, empty.ask_qty) == ("", "", "", "")
    no_bids = tick(full(marketLevel={"bidAskQuote": [{"askP": 219.35, "askQ": 75}]}))
    assert (no_bids.bid, no_bids.bid_qty, no_bids.ask, no_bids.ask_qty) == ("", "", "219.35", "75")


def test_levels_of_one_side_only() -> None:
    (book,) = (one for one in parsed(frame(full(marketLevel=BOOK))) if isinstance(one, BookUpdate))
    assert book.bids == (("219.25", "150"), ("219.2", "300"))
    assert book.asks == (("219.35", "75"),)


def test_thirty_levels() -> None:
    levels = [{"bidP": 100 - 0.05 * i, "bidQ": 75, "askP": 100.05 + 0.05 * i, "askQ": 150} for i in range(30)]
    feed = full(ltpc=LTPC, marketLevel={"bidAskQuote": levels})
    feed.requestMode = wire.RequestMode.full_d30
    one, book = parsed(frame(feed))
    assert isinstance(one, Tick)
    assert isinstance(book, BookUpdate)
    assert (one.bid, one.ask) == ("100", "100.05")
    assert (len(book.bids), len(book.asks), book.depth) == (30, 30, 30)


def test_the_mode_with_greeks() -> None:
    first = {"bidP": 219.25, "bidQ": 150, "askP": 219.35, "askQ": 75}
    greeks = {"ltpc": LTPC, "firstDepth": first, "optionGreeks": {"delta": 0.5}, "vtt": 8_031, "oi": 1_565_935.0}
    found = tick(wire.Feed(firstLevelWithGreeks=greeks, requestMode=wire.RequestMode.option_greeks))
    assert (found.ltp, found.vtt, found.bid, found.ask_qty, found.oi, found.atp) == (
        "219.3",
        "8031",
        "219.25",
        "75",
        "1565935",
        None,
    )
    assert tick(wire.Feed(firstLevelWithGreeks={"ltpc": LTPC})).bid is None


def test_an_index_has_a_price_and_no_volume() -> None:
    found = tick(wire.Feed(fullFeed={"indexFF": {"ltpc": {"ltp": 25_017.4, "ltt": NOW_MS, "cp": 24_951.15}}}))
    assert (found.ltp, found.ltq, found.vtt, found.bid) == ("25017.4", "0", None, None)


def test_a_contract_that_has_not_traded_was_subscribed_all_the_same() -> None:
    found = tick(wire.Feed(ltpc={}), wire.Type.initial_feed)
    assert found == Tick(symbol=KEY, ts_exch_ns=NOW_MS * MS, ts_recv_ns=5, is_first=True)
    assert tick(wire.Feed(), wire.Type.initial_feed) == found


def test_of_two_minute_candles_the_newest_stands() -> None:
    old, new = ({"interval": "I1", "ts": NOW_MS - 60_000 * i, "vol": 10 * i} for i in (2, 1))
    day = {"interval": "1d", "ts": NOW_MS, "vol": 510_160}
    assert tick(full(marketOHLC={"ohlc": [new, old, day]})).minute == ((NOW_MS - 60_000) * MS, "10")


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.05, "0.05"), (24_650.0, "24650"), (1e16, "10000000000000000"), (92_150.1, "92150.1"), (1e-7, "0.0000001")],
)
def test_a_price_is_the_text_that_was_typed(value: float, text: str) -> None:
    assert tick(full(ltpc=LTPC | {"ltp": value})).ltp == text


# --- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"ltpc": LTPC | {"ltp": float("nan")}}, "ltp is nan"),
        ({"ltpc": LTPC | {"ltt": NOW_MS // 1000}}, "ltt is 1764738254, no time in ms"),
        ({"ltpc": LTPC, "vtt": -1}, "vtt is -1, below zero"),
        ({"marketLevel": {"bidAskQuote": [{"bidP": float("inf"), "bidQ": 1}]}}, "inf"),
    ],
)
def test_a_key_that_cannot_be_read_is_told_and_the_others_are_kept(fields: dict[str, Any], words: str) -> None:
    response = wire.FeedResponse(type=wire.Type.live_feed, currentTs=NOW_MS)
    response.feeds[KEY].CopyFrom(full(**fields))
    for other in ("NSE_FO|1", "NSE_FO|2"):
        response.feeds[other].CopyFrom(full(ltpc=LTPC))
    seen: list[str] = []
    with pytest.raises(SchemaChanged, match=re.escape(words)) as refused:
        seen.extend(one.symbol for one in upstox.parse(response.SerializeToString(), 5) if isinstance(one, Tick))
    assert sorted(seen) == ["NSE_FO|1", "NSE_FO|2"]
    assert "1 of 3 keys" in str(refused.value)
    assert KEY in str(refused.value)


@pytest.mark.parametrize("text", [b"{}", b"pong", b"\x00", b"\xff" * 40, b'{"type":"live_feed"}'])
def test_other_frames_are_refused(text: bytes) -> None:
    with pytest.raises(SchemaChanged, match=f"{len(text)} bytes"):
        parsed(text)


def test_a_frame_of_unknown_fields_is_refused() -> None:
    with pytest.raises(SchemaChanged, match="nothing known"):
        parsed(bytes([15 << 3, 7]))


def test_a_frame_cut_anywhere_is_refused_or_read() -> None:
    for cut in range(len(UPSTOX_FULL)):
        _survives(UPSTOX_FULL[:cut])


@given(st.binary(max_size=300))
def test_random_bytes(text: bytes) -> None:
    _survives(text)


@given(st.sampled_from([UPSTOX_LTPC, UPSTOX_FULL, UPSTOX_MARKET_INFO]), st.data())
def test_frames_with_some_bytes_changed(good: bytes, data: st.DataObject) -> None:
    changed = bytearray(good)
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    _survives(bytes(changed))


def _survives(text: bytes) -> None:
    try:
        for one in upstox.parse(text, 5):
            assert isinstance(one, Tick | BookUpdate | MarketStatus)
    except SchemaChanged:
        pass


# --- our .proto and the module made from it ---------------------------------------------------------------------------


def test_the_module_is_that_of_the_proto() -> None:
    written = _written(PROTO.read_text(encoding="utf-8"))
    made: dict[str, dict[str, tuple[int, str]]] = {}
    for name, message in wire.DESCRIPTOR.message_types_by_name.items():
        made[name] = {field.name: (field.number, _type_of(field)) for field in message.fields}
    for name, enum in wire.DESCRIPTOR.enum_types_by_name.items():
        made[name] = {value.name: (value.number, "") for value in enum.values}
    assert len(made) == 17
    assert written == made


def test_the_module_is_what_the_compiler_makes(tmp_path: Path) -> None:
    protoc = pytest.importorskip("grpc_tools.protoc", reason="grpcio-tools is a tool of development")
    target = tmp_path / "made"
    assert protoc.main(["protoc", f"-I{PROTO.parent}", f"--descriptor_set_out={target}", PROTO.name]) == 0
    (made,) = descriptor_pb2.FileDescriptorSet.FromString(target.read_bytes()).file
    mine = descriptor_pb2.FileDescriptorProto()
    wire.DESCRIPTOR.CopyToProto(mine)
    for message in made.message_type:  # names of JSON follow from the fields' own
        for field in [*message.field, *(one for nested in message.nested_type for one in nested.field)]:
            field.ClearField("json_name")
    assert made == mine


def _written(text: str) -> dict[str, dict[str, tuple[int, str]]]:
    found: dict[str, dict[str, tuple[int, str]]] = {}
    name = ""
    for line in re.sub(r"//[^\n]*", "", text).splitlines():
        if match := re.match(r"(?:message|enum) (\w+) \{", line):
            name = match[1]
            found[name] = {}
        elif match := re.match(r" +(?:(repeated |map<string, )?([\w.]+)>? )?(\w+) = (\d+);", line):
            kind = f"{(match[1] or '').strip(' ,')} {match[2] or ''}".strip()
            found[name][match[3]] = (int(match[4]), kind.replace("map<string ", "map "))
    return found


def _type_of(field: Any) -> str:
    names = {1: "double", 3: "int64", 8: "bool", 9: "string"}
    if field.message_type is None:
        return field.enum_type.name if field.enum_type else names[field.type]
    if field.message_type.GetOptions().map_entry:
        value = field.message_type.fields_by_name["value"]
        return f"map {_type_of(value)}"
    many = "repeated " if field.is_repeated else ""
    shown = field.message_type.full_name if field.message_type.file != wire.DESCRIPTOR else field.message_type.name
    return f"{many}{shown}"
