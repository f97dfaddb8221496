"""The kernels' cache: a changed callee is seen, and a read-only home still works."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

CALLER = """
from footloom.kernels.jit import INT, jit
from planted.callee import value

@jit(INT())
def ask():
    return value()

print(ask())
"""
CALLEE = """
from footloom.kernels.jit import INT, jit

@jit(INT())
def value():
    return {answer}
"""


def run(folder: Path, cache: Path) -> str:
    environment = {**os.environ, "PYTHONPATH": str(folder), "FOOTLOOM_CACHE": str(cache)}
    done = subprocess.run(
        [sys.executable, "-B", "-c", "import planted.caller"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.fixture
def package(tmp_path):
    folder = tmp_path / "planted"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "caller.py").write_text(CALLER)
    return folder


def test_a_kernel_is_compiled_when_asked_for_and_not_before_and_its_caller_sees_it_change(package, tmp_path):
    (package / "callee.py").write_text(CALLEE.format(answer=1))
    (package / "caller.py").write_text(CALLER.replace("print(ask())", ""))
    run(tmp_path, tmp_path / "cache")
    assert not list((tmp_path / "cache").rglob("*.nbi"))

    (package / "caller.py").write_text(
        CALLER.replace("print(ask())", "import footloom.kernels.jit as j\nj.compile_all('planted')\nprint(ask())")
    )
    assert run(tmp_path, tmp_path / "cache") == "1"
    assert len(list((tmp_path / "cache").rglob("*.nbi"))) == 2, "nothing was cached: what follows proves nothing"

    (package / "callee.py").write_text(CALLEE.format(answer=2))
    assert run(tmp_path, tmp_path / "cache") == "2"


def test_kernels_compile_where_no_cache_can_be_written(package, tmp_path):
    (package / "callee.py").write_text(CALLEE.format(answer=3))
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where the folder should be: not even root can make one here")

    assert run(tmp_path, blocked) == "3"
