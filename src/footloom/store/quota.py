"""How much room depth and quotes may take, and what is done when the disk fills: trades are the last to stop.

Depth and quotes are many times what trades are, and a chart lives without them. So they stop first: at their quota, or
when the disk has little left. What is not recorded is a gap in its own tape.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

import msgspec

from footloom.core.messages import Gap
from footloom.store._reports import Settings, Watch
from footloom.store.columns import form_of, length, take
from footloom.store.layout import BOOKS, Stream
from footloom.store.medium import Medium
from footloom.store.segment import Entry

__all__ = ("BookQuota",)

_TOLD_NS = 600_000_000_000  # while nothing is recorded, a gap says so at least this often: a kill forgets no more
_RESUME = 1.25  # the disk must have so much more than the limit, lest depth stops and goes on with every commit


class _Left(msgspec.Struct):
    """Rows of one tape that were left out and are not told yet."""

    entry: Entry
    first_ns: int
    last_ns: int
    cause: str


class BookQuota:
    """Decides which rows are recorded. The caller holds the lock of the journal."""

    def __init__(self, medium: Medium, settings: Settings) -> None:
        self._medium = medium
        self._settings = settings
        self.sealed_bytes = 0
        self.journal_bytes = 0
        self._cause = ""
        self._left: dict[Stream, _Left] = {}
        self._told: set[Stream] = set()

    def watch(self) -> Watch:
        """Return how the disk and the quota stand."""
        free, settings = self._medium.free_bytes(), self._settings
        used = self.sealed_bytes + self.journal_bytes
        texts = []
        if self._cause:
            texts.append(f"depth and quotes are {self._cause}; trades go on")
        if free is not None and free < settings.disk_warn_bytes:
            texts.append(
                f"the disk of {self._medium.where} has {_size(free)} left: free some space before recording stops, or "
                "keep the store elsewhere (--store)"
            )
        return Watch(free_bytes=free, book_bytes=used, books_stopped=bool(self._cause), texts=tuple(texts))

    @contextlib.contextmanager
    def undone_on_error(self) -> Iterator[None]:
        """Forget what `admitted` decided within where the journal then did not take it."""
        before = (self._cause, dict(self._left), set(self._told))
        try:
            yield
        except BaseException:
            self._cause, self._left, self._told = before
            raise

    def admitted(self, entries: Sequence[Entry]) -> list[Entry]:
        """Return what shall be recorded of some entries: all, or all but depth and quotes and a gap for those."""
        books = [entry for entry in entries if entry.stream.tape in BOOKS]
        if not books:
            return list(entries)
        self._cause = self._why_not()
        told = [self._left_out(entry) for entry in books] if self._cause else self._resumed()
        others = [entry for entry in entries if entry.stream.tape not in BOOKS or not self._cause]
        return [*(entry for entry in told if entry is not None), *others]

    def ended(self) -> list[Entry]:
        """Return what was left out and not told yet, when recording ends."""
        return self._resumed()

    def _why_not(self) -> str:
        free, settings = self._medium.free_bytes(), self._settings
        limit = settings.disk_stop_bytes * (_RESUME if self._cause else 1)
        if free is not None and free < limit:
            return f"not recorded: the last {_size(settings.disk_stop_bytes)} of the disk is kept for trades"
        quota = settings.book_quota_bytes
        if quota and self.sealed_bytes + self.journal_bytes >= quota:
            return f"not recorded: their quota of {_size(quota)} is used up"
        return ""

    # The gap that shall be told now, if any: the first at once, then every so often.
    def _left_out(self, entry: Entry) -> Entry | None:
        if not length(entry.columns):
            return entry
        time = entry.columns[form_of(entry.stream.tape).time]
        first, last = int(time.min()), int(time.max())
        left = self._left.get(entry.stream)
        if left is not None:
            first, last = min(first, left.first_ns), max(last, left.last_ns)
        self._left[entry.stream] = _Left(entry, first, last, self._cause)
        if entry.stream in self._told and last - first < _TOLD_NS:
            return _without_rows(entry) if entry.gaps else None
        self._told.add(entry.stream)
        gap = self._gap(self._left.pop(entry.stream))
        return msgspec.structs.replace(_without_rows(entry), gaps=(*entry.gaps, gap))

    def _resumed(self) -> list[Entry]:
        left, self._left = self._left, {}
        self._told.clear()
        return [msgspec.structs.replace(_without_rows(one.entry), gaps=(self._gap(one),)) for one in left.values()]

    def _gap(self, left: _Left) -> Gap:
        return Gap(symbol=left.entry.instrument.symbol, from_ns=left.first_ns, to_ns=left.last_ns + 1, cause=left.cause)


def _without_rows(entry: Entry) -> Entry:
    return msgspec.structs.replace(entry, columns=take(entry.columns, slice(0, 0)))


def _size(count: int) -> str:
    for unit, size in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count / 1_000:.3g} kB"
