"""Nothing below the feeds, nor the engine, asks what time it is: the time comes with the data."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

import pytest

CLOCKS = {
    "time": {"time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "localtime", "ctime"},
    "datetime": {"now", "utcnow", "today"},
    "date": {"today"},
}


# `time.time()`, `from time import time`, `dt.datetime.now()`, `date.today()`, under any alias of the module.
def clock_reads(tree: ast.Module) -> list[str]:
    aliases = {"time": "time", "datetime": "datetime", "date": "date"}
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            aliases |= {name.asname: name.name for name in node.names if name.asname and name.name in CLOCKS}
        if isinstance(node, ast.ImportFrom) and node.module == "time":
            found += [f"{node.lineno}: from time import {n.name}" for n in node.names if n.name in CLOCKS["time"]]
        if isinstance(node, ast.ImportFrom) and node.module == "datetime":
            aliases |= {name.asname or name.name: name.name for name in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            owner = node.value.attr if isinstance(node.value, ast.Attribute) else getattr(node.value, "id", "")
            if node.attr in CLOCKS.get(aliases.get(owner, ""), set()):
                found.append(f"{node.lineno}: {owner}.{node.attr}")
    return found


def test_no_module_below_the_feeds_reads_a_clock(below_feeds: list[Any]) -> None:
    found = {module.name: reads for module in below_feeds if (reads := clock_reads(module.tree()))}

    assert found == {}


@pytest.mark.parametrize(
    "line",
    [
        "import time\nx = time.time()",
        "import time as t\nx = t.monotonic_ns()",
        "from time import time_ns\nx = time_ns()",
        "import datetime\nx = datetime.datetime.now()",
        "import datetime as dt\nx = dt.datetime.now(dt.UTC)",
        "from datetime import datetime as d\nx = d.utcnow()",
        "from datetime import date\nx = date.today()",
    ],
)
def test_a_planted_clock_is_caught(make_module: Callable[[str, str], Any], line: str) -> None:
    assert clock_reads(make_module("footloom.core.planted", line).tree())
