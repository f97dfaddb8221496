"""How a server stands, seen from outside: health, readiness, figures."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import httpx
import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families
from server_kit import TEST, MemoryStore

from footloom.core.messages import Gap
from footloom.feeds.flow import Commit, FeedState
from footloom.feeds.metrics import FeedFigures, Figures, Spread
from footloom.server.app import create_app
from footloom.server.routes.metrics import Page
from footloom.server.services import Services

pytestmark = pytest.mark.anyio


@pytest.fixture
def services(store: MemoryStore) -> Iterator[Services]:
    made = Services.over(store, live=[TEST.key])  # type: ignore[arg-type] - as much of a store as is read
    yield made
    made.close()


@pytest.fixture
async def client(services: Services) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(create_app(services))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as made:
        yield made


@pytest.mark.parametrize(
    ("phase", "status", "ready"),
    [
        ("live", "ready", 200),
        ("closed", "ready", 200),
        ("connecting", "degraded", 200),
        ("stale", "degraded", 200),
        ("reconnecting", "degraded", 200),
        ("stopped", "degraded", 503),
    ],
)
async def test_a_feed_in_trouble_degrades_the_server(
    services: Services, client: httpx.AsyncClient, phase: str, status: str, ready: int
) -> None:
    services.hub.board.tell(TEST.key, FeedState(phase, "closed (1006); attempt 3"))  # type: ignore[arg-type]

    health = await client.get("/health")

    assert health.status_code == 200
    assert health.json()["status"] == status
    if status == "degraded":
        assert health.json()["reasons"] == [f"test:ABC is {phase}: closed (1006); attempt 3"]
    assert (await client.get("/readyz")).status_code == ready
    assert (await client.get("/livez")).json() == {"status": "live", "server": "footloom"}


async def test_a_feed_that_waits_for_a_login_degrades_the_server(services: Services, client: httpx.AsyncClient) -> None:
    board = services.hub.board
    board.tell(TEST.key, FeedState("connecting"))
    assert (await client.get("/health")).json()["status"] == "ready", "it has only begun"
    board.tell(TEST.key, FeedState("connecting", "no token: footloom login upstox"))
    health = (await client.get("/health")).json()
    assert health["status"] == "degraded"
    assert health["reasons"] == [f"{TEST.key} is connecting: no token: footloom login upstox"]


@pytest.mark.parametrize(
    ("offset_ms", "reasons"),
    [
        (-900.0, []),
        (-3e3, ["this machine's clock is 3,000 ms behind test's: footloom doctor says what to do"]),
        (9e9, []),  # a venue of another time: a replay
        (None, []),
    ],
)
async def test_a_wrong_clock_degrades_the_server(
    services: Services, client: httpx.AsyncClient, offset_ms: float | None, reasons: list[str]
) -> None:
    services.hub.board.tell(TEST.key, FeedState("live", offset_ms=offset_ms))

    health = (await client.get("/health")).json()

    assert (health["status"], health["reasons"]) == ("degraded" if reasons else "ready", reasons)
    assert (await client.get("/readyz")).status_code == 200, "it receives and records"


async def test_what_is_not_recorded_is_not_ready(services: Services, client: httpx.AsyncClient) -> None:
    services._tell("journal", "not recorded: the disk is full")

    answer = await client.get("/readyz")

    assert (answer.status_code, answer.json()["reasons"]) == (503, ["not recorded: the disk is full"])


async def figures_of(client: httpx.AsyncClient) -> dict[str, float]:
    answer = await client.get("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    families = text_string_to_metric_families(answer.text)
    return {f"{one.name}{sorted(one.labels.values())}": one.value for family in families for one in family.samples}


async def test_figures_are_there_and_name_no_symbol(
    services: Services, client: httpx.AsyncClient, store: MemoryStore
) -> None:
    before = await figures_of(client)
    tape = store.tapes[(TEST.key, "trade")]
    end_ns = int(tape.ts_exch_ns[-1])
    gap = Gap(symbol="ABC", from_ns=end_ns, to_ns=end_ns + 9, cause="reconnect", missing=3)
    beside = (("mark", gap), ("liquidation", msgspec.structs.replace(gap, healed=True)))
    services.hub.publish(Commit(TEST.key, tape.take(slice(0, 0)), (gap,), end_ns + 9, side_gaps=beside))
    services._tell("journal", "not recorded")
    after = await figures_of(client)

    assert before["footloom_gaps_total[]"] == 0
    assert after["footloom_gaps_total[]"] == 2, "of each tape, and none that is healed"
    assert after["footloom_degraded[]"] == 1
    assert after["footloom_resident_memory_bytes[]"] > 10**7
    assert {"footloom_clients[]", "footloom_topics[]", "footloom_evicted_total[]", "footloom_messages_total[]"} <= set(
        after
    )
    assert "footloom_receipt_to_durable_seconds_count[]" in after
    assert not [name for name in after if "ABC" in name]


def feed(venue: str) -> FeedFigures:
    return FeedFigures(
        venue=venue, frames=5, waiting=1, quarantined=2, connections=3, losses=4, duplicates=6, late=7, off_grid=8,
        book_breaks=9, offset_ms=12.5,
    )  # fmt: skip


def test_figures_of_the_journal_and_of_venues(services: Services) -> None:
    found = Figures(
        commits=10, rows=20, commit_p50_ms=1.0, commit_p99_ms=9.0, commit_longest_ms=30.0, unrecorded_rows=1,
        refused_rows=2, dropped_rows=3, lag_ms=250.0, clock_steps=4, feeds=(feed("bybit_linear"), feed("upstox")),
    )  # fmt: skip

    class Counting:
        keys = frozenset({"upstox:x"})

        def figures(self) -> Figures:
            return found

    services.streams = Counting()  # type: ignore[assignment] - as much of it as is asked
    samples = {
        (sample.name, sample.labels.get("venue")): sample.value
        for family in Page(services).collect()
        for sample in family.samples
    }
    services.streams = None

    assert samples[("footloom_lag_seconds", None)] == 0.25
    assert samples[("footloom_journal_commit_p99_seconds", None)] == 0.009
    assert samples[("footloom_journal_unrecorded_rows", None)] == 1
    assert samples[("footloom_venue_connections_lost_total", "upstox")] == 4
    assert samples[("footloom_venue_clock_offset_seconds", "bybit_linear")] == 0.0125


def test_a_histogram_counts_what_took_no_longer() -> None:
    spread = Spread()
    for seconds in (0.0005, 0.002, 0.002, 0.2, 3.0, 60.0):
        spread.note(seconds)

    assert [spread.within(edge) for edge in (0.001, 0.01, 0.25, 5.0, 100.0)] == [1, 3, 4, 5, 6]
