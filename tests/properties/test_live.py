"""Live is batch: for every kind of bar, through late, fetched, doubled rows and gaps that open and heal."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from footloom.core.footprint import BAR_FINAL
from footloom.core.gaps import open_gaps
from footloom.core.instrument import Instrument
from footloom.core.messages import Gap
from footloom.core.trades import FLAG_BACKFILLED, Trades
from footloom.engine.build import build
from footloom.engine.builder import Builder
from footloom.engine.replay import Commit, Replay, mark_of
from footloom.engine.spec import ChartSpec
from footloom.engine.verify import first_difference

NS = 10**9
BASE = 1_772_409_600 * NS - 600 * NS  # ten minutes before midnight: two sessions
INSTRUMENT = Instrument(venue="t", symbol="X", tick_size=Decimal("0.1"), lot_size=Decimal("0.001"))
RULES = ["1s", "1m", "1h", "1d", "1w", "7t", "40v", "40v-split", "9000q", "r6", "ren3", "d12", "ib4", "vib20-e5", "rb5"]

row = st.tuples(st.integers(0, 1_200_000), st.integers(-40, 40), st.integers(1, 30), st.sampled_from([-1, 0, 1]))
tapes = st.lists(row, min_size=2, max_size=90)


def tape_of(rows):
    ms, tick, qty, side = (np.array(column) for column in zip(*sorted(rows, key=lambda one: one[0]), strict=True))
    ts = BASE + ms * 1_000_000
    return Trades.build(INSTRUMENT, ts, 900 + tick, qty, side, trade_id=np.arange(len(rows)) + 5, ts_recv_ns=ts)


def flagged(trades, flag):
    return Trades.build(
        INSTRUMENT, trades.ts_exch_ns, trades.price_tick, trades.qty_lot, trades.side, trade_id=trades.trade_id,
        ts_recv_ns=trades.ts_recv_ns, flags=trades.flags | flag,
    )  # fmt: skip


@st.composite
def arrivals(draw, trades):
    """Commits in which every row comes at least once: pieces shuffled, some doubled, some fetched, with gaps."""
    cuts = sorted({0, len(trades), *draw(st.lists(st.integers(0, len(trades)), max_size=8))})
    pieces = [trades.take(slice(lo, hi)) for lo, hi in zip(cuts, cuts[1:], strict=False)]
    moved = draw(st.lists(st.integers(0, len(pieces) - 1), max_size=4))
    order = [n for n in range(len(pieces)) if n not in moved] + moved  # moved ones come late, some of them twice
    told, commits, now = [], [], 0
    for number in order:
        piece = pieces[number]
        now = max(now, int(piece.ts_exch_ns[-1]) + draw(st.sampled_from([0, 10**6, 90 * NS])))
        gaps = ()
        if draw(st.booleans()):
            ends = sorted(BASE + draw(st.integers(0, 1_200)) * NS for _ in range(2))
            healed = draw(st.booleans()) and bool(told)
            span = (told[-1].from_ns, told[-1].to_ns) if healed and draw(st.booleans()) else ends
            gaps = (Gap(symbol="X", from_ns=span[0], to_ns=span[1], cause="lost", healed=healed),)
            told += gaps
        late = number in moved and draw(st.booleans())
        commits.append(Commit(flagged(piece, FLAG_BACKFILLED) if late else piece, gaps, now))
    return commits, told


@pytest.mark.parametrize("rule", RULES)
@given(data=st.data())
@settings(max_examples=settings.default.max_examples // 3)
def test_whatever_the_order_of_arrival_bars_and_what_was_told_of_them_converge(rule, data):
    trades = tape_of(data.draw(tapes))
    commits, told = data.draw(arrivals(trades))
    spec = ChartSpec(bars=rule, ticks_per_level=data.draw(st.sampled_from([1, 5])))
    replay = Replay(INSTRUMENT, spec, "trade")
    for commit in commits:
        replay.fold(commit)
    replay.end()

    wanted = build(trades, spec, open_gaps(told))
    made = replay.frame
    assert first_difference("live and batch", made, wanted) == []
    assert replay.problems == []
    bars = [made.slice(i, i + 1) for i in range(len(made))]
    assert replay.shown == {int(bar.footprint.bars.open_ns[0]): mark_of(bar) for bar in bars}


@pytest.mark.parametrize("rule", ["1m", "7t", "r6"])
@given(data=st.data())
@settings(max_examples=settings.default.max_examples // 3)
def test_the_same_without_a_store_that_gives_rows_back(rule, data):
    trades = tape_of(data.draw(tapes))
    commits, told = data.draw(arrivals(trades))
    builder = Builder(INSTRUMENT, ChartSpec(bars=rule))
    for commit in commits:
        builder.update(commit.trades, commit.watermark_ns, commit.gaps)
    builder.catch_up(commits[-1].watermark_ns)

    assert first_difference("live and batch", builder.frame(), build(trades, builder.spec, open_gaps(told))) == []


@pytest.mark.parametrize("rule", ["1m", "7t", "40v-split"])
@given(data=st.data())
@settings(max_examples=settings.default.max_examples // 3)
def test_a_seed_goes_on_like_the_whole(rule, data):
    trades = tape_of(data.draw(tapes))
    cut = data.draw(st.integers(1, len(trades)))
    held = trades.take(slice(0, cut))
    known = [Gap(symbol="X", from_ns=BASE + 5 * NS, to_ns=BASE + 900 * NS, cause="lost")]
    builder = Builder(INSTRUMENT, ChartSpec(bars=rule), source=lambda from_ns: trades.between(from_ns, 2**62))
    builder.seed(held, known)
    lead = data.draw(st.integers(0, 3))  # rows that the seed holds come once more
    for at in range(max(0, cut - lead), len(trades), 3):
        part = trades.take(slice(at, at + 3))
        builder.update(part, int(part.ts_exch_ns[-1]))

    wanted = build(trades, builder.spec, known)
    assert first_difference("live and batch", builder.frame(), wanted) == []
    assert not builder.frame().footprint.bars.flags[-1] & BAR_FINAL or rule != "1m"
