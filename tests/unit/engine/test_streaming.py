"""`footloom.stream` over the commits of its symbols: what it says, and when it begins to."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Sequence

import msgspec
import pytest

import footloom as fl
from footloom.core.trades import Trades
from footloom.engine import streaming
from footloom.engine.live_studies import StudiesTold
from footloom.errors import ConfigError, UnknownSymbol
from footloom.feeds.flow import Commit
from footloom.testing.study_contract import sample_trades

OWN = sample_trades(3, 300)
_NAMED = msgspec.structs.replace(OWN.instrument, venue="other", symbol="Y")
OTHER = dataclasses.replace(sample_trades(7, 300), instrument=_NAMED)
STEP_NS = 15 * 10**9
pytestmark = pytest.mark.anyio


def _commits() -> list[Commit]:
    first, last = int(OWN.ts_exch_ns[0]), int(OWN.ts_exch_ns[-1])
    told = []
    for at in range(first, last, STEP_NS):
        for tape in (OWN, OTHER):
            part = tape.between(0 if at == first else at, at + STEP_NS)
            told.append(Commit(tape.instrument.key, part, (), at + STEP_NS))
    return told


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[Sequence[str]]:
    """Which symbols were asked for; the commits come without waiting."""
    asked: list[Sequence[str]] = []

    async def commits(*keys: str) -> AsyncIterator[Commit]:
        asked.append(keys)
        for one in _commits():
            if one.key in keys:
                yield one

    monkeypatch.setattr(streaming, "commits", commits)
    return asked


async def test_studies_of_other_symbols_are_streamed_with_their_settings(heard: list[Sequence[str]]) -> None:
    studies = {"vwap": {"reset": "day"}, "cvd_against": {"symbols": "other:Y", "reset": "day"}}
    told = [one async for one in fl.stream("sample:X", "1m", studies=studies) if isinstance(one, StudiesTold)]

    assert heard == [("sample:X", "other:Y")]
    chart = fl.footprint(OWN, "1m", 1)
    for name, companions in (("vwap", []), ("cvd_against", [OTHER])):
        found = chart.study(name, companions=companions, **studies[name])
        column = "vwap" if name == "vwap" else "difference"
        live = [value for one in told if name in one.final for value in one.final[name].bars[column].tolist()]
        assert len(live) > 5
        assert live == found.answer.bars[column].tolist()[: len(live)]


async def test_what_came_before_all_were_heard_is_taken_in_as_it_came(monkeypatch: pytest.MonkeyPatch) -> None:
    third = msgspec.structs.replace(OWN.instrument, venue="third", symbol="Z")

    async def commits(*_keys: str) -> AsyncIterator[Commit]:
        for one in _commits():
            yield one
        yield Commit(third.key, Trades.empty(third), (), int(OWN.ts_exch_ns[-1]))

    monkeypatch.setattr(streaming, "commits", commits)
    studies = {"cvd_against": {"symbols": "other:Y"}, "premium": {"symbol": "third:Z"}}
    told = [one async for one in fl.stream("sample:X", "1m", studies=studies) if isinstance(one, StudiesTold)]
    firsts = [one.first for one in told if one.final]
    assert len(firsts) > 5
    assert firsts == sorted(set(firsts)), "nothing is said of a bar before what had traded beside it was heard"


async def test_names_alone_need_no_settings(heard: list[Sequence[str]]) -> None:
    told = [one async for one in fl.stream("sample:X", "1m", studies=["cvd"]) if isinstance(one, StudiesTold)]

    assert heard == [("sample:X",)]
    assert {label for one in told for label in one.final} == {"cvd"}


@pytest.mark.parametrize(
    ("key", "studies", "error"),
    [
        ("sim:PERP", {"premium": {"symbol": "nowhere:Z"}}, UnknownSymbol),
        ("nowhere:Z", {}, UnknownSymbol),
        ("sim:PERP", {"vwap": {"nothing": 1}}, ConfigError),
    ],
)
async def test_what_cannot_be_streamed_is_said(key: str, studies: dict[str, dict[str, object]], error: type) -> None:
    with pytest.raises(error):
        await anext(fl.stream(key, studies=studies))
