"""What the page's menu of bars offers is what the server reads."""

from __future__ import annotations

import re
from pathlib import Path

from footloom.bars import parse_rule

KINDS = Path(__file__).parents[3] / "web" / "src" / "model" / "bar-kinds.ts"


def test_every_bar_of_the_menu_is_read_as_it_stands() -> None:
    source = KINDS.read_text(encoding="utf-8")
    lists = re.findall(r"offered: \[(.*?)\]", source, re.DOTALL)
    bars = [bars for each in lists for bars in re.findall(r'"([^"]+)"', each)]
    assert len(bars) > 30
    assert [parse_rule(text).text for text in bars] == bars
