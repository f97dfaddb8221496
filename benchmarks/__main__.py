"""Measure every promise and print one table: `python -m benchmarks [--check] [name ...]`.

Each file runs in a process of its own, one after the other. With ``--check`` the exit code is 1 when a ratio is under
its floor.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import harness
from benchmarks.harness import Row

__all__ = ("main", "names")

_NO_PROMISES = {"__init__", "__main__", "chromium", "data", "harness", "serve_kit"}


def names() -> list[str]:
    """Return the benchmark files, which are found, not listed."""
    here = Path(__file__).parent
    return sorted(path.stem for path in here.glob("*.py") if path.stem not in _NO_PROMISES)


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="name", help=f"which: {', '.join(names())} (all)")
    parser.add_argument("--check", action="store_true", help="exit with 1 when a ratio is under its floor")
    parser.add_argument("--trades", help="trades in memory (ten million)")
    parser.add_argument("--days", help="days on disk (thirty)")
    parser.add_argument("--rounds", help="calls of each side (five)")
    given = parser.parse_args()
    unknown = sorted(set(given.names) - set(names()))
    if unknown:
        parser.error(f"no benchmark is called {', '.join(unknown)}: there are {', '.join(names())}")
    options = [
        f"--{name}={value}" for name in ("trades", "days", "rounds") if (value := getattr(given, name)) is not None
    ]
    console = Console(width=None if sys.stdout.isatty() else 170)
    console.print(f"{harness.machine()}\n{harness.versions()}\n", highlight=False)
    rows, failed = [], []
    for name in given.names or names():
        console.print(f"measuring {name} ...", highlight=False)
        found = _measure(name, options)
        rows += found or []
        failed += [f"{name} ended with an error"] if found is None else []
    console.print(_table(rows))
    problems = failed + (harness.broken(rows) if given.check else [])
    for problem in problems:
        console.print(f"FAILED: {problem}", style="bold red", highlight=False)
    return 1 if problems else 0


def _measure(name: str, options: list[str]) -> list[Row] | None:
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "rows.json"
        command = [sys.executable, "-m", f"benchmarks.{name}", f"--json={answer}", *options]
        done = subprocess.run(command, cwd=Path(__file__).parent.parent, check=False)
        return harness.read_rows(answer) if done.returncode == 0 else None


def _table(rows: list[Row]) -> Table:
    table = Table(title="promises")
    for title in ("promise", "footloom", "against", "ratio", "floor", "kept", "data"):
        table.add_column(title, overflow="fold", justify="right" if title in {"ratio", "floor"} else "left")
    for row in rows:
        ratio = "-" if row.ratio is None else f"{row.ratio:.3g}"
        floor = "-" if row.floor is None else f"{row.floor:.3g}"
        kept = "no" if row.is_broken else "-" if row.ratio is None or row.floor is None else "yes"
        table.add_row(row.promise, row.ours, row.peer, ratio, floor, kept, row.data)
    return table


if __name__ == "__main__":
    sys.exit(main())
