"""Ids: each row once, whichever way and however often it comes; holes are told, and healed when they are filled."""

from __future__ import annotations

import json
from decimal import Decimal

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from footloom.core.gaps import open_gaps
from footloom.core.messages import Gap, Trade
from footloom.core.side import Side
from footloom.feeds._tapes import TradeTape
from footloom.feeds.sequence import Covered, EventNumbers, IdSequence, event_of
from footloom.venues import binance_usdm

INSTRUMENT = binance_usdm.instrument("BTCUSDT", Decimal("0.1"), Decimal("0.001"))


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 8)), max_size=40))
def test_spans_are_a_set_of_numbers(spans: list[tuple[int, int]]) -> None:
    covered, known = Covered(), set()
    for low, size in spans:
        new = [n for a, b in covered.add(low, low + size) for n in range(a, b + 1)]

        assert new == [n for n in range(low, low + size + 1) if n not in known]
        known.update(new)
        assert [n for a, b in zip(covered.first, covered.last, strict=True) for n in range(a, b + 1)] == sorted(known)
        assert all(b + 1 < a for b, a in zip(covered.last, covered.first[1:], strict=False))
    missing = [n for a, b in covered.missing(10, 50) for n in range(a, b + 1)]
    assert missing == [n for n in range(10, 51) if n not in known]


def _check(sequence: IdSequence, ids: list[int], cause: str = "", *, together: int = 1) -> tuple[list[bool], list]:
    checked = sequence.check(np.array(ids, np.int64), np.array(ids, np.int64) // together * 100, cause)
    return checked.new.tolist(), checked.gaps


@given(st.data())
def test_every_id_is_taken_once_and_what_is_missing_in_the_end_is_a_gap(data: st.DataObject) -> None:
    ids = list(range(50, 50 + data.draw(st.integers(1, 60))))
    lost = set(data.draw(st.lists(st.sampled_from(ids[1:-1] or [0]), max_size=6))) & set(ids[1:-1])
    sent = [n for n in ids if n not in lost]
    moved = data.draw(st.lists(st.tuples(st.sampled_from(sent), st.integers(0, 8)), max_size=12))
    order = sorted(range(len(sent)), key=lambda i: i + sum(by for n, by in moved if n == sent[i]))
    stream = [sent[0]] + [sent[i] for i in order if i] + [n for n, _ in moved]
    together = data.draw(st.integers(1, 4))  # trades of one instant
    sequence, taken, told = IdSequence("ABC"), [], []
    while stream:
        size = data.draw(st.integers(1, 10))
        batch, stream = stream[:size], stream[size:]
        new, gaps = _check(sequence, batch, together=together)
        taken += [n for n, is_new in zip(batch, new, strict=True) if is_new]
        told += gaps

    assert sorted(taken) == sent
    still = open_gaps(told)
    assert {n for hole in sequence.holes for n in range(hole.first, hole.last + 1)} == lost
    assert all(any(gap.from_ns <= n // together * 100 < gap.to_ns for gap in still) for n in lost)
    assert lost or still == []


def test_a_hole_says_how_much_is_missing_since_when_and_why() -> None:
    sequence = IdSequence("ABC")
    _check(sequence, [10, 11])
    new, [gap] = _check(sequence, [15, 16], "disconnected (1006)")

    assert new == [True, True]
    assert (gap.missing, gap.from_ns, gap.to_ns, gap.cause) == (3, 1100, 1501, "disconnected (1006)")
    assert _check(sequence, [13, 14, 13]) == ([True, True, False], [])
    new, [whole] = _check(sequence, [12])
    assert (whole.healed, whole.from_ns, whole.to_ns) == (True, gap.from_ns, gap.to_ns)
    assert (sequence.duplicates, sequence.late) == (1, 3)


def test_a_hole_that_is_filled_takes_no_instant_of_the_next_one_away() -> None:
    sequence = IdSequence("BTCUSDT")
    ids, times = np.array([4, 6, 8]), np.array([40, 60, 80])  # 7 was traded in the instant of 6
    told = sequence.check(ids, times, "lost").gaps
    told += sequence.check(np.array([5]), np.array([60]), "").gaps

    (one, other) = open_gaps(told)
    assert (one.from_ns, one.to_ns) == (60, 61)
    assert (other.from_ns, other.to_ns, other.missing) == (60, 81, 1)
    told += sequence.check(np.array([7]), np.array([60]), "").gaps
    assert open_gaps(told) == []


def test_a_sequence_goes_on_from_what_is_stored() -> None:
    sequence = IdSequence("ABC")
    ids = np.array([1, 2, 5, 6], np.int64)
    sequence.restore(ids, ids * 100, [])

    assert _check(sequence, [5, 6, 7])[0] == [False, False, True]
    assert [(hole.first, hole.last) for hole in sequence.holes] == [(3, 4)]
    _, [whole] = _check(sequence, [3, 4])
    assert whole.healed


def test_holes_are_remembered_up_to_a_bound() -> None:
    sequence = IdSequence("ABC")
    for number in range(0, 6000, 2):
        _check(sequence, [number])

    assert len(sequence.holes) <= 1024
    assert _check(sequence, [1])[0] == [False], "given up long ago"
    assert _check(sequence, [5997])[0] == [True]


def _print(seq: int, name: str) -> Trade:
    return Trade(symbol="ABC", ts_exch_ns=seq * 10, price="1", qty="1", side=Side.BUY, trade_id=None, seq=seq, uid=name)


def _numbers(ids: list[int]) -> list[tuple[int, int] | None]:
    return [None if n < 0 else (event_of(n), n & 0xFFFFF) for n in ids]


def test_prints_of_an_event_are_numbered_across_messages() -> None:
    events = EventNumbers()

    assert _numbers(events.number([_print(7, "a"), _print(7, "b")])) == [(7, 0), (7, 1)]
    assert _numbers(events.number([_print(7, "c"), _print(9, "d")])) == [(7, 2), (9, 0)]
    assert _numbers(events.number([_print(9, "d"), _print(9, "e")])) == [None, (9, 1)]
    assert events.duplicates == 1


def test_a_page_of_the_venue_and_the_stream_give_each_print_once() -> None:
    page = [_print(5, "a"), _print(6, "b"), _print(6, "c"), _print(8, "d")]
    events = EventNumbers()
    live = events.number([_print(5, "a"), _print(8, "d"), _print(8, "e")])
    filled = events.number(page, whole=True)

    assert _numbers(live) == [(5, 0), (8, 0), (8, 1)]
    assert _numbers(filled) == [None, (6, 0), (6, 1), None]
    assert events.duplicates == 0, "pages overlap on purpose"


def test_a_print_that_the_stream_left_out_takes_a_free_number() -> None:
    events = EventNumbers()
    live = events.number([_print(6, "b"), _print(6, "c")])
    filled = events.number([_print(6, "a"), _print(6, "b"), _print(6, "c")], whole=True)

    assert len({*live, *filled} - {-1}) == 3


def test_prints_that_were_stored_before_the_start_are_known_by_their_place() -> None:
    events = EventNumbers()
    stored = np.array([5 << 20, 6 << 20, (6 << 20) + 1], np.int64)
    events.restore(stored, np.array([50, 60, 60], np.int64))
    page = [_print(5, "a"), _print(6, "b"), _print(6, "c"), _print(6, "d"), _print(7, "e")]

    assert _numbers(events.number(page, whole=True)) == [None, None, None, (6, 2), (7, 0)]
    assert _numbers(events.number([_print(6, "f")])) == [(6, 3)], "the event goes on behind what is stored"


def test_holes_between_single_trades_are_no_loss_where_aggregate_ids_count_on() -> None:
    """P5: insurance fund and liquidation fills have trade ids that no aggregate holds; the aggregate's id tells."""
    at_ms = 1764738254155
    first = {"e": "aggTrade", "E": at_ms + 9, "T": at_ms, "s": "BTCUSDT", "p": "92150.1", "q": "0.5", "m": True}
    said = [(10, 100, 101), (11, 117, 117), (12, 140, 152), (14, 153, 153)]

    def heard(rows: list[tuple[int, int, int]]) -> list[Gap]:
        tape = TradeTape(INSTRUMENT, "agg_trade", by_event=False)
        for a, f, last in rows:
            for trade in binance_usdm.parse(json.dumps(first | {"a": a, "f": f, "l": last}).encode(), 1):
                assert isinstance(trade, Trade)
                tape.add(trade)
        return list(tape.take("lost").gaps)

    assert heard(said[:3]) == []
    [gap] = heard(said)
    assert (gap.missing, gap.cause) == (1, "lost")
