"""Who may use a server that others can reach: whoever has its token.

A program sends the token as ``Authorization: Bearer TOKEN``. A page gets it in the fragment of its link, which no
browser sends anywhere, and exchanges it once for a cookie (`footloom.server.routes.access`). The cookie holds not the
token but what is computed from it, outlives a restart, and ends when the token changes.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
import stat
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address
from pathlib import Path

import msgspec

from footloom.config import Config
from footloom.config.settings import value_of
from footloom.core.secret import Secret
from footloom.errors import ConfigError
from footloom.server.port import is_loopback

__all__ = ("Access", "Attempts", "access_of", "checked_origins", "kept_token", "token_path")

_FILE = "serve.token"
_TOKEN_BYTES = 24
_COOKIE_S = 180 * 86_400
_BEARER = "bearer "
_BURST, _REFILL_S = 10, 6.0
_MOST_ADDRESSES = 4096
_ORIGIN = re.compile(r"https?://(?:[a-z0-9.-]+|\[[0-9a-f:]+\])(?::[0-9]{1,5})?", re.IGNORECASE)


class Attempts:
    """Wrong tokens by address: some at once, then one every few seconds; the oldest address is forgotten."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, burst: int = _BURST, refill_s: float = _REFILL_S
    ) -> None:
        self._clock, self._burst, self._refill_s = clock, burst, refill_s
        self._full_at: OrderedDict[str, float] = OrderedDict()  # when the address has all its attempts again

    def wait_s(self, address: str) -> float:
        """Return how long an address has to wait before it may try a token, 0 where it may now."""
        full_at = self._full_at.get(_family(address), 0.0)
        return max(0.0, full_at - self._clock() - (self._burst - 1) * self._refill_s)

    def failed(self, address: str) -> None:
        """Note a wrong token."""
        name, now = _family(address), self._clock()
        self._full_at[name] = max(now, self._full_at.pop(name, 0.0)) + self._refill_s
        if len(self._full_at) > _MOST_ADDRESSES:
            self._full_at.popitem(last=False)


# One customer has a whole /64 of IPv6.
def _family(address: str) -> str:
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None:
        return f"{int(parsed) >> 64:x}::/64"
    return str(parsed)


@dataclass(frozen=True)
class Access:
    """Who may use a server: its token (None: whoever reaches it), its names, and other pages that may use it."""

    token: Secret | None = None
    hosts: frozenset[str] = frozenset()
    origins: frozenset[str] = frozenset()
    attempts: Attempts = field(default_factory=Attempts)

    @property
    def cookie_name(self) -> str:
        """Return the name of the cookie: two servers of one machine with two tokens have two cookies."""
        return f"footloom_{self._derived('name')[:8]}"

    @property
    def cookie(self) -> Secret:
        """Return what the cookie holds."""
        return Secret(self._derived("cookie"))

    def set_cookie(self, *, is_secure: bool) -> Secret:
        """Return the header that gives the cookie to a browser."""
        tail = "; Secure" if is_secure else ""
        return Secret(
            f"{self.cookie_name}={self.cookie!s}; Path=/; Max-Age={_COOKIE_S}; HttpOnly; SameSite=Strict{tail}"
        )

    def is_token(self, text: str) -> bool:
        """Say whether a text is the token, in a time that tells nothing about it."""
        return self.token is not None and _same(text, self.token)

    def is_cookie(self, header: str) -> bool:
        """Say whether a ``Cookie`` header holds ours."""
        if self.token is None:
            return False
        found = [
            part.partition("=")[2] for part in header.split(";") if part.strip().startswith(f"{self.cookie_name}=")
        ]
        return any(_same(value.strip(), self.cookie) for value in found)

    def is_known(self, headers: Mapping[bytes, str]) -> bool:
        """Say whether a request shows our cookie or our token; one without a token to show is known to nobody."""
        bearer = headers.get(b"authorization", "")
        if bearer[: len(_BEARER)].lower() == _BEARER and self.is_token(bearer[len(_BEARER) :].strip()):
            return True
        return self.is_cookie(headers.get(b"cookie", ""))

    def _derived(self, use: str) -> str:
        return hmac.new((self.token or "").encode(), f"footloom {use} 1".encode(), hashlib.sha256).hexdigest()


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(hashlib.sha256(one.encode()).digest(), hashlib.sha256(other.encode()).digest())


def access_of(settings: Config, *, origins: tuple[str, ...] = ()) -> Access:
    """Return who may use a server with these settings.

    A token is asked for where one is set, where others can reach the address that is listened on, and where the server
    has a name (a proxy stands before it then); where none is set, one is made and kept.

    Raises
    ------
    ConfigError
        The kept token cannot be read or written.
    """
    token = settings.token
    if token is None and (settings.allow_host or not is_loopback(settings.host)):
        token = kept_token(settings.folder)
    return Access(token, frozenset(settings.allow_host), frozenset(origins))


def token_path(folder: Path) -> Path:
    """Return the file that keeps a token that was made."""
    return folder / _FILE


def kept_token(folder: Path) -> Secret:
    """Return the token that is kept in a folder; the first time, one is made.

    Raises
    ------
    ConfigError
        It cannot be read or written, others may read it, or it is no token.
    """
    path = token_path(folder)
    try:
        _make(path)
        if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise ConfigError(
                f"{path} holds the token of this server and others may read it: remove it, and a new one is made, or "
                f"chmod 600 {path} if they did not"
            )
        text = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is no text"
        raise ConfigError(f"the token of this server in {path}: {why}; name one with FOOTLOOM_TOKEN") from None
    try:
        token: Secret = value_of("token", text, str(path))
    except (ConfigError, msgspec.ValidationError):
        raise ConfigError(f"{path} holds no token: remove it, and a new one is made") from None
    return token


# Made beside and linked, so that of two servers that start at once both have the same one.
def _make(path: Path) -> None:
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    partial = path.with_suffix(f".{os.getpid()}.part")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(_TOKEN_BYTES) + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        path.hardlink_to(partial)
    except FileExistsError:
        pass
    except OSError:  # a file system without links
        partial.replace(path)
    partial.unlink(missing_ok=True)


def checked_origins(origins: Collection[str]) -> tuple[str, ...]:
    """Return origins of other pages as browsers send them.

    Raises
    ------
    ConfigError
        One is no origin: scheme, host and port, and nothing else.

    Examples
    --------
    >>> checked_origins(["http://localhost:5173/"])
    ('http://localhost:5173',)
    """
    found = [origin.removesuffix("/").lower() for origin in origins]
    for origin, given in zip(found, origins, strict=True):
        if not _ORIGIN.fullmatch(origin):
            raise ConfigError(
                f"--allow-origin {given!r} is no origin of a page: write scheme, host and port alone, such as "
                "http://localhost:5173"
            )
    return tuple(found)
