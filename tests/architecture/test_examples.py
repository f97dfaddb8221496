"""The examples are short and run, without a network; so does what the README shows."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))


# One process for all, each in a folder and with names of its own: starting took longer than what they do.
RUN_ALL = """
import contextlib, io, os, runpy, sys
from pathlib import Path

home = Path.cwd()
for path in sys.argv[1:]:
    folder = home / f"of_{Path(path).stem}"
    folder.mkdir()
    os.chdir(folder)
    sys.argv = [path]
    with contextlib.redirect_stdout(io.StringIO()) as said:
        runpy.run_path(path, run_name="__main__")
    print(path, len(said.getvalue().strip()), flush=True)
"""


def run(paths: list[Path], folder: Path) -> dict[str, int]:
    """Run programs one after another; returns how much each of them said."""
    command = [sys.executable, "-W", "error", "-c", RUN_ALL, *map(str, paths)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=280)
    assert done.returncode == 0, done.stdout + done.stderr
    return {Path(path).name: int(said) for path, said in map(str.split, done.stdout.splitlines())}


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 3


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_short(path: Path) -> None:
    assert path.read_text(encoding="utf-8").count("\n") <= 40


def test_the_examples_and_the_readmes_python_run(tmp_path: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    shown = [tmp_path / f"readme_{number}.py" for number in range(len(blocks))]
    for path, block in zip(shown, blocks, strict=True):
        path.write_text(block, encoding="utf-8")

    said = run([*EXAMPLES, *shown], tmp_path)

    assert blocks
    assert list(said) == [path.name for path in (*EXAMPLES, *shown)]
    assert all(said[path.name] for path in EXAMPLES), "an example says something"


@pytest.mark.parametrize("text", ["import warnings; warnings.warn('old')", "1 / 0"])
def test_an_example_that_warns_or_fails_is_noticed(text: str, tmp_path: Path) -> None:
    path = tmp_path / "planted.py"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(AssertionError, match=r"UserWarning: old|ZeroDivisionError"):
        run([path], tmp_path)
