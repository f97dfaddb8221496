"""Where `footloom record` says how it stands: a line that moves, lines, JSON lines, and a log that does not grow."""

from __future__ import annotations

import contextlib
import errno
import logging
import logging.handlers
import re
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from footloom.cli._record_tally import Status, line
from footloom.cli._shared import console, say
from footloom.errors import ConfigError

__all__ = ("Shower", "logging_to", "showing")

_LOG_BYTES = 20_000_000
_LOG_FILES = 5
_LINE_EVERY_S = 60.0
_NUMBER = re.compile(r"\d+")
_FULL = (errno.ENOSPC, errno.EDQUOT)

Shower = Callable[[Status], None]
T = TypeVar("T")


@contextlib.contextmanager
def showing(*, json: bool) -> Iterator[tuple[Shower, Callable[[str], None]]]:
    """Give what shows a status, and what says a line of text beside it."""
    if json:
        yield _JsonLines(), say
        return
    if not sys.stderr.isatty():
        yield _Lines(), say
        return
    from rich.live import Live
    from rich.text import Text

    out = console(stderr=True)
    with Live(Text("connecting"), console=out, auto_refresh=False, transient=True) as live:
        yield (
            _unstopped(lambda status: live.update(Text(line(status)), refresh=True)),
            _unstopped(lambda text: out.print(text, markup=False, highlight=False)),
        )


# A terminal that is gone must not stop what is recorded.
def _unstopped(show: Callable[[T], None]) -> Callable[[T], None]:
    def shown(what: T) -> None:
        with contextlib.suppress(OSError, ValueError):
            show(what)

    return shown


class _JsonLines:
    # A reader that goes away must not stop what is recorded.
    def __init__(self) -> None:
        self._is_broken = False

    def __call__(self, status: Status) -> None:
        if self._is_broken:
            return
        try:
            sys.stdout.write(msgspec.json.encode(status).decode() + "\n")
            sys.stdout.flush()
        except (OSError, ValueError, AttributeError) as error:  # it may be closed, or no file at all
            if getattr(error, "errno", None) in _FULL:  # there will be room again
                return
            self._is_broken = True
            say("footloom: nobody reads the status any more; recording goes on")


class _Lines:
    # One a minute, and one whenever a symbol's connection changes; seconds that are counted down are no change.
    def __init__(self) -> None:
        self._next_s = 0.0
        self._phases: dict[str, tuple[str, str]] = {}

    def __call__(self, status: Status) -> None:
        phases = {one.key: (one.phase, _NUMBER.sub("", one.text)) for one in status.symbols}
        now = time.monotonic()
        if phases == self._phases and now < self._next_s:
            return
        self._phases, self._next_s = phases, now + _LINE_EVERY_S
        say(f"{status.time}  {line(status)}")


@contextlib.contextmanager
def logging_to(file: Path | None, tell: Callable[[str], None]) -> Iterator[None]:
    """Send what footloom logs to a file that is cut at 20 MB (five older ones are kept), warnings also to ``tell``.

    Raises
    ------
    ConfigError
        The file cannot be written.
    """
    logger = logging.getLogger("footloom")
    handlers: list[logging.Handler] = [_Told(tell)]
    if file is not None:
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            rotating = _Log(file, maxBytes=_LOG_BYTES, backupCount=_LOG_FILES, encoding="utf-8")
        except OSError as error:
            raise ConfigError(
                f"the log {file} cannot be written: {error.strerror}; name another file with --log"
            ) from None
        form = logging.Formatter("%(asctime)sZ %(levelname)s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%S")
        form.converter = time.gmtime
        rotating.setFormatter(form)
        handlers.append(rotating)
    before, propagates = logger.level, logger.propagate
    logger.setLevel(logging.INFO)
    logger.propagate = False
    for handler in handlers:
        logger.addHandler(handler)
    try:
        yield
    finally:
        logger.setLevel(before)
        logger.propagate = propagates
        for handler in handlers:
            logger.removeHandler(handler)
            with contextlib.suppress(OSError):
                handler.close()


# A log that cannot be written, as on a full disk, is said once and does not stop what is recorded.
class _Log(logging.handlers.RotatingFileHandler):
    _is_told = False

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802 - as the base class has it
        if not self._is_told:
            self._is_told = True
            why = sys.exc_info()[1]
            say(f"footloom: the log {self.baseFilename} cannot be written ({why}): it has holes from here on")


class _Told(logging.Handler):
    def __init__(self, tell: Callable[[str], None]) -> None:
        super().__init__(logging.WARNING)
        self._tell = tell

    def emit(self, record: logging.LogRecord) -> None:
        self._tell(f"footloom: {record.getMessage()}")
