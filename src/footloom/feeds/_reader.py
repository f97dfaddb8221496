"""From frames to the symbols that they speak of."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from operator import attrgetter
from typing import Any

import numpy as np

from footloom.core.messages import (
    BookUpdate,
    Liquidation,
    MarkPrice,
    OffMarket,
    OpenInterest,
    Quote,
    Reply,
    Tick,
    Trade,
)
from footloom.core.trades import I64
from footloom.errors import SchemaChanged, StoreError
from footloom.feeds._socket import Keeper
from footloom.feeds._symbol import Symbol
from footloom.feeds._tapes import Prints
from footloom.feeds.clock import StampedClock
from footloom.kernels.print_frames import TAPES, VENUES, PrintFrames
from footloom.kernels.print_frames import Prints as PrintRows
from footloom.store import Store, UnreadableFrame

__all__ = ("STREAM_OF", "Reader")

_columns_of = attrgetter("ts_exch_ns", "price_tick", "qty_lot", "side", "number", "frame")
_LOG = logging.getLogger(__name__)

_MOST_FRAMES = 16_384  # of one socket and commit: a burst is spread over several, so that others get their turn
_MOST_UNKEPT = 4096
_TOLD_NS = 300 * 10**9
_SHOWN_QUARANTINED = 20  # frames that are told one by one; then their number
STREAM_OF: dict[type, str] = {
    BookUpdate: "depth",
    Liquidation: "liquidation",
    MarkPrice: "mark",
    OpenInterest: "open_interest",
    Quote: "quote",
    Tick: "snapshot",
}

Received = tuple[int, bytes]  # receipt in ns UTC, frame


class Reader:
    """Reads the frames of one venue into its symbols.

    ``frames`` and ``quarantined`` count, ``stamps`` is what messages of a conflated feed tell of the venue's clock.

    Parameters
    ----------
    venue
        Its module.
    symbols
        By the venue's own name; more may be added.
    twice
        Says whether two connections deliver the same.
    store
        Where frames go that cannot be understood.
    """

    def __init__(
        self, venue: Any, symbols: Mapping[str, Symbol], twice: Callable[[], bool], store: Store | None
    ) -> None:
        self.frames = self.quarantined = 0
        self.stamps = StampedClock()
        self._trouble, self._trouble_ns = "", 0
        self._unkept: list[UnreadableFrame] = []
        self._keeping: Future[None] | None = None
        self._venue = venue
        self._symbols = symbols
        self._twice = twice
        self._store = store
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="quarantine")
        self._is_warm = False
        self._fast: PrintFrames | None = None
        self._handlers: dict[str, dict[type, Callable[..., None]]] = {}

    def add(self, symbol: Symbol) -> None:
        """Let messages of a symbol be read from here on."""
        self._handlers[symbol.wanted.symbol] = symbol.handlers(twice=self._twice)

    def remove(self, name: str) -> None:
        """Read no more messages of a symbol."""
        self._handlers.pop(name, None)

    def take(self, message: Any) -> None:
        """Give one message, as a poll answers, to its symbol."""
        self._read_other(message, type(message), set())

    def read(self, keeper: Keeper) -> None:
        """Take what a socket holds, up to a bound."""
        frames = keeper.take(_MOST_FRAMES)
        self.frames += len(frames)
        if not frames:
            return
        parse, read_one = self._venue.parse, self._read_one
        pairs: set[tuple[str, str]] = set()
        for recv_ns, frame in self._read_prints(frames, pairs):
            try:
                for message in parse(frame, recv_ns):
                    read_one(message, pairs, keeper)
            except SchemaChanged as error:
                self.quarantine(frame, recv_ns, str(error))
            except Exception as error:  # noqa: BLE001 - one frame must not stop the feed, whatever is wrong with it
                self.quarantine(frame, recv_ns, repr(error))
        if pairs:
            keeper.heard(pairs)

    def warm(self) -> None:
        """Compile what reads trades, half a minute after an installation; parsed they are until then. Blocking."""
        if self._venue.VENUE in VENUES:
            PrintFrames(self._venue.VENUE, ()).read([b"{}"])
            self._is_warm = True

    # Plain trades come out as columns at once; what is left has to be parsed.
    def _read_prints(self, frames: list[Received], pairs: set[tuple[str, str]]) -> Iterable[Received]:
        if not self._is_warm:
            return frames
        grids = tuple(symbol.instrument for symbol in self._symbols.values())
        if self._fast is None or self._fast.instruments != grids:
            self._fast = PrintFrames(self._venue.VENUE, grids)
        receipts, bodies = zip(*frames, strict=True)
        found = self._fast.read(bodies)
        if len(found.frame):
            self._give_prints(found, np.fromiter(receipts, np.int64, len(receipts)), pairs)
        return [frames[place] for place in found.declined.tolist()]

    def _give_prints(self, found: PrintRows, recv_ns: I64, pairs: set[tuple[str, str]]) -> None:
        whose = found.symbol * len(TAPES) + found.tape
        marks = sorted(set(whose.tolist()))
        for mark in marks:
            number, tape_number = divmod(mark, len(TAPES))
            name = self._fast.instruments[number].symbol if self._fast is not None else ""
            pairs.add((name, TAPES[tape_number]))
            symbol = self._symbols[name]
            tape = symbol.tapes.get(TAPES[tape_number])
            if tape is None:
                continue
            rows = np.flatnonzero(whose == mark) if len(marks) > 1 else None
            symbol.messages += len(whose) if rows is None else len(rows)
            tape.add_prints(_prints(found, recv_ns, rows, named=tape.events is not None))

    def _read_one(self, message: Any, pairs: set[tuple[str, str]], keeper: Keeper) -> None:
        kind = type(message)
        if kind is Trade:
            pairs.add((message.symbol, message.tape))
            symbol = self._symbols.get(message.symbol)
            tape = symbol.tapes.get(message.tape) if symbol is not None else None
            if symbol is not None and tape is not None:
                symbol.messages += 1
                tape.add(message)
        elif kind is Reply:
            self._answer(message, keeper)
        else:
            if kind is Tick and message.ts_exch_ns is not None:
                self.stamps.note(message.ts_exch_ns, message.ts_recv_ns)
                keeper.watch.stamped(message.ts_exch_ns, message.ts_recv_ns)
            self._read_other(message, kind, pairs)

    def _read_other(self, message: Any, kind: type, pairs: set[tuple[str, str]]) -> None:
        whose = message.trade if kind is OffMarket else message
        name = getattr(whose, "symbol", "")
        symbol = self._symbols.get(name)
        if symbol is None:
            return
        symbol.messages += 1
        pairs.add((name, whose.tape if kind is OffMarket else STREAM_OF.get(kind, "")))
        handler = self._handlers[name].get(kind)
        if handler is not None:
            handler(message)

    def _answer(self, reply: Reply, keeper: Keeper) -> None:
        if reply.kind == "shutdown":
            keeper.replace()
        elif reply.kind == "error":
            _LOG.error("%s: the venue says: %s", keeper.socket.name, reply.text)
            self._say(f"{keeper.socket.name}: the venue says: {reply.text[:200]}", keeper.opened_ns)

    def quarantine(self, frame: bytes, recv_ns: int, why: str) -> None:
        """Keep raw what cannot be understood, and tell."""
        self.quarantined += 1
        if self.quarantined <= _SHOWN_QUARANTINED:
            _LOG.error("%s: a frame that cannot be understood is kept in quarantine: %s", self._venue.VENUE, why)
        self._say(f"{self.quarantined} frames could not be understood, kept in quarantine: {why[:200]}", recv_ns)
        if self._store is not None and len(self._unkept) < _MOST_UNKEPT:
            self._unkept.append(UnreadableFrame(self._venue.VENUE, recv_ns, why, frame))
            self._keep()

    # Many in one go, one go at a time: what cannot be read may come faster than a disk takes it.
    def _keep(self) -> None:
        if self._unkept and (self._keeping is None or self._keeping.done()):
            batch, self._unkept = self._unkept, []
            self._keeping = self._thread.submit(_kept, self._store, batch)

    def _say(self, text: str, at_ns: int) -> None:
        self._trouble, self._trouble_ns = text, at_ns

    def trouble(self, now_ns: int) -> str:
        """Return what was wrong in the last minutes, "" where nothing was."""
        return self._trouble if now_ns - self._trouble_ns < _TOLD_NS else ""

    def close(self) -> None:
        """Wait for what is under way, and keep the rest."""
        self._thread.shutdown()
        if self._unkept:
            _kept(self._store, self._unkept)


# Copies: what is read lies in one block, which is given back at once. All rows of a commit are mostly of one symbol.
def _prints(found: PrintRows, recv_ns: I64, rows: I64 | None, *, named: bool) -> Prints:
    ts, tick, lot, side, number, frame = (c.copy() if rows is None else c[rows] for c in _columns_of(found))
    places = range(len(frame)) if rows is None else rows.tolist()
    return Prints(ts, tick, lot, side, number, recv_ns[frame], [found.uid(row) for row in places] if named else ())


def _kept(store: Store | None, batch: list[UnreadableFrame]) -> None:
    if store is not None:
        try:
            store.keep_unreadable(batch)
        except StoreError as error:
            _LOG.warning("%d frames that cannot be understood are not kept: %s", len(batch), error)
