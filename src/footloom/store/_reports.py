"""What a store is given and what it gives back: plain structs, the same for whatever keeps the rows."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

import msgspec

from footloom.core.finished import Finished
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
    "RawPart",
    "Recordable",
    "Recovery",
    "Removed",
    "Settings",
    "SourceInfo",
    "Storable",
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
    ``sources`` are the kinds of its sources. ``content`` is a hash of what its parts and the journal hold of that day:
    as long as it is the same, so are the rows.
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
    content: str = ""


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

    @property
    def texts(self) -> tuple[str, ...]:
        """What a user should be told of it, none where the last stop was an orderly one."""
        found = []
        if self.rows or self.gaps:
            found.append(
                f"the last run left {self.rows:,} rows and {self.gaps:,} gaps unsealed: they are whole, and kept"
            )
        if self.torn_frames:
            found.append(
                f"the last commit before the stop was cut off ({self.torn_frames} pages): it had not been "
                f"acknowledged; {self.rows:,} rows before it are whole"
            )
        found += [
            f"{one.file} of the journal was damaged ({one.reason}): what is whole was kept, the original lies in "
            f"{one.kept_as}"
            for one in self.quarantined
        ]
        return tuple(found)


class Compaction(msgspec.Struct, frozen=True):
    """What `Store.compact` did."""

    days: int = 0
    parts_before: int = 0
    parts_after: int = 0
    bytes_before: int = 0
    bytes_after: int = 0


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """How a store works; the benchmarks run with the defaults.

    ``roll_rows`` and ``roll_ns`` end a journal segment, by rows (of depth and quotes four count as one) or by the rows'
    own clock. ``row_group_rows`` is what one read decodes. ``part_rows`` bounds a part that compaction writes, a
    quarter of it for other rows than trades; ``small_parts`` is how many parts of less than half of that a day may end
    with before sealing makes one of them.

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


class RawPart(msgspec.Struct, frozen=True, kw_only=True):
    """One kept text: times are ns UTC, ``text_bytes`` unpacked, ``bytes`` on disk."""

    venue: str
    symbol: str
    kind: str
    sha256: str
    name: str
    source: str
    messages: int
    first_ns: int
    last_ns: int
    text_bytes: int = 0
    bytes: int = 0

    @property
    def key(self) -> str:
        """What users type: ``venue:symbol``."""
        return f"{self.venue}:{self.symbol}"
