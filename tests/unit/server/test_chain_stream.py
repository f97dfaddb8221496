"""The stream of an option chain: the whole of it, then what changed, from this process, an import, or nobody."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from server_kit import FakeSocket

from footloom.core.instrument import Instrument
from footloom.core.series import Series
from footloom.core.trades import Trades
from footloom.feeds.flow import Commit
from footloom.feeds.stored_chain import ChainAsk, chain_at
from footloom.options.documents import chain_reply
from footloom.server.clients.session import Session
from footloom.server.live import chains
from footloom.server.live.hub import Hub
from footloom.server.stored.history import History
from footloom.store.files import Store
from tests.unit.options.chain_kit import MINUTE_NS, NIFTY, OPEN_NS, Row, call, chain_of, put
from tests.unit.options.test_updates import applied

pytestmark = pytest.mark.anyio

KEY = NIFTY.key
FIRST = [call(OPEN_NS, 26000, oi_lot=750), put(OPEN_NS, 26000, oi_lot=600), call(OPEN_NS, 26100, oi_lot=900)]


def commit_of(store: Store, *rows: Row, key: str = "upstox:NSE_FO|1") -> Commit:
    """Store rows and tell them, as a recorder does with an option's own commit."""
    series = chain_of(*rows).series
    store.append_many([(series, ())])
    trades = Trades.empty(msgspec.structs.replace(NIFTY, venue="upstox", symbol="NSE_FO|1"), "snapshot")
    return Commit(key, trades, (), 0, series=(series,))


class Client:
    """A connected client that puts together what it is told."""

    def __init__(self, hub: Hub) -> None:
        self.socket = FakeSocket()
        self.task = asyncio.create_task(Session(hub, self.socket).run())
        self.read = 0
        self.chain: dict[str, Any] = {}
        self.kinds: list[str] = []

    def ask(self, **chain: Any) -> None:
        stream = {"symbol": KEY, "name": "options"} | ({"chain": chain} if chain else {})
        self.socket.requests.put_nowait(json.dumps({"op": "subscribe", "id": 1, "stream": stream}))

    async def until(self, kind: str) -> dict[str, Any]:
        """Return the next message of a type; others are taken in on the way."""
        while True:
            await asyncio.wait_for(self.socket.wait_for(self.read + 1), 60)
            said = json.loads(self.socket.sent[self.read])
            self.read += 1
            if said["type"] == "chain":
                self.kinds.append(said["kind"])
                change = said.get("change")
                self.chain = said["chain"] if change is None else applied(self.chain, change)
            if said["type"] == kind:
                return dict(said)

    async def end(self) -> None:
        self.socket.requests.put_nowait(None)
        await asyncio.wait_for(self.task, 60)


@pytest.fixture
async def store(tmp_path: Path, anyio_backend: str) -> AsyncIterator[Store]:  # noqa: ARG001
    with Store(tmp_path, writer=True) as made:
        made.append_many([(chain_of(*FIRST).series, ())])
        yield made


@pytest.fixture
async def hub(store: Store, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Hub]:
    monkeypatch.setattr(chains, "_LOOK_S", 0.05)
    monkeypatch.setattr(chains, "_PACE_S", 0.01)
    made = Hub(History(store))
    yield made
    made.close()


def stored_reply(store: Store, **asked: Any) -> dict[str, Any]:
    return dict(json.loads(msgspec.json.encode(chain_reply(chain_at(store, KEY, ChainAsk(**asked))))))


async def test_it_is_told_whole_and_then_what_changed_and_is_what_rest_says(store: Store, hub: Hub) -> None:
    client = Client(hub)
    client.ask()
    assert (await client.until("subscribed"))["stream"] == {"symbol": KEY, "name": "options", "chain": {}}
    await client.until("chain")
    assert client.chain == stored_reply(store)
    hub.publish(commit_of(store, put(OPEN_NS + MINUTE_NS, 26000, oi_lot=675)))
    said = await client.until("chain")
    assert [list(row) for row in said["change"]["rows"]] == [["strike", "put"]]
    assert said["change"]["rows"][0]["put"]["oi_step"] == "75"
    assert client.chain == stored_reply(store)
    assert client.chain["pcr_oi"] == 675 / 750
    hub.publish(commit_of(store, call(OPEN_NS + 2 * MINUTE_NS, 26200, oi_lot=75)))  # a strike joins
    await client.until("chain")
    assert (client.kinds, client.chain) == (["snapshot", "update", "snapshot"], stored_reply(store))
    await client.end()
    assert KEY not in hub._symbols


async def test_what_another_process_stores_comes_too_and_two_clients_share_one_stream(store: Store, hub: Hub) -> None:
    one, other = Client(hub), Client(hub)
    for client in (one, other):
        client.ask(price=26_020.0, strikes=0)
        await client.until("chain")
    [stream] = hub._symbols[KEY].sides.values()
    assert len(stream.readers) == 2
    store.append_many([(chain_of(call(OPEN_NS + MINUTE_NS, 26000, oi_lot=825)).series, ())])
    for client in (one, other):
        await client.until("chain")
        assert client.chain == stored_reply(store, price=26_020.0, around=0)
        assert [row["strike"] for row in client.chain["rows"]] == ["26000"]
    await one.end()
    await other.end()


async def test_what_an_option_trades_at_is_not_its_underlyings_last_price(store: Store, hub: Hub) -> None:
    client = Client(hub)
    client.socket.requests.put_nowait(
        json.dumps({"op": "subscribe", "id": 1, "stream": {"symbol": KEY, "name": "last"}})
    )
    assert (await client.until("stream"))["rows"] == []
    at_ns = OPEN_NS + MINUTE_NS
    commit = commit_of(store, put(at_ns, 26000, ltp_tick=9_000))

    def traded(instrument: Instrument, tick: int) -> Trades:
        return Trades.build(instrument, [at_ns], [tick], [1], [1], trade_id=[1], ts_recv_ns=[at_ns], tape="snapshot")

    hub.publish(replace(commit, trades=traded(commit.trades.instrument, 9_000)))
    hub.publish(Commit(KEY, traded(NIFTY, 2_605_000), (), at_ns))
    assert [row["price"] for row in (await client.until("stream"))["rows"]] == [NIFTY.price_text(2_605_000)]
    await client.end()


async def test_the_store_is_not_looked_at_for_rows_of_this_process_and_seldom_where_that_takes_long(
    store: Store, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a store of four hundred options a look took 0.3 s of processor, at every change and every two seconds."""
    client, looks = Client(hub), 0

    def stamp(*_: object) -> tuple[int, int]:
        nonlocal looks
        looks += 1
        end_s = time.thread_time() + 0.02
        while time.thread_time() < end_s:
            pass
        return 0, 0

    client.ask()
    await client.until("chain")
    [stream] = hub._symbols[KEY].sides.values()
    assert isinstance(stream, chains.ChainStream)
    monkeypatch.setattr(chains, "chain_stamp", stamp)
    for minute in range(1, 6):
        hub.publish(commit_of(store, put(OPEN_NS + minute * MINUTE_NS, 26000, oi_lot=600 + 75 * minute)))
        before = looks
        stream._next(list(stream._fresh))
        assert looks == before
        await client.until("chain")
    assert client.chain == stored_reply(store)
    stream._next([])
    assert 0.02 / 0.04 <= stream._look_s < 60
    await client.end()


@pytest.mark.parametrize(
    ("chain", "code", "said"),
    [
        ({"expiry": "2025-12-23"}, "not_stored", "has no expiry 2025-12-23"),
        ({"expiry": "soon"}, None, "is no date"),
        ({"strikes": 3}, None, "where the money is of nse:NIFTY is not known"),
        ({"strikes": -3}, None, "strikes"),
        ({"weather": 1}, None, "weather"),
    ],
)
async def test_what_cannot_be_answered_says_why(hub: Hub, chain: dict[str, Any], code: str | None, said: str) -> None:
    client = Client(hub)
    client.ask(**chain)
    error = await client.until("error")
    assert said in error["message"]
    assert code in {None, error["code"]}
    await client.end()
    assert not hub._symbols


async def test_rows_of_another_underlying_change_nothing(store: Store, hub: Hub) -> None:
    client = Client(hub)
    client.ask()
    await client.until("chain")
    other = msgspec.structs.replace(NIFTY, symbol="BANKNIFTY")
    at = np.array([OPEN_NS + MINUTE_NS])
    series = Series.build(other, "chain", at, side=[1], expiry_ns=[1], strike_tick=[1], source=[0], oi_lot=[5])
    hub.publish(Commit(other.key, Trades.empty(other, "snapshot"), (), 0, series=(series,)))
    hub.publish(commit_of(store, put(OPEN_NS + MINUTE_NS, 26000, oi_lot=675)))
    await client.until("chain")
    assert client.chain == stored_reply(store)
    await client.end()


async def test_a_chain_that_cannot_be_told_says_so_and_stands(
    store: Store, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Client(hub)
    client.ask()
    await client.until("chain")
    before = dict(client.chain)

    def broken(*_: object) -> None:
        raise RuntimeError("planted")

    monkeypatch.setattr("footloom.server.live.chains.newest", broken)
    hub.publish(commit_of(store, put(OPEN_NS + MINUTE_NS, 26000, oi_lot=675)))
    said = await client.until("chain")
    assert "the server's log says why" in said["problem"]
    assert client.chain == before
    monkeypatch.undo()
    hub.publish(commit_of(store, put(OPEN_NS + 2 * MINUTE_NS, 26000, oi_lot=680)))
    assert "problem" not in await client.until("chain")
    assert client.chain["put_oi"] == "680"
    await client.end()
