"""The port: taken before any other work is done, on loopback only, and whoever holds it is named.

Nothing heavy is imported here, so that a port in use is told at once.
"""

from __future__ import annotations

import contextlib
import errno
import http.client
import ipaddress
import socket
from collections.abc import Iterator
from pathlib import Path

import msgspec

from footloom.errors import ConfigError

__all__ = ("bind", "is_loopback", "refuse_foreign_bind")

_PROBE_S = 0.5


def bind(host: str, port: int) -> socket.socket:
    """Take the port, before any other work is done; 0 takes a free one.

    Raises
    ------
    ConfigError
        The address is not loopback, or the port is in use: the message says by whom.
    """
    refuse_foreign_bind(host)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(256)
    except OSError as error:
        listener.close()
        raise ConfigError(_why_not(host, port, error)) from None
    listener.settimeout(0.0)
    return listener


def _why_not(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        holder = _footloom_at(host, port) or _process_at(port) or "another program"
        return f"port {port} is in use by {holder}: stop it, or choose another with --port (--port 0 takes a free one)"
    if error.errno == errno.EACCES:
        return f"port {port} may not be used by this user: choose one above 1023 with --port"
    return f"{host}:{port} cannot be listened on: {error.strerror}"


# Whoever holds the port may be one of us: then its page is what the user wants.
def _footloom_at(host: str, port: int) -> str | None:
    connection = http.client.HTTPConnection(host, port, timeout=_PROBE_S)
    try:
        connection.request("GET", "/health")
        body = msgspec.json.decode(connection.getresponse().read(10_000))
    except (OSError, http.client.HTTPException, msgspec.MsgspecError):
        return None
    finally:
        connection.close()
    name = body.get("server") if isinstance(body, dict) else None
    if not isinstance(name, str) or not name.startswith("footloom"):
        return None
    who = _process_at(port)
    return f"{name}{f' ({who})' if who else ''}, which answers at http://{host}:{port}/"


def _process_at(port: int) -> str | None:
    """Return the process that listens on a port, where the system shows it (Linux, own processes)."""
    try:
        inodes = set(_listening_inodes(port))
        for link in Path("/proc").glob("[0-9]*/fd/*"):
            with contextlib.suppress(OSError):
                if str(link.readlink()).removeprefix("socket:[").rstrip("]") in inodes:
                    pid = link.parts[2]
                    command = Path("/proc", pid, "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                    return f"process {pid}: {command.strip()[:80]}"
    except OSError:
        return None
    return None


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


def refuse_foreign_bind(host: str) -> None:
    """Refuse an address that other machines could reach.

    Raises
    ------
    ConfigError
        The address is not this machine's loopback.
    """
    if not is_loopback(host):
        raise ConfigError(
            f"--host {host} would let other machines in, and this version has no login yet: bind to 127.0.0.1 and "
            "reach it from elsewhere through a tunnel, such as ssh -L 8123:127.0.0.1:8123 THIS-MACHINE"
        )
