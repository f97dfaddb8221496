"""Every fault on every venue, through the real connectors: each trade once, or a gap that says so.

A sample runs always; all of it in the soak, which writes the table into ``docs/reliability.md``.
"""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from matrix_kit import (
    INDIA,
    OPEN_NS,
    SECOND,
    Outcome,
    judge,
    judge_looks,
    random_tape,
    record,
    same_footprints,
)

from footloom.core.messages import Gap
from footloom.core.snapshots import Snapshots
from footloom.core.trades import Trades
from footloom.testing.venues import LocalVenue, Market
from footloom.testing.venues.faults import KINDS

pytestmark = pytest.mark.anyio

CRYPTO = ("binance_usdm", "binance_spot", "binance_spot trade", "bybit_linear")
VENUES = (*CRYPTO, *INDIA)
SEED = 7
# name in the table -> order, seconds of market, what it comes to: crypto venues, brokers of India
CASES = {
    "none": ("", 40, "whole", "whole"),
    "disconnect 1006": ("disconnect@10s,code=1006", 40, "whole", "gap"),
    "disconnect 1000": ("disconnect@10s,code=1000", 40, "whole", "gap"),
    "disconnect, again and again": ("disconnect@every=9s", 40, "whole", "gap"),
    "half a frame": ("partial@10s", 40, "whole", "gap"),
    "frames in pieces": ("fragment@p=0.2", 40, "whole", "whole"),
    "mute": ("mute@10s,for=70s", 120, "whole", "gap"),
    "refused sockets (503)": ("disconnect@10s;refuse@10s,for=5s", 40, "whole", "gap"),
    "duplicate": ("duplicate@p=0.1", 40, "whole", "whole"),
    "reorder": ("reorder@p=0.1,by=5", 40, "whole", "volume"),
    "drop, one in ten": ("drop@p=0.1", 40, "whole", "volume"),
    "drop, five seconds": ("drop@10s,for=5s", 40, "whole", "volume or gap"),
    "late by 3 s": ("late@p=0.05,by=3s", 40, "whole", "whole or volume"),
    "burst, 50 000 a second": ("burst@10s,rate=50000,for=1s", 40, "whole", "whole"),
    "wrong path": ("disconnect@10s;wrong_path@10s,for=5s", 130, "whole", "gap"),
    "429": ("disconnect@10s;429@10s,for=5s,retry_after=1s", 100, "whole", "gap"),
    "token expiry": ("token@10s", 40, "whole", "gap"),
    "book older than its updates": ("stale_book@0s,for=1h", 40, "whole", "whole"),
    "update ids begin anew": ("u_reset@10s", 40, "whole", "whole"),
    "day roll": ("day_roll@20s", 40, "whole", "whole"),
    "outage longer than the venue remembers": ("disconnect@10s;burst@10.1s,rate=5000,for=500ms", 40, "whole", "gap"),
}
# Exchanges ask for no token; brokers have no update ids and no book to fetch.
NOT_THERE = {
    *itertools.product(CRYPTO, ["token expiry"]),
    *itertools.product(INDIA, ["book older than its updates", "update ids begin anew"]),
}
PAIRS = [(venue, case) for venue in VENUES for case in CASES if (venue, case) not in NOT_THERE]
# Bybit gives its newest thousand trades and no more.
OTHERWISE = {("bybit_linear", "outage longer than the venue remembers"): "gap"}
SAMPLE = (
    ("binance_usdm", "disconnect 1006"),
    ("binance_usdm", "drop, one in ten"),
    ("binance_spot trade", "disconnect 1000"),
    ("bybit_linear", "half a frame"),
    ("bybit_linear", "outage longer than the venue remembers"),
    ("upstox", "disconnect 1006"),
    ("angelone", "duplicate"),
)
WORDS = {
    "whole": "whole",
    "gap": "gap told",
    "volume": "whole volume, fewer looks",
}


def wanted(venue: str, case: str) -> str:
    return OTHERWISE.get((venue, case), CASES[case][3 if venue in INDIA else 2])


def check(venue: str, case: str, outcome: Outcome) -> None:
    assert outcome.verdict in wanted(venue, case).split(" or "), (outcome.gaps, outcome.shown.texts)
    if venue in INDIA:
        return
    assert len(outcome.sent) >= 0.9 * 20 * CASES[case][1]
    if outcome.verdict == "whole":
        assert same_footprints(outcome.sent, outcome.stored)


@pytest.mark.parametrize(("venue", "case"), SAMPLE)
async def test_a_sample_of_the_matrix(venue: str, case: str, tmp_path: Path) -> None:
    order, *_ = CASES[case]

    check_quick = await record(
        venue, order, tmp_path / "store", seconds=18, rate=30, seed=SEED, is_whole=wanted(venue, case) == "whole"
    )

    assert check_quick.verdict == wanted(venue, case), (check_quick.gaps, check_quick.shown.texts)
    if check_quick.verdict == "whole" and venue not in INDIA:
        assert same_footprints(check_quick.sent, check_quick.stored)
    assert check_quick.connections >= 1 + ("disconnect" in order or "partial" in order)


@pytest.mark.parametrize("venue", INDIA)
async def test_what_this_process_reads_late_is_no_gap(venue: str, tmp_path: Path) -> None:
    # A minute of the market in which nothing runs here, in the middle of it.
    asyncio.get_running_loop().call_later(0.8, time.sleep, 1.2)

    outcome = await record(venue, "", tmp_path / "store", seconds=60, rate=20, speed=60.0, seed=SEED)

    assert outcome.seconds > 1.2
    assert (outcome.verdict, outcome.connections) == ("whole", 1), (outcome.gaps, outcome.shown.texts)


@pytest.fixture(scope="module")
def table() -> Iterator[dict[tuple[str, str], Outcome]]:
    outcomes: dict[tuple[str, str], Outcome] = {}
    yield outcomes
    if len(outcomes) == len(PAIRS):
        path = Path(__file__).parents[3] / "docs" / "reliability.md"
        text = path.read_text(encoding="utf-8")
        head, begin, rest = text.partition("<!-- matrix -->\n")
        _, end, tail = rest.partition("<!-- end -->")
        path.write_text(head + begin + rows(outcomes) + end + tail, encoding="utf-8")


def rows(outcomes: dict[tuple[str, str], Outcome]) -> str:
    lines = [f"| fault | order | {' | '.join(VENUES)} |", "|---|---|" + "---|" * len(VENUES)]
    for case, (order, *_) in CASES.items():
        cells = [word(outcomes.get((venue, case))) for venue in VENUES]
        lines.append(f"| {case} | `{order or 'quiet'}` | {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def word(outcome: Outcome | None) -> str:
    return "–" if outcome is None else WORDS.get(outcome.verdict, f"**{outcome.verdict}**")


@pytest.mark.soak
@pytest.mark.parametrize(("venue", "case"), PAIRS)
async def test_the_whole_matrix(venue: str, case: str, tmp_path: Path, table: dict[tuple[str, str], Outcome]) -> None:
    order, seconds, *_ = CASES[case]

    outcome = await record(
        venue, order, tmp_path / "store", seconds=seconds, seed=SEED, is_whole=wanted(venue, case) == "whole"
    )

    table[venue, case] = outcome
    check(venue, case, outcome)


def test_every_fault_is_in_the_matrix() -> None:
    orders = " ".join(order for order, *_ in CASES.values())

    assert {kind for kind in KINDS if f"{kind}@" not in orders} == set()


# --- the checkers themselves: each planted fault is caught


def a_tape() -> Trades:
    return random_tape("binance_usdm", OPEN_NS, 20, 20, 3)


def changed(tape: Trades, **columns: np.ndarray) -> Trades:
    return dataclasses.replace(tape, **columns)


def test_a_recording_that_is_right_passes() -> None:
    tape = a_tape()

    assert judge(tape, tape, [], tape.trade_id.tolist()) == "whole"
    part = tape.take(np.r_[0:100, 150:400])
    gap = Gap(symbol="BTCUSDT", from_ns=int(tape.ts_exch_ns[100]), to_ns=int(tape.ts_exch_ns[149]), cause="planted")
    assert judge(tape, part, [gap], part.trade_id.tolist()) == "gap"


def test_planted_faults_of_a_recording_are_caught() -> None:
    tape = a_tape()
    ids = tape.trade_id.tolist()
    less = tape.take(np.r_[0:100, 101:400])
    twice = tape.take(np.r_[0:400, 7])
    moved = tape.price_tick.copy()
    moved[17] += 1
    turned = tape.side.copy()
    turned[17] *= -1
    gap = Gap(symbol="BTCUSDT", from_ns=OPEN_NS, to_ns=OPEN_NS + 1, cause="planted")

    assert judge(tape, less, [], less.trade_id.tolist()) == "lost 1 without a word"
    assert judge(tape, less, [gap], less.trade_id.tolist()) == "lost 1 without a word"
    assert judge(tape, twice, [], ids) == "stored twice"
    assert judge(tape, tape, [], [*ids, ids[0]]) == "shown twice"
    assert judge(tape, tape, [], ids[1:]) == "shown and stored differ"
    assert judge(less, tape, [], ids) == "stored what was never sent"
    assert judge(tape, changed(tape, price_tick=moved), [], ids) == "stored another row than was sent"
    assert judge(tape, changed(tape, side=turned), [], ids) == "stored another row than was sent"
    assert judge(tape, tape, [gap], ids) == "a gap without a loss"


def test_a_planted_fault_of_a_footprint_is_caught() -> None:
    tape = a_tape()
    more = tape.qty_lot.copy()
    more[33] += 1
    turned = tape.side.copy()
    turned[17] *= -1

    assert same_footprints(tape, tape)
    assert not same_footprints(tape, changed(tape, qty_lot=more))
    assert not same_footprints(tape, changed(tape, side=turned))


async def test_planted_faults_of_snapshots_are_caught() -> None:
    async with LocalVenue("upstox", Market.of(random_tape("upstox", OPEN_NS, 20, 20, 3))) as venue:
        board = venue.dialect.boards["NSE_FO|53001"]
        for _ in range(60):
            await venue.pass_s(0.3)
            board.refresh(venue.now_ns)
        looks = board.seen
    stored = Snapshots(
        instrument=board.instrument,
        ts_exch_ns=np.array([look.ltt_ms * 1_000_000 for look in looks]),
        ltp_tick=np.array([look.ltp for look in looks]),
        ltq_lot=np.array([look.ltq for look in looks]),
        vtt_lot=np.array([look.vtt for look in looks]),
        bid_tick=np.array([look.ltp - 1 for look in looks]),
        ask_tick=np.array([look.ltp + 1 for look in looks]),
        ts_recv_ns=OPEN_NS + np.arange(len(looks)) * SECOND // 3,
    )
    risen = looks[-1].vtt - looks[0].vtt
    one = a_tape()
    shown = changed(one, qty_lot=np.full(len(one), risen // len(one)))
    shown = Trades.concat([shown, changed(one.take(slice(0, 1)), qty_lot=np.array([risen % len(one) or 1]))])

    def verdict(kept: Snapshots, rows: Trades = shown) -> str:
        return judge_looks(looks, kept, [], [rows], 1)

    assert verdict(stored) == "whole"
    assert verdict(stored.take(np.r_[0:5, 6 : len(looks)])) == "volume"
    assert verdict(stored.take(slice(0, len(looks) - 1))) == "the end is not there"
    assert verdict(stored, shown.take(slice(1, None))) == "shown and stored volume differ"
    assert verdict(dataclasses.replace(stored, ltp_tick=stored.ltp_tick + 1)) == "stored what was never sent"
