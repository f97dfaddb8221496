"""Large orders over REST and a real store: the same whether asked for at once, in parts, or while the tape grows."""

from __future__ import annotations

import dataclasses
import json
import random
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rest_kit import client_of, services_of

from footloom.core.instrument import Instrument
from footloom.core.trades import Trades
from footloom.engine.large_orders import Orders, Params, large_orders
from footloom.server.services import Services
from footloom.server.stored.abandon import Abandoned
from footloom.server.stored.followed_orders import FollowedOrders
from footloom.server.stored.history import History
from footloom.store.files import Store

pytestmark = pytest.mark.anyio

NS = 10**9
START = 1_772_409_600 * NS  # a Monday, 00:00 UTC
COIN = Instrument(venue="test", symbol="ABC", tick_size=Decimal("0.5"), lot_size=Decimal("0.001"))
PARAMS: dict[str, Any] = {"percentile": "95", "hours": 2}


def tape(first: int, count: int, from_s: int, to_s: int) -> Trades:
    """Return trades of whole seconds, many of one instant."""
    rng = np.random.default_rng(first)
    at = START + np.sort(rng.integers(from_s, to_s, count)) * NS
    lots = rng.choice(np.array([1, 2, 3, 5, 400]), count)
    tick = 1_000 + rng.integers(0, 3, count)
    return Trades.build(
        COIN, at, tick, lots, rng.choice(np.array([1, -1], np.int8), count), trade_id=first + np.arange(count)
    )


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path, writer=True) as opened:
        opened.put_instrument(COIN)
        opened.append(tape(1, 3_000, 0, 6 * 3600))
        yield opened


async def asked(services: Services, **query: Any) -> Any:
    async with client_of(services) as client:
        return await ask(client, **query)


async def ask(client: Any, **query: Any) -> Any:
    answer = await client.get("/api/v1/orders/large", params={"symbol": COIN.key, **query})
    return answer.json() if answer.status_code == 200 else answer


def rows(reply: Any) -> list[tuple[int, int, int]]:
    found = [(row["ts_ns"], row["qty"], row["threshold"]) for row in reply["orders"]]
    return [(int(at), int(Decimal(qty) * 1000), int(Decimal(least) * 1000)) for at, qty, least in found]


def expected(trades: Trades, from_ns: int = 0, to_ns: int = 2**62) -> list[tuple[int, int, int]]:
    return told(large_orders(trades, Params(**PARAMS)).between(from_ns, to_ns))


def told(found: Orders) -> list[tuple[int, int, int]]:
    return list(zip(found.ts_ns.tolist(), found.qty_lot.tolist(), found.threshold_lot.tolist(), strict=True))


async def test_what_is_told_is_what_the_whole_tape_gives(store: Store) -> None:
    services, params = services_of(store), json.dumps(PARAMS)
    whole = store.load(COIN.key, "trade", 0, 2**62)
    assert isinstance(whole, Trades)
    from_ns = START + 3 * 3600 * NS
    reply = await asked(services, from_ns=from_ns, params=params)
    assert rows(reply) == expected(whole, from_ns)
    assert len(rows(reply)) > 20
    to_ns = START + 5 * 3600 * NS
    assert rows(await asked(services, from_ns=from_ns, to_ns=to_ns, params=params)) == expected(whole, from_ns, to_ns)
    one = next(row for row in reply["orders"] if row["trades"] > 1 and row["levels"] > 1)
    fills = whole.take(whole.ts_exch_ns == int(one["ts_ns"]))
    side = 1 if one["side"] == "buy" else -1
    mine = fills.take(fills.side == side)
    assert Decimal(one["first"]) / Decimal("0.5") in mine.price_tick
    assert min(Decimal(one["first"]), Decimal(one["last"])) <= Decimal(one["vwap"])


async def test_the_newest_come_first_and_older_ones_by_the_answers_beginning(store: Store) -> None:
    services, params = services_of(store), json.dumps(PARAMS)
    from_ns = START + 3 * 3600 * NS
    everything = rows(await asked(services, from_ns=from_ns, params=params))
    newest = await asked(services, from_ns=from_ns, params=params, limit=7)
    before = await asked(services, from_ns=from_ns, to_ns=newest["from_ns"], params=params)
    assert 0 < len(newest["orders"]) <= 7
    assert rows(before) + rows(newest) == everything


@pytest.mark.parametrize("seed", range(2))
async def test_a_growing_tape_is_told_as_if_read_anew_late_rows_and_all(store: Store, seed: int) -> None:
    params, rng = json.dumps(PARAMS), random.Random(seed)
    from_ns, at_s, readings = START + 5 * 3600 * NS, 6 * 3600, []
    async with client_of(services_of(store)) as client:  # one server, which remembers what it has folded
        for k in range(6):
            reply = await ask(client, from_ns=from_ns, params=params)
            readings.append(reply["reading"])
            whole = store.load(COIN.key, "trade", 0, 2**62)
            assert isinstance(whole, Trades)
            assert rows(reply) == expected(whole, from_ns), k
            until_s = at_s + rng.choice([5, 50, 400])
            store.append(tape(10_000 + 1_000 * k, 80, at_s, until_s))
            at_s = until_s
            if k == 3:
                store.append(tape(90_000, 5, 5 * 3600 + 60, 5 * 3600 + 90))  # a backfill, an hour late
        settled = await ask(client, from_ns=from_ns, params=params)
        past = await ask(client, from_ns=from_ns, to_ns=from_ns + 60 * NS, params=params)
    assert int(settled["settled_ns"]) > START + 6 * 3600 * NS - 60 * NS
    first, last = readings[0], readings[-1]
    assert readings == [first] * 4 + [last] * 2, "who holds what was told before is told that it may be others"
    assert first != last
    assert past["reading"] is None


def test_a_read_that_is_given_up_counts_nothing_twice(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    fine = tape(20_000, 3_000, 0, 6 * 3600)
    sizes = np.random.default_rng(3).integers(1, 2_000, len(fine)) // (1 + np.arange(len(fine)) // 300)
    store.append(dataclasses.replace(fine, qty_lot=1 + sizes))  # what is large changes with every hour
    history, params = History(store), Params(**PARAMS)
    followed, read, left = FollowedOrders(history), history.pieces, [2]

    def given_up(*asked: Any) -> Iterator[Trades]:
        for piece in read(*asked):
            for start in range(0, len(piece), 500):
                left[0] -= 1
                if not left[0]:
                    raise Abandoned
                yield piece.take(slice(start, start + 500))

    monkeypatch.setattr(history, "pieces", given_up)
    whole, from_ns = store.load(COIN.key, "trade", 0, 2**62), START + 3 * 3600 * NS
    assert isinstance(whole, Trades)
    for times in (3, 5, 6):  # the last of them one that goes on behind an answer
        left[0] = times
        with pytest.raises(Abandoned):
            followed.between(COIN.key, "trade", params, from_ns, 2**62)
    left[0] = 0
    for k in range(2):
        found = followed.between(COIN.key, "trade", params, from_ns, 2**62).orders
        assert told(found) == expected(whole, from_ns)
        store.append(tape(50_000 + 1_000 * k, 900, (6 + k) * 3600, (7 + k) * 3600))
        left[0] = 2
        with pytest.raises(Abandoned):
            followed.between(COIN.key, "trade", params, from_ns, 2**62)
        left[0], whole = 0, store.load(COIN.key, "trade", 0, 2**62)
        assert isinstance(whole, Trades)


def test_settings_that_nobody_asks_for_any_more_are_forgotten(store: Store) -> None:
    followed = FollowedOrders(History(store))
    for number in range(1, 100):
        params = Params(by="quantity", min_qty=f"0.{number:03}")
        followed.between(COIN.key, "trade", params, START + 5 * 3600 * NS, 2**62)
    assert len(followed._follows) <= 64


async def test_settings_come_as_a_schema_and_are_checked(store: Store) -> None:
    services = services_of(store)
    async with client_of(services) as client:
        [kind] = (await client.get("/api/v1/orders")).json()
    assert kind["params"]["properties"]["percentile"]["default"] == "99"
    refused = await asked(services, params='{"percentile":"100"}')
    assert refused.status_code == 400
    assert "below 100" in refused.json()["error"]["message"]
