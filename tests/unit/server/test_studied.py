"""Studies of stored bars are those of the whole tape."""

from __future__ import annotations

import numpy as np
import pytest
from server_kit import MemoryStore, make_tape

from footloom.engine.build import build_footprint
from footloom.engine.studies import StudyFold, counting
from footloom.server.stored.history import History
from footloom.server.stored.studied import studied
from footloom.server.wire.messages import TopicRequest


@pytest.mark.parametrize("name", ["vwap", "value_area", "cvd"])
def test_a_range_is_answered_as_part_of_the_whole(name):
    tape = make_tape(4_000)
    history = History(MemoryStore(tape))
    chart = history.resolve(TopicRequest(symbol=tape.instrument.key, bars="15m", ticks_per_level=5))
    fold = StudyFold(name)
    whole = build_footprint(tape, "15m", 5, count=counting([fold]))
    lo, hi = 20, 60
    span = int(whole.bars.open_ns[lo]), int(whole.bars.open_ns[hi])

    bars, told = studied(history, chart, [StudyFold(name)], *span)

    np.testing.assert_array_equal(bars.bars.open_ns, whole.bars.open_ns[lo:hi])
    for column, values in fold.update(whole).bars.items():
        np.testing.assert_array_equal(told[name].bars[column], values[lo:hi], err_msg=column)


def test_a_bar_that_outgrows_the_range_is_whole():
    tape = make_tape(4_000)
    history = History(MemoryStore(tape))
    chart = history.resolve(TopicRequest(symbol=tape.instrument.key, bars="200t", ticks_per_level=5))
    begin_ns = int(build_footprint(tape, "200t", 5).bars.open_ns[3])

    bars, told = studied(history, chart, [StudyFold("delta")], begin_ns, begin_ns + 1)

    shown = history.between(chart, begin_ns, begin_ns + 1)
    assert bars.bars.trades.tolist() == shown.footprint.bars.trades.tolist() == [200]
    assert told["delta"].bars["delta"].tolist() == shown.footprint.bars.delta_lot.tolist()
