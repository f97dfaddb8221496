"""How much disk `pip install footloom` takes: the package and everything it needs, without extras."""

from __future__ import annotations

import re
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement

from benchmarks import harness
from benchmarks.harness import Row, Scale

__all__ = ("closure", "measure")

_LIMIT_MB = 650


def measure(scale: Scale) -> list[Row]:
    """Return the promise."""
    del scale
    sizes = {name: _bytes(found) / 1e6 for name, found in closure("footloom").items()}
    largest = sorted(sizes, key=lambda name: -sizes[name])[:4]
    shown = ", ".join(f"{name} {sizes[name]:.0f}" for name in largest)
    return [harness.limit("size of the core install", sum(sizes.values()), _LIMIT_MB, "MB", f"largest: {shown}", "-")]


def closure(name: str) -> dict[str, Distribution]:
    """Return a distribution and all that it requires here, extras left out."""
    found: dict[str, Distribution] = {}
    waiting = [name]
    while waiting:
        wanted = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        if wanted in found:
            continue
        try:
            found[wanted] = distribution(wanted)
        except PackageNotFoundError:
            continue  # a requirement of another platform
        for text in found[wanted].requires or ():
            needed = Requirement(text)
            if needed.marker is None or needed.marker.evaluate({"extra": ""}):
                waiting.append(needed.name)
    return found


def _bytes(found: Distribution) -> int:
    paths = [Path(str(found.locate_file(file))) for file in found.files or ()]
    return sum(path.stat().st_size for path in paths if path.is_file())


if __name__ == "__main__":
    harness.run(measure)
