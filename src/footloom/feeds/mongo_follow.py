"""Upstox messages that another program inserts into MongoDB, into the store as they come: each once, none left out.

What was there before comes first. Then a change stream tells of every insert; where the server has no replica set, it
is asked for documents behind the last ``_id``. How far it came stands in a note of the store, written after the rows:
after a stop of any kind the rows in between are recognised by what they say.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import msgspec
import numpy as np

from footloom.core.messages import Gap
from footloom.core.snapshots import GREEKS, Snapshots
from footloom.core.trades import Trades
from footloom.errors import NotStored, StoreError
from footloom.feeds._import_grids import Grids
from footloom.feeds._import_report import Drop
from footloom.feeds._import_tally import add_drops
from footloom.feeds.mongo_documents import Collection, Found, Place, id_of_text, text_of_id
from footloom.importers import SCAN, BareRows, Rows
from footloom.importers._json_documents import Document
from footloom.importers._rows import Ask, Outside
from footloom.importers.upstox_documents import DOCUMENTS, DocumentReader
from footloom.store import Store
from footloom.store.columns import Columns, block_of, columns_of, form_of, length, take
from footloom.store.grid import regrid
from footloom.typed import from_json

__all__ = ("Follower", "Mark", "Taken")

_SAMPLE = 2_000  # documents that tell the decimals of instruments that nobody knows
_POLL_S = 0.25
_AGAIN_S = 1.0


class Mark(msgspec.Struct):
    """How far a collection was taken: the token behind the last insert, and the last ``_id``, as texts.

    ``reading`` says that what was there before the token is not all read: its rest lies behind the last ``_id``.
    ``count`` is how many documents there were up to the last ``_id``, as an import left it; None where nobody counted.
    """

    token: str | None = None
    last_id: str | None = None
    reading: bool = False
    count: int | None = None

    @classmethod
    def of(cls, store: Store, place: Place) -> Self:
        """Return how far a store has taken a collection."""
        note = store.note(f"follow {place}")
        return from_json(note, cls) if note else cls()

    def keep(self, store: Store, place: Place) -> None:
        """Write it down."""
        store.put_note(f"follow {place}", msgspec.json.encode(self))


@dataclass
class Taken:
    """What became of documents: ``again`` rows were stored before, ``left_out`` lie where a file without ids lies.

    ``caught_up`` says that all is read which was there at the start.
    """

    documents: int = 0
    rows: int = 0
    again: int = 0
    left_out: int = 0
    broken: int = 0
    lost_token: bool = False
    caught_up: bool = False
    symbols: Counter[str] = field(default_factory=Counter)
    drops: list[Drop] = field(default_factory=list)


class Follower:
    """Follows one collection into a store that is open for writing.

    Parameters
    ----------
    collection
        Where the documents are.
    store
        Where their rows go.
    told
        Called after each commit, and when nothing came.
    stored
        Called with rows, and the gaps among them, once they are stored.
    """

    def __init__(
        self,
        collection: Collection,
        store: Store,
        told: Callable[[Taken], None] = lambda _taken: None,
        stored: Callable[[Trades | Snapshots, Sequence[Gap]], None] = lambda _rows, _gaps: None,
    ) -> None:
        self.taken = Taken()
        self._collection = collection
        self._store = store
        self._told = told
        self._stored = stored
        self._mark = Mark.of(store, collection.place)
        grids = Grids(None, None, store.instrument, self._places, grows=True)
        self._grids = grids
        self._reader = DocumentReader(DOCUMENTS, Ask(grid=grids.grid))
        self._number = 0
        self._decimals: dict[tuple[str, str], tuple[int, int]] = {}
        self._at_hand: list[Document] = []
        self._until: dict[tuple[str, str], int] = {}
        self._listens = False
        self._overlap: set[str] = set()  # what was read since the stream began, and will come by it once more

    def run(self, stop: threading.Event, *, once: bool = False) -> None:
        """Follow until told to stop, or ``once`` to the end of what is there.

        Raises
        ------
        StoreError
            The store does not take the rows. A server of documents that is gone is waited for.
        """
        watches = self._listens = not once and self._collection.can_watch()
        if watches:
            self._begin()
        self._take_stored(stop)
        self.taken.caught_up = not stop.is_set()
        if once:
            return
        if watches:
            self._follow(stop)
        else:
            self._poll(stop)

    # --- the change stream

    # Listen first, then read what is there: what is inserted meanwhile is heard, and known by its _id.
    def _begin(self) -> None:
        if self._mark.token is not None:
            try:
                self._collection.watch(id_of_text(self._mark.token))
            except LookupError:
                self.taken.lost_token = True
            else:
                return
        token = self._collection.watch()
        self._mark.reading = True
        self._keep(token)

    def _follow(self, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                found, token = self._collection.inserted()
            except StoreError:
                self._again(stop)
                continue
            self._take([one for one in found if not self._is_seen(one)])
            if found:
                self._keep(token, found[-1])
            self._told(self.taken)

    def _again(self, stop: threading.Event) -> None:
        self.taken.broken += 1
        self._told(self.taken)
        while not stop.wait(_AGAIN_S):
            try:
                self._begin()
            except StoreError:
                continue
            if self._mark.reading:
                self._until = {key: self._end_of(":".join(key)) for key in self._until}
                self._take_stored(stop)
            return

    # The stream tells in the order of the server's time: what is behind the end of the reading was not read.
    def _is_seen(self, one: Found) -> bool:
        if self._overlap and one.at > self._collection.read_until:
            self._overlap.clear()
        key = text_of_id(one.id)
        if key not in self._overlap:
            return False
        self._overlap.discard(key)
        return True

    # --- what is there, and where nothing tells of inserts

    def _take_stored(self, stop: threading.Event) -> None:
        if self._listens and not self._mark.reading:
            return
        after = None if self._mark.last_id is None else id_of_text(self._mark.last_id)
        for found in self._collection.stored(after):
            if self._listens:
                self._overlap.update(text_of_id(one.id) for one in found)
            self._take(found)
            self._keep(None, found[-1])
            self._told(self.taken)
            if stop.is_set():
                return
        if self._listens:
            self._mark.reading = False
            self._keep(None)

    def _poll(self, stop: threading.Event) -> None:
        while not stop.is_set():
            before = self.taken.documents
            try:
                self._take_stored(stop)
            except StoreError as error:
                if not _is_unreached(error):
                    raise
                self.taken.broken += 1
            self._told(self.taken)
            stop.wait(0.0 if self.taken.documents > before else _POLL_S)

    # --- into the store

    def _take(self, found: list[Found]) -> None:
        if not found:
            return
        documents = [Document(one.text, self._number + n + 1, self._number + n + 1) for n, one in enumerate(found)]
        self._at_hand = documents
        self._number += len(found)
        self.taken.documents += len(found)
        items: list[tuple[Trades | Snapshots, list[Gap]]] = []
        for rows in [*self._reader.take(documents), *self._reader.flush()]:
            add_drops(self.taken.drops, rows.dropped)
            if not isinstance(rows, Outside) and len(rows.line):
                items += self._ready(rows)
        if items:
            self._store.append_many(items)
            for block, gaps in items:
                self._stored(block, gaps)

    def _ready(self, rows: Rows | BareRows) -> Iterator[tuple[Trades | Snapshots, list[Gap]]]:
        chosen = self._grids.chosen[rows.venue, rows.symbol]
        if chosen.define is not None and (rows.venue, rows.symbol) not in self._until:
            self._store.put_instrument(chosen.define)
        block = _block(rows, chosen.instrument)
        columns, doubtful = self._new(block)
        gaps = [
            Gap(symbol=rows.symbol, from_ns=gap.from_ns, to_ns=gap.to_ns, cause=gap.cause)
            for gap in (rows.gaps if isinstance(rows, BareRows) else ())
        ]
        fresh = _made(block, take(columns, ~doubtful))
        count = len(fresh) + self._append_doubtful(_made(block, take(columns, doubtful)))
        self.taken.rows += count
        self.taken.symbols[rows.symbol] += count
        if len(fresh) or gaps:
            yield fresh, gaps

    # Rows that lie before the end of what was stored at the start may be stored: those that say the same are.
    def _new(self, block: Trades | Snapshots) -> tuple[Columns, Any]:
        form, columns = form_of(block.tape), columns_of(block)
        until = self._stored_until(block)
        time = columns[form.time]
        doubtful = time <= until
        if not doubtful.any():
            return columns, doubtful
        low, high = int(time[doubtful].min()), int(time[doubtful].max())
        known = self._known(block, low, high + 1)
        keep = np.ones(length(columns), np.bool_)
        for row, said in enumerate(_said(columns, form.dtypes)):
            if doubtful[row] and known[said] > 0:
                known[said] -= 1
                keep[row] = False
        self.taken.again += int((~keep).sum())
        return take(columns, keep), doubtful[keep]

    def _stored_until(self, block: Trades | Snapshots) -> int:
        key = (block.instrument.venue, block.instrument.symbol)
        if key not in self._until:
            self._until[key] = self._end_of(block.instrument.key)
        return self._until[key]

    def _end_of(self, name: str) -> int:
        days = [*self._store.coverage(name), *self._store.partials(name)]
        return max((day.last_ns for day in days if day.last_ns is not None), default=-1)

    def _known(self, block: Trades | Snapshots, from_ns: int, to_ns: int) -> Counter[bytes]:
        form = form_of(block.tape)
        try:
            stored = self._store.load(block.instrument.key, block.tape, from_ns, to_ns)
        except NotStored:
            return Counter()
        columns = {name: getattr(stored, name) for name in form.dtypes}
        return Counter(_said(regrid(form, columns, stored.instrument, block.instrument), form.dtypes))

    # They lie among rows of a file without ids, perhaps: then nobody can say whether they are in it.
    def _append_doubtful(self, block: Trades | Snapshots) -> int:
        if not len(block):
            return 0
        try:
            self._store.append(block)
        except StoreError as error:
            if "overlap" not in str(error):
                raise
            self.taken.left_out += len(block)
            return 0
        self._stored(block, ())
        return len(block)

    def _keep(self, token: Any, last: Found | None = None) -> None:
        if token is not None:
            self._mark.token = text_of_id(token)
        if last is not None:
            self._mark.last_id, self._mark.count = text_of_id(last.id), None
        self._mark.keep(self._store, self._collection.place)

    # The decimals of instruments that nobody knows: from what was there first, and for one that appears later from what
    # is at hand. The few documents may all have round prices, so that no fewer are taken than its exchange uses.
    def _places(self) -> dict[tuple[str, str], tuple[int, int]]:
        reader = DocumentReader(DOCUMENTS, Ask(grid=lambda *_: SCAN))
        known = () if self._decimals else self._collection.stored(most=_SAMPLE)
        for some in (*([Document(one.text, 1, 1) for one in found] for found in known), self._at_hand):
            for rows in [*reader.take(some), *reader.flush()]:
                if not isinstance(rows, Outside) and len(rows.line):
                    key = (rows.venue, rows.symbol)
                    price, lot = _most_places(rows)
                    before = self._decimals.get(key, (_exchange_places(rows.symbol), 0))
                    self._decimals[key] = (max(price, before[0]), max(lot, before[1]))
        return self._decimals


# Rupees and paise; pairs of currencies are quoted in hundredths of a paisa.
def _exchange_places(symbol: str) -> int:
    return 4 if symbol.startswith(("NCD", "BCD")) else 2


def _most_places(rows: Rows | BareRows) -> tuple[int, int]:
    from footloom.feeds._import_bare import places_of

    of_prices, of_lots = places_of(rows)
    return int(of_prices.max(initial=0)), int(of_lots.max(initial=0))


def _block(rows: Rows | BareRows, instrument: Any) -> Trades | Snapshots:
    if isinstance(rows, Rows):
        return Trades.build(instrument, rows.ts_exch_ns, rows.price_tick, rows.qty_lot, rows.side, tape=rows.tape)
    made = block_of(form_of(rows.tape), instrument, rows.tape, dict(rows.columns))
    assert isinstance(made, Snapshots)
    return made


def _made(block: Trades | Snapshots, columns: Columns) -> Trades | Snapshots:
    made = block_of(form_of(block.tape), block.instrument, block.tape, columns)
    assert isinstance(made, Trades | Snapshots)
    return made


# Each row as bytes that two equal rows share; ids that nobody gave, and receipts of trades, say nothing of them, and an
# older footloom did not keep the Greeks.
def _said(columns: Columns, names: Any) -> list[bytes]:
    chosen = [name for name in names if name not in {"trade_id", "flags", *GREEKS}]
    table = np.stack([columns[name].astype(np.int64) for name in chosen], axis=1)
    return [row.tobytes() for row in table]


def _is_unreached(error: StoreError) -> bool:
    return "no server answers" in str(error)
