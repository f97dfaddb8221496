"""A tape in pieces gives the bars, and the studies' answers, of the whole."""

from __future__ import annotations

import numpy as np
import pytest

from footloom.core.footprint import Footprint
from footloom.engine.build import build_footprint
from footloom.engine.runs import bar_runs, studies_between
from footloom.engine.studies import StudyFold, counting
from footloom.studies import study_names
from footloom.testing.study_contract import sample_trades

TAPE = sample_trades(5, 900)


def _pieces(size):
    return (TAPE.take(slice(at, at + size)) for at in range(0, len(TAPE), size))


@pytest.mark.parametrize("rule", ["1m", "15m", "100t", "50v-split", "r20"])
@pytest.mark.parametrize("size", [1, 37, 10_000])
def test_runs_join_to_the_whole(rule, size):
    joined = Footprint.concat([run for run in bar_runs(_pieces(size), rule, 3) if len(run)])

    whole = build_footprint(TAPE, rule, 3)
    for name in whole.bars.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(joined.bars, name), getattr(whole.bars, name), err_msg=name)
    np.testing.assert_array_equal(joined.levels.row, whole.levels.row)
    np.testing.assert_array_equal(joined.level_offset, whole.level_offset)


def test_studies_of_a_span_are_those_of_the_whole_tape():
    folds = [StudyFold(name) for name in study_names()]
    whole = build_footprint(TAPE, "1m", 2, count=counting(folds))
    whole = whole.with_flags(whole.bars.flags | 1)
    lo, hi = 40, len(whole) - 7
    span = int(whole.bars.open_ns[lo]), int(whole.bars.open_ns[hi])

    bars, told = studies_between(_pieces(100), ("1m", 2), [StudyFold(name) for name in study_names()], span)

    assert bars is not None
    np.testing.assert_array_equal(bars.bars.open_ns, whole.bars.open_ns[lo:hi])
    for fold in folds:
        batch = fold.update(whole)
        for name, column in batch.bars.items():
            np.testing.assert_array_equal(told[fold.label].bars[name], column[lo:hi], err_msg=f"{fold.label} {name}")
        if batch.events:
            mine = (batch.events["bar"] >= lo) & (batch.events["bar"] < hi)
            np.testing.assert_array_equal(told[fold.label].events["bar"], batch.events["bar"][mine] - lo)
        for name, column in batch.cells.items():
            cells = column[whole.level_offset[lo] : whole.level_offset[hi]]
            np.testing.assert_array_equal(told[fold.label].cells[name], cells)


def test_no_bars_in_a_span_is_no_answer():
    assert studies_between(_pieces(100), ("1m", 2), [StudyFold("cvd")], (0, 1)) == (None, {})
