"""A recording over a real socket: authorize, subscription, protobuf, journal, inference; the bars are the import's."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from google.protobuf.json_format import ParseDict
from websockets.asyncio.server import ServerConnection, serve

from footloom.core.snapshots import Snapshots
from footloom.core.trades import Trades
from footloom.engine.build import build_footprint
from footloom.feeds.flow import Commit
from footloom.feeds.ingest import Options, import_files
from footloom.feeds.recorder import FeedSettings, Recorder
from footloom.kernels.inference import infer
from footloom.store.files import Store
from footloom.venues import _upstox_feed_pb2 as wire
from footloom.venues._venue import Bases, Wanted
from tests.unit.fetching.http_kit import Answer, Call, LocalServer

DOCUMENTS = 4_000
SYMBOL, KEY = "NSE_FO|60166", "upstox:NSE_FO|60166"
MASTER = [
    {
        "instrument_key": SYMBOL, "segment": "NSE_FO", "instrument_type": "CE", "tick_size": 5.0, "lot_size": 35,
        "trading_symbol": "OPTION", "underlying_symbol": "BANKNIFTY", "strike_price": 59_000.0,
        "expiry": 1_767_119_399_000,
    }
]  # fmt: skip
EVER = (0, 2**62)


@pytest.fixture
def documents(recordings: Path) -> list[dict[str, Any]]:
    path = recordings / "upstox" / "NSE_FO_60166_data.json.json.gz"
    if not path.exists():
        pytest.skip(f"{path} is not there")
    with gzip.open(path) as file:
        return json.load(file)[:DOCUMENTS]


def frames(documents: list[dict[str, Any]]) -> list[bytes]:
    found = []
    for number, one in enumerate(documents):
        feed = {name: one[name] for name in ("fullFeed", "requestMode")}
        kind = "live_feed" if number else "initial_feed"
        found.append(ParseDict({"type": kind, "feeds": {SYMBOL: feed}}, wire.FeedResponse()).SerializeToString())
    return found


class ThatDay:
    """The machine's clocks, with the wall clock on the day of the recording: noon in Kolkata."""

    def __init__(self) -> None:
        self._ahead_ns = 1_765_780_200 * 10**9 - time.time_ns()

    def monotonic_ns(self) -> int:
        return time.monotonic_ns()

    def wall_ns(self) -> int:
        return time.time_ns() + self._ahead_ns

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Broker:
    """Upstox as far as a recorder sees it: codes are good once, nothing is acknowledged."""

    def __init__(self, sent: list[bytes]) -> None:
        self.sent = sent
        self.codes: set[str] = set()
        self.asked: list[dict[str, Any]] = []
        self.port = 0

    def answer(self, call: Call) -> Answer:
        if call.target.endswith("complete.json.gz"):
            return Answer(gzip.compress(json.dumps(MASTER).encode()))
        if call.headers.get("authorization") != "Bearer t0ken":
            return Answer(b"{}", 401)
        code = f"code-{len(self.codes)}"
        self.codes.add(code)
        address = f"ws://127.0.0.1:{self.port}/feeds?requestId=1&code={code}"
        return Answer(json.dumps({"status": "success", "data": {"authorized_redirect_uri": address}}).encode())

    async def serve(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        self.codes.remove(connection.request.path.rpartition("=")[2])
        await connection.send(
            wire.FeedResponse(
                type=wire.Type.market_info, marketInfo={}, currentTs=1_765_771_000_000
            ).SerializeToString()
        )
        message = await connection.recv()
        assert isinstance(message, bytes)
        self.asked.append(json.loads(message))
        for frame in self.sent:
            await connection.send(frame)
        await connection.wait_closed()


async def recorded(folder: Path, broker: Broker, rows: int) -> list[Commit]:
    commits: list[Commit] = []
    done = asyncio.Event()
    wanted = Wanted(symbol=SYMBOL, streams=frozenset({"snapshot"}))

    def publish(commit: Commit) -> None:
        commits.append(commit)
        if sum(row.rows for row in store.coverage(KEY)) >= rows:
            done.set()

    async with LocalServer() as server, serve(broker.serve, "127.0.0.1", 0) as sockets:
        server.handler = broker.answer
        broker.port = sockets.sockets[0].getsockname()[1]
        bases = Bases(ws="ws://nowhere.invalid", rest=server.url, archive=server.url)
        settings = FeedSettings(
            bases={"upstox": bases}, credentials={"upstox": {"access_token": "t0ken"}}, backfill_hours=0.0
        )
        with Store(folder, writer=True) as store:
            task = asyncio.create_task(Recorder(store, [("upstox", wanted)], settings, ThatDay()).run(publish))
            waits = asyncio.create_task(done.wait())
            async with asyncio.timeout(60):
                await asyncio.wait([task, waits], return_when=asyncio.FIRST_COMPLETED)
            for one in (task, waits):
                one.cancel()
            results = await asyncio.gather(task, waits, return_exceptions=True)
            assert done.is_set(), results
    return commits


def test_a_recording_over_a_socket_gives_the_bars_of_its_import(
    documents: list[dict[str, Any]], tmp_path: Path
) -> None:
    broker = Broker(frames(documents))
    commits = asyncio.run(recorded(tmp_path / "live", broker, len(documents)))
    assert broker.asked == [
        {"guid": "footloom-1-1", "method": "sub", "data": {"mode": "full", "instrumentKeys": [SYMBOL]}}
    ]

    file = tmp_path / "documents.json"
    file.write_text(json.dumps(documents))
    import_files([file], Options(), store=tmp_path / "imported")
    with Store(tmp_path / "live") as live, Store(tmp_path / "imported") as imported:
        heard, read = live.load(KEY, "snapshot", *EVER), imported.load(KEY, "snapshot", *EVER)
        assert isinstance(heard, Snapshots)
        assert isinstance(read, Snapshots)
        for column in ("ts_exch_ns", "ltp_tick", "ltq_lot", "vtt_lot", "bid_tick", "ask_tick", "oi_lot", "atp_e4"):
            assert np.array_equal(getattr(heard, column), getattr(read, column)), column
        # The import knows of silences of the recorder, behind which volume has no side; a socket that is fed has none.
        batch = infer(read).trades
        assert live.instrument(KEY).market_lot == 35

    shown = Trades.concat([one.trades for one in commits if len(one.trades)])
    assert len(shown) == len(batch) > 1_000
    one, other = (build_footprint(trades, "1m", 1) for trades in (shown, batch))
    for mine, theirs in ((one, other), (one.bars, other.bars)):
        columns = [name for name in mine.__slots__ if isinstance(getattr(mine, name), np.ndarray)]
        assert columns
        for column in columns:
            assert np.array_equal(getattr(mine, column), getattr(theirs, column)), column
