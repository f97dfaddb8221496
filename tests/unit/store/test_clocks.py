"""A clock that is set anew, by years and either way: segments end as before, no row is lost or out of place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from footloom.core.instrument import Instrument
from footloom.core.series import Series
from footloom.core.trades import Trades
from footloom.store import Settings
from footloom.store.files import Store

START_NS = 1_767_225_600_000_000_000
SECOND = 1_000_000_000
YEAR = 365 * 86_400 * SECOND
EVER = (0, 2**63 - 1)
KEY = "test:BTCUSDT"


def segments_of(root: Path, receipts: list[int], instrument: Instrument) -> int:
    """How many segments commits of one trade each make, by the times when they were received."""
    made = set()
    with Store(root, writer=True, settings=Settings(roll_rows=1_000_000, roll_ns=600 * SECOND)) as store:
        for number, recv_ns in enumerate(receipts, 1):
            store.append(
                Trades.build(instrument, [START_NS + number], [1], [1], [1], trade_id=[number], ts_recv_ns=[recv_ns])
            )
            made.add(store._writing()._journal.name)
        found = store.load(KEY, "trade", *EVER)
        assert isinstance(found, Trades)
        assert found.trade_id.tolist() == list(range(1, len(receipts) + 1))
        assert found.ts_recv_ns.tolist() == receipts
        store.seal()
        assert store.load(KEY, "trade", *EVER).equals(found)  # type: ignore[union-attr] # trades
    return len(made)


def every_minute(count: int, start_ns: int = START_NS) -> list[int]:
    return [start_ns + number * 60 * SECOND for number in range(count)]


@pytest.mark.parametrize(
    ("receipts", "segments"),
    [
        (every_minute(35), 4),
        (every_minute(15) + every_minute(20, START_NS + 5 * YEAR), 4),
        (every_minute(15) + every_minute(20, START_NS - 5 * YEAR), 4),
        (every_minute(15) + every_minute(20, 1), 4),  # since 1970
        ([START_NS + number % 2 * 5 * YEAR for number in range(60)], 1),  # two clocks among the rows
        ([START_NS + number * 3_600 * SECOND for number in range(40)], 1),  # rare rows are as safe in the journal
    ],
)
def test_segments_end_by_the_steps_of_the_clock(
    root: Path, instrument: Instrument, receipts: list[int], segments: int
) -> None:
    assert segments_of(root, receipts, instrument) == segments


def test_rare_rows_are_sealed_in_the_end(root: Path, instrument: Instrument) -> None:
    receipts = [START_NS + number * 3_600 * SECOND for number in range(700)]

    assert segments_of(root, receipts, instrument) == 2


@pytest.mark.parametrize("leap", [YEAR, -YEAR, 3 * SECOND, -3 * SECOND])
def test_depth_of_a_leaping_clock_is_kept_in_the_order_of_arrival(
    store: Store, instrument: Instrument, leap: int
) -> None:
    """A range is by receipt, as ever; the order of arrival is that of the ingest."""
    recv = START_NS + np.arange(20) * SECOND + np.where(np.arange(20) < 10, 0, leap)
    rows = Series.build(
        instrument, "depth", recv, recv, side=1, price_tick=np.arange(20), qty_lot=1, first_id=np.arange(20),
        last_id=np.arange(20), kind=0,
    )  # fmt: skip
    for part in range(4):
        store.append(rows.take(slice(part * 5, part * 5 + 5)))
    store.seal()

    found = store.load_series(KEY, "depth", *EVER)
    assert found.equals(rows.take(np.argsort(recv, kind="stable")))
    heard = [piece for row in store.series(KEY) for piece in store.iter_ingest(KEY, "depth", row.day)]
    ids = {int(number) for piece in heard for number in piece.block["last_id"]}  # type: ignore[index] # series
    assert ids == set(range(20))
    for piece in heard:
        assert (np.diff(piece.block["last_id"]) > 0).all()  # type: ignore[index] # series


def test_a_gap_across_a_leap_is_kept(store: Store, make_trades: Callable[..., Trades]) -> None:
    from footloom.core.messages import Gap

    gap = Gap(symbol="BTCUSDT", from_ns=START_NS, to_ns=START_NS + YEAR, cause="the clock was set anew")
    store.append(make_trades(3), [gap])
    store.seal()

    assert store.gaps(KEY, "trade", START_NS + YEAR // 2, START_NS + YEAR // 2 + 1) == [gap]
