"""Which socket carries what: each stream once, nobody moved, no socket opened while another has room."""

from __future__ import annotations

import random
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from footloom.errors import ConfigError
from footloom.feeds._fleet import Fleet
from footloom.feeds._socket import Keeper
from footloom.venues import _binance_streams, binance_usdm
from footloom.venues._venue import Wanted

MOST = 5  # streams of a socket, here
NAMES = [f"S{number}USDT" for number in range(9)]
STREAMS = ("agg_trade", "depth", "liquidation", "mark", "quote")


class Jobs:
    def start(self, job: Any) -> Any:
        job.close()
        return SimpleNamespace(cancel=lambda: None)


def carried(fleet: Fleet) -> dict[tuple[str, str], list[Keeper]]:
    found: dict[tuple[str, str], list[Keeper]] = {}
    for keeper, one in fleet.keepers.items():
        for part in one.wanted:
            for stream in part.streams:
                found.setdefault((part.symbol, stream), []).append(keeper)
    return found


steps = st.lists(
    st.tuples(st.booleans(), st.sampled_from(NAMES), st.frozensets(st.sampled_from(STREAMS), min_size=1)), max_size=12
)


LONE = frozenset({"agg_trade"})


@example(  # one that was on a second socket came to the first as well, once that had room
    [
        (True, NAMES[0], LONE),
        (True, NAMES[1], LONE),
        (True, NAMES[2], frozenset({"agg_trade", "depth", "liquidation", "mark"})),
        (True, NAMES[1], frozenset({"agg_trade", "liquidation"})),
        (False, NAMES[0], LONE),
        (True, NAMES[1], LONE),
    ]
)
@given(steps)
def test_each_stream_is_on_one_socket_and_stays_there(happened: list[tuple[bool, str, frozenset[str]]]) -> None:
    around: Any = SimpleNamespace(now_ns=lambda: 0, rng=random.Random(1), clock=SimpleNamespace(monotonic_ns=lambda: 0))
    jobs: Any = Jobs()
    wanted: dict[str, frozenset[str]] = {}
    with mock.patch.object(_binance_streams, "_PER_SOCKET", MOST):
        fleet = Fleet(binance_usdm, binance_usdm.BASES, {})
        for comes, name, streams in happened:
            before, sockets = carried(fleet), len(fleet.keepers)
            room = {one.where: MOST - sum(len(part.streams) for part in one.wanted) for one in fleet.keepers.values()}
            if comes:
                wanted[name] = wanted.get(name, frozenset()) | streams
                fleet.add([Wanted(symbol=name, streams=wanted[name])], around, jobs)
            else:
                wanted.pop(name, None)
                fleet.remove(name)
            now = carried(fleet)
            assert set(now) == {(one, stream) for one, some in wanted.items() for stream in some}
            assert all(len(keepers) == 1 for keepers in now.values())
            assert all(now[pair] == keepers for pair, keepers in before.items() if pair in now), "nobody is moved"
            for keeper, one in fleet.keepers.items():
                assert 0 < sum(len(part.streams) for part in one.wanted) <= MOST
                rare = {(part.symbol, "liquidation") for part in one.wanted}
                assert keeper.socket.expects == {pair for pair, [at] in now.items() if at is keeper} - rare
            if len(fleet.keepers) > sockets:
                opened = list(fleet.keepers.values())[sockets:]
                assert all(room.get(one.where, 0) < len(STREAMS) for one in opened), "there was room"


def test_more_of_a_symbol_goes_where_it_is_and_nothing_comes_twice() -> None:
    clock = SimpleNamespace(monotonic_ns=lambda: 0)
    around: Any = SimpleNamespace(now_ns=lambda: 0, rng=random.Random(1), clock=clock)
    jobs: Any = Jobs()
    with mock.patch.object(_binance_streams, "_PER_SOCKET", 3):
        fleet = Fleet(binance_usdm, binance_usdm.BASES, {})
        for name in ("A", "Y", "Z", "B"):
            fleet.add([Wanted(symbol=name, streams=frozenset({"agg_trade"}))], around, jobs)
        first, second = fleet.keepers
        fleet.remove("Y")
        fleet.remove("Z")  # the first has room now
        fleet.add([Wanted(symbol="B", streams=frozenset({"agg_trade", "mark"}))], around, jobs)
        assert carried(fleet) == {("A", "agg_trade"): [first], ("B", "agg_trade"): [second], ("B", "mark"): [second]}


def test_names_of_sockets_are_never_given_twice() -> None:
    around: Any = SimpleNamespace(now_ns=lambda: 0, rng=random.Random(1), clock=SimpleNamespace(monotonic_ns=lambda: 0))
    jobs: Any = Jobs()
    fleet, seen = Fleet(binance_usdm, binance_usdm.BASES, {}), list[str]()
    for name in NAMES[:3]:
        fleet.add([Wanted(symbol=name, streams=frozenset({"agg_trade"}))], around, jobs)
        seen += [keeper.socket.name for keeper in fleet.keepers]
        fleet.remove(name)

    assert seen == ["binance_usdm market", "binance_usdm market 2", "binance_usdm market 3"]


def test_what_the_venue_does_not_have_changes_nothing() -> None:
    fleet = Fleet(binance_usdm, binance_usdm.BASES, {})
    with pytest.raises(ConfigError, match="has no stream"):
        fleet.check([Wanted(symbol="BTCUSDT", streams=frozenset({"candles"}))])
    assert fleet.keepers == {}
