"""Frames of a live stream to footprints, in group commits on one core, against msgspec with Python's integers.

Both sides fold with the batch kernel, once a commit, and join the open bar. The peer decodes each frame into a struct
of just the fields that are needed, the fastest that a frame by itself can be, and makes whole ticks of the text.
Beside the promises stands what a commit costs a chart with its studies and events.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

import msgspec
import numpy as np

from benchmarks import harness
from benchmarks.data import INSTRUMENT, TICKS_PER_LEVEL, day_of_trades, digest
from benchmarks.harness import Row, Scale
from footloom.bars import parse_rule
from footloom.core.footprint import Footprint
from footloom.core.sessions import calendar
from footloom.core.trades import Trades
from footloom.engine.alike import same_bars
from footloom.engine.builder import Builder
from footloom.engine.spec import ChartSpec
from footloom.kernels.fold import combine, fold
from footloom.kernels.print_frames import PrintFrames

__all__ = ("frames_of", "measure", "ours", "peers")

_MESSAGES = 256 * 1_000
_COMMITS = 400  # of a chart with its studies
Decode = Callable[[list[bytes]], Trades]


class _Data(msgspec.Struct):
    a: int
    p: str
    q: str
    T: int
    m: bool


class _Frame(msgspec.Struct):
    data: _Data


_decoder = msgspec.json.Decoder(_Frame)


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
    reader = PrintFrames("binance_usdm", [INSTRUMENT])

    def decode(frames: list[bytes]) -> Trades:
        found = reader.read(frames)
        assert not len(found.declined)
        return Trades.build(
            INSTRUMENT, found.ts_exch_ns, found.price_tick, found.qty_lot, found.side, trade_id=found.number
        )

    return decode


def _units(text: str, places: int) -> int:
    whole, _, rest = text.partition(".")
    assert not rest[places:].strip("0")
    return int(whole + rest[:places].ljust(places, "0"))


def peers() -> Decode:
    """Return how a struct a frame and Python's integers do the same."""

    def decode(frames: list[bytes]) -> Trades:
        rows = [_decoder.decode(frame).data for frame in frames]
        return Trades.build(
            INSTRUMENT,
            [row.T * 1_000_000 for row in rows],
            [_units(row.p, 1) for row in rows],
            [_units(row.q, 3) for row in rows],
            [-1 if row.m else 1 for row in rows],
            trade_id=[row.a for row in rows],
        )

    return decode


def _fold(decode: Decode, commits: Iterable[list[bytes]], each: list[float] | None = None) -> Footprint:
    rule, market, state = parse_rule("1m"), calendar(INSTRUMENT.calendar), b""
    done: list[Footprint] = []
    tail: Footprint | None = None
    for frames in commits:
        begun = time.perf_counter()
        trades = decode(frames)
        edges, state = rule.edges(trades, market, state)
        piece = fold(trades, edges, rule.text, TICKS_PER_LEVEL)
        tail = piece if tail is None else combine(tail, piece)
        if len(tail) > 1:
            done.append(tail.slice(0, len(tail) - 1))
            tail = tail.slice(len(tail) - 1, len(tail))
        if each is not None:
            each.append((time.perf_counter() - begun) / len(frames))
    assert tail is not None
    return Footprint.concat([*done, tail])


def _commits(frames: list[bytes], size: int) -> list[list[bytes]]:
    return [frames[at : at + size] for at in range(0, len(frames) - size + 1, size)]


def measure(scale: Scale, decode: Decode | None = None) -> list[Row]:
    """Return the promises; ``decode`` can be replaced, to show that a slow one is noticed."""
    day = day_of_trades(0, count=max(300_000, min(scale.trades, 3_000_000)))
    tape = day.take(slice(0, min(scale.trades, _MESSAGES)))
    frames, mine, theirs = frames_of(tape), decode or ours(), peers()
    large, small = _commits(frames, 256), _commits(frames, 16)
    one, other = _fold(mine, large), _fold(theirs, large)
    assert same_bars(one, other) == len(one) == len(other), "the two sides give other bars"
    each_large: list[float] = []
    each_small: list[float] = []
    sides = {
        "256": lambda: _fold(mine, large, each_large),
        "16": lambda: _fold(mine, small, each_small),
        "peer 256": lambda: _fold(theirs, large),
        "peer 16": lambda: _fold(theirs, small),
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
        *(_chart(day, rows, hashed) for rows in (1, 16, 256)),
    ]


def _p99_us(seconds: list[float]) -> float:
    return float(np.percentile(seconds, 99)) * 1e6


def _chart(tape: Trades, rows: int, hashed: str) -> Row:
    half = len(tape) // 2
    builder = Builder(tape.instrument, ChartSpec(bars="1m", ticks_per_level=TICKS_PER_LEVEL))
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
