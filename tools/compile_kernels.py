"""Compile every kernel into the user's cache, in two processes: what the set-up does, and the first start need not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_SOURCES = Path(__file__).resolve().parent.parent / "src/footloom"
_MODULES = [f"footloom.kernels.{path.stem}" for path in sorted((_SOURCES / "kernels").glob("[a-z]*.py"))]
_HALVES = (["footloom.venues.sim"], _MODULES)


def main() -> int:
    """Import all that compiles; return the first exit code that is not zero."""
    running = [subprocess.Popen([sys.executable, "-c", f"import {', '.join(half)}"]) for half in _HALVES]
    return next((code for code in [process.wait() for process in running] if code), 0)


if __name__ == "__main__":
    sys.exit(main())
