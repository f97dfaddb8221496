"""Large requests, answered by a process of their own that reads the store itself.

A thread that folds a hundred million trades holds the interpreter again and again, and every live chart waits for it.
The process begins with the first large request, goes on for a while, and ends with the server, whatever way that ends.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

import footloom.errors
from footloom.errors import FootloomError, Overloaded, TooMuch
from footloom.server.stored.abandon import checkpoint
from footloom.server.stored.history import History
from footloom.server.stored.tasks import MOST_ROWS, Task, receive, send

__all__ = ("MOST_BYTES", "Aside")

MOST_BYTES: Final = 2 << 30
_IDLE_S: Final = 60.0
_LOOK_S: Final = 0.05
_LOG = logging.getLogger(__name__)


class _Reader(NamedTuple):
    # The process that reads, and what it says.
    process: subprocess.Popen[bytes]
    heard: queue.SimpleQueue[tuple[str, Any] | None]


class Aside:
    """Answers requests of many rows in another process, one at a time; called in threads.

    Parameters
    ----------
    history
        The server's own, for requests of few rows, and where there is no folder to read.
    root
        The folder of the store, None where it lies elsewhere.
    least_rows, most_bytes, idle_s
        From how many rows on a request is large, how much memory it may take, how long the process waits for the next.
    module
        What it runs.

    Attributes
    ----------
    answered, stopped, died
        Requests that were answered so, given up or stopped, and ends of the process that nobody asked for.
    """

    def __init__(
        self,
        history: History,
        root: Path | None,
        *,
        least_rows: int = MOST_ROWS,
        most_bytes: int = MOST_BYTES,
        idle_s: float = _IDLE_S,
        module: str = "footloom.server.stored.aside_main",
    ) -> None:
        self._history, self.root = history, root
        self._least_rows, self._most_bytes, self._idle_s = least_rows, most_bytes, idle_s
        self.answered = self.stopped = self.died = 0
        self._module = module
        self._turn = threading.Lock()
        self._reader: _Reader | None = None
        self._idle: threading.Timer | None = None
        self._is_closed = False

    @property
    def resident_bytes(self) -> int:
        """Memory of the process, 0 where none runs or the system does not say."""
        reader = self._reader
        return 0 if reader is None else _resident_bytes(reader.process.pid)

    @property
    def pid(self) -> int | None:
        """The process, None where none runs."""
        reader = self._reader
        return None if reader is None or reader.process.poll() is not None else reader.process.pid

    def is_large(self, rows: int) -> bool:
        """Say whether an answer for which so many rows are read is made by the process."""
        return self.root is not None and rows >= self._least_rows

    def make(self, task: Task, rows: int) -> bytes:
        """Return the body of an answer for which about so many rows are read. Blocking.

        Raises
        ------
        FootloomError
            What the work itself raises, or why it could not be done.
        Abandoned
            Nobody waits for it any more.
        """
        if not self.is_large(rows):
            return task.make(self._history, *task.given)
        while not self._turn.acquire(timeout=_LOOK_S):
            checkpoint()
        try:
            return self._make(task)
        finally:
            self._turn.release()

    def close(self) -> None:
        """End the process, and what it works at."""
        self._is_closed = True
        if self._idle is not None:
            self._idle.cancel()
        self._end()

    def _make(self, task: Task) -> bytes:
        checkpoint()
        if self._idle is not None:
            self._idle.cancel()
        if self._is_closed:
            raise Overloaded("the server is about to stop")
        reader = self._started()
        try:
            kind, said = self._asked(reader, task)
        except BaseException:
            self.stopped += 1
            self._end()
            raise
        self.answered += 1
        self._idle = threading.Timer(self._idle_s, self._end_idle)
        self._idle.daemon = True
        self._idle.start()
        if kind == "made":
            return bytes(said)
        raise _error_of(*said)

    def _started(self) -> _Reader:
        reader = self._reader
        if reader is not None and reader.process.poll() is None:
            return reader
        process = subprocess.Popen(  # noqa: S603 - this interpreter, and a module of ours
            [sys.executable, "-P", "-m", self._module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        heard: queue.SimpleQueue[tuple[str, Any] | None] = queue.SimpleQueue()
        threading.Thread(target=_listen, args=(process.stdout, heard), name="aside", daemon=True).start()
        self._reader = reader = _Reader(process, heard)
        return reader

    def _asked(self, reader: _Reader, task: Task) -> tuple[str, Any]:
        with contextlib.suppress(OSError):  # it has just died: that is heard below
            send(reader.process.stdin, (self.root, self._history.inference, task))
        while True:
            checkpoint()
            if self._is_closed:
                raise Overloaded("the server is about to stop")
            held = _resident_bytes(reader.process.pid)
            if held > self._most_bytes:
                raise TooMuch(
                    f"this answer takes more than {self._most_bytes >> 20:,} MB of memory while it is made (it held "
                    f"{held >> 20:,}): ask for a shorter range, for fewer bars or for more ticks_per_level"
                )
            try:
                said = reader.heard.get(timeout=_LOOK_S)
            except queue.Empty:
                continue
            if said is not None:
                return said
            if self._is_closed:
                continue
            self.died += 1
            code = reader.process.wait()
            _LOG.error("the process that reads for large requests ended by itself (%s)", code)
            raise Overloaded(
                f"the process that read the store for this request has ended before its time ({_ending(code)}): try "
                "again, or ask for a shorter range or for more ticks_per_level",
                2.0,
            )

    def _end_idle(self) -> None:
        if self._turn.acquire(blocking=False):
            try:
                self._end()
            finally:
                self._turn.release()

    def _end(self) -> None:
        reader, self._reader = self._reader, None
        if reader is None:
            return
        reader.process.kill()  # it only reads
        reader.process.wait()
        if reader.process.stdin is not None:  # the listener closes the other one
            with contextlib.suppress(OSError):
                reader.process.stdin.close()


def _listen(pipe: IO[bytes], heard: queue.SimpleQueue[tuple[str, Any] | None]) -> None:
    with contextlib.suppress(EOFError, OSError, ValueError), pipe:
        while True:
            heard.put(receive(pipe))
    heard.put(None)


# An error goes over as its class and its words: some take other arguments than they show.
def _error_of(name: str, text: str) -> FootloomError:
    kind = getattr(footloom.errors, name, FootloomError)
    error: FootloomError = kind.__new__(kind)
    error.args = (text,)
    return error


def _ending(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"signal {-code}; where that is 9, often for want of memory"


def _resident_bytes(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/statm", "rb") as statm:  # noqa: PTH123 - twenty times a second
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError, ValueError):
        return 0
