"""`footloom serve` as a process of its own, and clients that do what no library would."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from websockets.sync.client import ClientConnection, connect

from footloom.server.port import reachable_at

TOKEN = "planted-token-0123456789abcdef"  # noqa: S105 - planted, to be looked for
PATIENCE_S = 60.0
FOOTLOOM = (sys.executable, "-m", "footloom.cli.main")


def own_address() -> str | None:
    """Return an IPv4 address of this machine that is not loopback, None where it has none."""
    return next((one for one in reachable_at("0.0.0.0") if ":" not in one), None)  # noqa: S104 - only listed


class Process:
    """A server that answers; what it writes is kept."""

    def __init__(self, store: Path, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        port = () if "--port" in arguments else ("--port", "0")
        kept = {name: value for name, value in os.environ.items() if not name.startswith("FOOTLOOM_")}
        settings = {"FOOTLOOM_CONFIG": str(store.parent / "settings"), "PYTHONUNBUFFERED": "1"}
        self.where, self.environment = store.parent, kept | settings | dict(environment)
        self.process = subprocess.Popen(
            [*FOOTLOOM, "serve", *port, "--json", "--store", str(store), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.where,
            env=self.environment,
        )
        self.errors: list[str] = []
        self._reading = threading.Thread(target=self._read_errors, daemon=True)
        self._reading.start()
        assert self.process.stdout is not None
        self.first = self.process.stdout.readline()
        assert self.first, "".join(self.errors)
        self.said: dict[str, Any] = json.loads(self.first)
        self.url: str = self.said["url"].rstrip("/")
        self.port = int(self.url.rpartition(":")[2])

    def _read_errors(self) -> None:
        assert self.process.stderr is not None
        self.errors.extend(self.process.stderr)

    def stop(self, *signals: int) -> str:
        """Send signals, wait for the end, and return all that was written."""
        for number in signals or (signal.SIGTERM,):
            if self.process.poll() is None:
                self.process.send_signal(number)
        self.process.wait(PATIENCE_S)
        assert self.process.stdout is not None
        out = self.process.stdout.read()
        self._reading.join(PATIENCE_S)
        return self.first + out + "".join(self.errors)

    def end(self) -> None:
        """Leave nothing behind, whatever went wrong."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(PATIENCE_S)
        self._reading.join(PATIENCE_S)
        for pipe in (self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()

    def verb(self, *arguments: str) -> str:
        """Return what another verb prints, with this server's settings."""
        command = [*FOOTLOOM, *arguments]
        done = subprocess.run(
            command,
            cwd=self.where,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_S,
        )
        return done.stdout + done.stderr

    def http(self, address: str = "127.0.0.1", **headers: str) -> httpx.Client:
        """Return a client that shows the token."""
        shown = {"authorization": f"Bearer {TOKEN}"} | headers
        return httpx.Client(base_url=f"http://{address}:{self.port}", headers=shown, timeout=PATIENCE_S)

    def ws(self, address: str = "127.0.0.1", **options: Any) -> ClientConnection:
        """Open the live protocol with the token."""
        options = {"additional_headers": {"authorization": f"Bearer {TOKEN}"}, "open_timeout": PATIENCE_S} | options
        return connect(f"ws://{address}:{self.port}/ws/v1", **options)

    def socket(self, address: str = "127.0.0.1") -> socket.socket:
        """Open a bare connection."""
        return socket.create_connection((address, self.port), timeout=PATIENCE_S)

    def raw(self, request: bytes, address: str = "127.0.0.1") -> bytes:
        """Send bytes as they are, and return all that comes until the server closes."""
        with self.socket(address) as bare:
            bare.sendall(request)
            return read_all(bare)

    def status(self, path: str, *headers: str, method: str = "GET") -> int:
        """Return the status of a request whose path no library has made nicer; -1 where no answer came."""
        lines = [f"{method} {path} HTTP/1.1", f"host: 127.0.0.1:{self.port}", "connection: close", *headers, "", ""]
        answer = self.raw("\r\n".join(lines).encode())
        return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else -1


def read_all(bare: socket.socket) -> bytes:
    """Read until the other side closes; one that resets has closed too."""
    found = b""
    try:
        while part := bare.recv(65_536):
            found += part
    except ConnectionError:
        pass
    return found


@contextmanager
def serve_process(store: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> Iterator[Process]:
    """Run a server until the end of the block."""
    running = Process(store, arguments, environment or {})
    try:
        yield running
    finally:
        running.end()
