"""Pauses are kept short while a server runs, and only then."""

from __future__ import annotations

import gc
import sys

from footloom.server.pauses import short_pauses


def test_what_stands_is_not_collected_again_and_all_is_undone() -> None:
    before = gc.get_threshold(), sys.getswitchinterval()
    gc.unfreeze()  # the tests' own
    assert gc.get_freeze_count() < 10_000
    with short_pauses():
        assert gc.get_freeze_count() > 10_000
        assert gc.get_threshold()[0] > before[0][0]
        assert sys.getswitchinterval() < before[1]
    assert (gc.get_threshold(), sys.getswitchinterval()) == before
    assert gc.get_freeze_count() < 10_000
    gc.freeze()
