"""The binary frame: golden bytes written by hand, a round trip of anything, refusals."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import fields
from decimal import Decimal

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from footloom.core.footprint import Bars
from footloom.core.instrument import Instrument
from footloom.core.trades import Trades
from footloom.engine.build import build
from footloom.engine.frame import ChartFrame
from footloom.engine.spec import ChartSpec
from footloom.errors import ProtocolError
from footloom.server.wire.codec import chart_columns, decode, encode, encode_json
from footloom.server.wire.frames import chart_frame
from footloom.server.wire.layout import HEADER_BYTES
from footloom.server.wire.one_bar import encode_one

TEST = Instrument(venue="test", symbol="ABC", tick_size=Decimal("0.5"), lot_size=Decimal("0.001"))
MINUTE_NS = 60 * 10**9
START_NS = 20_000 * 86_400 * 10**9


def chart(trades: list[tuple[int, int, int, int]], **spec: object) -> ChartFrame:
    """Build a chart of (ns after the start, tick, lots, side)."""
    ts, ticks, lots, sides = (list(column) for column in zip(*trades, strict=True)) if trades else ([], [], [], [])
    tape = Trades.build(TEST, [START_NS + t for t in ts], ticks, lots, sides, trade_id=range(len(ts)), ts_recv_ns=ts)
    return build(tape, ChartSpec(**spec))  # type: ignore[arg-type]


def test_golden_bytes_of_one_bar() -> None:
    # Two levels of two ticks: row 50 (ticks 100, 101) and row 51 (ticks 102, 103).
    frame = chart([(1, 101, 7, 1), (2, 102, 5, -1), (3, 100, 2, 0)], ticks_per_level=2, min_vol_lot=3)
    by_hand = b"".join([
        struct.pack("<4sBBHIIIIdd", b"FTLM", 2, 2, 0, 0, 1, 2, 9, 41.0, -1.0),
        struct.pack("<qqq", START_NS, START_NS + MINUTE_NS, START_NS + 3),
        struct.pack("<d", 50.0),  # base_row
        struct.pack("<dddd", 101.0, 102.0, 100.0, 100.0),  # open, high, low, close
        struct.pack("<ddd", 7.0, 5.0, 2.0),  # buy, sell, unknown
        struct.pack("<ddd", 0.0, 7.0, 2.0),  # min delta, max delta, cvd
        struct.pack("<d", 3.0),  # min_vol
        struct.pack("<dd", 12 / 14, float("nan")),  # coverage, quote_share: sides are the venue's
        struct.pack("<d", 3.0),  # trades
        struct.pack("<i4x", 0),  # poc: row 50
        struct.pack("<i4x", 1),  # vah: 9 of 14 lots are under 70 %, so the other row joins
        struct.pack("<i4x", 0),  # val
        struct.pack("<I4x", 0),  # flags: the last bar of a tape is open
        struct.pack("<II", 0, 2),  # level_start
        struct.pack("<ii", 0, 1),  # row
        struct.pack("<dd", 7.0, 0.0),  # buy
        struct.pack("<dd", 0.0, 5.0),  # sell
        struct.pack("<dd", 2.0, 0.0),  # unknown
        struct.pack("<II", 2, 1),  # trades
        struct.pack("<BB6x", 0, 0),  # cell_flags
    ])  # fmt: skip
    assert encode(frame, "bar_open", topic_id=9, topic_seq=41) == by_hand


def test_golden_meta_is_padded() -> None:
    data = encode(chart([(1, 5, 1, 1)]), "snapshot", meta=b'{"a":1}xy')
    assert data[8:12] == struct.pack("<I", 9)
    assert data[HEADER_BYTES : HEADER_BYTES + 16] == b'{"a":1}xy' + bytes(7)
    assert data[HEADER_BYTES + 16 :][:8] == struct.pack("<q", START_NS)


trade_rows = st.lists(
    st.tuples(
        st.integers(0, 5 * MINUTE_NS),
        st.integers(-300, 300),
        st.integers(1, 10**9),
        st.sampled_from([-1, 0, 1]),
    ),
    max_size=60,
).map(sorted)


@given(trade_rows, st.integers(1, 7), st.sampled_from(["snapshot", "bar_open", "bar_closed", "bar_revised"]))
def test_round_trip(rows: list[tuple[int, int, int, int]], step: int, kind: str) -> None:
    frame = chart(rows, ticks_per_level=step)
    meta = b'{"symbol":"test:ABC"}' if kind == "snapshot" else b""
    data = encode(frame, kind, topic_id=3, topic_seq=2**40, meta=meta)
    assert len(data) % 8 == 0
    back = decode(data)
    assert (back.kind, back.topic_id, back.topic_seq) == (kind, 3, 2**40)
    assert back.meta == (msgspec.json.decode(meta) if meta else None)
    sent = chart_columns(frame)
    for name, column in back.bars.items():
        np.testing.assert_array_equal(column, sent.bars[name], err_msg=name)
    for name, column in back.levels.items():
        np.testing.assert_array_equal(column, sent.levels[name], err_msg=name)


@given(trade_rows)
def test_what_was_sent_is_the_chart(rows: list[tuple[int, int, int, int]]) -> None:
    # Rows on the wire, put back on their bar's base, are the rows of the footprint.
    frame = chart(rows)
    back = decode(encode(frame, "snapshot"))
    counts = np.diff(back.bars["level_start"].astype(np.int64))
    rows_back = back.levels["row"] + np.repeat(back.bars["base_row"].astype(np.int64), counts)
    np.testing.assert_array_equal(rows_back, frame.footprint.levels.row)
    np.testing.assert_array_equal(back.bars["poc"] + back.bars["base_row"].astype(np.int64), frame.poc_row)


@given(trade_rows)
def test_the_json_twin_says_the_same(rows: list[tuple[int, int, int, int]]) -> None:
    frame = chart(rows)
    twin = msgspec.json.decode(encode_json(frame, "snapshot", topic_id=2, topic_seq=5, meta=b'{"x":1}'))
    back = decode(encode(frame, "snapshot", topic_id=2, topic_seq=5, meta=b'{"x":1}'))
    assert (twin["kind"], twin["topic_id"], twin["topic_seq"], twin["meta"]) == ("snapshot", 2, 5, {"x": 1})
    for block, columns in (("bars", back.bars), ("levels", back.levels)):
        assert list(twin[block]) == list(columns)
        for name, column in columns.items():
            expected = [None if np.isnan(value) else value for value in column.tolist()]
            got = [int(value) if isinstance(value, str) else value for value in twin[block][name]]
            assert got == expected, name


def with_bar(frame: ChartFrame, **columns: int) -> ChartFrame:
    footprint = frame.footprint
    bars = {f.name: getattr(footprint.bars, f.name) for f in fields(Bars)}
    bars |= {name: np.array([value], np.int64) for name, value in columns.items()}
    changed = type(footprint)(
        footprint.instrument, footprint.bar_rule, 1, Bars(**bars), footprint.level_offset, footprint.levels
    )
    return study_of(frame, changed)


def study_of(frame: ChartFrame, footprint: object) -> ChartFrame:
    names = ("spec", "cvd_lot", "cvd_anchor_ns", "poc_row", "vah_row", "val_row", "min_vol_lot", "cell_flags")
    return ChartFrame(footprint=footprint, **{name: getattr(frame, name) for name in names})  # type: ignore[arg-type]


def test_quantities_up_to_2_53_are_carried_and_above_refused() -> None:
    frame = chart([(1, 5, 1, 1)])
    assert decode(encode(with_bar(frame, max_delta_lot=2**53), "bar_open")).bars["max_delta"][0] == 2**53
    for value in (2**53 + 1, -(2**53) - 1):
        with pytest.raises(ProtocolError, match=rf"max_delta holds {value}.*9007199254740992"):
            encode(with_bar(frame, max_delta_lot=value), "bar_open")


def test_rows_too_far_from_their_base_are_refused() -> None:
    with pytest.raises(ProtocolError, match="holds 3000000000, which i32"):
        encode(chart([(1, 0, 1, 1), (2, 3_000_000_000, 1, 1)]), "bar_open")


def test_foreign_or_torn_bytes_are_refused() -> None:
    data = encode(chart([(1, 5, 1, 1)]), "bar_open")
    with pytest.raises(ProtocolError, match="no chart frame"):
        decode(b"nonsense")
    with pytest.raises(ProtocolError, match="version 3"):
        decode(data[:4] + b"\x03" + data[5:])
    with pytest.raises(ProtocolError, match="kind 77"):
        decode(data[:5] + b"\x4d" + data[6:])
    with pytest.raises(ProtocolError, match="inside column cell_flags"):
        decode(data[:-8])
    with pytest.raises(ProtocolError, match="bytes, got"):
        decode(data + bytes(8))


near_the_edge = st.sampled_from([0, 1, 2**31 - 1, 2**31, 2**53 - 1, 2**53, 2**53 + 1, 2**60])


@given(trade_rows.filter(bool), st.integers(1, 7), st.sampled_from(["bar_open", "bar_closed", "bar_revised"]))
def test_one_bar_is_the_same_bytes_by_the_short_way(
    rows: list[tuple[int, int, int, int]], step: int, kind: str
) -> None:
    frame = chart(rows, ticks_per_level=step)
    for at in range(len(frame)):
        one = frame.slice(at, at + 1)
        assert encode_one(one, kind, 3, 2**40) == encode(one, kind, topic_id=3, topic_seq=2**40)
    if len(frame) > 1:
        assert encode_one(frame, kind, 3, 4) is None


@given(near_the_edge, near_the_edge, st.sampled_from([-1, 0, 1]), st.sampled_from([1, -1]))
def test_what_the_short_way_cannot_carry_is_refused_as_ever(lots: int, tick: int, side: int, turn: int) -> None:
    rows = [(1, 5, 1, -1), (1, tick, max(lots, 1), side)]
    frame = chart(sorted(rows)[::turn], min_vol_lot=3)
    assert said(lambda: chart_frame(1, 2, "bar_open", frame).data("binary")) == said(
        lambda: encode(frame, "bar_open", topic_id=1, topic_seq=2)
    )


def said(make: Callable[[], bytes | str]) -> bytes | str:
    try:
        return make()
    except ProtocolError as error:
        return str(error)


def test_shares_of_sides_that_are_inferred_are_the_same_by_the_short_way() -> None:
    frame = with_bar(chart([(1, 5, 7, 1), (2, 6, 9, 0)]), inferred_lot=7, quote_lot=3)
    assert encode_one(frame, "bar_open", 1, 2) == encode(frame, "bar_open", topic_id=1, topic_seq=2)
    assert decode(encode(frame, "bar_open")).bars["quote_share"][0] == 3 / 16
