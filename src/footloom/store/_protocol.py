"""What every store can do, whatever it keeps its rows in (`docs/store.md`).

`footloom.store.files`, `footloom.store.mongo` and `footloom.store.memory` keep it, and
`footloom.testing.store_contract` holds each to it. `footloom.store.open.open_store` opens what a user has named.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from footloom.core.finished import Finished
from footloom.core.instrument import Instrument
from footloom.core.messages import Gap
from footloom.core.series import Series
from footloom.errors import StoreError
from footloom.store._reports import (
    Block,
    Compaction,
    Coverage,
    Ingested,
    PartReport,
    RawPart,
    Recordable,
    Recovery,
    Removed,
    SourceInfo,
    Storable,
    Unreadable,
    UnreadableFrame,
    Watch,
)

__all__ = ("Store",)


class Store(Protocol):
    """A store of tapes. Rows of different tapes never mix; nothing stored is ever changed, only added to.

    Every method may be called from any thread. Times are ns UTC, ranges half-open. Rows are kept under the time that
    they are ordered by: ``ts_exch_ns`` of trades, ``ts_recv_ns`` of snapshots (which repeat the time of the last
    trade).
    """

    @property
    def where(self) -> str:
        """How messages call the store: its folder, or its address without a password."""

    @property
    def scratch(self) -> Path:
        """A folder of this machine for files on their way into the store; it may be absent."""

    @property
    def recovery(self) -> Recovery:
        """What was found in the journal when the store was opened for writing."""

    @property
    def seal_error(self) -> StoreError | None:
        """Why the last sealing in the background failed, if it did; its rows are safe in the journal meanwhile."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def append(self, block: Recordable, gaps: Sequence[Gap] = ()) -> int:
        """Make rows durable and return the ingest sequence of the last one; they are numbered without holes.

        Healed gaps close what was open before (`Gap`).

        Raises
        ------
        StoreError
            The rows could not be made durable, or could never be told from stored ones.
        """

    def append_many(self, items: Sequence[tuple[Recordable, Sequence[Gap]]]) -> int:
        """Do the same for several blocks in one group commit: all of them are durable, or none."""

    def keep_unreadable(self, frames: Sequence[UnreadableFrame]) -> None:
        """Keep frames that could not be parsed; the oldest make room.

        Raises
        ------
        StoreError
            They cannot be written: nothing else is harmed.
        """

    def quarantine(self, venue: str, frame: bytes, ts_recv_ns: int, why: str) -> bool:
        """Keep one frame that could not be parsed; False where that failed: a feed has nothing to do about it."""

    def unreadable(self, most: int = 100) -> Unreadable:
        """Return the newest frames that could not be parsed, and how many there were."""

    def watch(self) -> Watch:
        """Return how the disk and the quota of depth and quotes stand; cheap enough to ask every second."""

    def write_part(
        self,
        block: Storable,
        source: SourceInfo | None = None,
        gaps: Sequence[Gap] = (),
        window: tuple[int, int] | None = None,
    ) -> PartReport:
        """Store finished rows by day; doing it twice changes nothing.

        ``window`` is a half-open stretch of time in which all rows lie, in which the source tells everything, and in
        which nothing of another source is stored (`free_windows`): so rows without ids fill a day around a recording.

        Raises
        ------
        StoreError
            The rows could not be written, or rows without ids overlap other rows in time, so that nobody could say
            which of them are the same.
        """

    def free_windows(self, key: str, tape: str, from_ns: int, to_ns: int) -> list[tuple[int, int]]:
        """Return the half-open stretches of ``[from_ns, to_ns)`` that rows without ids may fill, ascending.

        They lie outside all that was recorded or imported, and within open gaps. Each begins a millisecond behind the
        row before it, and ends at the row behind it: files may tell finer times than streams.
        """

    def transaction(self) -> AbstractContextManager[None]:
        """Keep everything that `write_part` stores within, or nothing where an error leaves the block."""

    def seal(self) -> None:
        """Turn the journal into parts."""

    def compact(self, key: str | None = None, tape: str | None = None) -> Compaction:
        """Rewrite days that lie in many parts, or hold rows twice, as few."""

    def remove(self, key: str, tape: str) -> Removed:
        """Take everything that is stored of a tape out of the store, all or nothing, the journal's rows included.

        What is recorded afterwards begins a new tape. The instrument's definitions go with the symbol's last tape.

        Raises
        ------
        NotStored
            There is no such tape.
        StoreError
            It could not be moved away, or the journal not sealed: nothing is removed.
        """

    def verify(self, key: str | None = None) -> int:
        """Compare every byte of every part with its checksum; the number of parts.

        Raises
        ------
        CorruptPart
            A part is missing or damaged.
        """

    def load(self, key: str, tape: str, from_ns: int, to_ns: int, columns: Collection[str] | None = None) -> Block:
        """Return the rows of ``[from_ns, to_ns)``, each once, in the ordering key of definitions 0.4.

        ``columns`` names the columns that are needed; the others are zero, with the flags that say so. The result
        stands on the greatest common grid of what it was read from.

        Raises
        ------
        NotStored
            Nothing is stored for that key, tape and range.
        CorruptPart
            A file does not hold what its manifest says.
        """

    def iter_chunks(
        self, key: str, tape: str, from_ns: int, to_ns: int, columns: Collection[str] | None = None
    ) -> Iterator[Block]:
        """Yield the same rows in consecutive blocks; the next one is decoded while the caller works on this one."""

    def load_series(
        self, key: str, tape: str, from_ns: int, to_ns: int, columns: Collection[str] | None = None
    ) -> Series:
        """Return the rows of ``[from_ns, to_ns)`` of a series, such as ``depth``, in the order of their filing time.

        Rows of one time stay in arrival order. Columns that are not asked for say 0, or `NO_QUOTE` where they may.

        Raises
        ------
        NotStored
            Nothing is stored for that key, tape and range.
        CorruptPart
            A file does not hold what its manifest says.
        """

    def iter_series(
        self, key: str, tape: str, from_ns: int, to_ns: int, columns: Collection[str] | None = None
    ) -> Iterator[Series]:
        """Yield the same rows in consecutive pieces."""

    def iter_ingest(self, key: str, tape: str, day: dt.date) -> Iterator[Ingested]:
        """Yield a day as it came in: rows by ingest sequence, gap records (healed ones too) at their place among them.

        Rows that were imported come first. Rows that were heard twice are there once, as in `load`.

        Raises
        ------
        NotStored
            Nothing is stored of that tape and day.
        """

    def gaps(self, key: str, tape: str, from_ns: int, to_ns: int) -> list[Gap]:
        """Return the gaps that touch ``[from_ns, to_ns)`` and are still open, in time order."""

    def instruments(self) -> list[Instrument]:
        """Return every known instrument, as last defined."""

    def instrument(self, key: str, at_ns: int | None = None) -> Instrument:
        """Return an instrument as it was defined at a time (last, if none is given).

        Raises
        ------
        NotStored
            No instrument has that key.
        """

    def grid(self, key: str, tape: str) -> Instrument:
        """Return the instrument as last defined, on the one grid that all rows of a tape and the next ones stand on.

        Raises
        ------
        NotStored
            The tape has no rows.
        """

    def put_instrument(self, instrument: Instrument) -> None:
        """Keep a definition; one with the same effective date is replaced."""

    def coverage(self, key: str | None = None) -> list[Coverage]:
        """Return what is stored, by key, tape and day; for the rest see `partials`, `series` and `finished`."""

    def partials(self, key: str | None = None) -> list[Coverage]:
        """Return what is stored on partial tapes, which hold some trades of a stretch and never all."""

    def series(self, key: str | None = None) -> list[Coverage]:
        """Return what is stored beside trades and snapshots: quotes, depth, open interest, mark prices."""

    def finished(self, key: str | None = None) -> list[Coverage]:
        """Return what is stored of finished footprints, whose rows are levels: no tape, and never coverage."""

    def load_finished(self, key: str, name: str) -> Finished:
        """Return all finished footprints of a symbol that are stored under a name, in the order of their times.

        Raises
        ------
        NotStored
            There are none.
        """

    def note(self, name: str) -> bytes | None:
        """Return a small text that somebody keeps here, None where there is none."""

    def put_note(self, name: str, data: bytes) -> None:
        """Replace a small text, durably: how far a source has been taken, say."""

    def raw_parts(self, key: str | None = None) -> list[RawPart]:
        """Return the texts that are kept as they came, by key, kind and time.

        Raises
        ------
        CorruptPart
            What says what a text is cannot be read.
        """

    def write_raw(self, part: RawPart, pieces: Iterable[bytes]) -> bool:
        """Keep a text; False where it is there already."""

    def raw_text(self, part: RawPart) -> bytes:
        """Return a kept text.

        Raises
        ------
        CorruptPart
            It is not what was kept.
        """

    def close(self) -> None:
        """Finish what runs in the background and give the store back."""
