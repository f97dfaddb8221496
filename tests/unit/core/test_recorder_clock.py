"""What a recorder's clock says (definitions 1.3)."""

from __future__ import annotations

import numpy as np
import pytest

from footloom.core.recorder_clock import NS, object_id_ns, usual_offset_ns, zone_offset_ns
from footloom.errors import DataError

IST_NS = 19_800 * NS


@pytest.mark.parametrize("late_ns", [0, 670 * 10**6, 899 * NS, -583 * 10**6, -899 * NS])
@pytest.mark.parametrize("zone_ns", [0, IST_NS, -5 * 3_600 * NS, 45 * 60 * NS + 15 * 60 * NS])
def test_whole_half_hours_are_a_zone_and_the_rest_is_delay(late_ns: int, zone_ns: int) -> None:
    true_ns = 1_764_738_253 * NS
    assert zone_offset_ns(true_ns + zone_ns + late_ns, true_ns) == zone_ns


def test_a_recording_has_the_offset_of_most_of_its_rows() -> None:
    true_ns = np.arange(10, dtype=np.int64) * NS
    written = true_ns + IST_NS + 300 * 10**6
    written[:3] += 4 * 3_600 * NS  # repeats of a trade that was made hours before
    assert usual_offset_ns(written, true_ns) == IST_NS
    assert usual_offset_ns(true_ns[:0], true_ns[:0]) == 0
    assert usual_offset_ns(np.array([0, IST_NS]), np.zeros(2, np.int64)) == 0


@pytest.mark.parametrize("text", ["", "692fc4cd", "692fc4cd312afef23e6448bz", "-92fc4cd312afef23e6448b3", "6" * 25])
def test_what_is_no_object_id_is_refused(text: str) -> None:
    with pytest.raises(DataError, match="no ObjectId"):
        object_id_ns(text)
