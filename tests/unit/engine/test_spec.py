"""Settings from outside: every value is checked and named."""

import pytest

from footloom.engine.spec import ChartSpec, chart_spec
from footloom.errors import ConfigError


def test_a_spec_spells_its_bars_in_one_way():
    assert chart_spec({"bars": "60m"}) == ChartSpec(bars="1h")


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"bars": "nonsense"}, "nonsense"),
        ({"bars": 5}, "bars"),
        ({"ticks_per_level": 0}, "ticks_per_level"),
        ({"ticks_per_level": 1.5}, "ticks_per_level"),
        ({"ticks_per_level": 2**63}, "ticks_per_level"),  # what 64 bits cannot hold is refused, not met in a kernel
        ({"value_area": "three_row"}, "value_area"),
        ({"value_area_pct": "0"}, "got 0"),
        ({"value_area_pct": "101"}, "got 101"),
        ({"value_area_pct": "seventy"}, "seventy"),
        ({"value_area_pct": "70.00001"}, "decimals"),
        ({"poc_tie": "highest"}, "poc_tie"),
        ({"imbalance_pct": 50}, "imbalance_pct"),
        ({"min_vol_lot": -1}, "min_vol_lot"),
        ({"min_vol_lot": 2**63}, "min_vol_lot"),
        ({"stack_n": 1}, "stack_n"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_by_name(settings, named):
    with pytest.raises(ConfigError, match=named):
        chart_spec(settings)
