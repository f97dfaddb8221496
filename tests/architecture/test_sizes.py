"""Files and functions stay small enough to be read at one go."""

from __future__ import annotations

import ast
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SOFT_LINES = 400
HARD_LINES = 600
LONGER_FOR_A_REASON: dict[str, str] = {}  # path below src: why it is over 400 lines


def functions(tree: ast.Module) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


# Lines of code: the docstring is the contract, not the function.
def length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    docstring = node.body[0] if ast.get_docstring(node) is not None else None
    spent = (docstring.end_lineno or 0) - docstring.lineno + 1 if docstring else 0
    return (node.end_lineno or 0) - node.lineno + 1 - spent


def test_no_file_is_too_long(modules: list[Any], root: Path) -> None:
    source = root / "src"
    long = {
        module.path.relative_to(source).as_posix(): count
        for module in modules
        if (count := module.text.count("\n")) > SOFT_LINES
    }

    assert all(count <= HARD_LINES for count in long.values()), long
    assert set(long) == set(LONGER_FOR_A_REASON), long


def test_test_files_are_readable_too(root: Path) -> None:
    counts = {path: path.read_text(encoding="utf-8").count("\n") for path in (root / "tests").rglob("*.py")}

    assert counts
    assert {path: count for path, count in counts.items() if count > HARD_LINES} == {}


def test_the_usual_function_is_short(modules: list[Any]) -> None:
    lengths = sorted(length(node) for module in modules for node in functions(module.tree()))

    assert len(lengths) > 100
    assert statistics.median(lengths) <= 12
    assert lengths[int(len(lengths) * 0.9)] <= 35


@pytest.mark.parametrize(
    ("fault", "rule"),
    [
        ("def long() -> None:\n    x = 0\n" + "    x += 1\n" * 41 + "    print(x)\n", "PLR0915"),
        (
            "def branchy(x: int) -> int:\n" + "".join(f"    if x == {n}:\n        x += {n}\n" for n in range(9)),
            "C901",
        ),
        ("def wide(a: int, b: int, c: int, d: int, e: int, f: int, g: int) -> None: ...\n", "PLR0913"),
        ("from __future__ import annotations\n\nimport time\n\nNOW = time.time()\n", "TID251"),
        ("from __future__ import annotations\n\nimport datetime\n\nNOW = datetime.datetime.now()\n", "TID251"),
    ],
)
def test_ruff_catches_a_planted_fault(root: Path, fault: str, rule: str) -> None:
    command = [sys.executable, "-m", "ruff", "check", "--no-cache", "--output-format=concise"]
    command += [f"--config={root / 'pyproject.toml'}", "--stdin-filename=src/footloom/engine/planted.py", "-"]

    done = subprocess.run(command, cwd=root, input=fault, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert rule in done.stdout
