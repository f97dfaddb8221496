"""Trades as an Arrow stream: each once, exact, whole milliseconds, and nobody waits for who went away."""

from __future__ import annotations

import asyncio
import io
import threading
from collections.abc import AsyncGenerator, Iterator
from decimal import Decimal
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from server_kit import DAY0_NS, TEST, MemoryStore, make_tape

from footloom.core.trades import Trades
from footloom.server.compat.arrow import SCHEMA, arrow_pieces, whole_milliseconds
from footloom.server.rest.flowing import Flow, end_streams, worked_out
from footloom.server.stored.history import History

MS_NS = 1_000_000
EVER_MS = (0, 2**42)


def table(tape: Trades, span_ms: tuple[int, int] = EVER_MS, limit: int | None = None) -> pa.Table:
    history = History(MemoryStore(tape))  # type: ignore[arg-type] - as much of a store as is read
    body = b"".join(arrow_pieces(history, tape.instrument.key, tape.tape, span_ms, limit))
    return pa.ipc.open_stream(io.BytesIO(body)).read_all()


def test_the_columns_are_those_that_the_app_asks_for() -> None:
    assert [(field.name, str(field.type)) for field in SCHEMA] == [
        ("ts", "int64"),
        ("price", "double"),
        ("qty", "double"),
        ("is_sell", "bool"),
    ]


def test_every_trade_of_the_range_is_there_once() -> None:
    tape = make_tape(rows=5_000)
    first, last = (int(tape.ts_exch_ns[at]) // MS_NS for at in (700, 4_200))
    found = table(tape, (first, last))
    ms = tape.ts_exch_ns // MS_NS
    inside = tape.take((ms >= first) & (ms <= last))
    assert found["ts"].to_pylist() == (inside.ts_exch_ns // MS_NS).tolist()
    assert found["price"].to_pylist() == [float(TEST.price_text(tick)) for tick in inside.price_tick.tolist()]
    assert found["qty"].to_pylist() == [float(TEST.qty_text(lot)) for lot in inside.qty_lot.tolist()]
    assert found["is_sell"].to_pylist() == [{1: False, -1: True, 0: None}[side] for side in inside.side.tolist()]


@pytest.mark.parametrize(("tick", "lot"), [("0.1", "0.001"), ("0.00001", "0.1"), ("0.05", "75"), ("25", "1E+2")])
def test_a_double_is_the_nearest_to_the_decimals(tick: str, lot: str, rng: np.random.Generator) -> None:
    instrument = TEST.with_grid(tick, Decimal(lot))
    ticks, lots = rng.integers(1, 10**9, 500), rng.integers(1, 10**9, 500)
    tape = Trades.build(instrument, DAY0_NS + np.arange(500), ticks, lots, np.ones(500))
    found = table(tape)
    assert found["price"].to_pylist() == [float(count * Decimal(tick)) for count in ticks.tolist()]
    assert found["qty"].to_pylist() == [float(count * Decimal(lot)) for count in lots.tolist()]


def test_the_quantity_of_an_inverse_contract_is_in_its_quote_currency() -> None:
    inverse = msgspec.structs.replace(TEST, inverse=True, contract_multiplier=Decimal(100), lot_size=Decimal(1))
    tape = Trades.build(inverse, [DAY0_NS], [10], [3], [-1])
    assert table(tape)["qty"].to_pylist() == [300.0]


def test_a_range_without_trades_is_an_empty_table() -> None:
    found = table(make_tape(rows=10), (1, 2))
    assert found.num_rows == 0
    assert found.schema == SCHEMA


@given(
    st.lists(st.integers(0, 3), min_size=1, max_size=60),
    st.lists(st.integers(1, 59), max_size=6),
    st.integers(1, 70),
)
def test_a_limit_cuts_between_milliseconds(steps: list[int], cuts: list[int], limit: int) -> None:
    ms = np.cumsum(steps)
    tape = Trades.build(TEST, DAY0_NS + ms * MS_NS, np.arange(len(ms)), np.ones(len(ms)), np.ones(len(ms)))
    edges = sorted({0, *(cut for cut in cuts if cut < len(ms)), len(ms)})
    pieces = iter([tape.take(slice(lo, hi)) for lo, hi in zip(edges, edges[1:], strict=False)])
    found = [ts for piece in whole_milliseconds(pieces, limit) for ts in (piece.ts_exch_ns - DAY0_NS) // MS_NS]
    whole = ms.tolist()
    assert found == whole[: len(found)]
    assert len(found) == len(whole) or whole[len(found)] != found[-1]  # nothing of the last one is left
    more = [value for value in whole[len(found) :] if value == whole[len(found)]]
    assert len(found) <= limit or len(set(found)) == 1
    assert len(found) == len(whole) or len(found) + len(more) > limit  # as many as fit


def test_whoever_asks_on_behind_the_last_millisecond_gets_every_trade_once() -> None:
    tape = make_tape(rows=3_000, hours=0.001)
    found: list[tuple[Any, ...]] = []
    since = 0
    while True:
        page = table(tape, (since, EVER_MS[1]), limit=100)
        if not page.num_rows:
            break
        found += zip(*(page[name].to_pylist() for name in SCHEMA.names), strict=True)
        since = found[-1][0] + 1
    whole = table(tape)
    assert found == list(zip(*(whole[name].to_pylist() for name in SCHEMA.names), strict=True))


@pytest.mark.anyio
async def test_work_is_ended_when_the_reader_goes_away() -> None:
    made, closed, gone = [], threading.Event(), asyncio.Event()

    def pieces() -> Iterator[bytes]:
        try:
            while True:
                made.append(1)
                yield b"x" * 1_000
        finally:
            closed.set()

    async def run(work: Any, *arguments: Any) -> Any:
        return await asyncio.to_thread(work, *arguments)

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)
        if len(sent) == 5:
            gone.set()

    async def receive() -> Any:
        await gone.wait()
        return {"type": "http.disconnect"}

    await Flow(worked_out(run, pieces()), "text/plain")({"method": "GET"}, receive, send)  # type: ignore[arg-type]
    assert closed.is_set()
    count = len(made)
    await asyncio.sleep(0)
    assert len(made) == count
    assert not any(message.get("more_body") is False for message in sent)


@pytest.mark.anyio
async def test_a_reader_that_takes_nothing_is_given_up_and_nothing_piles_up() -> None:
    made: list[int] = []

    async def pieces() -> AsyncGenerator[bytes, None]:
        while True:
            made.append(1)
            yield b"x"

    async def send(message: Any) -> None:
        if message["type"] == "http.response.body":
            await asyncio.Event().wait()

    async def receive() -> Any:
        await asyncio.Event().wait()

    flow = Flow(pieces(), "text/plain", stall_s=0.05)
    await asyncio.wait_for(flow({"method": "GET"}, receive, send), 60)  # type: ignore[arg-type]
    assert len(made) == 1


@pytest.mark.anyio
async def test_an_answer_that_fails_is_left_without_its_end() -> None:
    sent: list[Any] = []

    async def pieces() -> AsyncGenerator[bytes, None]:
        yield b"x"
        raise OSError("a part is gone")

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        await asyncio.Event().wait()

    await Flow(pieces(), "text/plain")({"method": "GET"}, receive, send)  # type: ignore[arg-type]
    assert [message.get("more_body") for message in sent] == [None, True]


@pytest.mark.anyio
async def test_a_stream_of_events_ends_in_order_when_the_server_stops() -> None:
    sent: list[Any] = []

    async def pieces() -> AsyncGenerator[bytes, None]:
        yield b"x"
        await asyncio.Event().wait()

    begun = asyncio.Event()

    async def send(message: Any) -> None:
        sent.append(message)
        if message.get("body"):
            begun.set()

    async def receive() -> Any:
        await asyncio.Event().wait()

    flow = Flow(pieces(), "text/event-stream", endless=True)
    task = asyncio.create_task(flow({"method": "GET"}, receive, send))  # type: ignore[arg-type]
    await begun.wait()
    end_streams()
    await task
    assert [message.get("more_body") for message in sent] == [None, True, False]
