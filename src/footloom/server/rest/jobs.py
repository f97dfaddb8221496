"""Long work that a client starts and then asks after: imports and fetches, one at a time, beside the event loop.

A job works in a thread of its own, with the server's lease to write. It is told to stop, and ends at the next block of
a file or page of a venue; what it stored until then stays, and the same job again goes on from there.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import logging
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Literal, Protocol

import msgspec

from footloom.errors import ConfigError, FootloomError, NotFound, Overloaded
from footloom.server.failures import ErrorBody, code_of
from footloom.store import Store

__all__ = ("Control", "Job", "JobKind", "Jobs", "Progress", "Stopped", "Work", "Writes", "in_loop")

_LOG = logging.getLogger(__name__)

MOST_WAITING = 16
KEPT = 100
_TELL_S = 0.25
_LINES = 20

JobKind = Literal["import", "fetch"]
JobState = Literal["waiting", "running", "stopping", "done", "failed", "stopped"]
_ENDED = frozenset(("done", "failed", "stopped"))


class Progress(msgspec.Struct, frozen=True):
    """How far one thing has come: ``done`` of ``total`` units; the total may not be known."""

    what: str
    done: int
    total: int | None
    unit: str


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One job as it stands.

    ``state``: ``waiting`` for its turn, ``running``, ``stopping``; then ``done`` (the report says what became of
    everything, and ``ok`` whether all went well), ``failed`` (``error`` says why) or ``stopped``. ``asked`` is what it
    was started with, ``said`` its last lines. Times are ISO, UTC.
    """

    id: str
    kind: JobKind
    state: JobState
    asked: dict[str, Any]
    created: str
    started: str | None = None
    ended: str | None = None
    progress: list[Progress] = []
    said: list[str] = []
    ok: bool | None = None
    report: dict[str, Any] | None = None
    error: ErrorBody | None = None


class Stopped(Exception):
    """Leaves the work of a job that shall stop."""


class Writes(Protocol):
    """What gives the right to write to the store, as `footloom.server.live.writer.Writer` does."""

    def lease(self) -> AbstractAsyncContextManager[Store]:
        """Return the store, open for writing."""


class Control:
    """What a job's work calls, from any thread: it tells how far it has come, and learns that it shall stop."""

    def __init__(self, tell: Callable[[], None]) -> None:
        self._tell = tell
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._told_at = 0.0
        self._progress: OrderedDict[str, Progress] = OrderedDict()
        self._said: list[str] = []
        self._on_stop: list[Callable[[], None]] = []

    def say(self, text: str) -> None:
        """Tell something in a line."""
        with self._lock:
            self._said = [*self._said, text][-_LINES:]
        self._news()

    def moved(self, what: str, done: int, total: int | None, unit: str) -> None:
        """Tell how far something has come.

        Raises
        ------
        Stopped
            The job shall stop.
        """
        self.note_progress(what, done, total, unit)
        self.check()

    def note_progress(self, what: str, done: int, total: int | None, unit: str) -> None:
        """Tell it only; the work is stopped in another way."""
        with self._lock:
            self._progress[what] = Progress(what, done, total, unit)
            self._progress.move_to_end(what)
            while len(self._progress) > _LINES:
                self._progress.popitem(last=False)
        self._news()

    def check(self) -> None:
        """End here if the job shall stop.

        Raises
        ------
        Stopped
            It shall.
        """
        if self._stopping.is_set():
            raise Stopped

    def on_stop(self, call: Callable[[], None]) -> None:
        """Have something called when the job shall stop; at once if it shall already."""
        with self._lock:
            self._on_stop.append(call)
        if self._stopping.is_set():
            call()

    def stop(self) -> None:
        """Let the work end at its next step."""
        self._stopping.set()
        with self._lock:
            calls = list(self._on_stop)
        for call in calls:
            call()

    @property
    def stopping(self) -> bool:
        """Whether the job shall stop."""
        return self._stopping.is_set()

    def read(self) -> tuple[list[Progress], list[str]]:
        """Return how far each thing has come, and the last lines."""
        with self._lock:
            return list(self._progress.values()), list(self._said)

    def _news(self) -> None:
        now = time.monotonic()
        if now - self._told_at >= _TELL_S:
            self._told_at = now
            self._tell()


Work = Callable[[Store, Control], tuple[bool, dict[str, Any]]]
"""A job's work: it returns whether all went well, and its report."""


class _Held:
    # One job with what runs it.

    def __init__(self, job: Job, work: Work, ended: Callable[[], None]) -> None:
        self.job = job
        self.work = work
        self.ended = ended
        self.changed = asyncio.Event()
        loop = asyncio.get_running_loop()
        self.control = Control(lambda: in_loop(loop, self.note))
        self.task: asyncio.Task[None] | None = None

    def note(self, **changes: Any) -> None:
        """Keep what is new, and wake those who listen."""
        progress, said = self.control.read()
        self.job = msgspec.structs.replace(self.job, progress=progress, said=said, **changes)
        changed, self.changed = self.changed, asyncio.Event()
        changed.set()


class Jobs:
    """The jobs of one server; one works at a time, the others wait for their turn."""

    def __init__(self, writes: Callable[[], Writes | None]) -> None:
        self._writes = writes
        self._held: OrderedDict[str, _Held] = OrderedDict()
        self._turn = asyncio.Lock()

    def list(self) -> list[Job]:
        """Return every job that is remembered, the newest first."""
        return [held.job for held in reversed(self._held.values())]

    def get(self, job_id: str) -> Job:
        """Return a job as it stands.

        Raises
        ------
        NotFound
            There is none of that id.
        """
        return self._find(job_id).job

    def start(self, kind: JobKind, asked: dict[str, Any], work: Work, ended: Callable[[], None]) -> Job:
        """Start a job; ``ended`` is called when it is over, however.

        Raises
        ------
        ConfigError
            This server writes to no store.
        Overloaded
            Too many wait already.
        """
        if self._writes() is None:
            raise ConfigError(
                "this server writes to no store: start footloom serve on a store that this process may write to"
            )
        waiting = sum(held.job.state not in _ENDED for held in self._held.values())
        if waiting >= MOST_WAITING:
            raise Overloaded(f"{waiting} jobs wait already: wait for one to end, or stop one", 10.0)
        job = Job(id=secrets.token_hex(8), kind=kind, state="waiting", asked=asked, created=_now())
        held = self._held[job.id] = _Held(job, work, ended)
        held.task = asyncio.create_task(self._run(held), name=f"job {job.id}")
        self._forget()
        return held.job

    def stop(self, job_id: str) -> Job:
        """Tell a job to stop; one that has ended stays as it is.

        Raises
        ------
        NotFound
            There is none of that id.
        """
        held = self._find(job_id)
        if held.job.state not in _ENDED:
            held.control.stop()
            if held.job.started is None and held.task is not None:  # it waits for its turn: nothing has to end first
                held.task.cancel()
            held.note(state="stopping")
        return held.job

    async def follow(self, job_id: str, alive_s: float) -> AsyncGenerator[Job | None, None]:
        """Yield a job whenever something about it is new, until it has ended; None where nothing was for ``alive_s``.

        Raises
        ------
        NotFound
            There is none of that id.
        """
        held = self._find(job_id)
        while True:
            changed, job = held.changed, held.job
            yield job
            if job.state in _ENDED:
                return
            while not await _happens(changed, alive_s):
                yield None

    async def _run(self, held: _Held) -> None:
        try:
            async with self._turn:
                held.control.check()
                held.note(state="running", started=_now())
                await self._work(held)
        except Stopped:
            held.note(state="stopped", ended=_now())
        except asyncio.CancelledError:
            held.note(state="stopped", ended=_now())
            raise
        except FootloomError as error:
            held.note(state="failed", ended=_now(), error=ErrorBody(code_of(error), str(error)))
        except Exception:  # noqa: BLE001 - whatever it is, the job has ended
            _LOG.exception("job %s (%s) failed", held.job.id, held.job.kind)
            text = "the server could not do this job: its log says why"
            held.note(state="failed", ended=_now(), error=ErrorBody("internal", text))
        finally:
            held.ended()

    # The lease is given back only when the thread has ended: nobody writes to a store that is closed.
    async def _work(self, held: _Held) -> None:
        writes = self._writes()
        assert writes is not None
        async with writes.lease() as store:
            working = asyncio.ensure_future(asyncio.to_thread(held.work, store, held.control))
            try:
                ok, report = await asyncio.shield(working)
            except asyncio.CancelledError:
                held.control.stop()
                await asyncio.wait({working})
                if not working.cancelled():
                    working.exception()
                raise
        held.note(state="done", ended=_now(), ok=ok, report=report)

    def _find(self, job_id: str) -> _Held:
        held = self._held.get(job_id)
        if held is None:
            raise NotFound(f"there is no job {job_id[:40]!r}: the server remembers its last {KEPT} since it started")
        return held

    def _forget(self) -> None:
        ended = [job_id for job_id, held in self._held.items() if held.job.state in _ENDED]
        for job_id in ended[: max(0, len(self._held) - KEPT)]:
            del self._held[job_id]


def in_loop(loop: asyncio.AbstractEventLoop, call: Callable[[], object]) -> None:
    """Call something in a loop, from any thread; not where the loop has ended."""
    try:
        loop.call_soon_threadsafe(call)
    except RuntimeError:  # the server has stopped meanwhile
        return


async def _happens(event: asyncio.Event, within_s: float) -> bool:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), within_s)
    return event.is_set()


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")
