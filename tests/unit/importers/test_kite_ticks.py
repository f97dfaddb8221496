"""Ticks derived from snapshots of Kite: the day's volume again, and nothing that nobody saw is attributed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from footloom.core.trades import Trades
from footloom.feeds.stored import stored_trades
from footloom.store.files import Store
from tests.unit.importers.conftest import Import, Imported
from tests.unit.importers.files import gzipped, text_of

HEADER = "time,trading_symbol,last_price,volume_delta,aggressor_side,cvd_change,oi,oi_delta"
SYMBOL = {"venue": "kite", "symbol": "NIFTY25DECFUT"}
ROWS = [
    "2025-12-29 04:06:44+00,,26097.80,415425,BUY,415425,10337325,-3553950",
    "2025-12-29 04:06:45+00,,26098.00,375,BUY,375,10337325,0",
    "2025-12-29 04:06:46+00,,26093.40,0,NEUTRAL,0,10337400,75",
    "2025-12-29 04:06:47+00,,26093.40,300,BUY,300,10337400,0",
]


def inferred(done: Imported) -> Trades:
    return stored_trades(Store(done.store), "kite:NIFTY25DECFUT", "snapshot", 0, 2**62)


@pytest.mark.parametrize("packed", [False, True])
def test_the_first_row_of_a_day_is_no_trade(take: Import, packed: bool) -> None:  # noqa: FBT001 - both ways
    text = text_of(HEADER, *ROWS)
    done = take(gzipped(text) if packed else text, "ticks.csv", **SYMBOL)
    assert (done.file.importer, done.tape.tape, done.tape.kept, done.report.problems) == (
        "kite_ticks",
        "snapshot",
        4,
        [],
    )
    assert done.tape.counted == {
        "carries all that was traded before on its day as one trade: not attributed": 1,
        "without volume: price or open interest may be new": 1,
    }
    found = inferred(done)
    # By the tick rule: the price rose to the first, fell before the second. The file says BUY of both.
    assert (found.qty_lot.tolist(), found.side.tolist()) == ([375, 300], [1, -1])
    assert found.instrument.calendar == "nse_fo"
    stored = Store(done.store).load("kite:NIFTY25DECFUT", "snapshot", 0, 2**62)
    assert getattr(stored, "oi_lot").tolist() == [10337325, 10337325, 10337400, 10337400]  # noqa: B009 - either kind


def test_a_silence_is_a_gap_and_the_next_day_begins_anew(take: Import) -> None:
    more = [
        "2025-12-29 04:26:47+00,,26100.00,90000,BUY,90000,10337400,0",
        "2025-12-29 04:26:48+00,,26100.10,75,BUY,75,10337400,0",
        "2025-12-30 03:45:01+00,,26200.00,1500,BUY,1500,10337400,0",
        "2025-12-30 03:45:02+00,,26200.10,150,BUY,150,10337400,0",
    ]
    done = take(text_of(HEADER, *ROWS, *more), "ticks.csv", **SYMBOL)
    (gap,) = done.tape.gaps
    assert ((gap.to_ns - gap.from_ns) // 10**9, gap.after_line, gap.before_line) == (1_200, 5, 6)
    assert done.tape.counted["carries all that was traded before on its day as one trade: not attributed"] == 2
    assert inferred(done).qty_lot.tolist() == [375, 300, 75, 150]


@pytest.mark.parametrize(
    ("bad", "reason", "words"),
    [
        ("2025-12-29 04:06:46+00,,x,0,NEUTRAL,0,1,75", "price is no number", "price is x: no decimal number"),
        ("2025-12-29 04:06:46+00,,26093.4,0.5,BUY,0,1,75", "quantity off the grid", "no whole multiple of 1"),
        ("1766981206,,26093.4,75,BUY,75,1,75", "time is not readable", "no date and time such as"),
        ("2025-12-29 04:06:46,,26093.4,75,BUY,75,1,75", "time without a zone", "it needs its zone"),
        ("1999-12-29 04:06:46+00,,26093.4,75,BUY,75,1,75", "time outside 2009 to 2100", "between 2009 and 2100"),
        ("2025-12-29 04:06:46+00,,26093.4", "wrong number of columns", "3 columns, the header has 8"),
    ],
)
@pytest.mark.parametrize("strict", [False, True])
def test_a_bad_row_is_told_and_the_rest_kept_or_nothing(
    take: Import,
    bad: str,
    reason: str,
    words: str,
    strict: bool,  # noqa: FBT001 - both ways
) -> None:
    sizes: dict[str, Any] = {"tick_size": "0.1", "lot_size": "1"}
    done = take(text_of(HEADER, *ROWS[:2], bad, ROWS[3]), "ticks.csv", strict=strict, **SYMBOL, **sizes)
    drops = done.tape.drops + done.file.unreadable
    assert [(drop.reason, drop.line) for drop in drops] == [(reason, 4)]
    assert words in drops[0].detail
    assert (done.tape.kept, done.report.ok) == (3, not strict)


def test_volume_that_steps_back_is_dropped_by_the_inference(take: Import) -> None:
    back = "2025-12-29 04:06:46+00,,26093.40,-150,SELL,-150,1,75"
    done = take(text_of(HEADER, *ROWS[:2], back, ROWS[3]), "ticks.csv", **SYMBOL)
    assert done.tape.counted["volume below zero: the volume of the day steps back"] == 1
    assert inferred(done).qty_lot.tolist() == [375, 150]  # 300 less the 150 that were taken back


def test_a_file_that_is_cut_and_one_that_is_joined(take: Import) -> None:
    text = text_of(HEADER, *ROWS)
    done = take(text[:-60], "cut.csv", dry_run=True, **SYMBOL)
    assert done.file.unreadable[0].detail.endswith("the file ends within this line, it seems to be cut")
    joined = take(text + text_of(HEADER, "2025-12-29 04:06:48+00,,26093.50,75,BUY,75,1,0"), "joined.csv", **SYMBOL)
    assert (joined.tape.kept, joined.tape.dropped) == (5, 0)
    again = take(text + text_of(HEADER, "2025-12-29 04:06:48+00,,26093.50,75,BUY,75,1,0"), "joined.csv", **SYMBOL)
    assert (again.tape.new, again.tape.already_stored) == (0, 5)


def test_rows_may_name_their_symbol(take: Import) -> None:
    named = [row.replace(",,", ",NIFTY25DECFUT,", 1) for row in ROWS]
    other = "2025-12-29 04:06:48+00,BANKNIFTY25DECFUT,50000.0,75,BUY,75,1,0"
    done = take(text_of(HEADER, *named, other), "ticks.csv", venue="kite")
    assert {tape.instrument: tape.kept for tape in done.file.tapes} == {
        "kite:NIFTY25DECFUT": 4,
        "kite:BANKNIFTY25DECFUT": 1,
    }
    only = take(text_of(HEADER, *named, other), "ticks.csv", dry_run=True, **SYMBOL)
    assert only.file.other_messages == {"rows of BANKNIFTY25DECFUT": 1}
    assert "add --venue and --symbol" in take(text_of(HEADER, *ROWS), "bare.csv").file.error


def test_the_recording(recordings: Path, take: Import) -> None:
    done = take(recordings / "india" / "kite_niftyfut_20251229_first2000.csv.gz", **SYMBOL)
    assert (done.tape.kept, done.tape.dropped, done.tape.tick_size) == (2_000, 0, "0.1")
    assert [(gap.to_ns - gap.from_ns) // 10**9 for gap in done.tape.gaps] == [1_062]
    assert done.tape.counted["without volume: price or open interest may be new"] == 751
    assert int(inferred(done).qty_lot.sum()) == 1_185_375  # all but the 415 425 of the first row
