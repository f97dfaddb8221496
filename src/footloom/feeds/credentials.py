"""Tokens of accounts: one file a venue, for its owner's eyes only, with the time at which it ends.

The files lie in ``credentials`` below the folder of settings, with mode 0600, and are replaced whole. Nothing here
prints, logs or repeats what is in them.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import datetime as dt
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from footloom.config import config_folder
from footloom.core.secret import Secret
from footloom.errors import ConfigError

__all__ = (
    "WARN_NS",
    "Credentials",
    "Standing",
    "expiry",
    "load",
    "next_local_ns",
    "path_of",
    "read",
    "remove",
    "save",
    "standing",
    "token_expiry_ns",
)

WARN_NS = 3_600 * 10**9  # a token that ends within the hour is warned of; one of a year within two weeks
_WARN_LONG_NS = 14 * 86_400 * 10**9
_LONG_NS = 60 * 86_400 * 10**9
_SECOND_NS = 10**9
_KOLKATA = ZoneInfo("Asia/Kolkata")
_SUFFIX = ".json"


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """What a login gave; ``kind`` says how (``analytics``, ``oauth``, ``totp``), ``expires_ns`` None is not known."""

    venue: str
    kind: str
    values: dict[str, str]
    made_ns: int
    expires_ns: int | None = None

    def __repr__(self) -> str:
        return f"<Credentials of {self.venue}, {self.kind}: {', '.join(sorted(self.values))}>"


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How a venue's token stands, in words that may be shown.

    ``state`` is ``none``, ``good``, ``ending`` (soon) or ``ended``.
    """

    venue: str
    state: str
    text: str
    expires_ns: int | None = None


_decode = msgspec.json.Decoder(Credentials).decode


def path_of(venue: str, folder: Path | None = None) -> Path:
    """Return the file of a venue; ``folder`` is the one of settings, by default the user's."""
    return (folder or config_folder()) / "credentials" / f"{venue}{_SUFFIX}"


def read(venue: str, folder: Path | None = None) -> Credentials | None:
    """Return what is kept for a venue, None where there is nothing.

    Raises
    ------
    ConfigError
        The file can be read by others, cannot be read by us, or is damaged.
    """
    path = path_of(venue, folder)
    try:
        if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise ConfigError(f"{path} holds a token and others may read it: chmod 600 {path}")
        return _decode(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from None
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise ConfigError(f"{path} is damaged: remove it, and run footloom login {venue} again") from None


def load(venue: str, folder: Path | None = None) -> dict[str, str]:
    """Return the values that the functions of a venue's module take, empty where there are none; repr hides them."""
    found = read(venue, folder)
    return {} if found is None else {name: Secret(value) for name, value in found.values.items()}


def expiry(venue: str, folder: Path | None = None) -> int | None:
    """Return when a venue's token ends (ns UTC), None where there is none or nobody knows."""
    found = read(venue, folder)
    return None if found is None else found.expires_ns


def standing(venue: str, now_ns: int, folder: Path | None = None) -> Standing:
    """Say how a venue's token stands at ``now_ns``."""
    found = read(venue, folder)
    login = f"footloom login {venue}"
    if found is None:
        return Standing(venue=venue, state="none", text=f"{venue}: no token. Run {login}")
    ends_ns = found.expires_ns
    if ends_ns is None:
        return Standing(venue=venue, state="good", text=f"{venue}: a token ({found.kind}) of unknown end")
    when = _when(ends_ns)
    if ends_ns <= now_ns:
        return Standing(
            venue=venue, state="ended", text=f"{venue}: the token ended {when}. Run {login}", expires_ns=ends_ns
        )
    margin_ns = _WARN_LONG_NS if ends_ns - found.made_ns > _LONG_NS else WARN_NS
    if ends_ns - now_ns <= margin_ns:
        text = f"{venue}: the token ends {when}, in {_span(ends_ns - now_ns)}. Run {login} before that"
        return Standing(venue=venue, state="ending", text=text, expires_ns=ends_ns)
    return Standing(venue=venue, state="good", text=f"{venue}: a token ({found.kind}) until {when}", expires_ns=ends_ns)


def save(credentials: Credentials, folder: Path | None = None) -> Path:
    """Keep what a login gave, whole or not at all; return where.

    Raises
    ------
    ConfigError
        It cannot be written.
    """
    path = path_of(credentials.venue, folder)
    partial = path.with_suffix(".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        partial.unlink(missing_ok=True)
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(credentials, enc_hook=str))  # a `Secret` is kept as text
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise ConfigError(
            f"cannot keep the token in {path}: {error.strerror}; make that folder yours to write, or name another "
            "folder of settings with FOOTLOOM_CONFIG"
        ) from None
    return path


def remove(venue: str, folder: Path | None = None) -> bool:
    """Forget a venue's token; say whether there was one."""
    path = path_of(venue, folder)
    there = path.exists()
    path.unlink(missing_ok=True)
    return there


def token_expiry_ns(token: str) -> int | None:
    """Return the end that a JSON web token states (ns UTC), None where it states none.

    Examples
    --------
    >>> token_expiry_ns("e30.eyJleHAiOjE3NjQ3MzgyNTR9.x")
    1764738254000000000
    >>> token_expiry_ns("opaque") is None
    True
    """
    parts = token.removeprefix("Bearer ").split(".")
    if len(parts) != 3:
        return None
    try:
        claims = msgspec.json.decode(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, binascii.Error, msgspec.MsgspecError):
        return None
    ends = claims.get("exp") if isinstance(claims, Mapping) else None
    return int(ends * _SECOND_NS) if isinstance(ends, int | float) and 0 < ends < 2**33 else None


def next_local_ns(now_ns: int, hour: int, minute: int) -> int:
    """Return the next time that the clocks of Kolkata show an hour and minute, ns UTC.

    Examples
    --------
    >>> next_local_ns(1_764_738_254 * 10**9, 3, 30)  # 2025-12-03 10:34 there
    1764799200000000000
    """
    now = dt.datetime.fromtimestamp(now_ns // _SECOND_NS, _KOLKATA)
    then = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
    then += dt.timedelta(days=0 if then > now else 1)
    return int(then.timestamp()) * _SECOND_NS


def _when(at_ns: int) -> str:
    return f"{dt.datetime.fromtimestamp(at_ns // _SECOND_NS, _KOLKATA):%Y-%m-%d %H:%M} IST"


def _span(span_ns: int) -> str:
    minutes = span_ns // (60 * _SECOND_NS)
    if minutes >= 2 * 1440:
        return f"{minutes // 1440} days"
    return f"{minutes // 60} h {minutes % 60} min"
