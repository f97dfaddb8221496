"""Frames of a live stream to footprints, in group commits on one core, against msgspec with Python's integers.

Ours is the recorder's own way, without socket and disk: the venue's `Reader`, the symbol's tape with its check of ids,
what the journal would be given, and the chart's `Builder` with POC, value area, imbalances and events. The peer decodes
each frame into a struct of just the fields that are needed, the fastest that a frame by itself can be, makes whole
ticks of the text, checks no ids, and gives the same builder the same trades. The journal's part is in `live_commit`.
Beside the promises stands what a commit costs a chart.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import cast

import msgspec
import numpy as np

from benchmarks import harness
from benchmarks.data import INSTRUMENT, TICKS_PER_LEVEL, day_of_trades, digest
from benchmarks.harness import Row, Scale
from footloom.core.footprint import Footprint
from footloom.core.trades import Trades
from footloom.engine.alike import same_bars
from footloom.engine.builder import Builder
from footloom.engine.spec import ChartSpec
from footloom.feeds._reader import Reader, Received
from footloom.feeds._socket import Keeper
from footloom.feeds._symbol import Symbol
from footloom.feeds.flow import FeedState
from footloom.venues import binance_usdm
from footloom.venues._venue import Wanted

__all__ = ("frames_of", "measure", "ours", "peers")

_MESSAGES = 256 * 1_000
_COMMITS = 400  # of a chart with its studies
_DELAY_NS = 150_000_000  # from the match to the receipt
_LISTED = msgspec.structs.replace(INSTRUMENT, venue=binance_usdm.VENUE)
Decode = Callable[[list[Received]], Trades]


class _Data(msgspec.Struct):
    a: int
    p: str
    q: str
    T: int
    m: bool


class _Frame(msgspec.Struct):
    data: _Data


_decoder = msgspec.json.Decoder(_Frame)


class _Socket:
    """Holds the frames of one commit, as a socket's keeper does."""

    def __init__(self) -> None:
        self.frames: list[Received] = []

    def take(self, most: int) -> list[Received]:
        """Give them away."""
        assert len(self.frames) <= most
        frames, self.frames = self.frames, []
        return frames

    def heard(self, pairs: set[tuple[str, str]]) -> None:
        """Hear that they were understood."""
        assert pairs


def frames_of(tape: Trades) -> list[bytes]:
    """Return a tape as the frames that Binance sends of it."""
    rows = zip(
        *(c.tolist() for c in (tape.trade_id, tape.ts_exch_ns, tape.price_tick, tape.qty_lot, tape.side)), strict=True
    )
    return [
        b'{"stream":"btcusdt@aggTrade","data":{"e":"aggTrade","E":%d,"s":"BTCUSDT","a":%d,"p":"%d.%d0","q":"%d.%03d",'
        b'"nq":"%d.%03d","f":%d,"l":%d,"T":%d,"m":%s,"st":1}}'
        % (
            ts // 1_000_000 + 150, number, tick // 10, tick % 10, lot // 1000, lot % 1000, lot // 1000, lot % 1000,
            number * 2, number * 2 + 1, ts // 1_000_000, b"true" if side < 0 else b"false",
        )
        for number, ts, tick, lot, side in rows
    ]  # fmt: skip


def ours() -> Decode:
    """Return how footloom reads the frames of a commit."""
    wanted = Wanted(symbol=_LISTED.symbol, streams=frozenset({binance_usdm.TAPE}))
    symbol = Symbol(wanted, _LISTED, binance_usdm, frozenset())
    reader = Reader(binance_usdm, {_LISTED.symbol: symbol}, lambda: False, None)
    reader.warm()
    socket, state = _Socket(), FeedState("live")

    def decode(frames: list[Received]) -> Trades:
        socket.frames = frames
        reader.read(cast(Keeper, socket))
        (arrival,) = symbol.arrivals(frames[-1][0], state)
        assert arrival.stored()
        assert not arrival.gaps
        return arrival.trades

    return decode


def _units(text: str, places: int) -> int:
    whole, _, rest = text.partition(".")
    assert not rest[places:].strip("0")
    return int(whole + rest[:places].ljust(places, "0"))


def peers() -> Decode:
    """Return how a struct a frame and Python's integers do the same."""

    def decode(frames: list[Received]) -> Trades:
        rows = [_decoder.decode(frame).data for _, frame in frames]
        return Trades.build(
            _LISTED,
            [row.T * 1_000_000 for row in rows],
            [_units(row.p, 1) for row in rows],
            [_units(row.q, 3) for row in rows],
            [-1 if row.m else 1 for row in rows],
            trade_id=[row.a for row in rows],
            ts_recv_ns=[recv_ns for recv_ns, _ in frames],
            tape=binance_usdm.TAPE,
        )

    return decode


def _chart(tape: Trades) -> Builder:
    # The store gives rows back where one comes late: here none does.
    return Builder(_LISTED, ChartSpec(bars="1m", ticks_per_level=TICKS_PER_LEVEL), source=lambda _: tape)


def _fold(make: Callable[[], Decode], commits: Iterable[list[Received]], each: list[float] | None = None) -> Footprint:
    decode, chart = make(), _chart(Trades.empty(_LISTED, binance_usdm.TAPE))
    for frames in commits:
        begun = time.perf_counter()
        chart.update(decode(frames), frames[-1][0])
        if each is not None:
            each.append((time.perf_counter() - begun) / len(frames))
    frame = chart.frame()
    assert frame is not None
    return frame.footprint


def _received(tape: Trades) -> list[Received]:
    return list(zip((tape.ts_exch_ns + _DELAY_NS).tolist(), frames_of(tape), strict=True))


def _commits(frames: list[Received], size: int) -> list[list[Received]]:
    return [frames[at : at + size] for at in range(0, len(frames) - size + 1, size)]


def measure(scale: Scale, make: Callable[[], Decode] = ours) -> list[Row]:
    """Return the promises; what makes our decoding can be replaced, to show that a slow one is noticed."""
    day = replace(day_of_trades(0, count=max(300_000, min(scale.trades, 3_000_000))), instrument=_LISTED)
    tape = day.take(slice(0, min(scale.trades, _MESSAGES)))
    frames = _received(tape)
    large, small = _commits(frames, 256), _commits(frames, 16)
    one, other = _fold(make, large), _fold(peers, large)
    assert same_bars(one, other) == len(one) == len(other), "the two sides give other bars"
    each_large: list[float] = []
    each_small: list[float] = []
    sides = {
        "256": lambda: _fold(make, large, each_large),
        "16": lambda: _fold(make, small, each_small),
        "peer 256": lambda: _fold(peers, large),
        "peer 16": lambda: _fold(peers, small),
    }
    times = harness.interleave(sides, scale.rounds)
    hashed = digest(tape.ts_exch_ns, tape.price_tick, tape.qty_lot, tape.side)
    count, few = 256 * len(large), 16 * len(small)
    speed = count / times.median("256") / 1e6

    def against(size: str, floor: float | None) -> Row:
        messages = count if size == "256" else few
        shown = [harness.million_per_second(messages, times.median(side)) for side in (size, f"peer {size}")]
        name = f"live decode + fold, commits of {size}, against msgspec and Python ints"
        return Row(name, shown[0], f"msgspec {shown[1]}", times.ratio(f"peer {size}", size), floor, hashed)

    return [
        against("256", 1.5),
        against("16", None),
        Row(
            "live decode + fold, commits of 256, one core",
            f"{speed:.3g} M/s",
            "limit 0.8 M/s",
            speed / 0.8,
            1.0,
            hashed,
        ),
        harness.limit("the same, p99 of a message", _p99_us(each_large), 3.0, "us", "commits of 256", hashed),
        Row("the same, commits of 16, p99 of a message", f"{_p99_us(each_small):.3g} us", "-", None, None, hashed),
        *(_of_chart(day, rows, hashed) for rows in (1, 16, 256)),
    ]


def _p99_us(seconds: list[float]) -> float:
    return float(np.percentile(seconds, 99)) * 1e6


def _of_chart(tape: Trades, rows: int, hashed: str) -> Row:
    half = len(tape) // 2
    builder = _chart(tape)
    builder.seed(tape.take(slice(half - 100_000, half)))
    seconds = []
    for at in range(half, half + _COMMITS * rows, rows):
        part = tape.take(slice(at, at + rows))
        begun = time.perf_counter()
        builder.update(part, int(part.ts_exch_ns[-1]))
        seconds.append(time.perf_counter() - begun)
    cost = float(np.median(seconds)) * 1e6
    name = f"a commit of {rows} rows in a 1m chart, with studies and events"
    return Row(name, f"{cost:.3g} us", f"p99 {_p99_us(seconds):.3g} us", None, None, hashed)


if __name__ == "__main__":
    harness.run(measure)
