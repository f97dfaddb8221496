"""Days of a venue's archive: some download at a time, one after the other goes into the store."""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from footloom.core.instrument import Instrument
from footloom.core.place import StorePlace
from footloom.core.trades import Trades
from footloom.errors import DataError, FootloomError, Refused, StoreError, VenueError
from footloom.feeds import ingest
from footloom.feeds._fetch_ledger import Ledger, Taken
from footloom.feeds._fetch_report import DayReport, Watcher
from footloom.feeds.http import Http
from footloom.store import Store
from footloom.venues._venue import ArchiveFile, Bases, Request

__all__ = ("Archive", "DayJob")

_SUM = re.compile(r"\s*([0-9a-fA-F]{64})\b")
_DAY_NS, _MS = 86_400_000_000_000, 1_000_000
_ABSENT = (403, 404)  # an archive that may not be listed answers 403 for what is not there


@dataclass(frozen=True)
class DayJob:
    """One day of one tape."""

    instrument: Instrument
    tape: str
    day: str

    @property
    def name(self) -> str:
        """What is told of it."""
        return f"{self.instrument.key} {self.tape} {self.day}"


@dataclass(frozen=True)
class _Arrived:
    # A file that is here, or what became of it instead.
    path: Path | None
    report: DayReport
    sha256: str = ""


@dataclass
class Archive:
    """Fetches days of one venue.

    ``slots`` bounds how many files are on their way or wait for the store. With ``again`` files are fetched that were
    fetched before.
    """

    venue: Any
    http: Http
    bases: Bases
    store: Store
    root: StorePlace
    ledger: Ledger
    watcher: Watcher
    slots: asyncio.Semaphore
    again: bool = False

    async def fetch(self, jobs: Sequence[DayJob]) -> list[DayReport]:
        """Fetch days, in their order, and return what became of each."""
        tasks = [asyncio.create_task(self._arrive(job)) for job in jobs]
        reports = []
        try:
            for job, task in zip(jobs, tasks, strict=True):
                arrived = await task
                reports.append(await self._take_in(job, arrived))
                if arrived.path is not None:
                    self.slots.release()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return reports

    # A slot stays taken until the file is in the store: downloads do not fill the disk while imports lag behind.
    async def _arrive(self, job: DayJob) -> _Arrived:
        await self.slots.acquire()
        arrived = None
        try:
            arrived = await self._download(job)
        except (VenueError, DataError) as error:
            arrived = _Arrived(None, DayReport(day=job.day, state="failed", text=str(error)))
        finally:
            if arrived is None or arrived.path is None:
                self.slots.release()
        return arrived

    async def _download(self, job: DayJob) -> _Arrived:
        file: ArchiveFile = self.venue.archive(job.instrument.symbol, job.day, job.tape, self.bases)
        known = self.ledger.get(job.instrument.key, job.tape, job.day)
        if known is not None and not self.again and not file.checksum_url:
            return _Arrived(None, DayReport(day=job.day, state="present", sha256=known.sha256))
        try:
            expected = await self._expected(file)
            if known is not None and expected == known.sha256 and not self.again:
                return _Arrived(None, DayReport(day=job.day, state="present", sha256=known.sha256))
            path, digest = await self._fetched(file, expected, job)
        except Refused as error:
            if error.status not in _ABSENT:
                raise
            return _Arrived(None, DayReport(day=job.day, state="absent", text=f"{file.name} is not in the archive"))
        replaced = known is not None and known.sha256 != digest
        text = f"the archive holds another {file.name} by now than was fetched before" if replaced else ""
        return _Arrived(path, DayReport(day=job.day, state="replaced" if replaced else "fetched", text=text), digest)

    async def _expected(self, file: ArchiveFile) -> str:
        if not file.checksum_url:
            return ""
        text = (await self.http.get(Request(url=file.checksum_url, budget="archive"), max_bytes=4096)).decode("latin-1")
        found = _SUM.match(text)
        if found is None:
            raise DataError(f"{file.checksum_url} holds no SHA-256 but {text[:60]!r}: try again later")
        return found[1].lower()

    async def _fetched(self, file: ArchiveFile, expected: str, job: DayJob) -> tuple[Path, str]:
        path = self.ledger.folder / "downloads" / job.instrument.venue / file.name
        if path.exists() and expected and await asyncio.to_thread(_digest, path) == expected:
            return path, expected  # an earlier run had it, and was stopped before the store had its rows

        def moved(done: int, total: int | None) -> None:
            self.watcher.moved(job.name, done, total, "bytes")

        digest = ""
        for _ in range(2):  # the second time from its beginning
            digest = await self.http.download(file.url, path, moved)
            if digest == expected or not expected:
                return path, digest
            path.unlink(missing_ok=True)
        raise DataError(
            f"{file.url} has the SHA-256 {digest}, its checksum file says {expected}: it came damaged twice, or is "
            "being replaced; try again later"
        )

    async def _take_in(self, job: DayJob, arrived: _Arrived) -> DayReport:
        report = arrived.report
        if arrived.path is None:
            return report
        try:
            await asyncio.to_thread(self._import, job, arrived)
        except StoreError:
            raise  # the next day would fail as this one
        except FootloomError as error:
            report.state, report.text = "failed", str(error)
        return report

    # Where rows without ids may go, for a tape of which a recording holds a part. With ids, they tell.
    def _free(self, job: DayJob) -> list[tuple[int, int]]:
        if hasattr(self.venue, "trades_from"):
            return []
        self.store.seal()
        return self.store.free_windows(job.instrument.key, job.tape, *_day_ns(job.day))

    # A file tells everything of its day: what was missing in a recording is there now. Its times may be finer.
    def _heal(self, job: DayJob, free: list[tuple[int, int]]) -> None:
        gaps = self.store.gaps(job.instrument.key, job.tape, *_day_ns(job.day))
        whole = [(max(g.from_ns, a - _MS), min(g.to_ns, b + _MS), g) for g in gaps for a, b in free]
        healed = [
            msgspec.structs.replace(gap, from_ns=begin, to_ns=end, cause="fetched", missing=None, healed=True)
            for begin, end, gap in whole
            if begin < end
        ]
        if healed:
            self.store.write_part(Trades.empty(job.instrument, job.tape), None, healed)

    def _import(self, job: DayJob, arrived: _Arrived) -> None:
        assert arrived.path is not None
        report, path, instrument = arrived.report, arrived.path, job.instrument
        options = ingest.Options(venue=instrument.venue, symbol=instrument.symbol, today=instrument, beside=True)
        free = self._free(job)
        found = ingest.import_files([path], options, store=self.root, into=self.store)
        report.rows, report.sha256 = found.new, arrived.sha256
        report.conflicts = sum(tape.conflicts for file in found.files for tape in file.tapes)
        if found.problems or not found.ok:
            report.state = "failed"
            report.text = "; ".join(found.problems[:3]) or f"nothing of {path.name} could be taken"
            return
        if report.conflicts:
            report.text = "; ".join(
                part
                for part in (report.text, f"{report.conflicts:,} rows were stored before with other values")
                if part
            )
        self._heal(job, free)
        self.ledger.put(instrument.key, job.tape, job.day, Taken(path.name, arrived.sha256, found.kept))
        path.unlink(missing_ok=True)


def _day_ns(day: str) -> tuple[int, int]:
    start_ns = (dt.date.fromisoformat(day) - dt.date(1970, 1, 1)).days * _DAY_NS
    return start_ns, start_ns + _DAY_NS


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
