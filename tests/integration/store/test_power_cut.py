"""The power fails at any instant: everything that was acknowledged had been flushed before, and is there.

The writer of the kill tests runs with `power_cut.c` before it, which records every write and every flush in their
order; its acknowledgements are lines of a file, so they stand in the same record. A disk that forgets what was not
flushed is then cut off between any two calls (`power_cut.Disk`), and the store is opened on what is left.
"""

from __future__ import annotations

import importlib.util
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from footloom.store.files import Store

HERE = Path(__file__).parent
COMPILER = shutil.which("cc") or shutil.which("gcc")
pytestmark = [
    pytest.mark.skipif(COMPILER is None or sys.platform != "linux", reason="needs a C compiler and Linux"),
    pytest.mark.slow,
    pytest.mark.timeout(600),
]


def module(name: str) -> ModuleType:
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, HERE / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("shim") / "power_cut.so"
    assert COMPILER is not None
    subprocess.run([COMPILER, "-shared", "-fPIC", "-o", target, HERE / "power_cut.c", "-ldl", "-lpthread"], check=True)
    return target


def recorded(tmp_path: Path, shim: Path, seed: int, rounds: int, *flags: str) -> tuple[Path, list[Any]]:
    """Let the writer acknowledge so many rounds; return its disk's root and every call below it."""
    root, log = tmp_path / "disk", tmp_path / "calls"
    root.mkdir()
    acks = root / "acks"
    environment = os.environ | {
        "LD_PRELOAD": str(shim), "POWER_CUT_ROOT": str(root), "POWER_CUT_LOG": str(log),
    }  # fmt: skip
    command = [sys.executable, str(HERE / "killed_writer.py"), str(root / "store"), str(seed), *flags]
    with acks.open("wb") as said, subprocess.Popen(command, stdout=said, env=environment) as process:
        while acks.read_bytes().count(b"acknowledged") < rounds:
            assert process.poll() is None, "the writer ended by itself"
            time.sleep(0.05)
        process.kill()
    return root, list(module("power_cut").calls(log))


def acknowledged(text: bytes) -> dict[str, int]:
    lines = [line.split() for line in text.decode().splitlines() if line.startswith("acknowledged")]
    tapes = module("killed_writer").TAPES
    return dict(zip(tapes, map(int, lines[-1][1:]), strict=True)) if lines else dict.fromkeys(tapes, 0)


def cuts(root: Path, seen: list[Any], points: list[int]) -> Iterator[tuple[int, Any, dict[str, int]]]:
    """Yield the disk before some of the calls, and what had been acknowledged by then."""
    disk = module("power_cut").Disk(root)
    text = b""
    wanted = set(points)
    for number, call in enumerate(seen):
        if number in wanted:
            yield number, disk, acknowledged(text)
        if call.path.endswith("/acks"):
            text += call.data
        else:
            disk.do(call)


def faults_after(target: Path, said: dict[str, int]) -> list[str]:
    writer, kill = module("killed_writer"), module("test_kill")
    if not (target / "store").is_dir():
        return [f"the store is gone, after {said}"] if any(said.values()) else []
    with Store(target / "store", writer=True, settings=writer.SETTINGS) as store:
        found = [
            f"{tape}: {fault}" for tape in writer.TAPES for fault in kill.faults(writer.stored(store, tape), said[tape])
        ]
        store.seal()
        store.verify()
        found += [
            f"{tape}, sealed: {fault}"
            for tape in writer.TAPES
            for fault in kill.faults(writer.stored(store, tape), said[tape])
        ]
    return found


@pytest.mark.parametrize(
    "count", [pytest.param(8), pytest.param(300, marks=[pytest.mark.soak, pytest.mark.timeout(3_600)])]
)
def test_what_was_acknowledged_had_been_flushed(tmp_path: Path, shim: Path, seed: int, count: int) -> None:
    root, seen = recorded(tmp_path, shim, seed, 100)
    chance = random.Random(seed)
    points = [chance.randrange(len(seen)) for _ in range(count)]
    checked = 0
    for number, disk, said in cuts(root, seen, points):
        for label, luck in (("least", None), ("some", random.Random(seed + number))):
            target = tmp_path / f"{label}-{number}"
            target.mkdir()
            disk.leave(target, luck)
            assert faults_after(target, said) == [], (label, number, seed)
            shutil.rmtree(target)
        checked += any(said.values())
    assert checked > count // 3, "the power was cut before anything was acknowledged: this checked nothing"


def test_the_least_that_is_left_is_no_damage(tmp_path: Path, shim: Path, seed: int) -> None:
    root, seen = recorded(tmp_path, shim, seed, 30)
    for _, disk, said in cuts(root, seen, [len(seen) - 1]):
        (tmp_path / "left").mkdir()
        disk.leave(tmp_path / "left")
        with Store(tmp_path / "left" / "store", writer=True) as store:
            assert store.recovery.quarantined == ()
            assert store.recovery.rows <= sum(said.values())


@pytest.mark.parametrize("sin", ["lazy-journal", "lazy-files"])
def test_a_store_that_does_not_flush_is_caught(tmp_path: Path, shim: Path, seed: int, sin: str) -> None:
    root, seen = recorded(tmp_path, shim, seed, 120, sin)
    chance = random.Random(seed)  # of many points: what is sealed soon is durable all the same
    points = [chance.randrange(len(seen) // 4, len(seen)) for _ in range(300)]
    found: list[str] = []
    for number, disk, said in cuts(root, seen, points):
        if found:
            break
        target = tmp_path / f"cut-{number}"
        target.mkdir()
        disk.leave(target)
        try:
            found += faults_after(target, said)
        except Exception as error:  # noqa: BLE001 - a store that cannot be opened is a find, too
            found.append(str(error))
    assert found, f"{sin} was not noticed"


def test_a_rename_leaves_the_old_file_or_the_new_one(tmp_path: Path) -> None:
    call, root = module("power_cut").Call, str(tmp_path / "disk")
    for luck in range(40):
        disk = module("power_cut").Disk(tmp_path / "disk")
        for inode, name, text in ((1, "manifest", b"old"), (2, "part", b"new")):
            disk.do(call("w", inode, 0, f"{root}/{name}", "", text))
            disk.do(call("s", inode, 0, f"{root}/{name}", "", b""))
        disk.do(call("s", 0, 0, root, "", b""))
        disk.do(call("r", 2, 0, f"{root}/part", f"{root}/manifest", b""))
        target = tmp_path / str(luck)
        target.mkdir()
        disk.leave(target, random.Random(luck))
        assert (target / "manifest").read_bytes() in {b"old", b"new"}
