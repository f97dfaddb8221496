"""A bar type and a study of another package, installed beside footloom, work without a change of ours."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

BARS = '''
"""Bars of an even number of seconds, as a package of somebody else's."""

from dataclasses import dataclass

from footloom.bars import parse_rule


@dataclass(frozen=True)
class Even:
    text: str
    inner: object
    sequential: bool = False

    def edges(self, trades, calendar, state=b""):
        return self.inner.edges(trades, calendar, state)


def parse(text):
    if not text.startswith("even") or not text[4:].isdigit():
        return None
    return Even(text, parse_rule(f"{2 * int(text[4:])}s"))
'''
STUDY = '''
"""The range of a bar, and the widest so far."""

import msgspec
import numpy as np

from footloom.studies import Answer, Output

TITLE = "Range"
OUTPUTS = (
    Output(name="range", kind="histogram", unit="tick", columns=("range",), title="range"),
    Output(name="widest", kind="line", unit="tick", columns=("widest",), title="widest"),
)


class Params(msgspec.Struct, frozen=True):
    least: int = 0


class State(msgspec.Struct, frozen=True):
    widest: int = 0


def warmup(params):
    return -1


def update(run, params, state):
    bars = run.footprint.bars
    spread = np.maximum(bars.high_tick - bars.low_tick, params.least)
    widest = np.maximum.accumulate(np.concatenate([[state.widest], spread]))[1:]
    return Answer(bars={"range": spread, "widest": widest}), State(int(widest[-1])) if len(run) else state
'''
USE = """
from decimal import Decimal

import footloom as fl
from footloom.testing import bar_contract, study_contract

trades = fl.load_trades("sim:PERP", "2026-03-02", "2026-03-02T01:00")
chart = fl.footprint(trades, bars="even30")
assert len(chart) == len(fl.footprint(trades, bars="1m")), "thirty pairs of seconds are a minute"
rows = chart.study("outside_range", least=4).rows()
assert rows[-1]["widest"] == max((row["range"] for row in rows), key=Decimal)
bar_contract.check("even30", seeds=range(2))
study_contract.check("outside_range", seeds=range(2))
print("all of it works")
"""


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """What `pip install` would put beside footloom."""
    (tmp_path / "outside_bars.py").write_text(BARS, encoding="utf-8")
    (tmp_path / "outside_study.py").write_text(STUDY, encoding="utf-8")
    info = tmp_path / "outside-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: outside\nVersion: 1.0\n", encoding="utf-8")
    entries = "[footloom.bars]\neven = outside_bars:parse\n\n[footloom.studies]\noutside_range = outside_study\n"
    (info / "entry_points.txt").write_text(entries, encoding="utf-8")
    return tmp_path


def test_it_is_found_by_its_entry_points(installed: Path) -> None:
    command = [sys.executable, "-c", textwrap.dedent(USE)]
    environment = {**os.environ, "PYTHONPATH": str(installed)}

    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=110)

    assert done.returncode == 0, done.stderr
    assert "all of it works" in done.stdout


def test_without_it_the_spelling_is_refused() -> None:
    command = [sys.executable, "-c", "from footloom.bars import parse_rule; parse_rule('even30')"]

    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    assert "'even30' names no bars" in done.stderr
