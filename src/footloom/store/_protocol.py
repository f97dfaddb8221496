"""What every store can do, whatever it keeps its rows in (`docs/store.md`).

The file store (`footloom.store.files`) is the first that keeps this contract; MongoDB and memory follow it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple, Protocol

import msgspec

from footloom.core.finished import Finished
from footloom.core.instrument import Instrument
from footloom.core.messages import Gap
from footloom.core.series import Series
from footloom.core.snapshots import Snapshots
from footloom.core.trades import I64, Trades

__all__ = (
    "Block",
    "Compaction",
    "Coverage",
    "Ingested",
    "PartReport",
    "Quarantined",
    "Recordable",
    "Recovery",
    "Removed",
    "Settings",
    "SourceInfo",
    "Storable",
    "Store",
    "Unreadable",
    "UnreadableFrame",
    "Watch",
)

Block = Trades | Snapshots
Recordable = Block | Series
Storable = Recordable | Finished


class SourceInfo(msgspec.Struct, frozen=True):
    """Where a block of rows comes from: what makes importing the same file twice change nothing.

    ``rows`` is the half-open range of the file's own row numbers that the block was read from; rows of other symbols
    and refused rows may lie in it. A row without a trade id carries its row number as ``trade_id``, which lies in this
    range. ``kind`` names the format or feed, and is what `Coverage.sources` lists.
    """

    file_sha256: str
    name: str
    rows: tuple[int, int]
    kind: str = "file"


class PartReport(msgspec.Struct, frozen=True):
    """What became of the rows of `Store.write_part`.

    ``rows`` are new. ``duplicates`` were stored before, by trade id or by file and row number. Of the duplicates,
    ``conflicts`` disagree with the stored row in time, price, quantity or side.
    """

    rows: int
    duplicates: int
    conflicts: int = 0


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """What is stored of one tape on one day.

    ``rows`` are distinct rows, those still in the journal included. ``first_ns`` and ``last_ns`` are the times of the
    first and last row, ns UTC (exchange time of trades, receipt of snapshots); None where the day holds gaps only.
    ``bytes`` are those of its parts on disk. ``gaps`` counts gaps that begin on that day and are still open.
    ``sources`` are the kinds of its sources.
    """

    key: str
    tape: str
    day: dt.date
    rows: int
    first_ns: int | None
    last_ns: int | None
    bytes: int
    gaps: int
    parts: int
    sources: tuple[str, ...] = ()
    journal_rows: int = 0


class Ingested(NamedTuple):
    """Rows of a day in the order in which they came in, and the gaps that were told right before the first of them.

    ``seq`` are their ingest sequences, ascending; 0 for rows that never were in a journal (imports), which come first.
    """

    block: Recordable
    seq: I64
    gaps: tuple[Gap, ...] = ()


class Quarantined(msgspec.Struct, frozen=True):
    """Something in the journal that could not be read whole, and where the original was kept."""

    file: str
    reason: str
    kept_as: str


class Recovery(msgspec.Struct, frozen=True):
    """What was found in the journal when a store was opened for writing.

    ``rows`` and ``gaps`` are whole and wait to be sealed. ``torn_frames`` are pages of a last commit that was never
    acknowledged: normal after a kill.
    """

    segments: int = 0
    blocks: int = 0
    rows: int = 0
    gaps: int = 0
    torn_frames: int = 0
    quarantined: tuple[Quarantined, ...] = ()


class Compaction(msgspec.Struct, frozen=True):
    """What `Store.compact` did."""

    days: int = 0
    parts_before: int = 0
    parts_after: int = 0
    bytes_before: int = 0
    bytes_after: int = 0


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """How a store works; the benchmarks run with the defaults.

    ``roll_rows`` and ``roll_ns`` end a journal segment, by rows or by the rows' own clock. ``row_group_rows`` is what
    one read decodes. ``part_rows`` bounds a part that compaction writes, ``small_parts`` is how many parts a day may
    gather before sealing compacts it.

    ``book_quota_bytes`` is what depth and quotes together may take, 0 for no limit. Under ``disk_warn_bytes`` of free
    space the store warns, under ``disk_stop_bytes`` depth and quotes are no longer recorded. Of frames that cannot be
    parsed ``unreadable_frames`` and ``unreadable_bytes`` are kept.
    """

    roll_rows: int = 262_144
    roll_ns: int = 600_000_000_000
    row_group_rows: int = 1_048_576
    part_rows: int = 4_194_304
    small_parts: int = 24
    book_quota_bytes: int = 0
    disk_warn_bytes: int = 5 * 10**9
    disk_stop_bytes: int = 10**9
    unreadable_frames: int = 10_000
    unreadable_bytes: int = 16 * 10**6


class UnreadableFrame(msgspec.Struct, frozen=True):
    """What a venue sent and nobody could parse: raw bytes, when they came (ns UTC), and what the parser said."""

    venue: str
    ts_recv_ns: int
    reason: str
    data: bytes


class Unreadable(msgspec.Struct, frozen=True, kw_only=True):
    """The newest frames that are kept, the newest first; ``counts`` are all that ever came, by venue.

    ``dropped`` were kept once and made room for newer ones.
    """

    frames: tuple[UnreadableFrame, ...] = ()
    counts: dict[str, int] = {}
    kept: int = 0
    bytes: int = 0
    dropped: int = 0


class Removed(msgspec.Struct, frozen=True, kw_only=True):
    """What `Store.remove` took out; ``rows`` are those of days whose manifests could be read."""

    key: str
    tape: str
    days: int
    rows: int
    bytes: int


class Watch(msgspec.Struct, frozen=True, kw_only=True):
    """How the disk and the quota of depth and quotes stand.

    ``free_bytes`` is None where the system does not say. ``texts`` are what a user should be told, none where all is
    well.
    """

    free_bytes: int | None
    book_bytes: int
    books_stopped: bool
    texts: tuple[str, ...] = ()


class Store(Protocol):
    """A store of tapes. Rows of different tapes never mix; nothing stored is ever changed, only added to.

    Every method may be called from any thread. Times are ns UTC, ranges half-open. Rows are kept under the time that
    they are ordered by: ``ts_exch_ns`` of trades, ``ts_recv_ns`` of snapshots (which repeat the time of the last
    trade).
    """

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

    def close(self) -> None:
        """Finish what runs in the background and give the store back."""
