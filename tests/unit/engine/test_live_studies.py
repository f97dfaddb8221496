"""Live, every study says of final bars what it says of them in a batch, through late trades too."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec
import numpy as np
import pytest

from footloom.core.footprint import BAR_FINAL, Footprint
from footloom.core.trades import Trades
from footloom.engine.beside import Units, stored_tapes
from footloom.engine.build import build_footprint
from footloom.engine.builder import Builder
from footloom.engine.events import BarRevised, Rebuilt
from footloom.engine.live_studies import LiveStudies, StudiesTold
from footloom.engine.spec import ChartSpec
from footloom.engine.studies import StudyFold, counting
from footloom.errors import ConfigError
from footloom.studies import Answer, study_names
from footloom.testing.study_contract import sample_trades

RULES = ("1m", "100t")


def _live(rule: str) -> tuple[LiveStudies, Builder]:
    folds = [StudyFold(name) for name in _names(rule)]
    builder = Builder(sample_trades(0, 1).instrument, ChartSpec(bars=rule, ticks_per_level=2), count=counting(folds))
    return LiveStudies(builder, folds), builder


def _names(rule: str) -> list[str]:
    return [name for name in study_names() if rule == "1m" or name != "tpo"]  # tpo needs bars of time


def _take(told: list[StudiesTold], into: dict[str, list[tuple[Answer, int]]], bars: int) -> None:
    for one in told:
        for name, answer in one.final.items():
            pieces = into.setdefault(name, [])
            if one.first == 0:
                pieces.clear()
            pieces.append((answer, bars - one.first))


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

    [told] = live.seed(tape)[:1]

    assert told.first == 0
    fold = StudyFold("vwap")
    made = build_footprint(tape, "1m", 2, count=counting([fold]))
    np.testing.assert_array_equal(
        told.final["vwap"].bars["vwap"], fold.update(made.slice(0, len(made) - 1)).bars["vwap"]
    )
    assert len(told.provisional["vwap"].bars["vwap"]) == 1


JOINED: dict[str, dict[str, object]] = {
    "cvd_against": {"symbols": "other:Y", "reset": "day"},
    "premium": {"symbol": "other:Y"},
}
STEP_NS = 20 * 10**9


def _pair(*, inverse: bool) -> tuple[Trades, Trades]:
    own, other = sample_trades(3, 700), sample_trades(1003, 700)
    named = msgspec.structs.replace(own.instrument, venue="other", symbol="Y", lot_size=Decimal("0.0004"))
    mine = msgspec.structs.replace(own.instrument, inverse=inverse)
    return dataclasses.replace(own, instrument=mine), dataclasses.replace(other, instrument=named)


@pytest.mark.parametrize(
    ("rule", "contract", "behind_ns"), [("1m", "linear", 0), ("100t", "inverse", 0), ("1m", "inverse", 3 * STEP_NS)]
)
def test_studies_of_other_symbols_are_those_of_a_batch(rule: str, contract: str, behind_ns: int) -> None:
    own, other = _pair(inverse=contract == "inverse")
    folds = [StudyFold("vwap"), *(StudyFold(name, settings) for name, settings in JOINED.items())]
    builder = Builder(own.instrument, ChartSpec(bars=rule, ticks_per_level=2), count=counting(folds))
    live = LiveStudies(builder, folds, [other.instrument])
    told_of: dict[str, list[tuple[Answer, int]]] = {}
    wholes = 0
    first_ns, last_ns = int(own.ts_exch_ns[0]), int(own.ts_exch_ns[-1])
    for at_ns in range(first_ns, last_ns, STEP_NS):
        heard = at_ns - behind_ns
        told = live.hear(other.between(heard if at_ns > first_ns else 0, heard + STEP_NS), at_ns)
        told += live.update(own.between(at_ns, at_ns + STEP_NS), at_ns + STEP_NS)[1]
        held, opened = builder.frame(), builder.open_frame()
        final = 0 if held is None else len(held) - (0 if opened is None else len(opened))
        for one in told:
            assert set(one.final) in ({"vwap"}, set(JOINED), set())
            wholes += one.first == 0 and "premium" in one.final
            _take([one], told_of, final)

    assert (wholes > 1) == (behind_ns > 0)  # what comes too late for its bar has all told anew
    made = build_footprint(own, rule, 2).slice(0, final)
    for name, settings in JOINED.items():
        mine = Answer.concat(told_of[name])
        bars = made.slice(0, len(next(iter(mine.bars.values()))))
        assert len(bars) > len(made) - 3
        _same(mine, _joined(name, settings, bars, [own, other]), name)


def _joined(name: str, settings: dict[str, object], bars: Footprint, tapes: Sequence[Trades]) -> Answer:
    fold, known = StudyFold(name, settings), {one.instrument.key: one for one in tapes}
    units = Units.of(bars.instrument, [known[key].instrument for key in fold.companions_of(bars.instrument)])
    fold.tapes = stored_tapes(units, lambda key, lo, hi: known[key].between(lo, hi), lambda *_asked: ())
    return fold.update(bars.with_flags(bars.bars.flags | BAR_FINAL))


def test_a_symbol_that_nobody_brings_is_said() -> None:
    own, _ = _pair(inverse=False)
    folds = [StudyFold("premium", JOINED["premium"])]
    with pytest.raises(ConfigError, match=r"reads other:Y too, which is not among"):
        LiveStudies(Builder(own.instrument, ChartSpec(bars="1m", ticks_per_level=2)), folds)
