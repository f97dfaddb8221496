"""Quotes, depth, open interest and mark prices: kept whole on every way, small, and never taken for trades."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from footloom.core.instrument import Instrument
from footloom.core.messages import Gap
from footloom.core.series import KINDS, NO_QUOTE, Series
from footloom.core.trades import I64, Trades
from footloom.errors import NotStored, StoreError
from footloom.store import Settings, SourceInfo
from footloom.store.columns import columns_of, form_of
from footloom.store.files import Store
from footloom.store.parts import pack_part

START_NS = 1_767_225_600_000_000_000
DAY_NS = 86_400_000_000_000
EVER = (0, 2**62)
KEY = "test:BTCUSDT"


def levels(of: Instrument, rng: np.random.Generator, updates: int, per_update: int, start_ns: int = START_NS) -> Series:
    """Depth as a busy future sends it: an update every 50 ms, levels near the best price."""
    number = np.repeat(np.arange(updates), per_update)
    recv = np.repeat(start_ns + np.cumsum(rng.integers(30_000_000, 70_000_000, updates)), per_update)
    last = np.repeat(9_000_000_000 + np.cumsum(rng.integers(1, 400, updates)), per_update)
    count = len(number)
    side = np.where(np.arange(count) % per_update < per_update // 2, 1, -1)
    return Series.build(
        of, "depth", recv - 12_345_678 - recv % 1_000_000, recv, side=side,
        price_tick=600_000 - side * rng.geometric(0.02, count),
        qty_lot=np.where(rng.random(count) < 0.3, 0, rng.geometric(0.001, count)),
        first_id=last - 20, last_id=last, prev_id=last - 21, kind=(number == 0).astype(np.int64),
    )  # fmt: skip


def quotes(of: Instrument, rng: np.random.Generator, count: int, start_ns: int = START_NS) -> Series:
    time = start_ns + np.cumsum(rng.integers(0, 9, count)) * 1_000_000
    bid = 600_000 + np.cumsum(rng.choice([-1, 0, 0, 0, 0, 0, 1], count))
    return Series.build(
        of, "quote", time, time + rng.integers(1, 9_000_000, count), bid_tick=bid,
        bid_lot=rng.geometric(0.001, count), ask_tick=np.where(rng.random(count) < 0.01, NO_QUOTE, bid + 1),
        ask_lot=rng.geometric(0.001, count), update_id=np.cumsum(rng.integers(1, 90, count)),
    )  # fmt: skip


def options(of: Instrument, rng: np.random.Generator, time: I64) -> Series:
    """What a feed says of options: seldom everything at once."""
    count = len(time)
    quiet = rng.random(count) < 0.5
    return Series.build(
        of, "chain", time, time + 5_000_000, side=rng.choice([1, -1], count), expiry_ns=START_NS + 9 * DAY_NS,
        strike_tick=rng.integers(1, 90, count) * 5_000, oi_lot=np.where(quiet, NO_QUOTE, rng.integers(0, 2**30, count)),
        iv_e8=np.where(quiet, NO_QUOTE, rng.integers(1, 10**8, count)), source=3,
    )  # fmt: skip


def sample(of: Instrument, tape: str, rng: np.random.Generator, count: int, start_ns: int = START_NS) -> Series:
    if tape == "depth":
        return levels(of, rng, -(-count // 5), 5, start_ns).take(slice(0, count))
    if tape == "quote":
        return quotes(of, rng, count, start_ns)
    time = start_ns + np.arange(count) * 1_000_000_000
    if tape == "open_interest":
        return Series.build(of, tape, time, time + 5_000_000, oi_lot=rng.integers(0, 2**40, count))
    if tape == "chain":
        return options(of, rng, time)
    mark = 6_000_000_000_000 + np.cumsum(rng.integers(-99, 99, count))
    return Series.build(of, tape, time, mark_e8=mark, rate_e8=10_000, next_ns=START_NS + DAY_NS)


@pytest.mark.parametrize("tape", KINDS)
def test_every_way_keeps_every_column(
    store: Store, instrument: Instrument, tape: str, rng: np.random.Generator
) -> None:
    rows = sample(instrument, tape, rng, 500)
    gap = Gap(symbol="BTCUSDT", from_ns=START_NS - 10, to_ns=START_NS, cause="start")

    assert store.append(rows.take(slice(0, 200)), [gap]) == 200
    assert store.load_series(KEY, tape, *EVER).equals(rows.take(slice(0, 200))), "from the journal"
    store.seal()
    assert store.append(rows.take(slice(200, 500))) == 500
    assert store.load_series(KEY, tape, *EVER).equals(rows), "from parts and the journal"
    store.seal()
    store.compact()
    store.verify()
    assert store.load_series(KEY, tape, *EVER).equals(rows), "compacted"
    assert Series.concat(list(store.iter_series(KEY, tape, *EVER))).equals(rows)
    assert store.gaps(KEY, tape, *EVER) == [gap]


@pytest.mark.parametrize("tape", KINDS)
def test_an_import_brings_rows_once(store: Store, instrument: Instrument, tape: str, rng: np.random.Generator) -> None:
    rows = sample(instrument, tape, rng, 100)
    info = SourceInfo("sha", "series.csv", (0, 100))

    assert store.write_part(rows, info).rows == 100
    assert store.write_part(rows, info).duplicates == 100
    assert store.load_series(KEY, tape, *EVER).equals(rows)


def test_rows_of_one_receipt_keep_their_order(store: Store, instrument: Instrument, rng: np.random.Generator) -> None:
    book = levels(instrument, rng, 40, 25)
    for start in range(0, len(book), 130):  # updates are cut anywhere
        store.append(book.take(slice(start, start + 130)))
        store.seal()
    store.compact()

    assert store.load_series(KEY, "depth", *EVER).equals(book)


def test_a_range_is_by_receipt_for_depth_and_by_the_venues_time_for_the_rest(
    store: Store, instrument: Instrument, rng: np.random.Generator
) -> None:
    for tape, time in (("depth", "ts_recv_ns"), ("quote", "ts_exch_ns")):
        rows = sample(instrument, tape, rng, 300)
        store.append(rows)
        lo, hi = (int(t) for t in getattr(rows, time)[[50, 220]])
        inside = (getattr(rows, time) >= lo) & (getattr(rows, time) < hi)
        assert store.load_series(KEY, tape, lo, hi).equals(rows.take(inside))


def test_columns_that_are_not_asked_for_are_blank(
    store: Store, instrument: Instrument, rng: np.random.Generator
) -> None:
    rows = sample(instrument, "depth", rng, 50)
    store.append(rows)
    store.seal()

    some = store.load_series(KEY, "depth", *EVER, columns=["price_tick"])

    assert some["price_tick"].tolist() == rows["price_tick"].tolist()
    assert set(some["prev_id"].tolist()) == {NO_QUOTE}
    assert set(some["qty_lot"].tolist()) == {0}


def test_series_are_read_on_the_common_grid(store: Store, instrument: Instrument, rng: np.random.Generator) -> None:
    rows = sample(instrument, "quote", rng, 20)
    store.append(rows)
    store.append(sample(instrument.with_grid("0.05", "0.001"), "quote", rng, 20, START_NS + DAY_NS))

    both = store.load_series(KEY, "quote", *EVER)

    said = rows["ask_tick"] != NO_QUOTE
    assert str(both.instrument.tick_size) == "0.05"
    assert both["ask_tick"][:20].tolist() == np.where(said, rows["ask_tick"] * 2, NO_QUOTE).tolist()


def test_they_are_listed_apart_and_no_chart_takes_them_for_trades(
    store: Store, instrument: Instrument, rng: np.random.Generator
) -> None:
    from footloom.feeds.stored import chart_tapes

    for tape in KINDS:
        store.append(sample(instrument, tape, rng, 30))

    assert store.coverage() == []
    assert [(row.tape, row.rows) for row in store.series(KEY)] == [(tape, 30) for tape in sorted(KINDS)]
    with pytest.raises(NotStored):
        chart_tapes(store, KEY)
    with pytest.raises(StoreError, match="holds neither trades nor snapshots: load_series gives its rows"):
        store.load(KEY, "depth", *EVER)


def test_trades_are_no_series(store: Store, make_trades: Callable[..., Trades]) -> None:
    store.append(make_trades(3))

    with pytest.raises(StoreError, match="is no series: load gives"):
        store.load_series(KEY, "trade", *EVER)


@pytest.mark.parametrize(
    ("tape", "columns", "message"),
    [
        ("depth", {"side": 2, "qty_lot": 1, "kind": 0}, r"side in depth of test:BTCUSDT must be \+1 .*got 2 in row 0"),
        ("depth", {"side": 1, "qty_lot": -1, "kind": 0}, "qty_lot in depth of test:BTCUSDT must not be below zero"),
        ("depth", {"side": 1, "qty_lot": 1, "kind": 7}, "kind in depth of test:BTCUSDT must be 0 or 1, got 7"),
        ("open_interest", {"oi_lot": -5}, "oi_lot in open_interest of test:BTCUSDT must not be below zero, got -5"),
    ],
)
def test_what_cannot_be_is_refused(
    store: Store, instrument: Instrument, tape: str, columns: dict[str, int], message: str
) -> None:
    ids = {"price_tick": 1, "first_id": 1, "last_id": 1} if tape == "depth" else {}

    with pytest.raises(StoreError, match=message):
        store.append(Series.build(instrument, tape, [START_NS], **columns, **ids))
    assert store.series() == []


def test_liquidations_and_off_market_prints_go_through_the_journal_on_their_own_grid(
    store: Store, instrument: Instrument, make_trades: Callable[..., Trades]
) -> None:
    own = instrument.with_grid("0.00000001", "0.001")
    store.put_instrument(instrument)
    for tape in ("liquidation", "partial:off_market"):
        rows = make_trades(20, of=own, flags=np.ones(20, np.uint8))
        store.append(Trades.build(own, rows.ts_exch_ns, rows.price_tick, rows.qty_lot, rows.side, tape=tape))
    store.seal()

    assert store.coverage() == []
    assert [row.tape for row in store.partials()] == ["liquidation", "partial:off_market"]
    assert store.instrument(KEY) == instrument
    assert store.load(KEY, "liquidation", *EVER).instrument.tick_size == own.tick_size


def test_a_liquidation_defines_no_instrument(
    store: Store, instrument: Instrument, make_trades: Callable[..., Trades]
) -> None:
    rows = make_trades(2)
    store.append(
        Trades.build(instrument, rows.ts_exch_ns, rows.price_tick, rows.qty_lot, rows.side, tape="liquidation")
    )

    with pytest.raises(NotStored, match="knows no instrument"):
        store.instrument(KEY)


@pytest.mark.parametrize(
    ("tape", "count", "most"),
    [("depth", 60_000, 5.5), ("quote", 60_000, 10.5), ("open_interest", 5_000, 6.5), ("mark", 5_000, 1.2)],
)
def test_rows_are_small(instrument: Instrument, rng: np.random.Generator, tape: str, count: int, most: float) -> None:
    rows = levels(instrument, rng, count // 60, 60) if tape == "depth" else sample(instrument, tape, rng, count)

    size = pack_part(form_of(tape), instrument, tape, columns_of(rows), Settings().row_group_rows).size / len(rows)

    assert size < most, f"{size:.2f} bytes a row of {tape}"


def test_a_kill_between_commits_loses_none(
    root: Path, instrument: Instrument, rng: np.random.Generator, make_trades: Callable[..., Trades]
) -> None:
    book, trades = levels(instrument, rng, 20, 5), make_trades(40)
    with Store(root, writer=True) as first:
        first.append_many([(trades, ()), (book, ())])
    with Store(root, writer=True) as again:
        assert again.recovery.rows == 140
        assert again.load_series(KEY, "depth", *EVER).equals(book)
