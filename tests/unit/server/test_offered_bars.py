"""What the page's menu of bars offers is what the server reads."""

from __future__ import annotations

import re
from pathlib import Path

from footloom.bars import parse_rule

INTERVALS = Path(__file__).parents[3] / "web" / "src" / "model" / "interval.ts"


def test_every_bar_of_the_menu_is_read_as_it_stands() -> None:
    source = INTERVALS.read_text(encoding="utf-8")
    offered = source[: source.index("export type IntervalText")]
    bars = re.findall(r'"([a-z0-9]*\d[a-z0-9]*)"', offered)
    assert len(bars) > 30
    assert [parse_rule(text).text for text in bars] == bars
