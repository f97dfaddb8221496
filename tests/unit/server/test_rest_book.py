"""The book at an instant: what a plain replay gives, and no guess where nobody can know."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import msgspec
import numpy as np
import pytest
from rest_kit import client_of, services_of, settings_for

from footloom.core.instrument import Instrument
from footloom.core.messages import Gap
from footloom.core.series import ASK, BID, NO_LEVEL, NO_QUOTE, SNAPSHOT, UPDATE, Series
from footloom.errors import FootloomError, NotStored
from footloom.server.stored.aside import Aside
from footloom.server.stored.depth import book_at
from footloom.server.stored.tasks import MOST_ROWS, Task
from footloom.store.files import Store

pytestmark = pytest.mark.anyio

S = 10**9
T0 = 1_772_409_600 * S
BYBIT = Instrument(venue="bybit_linear", symbol="XRPUSDT", tick_size=Decimal("0.0001"), lot_size=Decimal("0.1"))
USDM = Instrument(venue="binance_usdm", symbol="BTCUSDT", tick_size=Decimal("0.1"), lot_size=Decimal("0.001"))
Update = tuple[int, int, int, int, int, list[tuple[int, int, int]]]  # receipt, first, last, previous id, kind, levels


def series(instrument: Instrument, updates: list[Update]) -> Series:
    rows = [
        (at, side, price, qty, first, last, before, kind)
        for at, first, last, before, kind, levels in updates
        for side, price, qty in (levels or [(NO_LEVEL, 0, 0)])
    ]
    at, side, price, qty, first, last, before, kind = (list(column) for column in zip(*rows, strict=True))
    return Series.build(
        instrument,
        "depth",
        [ns - 5_000_000 for ns in at],
        at,
        side=side,
        price_tick=price,
        qty_lot=qty,
        first_id=first,
        last_id=last,
        prev_id=before,
        kind=kind,
    )


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "store", writer=True) as opened:
        yield opened


def counted(number: int, at_s: float, levels: list[tuple[int, int, int]], kind: int = UPDATE) -> Update:
    return (T0 + round(at_s * S), number, number, NO_QUOTE, kind, levels)


WHOLE = [(BID, 100, 5), (BID, 99, 7), (ASK, 101, 3), (ASK, 102, 4)]
UPDATES = [
    counted(10, 1, WHOLE, SNAPSHOT),
    counted(11, 2, [(BID, 100, 0), (ASK, 103, 9)]),
    counted(12, 3, []),
    counted(13, 4, [(BID, 98, 2), (ASK, 101, 8)]),
]


@pytest.mark.parametrize(
    ("at_s", "bids", "asks", "last", "proven"),
    [
        (1.0, [(100, 5), (99, 7)], [(101, 3), (102, 4)], 10, None),
        (1.9, [(100, 5), (99, 7)], [(101, 3), (102, 4)], 10, 2),
        (2.0, [(99, 7)], [(101, 3), (102, 4)], 11, None),
        (3.5, [(99, 7)], [(101, 3), (102, 4)], 12, 4),
        (4.0, [(99, 7), (98, 2)], [(101, 8), (102, 4)], 13, None),
    ],
)
def test_a_book_worked_out_by_hand(
    store: Store,
    at_s: float,
    bids: list[tuple[int, int]],
    asks: list[tuple[int, int]],
    last: int,
    proven: int | None,
) -> None:
    """Such a stream carries two levels a side: what its third one was is forgotten, as its receiver forgets it."""
    store.append(series(BYBIT, UPDATES))
    found = book_at(store, BYBIT.key, T0 + round(at_s * S), 10)
    assert found.bids == [(f"0.0{price:03d}"[:6], f"{qty / 10:.1f}") for price, qty in bids]
    assert found.asks == [(f"0.0{price:03d}"[:6], f"{qty / 10:.1f}") for price, qty in asks]
    on = found.stands_on
    assert (on.snapshot_id, on.last_id, on.kept_levels) == ("10", str(last), 2)
    assert on.snapshot_recv_ns == str(T0 + S)
    assert int(on.last_recv_ns) - int(on.last_exch_ns) == 5_000_000
    assert on.proven_recv_ns == (None if proven is None else str(T0 + proven * S))


def test_without_an_instant_it_is_the_newest(store: Store) -> None:
    store.append(series(BYBIT, UPDATES))
    found = book_at(store, BYBIT.key, None, 1)
    assert found.at_ns == str(T0 + 4 * S)
    assert (len(found.bids), found.bid_levels) == (1, 2)


@pytest.mark.parametrize(
    ("updates", "at_s", "words"),
    [
        ([*UPDATES, counted(15, 5, [])], 4.5, "after update 13 came 15"),
        ([*UPDATES, counted(15, 5, []), counted(16, 6, [])], 6, "after update 13 came 15"),
        ([*UPDATES, counted(90, 9, WHOLE, SNAPSHOT)], 6, "new snapshot"),
        (UPDATES, 0.5, "outside"),
        (UPDATES, 4.5, "outside"),
        (UPDATES[1:], 3.5, "no snapshot"),
        ([*UPDATES, counted(14, 5, [(BID, 101, 1)])], 5, "stands at tick"),
    ],
)
def test_what_nobody_can_know_is_not_guessed(store: Store, updates: list[Update], at_s: float, words: str) -> None:
    store.append(series(BYBIT, updates))
    with pytest.raises(NotStored, match=words):
        book_at(store, BYBIT.key, T0 + round(at_s * S), 10)


def test_a_gap_that_was_told_is_a_hole(store: Store) -> None:
    gap = Gap(symbol="XRPUSDT", from_ns=T0 + 2 * S, to_ns=T0 + 3 * S + 1, cause="the connection was lost")
    store.append(series(BYBIT, UPDATES), [gap])
    with pytest.raises(NotStored, match=r"hole from .*the connection was lost"):
        book_at(store, BYBIT.key, T0 + 4 * S, 10)
    assert book_at(store, BYBIT.key, T0 + S, 10).bids


def test_a_new_snapshot_makes_the_book_known_again(store: Store) -> None:
    gap = Gap(symbol="XRPUSDT", from_ns=T0 + 4 * S, to_ns=T0 + 9 * S, cause="the connection was lost")
    again = [counted(90, 9, [(BID, 50, 1), (ASK, 60, 1)], SNAPSHOT), counted(91, 10, [(BID, 51, 2)])]
    store.append(series(BYBIT, [*UPDATES, *again]), [gap])
    found = book_at(store, BYBIT.key, T0 + 10 * S, 10)
    assert [price for price, _ in found.bids] == ["0.0051"]
    assert found.stands_on.updates == 1


def test_a_snapshot_that_was_asked_for_beside_the_stream_joins_what_came_before_it(store: Store) -> None:
    """Changes 5 and 8 came before the snapshot did: it holds the first of them and half of the second."""
    updates: list[Update] = [
        (T0 + 1 * S, 3, 5, 2, UPDATE, [(BID, 1000, 1)]),
        (T0 + 2 * S, 6, 8, 5, UPDATE, [(BID, 1001, 2), (ASK, 1003, 9)]),
        (T0 + 3 * S, 7, 7, NO_QUOTE, SNAPSHOT, [(BID, 1000, 1), (ASK, 1003, 4)]),
        (T0 + 4 * S, 9, 11, 8, UPDATE, [(ASK, 1002, 6)]),
    ]
    store.append(series(USDM, updates))
    found = book_at(store, USDM.key, T0 + 4 * S, 10)
    assert found.bids == [("100.1", "0.002"), ("100.0", "0.001")]
    assert found.asks == [("100.2", "0.006"), ("100.3", "0.009")]
    assert found.stands_on.kept_levels is None
    with pytest.raises(FootloomError, match="no snapshot"):
        book_at(store, USDM.key, T0 + 2 * S, 10)


def test_any_instant_is_that_of_a_plain_replay(store: Store) -> None:
    rng = np.random.default_rng(11)
    seed = [(BID, 1000 - i, 5) for i in range(30)] + [(ASK, 1001 + i, 5) for i in range(30)]
    updates: list[Update] = [(T0, 1, 1, NO_QUOTE, SNAPSHOT, seed)]
    for number in range(2, 400):
        side = int(rng.choice([BID, ASK]))
        price = int(1000 - rng.integers(0, 40) if side == BID else 1001 + rng.integers(0, 40))
        row = (side, price, int(rng.integers(0, 4)))
        if (side == BID and price == 1000) or (side == ASK and price == 1001):
            row = (side, price, 3)  # the best ones stay, so that no book is crossed
        updates.append((T0 + number * S, number, number, number - 1, UPDATE, [row]))
    for start in range(0, len(updates), 97):
        store.append(series(USDM, updates[start : start + 97]))
    store.seal()
    for at in rng.integers(1, 398, 12).tolist():
        rows = [row for update in updates if update[0] <= T0 + at * S + 5 for row in update[-1]]
        plain = {wanted: {price: qty for side, price, qty in rows if side == wanted} for wanted in (BID, ASK)}
        found = book_at(store, USDM.key, T0 + at * S + 5, 1000)
        for side, told in ((BID, found.bids), (ASK, found.asks)):
            expected = {USDM.price_text(price): USDM.qty_text(qty) for price, qty in plain[side].items() if qty}
            assert dict(told) == expected
            prices = [Decimal(price) for price, _ in told]
            assert prices == sorted(prices, reverse=side == BID)


async def test_over_http(store: Store, tmp_path: Path) -> None:
    store.append(series(BYBIT, UPDATES))
    store.seal()
    async with client_of(services_of(store), settings_for(tmp_path / "store", tmp_path)) as client:
        reply = await client.get("/api/v1/book", params={"symbol": BYBIT.key, "at_ns": T0 + 2 * S, "levels": 1})
        assert (reply.status_code, reply.json()["bids"], reply.json()["ask_levels"]) == (200, [["0.0099", "0.7"]], 2)
        for params, status, words in (
            ({"symbol": BYBIT.key, "at_ns": T0 + 99 * S}, 404, "outside"),
            ({"symbol": "bybit_linear:NONE"}, 404, "no depth"),
            ({"symbol": "sim:PERP"}, 404, "no depth"),
            ({"symbol": "upstox:NIFTY.FUT1"}, 404, "ask for the contract's"),
            ({"symbol": BYBIT.key, "levels": 0}, 400, "levels"),
        ):
            reply = await client.get("/api/v1/book", params=params)  # type: ignore[arg-type]  # as httpx takes it
            assert reply.status_code == status
            assert words in reply.text


async def test_a_book_of_many_changes_is_rebuilt_by_another_process(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It took a thread of the server for twenty seconds: two of them were all that an address may have."""
    store.append(series(BYBIT, [counted(1, 0, WHOLE, SNAPSHOT)]))
    store.append(series(BYBIT, [counted(2 + i, 1 + i / 10, [(BID, 100, 1 + i)] * 40) for i in range(800)]))
    store.seal()
    asked: list[int] = []

    def make(aside: Aside, task: Task, rows: int) -> bytes:
        asked.append(rows)
        return pickle.loads(pickle.dumps(task)).make(aside._history, *task.given)  # type: ignore[no-any-return] # noqa: S301 - as it goes to the other process

    monkeypatch.setattr(Aside, "make", make)
    async with client_of(services_of(store), settings_for(tmp_path / "store", tmp_path)) as client:
        for at_s, is_large in ((2, False), (80, True)):
            reply = await client.get("/api/v1/book", params={"symbol": BYBIT.key, "at_ns": T0 + at_s * S})
            assert reply.content == msgspec.json.encode(book_at(store, BYBIT.key, T0 + at_s * S, 50))
            assert (asked.pop() >= MOST_ROWS) == is_large
