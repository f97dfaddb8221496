"""Kill the writer at any instant, again and again: nothing acknowledged is missing, nothing is there twice."""

from __future__ import annotations

import importlib.util
import random
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from footloom.store.files import Store

WRITER = Path(__file__).with_name("killed_writer.py")
TAPES = ("trade", "agg_trade", "depth", "open_interest")
MOMENTS = [  # after which line, at most how many seconds later, and which of those lines
    *[("acknowledged", 0.05, (5, 40))] * 2,
    ("", 1.0, (1, 2)),
    *[("acknowledged", 0.05, (5, 40))] * 2,
    ("recovered", 0.1, (1, 2)),
]
IN_FLIGHT = 60  # rows of the one commit that was written but not yet acknowledged


@pytest.fixture(scope="module")
def writer() -> ModuleType:
    spec = importlib.util.spec_from_file_location("killed_writer", WRITER)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# Let the writer run for a while after it said something so often, kill it, and return what it had acknowledged by then:
# the number of rows of each tape.
def run_and_kill(root: Path, seed: int, after: str, seconds: float, *flags: str, times: int = 1) -> dict[str, int]:
    command = [sys.executable, str(WRITER), str(root), str(seed), *flags]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        lines: list[str] = []
        while after and sum(line.startswith(after) for line in lines) < times:
            lines.append(process.stdout.readline())
            assert lines[-1], process.stderr.read()
        time.sleep(seconds)
        process.kill()
        lines += process.stdout
        errors = process.stderr.read()
    assert errors == ""
    recovered = [line.split() for line in lines if line.startswith("recovered")]
    assert all(words[2] == "0" for words in recovered), "a kill is no damage: nothing may be quarantined"
    whole = [line.split() for line in lines if line.startswith("acknowledged") and line.endswith("\n")]
    return dict(zip(TAPES, map(int, whole[-1][1:]), strict=True)) if whole else {}


def faults(numbers: np.ndarray[Any, np.dtype[np.int64]], acknowledged: int) -> list[str]:
    """What is wrong with the rows of a tape, of which so many were acknowledged."""
    found = []
    missing = np.setdiff1d(np.arange(acknowledged), numbers)
    if len(missing):
        found.append(f"{len(missing)} acknowledged rows are missing, the first is {missing[0]} of {acknowledged}")
    values, counts = np.unique(numbers, return_counts=True)
    if (counts > 1).any():
        found.append(f"{int((counts > 1).sum())} rows are there twice, the first is {values[counts > 1][0]}")
    if (np.diff(numbers) < 0).any():
        found.append("rows are out of order")
    if len(values) and int(values[-1]) >= acknowledged + IN_FLIGHT:
        found.append(f"row {values[-1]} is there, though only {acknowledged} were acknowledged")
    return found


@pytest.mark.parametrize(
    "kills",
    [
        pytest.param(6, marks=[pytest.mark.slow, pytest.mark.timeout(400)]),
        pytest.param(200, marks=[pytest.mark.soak, pytest.mark.timeout(3_600)]),
    ],
)
def test_nothing_acknowledged_is_lost_and_nothing_is_double(
    tmp_path: Path, writer: ModuleType, seed: int, kills: int
) -> None:
    root = tmp_path / "store"
    chance = random.Random(seed)
    acknowledged, told = dict.fromkeys(TAPES, 0), dict.fromkeys(TAPES, 0)
    rounds = 0
    for kill in range(kills):
        # Now and then while it starts and recovers, else among commits, seals and compactions: so many of them that a
        # slow machine kills as deep inside as a fast one.
        after, most, times = MOMENTS[kill % len(MOMENTS)]
        said = run_and_kill(root, seed + kill, after, most * chance.random(), times=chance.randrange(*times))
        rounds += bool(said)
        acknowledged |= said
        told |= said
        with Store(root) as reader:  # as it lies there
            before = {tape: writer.stored(reader, tape) for tape in TAPES}
        with Store(root, writer=True, settings=writer.SETTINGS) as store:
            for tape in TAPES:
                numbers = writer.stored(store, tape)
                assert faults(numbers, acknowledged[tape]) == [], (tape, kill, seed)
                assert numbers.tolist() == before[tape].tolist()
                acknowledged[tape] = max(acknowledged[tape], len(numbers))  # what was in flight is stored by now
                opened = store.gaps(writer.INSTRUMENT.key, tape, *writer.EVER)
                # A round that was acknowledged heals all before it. One that was cut off may have told its own gap and
                # not healed: an import heals last.
                healed_until = writer.START_NS + (told[tape] - IN_FLIGHT) * writer.STEP_NS
                proven = tape == "trade"  # its ids show, after an import, that nothing was missing there
                assert bool(opened) == bool(acknowledged[tape]) or (proven and not opened), (tape, kill, seed)
                assert all(gap.from_ns >= healed_until for gap in opened), (tape, kill, seed)
            covered = [*store.coverage(), *store.series()]
            assert sum(one.rows for one in covered) == sum(acknowledged.values())
            if kill % 4 == 3:
                store.seal()
                store.compact()
                store.verify()
    assert rounds > kills // 2, "the writer was killed before it had written anything: this checked nothing"
    assert all(count > 20 * rounds for count in acknowledged.values())


@pytest.mark.slow
@pytest.mark.parametrize("readings", [8, pytest.param(300, marks=[pytest.mark.soak, pytest.mark.timeout(3_600)])])
def test_readers_beside_a_writer_see_each_row_once(tmp_path: Path, writer: ModuleType, readings: int) -> None:
    root = tmp_path / "store"
    command = [sys.executable, str(WRITER), str(root), "7"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        while not (line := process.stdout.readline()).startswith("acknowledged"):
            assert line
        before = dict.fromkeys(TAPES, 0)
        for _ in range(readings):
            acknowledged = dict(zip(TAPES, map(int, process.stdout.readline().split()[1:]), strict=True))
            with Store(root) as reader:
                for tape in TAPES:
                    numbers = writer.stored(reader, tape)
                    assert faults(numbers, acknowledged[tape]) in ([], [_ahead(numbers, acknowledged[tape])])
                    assert len(numbers) >= before[tape]
                    before[tape] = len(numbers)
        process.kill()
    assert before["agg_trade"] > 100


# The writer goes on while we look: more rows than were acknowledged are no fault here.
def _ahead(numbers: np.ndarray[Any, np.dtype[np.int64]], acknowledged: int) -> str:
    return next((fault for fault in faults(numbers, acknowledged) if "though only" in fault), "")


def test_a_writer_that_lies_is_caught(tmp_path: Path, writer: ModuleType) -> None:
    said = run_and_kill(tmp_path / "store", 1, "acknowledged", 0, "liar", times=20)

    with Store(tmp_path / "store", writer=True) as store:
        found = [fault for tape in TAPES for fault in faults(writer.stored(store, tape), said[tape])]
    assert any("are missing" in fault for fault in found), found


@pytest.mark.parametrize(
    ("numbers", "fault"),
    [
        ([0, 1, 3], "1 acknowledged rows are missing, the first is 2 of 4"),
        ([0, 1, 2, 2, 3], "1 rows are there twice, the first is 2"),
        ([0, 2, 1, 3], "rows are out of order"),
        ([0, 1, 2, 3, 99], "row 99 is there, though only 4 were acknowledged"),
    ],
)
def test_the_checker_can_fail(numbers: list[int], fault: str) -> None:
    assert faults(np.array([0, 1, 2, 3, 4]), 4) == []
    assert fault in faults(np.array(numbers), 4)
