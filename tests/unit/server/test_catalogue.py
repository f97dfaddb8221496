"""Symbols are found in the lists of venues before anything of them is stored."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from footloom.core.instrument import Instrument
from footloom.errors import Unreachable
from footloom.server.stored import catalogue as module
from footloom.server.stored.catalogue import Catalogue
from footloom.venues import binance_usdm, bybit_linear

pytestmark = pytest.mark.anyio

BASES = {"binance_usdm": binance_usdm.BASES, "bybit_linear": bybit_linear.BASES}


def named(venue: str, symbol: str, base: str = "") -> Instrument:
    return Instrument(
        venue=venue, symbol=symbol, tick_size=Decimal("0.1"), lot_size=Decimal(1), base=base or symbol[:3], quote="USDT"
    )


class Listed:
    """Stands for what asks venues: each answers when it is let, with its symbols or an error."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.answers: dict[str, list[Instrument] | Exception] = {}
        self.goes = {name: asyncio.Event() for name in BASES}
        self.calls: list[str] = []
        listed = self

        class Definitions:
            def __init__(self, venue: object, *_others: object) -> None:
                self.name = venue.VENUE  # type: ignore[attr-defined] - a module

            async def fetch(self) -> dict[str, Instrument]:
                listed.calls.append(self.name)
                await listed.goes[self.name].wait()
                answer = listed.answers[self.name]
                if isinstance(answer, Exception):
                    raise answer
                return {one.symbol: one for one in answer}

        monkeypatch.setattr(module, "Definitions", Definitions)


@contextlib.asynccontextmanager
async def catalogue_of(**settings: object) -> AsyncIterator[Catalogue]:
    made = Catalogue(BASES, **settings)  # type: ignore[arg-type]
    yield made
    made.close()


@pytest.fixture
async def listed(monkeypatch: pytest.MonkeyPatch) -> Listed:
    return Listed(monkeypatch)


async def keys(catalogue: Catalogue, text: str, *stored: Instrument, venue: str = "") -> list[str]:
    found = await catalogue.find(text, stored, frozenset(), 20, venue)
    return [one.key for one in found.symbols]


async def test_what_is_stored_comes_first_and_each_symbol_once(listed: Listed) -> None:
    listed.answers = {
        "binance_usdm": [named("binance_usdm", name) for name in ("BTCUSDT", "1000BTCUSDT", "ETHUSDT")],
        "bybit_linear": [named("bybit_linear", "BTCUSDT"), named("bybit_linear", "BTCPERP")],
    }
    for go in listed.goes.values():
        go.set()
    async with catalogue_of() as catalogue:
        await keys(catalogue, "zzzz")  # waits for both lists
        stored = named("bybit_linear", "BTCUSDT")
        found = await keys(catalogue, "btc", stored)
        assert found[0] == "bybit_linear:BTCUSDT"
        assert sorted(found) == sorted(
            ["bybit_linear:BTCUSDT", "binance_usdm:BTCUSDT", "bybit_linear:BTCPERP", "binance_usdm:1000BTCUSDT"]
        )
        assert found[-1] == "binance_usdm:1000BTCUSDT", "it only holds the word"
        assert await keys(catalogue, "usdm btc") == ["binance_usdm:BTCUSDT", "binance_usdm:1000BTCUSDT"]
        assert await keys(catalogue, "btc", venue="binance_usdm") == [
            "binance_usdm:BTCUSDT",
            "binance_usdm:1000BTCUSDT",
        ]
        assert await keys(catalogue, "btcusd") != []
        assert await keys(catalogue, "ETHUSTD") == ["binance_usdm:ETHUSDT"], "near names where none fits"
        assert await keys(catalogue, "", stored) == ["bybit_linear:BTCUSDT"]
        assert listed.calls == ["binance_usdm", "bybit_linear"], "a list is fetched once"


async def test_list_that_does_not_come_is_not_waited_for(listed: Listed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PATIENCE_S", 60.0)
    listed.answers = {
        "binance_usdm": [named("binance_usdm", "BTCUSDT")],
        "bybit_linear": Unreachable("bybit_linear did not answer"),
    }
    listed.goes["binance_usdm"].set()
    async with catalogue_of() as catalogue:
        assert await keys(catalogue, "btcusdt") == ["binance_usdm:BTCUSDT"]
        first = await catalogue.find("btc", (), frozenset({"binance_usdm:BTCUSDT"}), 5)
        assert [(row.venue, row.state, row.count) for row in first.venues] == [
            ("binance_usdm", "listed", 1),
            ("bybit_linear", "loading", 0),
        ]
        assert [(one.live, one.stored) for one in first.symbols] == [(True, False)]
        monkeypatch.setattr(module, "_PATIENCE_S", 0.05)
        assert await keys(catalogue, "nothing") == [], "it does not wait for ever"
        monkeypatch.setattr(module, "_PATIENCE_S", 60.0)
        listed.goes["bybit_linear"].set()
        assert await keys(catalogue, "nothing") == []
        last = await catalogue.find("btc", (), frozenset(), 5)
        assert [row.text for row in last.venues] == ["", "bybit_linear did not answer"]
        assert listed.calls.count("bybit_linear") == 1, "what failed is not asked again at once"


async def test_venue_without_a_login_is_named_and_not_asked(listed: Listed) -> None:
    listed.answers = {"bybit_linear": [named("bybit_linear", "BTCUSDT")]}
    listed.goes["bybit_linear"].set()
    lacks = {"binance_usdm": "no token: log in"}
    async with catalogue_of(lacks_login=lambda venue: lacks.get(venue, "")) as catalogue:
        assert await keys(catalogue, "btc") == ["bybit_linear:BTCUSDT"]
        found = await catalogue.find("btc", (), frozenset(), 5)
        assert [(row.state, row.text) for row in found.venues] == [("needs_login", "no token: log in"), ("listed", "")]
        assert listed.calls == ["bybit_linear"]
