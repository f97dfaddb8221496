"""Live, every study says of final bars what it says of them in a batch, through late trades too."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from footloom.core.trades import Trades
from footloom.engine.build import build_footprint
from footloom.engine.builder import Builder
from footloom.engine.events import BarRevised, Rebuilt
from footloom.engine.live_studies import LiveStudies, StudiesTold
from footloom.engine.spec import ChartSpec
from footloom.engine.studies import StudyFold, counting
from footloom.studies import Answer, study_names
from footloom.testing.study_contract import sample_trades

RULES = ("1m", "100t")


def _live(rule: str) -> tuple[LiveStudies, Builder]:
    folds = [StudyFold(name) for name in _names(rule)]
    builder = Builder(sample_trades(0, 1).instrument, ChartSpec(bars=rule, ticks_per_level=2), count=counting(folds))
    return LiveStudies(builder, folds), builder


def _names(rule: str) -> list[str]:
    return [name for name in study_names() if rule == "1m" or name != "tpo"]  # tpo needs bars of time


def _take(told: StudiesTold | None, into: dict[str, list[tuple[Answer, int]]], bars: int) -> None:
    if told is None or not told.final:
        return
    for name, answer in told.final.items():
        pieces = into.setdefault(name, [])
        if told.first == 0:
            pieces.clear()
        pieces.append((answer, bars - told.first))


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("late", ["in order", "late trades"])
def test_live_equals_batch(rule: str, late: str) -> None:
    tape = sample_trades(3, 700)
    order = np.arange(len(tape))
    if late == "late trades":
        order[[300, 420]] = order[[420, 300]]  # one comes early, one late
    live, builder = _live(rule)
    told_of: dict[str, list[tuple[Answer, int]]] = {}
    begun_again = 0
    for start in range(0, len(tape), 70):
        commit = tape.take(order[start : start + 70])
        events, told = live.update(commit, int(commit.ts_exch_ns.max()))
        begun_again += any(isinstance(event, BarRevised | Rebuilt) for event in events)
        opened, held = builder.open_frame(), builder.frame()
        _take(told, told_of, 0 if held is None else len(held) - (len(opened) if opened is not None else 0))

    assert bool(begun_again) == (late == "late trades")
    final = sum(bars for _, bars in told_of["cvd"])
    assert final > 3
    for name in _names(rule):
        _same(Answer.concat(told_of[name]), _batch(name, rule, tape, final), name)


def _batch(name: str, rule: str, tape: Trades, bars: int) -> Answer:
    fold = StudyFold(name)
    made = build_footprint(tape, rule, 2, count=counting([fold])).slice(0, bars)
    return fold.update(made.with_flags(made.bars.flags | 1))


def _same(live: Answer, batch: Answer, name: str) -> None:
    for block in ("bars", "cells", "events"):
        mine: Any = getattr(live, block)
        for column, values in getattr(batch, block).items():
            np.testing.assert_array_equal(mine[column], values, err_msg=f"{name} {block} {column}")


def test_a_seed_is_answered_whole() -> None:
    tape = sample_trades(4, 400)
    live, _ = _live("1m")

    told = live.seed(tape)

    assert told.first == 0
    fold = StudyFold("vwap")
    made = build_footprint(tape, "1m", 2, count=counting([fold]))
    np.testing.assert_array_equal(
        told.final["vwap"].bars["vwap"], fold.update(made.slice(0, len(made) - 1)).bars["vwap"]
    )
    assert len(told.provisional["vwap"].bars["vwap"]) == 1
