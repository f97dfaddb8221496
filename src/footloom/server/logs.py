"""What the process says while it runs: one line an event on stderr, as text or JSON, and no secret in any of them."""

from __future__ import annotations

import contextvars
import datetime as dt
import logging
import re
import sys
from collections.abc import Collection
from typing import Any, Literal

import msgspec

__all__ = ("REQUEST_ID", "configure", "is_json", "redacted")

REQUEST_ID: contextvars.ContextVar[str] = contextvars.ContextVar("request_id", default="")
_MARK = "***"
# Whatever its value: what stands behind these words is a secret.
_NAMED = re.compile(
    r"((?:authorization|cookie|set-cookie)['\"]?\s*[:=]\s*['\"]?)[^\r\n'\"]+"
    r"|(bearer\s+)[\w.~+/-]+=*"
    r"|((?:token|password|api_key|secret|pin)=)[^\s&'\"]+"
    r"|(\w+://[^\s:/@]*:)[^\s@/]+(?=@)",
    re.IGNORECASE,
)
_SHORTEST = 4  # a shorter word would blank out half of a line
_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class _Redactor:
    """Takes secrets out of text: those that are known, and what is named as one."""

    def __init__(self) -> None:
        self._known: re.Pattern[str] | None = None

    def learn(self, secrets: Collection[str]) -> None:
        """Know these secrets from here on."""
        words = sorted({one for one in secrets if len(one) >= _SHORTEST}, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, words))) if words else None

    def clean(self, text: str) -> str:
        """Return the text without them."""
        if self._known is not None:
            text = self._known.sub(_MARK, text)
        return _NAMED.sub(lambda found: f"{next(part for part in found.groups() if part)}{_MARK}", text)


_REDACTOR = _Redactor()


def redacted(text: str) -> str:
    """Return a text in which what is named as a secret is blanked out.

    Examples
    --------
    >>> redacted("GET /?token=abcdef with Authorization: Bearer abcdef")
    'GET /?token=*** with Authorization: ***'
    >>> redacted("mongodb://me:hidden@host/db")
    'mongodb://me:***@host/db'
    """
    return _REDACTOR.clean(text)


class _Text(logging.Formatter):
    """A line for people."""

    def format(self, record: logging.LogRecord) -> str:
        request = REQUEST_ID.get()
        behind = f" [{request}]" if request else ""
        return _REDACTOR.clean(f"{_when(record)} {record.levelname.lower()} {super().format(record)}{behind}")


class _Json(logging.Formatter):
    """A JSON object for programs: one line, whatever the message holds."""

    def format(self, record: logging.LogRecord) -> str:
        said: dict[str, Any] = {
            "ts": _when(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": _REDACTOR.clean(record.getMessage()),
        }
        if request := REQUEST_ID.get():
            said["request_id"] = request
        for name, value in vars(record).items():
            if name not in _OWN:
                said[name] = value if isinstance(value, int | float) else _REDACTOR.clean(str(value))
        if record.exc_info:
            said["exception"] = _REDACTOR.clean(self.formatException(record.exc_info))
        return msgspec.json.encode(said).decode()


def _when(record: logging.LogRecord) -> str:
    moment = dt.datetime.fromtimestamp(record.created, dt.UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def configure(form: Literal["text", "json"], *, secrets: Collection[str] = ()) -> None:
    """Write log lines to stderr from here on; ``secrets`` are blanked out wherever they stand.

    As text only what needs attention is said; as JSON every request is, too.
    """
    _REDACTOR.learn(secrets)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json() if form == "json" else _Text())
    root = logging.getLogger()
    for old in [one for one in root.handlers if getattr(one, "is_footloom", False)]:
        root.removeHandler(old)
    handler.is_footloom = True  # type: ignore[attr-defined]
    root.addHandler(handler)
    level = logging.INFO if form == "json" else logging.WARNING
    logging.getLogger("footloom").setLevel(level)
    # They say of every request of ours, and of every one to a venue, what we say ourselves.
    for name in ("httpx", "httpcore", "websockets"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # It warns of each request that is none: whoever sends such could fill a disk.
    logging.getLogger("uvicorn").setLevel(logging.ERROR)


def is_json() -> bool:
    """Say whether log lines are JSON by now."""
    return any(isinstance(one.formatter, _Json) for one in logging.getLogger().handlers)
