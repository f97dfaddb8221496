"""One open bar that grows: the short way gives the bits of the long way, and is left where it does not hold."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from footloom.bars import parse_rule
from footloom.core.edges import Edges
from footloom.core.instrument import Instrument
from footloom.core.sessions import calendar
from footloom.core.trades import FLAG_INFERRED, Trades
from footloom.engine.build import study
from footloom.engine.builder import Builder
from footloom.engine.events import BarClosed, BarUpdated, Event
from footloom.engine.frame import ChartFrame
from footloom.engine.open_bar import OpenBar, grown, terms_of
from footloom.engine.spec import ChartSpec
from footloom.engine.tail import Tail
from footloom.kernels.fold import fold
from footloom.server.wire.codec import encode
from footloom.server.wire.one_bar import encode_one

TEST = Instrument(venue="test", symbol="ABC", tick_size=Decimal("0.5"), lot_size=Decimal("0.001"))
START = 1_700_000_040 * 10**9  # a whole minute


def tape(rng: np.random.Generator, count: int, spread: int, flags: int = 0) -> Trades:
    return Trades.build(
        TEST,
        START + np.arange(count) * 1_000_000,
        100_000 + rng.integers(-spread, spread + 1, count),
        rng.integers(1, 5_000, count),
        rng.integers(-1, 2, count),
        trade_id=np.arange(count),
        ts_recv_ns=START + np.arange(count) * 1_000_000,
        flags=np.full(count, flags, np.uint8),
    )


def cut(trades: Trades) -> Edges:
    return parse_rule("1m").edges(trades, calendar("crypto"))[0]


def chart(trades: Trades, spec: ChartSpec) -> ChartFrame:
    return study(fold(trades, cut(trades), spec.bars, spec.ticks_per_level), spec)


SPECS = (
    ChartSpec(),
    ChartSpec(ticks_per_level=3, value_area="one_row", value_area_pct="68.27", poc_tie="lowest", min_vol_lot=900),
    ChartSpec(ticks_per_level=7, value_area="one_row_capped", imbalance_pct=150, imbalance_zero="ignore", stack_n=2),
)


@pytest.mark.parametrize("seed", range(9))
def test_a_bar_grows_to_the_bits_of_a_fold_of_the_whole(seed: int) -> None:
    rng = np.random.default_rng(seed)
    whole, spec = tape(rng, 400, (3, 40, 120)[seed // 3]), SPECS[seed % 3]
    at = int(rng.integers(1, 20))
    frame = chart(whole.take(slice(0, at)), spec)
    close_ns, terms = int(frame.footprint.bars.close_ns[0]), terms_of(spec)
    while at < len(whole):
        stop = min(len(whole), at + int(rng.integers(1, 30)))
        opened = grown(frame, whole.take(slice(at, stop)), close_ns, terms)
        assert opened is not None, "all of it is of one bar"
        expected = chart(whole.take(slice(0, stop)), spec)
        if rng.random() < 0.5:  # the others go on from arrays that nobody has looked at
            assert opened.equals(expected)
            assert opened.open_ns == expected.open_ns
            assert not any(c.flags.writeable for c in (opened.footprint.levels.row, opened.cvd_lot, opened.cell_flags))
        frame, at = opened, stop
    assert frame.equals(chart(whole, spec))


def test_columns_that_nobody_has_asked_for_are_not_made() -> None:
    whole = tape(np.random.default_rng(5), 40, 3)
    first = chart(whole.take(slice(0, 20)), SPECS[0])
    opened = grown(first, whole.take(slice(20, 40)), int(first.footprint.bars.close_ns[0]), terms_of(SPECS[0]))
    assert opened is not None
    assert encode_one(opened, "bar_open", 3, 4) == encode(chart(whole, SPECS[0]), "bar_open", topic_id=3, topic_seq=4)
    with pytest.raises(AttributeError):
        object.__getattribute__(opened, "footprint")
    with pytest.raises(AttributeError, match="depth"):
        _ = opened.depth
    assert len(opened.footprint) == 1


def test_it_is_left_to_the_long_way_where_more_is_to_be_done() -> None:
    rng = np.random.default_rng(3)
    first, more = tape(rng, 5, 3), tape(rng, 5, 3)
    frame, terms = chart(first, SPECS[0]), terms_of(SPECS[0])
    close_ns = int(frame.footprint.bars.close_ns[0])
    counted = replace(frame, footprint=replace(frame.footprint, prints={"a.b": np.zeros(1, np.int64)}))
    assert grown(frame, more, close_ns, terms) is not None
    assert grown(counted, more, close_ns, terms) is None, "studies count in the trades"
    assert grown(frame, tape(rng, 50, 5_000), close_ns, terms) is None, "prices too far apart"
    assert grown(frame, tape(rng, 5_000, 3), close_ns, terms) is None, "too many"
    assert grown(frame, tape(rng, 5, 3, FLAG_INFERRED), close_ns, terms) is None, "how sides were found is counted too"


# Bars that close and begin: over a midnight, with ids that are missing now and then, and a price far off.
def eventful(rng: np.random.Generator, count: int) -> Trades:
    plain = tape(rng, count, 30)
    times = 1_700_006_400 * 10**9 - 4 * 10**9 + np.cumsum(rng.integers(1, 12_000_000, count))
    ids = np.arange(count) + np.cumsum(rng.random(count) < 1 / 300)
    ticks = np.where(rng.random(count) < 1 / 200, plain.price_tick + 9_000, plain.price_tick)
    return replace(plain, ts_exch_ns=times, ts_recv_ns=times, trade_id=ids, price_tick=ticks)


@pytest.mark.parametrize("rule", ["1m", "1s", "100t", "7t", "250v", "250v-split", "r200"])
@pytest.mark.parametrize("rows", [1, 7, 40])
def test_a_live_chart_is_the_same_both_ways(rule: str, rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = eventful(np.random.default_rng(11), 60 * min(rows, 20))
    spec = ChartSpec(bars=rule, ticks_per_level=2)

    def live() -> tuple[Builder, list[Event]]:
        builder, told = Builder(TEST, spec, source=lambda _: whole), list[Event]()
        for at in range(0, len(whole), rows):
            piece = whole.take(slice(at, at + rows))
            told += builder.update(piece, int(piece.ts_recv_ns[-1]))
            builder.update(Trades.empty(TEST), int(piece.ts_recv_ns[-1]))
        return builder, told

    quick, said = live()
    monkeypatch.setattr(Tail, "_advanced", lambda *_: None)
    slow, expected = live()
    assert [type(one) for one in said] == [type(other) for other in expected]
    assert [one.known_ns for one in said if isinstance(one, BarClosed)] == [
        other.known_ns for other in expected if isinstance(other, BarClosed)
    ]
    assert all(one.frame.equals(other.frame) for one, other in zip(said, expected, strict=True))  # type: ignore[union-attr] # bars
    assert quick.frame().equals(slow.frame())  # type: ignore[union-attr, arg-type] # both have bars
    short = {type(one) for one in said if isinstance(one.frame, OpenBar)}  # type: ignore[union-attr]
    if rule != "250v-split":  # whose rows are others than those that came
        assert short, "none went the short way"
        assert rows < 40 or rule == "1m" or short == {BarUpdated, BarClosed}  # of its two an id is missing


def test_a_bar_that_closes_costs_no_more_columns_than_are_asked_for() -> None:
    whole = tape(np.random.default_rng(4), 3_000, 30)
    builder = Builder(TEST, ChartSpec(bars="1s"), source=lambda _: whole)
    closed = []
    for at in range(0, len(whole), 50):
        piece = whole.take(slice(at, at + 50))
        closed += [one.frame for one in builder.update(piece, int(piece.ts_recv_ns[-1])) if isinstance(one, BarClosed)]
    assert len(closed) == 2
    for frame in closed[1:]:  # the first was begun by the first commit of all, which is folded
        with pytest.raises(AttributeError):
            object.__getattribute__(frame, "footprint")
