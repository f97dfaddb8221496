"""Continuous futures over the server: charts of their contracts, and where one takes over from the other."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import numpy as np
import pytest
from rest_kit import client_of, services_of, settings_for

from footloom.core.instrument import Instrument
from footloom.core.series import Series
from footloom.core.trades import Trades
from footloom.feeds.flow import Commit
from footloom.server.live.stream_settings import StreamSettings
from footloom.server.live.writer import Writer
from footloom.server.stored.rolled import RolledHistory
from footloom.server.wire.messages import TopicRequest
from footloom.store import Coverage
from footloom.store.files import Store
from footloom.venues._india_master import expiry_ns

pytestmark = pytest.mark.anyio

HOUR, DAY = 3_600 * 10**9, 86_400 * 10**9
END = {"A": expiry_ns(dt.date(2025, 11, 25), "nse_fo"), "B": expiry_ns(dt.date(2025, 12, 30), "nse_fo")}
KEY = "upstox:NIFTY.FUT1"
ROLL = {
    "at_ns": str(END["A"]), "from_symbol": "NSE_FO|A", "to_symbol": "NSE_FO|B", "rule": "date",
    "from_price": "26002.0", "to_price": "26102.0", "difference": "100.0",
}  # fmt: skip


# A on the day before its end and on that day, B on that day and the one after: in the last hour of each, three trades.
def contract(name: str, base: int, days: tuple[int, int], first_id: int = 1) -> Trades:
    one = Instrument(
        venue="upstox", symbol=f"NSE_FO|{name}", tick_size=Decimal("0.1"), lot_size=Decimal(1), calendar="nse_fo",
        kind="future", underlying="NIFTY", expiry_ns=END[name],
    )  # fmt: skip
    at = np.concatenate([END["A"] + day * DAY - HOUR + np.arange(1, 4) * 10**9 for day in days])
    ticks = base + np.tile([0, 10, 20], 2)
    return Trades.build(one, at, ticks, np.full(6, 75), np.ones(6), trade_id=first_id + np.arange(6))


class Listening:
    """Somebody who looks at a topic, and waits for its bars to be built anew."""

    def __init__(self) -> None:
        self.rebuilt = asyncio.Event()
        self.client = self

    def post_status(self, *_: object) -> None:
        pass

    def resnapshot(self, *_: object) -> None:
        self.rebuilt.set()

    def post_event(self, *_: object, **__: object) -> None:
        pass

    post_bar = post_event


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "store", writer=True) as made:
        for trades in (contract("A", 260_000, (-1, 0)), contract("B", 261_000, (0, 1))):
            made.put_instrument(trades.instrument)
            made.append(trades)
        yield made


async def test_a_continuous_future_is_charted_and_its_rolls_are_told(store: Store, tmp_path: Path) -> None:
    async with client_of(services_of(store), settings_for(tmp_path, tmp_path)) as client:
        asked = {"symbol": KEY, "bars": "1h", "ticks_per_level": 1}
        frame = (await client.get("/api/v1/footprint", params=asked | {"format": "json"})).json()
        bars = (await client.get("/api/v1/bars", params=asked)).json()
        before = (await client.get("/api/v1/footprint", params=asked | {"format": "json", "to_ns": END["A"]})).json()
        plain = (await client.get("/api/v1/footprint", params={"symbol": "upstox:NSE_FO|A", "format": "json"})).json()
    assert frame["meta"]["rolls"] == bars["chart"]["rolls"] == [ROLL]
    assert [bar["close"] for bar in bars["bars"]] == ["26002.0", "26002.0", "26102.0"]
    assert frame["meta"]["symbol"] == KEY
    assert before["meta"]["rolls"] == [], "the roll is not among these bars"
    assert "rolls" not in plain["meta"], "nothing rolls but a continuous future"


async def test_what_is_stored_later_is_in_the_view(store: Store, tmp_path: Path) -> None:
    services = services_of(store)
    async with client_of(services, settings_for(tmp_path, tmp_path)) as client:
        asked = {"symbol": KEY, "bars": "1h", "ticks_per_level": 1}
        first = (await client.get("/api/v1/bars", params=asked)).json()["bars"]
        store.append(contract("B", 262_000, (2, 3), first_id=100))
        second = (await client.get("/api/v1/bars", params=asked)).json()["bars"]
    assert (len(first), len(second)) == (3, 5)


async def test_nothing_but_its_contracts_is_looked_through(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Options around the money are recorded beside it: looking through them took a chart seconds."""
    asked: list[str | None] = []
    real = store.coverage

    def noted(key: str | None = None) -> list[Coverage]:
        asked.append(key)
        return real(key)

    monkeypatch.setattr(store, "coverage", noted)
    history = RolledHistory(store)
    known = history.store.instrument("upstox:NSE_FO|B")
    for name in ("C", "D"):  # listed, and nothing is stored of them
        store.put_instrument(msgspec.structs.replace(known, symbol=f"NSE_FO|{name}"))
    assert [one.key for one, _ in history.symbols()] == ["upstox:NSE_FO|A", "upstox:NSE_FO|B"]
    assert not history.can_chart("upstox:NSE_FO|C")
    view = history.views.view(KEY)
    assert set(asked) == {f"upstox:NSE_FO|{name}" for name in "ABCD"}
    assert history.views.view(KEY) is view
    store.append(contract("B", 261_000, (2, 3), first_id=7))
    assert history.views.view(KEY) is not view


async def test_a_topic_of_a_continuous_future_tells_its_rolls(store: Store) -> None:
    services = services_of(store)
    topic = await services.hub.open(TopicRequest(symbol=KEY, bars="1h", ticks_per_level=1), 100)
    assert [roll.at_ns for roll in topic.meta.rolls] == [ROLL["at_ns"]]  # type: ignore[union-attr] - it has some
    services.close()


async def test_what_a_contract_trades_moves_the_charts_of_its_continuous_future(store: Store) -> None:
    services, heard = services_of(store), list[Commit]()
    hub = services.hub
    meanings = {KEY: "upstox:NSE_FO|A"}
    unused: Any = None
    how = StreamSettings(make=unused, beside=unused, wanted_of=unused)
    streams = services.stream(how, Writer(lambda: store))
    streams._feeds = cast("Any", SimpleNamespace(resolved=meanings))  # as if they ran
    assert hub.meanings() is meanings, "streams say what a name means"
    chart = TopicRequest(symbol=KEY, bars="1h", ticks_per_level=1)
    topic = await hub.open(chart, 100)
    leave = hub.listen(KEY, heard.append)
    fresh = [contract(name, 262_000, (2, 3), first_id=100) for name in ("A", "B")]
    for meant, block in (("", fresh[1]), ("upstox:NSE_FO|B", fresh[0]), ("upstox:NSE_FO|B", fresh[1])):
        meanings[KEY] = meant
        hub.publish(Commit(block.instrument.key, block, (), int(block.ts_recv_ns[-1])))
    assert [(one.key, one.trades.instrument.symbol) for one in heard] == [(KEY, "NSE_FO|B")], "the other is not meant"
    assert hub.measures.messages == 18, "counted once"
    store.append(fresh[1])
    shown, stored = topic.builder.frame(100), services.history.seed(topic.chart, 100).builder.frame(100)
    assert shown is not None
    assert stored is not None
    assert len(shown) == 5
    for name in ("open_ns", "close_tick", "buy_lot", "sell_lot", "unknown_lot", "trades"):
        bars = (getattr(one.footprint.bars, name).tolist() for one in (shown, stored))
        assert next(bars) == next(bars), name
    leave()
    services.close()


async def test_a_chart_that_is_open_goes_on_into_the_next_contract_with_the_roll_marked(tmp_path: Path) -> None:
    near, far = contract("A", 260_000, (-1, 0)), contract("B", 261_000, (0, 1))
    with Store(tmp_path / "store", writer=True) as store:
        for trades in (near, far):
            store.put_instrument(trades.instrument)
        store.append(near)
        store.append(far.take(slice(0, 3)))  # the next one trades already
        services = services_of(store)
        hub = services.hub
        hub.meanings = lambda: {KEY: far.instrument.key}
        topic = await hub.open(TopicRequest(symbol=KEY, bars="1h", ticks_per_level=1), 100)
        assert topic.meta.rolls == []
        reader = Listening()
        hub.join(topic, reader)  # type: ignore[arg-type] - as much of a subscriber as is asked
        block = far.take(slice(3, 6))
        store.append(block)
        hub.publish(Commit(far.instrument.key, block, (), int(block.ts_recv_ns[-1])))
        async with asyncio.timeout(20):
            await reader.rebuilt.wait()
        shown, stored = topic.builder.frame(100), services.history.seed(topic.chart, 100).builder.frame(100)
        rolls = [msgspec.to_builtins(roll) for roll in topic.meta.rolls]  # type: ignore[union-attr] - it has some
        services.close()
    assert rolls == [ROLL]
    assert shown is not None
    assert stored is not None
    assert shown.footprint.bars.close_tick.tolist() == stored.footprint.bars.close_tick.tolist()
    assert len(shown) == 3


async def test_candles_before_the_first_trade_are_of_the_first_contract_while_it_was_the_nearest(store: Store) -> None:
    history = services_of(store).history
    series = Series.build(store.instrument("upstox:NSE_FO|A"), "open_interest", [END["A"] - HOUR], oi_lot=[5])
    store.append(series)
    for name, symbol, days in (
        ("NIFTY.FUT1", "NSE_FO|A", 28),
        ("NIFTY.FUT2", "NSE_FO|B", None),
        ("NIFTY.FUT1@adjusted", "NSE_FO|A", None),  # its prices are moved by the roll, candles are as traded
        ("NIFTY.FUT1@open_interest", "NSE_FO|A", None),  # which contract had the most of it nobody says of the past
    ):
        chart = history.resolve(TopicRequest(symbol=f"upstox:{name}", bars="1m", ticks_per_level=1))
        whose, since_ns = history.candled(chart)
        assert whose.key == f"upstox:{symbol}"
        assert since_ns == (2**62 if days is None else END["A"] - days * DAY)
    plain = history.resolve(TopicRequest(symbol="upstox:NSE_FO|A", bars="1m", ticks_per_level=1))
    assert history.candled(plain) == (plain, 0)


async def test_a_name_without_contracts_is_refused(store: Store, tmp_path: Path) -> None:
    async with client_of(services_of(store), settings_for(tmp_path, tmp_path)) as client:
        answer = await client.get("/api/v1/bars", params={"symbol": "upstox:BANKNIFTY.FUT1"})
    assert answer.status_code == 404
    assert "no future of BANKNIFTY is stored" in answer.json()["error"]["message"]
