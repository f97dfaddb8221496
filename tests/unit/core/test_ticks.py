"""Messages of a conflated feed, put together field by field."""

from __future__ import annotations

import itertools
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from footloom.core.instrument import Instrument
from footloom.core.messages import Tick
from footloom.core.snapshots import NO_QUOTE
from footloom.core.ticks import NOT_TRADED, OLDER, PARTIAL, PRICE_ONLY, REPEATED, Merger, Minute

FUTURE = Instrument(venue="upstox", symbol="NSE_FO|1", tick_size=Decimal("0.05"), lot_size=Decimal(1))
START = 1_764_738_254 * 10**9


def tick(at: int = 0, **fields: Any) -> Tick:
    given = {"ts_exch_ns": START + at, "ts_recv_ns": START + at + 7}
    return Tick(symbol=FUTURE.symbol, **(given | fields))


# What is not said, and what is no number, is not known.
GREEKS = [10_440_000, -50_000_000, NO_QUOTE, -1_535_800_000, NO_QUOTE]
FIRST = tick(
    is_first=True, ltt_ns=START, ltp="100", ltq="75", vtt="1000", oi="5000", atp="99.87",
    bid="99.95", bid_qty="150", ask="100.05", ask_qty="75", greeks=("0.1044", "-0.5", "", "-15.358", "nan"),
)  # fmt: skip


def test_the_whole_state_is_one_row() -> None:
    found = Merger(FUTURE).take([FIRST])
    (row,) = zip(
        *(getattr(found.snapshots, name) for name in found.snapshots.__slots__[1:] if name != "tape"), strict=True
    )
    assert [int(one) for one in row] == [START, 2000, 75, 1000, 1999, 2001, START + 7, 5000, 150, 75, 998_700, *GREEKS]
    assert not len(found.partial)
    assert not found.refused


def test_what_a_message_leaves_out_is_as_it_was() -> None:
    merger = Merger(FUTURE)
    merger.take([FIRST])
    seen = merger.take([tick(1, ltt_ns=START + 1, ltp="100.05", ltq="25"), tick(2, vtt="1025")]).snapshots
    assert seen.bid_tick.tolist() == [1999, 1999]
    assert seen.vtt_lot.tolist() == [1000, 1025]
    assert seen.ltp_tick.tolist() == [2001, 2001]
    assert seen.ts_recv_ns.tolist() == [START + 8, START + 9]
    assert seen.theta_e8.tolist() == [GREEKS[3]] * 2
    begun = merger.take([tick(3, is_first=True, ltt_ns=START, ltp="100", ltq="75", vtt="1000")]).snapshots
    assert begun.theta_e8.tolist() == [NO_QUOTE]


def test_an_empty_side_is_empty_and_a_missing_book_is_not() -> None:
    merger = Merger(FUTURE)
    merger.take([FIRST])
    kept = merger.take([tick(1, vtt="1001")]).snapshots
    assert (int(kept.bid_tick[0]), int(kept.ask_tick[0])) == (1999, 2001)
    gone = merger.take([tick(2, bid="", bid_qty="", ask="100.1", ask_qty="5")]).snapshots
    assert (int(gone.bid_tick[0]), int(gone.bid_lot[0]), int(gone.ask_tick[0])) == (NO_QUOTE, NO_QUOTE, 2002)


def test_the_first_message_is_the_whole_of_what_is_known() -> None:
    merger = Merger(FUTURE)
    merger.take([FIRST])
    (row,) = merger.take([tick(1, is_first=True, ltt_ns=START + 1, ltp="101", ltq="1", vtt="1100")]).snapshots.bid_tick
    assert row == NO_QUOTE


def test_before_the_first_trade_there_is_no_row() -> None:
    merger = Merger(FUTURE)
    found = merger.take([tick(is_first=True, vtt="0", bid="99.95", bid_qty="1"), tick(1)])
    assert len(found.snapshots) == 0
    assert found.counted == {NOT_TRADED: 2}
    traded = merger.take([tick(2, ltt_ns=START, ltp="100", ltq="1", vtt="1")]).snapshots
    assert traded.bid_tick.tolist() == [1999]


def test_a_day_s_count_that_began_anew_takes_nothing_back() -> None:
    merger = Merger(FUTURE)
    before = [FIRST, *(tick(i, is_first=True, ltt_ns=START, ltp="100", ltq="75", vtt="0") for i in range(1, 9))]
    found = merger.take(before)
    assert found.snapshots.vtt_lot.tolist() == [1000]
    assert found.counted == {NOT_TRADED: 8}


def test_last_trades_without_the_day_s_volume_are_a_partial_tape() -> None:
    one = {"ltt_ns": START, "ltp": "100", "ltq": "75"}
    found = Merger(FUTURE).take(
        [
            tick(0, **one),
            tick(1, **one),
            tick(2, **(one | {"ltt_ns": START + 5, "ltp": "100.05"})),
            tick(3, **(one | {"ltt_ns": START + 4})),
            tick(4, **(one | {"ltt_ns": START + 9, "ltq": "0"})),
        ]
    )
    assert len(found.snapshots) == 0
    assert found.partial.tape == PARTIAL
    assert found.partial.ts_exch_ns.tolist() == [START, START + 5]
    assert found.partial.price_tick.tolist() == [2000, 2001]
    assert found.partial.side.tolist() == [0, 0]
    assert found.counted == {REPEATED: 2, OLDER: 1}


def test_an_index_has_prices_alone() -> None:
    found = Merger(FUTURE, price_only=True).take([tick(ltt_ns=START, ltp="25017.4", ltq="0")])
    assert found.snapshots.ltp_tick.tolist() == [500_348]
    assert (found.snapshots.vtt_lot.tolist(), found.snapshots.ltq_lot.tolist()) == ([0], [0])


def test_a_price_alone_of_what_has_volume_is_not_stored() -> None:
    found = Merger(FUTURE).take([tick(ltp="100")])
    assert len(found.snapshots) == len(found.partial) == 0
    assert found.counted == {PRICE_ONLY: 1}


def test_a_mode_without_the_time_of_the_trade_has_that_of_the_packet() -> None:
    seen = Merger(FUTURE).take([tick(3, ltp="100", ltq="1", vtt="10")]).snapshots
    assert seen.ts_exch_ns.tolist() == [START + 3]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"ltp": "100.03"}, "100.03"),
        ({"vtt": "1" + "0" * 30}, "64 bits"),
        ({"bid": "-5"}, "below zero"),
        ({"oi": "x"}, "'x'"),
    ],
)
def test_what_does_not_fit_is_refused_and_told(fields: dict[str, str], words: str) -> None:
    merger = Merger(FUTURE)
    found = merger.take([FIRST, tick(1, **fields), tick(2, ltp="100.1", vtt="1001", bid="100", oi="1")])
    assert len(found.snapshots) == 2
    (refusal,) = found.refused
    assert words in refusal.reason


def test_numbered_packets_that_come_late_or_twice_are_dropped() -> None:
    merger = Merger(FUTURE)
    seqs = [(0, 10, "1000"), (0, 11, "1010"), (0, 11, "1010"), (0, 9, "990"), (1, 12, "1020")]
    found = merger.take([tick(at, seq=seq, ltp="100", ltq="1", vtt=vtt) for at, seq, vtt in seqs])
    assert found.snapshots.vtt_lot.tolist() == [1000, 1010, 1020]
    assert found.counted == {OLDER: 2}


def test_a_count_that_begins_anew_is_taken() -> None:
    merger = Merger(FUTURE)
    merger.take([tick(9, seq=500, ltp="100", ltq="1", vtt="1000")])
    later = merger.take([tick(10, seq=1, ltp="100", ltq="1", vtt="1010")])
    assert len(later.snapshots) == 1
    lower = [tick(5 + i, seq=-9 + i, ltp="100", ltq="1", vtt=str(1011 + i)) for i in range(-4, 4)]
    assert 0 < len(merger.take(lower).snapshots) < len(lower), "five in a row that are older are a new count"
    merger.reset()
    assert len(merger.take([tick(0, seq=-20, ltp="100", ltq="1", vtt="1")]).snapshots) == 1


def test_the_feed_s_own_minutes() -> None:
    found = Merger(FUTURE).take([tick(minute=(START, "8031"))])
    assert found.minutes == (Minute(START, 8031),)


def test_cut_anywhere_the_rows_are_the_same(rng: np.random.Generator) -> None:
    ticks = [FIRST]
    for i in range(1, 200):
        fields = {"ltp": "100.05", "ltq": "1", "vtt": str(1000 + i), "bid": "", "ask": "100.1", "oi": str(i)}
        chosen = {name: value for name, value in fields.items() if rng.random() < 0.5}
        ticks.append(tick(i, is_first=bool(rng.random() < 0.03), **chosen))
    whole = Merger(FUTURE).take(ticks).snapshots
    cuts = sorted({0, 200, *rng.integers(0, 200, 12).tolist()})
    merger = Merger(FUTURE)
    pieces = [merger.take(ticks[a:b]).snapshots for a, b in itertools.pairwise(cuts)]
    for name in ("ts_exch_ns", "ltp_tick", "vtt_lot", "bid_tick", "ask_tick", "oi_lot"):
        assert np.array_equal(np.concatenate([getattr(piece, name) for piece in pieces]), getattr(whole, name))
