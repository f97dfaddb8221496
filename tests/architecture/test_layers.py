"""Imports point downward only, and the tool that keeps it so has been seen to fail."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Lint = Callable[[Path], "subprocess.CompletedProcess[str]"]


@pytest.fixture
def lint(root: Path) -> Lint:
    """Run import-linter over the package below a folder, with the project's own contracts."""

    def run(folder: Path) -> subprocess.CompletedProcess[str]:
        code = (
            f"import sys; sys.path.insert(0, {str(folder / 'src')!r}); "
            "from importlinter.cli import lint_imports; "
            f"sys.exit(lint_imports(config_filename={str(root / 'pyproject.toml')!r}, no_cache=True))"
        )
        return subprocess.run(
            [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False, timeout=100
        )

    return run


@pytest.fixture
def copy(root: Path, tmp_path: Path) -> Path:
    """A copy of the package to plant faults in."""
    shutil.copytree(
        root / "src" / "footloom",
        tmp_path / "src" / "footloom",
        ignore=shutil.ignore_patterns("static", "__pycache__"),
    )
    return tmp_path


def plant(folder: Path, module: str, line: str) -> None:
    path = folder / "src" / "footloom" / f"{module}.py"
    path.parent.mkdir(exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(f"\n{line}\n")


def test_every_contract_is_kept_over_all_modules(
    root: Path, lint: Lint, settings: dict[str, Any], modules: list[Any]
) -> None:
    done = lint(root)

    assert done.returncode == 0, done.stdout + done.stderr
    contracts = len(settings["importlinter"]["contracts"])
    assert f"{contracts} kept, 0 broken" in done.stdout
    seen = re.search(r"Analyzed (\d+) files, (\d+) dependencies", done.stdout)
    assert seen, done.stdout
    assert int(seen[1]) >= len(modules), "a linter that sees nothing finds nothing"
    assert int(seen[2]) > len(modules)


# What is planted, where, the contract that it breaks, and what the linter says of it.
PLANTED = [
    ("core/side", "import footloom.server", "Imports point downward only", "footloom.core.side -> footloom.server"),
    ("surprise/__init__", "VALUE = 1", "Imports point downward only", "surprise"),
    ("core/trades", "import socket", "The low layers do no I/O", "footloom.core.trades -> socket"),
    ("bars/time", "import time", "The low layers do no I/O", "footloom.bars.time -> time"),
    (
        "venues/binance_usdm",
        "import footloom.venues.sim",
        "A venue does not know another venue",
        "footloom.venues.binance_usdm -> footloom.venues.sim",
    ),
]


def test_planted_imports_are_caught(copy: Path, lint: Lint) -> None:
    """All at once: reading the whole package is what takes long."""
    for module, line, _, _ in PLANTED:
        plant(copy, module, line)

    done = lint(copy)

    assert done.returncode != 0
    verdicts = [text for text in done.stdout.splitlines() if text.endswith("BROKEN")]
    said = " ".join(done.stdout.split())
    for module, _, broken, words in PLANTED:
        assert any(text.startswith(broken) for text in verdicts), (module, done.stdout)
        assert words in said, (module, done.stdout)


def test_a_planted_circle_is_caught(copy: Path, lint: Lint) -> None:
    plant(copy, "core/hen", "import footloom.core.egg")
    plant(copy, "core/egg", "import footloom.core.hen")

    done = lint(copy)

    assert done.returncode != 0
    assert "No package is in a circle BROKEN" in done.stdout


def test_every_venue_is_under_the_contract(root: Path, settings: dict[str, Any]) -> None:
    contract = next(c for c in settings["importlinter"]["contracts"] if c["id"] == "venues")
    folder = root / "src" / "footloom" / "venues"
    there = {path.stem for path in folder.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()}
    public = {f"footloom.venues.{name}" for name in there if not name.startswith("_")}

    assert public == set(contract["modules"])
