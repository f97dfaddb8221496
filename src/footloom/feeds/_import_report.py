"""What an import says when it is done: everything adds up, and every loss has its first example."""

from __future__ import annotations

import msgspec

__all__ = ("Drop", "FileReport", "GapReport", "ImportReport", "RawReport", "TapeReport")


class Drop(msgspec.Struct, kw_only=True):
    """Rows that were not taken, for one reason, with the first of them.

    ``defect`` is False where nothing is wrong with the rows: prints that are no market trades.
    """

    reason: str
    count: int
    line: int
    text: str
    detail: str
    defect: bool = True


class GapReport(msgspec.Struct, frozen=True, kw_only=True):
    """What is missing between two rows: their ids, times (ns UTC) and lines; no ids where the file has none."""

    missing: int
    after_id: int
    before_id: int
    from_ns: int
    to_ns: int
    after_line: int
    before_line: int


class TapeReport(msgspec.Struct, kw_only=True):
    """One instrument's tape in one file: ``read = kept + dropped``; once stored, ``kept = new + already_stored``.

    ``duplicates`` (an id that stood in the file before) are part of ``dropped``. ``gaps`` are the first thousand of
    ``gap_count``. ``conflicts`` are rows that were stored before with other values. Times are ns UTC, quantities
    decimal text. ``received_ms`` are the least and the greatest difference of local and exchange time,
    ``received_odd`` the rows where it is an hour or more. ``counted`` says how many rows of those kept are odd in a
    way.
    """

    instrument: str
    tape: str
    tick_size: str
    lot_size: str
    tick_from: str
    lot_from: str
    read: int = 0
    kept: int = 0
    new: int = 0
    already_stored: int = 0
    conflicts: int = 0
    dropped: int = 0
    drops: list[Drop] = []
    duplicates: int = 0
    gap_count: int = 0
    missing_ids: int = 0
    counted: dict[str, int] = {}
    gaps: list[GapReport] = []
    out_of_order: int = 0
    out_of_order_line: int | None = None
    first_ns: int | None = None
    last_ns: int | None = None
    first: str = ""
    last: str = ""
    buy: str = "0"
    sell: str = "0"
    unknown: str = "0"
    buy_rows: int = 0
    sell_rows: int = 0
    unknown_rows: int = 0
    received_ms: tuple[float, float] | None = None
    received_odd: int = 0
    received_odd_line: int | None = None


class RawReport(msgspec.Struct, kw_only=True):
    """A text that is kept as it is: ``messages`` of a ``kind``, and what is odd about them."""

    instrument: str
    kind: str
    messages: int
    first: str
    last: str
    counted: dict[str, int]
    new: bool = False


class FileReport(msgspec.Struct, kw_only=True):
    """One file: what it was taken for, its tapes, and what belonged to none of them.

    ``raw`` are texts that are kept as they are. ``identity`` is a hash or checksum of its text. ``unreadable`` are
    lines that belong to no tape. ``error`` says why nothing was taken, ``usage`` that a flag would help. ``damage``
    says why the file ends before it should.
    """

    file: str
    format: str = ""
    importer: str = ""
    identity: str = ""
    error: str = ""
    usage: bool = False
    damage: str = ""
    notes: list[str] = []
    tapes: list[TapeReport] = []
    raw: list[RawReport] = []
    other_messages: dict[str, int] = {}
    unreadable: list[Drop] = []
    seconds: float = 0.0

    @property
    def problems(self) -> list[str]:
        """What is wrong with the file, a line each; nothing of it stands in the way of the rest."""
        named = self.error.startswith(self.file)
        found = [self.error if named else f"{self.file}: {self.error}"] if self.error else []
        found += [f"{self.file}: {self.damage}"] if self.damage else []
        drops = [drop for tape in self.tapes for drop in tape.drops if drop.defect] + self.unreadable
        return found + [
            f"{self.file}, line {drop.line}: {drop.detail}" + (f" ({drop.count} such rows)" if drop.count > 1 else "")
            for drop in drops
        ]


class ImportReport(msgspec.Struct, kw_only=True):
    """A whole import. ``read = kept + dropped`` over all files, lines that belong to no tape among the dropped."""

    ok: bool
    stored: bool
    dry_run: bool
    strict: bool
    store: str
    read: int
    kept: int
    new: int
    already_stored: int
    dropped: int
    duplicates: int
    gaps: int
    out_of_order: int
    other_messages: int
    files: list[FileReport]
    notes: list[str]
    problems: list[str]
