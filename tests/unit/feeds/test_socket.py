"""A socket that stays open: what it sends, when it gives a connection up, and what it says meanwhile."""

from __future__ import annotations

import asyncio
import http
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from footloom.feeds._socket import Keeper, Surroundings
from footloom.feeds._standing import Standing
from footloom.venues._venue import Ping, Socket

pytestmark = pytest.mark.anyio

SECOND = 1_000_000_000
PAIRS = frozenset({("BTCUSDT", "agg_trade")})


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@dataclass
class Hands:
    """A clock that a test moves: who sleeps wakes when it has come far enough."""

    mono: int = 0
    sleepers: list[tuple[int, asyncio.Future[None]]] = field(default_factory=list)

    def monotonic_ns(self) -> int:
        return self.mono

    wall_ns = monotonic_ns

    async def sleep(self, seconds: float) -> None:
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.sleepers.append((self.mono + int(seconds * SECOND), waiter))
        await waiter

    async def pass_s(self, seconds: float) -> None:
        end = self.mono + int(seconds * SECOND)
        while True:
            due = [at for at, waiter in self.sleepers if at <= end and not waiter.done()]
            if not due:
                break
            self.mono = max(self.mono, min(due))
            for at, waiter in self.sleepers:
                if at <= self.mono and not waiter.done():
                    waiter.set_result(None)
            self.sleepers = [(at, waiter) for at, waiter in self.sleepers if not waiter.done()]
            await settle()
        self.mono = end
        await settle()


async def settle() -> None:
    for _ in range(30):
        await asyncio.sleep(0)


@dataclass
class Venue:
    clients: list[ServerConnection] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    refuse: int | None = None
    meanwhile: Callable[[], None] | None = None  # what happens while a handshake is judged
    tries: int = 0
    port: int = 0

    async def listen(self, client: ServerConnection) -> None:
        self.clients.append(client)
        async for message in client:
            self.heard.append(message)

    def judge(self, client: ServerConnection, _request: Request) -> Response | None:
        self.tries += 1
        answer = None if self.refuse is None else client.respond(http.HTTPStatus(self.refuse), "no")
        if self.meanwhile is not None:
            self.meanwhile()
        return answer


@asynccontextmanager
async def kept(
    seed: int,
    hands: Hands,
    *,
    is_open: Callable[[], bool] = lambda: True,
    is_quiet: object = None,
    silent: object = None,
    changes: Callable[[Socket, Socket], tuple[str, ...]] = lambda _old, _new: (),
    explain: Callable[[int, str], str] = lambda _status, _text: "",
    **of: object,
) -> AsyncIterator:
    venue = Venue()

    async def authorize(socket: Socket) -> str:
        return socket.url

    async with serve(venue.listen, "127.0.0.1", 0, process_request=venue.judge, ping_interval=None) as server:
        venue.port = next(iter(server.sockets)).getsockname()[1]
        socket = Socket(**{"name": "venue 1", "url": f"ws://127.0.0.1:{venue.port}/market/stream?streams=x"} | of)
        around = Surroundings(
            hands, hands.monotonic_ns, lambda: None, authorize, is_open, random.Random(seed), is_quiet, silent, changes,
            explain,
        )  # fmt: skip
        keeper = Keeper(socket, around)
        task = asyncio.create_task(keeper.run())
        try:
            yield venue, keeper
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def until(holds: Callable[[], object], hands: Hands | None = None, step_s: float = 0.25) -> None:
    async with asyncio.timeout(60):
        while not holds():
            await asyncio.sleep(0)
            if hands is not None:
                await hands.pass_s(step_s)


async def test_it_greets_within_the_venues_pace_and_pings(seed: int) -> None:
    hands = Hands()
    opening = ("one", b"two", "three")
    async with kept(seed, hands, opening=opening, sends_per_s=2.0, ping=Ping(every_s=20, text="ping")) as (
        venue,
        keeper,
    ):
        await until(lambda: venue.heard == ["one"])
        await settle()
        assert venue.heard == ["one"]
        await hands.pass_s(0.5)
        await until(lambda: venue.heard == ["one", b"two"])
        await hands.pass_s(0.5)
        await until(lambda: venue.heard == [*opening])
        await until(lambda: venue.heard == [*opening, "ping"], hands, 1.0)
        assert 20 <= hands.mono / SECOND < 24
        assert keeper.phase == "connecting"


async def test_what_is_heard_makes_it_live_and_a_loss_has_its_code(seed: int) -> None:
    hands = Hands()
    async with kept(seed, hands, expects=PAIRS) as (venue, keeper):
        await until(lambda: venue.clients and keeper.connections and hands.sleepers)
        await venue.clients[0].send("hello")
        await until(lambda: keeper.waiting)
        assert keeper.take(9) == [(hands.mono, b"hello")]
        keeper.heard(set(PAIRS))
        assert (keeper.phase, keeper.text) == ("live", "")

        await venue.clients[0].close(1001)
        await until(lambda: keeper.phase == "reconnecting")
        assert keeper.cause.startswith("disconnected (1001)")
        assert keeper.losses == 1
        await until(lambda: len(venue.clients) == 2, hands)
        assert keeper.connections == 2


async def test_a_silence_that_is_unusual_is_measured_between_receipts(seed: int) -> None:
    hands = Hands()
    async with kept(seed, hands, expects=PAIRS, stall_s=60.0) as (venue, keeper):
        await until(lambda: venue.clients and keeper.connections and hands.sleepers)
        for _ in range(5):
            await venue.clients[0].send("price")
            await until(lambda: keeper.waiting)
            assert keeper.mute_s == 0.0
            keeper.take(9)
            keeper.heard(set(PAIRS))
            await hands.pass_s(0.5)
        await hands.pass_s(11.5)
        assert keeper.mute_s == 0.0, "nothing has come that would end it"
        await venue.clients[0].send("price")
        await until(lambda: keeper.waiting)
        assert keeper.mute_s == 12.0
        keeper.take(9)
        keeper.heard(set(PAIRS))
        await venue.clients[0].send("price")
        await until(lambda: keeper.waiting)
        await hands.pass_s(20)  # it is we who do not read: that is no silence of the venue's
        assert keeper.mute_s == 0.0


@pytest.mark.parametrize(
    ("means", "said"), [("", "refused with 403, the venue does not say why"), ("too many", "(too")]
)
async def test_a_refusal_says_what_the_venue_means_by_it_and_guesses_nothing(seed: int, means: str, said: str) -> None:
    hands = Hands()
    async with kept(seed, hands, explain=lambda _status, _text: means) as (venue, keeper):
        venue.refuse = 403
        await until(lambda: "403" in keeper.text, hands)
        assert said in keeper.text


async def test_every_loss_is_told_although_nobody_has_read_between(seed: int) -> None:
    hands = Hands()
    async with kept(seed, hands, expects=PAIRS) as (venue, keeper):
        for number in (1, 2):
            await until(lambda number=number: len(venue.clients) == number and keeper.connections == number, hands)
            await venue.clients[-1].send("hello")
            await until(lambda number=number: keeper.waiting == number)
            await venue.clients[-1].close(1001 + number)
            await until(lambda number=number: keeper.losses == number, hands)
        await until(lambda: keeper.connections == 3, hands)
        first, second = keeper.take_breaks()
        received = [at_ns for at_ns, _ in keeper.take(9)]
        assert ["(1002)" in first.cause, "(1003)" in second.cause] == [True, True]
        assert received[0] < first.opened_ns <= received[1] < second.opened_ns
        assert keeper.take_breaks() == []


async def test_a_mute_connection_is_replaced_while_the_market_is_open(seed: int) -> None:
    """P18: connected and mute, as after a token's rollover."""
    hands = Hands()
    hours = [False]
    async with kept(seed, hands, is_open=lambda: hours[0], stall_s=30.0) as (venue, keeper):
        await until(lambda: venue.clients and keeper.connections and hands.sleepers)
        await hands.pass_s(300)
        assert (keeper.phase, keeper.losses) == ("closed", 0)
        hours[0] = True
        await until(lambda: keeper.losses, hands, 1.0)
        assert keeper.cause.startswith("mute for 3")
        await until(lambda: len(venue.clients) == 2, hands)


async def test_a_market_that_speaks_is_not_called_closed_by_its_calendar(seed: int) -> None:
    hands = Hands()
    async with kept(seed, hands, expects=PAIRS, is_open=lambda: False) as (venue, keeper):
        await until(lambda: venue.clients and keeper.connections and hands.sleepers)
        phases = set()
        for _ in range(20):
            keeper.heard(set(PAIRS))
            await hands.pass_s(1)
            phases.add(keeper.phase)
        assert phases == {"live"}
        await hands.pass_s(40)
        assert keeper.phase == "closed"


async def test_what_is_asked_for_on_an_open_connection_is_told_at_the_venues_pace(seed: int) -> None:
    hands = Hands()
    told = {"two": ("a", "b"), "three": ("c",)}
    async with kept(seed, hands, opening=("one",), sends_per_s=2.0, changes=lambda _, new: told[new.name]) as (
        venue,
        keeper,
    ):
        await until(lambda: venue.heard == ["one"] and hands.sleepers)
        keeper.change(Socket(name="two", url=keeper.socket.url, expects=PAIRS, sends_per_s=2.0))
        keeper.change(Socket(name="three", url=keeper.socket.url, expects=PAIRS, sends_per_s=2.0))
        await until(lambda: venue.heard == ["one", "c"], hands, 0.25)  # of two changes at once the last one counts
        keeper.change(Socket(name="two", url=keeper.socket.url, sends_per_s=2.0))
        await hands.pass_s(0.1)
        assert venue.heard == ["one", "c"]
        await until(lambda: venue.heard == ["one", "c", "a"], hands, 0.25)
        await until(lambda: venue.heard == ["one", "c", "a", "b"], hands, 0.25)
        assert keeper.watch.unseen == {}
        assert len(venue.clients) == 1


async def test_a_socket_is_well_where_the_venue_says_that_nothing_happened(seed: int) -> None:
    hands, asked = Hands(), []

    async def is_quiet(_keeper: Keeper) -> bool:
        asked.append(hands.mono / SECOND)
        return len(asked) < 3

    async with kept(seed, hands, stall_s=30.0, is_quiet=is_quiet) as (venue, keeper):
        await until(lambda: venue.clients and keeper.connections and hands.sleepers)
        await until(lambda: keeper.losses, hands, 1.0)
        assert len(asked) == 3
        assert keeper.cause.startswith("mute for")


async def test_what_came_while_the_venue_was_asked_keeps_the_socket(seed: int) -> None:
    hands, asked = Hands(), []

    async def is_quiet(keeper: Keeper) -> bool:
        asked.append(hands.mono)
        if len(asked) == 1:
            await hands.sleep(1.0)
            keeper.heard({("BTCUSDT", "quote")})
        return False

    async with kept(seed, hands, stall_s=30.0, is_quiet=is_quiet) as (venue, keeper):
        await until(lambda: venue.clients and keeper.connections and hands.sleepers)
        await until(lambda: len(asked) == 1, hands, 1.0)
        await hands.pass_s(5)
        assert keeper.losses == 0
        await until(lambda: keeper.losses, hands, 1.0)
        assert len(asked) == 2


async def test_what_waits_to_be_read_keeps_the_socket(seed: int) -> None:
    hands, asked = Hands(), []

    async def is_quiet(_keeper: Keeper) -> bool:
        asked.append(hands.mono)
        return False

    async with kept(seed, hands, stall_s=30.0, is_quiet=is_quiet) as (venue, keeper):
        await until(lambda: venue.clients and keeper.connections and hands.sleepers)
        for count in range(1, 9):
            await venue.clients[0].send("a trade")
            await until(lambda count=count: keeper.waiting == count)
            await hands.pass_s(10)
        assert (asked, keeper.losses) == ([], 0)
        await until(lambda: keeper.losses, hands, 1.0)
        assert len(asked) == 1


@pytest.mark.parametrize("quiet", [True, False])
async def test_others_do_not_suffer_for_a_symbol_that_does_not_trade(seed: int, *, quiet: bool) -> None:
    hands, asked = Hands(), []
    busy, still = ("BTCUSDT", "agg_trade"), ("OLDUSDT", "agg_trade")

    async def silent(unheard: dict[tuple[str, str], float]) -> set[tuple[str, str]]:
        asked.append(unheard)
        return set(unheard) if quiet else set()

    async with kept(seed, hands, expects=frozenset({busy, still}), stall_s=15.0, silent=silent) as (venue, keeper):
        await until(lambda: venue.clients and keeper.connections and hands.sleepers)
        for _ in range(600):
            keeper.heard({busy})
            await hands.pass_s(1)
            if keeper.losses:
                break
    assert (keeper.losses, len(asked)) == ((0, 4) if quiet else (1, 1))
    assert all(set(one) == {still} for one in asked)


async def test_a_silent_pair_is_named_with_the_path(seed: int) -> None:
    hands = Hands()
    pairs = frozenset({("BTCUSDT", "quote"), ("BTCUSDT", "agg_trade")})
    async with kept(seed, hands, expects=pairs, stall_s=30.0) as (venue, keeper):
        await until(lambda: venue.clients and keeper.connections and hands.sleepers)
        while not keeper.losses:
            keeper.heard({("BTCUSDT", "quote")})
            await hands.pass_s(2)
        assert "BTCUSDT agg_trade never heard on ws://127.0.0.1" in keeper.cause
        assert "streams=" not in keeper.cause
        await until(lambda: len(venue.clients) == 2, hands)
        keeper.heard({("BTCUSDT", "quote")})
        assert (keeper.phase, "agg_trade" in keeper.text) == ("stale", True)
        keeper.heard({("BTCUSDT", "agg_trade")})
        await hands.pass_s(1)
        assert keeper.watch.silent == set()


async def test_an_old_connection_is_closed_when_the_new_one_delivers(seed: int) -> None:
    hands = Hands()
    async with kept(seed, hands, life_s=100.0, stall_s=1000.0) as (venue, keeper):
        await until(lambda: venue.clients and keeper.connections and hands.sleepers)
        await until(lambda: len(venue.clients) == 2, hands, 5.0)
        assert keeper.relieving
        await venue.clients[0].send("old")
        await venue.clients[1].send("new")
        await until(lambda: keeper.waiting == 2, hands, 0.01)
        await until(lambda: venue.clients[0].close_code == 1000, hands, 0.05)
        assert [frame for _, frame in keeper.take(9)] == [b"old", b"new"]
        assert (keeper.losses, keeper.connections, keeper.relieving) == (0, 2, False)


async def test_a_venue_that_will_close_is_left_for_a_new_connection_at_once(seed: int) -> None:
    hands = Hands()
    async with kept(seed, hands) as (venue, keeper):
        await until(lambda: venue.clients and keeper.connections and hands.sleepers)
        keeper.replace()
        await until(lambda: len(venue.clients) == 2)
        assert hands.mono == 0
        assert keeper.losses == 0


async def test_refused_credentials_stop_it_until_there_are_new_ones(seed: int) -> None:
    hands = Hands()
    async with kept(seed, hands) as (venue, keeper):
        await until(lambda: venue.clients and keeper.connections and hands.sleepers)
        venue.refuse = 401
        await venue.clients[0].close()
        await until(lambda: keeper.phase == "stopped", hands)
        tries = venue.tries
        await hands.pass_s(3600)
        assert venue.tries == tries
        assert "401" in keeper.text
        assert "log in" in keeper.text

        venue.refuse = None
        keeper.renew(keeper.socket)
        await until(lambda: len(venue.clients) == 2, hands)


async def test_a_venue_that_wants_fewer_connections_is_left_alone(seed: int) -> None:
    hands = Hands()
    async with kept(seed, hands) as (venue, keeper):
        venue.refuse = 429
        await until(lambda: "429" in keeper.text, hands)
        tries, said = venue.tries, keeper.text
        await hands.pass_s(200)
        assert venue.tries == tries
        told = [text.rpartition("; trying again in ")[2] for text in (said, keeper.text)]
        first, later = (int(text.removesuffix(" s")) for text in told)
        assert first - later == 200, "it counts down"
        venue.refuse = None
        await until(lambda: venue.clients, hands, 20.0)


async def test_with_new_credentials_it_is_stopped_no_more(seed: int) -> None:
    hands = Hands()
    async with kept(seed, hands, expects=PAIRS) as (venue, keeper):
        await until(lambda: venue.clients and keeper.connections and hands.sleepers)
        venue.refuse = 401
        await venue.clients[0].close()
        await until(lambda: keeper.phase == "stopped", hands)
        venue.refuse = None
        keeper.renew(keeper.socket)
        await until(lambda: keeper.connections == 2, hands)
        assert (keeper.phase, keeper.text) == ("connecting", "")
        keeper.heard(set(PAIRS))
        assert (keeper.phase, keeper.text) == ("live", "")


async def test_credentials_that_come_while_the_old_ones_are_tried_are_used(seed: int) -> None:
    hands = Hands()
    async with kept(seed, hands, expects=PAIRS) as (venue, keeper):
        await until(lambda: venue.clients and keeper.connections and hands.sleepers)
        newer = Socket(name="newer", url=keeper.socket.url)

        def log_in() -> None:
            keeper.renew(newer)
            venue.refuse = venue.meanwhile = None

        venue.refuse, venue.meanwhile = 401, log_in
        await venue.clients[0].close()
        await until(lambda: keeper.connections == 2, hands)
        assert keeper.phase == "reconnecting"


async def test_a_relief_that_is_refused_waits_as_long_as_it_is_told(seed: int) -> None:
    hands = Hands()
    async with kept(seed, hands, expects=PAIRS, life_s=10.0, stall_s=1e6) as (venue, keeper):
        await until(lambda: venue.clients and keeper.connections and hands.sleepers)
        venue.refuse, tries = 429, venue.tries
        for _ in range(560):
            keeper.heard(set(PAIRS))
            await hands.pass_s(0.5)
        assert venue.tries == tries + 1
        venue.refuse = None
        await until(lambda: len(venue.clients) == 2, hands)
        assert keeper.losses == 0


async def test_the_old_connection_goes_on_where_the_new_one_dies_early(seed: int) -> None:
    hands = Hands()
    async with kept(seed, hands, expects=PAIRS) as (venue, keeper):
        await until(lambda: venue.clients and keeper.connections and hands.sleepers)
        keeper.replace()
        await until(lambda: len(venue.clients) == 2)
        venue.clients[1].transport.abort()
        await until(lambda: not keeper.relieving, hands, 0.05)
        await venue.clients[0].send("still here")
        await until(lambda: keeper.waiting, hands, 0.01)
        assert (keeper.losses, venue.clients[0].close_code) == (0, None)
        await until(lambda: len(venue.clients) == 3, hands, 0.05)
        await venue.clients[2].send("here too")
        await until(lambda: venue.clients[0].close_code == 1000, hands, 0.05)
        assert [frame for _, frame in keeper.take(9)] == [b"still here", b"here too"]
        assert keeper.losses == 0


async def test_what_was_mute_is_lost_since_it_was_heard(seed: int) -> None:
    hands = Hands()
    async with kept(seed, hands, expects=PAIRS, stall_s=60.0) as (venue, keeper):
        await until(lambda: venue.clients and keeper.connections and hands.sleepers)
        await hands.pass_s(5)
        await venue.clients[0].send("the last word")
        await until(lambda: keeper.waiting)
        keeper.heard(set(PAIRS))
        last_ns = hands.mono
        await until(lambda: keeper.losses, hands, 1.0)
        assert hands.mono >= last_ns + 60 * SECOND
        await until(lambda: keeper.connections == 2, hands, 1.0)
        assert [one.lost_ns for one in keeper.take_breaks()] == [last_ns]


def test_a_quote_socket_that_is_down_is_told_beside_trades_that_flow() -> None:
    def carrier(stream: str, phase: str, text: str = "") -> SimpleNamespace:
        socket = SimpleNamespace(expects=frozenset({("BTCUSDT", stream)}))
        return SimpleNamespace(
            socket=socket, phase=phase, text=text, hush_s=0.0, watch=SimpleNamespace(silent=frozenset())
        )

    mine = [carrier("agg_trade", "live"), carrier("quote", "reconnecting", "public: disconnected (1006)")]
    symbol = SimpleNamespace(main="agg_trade", messages=0)
    standing = Standing(
        symbols={"BTCUSDT": symbol},
        keepers={},
        repairs={},
        reader=SimpleNamespace(trouble=lambda _now_ns: "", stamps=SimpleNamespace(offset_ms=None)),
        chores=SimpleNamespace(trouble={}, offset_ms=None),
        receipts=SimpleNamespace(now_ns=lambda: 5, text=""),
        carriers=lambda _name: mine,
        options=lambda _name: "",
    )
    state = standing.of("BTCUSDT")
    assert (state.phase, state.text) == ("live", "public: disconnected (1006)")
    mine[0].phase, mine[0].text = "reconnecting", "market: disconnected (1000)"
    state = standing.of("BTCUSDT")
    assert (state.phase, state.text) == ("reconnecting", "market: disconnected (1000)")
