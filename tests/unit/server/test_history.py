"""Charts of stored ranges: whatever range is asked for, its bars are those of the whole tape."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from server_kit import TEST, MemoryStore, make_tape

from footloom.core.instrument import Instrument
from footloom.core.sessions import DAY_NS, calendar
from footloom.core.trades import Trades
from footloom.engine.build import build
from footloom.engine.frame import ChartFrame
from footloom.server.stored.history import ChartKey, History
from footloom.server.wire.messages import TopicRequest
from footloom.store.files import Store

S = 10**9
MINUTE_NS = 60 * S
MONDAY_NS = 1_772_409_600 * S  # 2026-03-02 00:00 UTC
OPEN_NS = int(dt.datetime(2026, 3, 2, 3, 45, tzinfo=dt.UTC).timestamp()) * S  # NSE's, 09:15 in Kolkata


def instrument(name: str = "crypto", tick: str = "0.5", since_ns: int | None = None) -> Instrument:
    return Instrument(
        venue="test",
        symbol="ABC",
        tick_size=Decimal(tick),
        lot_size=Decimal("0.001"),
        calendar=name,
        valid_from_ns=since_ns,
    )


def random_tape(ts_ns: Any, of: Instrument) -> Trades:
    rng = np.random.default_rng(1)
    count = len(ts_ns)
    return Trades.build(
        of,
        ts_ns,
        1000 + np.cumsum(rng.integers(-1, 2, count)),
        rng.integers(1, 50, count),
        rng.choice([-1, 1], count),
        trade_id=np.arange(count) + 1,
        ts_recv_ns=ts_ns,
    )


def sparse_tape(name: str, mean_s: int, days: int) -> Trades:
    """Trades so far apart on average; NSE's also for 40 minutes behind the close."""
    rng = np.random.default_rng(7)
    gaps = (rng.exponential(mean_s, int(days * 86_400 / mean_s)) * S).astype(np.int64)
    ts = MONDAY_NS + np.cumsum(gaps)
    spans = calendar(name).spans(int(ts[0]), int(ts[-1]) + 1)
    span = np.searchsorted(spans.start_ns, ts, side="right") - 1
    kept = spans.in_session[span] | (ts - spans.start_ns[span] < 40 * MINUTE_NS)
    return random_tape(ts[kept], instrument(name))


Opened = Callable[..., History]


@pytest.fixture
def history_of(tmp_path: Path) -> Opened:
    def opened(*tapes: Trades) -> History:
        store = Store(tmp_path, writer=True)
        for tape in tapes:
            store.write_part(tape)
        return History(store)

    return opened


def chart_of(history: History, **settings: Any) -> ChartKey:
    return history.resolve(TopicRequest(symbol="test:ABC", ticks_per_level=1, **settings))


def check_part_of(part: ChartFrame, whole: ChartFrame, *, but: tuple[str, ...] = ()) -> None:
    opens = whole.footprint.bars.open_ns
    lo, hi = (int(np.searchsorted(opens, part.footprint.bars.open_ns[i])) for i in (0, -1))
    expected = whole.slice(lo, hi + 1)
    for name in {"cvd_lot", "cvd_anchor_ns", "min_vol_lot", "poc_row", "cell_flags", "final"} - set(but):
        np.testing.assert_array_equal(getattr(part, name), getattr(expected, name), err_msg=name)
    for name in ("open_ns", "buy_lot", "sell_lot", "high_tick", "low_tick"):
        np.testing.assert_array_equal(getattr(part.footprint.bars, name), getattr(expected.footprint.bars, name))


@pytest.mark.parametrize(
    ("name", "mean_s", "bars", "days"),
    [
        ("crypto", 20, "1m", 2),
        ("crypto", 600, "1m", 4),
        ("crypto", 7200, "1h", 20),
        ("nse_cash", 60, "1h", 8),
        ("nse_fo", 900, "1d", 60),
        ("nse_fo", 600, "1w", 90),
        ("crypto", 20, "100t", 3),
        ("crypto", 7200, "2t", 20),
        ("nse_cash", 60, "900v", 8),
        ("nse_fo", 200, "r4", 20),
        ("crypto", 60, "300v-split", 4),
    ],
)
@pytest.mark.parametrize("looks", [2, pytest.param(20, marks=pytest.mark.soak)])
def test_any_range_holds_the_bars_of_the_whole_tape(
    history_of: Opened, name: str, mean_s: int, bars: str, days: int, looks: int
) -> None:
    """At four ranges of half the days here, each read in three ways; `make soak` looks at forty of all."""
    tape = sparse_tape(name, mean_s, days if looks > 2 else max(2, days // 2))
    history = history_of(tape)
    rng = np.random.default_rng(3)
    for reset in ("session", "never"):
        chart = chart_of(history, bars=bars, cvd_reset=reset)
        whole = build(tape, chart.spec)
        opens = whole.footprint.bars.open_ns
        for _ in range(looks):
            first, last = sorted(rng.integers(0, len(opens), 2).tolist())
            to_ns = int(opens[last + 1]) if last + 1 < len(opens) else None
            check_part_of(history.page(chart, int(opens[first]), to_ns, 20_000).frame, whole)
            limit = int(rng.integers(1, 60))
            page = history.page(chart, None, to_ns, limit).frame
            assert len(page) == min(limit, last + 1)
            check_part_of(page, whole)
            part = history.between(chart, int(opens[first]), to_ns)
            check_part_of(part, whole, but=("cvd_lot", "cvd_anchor_ns") if reset == "never" else ())
        wanted = int(rng.integers(1, 200))
        held = history.seed(chart, wanted).builder.frame(10**6)
        assert held is not None
        assert len(held) >= min(wanted, len(whole))
        check_part_of(held, whole)


def test_a_cvd_that_is_never_reset_starts_with_the_range_of_a_file(history_of: Opened) -> None:
    tape = sparse_tape("crypto", 5, 1)
    history = history_of(tape)
    chart = chart_of(history, cvd_reset="never")
    part = history.between(chart, MONDAY_NS + 600 * MINUTE_NS, None)
    np.testing.assert_array_equal(part.cvd_lot, np.cumsum(part.footprint.bars.delta_lot))
    assert set(part.cvd_anchor_ns.tolist()) == {MONDAY_NS + 600 * MINUTE_NS}


def nse_days(count: int) -> Trades:
    """Trades every 20 s of so many sessions, and for five minutes from 25 minutes behind their close."""
    session = np.arange(0, 375 * MINUTE_NS, 20 * S)
    after = np.arange(400 * MINUTE_NS, 405 * MINUTE_NS, 20 * S)
    day = np.concatenate([session, after])
    ts = np.concatenate([OPEN_NS + i * DAY_NS + day for i in range(count)])
    return random_tape(ts, instrument("nse_cash"))


def test_bars_behind_the_close_go_on_counting_the_session(history_of: Opened) -> None:
    tape = nse_days(3)
    history = history_of(tape)
    chart = chart_of(history)
    whole = build(tape, chart.spec)
    check_part_of(history.page(chart, None, None, 3).frame, whole)
    assert set(history.page(chart, None, None, 3).frame.cvd_anchor_ns.tolist()) == {OPEN_NS + 2 * DAY_NS}


def test_the_last_bar_of_an_older_page_is_final(history_of: Opened) -> None:
    history = history_of(nse_days(3))
    chart = chart_of(history)
    close_ns = OPEN_NS + DAY_NS + 375 * MINUTE_NS
    assert history.page(chart, None, close_ns, 2).frame.final.tolist() == [True, True]
    assert history.between(chart, close_ns - 2 * MINUTE_NS, close_ns).final.tolist() == [True, True]
    assert history.page(chart, None, None, 2).frame.final.tolist() == [True, False]


def test_a_topic_holds_yesterday_after_the_close(history_of: Opened) -> None:
    history = history_of(nse_days(4))
    held = history.seed(chart_of(history), 10).builder.frame(10**6)
    assert held is not None
    assert held.footprint.bars.open_ns[0] == OPEN_NS + 2 * DAY_NS


def prices(of: Instrument, at_ns: int, *texts: str) -> Trades:
    ts = at_ns + S * np.arange(len(texts))
    return Trades.build(
        of, ts, [of.price_tick(text) for text in texts], [5] * len(texts), [1] * len(texts), trade_id=ts // S
    )


def test_one_grid_whatever_range_is_read(history_of: Opened) -> None:
    fine, coarse = instrument(tick="0.05"), instrument(tick="0.10", since_ns=MONDAY_NS + DAY_NS)
    history = history_of(
        prices(fine, MONDAY_NS, "100.05", "100.10"), prices(coarse, MONDAY_NS + DAY_NS, "100.10", "100.20")
    )
    history.store.put_instrument(coarse)
    chart = chart_of(history)
    for from_ns, to_ns, closes in (
        (None, None, ["100.10", "100.20"]),
        (MONDAY_NS, MONDAY_NS + DAY_NS, ["100.10"]),
        (MONDAY_NS + DAY_NS, None, ["100.20"]),
    ):
        page = history.page(chart, from_ns, to_ns, 300)
        tick = Decimal(page.meta.tick_size)
        assert [f"{tick * int(close):.2f}" for close in page.frame.footprint.bars.close_tick] == closes
        assert page.frame.footprint.instrument.tick_size == tick
    seed = history.seed(chart, 300)
    seed.builder.update(prices(coarse, MONDAY_NS + DAY_NS + 9 * S, "100.30"), MONDAY_NS + DAY_NS + 9 * S)
    held = seed.builder.frame(300)
    assert held is not None
    assert [Decimal(seed.meta.tick_size) * int(high) for high in held.footprint.bars.high_tick] == [
        Decimal("100.10"),
        Decimal("100.30"),
    ]
    newest = history.trades("test:ABC", "trade", MONDAY_NS + DAY_NS, 2**62)
    assert newest.instrument.tick_size == Decimal("0.05"), "ticks of a cell are ticks of the chart"
    assert [found.tick_size for found, _ in history.symbols()] == [Decimal("0.05")]
    assert msgspec.json.decode(msgspec.json.encode(seed.meta))["tick_size"] == "0.05"


def test_a_tape_on_another_grid_opens_with_a_step_of_that_grid() -> None:
    coarse = make_tape(20_000)
    store = MemoryStore(coarse)
    history = History(store)  # type: ignore[arg-type] - as much of a store as is read
    before = history.default_step(TEST.key)
    finer = msgspec.structs.replace(TEST, tick_size=TEST.tick_size / 100)
    store.tapes[TEST.key, "trade"] = coarse.on_grid(finer)
    assert history.default_step(TEST.key) == History(store).default_step(TEST.key) > before  # type: ignore[arg-type]


def test_a_chart_with_another_step_tells_the_default_by_the_way_and_so_does_a_read_of_its_own() -> None:
    store = MemoryStore(make_tape(20_000))
    for bars in ("1m", "5m", "1s", "20t", "1d"):
        by_the_way, asked = History(store), History(store)  # type: ignore[arg-type] - as much of a store as is read
        chart = by_the_way.resolve(TopicRequest(symbol=TEST.key, bars=bars, ticks_per_level=3))
        told = by_the_way.seed(chart, 10).meta.default_ticks_per_level
        assert told == asked.resolve(TopicRequest(symbol=TEST.key, bars=bars)).spec.ticks_per_level
        found = by_the_way.between(chart, *by_the_way.sample(chart.instrument, chart.tape, bars))
        reach = found.footprint.bars.high_tick - found.footprint.bars.low_tick + 1
        final = reach[:-1][-500:] if len(reach) > 1 else reach
        steps = [mark * 10**power for power in range(6) for mark in (1, 2, 5)]
        assert told == next(step for step in steps if np.median(final) <= 20 * step)
