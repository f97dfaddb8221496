"""The file store as its users see it."""

from __future__ import annotations

import dataclasses
import datetime as dt
import threading
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from footloom.core.instrument import Instrument
from footloom.core.messages import Gap
from footloom.core.snapshots import Snapshots
from footloom.core.trades import FLAG_BACKFILLED, FLAG_NO_ID, FLAG_NO_RECV, Trades
from footloom.errors import ConfigError, NotStored, StoreError
from footloom.store import Settings
from footloom.store import Store as Contract
from footloom.store.files import Store

KEY = "test:BTCUSDT"
START_NS = 1_767_225_600_000_000_000
DAY_NS = 86_400_000_000_000
EVER = (0, 2**62)


def loaded(store: Store, tape: str = "trade", key: str = KEY, **asked: Any) -> Trades:
    block = store.load(key, tape, *EVER, **asked)
    assert isinstance(block, Trades)
    return block


def test_the_file_store_keeps_the_contract() -> None:
    contract: type[Contract] = Store

    assert contract is Store


def test_parts_and_journal_are_one_tape(store: Store, make_trades: Callable[..., Trades]) -> None:
    trades = make_trades(1_000)
    store.write_part(trades.take(slice(0, 300)))
    store.append(trades.take(slice(300, 600)))
    store.seal()
    store.append(trades.take(slice(600, 1_000)))

    assert loaded(store).equals(trades)
    with Store(store.root) as beside:
        assert loaded(beside).equals(trades)
    middle = trades.ts_exch_ns[[250, 750]]
    part = store.load(KEY, "trade", int(middle[0]), int(middle[1]))
    assert isinstance(part, Trades)
    assert part.equals(trades.between(int(middle[0]), int(middle[1])))


def test_appending_numbers_rows_without_holes(store: Store, make_trades: Callable[..., Trades]) -> None:
    trades = make_trades(100)

    assert store.append(trades.take(slice(0, 10))) == 10
    assert store.append_many([(trades.take(slice(i, i + 10)), ()) for i in (10, 20, 30)]) == 40
    store.seal()
    assert store.append(trades.take(slice(40, 41))) == 41
    store.close()
    with Store(store.root, writer=True) as again:
        assert again.append(trades.take(slice(41, 100))) == 100
        assert loaded(again).equals(trades)


def test_numbers_go_on_when_the_journal_was_removed(store: Store, make_trades: Callable[..., Trades]) -> None:
    """A new row with an old number would be taken for one that is sealed already."""
    trades = make_trades(100)
    store.append(trades.take(slice(0, 50)))
    store.seal()
    store.close()
    for path in (store.root / "journal").iterdir():
        path.unlink()

    with Store(store.root, writer=True) as again:
        assert again.append(trades.take(slice(50, 100))) == 100
        assert loaded(again).equals(trades)


def test_tapes_of_a_symbol_never_mix(store: Store, make_trades: Callable[..., Trades]) -> None:
    trades = make_trades(50)
    store.write_part(trades)
    store.append(dataclasses.replace(trades, tape="agg_trade"))
    store.write_part(dataclasses.replace(trades.take(slice(0, 3)), tape="partial:large prints"))

    assert {tape: len(loaded(store, tape)) for tape in ("trade", "agg_trade", "partial:large prints")} == {
        "trade": 50, "agg_trade": 50, "partial:large prints": 3,
    }  # fmt: skip
    assert [one.tape for one in store.coverage()] == ["agg_trade", "trade"]
    assert [one.tape for one in store.partials()] == ["partial:large prints"]
    store.seal()
    assert len(loaded(store, "agg_trade")) == 50


def test_snapshots_go_the_same_way(store: Store, make_snapshots: Callable[..., Snapshots]) -> None:
    block = make_snapshots(400)
    store.write_part(block.take(slice(0, 100)))
    store.append(block.take(slice(100, 250)))
    store.seal()
    store.append(block.take(slice(250, 400)))

    got = store.load(KEY, "snapshot", *EVER)

    assert isinstance(got, Snapshots)
    for name in ("ts_exch_ns", "ltp_tick", "ltq_lot", "vtt_lot", "bid_tick", "ask_tick", "ts_recv_ns"):
        np.testing.assert_array_equal(getattr(got, name), getattr(block, name))
    assert store.compact().parts_after == 1
    part = store.load(KEY, "snapshot", int(block.ts_recv_ns[10]), int(block.ts_recv_ns[20]))
    assert len(part) == 10


def test_rows_are_filed_by_the_days_of_the_calendar(root: Path) -> None:
    indian = Instrument(
        venue="test", symbol="NIFTY FUT", tick_size=Decimal("0.05"), lot_size=Decimal(1), calendar="nse_fo"
    )
    # 09:15 and 15:29 in India on Monday and Tuesday; 03:45 UTC and 09:59 UTC
    ts = [1_767_584_700, 1_767_607_140, 1_767_671_100]
    trades = Trades.build(indian, np.array(ts) * 1_000_000_000, [1, 2, 3], [1, 1, 1], [1, 1, 1], trade_id=[1, 2, 3])
    with Store(root, writer=True) as store:
        store.write_part(trades)

        assert [(one.day, one.rows) for one in store.coverage()] == [
            (dt.date(2026, 1, 5), 2),
            (dt.date(2026, 1, 6), 1),
        ]
        assert loaded(store, key="test:NIFTY FUT").equals(trades)


def test_only_what_is_asked_for_is_filled_and_the_flags_say_so(
    store: Store, make_trades: Callable[..., Trades]
) -> None:
    trades = make_trades(200)
    store.write_part(trades.take(slice(0, 100)))
    store.append(trades.take(slice(100, 200)))

    got = loaded(store, columns=["price_tick", "qty_lot", "side"])

    for name in ("ts_exch_ns", "price_tick", "qty_lot", "side"):
        np.testing.assert_array_equal(getattr(got, name), getattr(trades, name))
    assert not got.trade_id.any()
    assert (got.flags == FLAG_NO_ID | FLAG_NO_RECV).all()
    assert all(getattr(got, name).flags.c_contiguous for name in ("trade_id", "ts_recv_ns", "price_tick"))
    with pytest.raises(ConfigError, match="trades have no column volume: they have ts_exch_ns"):
        store.load(KEY, "trade", *EVER, columns=["volume"])


def test_chunks_are_the_same_rows_and_bounded(store: Store, make_trades: Callable[..., Trades]) -> None:
    trades = make_trades(3_000, step_ms=60_000)  # two days
    for start in range(0, 3_000, 500):
        store.write_part(trades.take(slice(start, start + 500)))

    chunks = [chunk for chunk in store.iter_chunks(KEY, "trade", *EVER) if isinstance(chunk, Trades)]

    assert Trades.concat(chunks).equals(trades)
    assert max(map(len, chunks)) <= 64
    assert len({chunk.instrument for chunk in chunks}) == 1


def test_a_caller_may_stop_between_chunks(store: Store, make_trades: Callable[..., Trades]) -> None:
    store.write_part(make_trades(1_000))
    before = threading.active_count()

    chunks = store.iter_chunks(KEY, "trade", *EVER)
    next(chunks)
    chunks.close()  # type: ignore[attr-defined] # a generator

    assert threading.active_count() == before


def test_overlapping_parts_are_woven_and_bounded_too(store: Store, make_trades: Callable[..., Trades]) -> None:
    trades = make_trades(1_000)
    odd = np.arange(1_000) % 2 == 1
    store.write_part(trades.take(odd))
    store.write_part(trades.take(~odd))

    assert loaded(store).equals(trades)
    chunks = list(store.iter_chunks(KEY, "trade", *EVER))
    assert max(map(len, chunks)) <= 64
    assert loaded(store, columns=["price_tick"]).price_tick.tolist() == trades.price_tick.tolist()


def test_days_with_other_ticks_and_lots_stand_on_the_common_grid(
    store: Store, instrument: Instrument, make_trades: Callable[..., Trades]
) -> None:
    """NIFTY's lot was 75, then 65; a tick may become finer (definitions 0.7)."""
    old = instrument.with_grid("0.25", "75")
    new = instrument.with_grid("0.1", "65")
    first = make_trades(50, of=old)
    second = make_trades(50, of=new, start_ns=START_NS + DAY_NS, first_id=51)
    store.write_part(first)
    store.append(second)

    both = loaded(store)

    assert (both.instrument.tick_size, both.instrument.lot_size) == (Decimal("0.05"), Decimal(5))
    prices = [i * t.instrument.tick_size for t in (first, second) for i in t.price_tick.tolist()]
    assert [i * both.instrument.tick_size for i in both.price_tick.tolist()] == prices
    sizes = [i * t.instrument.lot_size for t in (first, second) for i in t.qty_lot.tolist()]
    assert [i * both.instrument.lot_size for i in both.qty_lot.tolist()] == sizes
    alone = store.load(KEY, "trade", START_NS, START_NS + DAY_NS)
    assert alone.instrument == old
    store.seal()
    assert loaded(store).equals(both)


def test_the_grid_of_a_tape_holds_all_its_rows_and_the_next_ones(
    store: Store, instrument: Instrument, make_trades: Callable[..., Trades]
) -> None:
    with pytest.raises(NotStored):
        store.grid(KEY, "trade")
    store.write_part(make_trades(5, of=instrument.with_grid("0.25", "0.01")))
    store.append(make_trades(5, of=instrument.with_grid("0.5", "0.001"), first_id=6))
    store.put_instrument(instrument.with_grid("0.1", "0.001"))

    grid = store.grid(KEY, "trade")

    assert (grid.tick_size, grid.lot_size) == (Decimal("0.05"), Decimal("0.001"))


def test_one_day_on_two_grids_is_compacted_onto_the_common_one(
    store: Store, instrument: Instrument, make_trades: Callable[..., Trades]
) -> None:
    store.append(make_trades(40, of=instrument.with_grid("0.25", "0.01")))
    store.append(make_trades(40, of=instrument, first_id=41, start_ns=START_NS + 3_600_000_000_000))
    store.seal()
    before = loaded(store)

    assert store.compact().days == 1
    assert loaded(store).equals(before)
    assert len(before) == 80


def test_another_multiplier_is_never_mixed_in(
    store: Store, instrument: Instrument, make_trades: Callable[..., Trades]
) -> None:
    other = msgspec.structs.replace(instrument, contract_multiplier=Decimal(100))
    store.write_part(make_trades(10))
    store.append(make_trades(10, of=other, first_id=11, start_ns=START_NS + 60_000_000_000))
    store.seal()

    with pytest.raises(StoreError, match="contract multiplier"):
        loaded(store)
    assert store.compact().days == 0
    apart = store.load(KEY, "trade", START_NS + 60_000_000_000, 2**62)
    assert apart.instrument.contract_multiplier == 100


def test_a_backfilled_trade_does_not_stand_before_the_live_one(
    store: Store, make_trades: Callable[..., Trades]
) -> None:
    live = make_trades(30)
    late = dataclasses.replace(live, flags=np.full(30, FLAG_BACKFILLED, np.uint8), ts_recv_ns=live.ts_recv_ns - 1)
    store.append(late)
    store.seal()
    store.append(live)

    assert loaded(store).equals(live)
    assert [one.rows for one in store.coverage()] == [30]
    store.seal()
    assert loaded(store).equals(live)
    assert [(one.rows, one.parts) for one in store.coverage()] == [(30, 2)]
    store.compact()
    assert loaded(store).equals(live)
    assert [(one.rows, one.parts) for one in store.coverage()] == [(30, 1)]


def test_what_is_not_stored_is_said_with_what_is(store: Store, make_trades: Callable[..., Trades]) -> None:
    with pytest.raises(NotStored, match=r"nothing at all: see footloom coverage"):
        loaded(store)
    store.write_part(make_trades(10))
    with pytest.raises(NotStored, match="its days are 2026-01-01 to 2026-01-01"):
        store.load(KEY, "trade", START_NS + 9 * DAY_NS, START_NS + 10 * DAY_NS)
    with pytest.raises(NotStored, match="its tapes are trade"):
        loaded(store, "agg_trade")
    with pytest.raises(ConfigError, match="VENUE:SYMBOL"):
        loaded(store, key="BTCUSDT")


def test_a_quiet_stretch_of_a_stored_day_is_empty_not_unknown(store: Store, make_trades: Callable[..., Trades]) -> None:
    store.write_part(make_trades(10))
    store.write_part(make_trades(10, start_ns=START_NS + 7_200_000_000_000, first_id=11))

    quiet = store.load(KEY, "trade", START_NS + 3_600_000_000_000, START_NS + 3_700_000_000_000)

    assert len(quiet) == 0
    assert quiet.instrument.key == KEY


def test_a_range_may_be_larger_than_64_bits_and_empty_ones_are_empty(
    store: Store, make_trades: Callable[..., Trades]
) -> None:
    trades = make_trades(20)
    store.write_part(trades.take(slice(0, 10)))
    store.append(trades.take(slice(10, 20)))

    assert len(store.load(KEY, "trade", -(10**30), 10**30)) == 20
    assert store.gaps(KEY, "trade", -(10**30), 10**30) == []
    moment = int(trades.ts_exch_ns[5])
    assert len(store.load(KEY, "trade", moment, moment)) == 0


def test_gaps_are_kept_live_and_sealed_and_found_from_within(store: Store, make_trades: Callable[..., Trades]) -> None:
    trades = make_trades(20)
    heard = Gap(symbol="BTCUSDT", from_ns=START_NS, to_ns=START_NS + 5, cause="reconnect", missing=7)
    long = Gap(symbol="BTCUSDT", from_ns=START_NS - 90 * DAY_NS, to_ns=START_NS + DAY_NS, cause="not recording")
    store.append(trades.take(slice(0, 10)), [heard, long])
    store.append(trades.take(slice(0, 0)), [heard])

    for _ in range(2):
        assert store.gaps(KEY, "trade", START_NS + 1, START_NS + 2) == [long, heard]
        assert store.gaps(KEY, "trade", START_NS + 100, START_NS + 200) == [long]
        assert store.gaps(KEY, "agg_trade", *EVER) == []
        assert sum(one.gaps for one in store.coverage()) == 2
        store.seal()


def test_instruments_are_dated(store: Store, instrument: Instrument) -> None:
    dated = msgspec.structs.replace(instrument.with_grid("0.05", "0.001"), valid_from_ns=START_NS)
    store.put_instrument(dated)
    store.put_instrument(instrument)
    store.put_instrument(msgspec.structs.replace(instrument, symbol="ETH/USDT"))

    assert [one.key for one in store.instruments()] == ["test:BTCUSDT", "test:ETH/USDT"]
    assert store.instrument(KEY) == dated
    assert store.instrument(KEY, START_NS - 1) == instrument
    assert store.instrument(KEY, START_NS) == dated
    store.put_instrument(msgspec.structs.replace(dated, base="XBT"))
    assert store.instrument(KEY).base == "XBT"
    with pytest.raises(NotStored, match="knows no instrument test:SOL"):
        store.instrument("test:SOL")


def test_an_instrument_that_begins_later_was_not_there_before(store: Store, instrument: Instrument) -> None:
    store.put_instrument(msgspec.structs.replace(instrument, valid_from_ns=START_NS))

    with pytest.raises(NotStored, match="not at 5 ns"):
        store.instrument(KEY, 5)


def test_rows_make_their_instrument_known_but_never_change_it(
    store: Store, instrument: Instrument, make_trades: Callable[..., Trades]
) -> None:
    store.write_part(make_trades(5))
    store.write_part(make_trades(5, of=instrument.with_grid("0.5", "0.001"), first_id=6))

    assert store.instruments() == [instrument]


def test_a_reader_cannot_write(root: Path, make_trades: Callable[..., Trades]) -> None:
    reader = Store(root)

    assert reader.coverage() == []
    assert reader.instruments() == []
    for write in (reader.seal, reader.compact, lambda: reader.append(make_trades(1)), lambda: reader.recovery):
        with pytest.raises(StoreError, match="open for reading only"):
            write()
    assert not root.exists()


def test_segments_roll_by_rows_and_by_the_clock_of_the_rows(root: Path, make_trades: Callable[..., Trades]) -> None:
    trades = make_trades(100, step_ms=3_000)  # about five minutes

    def segments(settings: Settings) -> int:
        with Store(root / str(settings.roll_rows), writer=True, settings=settings) as store:
            names = set()
            for row in range(100):
                store.append(trades.take(slice(row, row + 1)))
                names.add(store._writing()._journal.name)
            assert loaded(store).equals(trades)
            return len(names)

    assert segments(Settings()) == 1
    assert segments(Settings(roll_rows=10)) == 10
    assert segments(Settings(roll_rows=1_000, roll_ns=60_000_000_000)) > 3


def test_a_tape_of_many_small_segments_is_compacted_on_the_way(root: Path, make_trades: Callable[..., Trades]) -> None:
    trades = make_trades(200)
    with Store(root, writer=True, settings=Settings(roll_rows=5, small_parts=8)) as store:
        for row in range(0, 200, 5):
            store.append(trades.take(slice(row, row + 5)))
        store.seal()

        assert max(one.parts for one in store.coverage()) <= 8
        assert loaded(store).equals(trades)
