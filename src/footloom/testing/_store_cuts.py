"""What stores hold when the power goes, before any write of what they do."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from footloom.core.messages import Gap
from footloom.core.trades import Trades
from footloom.store.keeping import KeptStore
from footloom.store.medium import Lock, Medium
from footloom.testing._store_sample import (
    EVER,
    KEY,
    SMALL,
    Home,
    loaded,
    same,
    slices,
    tape,
)

__all__ = (
    "a_cut_while_compacting_loses_and_doubles_nothing",
    "a_cut_while_importing_closes_no_gap_without_its_rows",
    "a_cut_while_importing_leaves_the_old_or_the_new",
    "a_cut_while_removing_removes_all_or_nothing",
    "a_cut_while_sealing_loses_and_doubles_nothing",
    "die",
)


class Power(Exception):
    """The power goes."""


_WRITES = frozenset(
    (
        *("add_part", "delete_segment", "new_segment", "remove_tape", "write_definitions"),
        *("write_manifest", "forget_definitions"),
    )
)


_ROWS = 250  # of a day and a half


def sample() -> Trades:
    """Return the tape that is written."""
    return tape().take(slice(0, _ROWS))


class _Cut:
    """A medium that dies before one of its writes, and does nothing from then on."""

    def __init__(self, medium: Medium, writes: int) -> None:
        self._medium = medium
        self._left = writes
        self.lock_held: Lock | None = None
        self.armed = False

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._medium, name)
        if name not in _WRITES:
            return found

        def call(*arguments: Any) -> Any:
            if self.armed:
                self._left -= 1
                if self._left < 0:
                    raise Power
            return found(*arguments)

        return call

    def lock(self) -> Lock:
        self.lock_held = self._medium.lock()
        return self.lock_held


def die(store: KeptStore) -> None:
    """Leave a store as a kill does: nothing more is written, and the lock goes with its holder."""
    held = store.medium
    if isinstance(held, _Cut):
        held.armed = True
        held._left = 0  # noqa: SLF001 - our own
    store.abandon()


class Work(NamedTuple):
    """Something that writes to a store, and what must be there whether it was cut or not."""

    before: Callable[[KeptStore], int]  # the number of the last row
    work: Callable[[KeptStore], object]
    may_lack: bool = False  # rows of an import that never returned may be absent


def _write_parts(store: KeptStore) -> int:
    for rows in slices(_ROWS, _ROWS // 2):
        store.write_part(sample().take(rows))
    return 0


_CUTS = {
    "seal": Work(lambda store: store.append(sample()), lambda store: store.seal()),
    "compaction": Work(_write_parts, lambda store: store.compact()),
    "import": Work(
        lambda store: store.append(sample().take(slice(0, 100))),
        lambda store: store.write_part(sample()),
        may_lack=True,
    ),
}


def _cut_anywhere(home: Home, kind: str) -> None:
    what = _CUTS[kind]
    for writes in itertools.count():
        medium: Any = _Cut(home(), writes)
        store = KeptStore(medium, writer=True, settings=SMALL)
        last = what.before(store)
        medium.armed = True
        try:
            what.work(store)
            was_cut = False
        except Power:
            was_cut = True
        die(store)
        _is_whole_after_a_cut(home, what, last, f"{kind}, cut before write {writes + 1}")
        if not was_cut:
            return


def _is_whole_after_a_cut(home: Home, what: Work, last: int, where: str) -> None:
    with KeptStore(home()) as beside:
        found = loaded(beside)
        least = 100 if what.may_lack else _ROWS
        assert len(found) >= least, f"{where}: {len(found)} rows are left of {least}"
        same(found, sample().take(found.trade_id - 1), where)
    with KeptStore(home(), writer=True, settings=SMALL) as again:
        again.seal()
        again.write_part(sample())
        same(loaded(again), sample(), f"{where}, done again")
        assert sum(row.rows for row in again.coverage()) == _ROWS, f"{where}: coverage counts rows twice"
        assert again.append(tape(5, first_id=10_000)) >= last + 5, f"{where}: numbers begin again"
        again.seal()
        again.verify()
        again.remove(KEY, "trade")


def a_cut_while_sealing_loses_and_doubles_nothing(home: Home) -> None:
    _cut_anywhere(home, "seal")


def a_cut_while_compacting_loses_and_doubles_nothing(home: Home) -> None:
    _cut_anywhere(home, "compaction")


def a_cut_while_importing_leaves_the_old_or_the_new(home: Home) -> None:
    _cut_anywhere(home, "import")


def a_cut_while_importing_closes_no_gap_without_its_rows(home: Home) -> None:
    rows = sample()
    from_ns, to_ns = int(rows.ts_exch_ns[99]), int(rows.ts_exch_ns[-1]) + 1  # into the next day
    gap = Gap(symbol=rows.instrument.symbol, from_ns=from_ns, to_ns=to_ns, cause="disconnected (1006)")
    for writes, how in itertools.product(range(100), ("alone", "in a transaction")):
        medium: Any = _Cut(home(), writes)
        store = KeptStore(medium, writer=True, settings=SMALL)
        store.append(rows.take(slice(0, 100)), [gap])
        medium.armed = True
        try:
            with store.transaction() if how == "in a transaction" else contextlib.nullcontext():
                store.write_part(rows, gaps=[msgspec.structs.replace(gap, healed=True)])
            was_cut = False
        except Power:
            was_cut = True
        die(store)
        with KeptStore(home(), writer=True, settings=SMALL) as again:
            missing = len(rows) - len(loaded(again))
            is_open = bool(again.gaps(KEY, "trade", *EVER))
            where = f"an import {how}, cut before write {writes + 1}"
            assert is_open or not missing, f"{where}: {missing} rows are missing, and their gap is closed"
            again.remove(KEY, "trade")
        if not was_cut and how == "in a transaction":
            assert not is_open, "an import that was not cut closes its gap"
            return
    raise AssertionError("an import of two days takes more than a hundred writes")


def a_cut_while_removing_removes_all_or_nothing(home: Home) -> None:
    for writes in itertools.count():
        medium: Any = _Cut(home(), writes)
        store = KeptStore(medium, writer=True, settings=SMALL)
        store.write_part(sample())
        medium.armed = True
        try:
            store.remove(KEY, "trade")
            was_cut = False
        except Power:
            was_cut = True
        die(store)
        with KeptStore(home(), writer=True, settings=SMALL) as again:
            rows = sum(row.rows for row in again.coverage())
            assert rows in {0, _ROWS}, f"a cut before write {writes + 1} of a removal leaves {rows} rows"
            if rows:
                same(loaded(again), sample(), "not removed")
                again.remove(KEY, "trade")
        if not was_cut:
            return
