"""What silently breaks a connector to an Indian broker: conflated counters, outages, silent limits, clocks."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from typing import Any

import pytest

from footloom.core.messages import Gap, Tick
from footloom.core.sessions import wall_ns
from footloom.core.ticks import Merger
from footloom.errors import ConfigError
from footloom.kernels.inference import InferState, infer
from footloom.venues import _upstox_feed_pb2 as wire
from footloom.venues import upstox
from footloom.venues._india_master import ZONE
from footloom.venues._venue import Wanted

MS = 1_000_000
KEY = "NSE_FO|45450"
OPEN_MS = wall_ns(dt.date(2025, 12, 3), dt.time(10), ZONE) // MS
INSTRUMENT = upstox.known_instrument(KEY, 0)
assert INSTRUMENT is not None


def frame(at_ms: int, vtt: int, ltp: float = 100.05, ltq: int = 75, *, first: bool = False, **changed: Any) -> bytes:
    response = wire.FeedResponse(type=wire.Type.initial_feed if first else wire.Type.live_feed, currentTs=at_ms + 20)
    book = {"bidAskQuote": [{"bidP": 100.0, "bidQ": 150, "askP": 100.05, "askQ": 75}]}
    market = {"ltpc": {"ltp": ltp, "ltt": at_ms, "ltq": ltq}, "marketLevel": book, "vtt": vtt} | changed
    response.feeds[KEY].CopyFrom(wire.Feed(fullFeed={"marketFF": market}, requestMode=wire.RequestMode.full_d5))
    return response.SerializeToString()


def ticks(frames: list[bytes], recv_ns: int | None = None) -> list[Tick]:
    found = []
    for one in frames:
        sent_ms = wire.FeedResponse.FromString(one).currentTs
        received = sent_ms * MS if recv_ns is None else recv_ns
        found += [tick for tick in upstox.parse(one, received) if isinstance(tick, Tick)]
    return found


# A broker's message is sent again with every change of the book, and one message may stand for several trades.
def test_volume_is_the_rise_of_the_day_s_counter_never_the_last_quantity() -> None:
    frames = [frame(OPEN_MS, 1_000, first=True), *(frame(OPEN_MS + i, 1_000) for i in range(1, 20))]
    frames += [frame(OPEN_MS + 1_500, 2_402, ltq=234), frame(OPEN_MS + 1_600, 2_402, ltq=234)]
    found = infer(Merger(INSTRUMENT).take(ticks(frames)).snapshots)
    assert int(found.trades.qty_lot.sum()) == 1_402
    assert found.trades.qty_lot.tolist() == [234, 1_168]
    assert found.trades.side.tolist() == [1, 1], "at the ask of the snapshot before"
    assert found.counters.unattributed_lot == 1_000, "what traded before the first snapshot"


def test_a_part_that_is_left_out_does_not_cost_the_quotes_before() -> None:
    frames = [frame(OPEN_MS, 1_000, first=True)]
    bare = wire.FeedResponse.FromString(frame(OPEN_MS + 500, 1_075, 100.0))
    bare.feeds[KEY].fullFeed.marketFF.ClearField("marketLevel")
    frames += [bare.SerializeToString(), frame(OPEN_MS + 900, 1_150, 100.0)]
    found = infer(Merger(INSTRUMENT).take(ticks(frames)).snapshots)
    assert found.trades.side.tolist() == [-1, -1]


@pytest.mark.parametrize("cut_s", [2, 600])
def test_volume_of_an_outage_has_no_side(cut_s: int) -> None:
    """P4: what passed while nobody listened is unattributed, and gets no side."""
    before = [frame(OPEN_MS, 1_000, first=True), frame(OPEN_MS + 500, 1_075)]
    back_ms = OPEN_MS + cut_s * 1_000
    after = [frame(back_ms, 9_075, first=True), frame(back_ms + 500, 9_150)]
    merger = Merger(INSTRUMENT)
    one = infer(merger.take(ticks(before)).snapshots)
    gap = Gap(symbol=KEY, from_ns=(OPEN_MS + 520) * MS, to_ns=(back_ms + 20) * MS, cause="connection lost")
    merger.reset()
    two = infer(merger.take(ticks(after)).snapshots, one.state, gaps=[gap])
    assert one.trades.qty_lot.tolist() == [75]
    assert two.trades.qty_lot.tolist() == [75]
    assert two.counters.unattributed_lot == 1_000 + 8_000
    day = int(one.trades.qty_lot.sum() + two.trades.qty_lot.sum()) + two.counters.unattributed_lot
    assert day == 9_150, "the parts make the day's counter"


def test_two_connections_that_overlap_count_nothing_twice() -> None:
    frames = [frame(OPEN_MS + 100 * i, 1_000 + 75 * i, first=i == 0) for i in range(10)]
    again = sorted([*range(10), *range(4, 8)])
    once = infer(Merger(INSTRUMENT).take(ticks(frames)).snapshots)
    overlapping = ticks([frames[i] for i in again])
    twice = infer(Merger(INSTRUMENT).take(overlapping).snapshots)
    assert once.trades.qty_lot.sum() == twice.trades.qty_lot.sum() == 75 * 9


def test_the_state_of_inference_goes_over_a_restart() -> None:
    frames = [frame(OPEN_MS + 100 * i, 1_000 + 75 * i, first=i == 0) for i in range(10)]
    merger = Merger(INSTRUMENT)
    first = infer(merger.take(ticks(frames[:5])).snapshots)
    state = InferState.from_bytes(first.state.to_bytes())
    second = infer(merger.take(ticks(frames[5:])).snapshots, state)
    assert int(first.trades.qty_lot.sum() + second.trades.qty_lot.sum()) == 75 * 9


# Keys above a limit get no data, no error and no close.
def test_what_the_broker_would_drop_in_silence_is_refused_aloud() -> None:
    many = [Wanted(symbol=f"NSE_FO|{i}", streams=frozenset({"snapshot"})) for i in range(4_001)]
    with pytest.raises(ConfigError, match="leave out the rest without a word"):
        upstox.sockets(many, upstox.BASES, {"access_token": "t"})


# A vendor's SDK calls a server and makes folders when it is imported.
def test_importing_a_venue_touches_nothing() -> None:
    program = (
        "import sys\n"
        "def watch(event, args):\n"
        "    if event in ('socket.connect', 'socket.getaddrinfo', 'os.mkdir', 'subprocess.Popen'):\n"
        "        raise SystemExit(f'{event} {args}')\n"
        "sys.addaudithook(watch)\n"
        "import footloom.venues.upstox, footloom.venues.angelone\n"
    )
    done = subprocess.run([sys.executable, "-B", "-c", program], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
