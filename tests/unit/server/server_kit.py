"""A store in memory, a tape, and a socket without a network."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path

import numpy as np

from footloom.core.instrument import Instrument
from footloom.core.messages import Gap
from footloom.core.sessions import calendar
from footloom.core.snapshots import Snapshots
from footloom.core.trades import Trades
from footloom.errors import NotStored, StoreError
from footloom.kernels.facts import in_order
from footloom.server.clients.socket import Disconnected
from footloom.server.wire.frames import Message
from footloom.store import Coverage, Recovery

DAY0_NS = 20_000 * 86_400 * 10**9  # 2024-10-04
TEST = Instrument(
    venue="test", symbol="ABC", tick_size=Decimal("0.5"), lot_size=Decimal("0.001"), base="ABC", quote="USD"
)


def make_tape(
    rows: int = 20_000, seed: int = 1, hours: float = 30.0, first_id: int = 1, instrument: Instrument = TEST
) -> Trades:
    """Make a random walk with ids without a hole."""
    rng = np.random.default_rng(seed)
    ts = DAY0_NS + np.sort(rng.integers(0, int(hours * 3600 * 1e9), rows))
    return Trades.build(
        instrument,
        ts,
        50_000 + np.cumsum(rng.integers(-2, 3, rows)),
        rng.integers(1, 5_000, rows),
        rng.choice(np.array([-1, 1, 1, -1, 0], np.int8), rows),
        trade_id=first_id + np.arange(rows),
        ts_recv_ns=ts + 1_000_000,
    )


class MemoryStore:
    """As much of `footloom.store.Store` as the server reads; ``broken`` makes writing fail."""

    root = Path("/in/memory")
    where = "/in/memory"
    recovery = Recovery()
    seal_error: StoreError | None = None

    def __init__(self, *tapes: Trades) -> None:
        self.instruments_ = {tape.instrument.key: tape.instrument for tape in tapes}
        self.tapes = {(tape.instrument.key, tape.tape): tape for tape in tapes}
        self.gaps_: list[Gap] = []
        self.broken = False
        self.appends = 0

    def append_many(self, items: Sequence[tuple[Trades | Snapshots, Sequence[Gap]]]) -> int:
        if self.broken:
            raise StoreError("the disk is full: free some room")
        self.appends += 1
        for block, gaps in items:
            assert isinstance(block, Trades)
            key = (block.instrument.key, block.tape)
            self.instruments_[block.instrument.key] = block.instrument
            self.tapes[key] = Trades.concat([self.tapes[key], block]) if key in self.tapes else block
            self.gaps_ += gaps
        return 0

    def load(self, key: str, tape: str, from_ns: int, to_ns: int, columns: object = None) -> Trades:  # noqa: ARG002 - as the store's
        found = self.tapes.get((key, tape))
        part = None if found is None else in_order(found).between(from_ns, to_ns)
        if part is None or not len(part):
            raise NotStored(f"nothing of {key}/{tape} in [{from_ns}, {to_ns})")
        return part

    def iter_chunks(self, key: str, tape: str, from_ns: int, to_ns: int, columns: object = None) -> Iterator[Trades]:
        whole = self.load(key, tape, from_ns, to_ns, columns)
        for start in range(0, len(whole), 777):
            yield whole.take(slice(start, start + 777))

    def gaps(self, key: str, tape: str, from_ns: int, to_ns: int) -> list[Gap]:  # noqa: ARG002 - as the store's
        return [gap for gap in self.gaps_ if gap.symbol == key and gap.to_ns > from_ns and gap.from_ns < to_ns]

    def instruments(self) -> list[Instrument]:
        return list(self.instruments_.values())

    def instrument(self, key: str, at_ns: int | None = None) -> Instrument:  # noqa: ARG002 - as the store's
        if key not in self.instruments_:
            raise NotStored(f"{key} is not known here: see footloom coverage")
        return self.instruments_[key]

    def grid(self, key: str, tape: str) -> Instrument:
        return self.tapes[key, tape].instrument

    def coverage(self, key: str | None = None) -> list[Coverage]:
        rows = []
        for (name, tape), trades in self.tapes.items():
            if key not in {None, name} or not len(trades):
                continue
            first, last = int(trades.ts_exch_ns.min()), int(trades.ts_exch_ns.max())
            day: dt.date = calendar(trades.instrument.calendar).session_date(first)
            rows.append(
                Coverage(
                    key=name,
                    tape=tape,
                    day=day,
                    rows=len(trades),
                    first_ns=first,
                    last_ns=last,
                    bytes=0,
                    gaps=0,
                    parts=1,
                )
            )
        return rows


class FakeSocket:
    """A client in the same loop: ``sent`` is what it was sent; ``stall`` stops it from reading."""

    def __init__(self) -> None:
        self.sent: list[bytes | str] = []
        self.requests: asyncio.Queue[str | None] = asyncio.Queue()
        self.reading = asyncio.Event()
        self.reading.set()
        self._news = asyncio.Event()

    def offer(self, message: Message) -> bool:
        if self.reading.is_set():
            self.take(message)
        return self.reading.is_set()

    async def send(self, message: Message) -> None:
        await self.reading.wait()
        self.take(message)

    def take(self, message: Message) -> None:
        self.sent.append(message.data)
        self._news.set()

    async def receive(self) -> str | bytes:
        text = await self.requests.get()
        if text is None:
            raise Disconnected
        return text

    async def wait_for(self, count: int) -> list[bytes | str]:
        """Wait until so many messages came."""
        async with asyncio.timeout(60):
            while len(self.sent) < count:
                self._news.clear()
                await self._news.wait()
        return self.sent
