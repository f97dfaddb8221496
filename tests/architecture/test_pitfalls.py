"""What programs of this kind get wrong again and again, P1 to P18: each has a test that says its number."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PITFALLS = {
    1: "the side of the taker",
    2: "diagonal imbalance on the wrong numbers or rows",
    3: "prices as floats",
    4: "volume counted twice, or lumped, after a reconnect",
    5: "trades that are lost in silence",
    6: "books with gaps, stale or crossed",
    7: "units of time",
    8: "rows out of order and late",
    9: "sessions, DST, zones of half an hour",
    11: "prints that are no market trades",
    13: "snapshots taken for trades",
    14: "edges of bars",
    15: "point of control and value area",
    16: "fills on the wrong side of the taker",
    18: "sockets that are open and mute",
}


def named() -> dict[int, list[str]]:
    """Return the files whose tests say a number."""
    found = defaultdict(list)
    for path in [*(ROOT / "tests").rglob("*.py"), *(ROOT / "web" / "test").rglob("*.ts")]:
        if path != Path(__file__).resolve():
            for number in set(re.findall(r"\bP(\d{1,2})\b(?=[:,);])", path.read_text(encoding="utf-8"))):
                found[int(number)].append(str(path.relative_to(ROOT)))
    return found


@pytest.mark.parametrize("number", PITFALLS)
def test_a_test_says_its_number(number: int) -> None:
    assert named()[number], f"no test says P{number}: {PITFALLS[number]}"
