"""What stores hold of imports and gaps."""

from __future__ import annotations

import msgspec
import numpy as np

from footloom.core.messages import Gap
from footloom.store import SourceInfo
from footloom.store.keeping import KeptStore
from footloom.testing._store_sample import (
    DAY_NS,
    EVER,
    KEY,
    SMALL,
    START_NS,
    Home,
    bare,
    loaded,
    refused,
    same,
    tape,
)

__all__ = (
    "a_transaction_is_kept_or_not",
    "an_import_twice_changes_nothing",
    "files_without_ids_that_overlap_are_refused",
    "gaps_are_told_until_they_heal",
    "windows_around_a_recording_may_be_filled",
)


def an_import_twice_changes_nothing(home: Home) -> None:
    trades = tape()
    rows, source = bare(tape(400, 2))
    with KeptStore(home(), writer=True, settings=SMALL) as store:
        first = store.write_part(trades, SourceInfo("a", "a.csv", (0, 400)))
        again = store.write_part(trades, SourceInfo("a", "a.csv", (0, 400)))
        other = store.write_part(trades, SourceInfo("b", "b.csv", (0, 400)))
        assert (first.rows, again.rows, again.duplicates, other.rows, other.duplicates) == (400, 0, 400, 0, 400)
        same(loaded(store), trades, "imported three times")
        store.remove(KEY, "trade")
        for expected in (400, 0):
            assert store.write_part(rows, source).rows == expected, "rows without ids came in twice"
        same(loaded(store), rows, "without ids")


def files_without_ids_that_overlap_are_refused(home: Home) -> None:
    rows, source = bare(tape())
    with KeptStore(home(), writer=True, settings=SMALL) as store:
        store.write_part(rows, source)
        other, info = bare(tape(300, 3), "other")
        assert "overlaps" in refused("an overlap without ids", lambda: store.write_part(other, info))
        assert "overlap" in refused("an overlap heard live", lambda: store.append(tape(10)))
        same(loaded(store), rows, "after a refusal")


def windows_around_a_recording_may_be_filled(home: Home) -> None:
    trades = tape()
    with KeptStore(home(), writer=True, settings=SMALL) as store:
        store.append(trades.take(slice(40, 100)))
        store.seal()
        first, last = int(trades.ts_exch_ns[40]), int(trades.ts_exch_ns[99])
        windows = store.free_windows(KEY, "trade", START_NS, START_NS + 3 * DAY_NS)
        assert windows == [(START_NS, first), (last // 10**6 * 10**6 + 10**6, START_NS + 3 * DAY_NS)], windows
        rows, source = bare(trades.between(*windows[0]))
        assert store.write_part(rows, source, (), windows[0]).rows == len(rows)
        assert store.write_part(rows, source, (), windows[0]).rows == 0
        same(loaded(store).take(slice(len(rows), None)), trades.take(slice(40, 100)), "behind a filled window")


def a_transaction_is_kept_or_not(home: Home) -> None:
    trades = tape()
    with KeptStore(home(), writer=True, settings=SMALL) as store:
        store.write_part(trades.take(slice(0, 50)))
        try:
            with store.transaction():
                store.write_part(trades.take(slice(50, 400)))
                with KeptStore(home()) as beside:
                    assert len(loaded(beside)) == 50, "a transaction that is open is seen"
                raise KeyError  # noqa: TRY301 - whatever happens within
        except KeyError:
            pass
        same(loaded(store), trades.take(slice(0, 50)), "rolled back")
        with store.transaction():
            store.write_part(trades.take(slice(50, 400)))
        same(loaded(store), trades, "kept")
        assert store.verify() == len({(row.day, number) for row in store.coverage() for number in range(row.parts)})


# --- gaps


def gaps_are_told_until_they_heal(home: Home) -> None:
    trades = tape()
    early = Gap(
        symbol="X|1", from_ns=int(trades.ts_exch_ns[9]), to_ns=int(trades.ts_exch_ns[20]), cause="a", missing=10
    )
    late = Gap(symbol="X|1", from_ns=int(trades.ts_exch_ns[199]), to_ns=int(trades.ts_exch_ns[210]), cause="b")
    around = np.r_[0:10, 20:200, 210:400]
    with KeptStore(home(), writer=True, settings=SMALL) as store:
        store.append(trades.take(around[:50]), [early])
        store.append(trades.take(around[50:]), [late])
        for _ in range(2):
            assert store.gaps(KEY, "trade", *EVER) == [early, late], "gaps are not told"
            assert sum(row.gaps for row in store.coverage()) == 2, "coverage does not count gaps"
            store.seal()
        assert store.gaps(KEY, "trade", early.to_ns + 1, late.from_ns - 1) == [], "a gap is told where it is not"
        store.append(trades.take(slice(10, 20)), [msgspec.structs.replace(early, healed=True)])
        assert store.gaps(KEY, "trade", *EVER) == [late], "a healed gap is open"
        store.seal()
        store.write_part(trades.take(slice(150, 300)), SourceInfo("a", "a", (0, 150)))
        assert store.gaps(KEY, "trade", *EVER) == [], "ids prove that nothing is missing"
        same(loaded(store), trades, "after healing")
