"""The port: taken before any other work is done, and whoever holds it is named.

Nothing heavy is imported here, so that a port in use is told at once.
"""

from __future__ import annotations

import contextlib
import errno
import http.client
import ipaddress
import socket
import textwrap
from collections.abc import Iterator
from pathlib import Path

import msgspec

from footloom.errors import ConfigError

__all__ = ("LIVE_PATH", "bind", "is_loopback", "reachable_at")

LIVE_PATH = "/livez"  # answers whoever asks, without a token
_PROBE_S = 0.5
_BACKLOG = 256
_MOST_COMMAND = 200  # characters of another process's command


def bind(host: str, port: int) -> socket.socket:
    """Take the port, before any other work is done; 0 takes a free one.

    Raises
    ------
    ConfigError
        The address is none of this machine, or the port is in use: the message says by whom.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except (OSError, UnicodeError) as error:
        listener.close()
        raise ConfigError(_why_not(host, port, error)) from None
    listener.settimeout(0.0)
    return listener


def _why_not(host: str, port: int, error: OSError | UnicodeError) -> str:
    number = getattr(error, "errno", None)
    if number == errno.EADDRINUSE:
        holder = _footloom_at(host, port) or _process_at(port) or "another program"
        return f"port {port} is in use by {holder}: stop it, or choose another with --port (--port 0 takes a free one)"
    if number == errno.EACCES:
        return f"port {port} may not be used by this user: choose one above 1023 with --port"
    if number == errno.EADDRNOTAVAIL or isinstance(error, UnicodeError | socket.gaierror):
        mine = ", ".join(["127.0.0.1", *reachable_at("0.0.0.0")])  # noqa: S104 - only named
        return f"{host} is no address of this machine: it has {mine}; 0.0.0.0 means all of them"
    return f"{host}:{port} cannot be listened on: {error.strerror}"


# Whoever holds the port may be one of us: then its page is what the user wants.
def _footloom_at(host: str, port: int) -> str | None:
    connection = http.client.HTTPConnection(_near(host), port, timeout=_PROBE_S)
    try:
        connection.request("GET", LIVE_PATH)
        body = msgspec.json.decode(connection.getresponse().read(10_000))
    except (OSError, http.client.HTTPException, msgspec.MsgspecError):
        return None
    finally:
        connection.close()
    name = body.get("server") if isinstance(body, dict) else None
    if not isinstance(name, str) or not name.startswith("footloom"):
        return None
    who = _process_at(port)
    stop = f"; kill {who.split()[1].rstrip(':')} stops it" if who else ""
    return f"{name}{f' ({who}{stop})' if who else ''}, which answers at {_shown(_near(host), port)}"


def _shown(host: str, port: int) -> str:
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"


# All addresses of this machine are no place to connect to.
def _near(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104 - only compared


def _process_at(port: int) -> str | None:
    """Return the process that listens on a port, where the system shows it (Linux, own processes)."""
    try:
        inodes = set(_listening_inodes(port))
        for link in Path("/proc").glob("[0-9]*/fd/*"):
            with contextlib.suppress(OSError):
                if str(link.readlink()).removeprefix("socket:[").rstrip("]") in inodes:
                    pid = link.parts[2]
                    return f"process {pid}: {_command(Path('/proc', pid, 'cmdline').read_bytes())}"
    except OSError:
        return None
    return None


# The program by its name alone, and its arguments whole: what does not fit ends between two of them.
def _command(line: bytes) -> str:
    words = line.decode(errors="replace").rstrip("\0").split("\0")
    told = " ".join([Path(words[0]).name, *words[1:]])
    short = textwrap.shorten(told, _MOST_COMMAND, placeholder=" ...")
    return short if short.strip(" .") else f"{told[:_MOST_COMMAND]}..."


def _listening_inodes(port: int) -> Iterator[str]:
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            for line in Path("/proc/net", table).read_text(encoding="ascii").splitlines()[1:]:
                fields = line.split()
                if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port:  # 0A: listening
                    yield fields[9]


def is_loopback(host: str) -> bool:
    """Say whether a host name or address means this machine and no other."""
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def reachable_at(host: str) -> list[str]:
    """Return the addresses under which other machines reach what listens on ``host``, the likeliest first.

    Examples
    --------
    >>> reachable_at("127.0.0.1")
    []
    """
    if is_loopback(host):
        return []
    if host not in {"0.0.0.0", "::", ""}:  # noqa: S104 - only compared
        return [host]
    import ifaddr

    found = [
        address.ip if isinstance(address.ip, str) else address.ip[0]
        for adapter in ifaddr.get_adapters()
        for address in adapter.ips
        if host != "0.0.0.0" or isinstance(address.ip, str)  # noqa: S104 - only compared
    ]
    used = _outgoing()
    parsed = [ipaddress.ip_address(one) for one in dict.fromkeys(found)]
    kept = [one for one in parsed if not (one.is_loopback or one.is_link_local)]
    return [str(one) for one in sorted(kept, key=lambda one: (str(one) != used, one.version, not one.is_private))]


# The address that this machine would send from: nothing is sent.
def _outgoing() -> str | None:
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # reserved for documentation
        return str(probe.getsockname()[0])
    return None
