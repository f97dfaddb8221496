"""Bybit's trades have no ids that count: whatever is lost, doubled, late or cut off by a kill, each print is kept once.

The venue is a model: match events of one to three prints, a stream of frames, and a page of the newest trades, which
may lag behind the stream. What listens is the real reader, tape, splices and repair. Whatever happens in between, in
the end each print is stored once, and what is not lies in a gap that is told; where the page reaches far enough,
nothing is missing at all.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from footloom.core.gaps import open_gaps
from footloom.core.instrument import Instrument
from footloom.core.messages import Gap
from footloom.core.trades import Trades
from footloom.errors import NotStored
from footloom.feeds import backfill
from footloom.feeds._reader import Reader
from footloom.feeds._stored_ids import restore
from footloom.feeds._symbol import Symbol
from footloom.feeds.backfill import Reach, Repair
from footloom.feeds.flow import FeedState
from footloom.venues import bybit_linear
from footloom.venues._venue import Wanted

START_MS = 1_764_738_254_000
MS = 1_000_000
INSTRUMENT = Instrument(
    venue="bybit_linear", symbol="BTCUSDT", tick_size=Decimal("0.1"), lot_size=Decimal("0.001"), base="BTC"
)
WANTED = Wanted(symbol="BTCUSDT", streams=frozenset({"trade"}))


@dataclass(frozen=True)
class Print:
    """``name`` is its place in the whole tape, which its price says too."""

    name: int
    event: int
    ms: int

    @property
    def uid(self) -> str:
        return f"{self.name * 0x9E3779B1 & 0xFFFFFFFF:08x}-0000-5000-8000-{self.name:012x}"

    @property
    def price(self) -> str:
        return f"{1000 + self.name // 10}.{self.name % 10}"

    def streamed(self) -> dict[str, Any]:
        return {
            "T": self.ms, "s": "BTCUSDT", "S": "Buy", "v": "0.001", "p": self.price, "L": "PlusTick", "i": self.uid,
            "BT": False, "seq": self.event,
        }  # fmt: skip

    def paged(self) -> dict[str, Any]:
        return {
            "execId": self.uid, "symbol": "BTCUSDT", "price": self.price, "size": "0.001", "side": "Buy",
            "time": str(self.ms), "isBlockTrade": False, "seq": str(self.event),
        }  # fmt: skip


class Inbox:
    """The connection, as far as a reader knows it."""

    def __init__(self) -> None:
        self.frames: list[tuple[int, bytes]] = []

    def take(self, _most: int) -> list[tuple[int, bytes]]:
        frames, self.frames = self.frames, []
        return frames

    def heard(self, _pairs: object) -> None:
        pass


@dataclass
class Life:
    """A venue and who records it, over breaks and restarts."""

    page: int
    plain: bool = False  # read by the venue's parser, not by the kernel
    turned: bool = False  # prints of one event stand in another order on a page
    tape: list[Print] = field(default_factory=list)
    stored: list[Trades] = field(default_factory=list)
    told: list[Gap] = field(default_factory=list)
    now_ms: int = START_MS
    events: int = 1_000

    def __post_init__(self) -> None:
        self.begin()

    # --- who records

    def begin(self) -> None:
        self.symbol = Symbol(WANTED, INSTRUMENT, bybit_linear, frozenset())
        self.trades = self.symbol.tapes["trade"]
        self.breaks: list[tuple[str, int, int]] = []
        self.inbox = Inbox()
        symbols = {"BTCUSDT": self.symbol}
        self.reader = Reader(bybit_linear, symbols, lambda: False, None)
        self.reader.add(self.symbol)
        self.asked = True
        self.repair = Repair(
            symbol=self.symbol,
            tape=self.trades,
            venue=bybit_linear,
            bases=bybit_linear.BASES,
            fetch=self.fetch,
            now_ns=lambda: self.now_ms * MS,
            reach=Reach(0, 10**15),
        )

    def restart(self) -> None:
        """Kill it: what was not committed is gone, what was stored is what it begins with."""
        self.begin()
        rows = [block for block in self.stored if len(block)]
        if rows:
            restore(self, self.trades, self.symbol.splices["trade"], 10**18)  # type: ignore[arg-type] # like a store
            self.symbol.missed("not recording", self.trades.last_ns, self.now_ms * MS)

    def commit(self) -> None:
        for one in self.breaks:
            self.symbol.missed(*one)
        self.asked |= bool(self.breaks)
        self.breaks = []
        if self.plain:
            with mock.patch.object(Reader, "_read_prints", lambda _self, frames, _pairs: frames):
                self.reader.read(self.inbox)  # type: ignore[arg-type] # as much of a keeper as it needs
        else:
            self.reader.read(self.inbox)  # type: ignore[arg-type]
        self.keep()

    def keep(self) -> None:
        found = self.symbol.arrivals(self.now_ms * MS, FeedState("live"))
        gaps = [gap for arrival in found for gap in arrival.gaps]
        self.asked |= self.symbol.heard_first(found) or any(not gap.healed for gap in gaps)
        self.told += gaps
        self.stored += [arrival.trades for arrival in found]

    # --- the store, as far as a start asks it

    def coverage(self, _key: str) -> list[Any]:
        return [SimpleNamespace(tape="trade", last_ns=int(rows.ts_exch_ns.max())) for rows in self.stored if len(rows)]

    def load(self, _key: str, tape: str, *_: object) -> Trades:
        if tape != "trade":
            raise NotStored(tape)
        return Trades.concat([rows for rows in self.stored if len(rows)])

    def gaps(self, *_: object) -> list[Gap]:
        return open_gaps(self.told)

    # --- the venue

    def trade(self, sizes: Sequence[int]) -> list[list[Print]]:
        made = []
        for size in sizes:
            self.now_ms += self.events % 3  # several events of one instant
            self.events += 2
            names = range(len(self.tape), len(self.tape) + size)
            made.append([Print(name, self.events, self.now_ms) for name in names])
            self.tape += made[-1]
        return made

    def send(self, events: Sequence[Sequence[Print]]) -> None:
        for prints in events:
            data = [one.streamed() for one in prints]
            frame = {"topic": "publicTrade.BTCUSDT", "type": "snapshot", "ts": prints[-1].ms, "data": data}
            self.inbox.frames.append((self.now_ms * MS, json.dumps(frame, separators=(",", ":")).encode()))

    async def fetch(self, *_: object) -> bytes:
        until = self.events - 2 * self.lag
        rows = [one for one in self.tape if one.event <= until]
        if self.turned:  # within an event nobody says which comes first
            rows.sort(key=lambda one: (one.event, -one.name))
        rows = rows[-self.page :]
        return json.dumps({"retCode": 0, "retMsg": "OK", "result": {"list": [r.paged() for r in rows[::-1]]}}).encode()

    lag = 0

    # --- what happens

    def do(self, what: str, sizes: Sequence[int], lag: int) -> None:
        self.lag = lag
        getattr(self, f"do_{what}")(self.trade(sizes))
        self.lag = 0

    def do_hear(self, events: list[list[Print]]) -> None:
        self.send(events)

    def do_commit(self, events: list[list[Print]]) -> None:
        self.send(events)
        self.commit()

    def do_drop(self, events: list[list[Print]]) -> None:
        """Let the venue leave out the middle of what it sends."""
        self.send(events[:1] + events[-1:] if len(events) > 2 else [])

    def do_double(self, events: list[list[Print]]) -> None:
        """Deliver over two connections."""
        self.send(events)
        self.send(events[len(events) // 2 :])

    def do_turn(self, events: list[list[Print]]) -> None:
        """Deliver in another order."""
        self.send(events[::-1])

    def do_lose(self, _events: list[list[Print]]) -> None:
        """Lose the connection; what is traded meanwhile nobody hears."""
        lost_ns = max([recv_ns for recv_ns, _ in self.inbox.frames], default=self.trades.last_ns)
        self.now_ms += 1
        self.breaks.append(("lost", lost_ns, self.now_ms * MS))

    def do_kill(self, _events: list[list[Print]]) -> None:
        self.restart()

    def do_stop(self, _events: list[list[Print]]) -> None:
        self.commit()
        self.restart()

    def do_mend(self, events: list[list[Print]]) -> None:
        self.send(events)
        self.commit()
        self.mend()

    def do_audit(self, events: list[list[Print]]) -> None:
        self.send(events)
        self.commit()
        asyncio.run(self.repair.audit())
        self.keep()

    def do_probe(self, _events: list[list[Print]]) -> None:
        """Find the connection mute: the venue is asked, and if it has more, the connection is given up."""
        self.lag = 0  # a history that lags behind is asked again as long as nothing comes
        self.commit()
        if asyncio.run(self.repair.found_newer()):
            self.now_ms += 1
            self.breaks.append(("mute", self.trades.last_ns, self.now_ms * MS))
        self.keep()

    def mend(self) -> None:
        if self.asked or self.repair.unfinished:
            self.asked = False
            asyncio.run(self.repair.after_connecting())
            self.keep()

    def settle(self) -> None:
        """Let the market go on, and nothing happen: what can be mended is."""
        for _ in range(4):
            self.do("commit", (1, 2), 0)
            for _ in range(3):
                self.mend()
            self.do("audit", (1,), 0)

    # --- what became of it

    def faults(self) -> list[str]:
        kept = Trades.concat([block for block in self.stored if len(block)])
        names = (kept.price_tick - 10_000).tolist()
        found = []
        if len(set(names)) != len(names):
            found.append(f"{len(names) - len(set(names))} are stored twice")
        if len(np.unique(kept.trade_id)) != len(kept):
            found.append("two prints have one id")
        wrong = [
            name for name, at in zip(names, kept.ts_exch_ns.tolist(), strict=True) if self.tape[name].ms * MS != at
        ]
        found += [f"{name} is not as it was sent" for name in wrong]
        gaps = open_gaps(self.told)
        missing = [one for one in self.tape[min(names) :] if one.name not in set(names)]
        silent = [one for one in missing if not any(gap.from_ns <= one.ms * MS < gap.to_ns for gap in gaps)]
        if silent:
            found.append(f"{len(silent)} are lost without a word, the first is {silent[0]}")
        if gaps and not missing and len(self.tape) < self.page:  # else nobody can know that nothing lies before a page
            found.append(f"a gap without a loss: {gaps}")
        return found

    @property
    def missing(self) -> int:
        names = {name for block in self.stored for name in (block.price_tick - 10_000).tolist()}
        return len([one for one in self.tape[min(names) :] if one.name not in names])


Happened = list[tuple[str, tuple[int, ...], int]]
WHAT = ("hear", "commit", "double", "turn", "lose", "kill", "stop", "mend", "audit", "probe")
sizes = st.lists(st.integers(1, 3), max_size=5).map(tuple)


def lives(what: Sequence[str]) -> st.SearchStrategy[Happened]:
    return st.lists(st.tuples(st.sampled_from(what), sizes, st.integers(0, 3)), max_size=14)


def lived(happened: Happened, page: int, *, plain: bool = False, turned: bool = False) -> Life:
    with mock.patch.object(backfill, "_PAGE", page):
        life = Life(page, plain, turned)
        life.do("commit", (1, 2, 1), 0)
        for what, some, lag in happened:
            life.do(what, some, lag)
        life.settle()
    return life


@given(lives(WHAT), st.booleans())
@example([("kill", (3,), 0), ("hear", (3,), 0), ("lose", (3,), 0)], False)  # two gaps that share an instant
def test_each_print_is_kept_once_or_lies_in_a_gap_that_is_told(
    happened: Happened,
    plain: bool,  # noqa: FBT001 - drawn
) -> None:
    assert lived(happened, 12, plain=plain).faults() == []


@given(lives((*WHAT, "drop")), st.booleans())
def test_nothing_is_missing_that_the_venue_still_gives(
    happened: Happened,
    turned: bool,  # noqa: FBT001 - drawn
) -> None:
    life = lived(happened, 1_000, turned=turned)

    assert (life.faults(), life.missing) == ([], 0)


# What the model may do wrong is seen: rows that were forgotten, stored twice, or moved.
@pytest.mark.parametrize("fault", ["lost", "twice", "moved", "a gap"])
def test_the_model_sees_a_planted_fault(fault: str) -> None:
    life = lived([("commit", (1, 2, 3), 0)], 1_000)
    assert life.faults() == []
    block = life.stored[-1] if len(life.stored[-1]) else next(rows for rows in life.stored[::-1] if len(rows))
    if fault == "lost":
        life.stored = [rows for rows in life.stored if rows is not block]
    elif fault == "twice":
        life.stored.append(block)
    elif fault == "moved":
        life.tape[-1] = replace(life.tape[-1], ms=life.tape[-1].ms + 1)
    else:
        life.told.append(Gap(symbol="BTCUSDT", from_ns=START_MS * MS, to_ns=START_MS * MS + 1, cause="planted"))

    assert life.faults() != []
