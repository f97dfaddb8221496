"""One writer a store."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from footloom.errors import StoreLocked
from footloom.store.files import Store

HOLDER = """
import sys
from pathlib import Path
from footloom.store.files import Store
store = Store(Path(sys.argv[1]), writer=True)
print("open", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def holder(root: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that writes to the store."""
    command = [sys.executable, "-c", HOLDER, str(root), "--some", "flag"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        yield process
        process.kill()


def test_a_second_writer_is_refused_and_told_who_holds_the_lock(root: Path, holder: subprocess.Popen[str]) -> None:
    with pytest.raises(StoreLocked) as caught:
        Store(root, writer=True)

    assert f"process {holder.pid} (-c {root} --some flag) since 20" in str(caught.value)
    assert "reading needs no lock" in str(caught.value)
    assert Store(root).coverage() == []


def test_the_lock_of_a_dead_holder_is_taken_over_silently(root: Path, holder: subprocess.Popen[str]) -> None:
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert json.loads((root / "writer.lock").read_text())["pid"] == holder.pid

    with Store(root, writer=True):
        held = json.loads((root / "writer.lock").read_text())
        assert held["pid"] == os.getpid()
        assert held["since"].endswith("+00:00")


def test_the_same_process_cannot_write_twice_but_again(root: Path) -> None:
    with Store(root, writer=True), pytest.raises(StoreLocked, match=f"process {os.getpid()} "):
        Store(root, writer=True)
    Store(root, writer=True).close()


def test_a_store_that_could_not_be_opened_holds_no_lock(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def boom(*_: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr("footloom.store.keeping.Writer", boom)
        with pytest.raises(RuntimeError):
            Store(root, writer=True)
    Store(root, writer=True).close()


def test_an_unreadable_lock_names_nobody(root: Path, holder: subprocess.Popen[str]) -> None:
    (root / "writer.lock").write_text("")

    with pytest.raises(StoreLocked, match="a process that has only just begun"):
        Store(root, writer=True)
    assert holder.poll() is None
