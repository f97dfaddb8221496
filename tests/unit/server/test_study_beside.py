"""What studies said of bars that closed one by one is that of all at once, and is not kept one by one."""

from __future__ import annotations

import numpy as np

from footloom.engine.build import build_footprint
from footloom.engine.studies import counting
from footloom.server.live.study_beside import StudiesBeside, folds_of
from footloom.server.wire.messages import StudyRequest
from footloom.testing.bar_contract import sample_trades

ASKED = (StudyRequest(study="vwap"), StudyRequest(study="stacked_zones"))


def test_bars_that_close_one_by_one() -> None:
    bars = build_footprint(sample_trades(5, 2_000, "crypto"), "2t", 1, count=counting(folds_of(ASKED)))
    assert len(bars) > 700
    one, all_at_once = StudiesBeside(folds_of(ASKED)), StudiesBeside(folds_of(ASKED))
    all_at_once.close(bars)
    wanted = all_at_once.held(len(bars), None)
    for at in range(len(bars)):
        one.close(bars.slice(at, at + 1))
        assert len(one._plain._final) < 300
        if at == 400:  # somebody asks
            assert one.held(10, None) is not None
    found = one.held(len(bars), None)
    assert found is not None
    assert wanted is not None
    np.testing.assert_array_equal(found.open_ns, wanted.open_ns)
    np.testing.assert_array_equal(found.level_start, wanted.level_start)
    for label, answer in wanted.answers.items():
        for part in ("bars", "cells", "events"):
            for name, column in getattr(answer, part).items():
                np.testing.assert_array_equal(getattr(found.answers[label], part)[name], column)
