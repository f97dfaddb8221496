"""What stores hold of other rows, instruments, coverage and removal, and what they keep beside."""

from __future__ import annotations

import dataclasses
import hashlib
from decimal import Decimal

import msgspec
import numpy as np

from footloom.core.finished import Finished
from footloom.core.series import Series
from footloom.core.trades import Trades
from footloom.errors import NotStored, StoreLocked
from footloom.store import RawPart, SourceInfo, UnreadableFrame
from footloom.store.keeping import KeptStore
from footloom.testing._store_sample import (
    DAY_NS,
    EVER,
    INSTRUMENT,
    KEY,
    SMALL,
    START_NS,
    Home,
    book,
    loaded,
    refused,
    same,
    slices,
    snapshots_of,
    tape,
)

__all__ = (
    "a_reader_goes_on_while_parts_are_replaced",
    "a_tape_is_removed_with_all_that_is_known_of_it",
    "coverage_says_what_is_there",
    "coverage_tells_other_rows_apart",
    "definitions_hold_from_their_dates",
    "one_writes_and_any_number_read",
    "other_grids_are_read_on_their_common_one",
    "series_and_snapshots_are_kept_in_the_order_of_receipt",
    "texts_are_kept_as_they_came",
    "unreadable_frames_are_kept_and_bounded",
    "what_is_no_whole_tape_is_no_coverage",
)


def series_and_snapshots_are_kept_in_the_order_of_receipt(home: Home) -> None:
    depth, snapshots = book(300), snapshots_of(300)
    with KeptStore(home(), writer=True, settings=SMALL) as store:
        for rows in slices(300, 100):
            store.append_many([(depth.take(rows), ()), (snapshots.take(rows), ())])
            if rows.start == 100:
                store.seal()
        for _ in range(2):
            assert store.load_series(KEY, "depth", *EVER).equals(depth), "depth differs"
            pieces = list(store.iter_series(KEY, "depth", *EVER))
            assert Series.concat(pieces).equals(depth), "depth by pieces differs"
            found = store.load(KEY, "snapshot", *EVER)
            for name in ("ts_exch_ns", "ltp_tick", "vtt_lot", "bid_tick", "ts_recv_ns", "oi_lot", "bid_lot"):
                assert (getattr(found, name) == getattr(snapshots, name)).all(), f"{name} of snapshots differs"
            assert [row.tape for row in store.coverage()] == ["snapshot"], "depth counts as coverage"
            assert [(row.tape, row.rows) for row in store.series()] == [("depth", 300)]
            store.seal()
            store.compact()


def what_is_no_whole_tape_is_no_coverage(home: Home) -> None:
    trades = tape(50)
    large = dataclasses.replace(trades, tape="partial:large")
    column = np.arange(10)
    level = np.full(10, 1_000)
    done = Finished(
        INSTRUMENT,
        open_ns=START_NS + column // 5 * DAY_NS,
        close_ns=START_NS + DAY_NS + column // 5 * DAY_NS,
        bar=column // 5,
        open_tick=level,
        high_tick=level,
        low_tick=level,
        close_tick=level,
        row_tick=level + column,
        buy_lot=column + 1,
        sell_lot=column + 2,
        unknown_lot=column * 0,
    )
    with KeptStore(home(), writer=True, settings=SMALL) as store:
        store.append(large)
        store.write_part(done, SourceInfo("f", "f.db", (0, 10)))
        assert store.coverage() == [], "a partial tape or finished footprints count as coverage"
        assert sum(row.rows for row in store.partials()) == 50
        assert [row.rows for row in store.finished()] == [5, 5]
        found = store.load_finished(KEY, "finished:file")
        assert (found.row_tick.tolist(), found.buy_lot.tolist()) == (done.row_tick.tolist(), done.buy_lot.tolist())


def definitions_hold_from_their_dates(home: Home) -> None:
    old, new = INSTRUMENT, msgspec.structs.replace(INSTRUMENT, lot_size=Decimal(2), valid_from_ns=START_NS)
    with KeptStore(home(), writer=True, settings=SMALL) as store:
        store.put_instrument(new)
        store.put_instrument(old)
        with KeptStore(home()) as beside:
            assert beside.instrument(KEY) == new
            assert beside.instrument(KEY, START_NS - 1) == old
            assert beside.instruments() == [new]
        store.put_instrument(msgspec.structs.replace(new, lot_size=Decimal(4)))
        assert store.instrument(KEY).lot_size == 4, "a definition of the same date was not replaced"
        refused("an unknown instrument", lambda: store.instrument("sample:Y"), NotStored)


def other_grids_are_read_on_their_common_one(home: Home) -> None:
    fine = INSTRUMENT.with_grid("0.2", "0.25")
    with KeptStore(home(), writer=True, settings=SMALL) as store:
        one = tape(50)
        two = tape(50, 4, of=fine, first_id=51)
        two = dataclasses.replace(two, ts_exch_ns=two.ts_exch_ns + 5 * DAY_NS)
        store.append(one)
        store.append(two)
        for _ in range(2):
            found = loaded(store)
            grid = found.instrument
            assert (grid.tick_size, grid.lot_size) == (Decimal("0.1"), Decimal("0.25")), f"the common grid is {grid}"
            assert found.price_tick.tolist() == [*(one.price_tick * 5), *(two.price_tick * 2)], "prices moved"
            assert found.qty_lot.tolist() == [*(one.qty_lot * 4), *two.qty_lot], "quantities changed"
            assert store.grid(KEY, "trade").tick_size == Decimal("0.1")
            store.seal()


def coverage_says_what_is_there(home: Home) -> None:
    trades = tape()
    days = trades.ts_exch_ns // DAY_NS
    with KeptStore(home(), writer=True, settings=SMALL) as store:
        for rows in slices(400, 50):
            store.append(trades.take(rows))
            store.seal()
        store.append(trades.take(slice(380, 400)))
        for _ in range(2):
            covered = store.coverage(KEY)
            assert [row.rows for row in covered] == [int((days == day).sum()) for day in np.unique(days)], "rows differ"
            spans = [(row.first_ns, row.last_ns) for row in covered]
            assert spans == [
                (int(trades.ts_exch_ns[days == d][0]), int(trades.ts_exch_ns[days == d][-1])) for d in np.unique(days)
            ], "first and last times differ"
            assert all(row.bytes > 0 and row.sources == ("journal",) for row in covered)
            store.seal()
            store.compact()
        assert [row.parts for row in store.coverage()] == [1, 1, 1], "compaction leaves a small day in many parts"
        assert store.coverage("sample:Y") == []
        assert store.verify(KEY) == 3


def coverage_tells_other_rows_apart(home: Home) -> None:
    trades = tape(5)
    others = [
        trades,
        dataclasses.replace(trades, price_tick=trades.price_tick + 1),
        dataclasses.replace(trades, price_tick=trades.price_tick + 2),
        tape(5, of=INSTRUMENT.with_grid("0.25", "1")),
    ]
    told: dict[bool, list[tuple[str, ...]]] = {False: [], True: []}
    for sealed, contents in told.items():
        for rows in others:  # opened anew each time: numbers of rows and parts begin again
            with KeptStore(home(), writer=True, settings=SMALL) as store:
                store.append(rows)
                if sealed:
                    store.seal()
                contents.append(tuple(row.content for row in store.coverage(KEY)))
                assert contents[-1] == tuple(row.content for row in store.coverage()), "asking twice differs"
                store.remove(KEY, "trade")
    for sealed, contents in told.items():
        where = "parts" if sealed else "journal"
        assert all(contents[0]), f"what the {where} holds is not told"
        assert len(set(contents)) == len(others), f"other rows at the same times, in the {where}, are told as the same"


def a_tape_is_removed_with_all_that_is_known_of_it(home: Home) -> None:
    trades = tape()
    with KeptStore(home(), writer=True, settings=SMALL) as store:
        store.write_part(trades.take(slice(0, 200)))
        store.append(trades.take(slice(200, 400)))
        store.append(book(30))
        removed = store.remove(KEY, "trade")
        assert (removed.rows, removed.days) == (400, 3), f"removing 400 rows of 3 days reports {removed}"
        refused("a removed tape", lambda: store.load(KEY, "trade", *EVER), NotStored)
        assert store.instrument(KEY) == INSTRUMENT, "another tape of the symbol needs its definition"
        store.remove(KEY, "depth")
        refused("a removed instrument", lambda: store.instrument(KEY), NotStored)
        refused("a tape that is gone", lambda: store.remove(KEY, "trade"), NotStored)
        finer = INSTRUMENT.with_grid("0.25", "1")
        store.append(tape(5, of=finer))
        assert loaded(store).instrument == finer, "a new tape stands on the old grid"


def one_writes_and_any_number_read(home: Home) -> None:
    with KeptStore(home(), writer=True, settings=SMALL) as store:
        text = refused("a second writer", lambda: KeptStore(home(), writer=True), StoreLocked)
        assert "being written to by" in text, f"the refusal does not name the holder: {text}"
        store.append(tape(10))
        with KeptStore(home()) as one, KeptStore(home()) as two:
            assert len(loaded(one)) == len(loaded(two)) == 10
            refused("writing through a reader", lambda: one.append(tape(10)))
    with KeptStore(home(), writer=True) as again:
        same(loaded(again), tape(10), "written by the one before")


def a_reader_goes_on_while_parts_are_replaced(home: Home) -> None:
    trades = tape()
    with KeptStore(home(), writer=True, settings=SMALL) as store:
        for rows in slices(400, 100):
            store.write_part(trades.take(rows))
        with KeptStore(home(), settings=SMALL) as beside:
            chunks = beside.iter_chunks(KEY, "trade", *EVER)
            found = [next(chunks)]
            store.append(trades.take(slice(0, 30)))
            store.seal()
            store.compact()
            found += list(chunks)
            same(Trades.concat([chunk for chunk in found if isinstance(chunk, Trades)]), trades, "read meanwhile")


def unreadable_frames_are_kept_and_bounded(home: Home) -> None:
    with KeptStore(home(), writer=True, settings=msgspec.structs.replace(SMALL, unreadable_frames=20)) as store:
        for number in range(50):
            frame = UnreadableFrame("sample", START_NS + number, "no JSON", b"frame %d" % number)
            store.keep_unreadable([frame])
        found = store.unreadable(5)
        assert [one.data for one in found.frames] == [b"frame %d" % number for number in (49, 48, 47, 46, 45)]
        assert 5 <= found.kept <= 20, f"of 20 frames {found.kept} are kept"
        assert (found.counts, found.dropped) == ({"sample": 50}, 50 - found.kept)


def notes_are_replaced_whole(home: Home) -> None:
    with KeptStore(home(), writer=True, settings=SMALL) as store:
        assert store.note("a/b:c") is None
        for text in (b'{"n": 1}', b'{"n": 22}'):
            store.put_note("a/b:c", text)
            with KeptStore(home()) as beside:
                assert beside.note("a/b:c") == text, "a note is not what was written last"
                refused("a note through a reader", lambda beside=beside: beside.put_note("a/b:c", b"{}"))  # type: ignore[misc]


def texts_are_kept_as_they_came(home: Home) -> None:
    text = b"line\n" * 10_000
    part = RawPart(
        venue="sample", symbol="X|1", kind="depth", sha256=hashlib.sha256(text).hexdigest(), name="a.txt", source="x",
        messages=10_000, first_ns=START_NS, last_ns=START_NS + 1,
    )  # fmt: skip
    with KeptStore(home(), writer=True, settings=SMALL) as store:
        refused("a text that changed", lambda: store.write_raw(part, [b"other"]))
        assert store.raw_parts() == [], "a text that changed was kept"
        assert [store.write_raw(part, [text[:7], text[7:]]) for _ in range(2)] == [True, False]
    with KeptStore(home()) as beside:
        (found,) = beside.raw_parts(KEY)
        assert (found.text_bytes, found.sha256) == (50_000, part.sha256)
        assert beside.raw_text(found) == text, "a text differs"
