"""Every study holds its contract, and the contract catches a study that breaks it."""

from __future__ import annotations

import types
from typing import Any

import msgspec
import numpy as np
import pytest

from footloom import studies
from footloom.studies import Answer, NoState, Output, Run, find_study, study_names
from footloom.testing.study_contract import check


@pytest.mark.parametrize("more", [0, pytest.param(19, marks=pytest.mark.soak)])
@pytest.mark.parametrize("name", study_names())
def test_contract(name: str, more: int, seed: int) -> None:
    check(name, seeds=range(seed, seed + 1 + more))


class _Count(msgspec.Struct, frozen=True):
    bars: int = 0


class _None(msgspec.Struct, frozen=True):
    pass


def _study(update: Any, state: Any = NoState, lead: int = -1) -> Any:
    output = Output(name="x", kind="line", unit="lot", columns=("x",), title="x")
    return types.SimpleNamespace(
        TITLE="planted", OUTPUTS=(output,), Params=_None, State=state, warmup=lambda _: lead, update=update
    )


def _sound(run: Run, _params: Any, state: _Count) -> tuple[Answer, _Count]:
    return Answer(bars={"x": np.arange(len(run)) + state.bars}), _Count(state.bars + len(run))


def _looks_ahead(run: Run, _params: Any, state: _Count) -> tuple[Answer, _Count]:
    closes = run.footprint.bars.close_tick
    return Answer(bars={"x": np.append(closes[1:], closes[-1:])}), state


def _forgets(run: Run, _params: Any, state: _Count) -> tuple[Answer, _Count]:
    return Answer(bars={"x": np.cumsum(run.footprint.bars.delta_lot)}), state


def _remembers(run: Run, _params: Any, state: _Count) -> tuple[Answer, _Count]:
    return Answer(bars={"x": np.zeros(len(run))}), _Count(state.bars + 1)


def _misshapen(run: Run, _params: Any, state: _Count) -> tuple[Answer, _Count]:
    return Answer(bars={"x": np.zeros(len(run) + 1)}), state


def test_a_sound_study_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    _plant(monkeypatch, _sound)

    check("planted", seeds=range(2))


@pytest.mark.parametrize(
    ("update", "says"),
    [
        (_looks_ahead, "bars x differs"),
        (_forgets, "bars x differs"),
        (_remembers, "the state at the end differs"),
        (_misshapen, "has shape"),
    ],
)
def test_a_planted_fault_is_caught(monkeypatch: pytest.MonkeyPatch, update: Any, says: str) -> None:
    _plant(monkeypatch, update)

    with pytest.raises(AssertionError, match=says):
        check("planted", seeds=range(2))


def test_a_study_that_looks_back_further_than_it_says_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    _plant(monkeypatch, _sound, lead=4)

    with pytest.raises(AssertionError, match="with 4 before it: bars x differs"):
        check("planted", seeds=range(1))


def _plant(monkeypatch: pytest.MonkeyPatch, update: Any, lead: int = -1) -> None:
    known = find_study

    def find(name: str) -> Any:
        return _study(update, _Count, lead) if name == "planted" else known(name)

    monkeypatch.setattr("footloom.engine.studies.find_study", find)
    assert studies.find_study is known
