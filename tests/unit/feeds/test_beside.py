"""What is told beside trades: exact columns on tapes of their own, books that are rebuilt, snapshots with sides."""

from __future__ import annotations

import time
from decimal import Decimal
from pathlib import Path

import msgspec
import numpy as np
import pytest

from footloom.core.book import Chain
from footloom.core.instrument import Instrument
from footloom.core.messages import BookUpdate, Gap, Liquidation, MarkPrice, OpenInterest, Quote, Tick
from footloom.core.series import ASK, BID, NO_QUOTE
from footloom.core.side import Side
from footloom.core.snapshots import in_e8
from footloom.errors import DataError
from footloom.feeds._books import BookTape
from footloom.feeds._side import SideTapes
from footloom.feeds._symbol import Symbol
from footloom.feeds._ticks import SnapshotTape
from footloom.feeds.stored import stored_inference
from footloom.store.files import Store
from footloom.venues import binance_usdm
from footloom.venues._venue import Wanted

BTC = Instrument(venue="binance_usdm", symbol="BTCUSDT", tick_size=Decimal("0.1"), lot_size=Decimal("0.001"))
EVERY = frozenset({"mark", "open_interest", "quote", "liquidation", "depth"})


def beside(told: list[str], recorded: frozenset[str] = EVERY) -> SideTapes:
    return SideTapes(BTC, recorded, told.append)


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("", NO_QUOTE),
        ("0.0001", 10_000),
        ("-0.000125", -12_500),
        ("92150.123456789", 9_215_012_345_678),
        ("7", 7 * 10**8),
    ],
)
def test_numbers_that_stand_on_no_grid_are_kept_to_eight_places(text: str, units: int) -> None:
    assert in_e8(text) == units


@pytest.mark.parametrize("text", ["x", "nan", "1e12", "-99999999999"])
def test_a_number_that_is_none_or_too_great_is_refused(text: str) -> None:
    with pytest.raises(DataError):
        in_e8(text)


def test_marks_open_interest_and_quotes_become_columns() -> None:
    told: list[str] = []
    side = beside(told)
    at = {"symbol": "BTCUSDT", "ts_exch_ns": 5, "ts_recv_ns": 6}
    side.add_mark(MarkPrice(**at, mark="92150.12345678", funding_rate="-0.0001"))
    side.add_interest(OpenInterest(**at, qty="10659.509"))
    side.add_interest(OpenInterest(**at, qty="much"))
    side.add_quote(Quote(**at, bid="92150.0", bid_qty="1.5005", ask="", ask_qty="", update_id=3))
    side.add_quote(Quote(**at, bid="92150.0", bid_qty="1.5005", ask="", ask_qty="", update_id=3))
    series, logs, gaps = side.take(0)
    by_tape = {rows.tape: rows for rows in series}

    assert by_tape["mark"]["mark_e8"].tolist() == [9_215_012_345_678]
    assert by_tape["mark"]["index_e8"].tolist() == [NO_QUOTE]
    assert by_tape["mark"]["rate_e8"].tolist() == [-10_000]
    assert by_tape["open_interest"]["oi_lot"].tolist() == [10_659_509]
    assert by_tape["quote"]["bid_tick"].tolist() == [921_500], "over two connections it comes twice"
    assert by_tape["quote"]["bid_lot"].tolist() == [1500], "what rests is counted in whole lots"
    assert by_tape["quote"]["ask_tick"].tolist() == [NO_QUOTE]
    assert (logs, gaps, side.take(0)[0]) == ([], [], [])
    assert len(told) == 1
    assert "much" in told[0]


def test_liquidations_stand_on_a_grid_of_their_own_and_come_once_over_two_connections() -> None:
    side = beside([])
    forced = Liquidation(symbol="BTCUSDT", ts_exch_ns=5, ts_recv_ns=6, price="93010.57", qty="0.014", side=Side.SELL)
    side.add_liquidation(forced, twice=False)
    side.add_liquidation(forced, twice=True)
    side.add_liquidation(forced, twice=False)
    _, [rows], _ = side.take(0)

    assert [rows.instrument.price_text(tick)[:8] for tick in rows.price_tick] == ["93010.57"] * 2
    assert (rows.tape, rows.qty_lot.tolist(), rows.side.tolist()) == ("liquidation", [14, 14], [-1, -1])


def test_what_is_lost_is_a_gap_of_the_tapes_that_the_connection_carried() -> None:
    side = beside([])
    lost = Gap(symbol="BTCUSDT", from_ns=5, to_ns=9, cause="disconnected (1006)")
    side.missed(lost, frozenset({"agg_trade", "liquidation", "mark"}))

    assert side.take(0)[2] == [("liquidation", lost), ("mark", lost)]


def test_a_book_stands_where_another_connection_is_lost() -> None:
    symbol = Symbol(Wanted(symbol="BTCUSDT", streams=EVERY | {"agg_trade"}), BTC, binance_usdm, frozenset())
    assert symbol.book is not None
    symbol.book.add(update(95, 104, 94, recv=10))
    symbol.book.add(update(0, 100, 0, recv=11, snapshot=True))
    symbol.missed("disconnected (1006)", 11, 12, frozenset({"agg_trade", "mark"}))
    assert (symbol.book.quote, symbol.cause("agg_trade")) == ((1000, 1005), "disconnected (1006)")
    symbol.missed("disconnected (1006)", 11, 12, frozenset({"depth"}))
    assert symbol.book.quote == (None, None)


def test_what_stood_before_a_loss_stands_until_something_is_received_behind_it() -> None:
    side = beside([])
    lost = Gap(symbol="BTCUSDT", from_ns=5, to_ns=9, cause="disconnected (1006)")
    side.add_mark(MarkPrice(symbol="BTCUSDT", ts_exch_ns=3, ts_recv_ns=3, mark="1", index="2"))
    side.add_interest(OpenInterest(symbol="BTCUSDT", ts_exch_ns=3, ts_recv_ns=3, qty="7"))
    side.missed(lost, EVERY)
    # Of the old connection, read behind the loss; then of the new one, which tells what has changed.
    for at_ns in (4, 9, 10):
        side.add_mark(MarkPrice(symbol="BTCUSDT", ts_exch_ns=at_ns, ts_recv_ns=at_ns, mark=str(at_ns)))
    minute = 60 * 10**9
    for at_ns in (minute + 3, 2 * minute):
        side.add_interest(OpenInterest(symbol="BTCUSDT", ts_exch_ns=at_ns, ts_recv_ns=at_ns, qty=""))
    by_tape = {rows.tape: rows for rows in side.take(0)[0]}

    assert by_tape["mark"]["index_e8"].tolist() == [2 * 10**8, 2 * 10**8, NO_QUOTE, NO_QUOTE]
    assert by_tape["open_interest"]["oi_lot"].tolist() == [7_000], "it was not told again"


def test_of_two_losses_in_a_row_each_ends_what_was_received_before_it() -> None:
    side = beside([])
    side.add_mark(MarkPrice(symbol="BTCUSDT", ts_exch_ns=3, ts_recv_ns=3, mark="1", index="2"))
    for to_ns in (9, 19):  # both are known before what came between them is read
        lost = Gap(symbol="BTCUSDT", from_ns=to_ns - 4, to_ns=to_ns, cause="disconnected (1006)")
        side.missed(lost, EVERY)
    for at_ns, index in ((10, ""), (11, "5"), (12, ""), (20, "")):
        side.add_mark(MarkPrice(symbol="BTCUSDT", ts_exch_ns=at_ns, ts_recv_ns=at_ns, mark="1", index=index))
    (marks, *_), _, _ = side.take(0)

    five = 5 * 10**8
    assert marks["index_e8"].tolist() == [2 * 10**8, NO_QUOTE, five, five, NO_QUOTE]


def test_what_is_shown_only_is_not_stored() -> None:
    side = beside([], frozenset())
    side.add_quote(Quote(symbol="BTCUSDT", ts_exch_ns=5, ts_recv_ns=6, bid="1.0", bid_qty="1", ask="1.1", ask_qty="1"))
    side.add_gap("quote", Gap(symbol="BTCUSDT", from_ns=1, to_ns=2, cause="x"))

    assert side.take(0) == ([], [], [])
    assert side.ticks_of(side.quote) == (10, 11)


def update(first: int, last: int, prev: int, *, recv: int, bid: str = "100.0", snapshot: bool = False) -> BookUpdate:
    return BookUpdate(
        symbol="BTCUSDT",
        ts_exch_ns=recv,
        ts_recv_ns=recv,
        first_id=first,
        last_id=last,
        prev_id=None if snapshot else prev,
        bids=((bid, "2.000"),),
        asks=(("100.5", "1.0004"),),
        is_snapshot=snapshot,
    )


def test_a_book_that_breaks_asks_for_a_snapshot_and_says_since_when_it_is_not_known() -> None:
    tape = BookTape(BTC, Chain.PREVIOUS, None, recorded=True)
    tape.add(update(95, 104, 94, recv=10))
    assert (tape.wants_snapshot, tape.quote) == (True, (None, None))
    tape.add(update(0, 100, 0, recv=11, snapshot=True))
    assert (tape.wants_snapshot, tape.quote) == (False, (1000, 1005))
    tape.add(update(120, 130, 104, recv=12, bid="100.1"))
    assert tape.quote == (1001, 1005)
    tape.add(update(140, 150, 131, recv=20))
    assert (tape.wants_snapshot, tape.breaks, tape.quote) == (True, 1, (None, None))
    tape.add(update(0, 150, 0, recv=30, snapshot=True))
    [gap] = tape.take_gaps()

    assert (gap.from_ns, gap.to_ns) == (12, 30)
    assert "131" in gap.cause
    [rows] = tape.take()
    assert rows["side"].tolist()[:2] == [BID, ASK]
    assert rows["qty_lot"].tolist()[:2] == [2000, 1000], "orders older than the lot rest there in parts of one"
    assert tape.take() == []


NIFTY = Instrument(
    venue="upstox",
    symbol="NSE_FO|1",
    tick_size=Decimal("0.05"),
    lot_size=Decimal(1),
    calendar="iana:Asia/Kolkata 00:00-00:00",
)
MINUTE = 60 * 10**9


def tick(at_ns: int, vtt: int, price: str, **of: object) -> Tick:
    fields = {"bid": "100.00", "bid_qty": "5", "ask": "100.05", "ask_qty": "5", "ltq": "1"} | of
    return Tick(
        symbol=NIFTY.symbol, ts_exch_ns=at_ns, ts_recv_ns=at_ns + 5, ltt_ns=at_ns, ltp=price, vtt=str(vtt), **fields
    )


def facts(trades) -> list[tuple[int, ...]]:
    columns = (trades.ts_exch_ns, trades.trade_id, trades.price_tick, trades.qty_lot, trades.side)
    return sorted(zip(*(column.tolist() for column in columns), strict=True))


@pytest.mark.parametrize("ahead_s", [0, 3600])  # the clock was ahead until the restart
def test_sides_inferred_live_over_a_loss_and_a_restart_are_those_of_the_stored_day(
    tmp_path: Path, ahead_s: int
) -> None:
    day_ns = time.time_ns() // (86_400 * 10**9) * 86_400 * 10**9
    rng = np.random.default_rng(3)
    start_ns = day_ns + 3600 * 10**9
    volumes = np.cumsum(rng.integers(0, 9, 80)).tolist()
    prices = ["100.00", "100.05", "100.10"]
    ticks = [tick(start_ns + n * MINUTE // 60, volumes[n], prices[n * 7 % 3]) for n in range(80)]
    for n in range(55):
        ticks[n] = msgspec.structs.replace(ticks[n], ts_recv_ns=ticks[n].ts_recv_ns + ahead_s * 10**9)
    seen = []
    with Store(tmp_path / "store", writer=True) as store:
        tape = SnapshotTape(NIFTY)
        for place, one in enumerate(ticks):
            if place == 30:
                tape.missed("disconnected (1006)", one.ts_recv_ns)
            if place == 55:
                tape = SnapshotTape(NIFTY)
                assert tape.restore(store)
                tape.missed("not recording", 0)
            tape.add(one)
            if place % 3 == 2 or place in {54, 79}:
                batch = tape.take()
                store.append(batch.snapshots, batch.gaps)
                seen += facts(batch.trades)
        whole = stored_inference(store, NIFTY.key, 0, 2**62)
        gaps = store.gaps(NIFTY.key, "snapshot", 0, 2**62)

    assert [gap.cause for gap in gaps] == ["disconnected (1006)", "not recording"]
    assert sorted(seen) == facts(whole.trades)
    assert sum(row[3] for row in seen) + whole.counters.unattributed_lot == volumes[-1]
    assert whole.counters.unattributed_lot > 0


def test_a_loss_lies_between_the_snapshots_of_both_connections_though_all_are_read_at_once() -> None:
    tape = SnapshotTape(NIFTY)
    ticks = [tick(number * 10**9, number, "100.05") for number in range(1, 7)]
    tape.add(ticks[0])
    tape.take()
    tape.missed("disconnected (1006)", ticks[2].ts_recv_ns)
    tape.missed("disconnected (1001)", ticks[4].ts_recv_ns)
    for one in ticks[1:4]:
        tape.add(one)
    first = tape.take()
    for one in ticks[4:]:
        tape.add(one)
    second = tape.take()

    at = [one.ts_recv_ns for one in ticks]
    assert [(gap.from_ns, gap.to_ns) for gap in (*first.gaps, *second.gaps)] == [(at[1], at[2]), (at[3], at[4])]
    assert [*first.snapshots.ts_recv_ns, *second.snapshots.ts_recv_ns] == at[1:]


def test_snapshots_of_one_wake_up_keep_their_order() -> None:
    tape = SnapshotTape(NIFTY)
    for number in range(4):
        tape.add(tick(10**18, 10 + number, "100.05"))
    seen = tape.take().snapshots

    assert np.all(np.diff(seen.ts_recv_ns) > 0)
    assert tape.quote == (2000, 2001)
