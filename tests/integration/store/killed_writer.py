"""A program that writes to a store and says what was acknowledged; its parent kills it at any instant.

``killed_writer.py ROOT SEED [liar] [lazy-journal] [lazy-files]``: rows are a function of their number, so that the
parent can check every column.
The tape ``trade`` has ids, the others have none: there nothing but the store's own bookkeeping keeps a row from being
stored twice. Each round tells a gap at its first row, and heals all before it. A liar acknowledges rows that it never
stores; a lazy writer flushes no commits, or no files.
"""

from __future__ import annotations

import os
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

from footloom.core.instrument import Instrument
from footloom.core.messages import Gap
from footloom.core.series import Series, is_series
from footloom.core.trades import FLAG_NO_ID, Trades
from footloom.store import Settings, SourceInfo
from footloom.store.files import Store
from footloom.store.segment import Segment

INSTRUMENT = Instrument(venue="test", symbol="KILL", tick_size=Decimal("0.1"), lot_size=Decimal("0.001"))
TAPES = ("trade", "agg_trade", "depth", "open_interest")
START_NS = 1_767_225_600_000_000_000
STEP_NS = 40_000_000_000  # 2 160 rows a day, so that days end now and then
SETTINGS = Settings(roll_rows=300, row_group_rows=128, small_parts=4, part_rows=1_000)
EVER = (0, 2**62)


def rows(tape: str, first: int, count: int) -> Trades | Series:
    number = np.arange(first, first + count, dtype=np.int64)
    ts = START_NS + number * STEP_NS
    if tape == "depth":
        return Series.build(
            INSTRUMENT, tape, ts - number % 777, ts, side=number % 3 - 1, price_tick=number * 7 % 1_000,
            qty_lot=number % 50, first_id=number * 3, last_id=number * 3 + 2, kind=number % 2,
        )  # fmt: skip
    if tape == "open_interest":
        return Series.build(INSTRUMENT, tape, ts, ts + number % 1_000, oi_lot=number * number)
    flags = np.full(count, 0 if tape == "trade" else FLAG_NO_ID, np.uint8)
    return Trades.build(
        INSTRUMENT, ts, number * 7 % 1_000, number % 50 + 1, number % 3 - 1, trade_id=number,
        ts_recv_ns=ts + number % 1_000, flags=flags, tape=tape,
    )  # fmt: skip


def stored(store: Store, tape: str) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """The numbers of the stored rows of a tape, in the order in which they come out; each row is as it was made."""
    if tape not in {one.tape for one in (*store.coverage(), *store.series())}:
        return np.zeros(0, np.int64)
    if is_series(tape):
        block: Any = store.load_series(INSTRUMENT.key, tape, *EVER)
    else:
        block = store.load(INSTRUMENT.key, tape, *EVER)
    numbers: np.ndarray[tuple[int], np.dtype[np.int64]]
    numbers = ((block.ts_recv_ns if tape == "depth" else block.ts_exch_ns) - START_NS) // STEP_NS
    if len(numbers):
        made: Any = rows(tape, int(numbers[0]), int(numbers[-1] - numbers[0]) + 1)
        assert block.equals(made.take(numbers - numbers[0])), "a row is not what was written"
    return numbers


def told(first: int) -> list[Gap]:
    """A gap at a row, and that all before it is whole."""
    at_ns = START_NS + first * STEP_NS
    gap = Gap(symbol="KILL", from_ns=at_ns, to_ns=at_ns + STEP_NS, cause="test")
    return [gap, Gap(symbol="KILL", from_ns=START_NS, to_ns=at_ns, cause="test", healed=True)]


def say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def be_lazy() -> None:
    """Take away what makes rows durable, so that a test sees that it is missed."""
    if "lazy-files" in sys.argv:
        os.fsync = lambda _: None  # type: ignore[assignment] # here only
    if "lazy-journal" in sys.argv:
        prepare = Segment._prepare

        def prepared(segment: Segment, first_seq: int) -> None:
            prepare(segment, first_seq)
            segment._database.execute("PRAGMA synchronous = OFF")

        Segment._prepare = prepared  # type: ignore[assignment, method-assign] # here only


def main() -> None:
    be_lazy()
    root, seed, liar = Path(sys.argv[1]), int(sys.argv[2]), "liar" in sys.argv
    rng = np.random.default_rng(seed)
    store = Store(root, writer=True, settings=SETTINGS)
    say("recovered", store.recovery.rows, len(store.recovery.quarantined))
    following = {tape: int(stored(store, tape).max(initial=-1)) + 1 for tape in TAPES}
    while True:
        counts = {tape: int(rng.integers(1, 60)) for tape in following}
        blocks = {tape: rows(tape, following[tape], counts[tape]) for tape in following}
        kind = rng.integers(12)
        if kind == 0:
            store.seal()
        elif kind == 1:
            store.compact()
        elif kind <= 3:  # an archive of what comes next, in a file of its own
            source = SourceInfo(f"sha-{seed}-{following['trade']}", "archive.csv", (0, counts["trade"]))
            with store.transaction():
                store.write_part(blocks["trade"], source, told(following["trade"]))
            following["trade"] += counts["trade"]
        else:
            if not liar:
                store.append_many([(block, told(following[tape])) for tape, block in blocks.items()])
            for tape, count in counts.items():
                following[tape] += count
        say("acknowledged", *following.values())


if __name__ == "__main__":
    main()
