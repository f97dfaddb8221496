"""A day is filled around what was recorded live: rows without ids go only where none can be the same."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import numpy as np
import pytest

from footloom.core.instrument import Instrument
from footloom.core.messages import Gap
from footloom.core.trades import FLAG_NO_ID, FLAG_NO_RECV, Trades
from footloom.errors import StoreError
from footloom.store import SourceInfo
from footloom.store.files import Store

START_NS = 1_767_225_600_000_000_000
HOUR_NS = 3_600_000_000_000
MS = 1_000_000
KEY = "test:BTCUSDT"
DAY = (START_NS, START_NS + 24 * HOUR_NS)
ONE = Instrument(venue="test", symbol="BTCUSDT", tick_size=Decimal("0.1"), lot_size=Decimal("0.001"))
INFO = SourceInfo("sha", "BTCUSDT2026-01-01.csv.gz", (0, 24_000), "archive")


@pytest.fixture
def day(make_trades: Callable[..., Trades]) -> Trades:
    """All trades of a day as they were, a thousand an hour, in microseconds."""
    ts = START_NS + np.arange(24_000) * (HOUR_NS // 1_000) + np.random.default_rng(5).integers(0, 900, 24_000) * 1_000
    return make_trades(24_000, ts_exch_ns=ts)


def as_heard(day: Trades, first: int, stop: int) -> Trades:
    """Some of them as a stream told them, which has ids and milliseconds."""
    some = day.take(slice(first, stop))
    ts = some.ts_exch_ns // MS * MS
    return Trades.build(
        ONE, ts, some.price_tick, some.qty_lot, some.side, trade_id=some.trade_id, ts_recv_ns=ts + 5 * MS
    )


def as_filed(day: Trades, window: tuple[int, int]) -> Trades:
    """Those of a window as the archive tells them: no ids, the row's number instead."""
    rows = np.flatnonzero((day.ts_exch_ns >= window[0]) & (day.ts_exch_ns < window[1]))
    some = day.take(rows)
    flags = np.full(len(rows), FLAG_NO_ID | FLAG_NO_RECV, np.uint8)
    return Trades.build(
        ONE, some.ts_exch_ns, some.price_tick, some.qty_lot, some.side, trade_id=rows, ts_recv_ns=some.ts_exch_ns,
        flags=flags,
    )  # fmt: skip


def prices(store: Store) -> list[int]:
    found = store.load(KEY, "trade", *DAY)
    assert isinstance(found, Trades)
    return list(found.price_tick.tolist())


@pytest.mark.parametrize(
    ("kept", "blocks"),
    [
        ("sealed", 3),
        ("journal", 1),
        *[pytest.param(*other, marks=pytest.mark.soak) for other in (("sealed", 1), ("journal", 3))],
    ],
)
def test_a_day_is_whole_after_it_was_filled_around_a_recording(
    store: Store, day: Trades, kept: str, blocks: int
) -> None:
    is_sealed = kept == "sealed"
    store.append(as_heard(day, 10_000, 12_000))
    if is_sealed:
        store.seal()
    store.append(as_heard(day, 15_000, 16_000))  # a restart in between
    windows = store.free_windows(KEY, "trade", *DAY)
    assert len(windows) == (3 if is_sealed else 2)
    if not is_sealed:  # nothing says yet that nothing was heard in between
        windows = [windows[0], windows[-1]]

    for _ in range(2):
        for window in windows:
            rows = as_filed(day, window)
            for piece in np.array_split(np.arange(len(rows)), blocks):
                store.write_part(rows.take(piece), INFO, window=window)

    expected = day.price_tick if is_sealed else np.delete(day.price_tick, np.r_[12_000:15_000])
    assert prices(store) == expected.tolist()
    store.seal()
    store.compact()
    assert prices(store) == expected.tolist()
    assert sum(row.rows for row in store.coverage()) == len(expected)


def test_an_open_gap_within_a_recording_is_a_window(store: Store, day: Trades) -> None:
    heard = as_heard(day, 1_000, 3_000)
    gap = Gap(symbol="BTCUSDT", from_ns=int(heard.ts_exch_ns[499]), to_ns=int(heard.ts_exch_ns[800]), cause="cut")
    store.append(heard.take(np.r_[0:500, 800:2_000]), [gap])

    (within,) = store.free_windows(KEY, "trade", int(heard.ts_exch_ns[100]), int(heard.ts_exch_ns[900]))
    assert within == (gap.from_ns + MS, gap.to_ns)
    store.write_part(as_filed(day, within), INFO, window=within)

    assert prices(store) == day.price_tick[1_000:3_000].tolist()
    assert store.free_windows(KEY, "trade", int(heard.ts_exch_ns[100]), int(heard.ts_exch_ns[900])) == []


def test_a_window_that_holds_rows_is_refused(store: Store, day: Trades) -> None:
    store.append(as_heard(day, 10_000, 12_000))
    for window in (DAY, (int(day.ts_exch_ns[11_999]) // MS * MS, DAY[1])):
        with pytest.raises(StoreError, match=r"but \d+ rows lie there, .*: fill the windows that free_windows names"):
            store.write_part(as_filed(day, window), INFO, window=window)
    assert len(prices(store)) == 2_000


def test_late_rows_are_refused_where_a_file_told_everything(store: Store, day: Trades) -> None:
    store.append(as_heard(day, 10_000, 12_000))
    first, _ = store.free_windows(KEY, "trade", *DAY)
    store.write_part(as_filed(day, first), INFO, window=first)

    with pytest.raises(StoreError, match="overlap BTCUSDT2026-01-01"):
        store.append(as_heard(day, 9_000, 9_100))
    store.append(as_heard(day, 12_000, 12_100))


def test_another_file_does_not_fill_the_same_window(store: Store, day: Trades) -> None:
    store.append(as_heard(day, 10_000, 12_000))
    first, _ = store.free_windows(KEY, "trade", *DAY)
    store.write_part(as_filed(day, first), INFO, window=first)

    with pytest.raises(StoreError, match="rows lie there"):
        store.write_part(as_filed(day, first), SourceInfo("other", "other.csv", (0, 24_000)), window=first)
    taken = int(day.ts_exch_ns[9_999])
    assert all(window[0] > taken for window in store.free_windows(KEY, "trade", *DAY))


def test_a_file_that_ended_does_not_forbid_what_comes_later(store: Store, day: Trades) -> None:
    """A window may be open to the end of time; the file tells what it tells."""
    ever = (0, 2**62)
    (window,) = store.free_windows(KEY, "trade", *ever)
    rows = as_filed(day.take(slice(0, 5_000)), window)
    for piece in (slice(0, 2_000), slice(2_000, 5_000)):
        store.write_part(rows.take(piece), INFO, window=window)

    store.append(as_heard(day, 5_000, 6_000))
    store.seal()

    assert prices(store) == day.price_tick[:6_000].tolist()
    assert len(store.free_windows(KEY, "trade", *ever)) == 3


def test_rows_outside_their_window_are_refused(store: Store, day: Trades) -> None:
    with pytest.raises(StoreError, match="do not lie in the window"):
        store.write_part(as_filed(day, DAY), INFO, window=(START_NS, START_NS + HOUR_NS))


def test_where_nothing_is_stored_everything_is_free(store: Store) -> None:
    assert store.free_windows(KEY, "trade", *DAY) == [DAY]
    assert store.free_windows(KEY, "trade", 5, 5) == []
