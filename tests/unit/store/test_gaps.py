"""Gaps heal: told live, told by an import, or proven by the ids; nothing of what was told is forgotten."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest

from footloom.core.messages import Gap
from footloom.core.trades import Trades
from footloom.store import Settings, SourceInfo
from footloom.store.files import Store
from footloom.store.healing import proven_whole
from footloom.store.layout import Stream
from footloom.store.manifest import Catalog, Manifest
from footloom.store.notes import Note, in_order, known_with, still_open

START_NS = 1_767_225_600_000_000_000
DAY_NS = 86_400_000_000_000
EVER = (0, 2**62)
KEY = "test:BTCUSDT"
MakeTrades = Callable[..., Trades]


def lost(from_ns: int, to_ns: int, missing: int | None = None) -> Gap:
    return Gap(symbol="BTCUSDT", from_ns=from_ns, to_ns=to_ns, cause="reconnect", missing=missing)


def found(from_ns: int, to_ns: int, missing: int | None = None) -> Gap:
    return Gap(symbol="BTCUSDT", from_ns=from_ns, to_ns=to_ns, cause="backfill", missing=missing, healed=True)


def spans(store: Store) -> list[tuple[int, int, int | None]]:
    return [(gap.from_ns - START_NS, gap.to_ns - START_NS, gap.missing) for gap in store.gaps(KEY, "trade", *EVER)]


@pytest.mark.parametrize("seals", ["never", "between", "after", "each"])
def test_a_healed_gap_is_closed_whatever_was_sealed_when(
    root: Path, store: Store, make_trades: MakeTrades, seals: str
) -> None:
    trades = make_trades(60)
    late = START_NS + DAY_NS - 500
    whole, part = lost(START_NS + 100, START_NS + 200, 9), lost(START_NS + 1_000, START_NS + 2_000, 10)
    across = lost(late, late + 1_000)
    store.append(trades.take(slice(0, 30)), [whole, part, across])
    if seals in {"between", "each"}:
        store.seal()
    assert len(spans(store)) == 3
    healed = [found(START_NS + 50, START_NS + 300), found(START_NS + 1_000, START_NS + 1_400, 4)]
    store.append(trades.take(slice(30, 60)), healed)
    if seals == "each":
        store.seal()
    store.append(trades.take(slice(0, 0)), [found(late, late + 600)])
    if seals in {"after", "each"}:
        store.seal()
        store.compact()

    left = [(1_400, 2_000, 6), (DAY_NS + 100, DAY_NS + 500, None)]
    assert spans(store) == left
    assert sum(one.gaps for one in store.coverage()) == 2
    store.close()
    with Store(root, writer=True, settings=Settings()) as again:
        assert spans(again) == left
        again.seal()
        assert spans(again) == left
        assert sum(one.gaps for one in again.coverage()) == 2


def test_a_gap_that_comes_after_a_healed_one_is_open(store: Store, make_trades: MakeTrades) -> None:
    trades = make_trades(30)
    gap = lost(START_NS, START_NS + 9)
    store.append(trades.take(slice(0, 10)), [gap])
    store.append(trades.take(slice(10, 20)), [found(START_NS, START_NS + 9)])
    store.append(trades.take(slice(20, 30)), [gap])

    for _ in range(2):
        assert spans(store) == [(0, 9, None)]
        store.seal()


@pytest.mark.parametrize("seals", ["never", "each"])
def test_a_gap_told_after_a_healed_one_is_open_though_no_row_came_between(
    root: Path, store: Store, make_trades: MakeTrades, seals: str
) -> None:
    nothing = make_trades(0)
    store.append(make_trades(5), [lost(START_NS, START_NS + 90)])
    for gap in (found(START_NS, START_NS + 90), lost(START_NS + 20, START_NS + 30)):
        store.append(nothing, [gap])
        if seals == "each":
            store.seal()
    assert spans(store) == [(20, 30, None)]

    store.write_part(nothing, SourceInfo("a", "a", (0, 0)), [found(START_NS, START_NS + 90)])
    assert spans(store) == []
    store.append(nothing, [lost(START_NS + 40, START_NS + 50)])
    assert spans(store) == [(40, 50, None)]
    store.close()
    with Store(root, writer=True) as again:
        again.seal()
        assert spans(again) == [(40, 50, None)]


def test_a_day_that_held_nothing_but_a_healed_gap_is_not_listed(store: Store, make_trades: MakeTrades) -> None:
    store.append(make_trades(3), [lost(START_NS - DAY_NS, START_NS - DAY_NS + 5)])
    assert len(store.coverage()) == 2
    store.append(make_trades(0), [found(START_NS - DAY_NS, START_NS - DAY_NS + 5)])
    for _ in range(2):
        assert len(store.coverage()) == 1
        store.seal()


def test_a_healed_gap_of_an_import_closes_what_was_heard(store: Store, make_trades: MakeTrades) -> None:
    trades = make_trades(40)
    gap = lost(int(trades.ts_exch_ns[9]), int(trades.ts_exch_ns[30]), 20)
    store.append(trades.take(np.r_[0:10, 30:40]), [gap])
    healed = msgspec.structs.replace(gap, healed=True)

    store.write_part(trades.take(slice(10, 30)), SourceInfo("rest", "rest", (0, 20), "fetch"), [healed])

    assert spans(store) == []


@pytest.mark.parametrize("first", ["seal", "keep"])
def test_trades_that_are_imported_close_a_gap_where_ids_prove_it(
    store: Store, make_trades: MakeTrades, first: str
) -> None:
    trades = make_trades(1_000, step_ms=200)
    time = trades.ts_exch_ns
    gaps = [lost(int(time[99]), int(time[201]), 101), lost(int(time[399]), int(time[601]), 201)]
    store.append(trades.take(np.r_[0:100, 201:400, 601:1_000]), gaps)
    if first == "seal":
        store.seal()
    archive = trades.take(np.r_[150:500])  # all of no gap
    store.write_part(archive, SourceInfo("one", "one.zip", (0, 350)))
    assert len(spans(store)) == 2, "fifty trades of the first are still missing, and a hundred of the second"

    store.write_part(trades.take(slice(90, 160)), SourceInfo("two", "two.zip", (0, 70)))

    assert spans(store) == [(gaps[1].from_ns - START_NS, gaps[1].to_ns - START_NS, 201)]
    with store.transaction():
        store.write_part(trades.take(slice(480, 700)), SourceInfo("three", "three.zip", (0, 220)))
    assert spans(store) == []
    store.seal()
    assert spans(store) == []
    assert len(store.load(KEY, "trade", *EVER)) == 1_000


def test_an_import_that_fails_heals_nothing(store: Store, make_trades: MakeTrades) -> None:
    trades = make_trades(100)
    gap = lost(int(trades.ts_exch_ns[9]), int(trades.ts_exch_ns[50]), 40)
    store.append(trades.take(np.r_[0:10, 50:100]), [gap])

    def fail() -> None:
        with store.transaction():
            store.write_part(trades, SourceInfo("one", "one.zip", (0, 100)))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()

    assert len(spans(store)) == 1


def test_the_same_archive_again_does_not_open_what_was_healed_since(store: Store, make_trades: MakeTrades) -> None:
    trades = make_trades(50)
    gap = lost(START_NS + 3, START_NS + 4)
    store.write_part(trades, SourceInfo("one", "one.zip", (0, 50)), [gap])
    store.append(make_trades(1, first_id=90), [found(START_NS, START_NS + 9)])
    store.seal()

    store.write_part(trades, SourceInfo("one", "one.zip", (0, 50)), [gap])

    assert spans(store) == []


def test_what_a_source_tells_of_gaps_is_not_denied_by_its_own_rows(store: Store, make_trades: MakeTrades) -> None:
    trades = make_trades(50)
    gap = lost(int(trades.ts_exch_ns[10]), int(trades.ts_exch_ns[20]))
    for _ in range(2):
        store.write_part(trades, SourceInfo("one", "one.zip", (0, 50)), [gap])
        assert len(spans(store)) == 1

    store.write_part(trades, SourceInfo("two", "two.zip", (0, 50)))
    assert spans(store) == []


COLUMNS = {
    "ts_exch_ns": np.array([10, 20, 20, 30, 40]),
    "trade_id": np.array([1, 2, 3, 4, 5]),
    "flags": np.zeros(5, np.uint8),
}


@pytest.mark.parametrize(
    ("change", "gap", "whole"),
    [
        ({}, (20, 30), True),
        ({}, (15, 35), True),
        ({}, (5, 30), False),  # nothing before it
        ({}, (20, 45), False),  # nothing behind it
        ({}, (10, 40), True),  # the outermost rows themselves are its ends
        ({"trade_id": np.array([1, 2, 3, 5, 6])}, (20, 30), False),
        ({"trade_id": np.array([1, 2, 4, 5, 6])}, (20, 20), False),  # lost within one and the same time
        ({"trade_id": np.array([1, 2, 3, 4, 9])}, (20, 25), True),  # a hole elsewhere
        ({"flags": np.array([0, 1, 0, 0, 0], np.uint8), "trade_id": np.array([1, 0, 2, 3, 4])}, (15, 25), False),
        ({"flags": np.ones(5, np.uint8)}, (20, 30), False),
    ],
)
def test_what_ids_prove(change: dict[str, np.ndarray], gap: tuple[int, int], whole: bool) -> None:  # noqa: FBT001 - the answer
    healed = proven_whole({**COLUMNS, **change}, [lost(*gap, 7)])

    assert [(one.from_ns, one.to_ns, one.missing, one.healed) for one in healed] == [(*gap, 7, True)] * whole


def test_records_stand_in_the_order_in_which_they_were_made() -> None:
    gap, healed = lost(0, 9), found(0, 9)
    notes = [Note(gap=healed, at_seq=5, heard=True), Note(gap=gap, at_seq=5, heard=True), Note(gap=gap, at_seq=2)]

    assert [(note.at_seq, note.gap.healed) for note in in_order([*notes, *notes])] == [
        (2, False),
        (5, False),
        (5, True),
    ]
    assert still_open(notes) == []
    assert known_with(notes, [Note(gap=gap, at_seq=9)]) == tuple(in_order(notes))
    assert len(known_with(notes, [Note(gap=gap, at_seq=9, heard=True)])) == 4


def test_gaps_of_an_older_manifest_are_read_and_can_heal(root: Path, make_trades: MakeTrades) -> None:
    with Store(root, writer=True) as store:
        store.append(make_trades(1), ())
        store.seal()
    catalog = Catalog(store._medium)
    stream = Stream.named(KEY, "trade")
    day = store.coverage()[0].day
    old = catalog.read(stream, day)
    assert isinstance(old, Manifest)
    catalog.publish(msgspec.structs.replace(old, version=1, gaps=(lost(START_NS, START_NS + 5),), notes=()))

    with Store(root, writer=True) as again:
        assert spans(again) == [(0, 5, None)]
        again.append(make_trades(1, first_id=7), [found(START_NS, START_NS + 2)])
        again.seal()
        assert spans(again) == [(2, 5, None)]
    assert catalog.read(stream, day).version == 2  # type: ignore[union-attr] # it is there
