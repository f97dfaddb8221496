"""Compile every kernel into the user's cache, in two processes: what the set-up does, and the first start need not."""

from __future__ import annotations

import subprocess
import sys

_HALVES = (["footloom.venues.sim.market", "footloom.importers._csv_rows"], ["footloom.kernels"])


def main() -> int:
    """Compile all; return the first exit code that is not zero."""
    from footloom.kernels.ahead import command

    running = [subprocess.Popen(command(*half), stdout=subprocess.DEVNULL) for half in _HALVES]
    return next((code for code in [process.wait() for process in running] if code), 0)


if __name__ == "__main__":
    sys.exit(main())
