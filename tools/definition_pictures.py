"""Draw the pictures of docs/definitions.md: `python tools/definition_pictures.py` (`--check`: compare).

What they show is computed by footloom's own functions; what is drawn by hand is only where things stand.
"""

from __future__ import annotations

import sys
from pathlib import Path

from definition_scenes import SCENES

__all__ = ("FOLDER", "main", "pictures")

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "pictures"


def pictures() -> dict[str, str]:
    """Return the SVG text of every picture by its file name."""
    return {f"{name}.svg": scene().svg() for name, scene in SCENES.items()}


def main(arguments: list[str]) -> int:
    """Draw the pictures, or with ``--check`` say whether they are up to date."""
    wanted = pictures()
    there = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.svg")}
    if "--check" in arguments:
        stale = sorted({*wanted, *there} - {name for name in wanted if there.get(name) == wanted[name]})
        said = (
            f"out of date: {', '.join(stale)}: run python tools/definition_pictures.py\n" if stale else "up to date\n"
        )
        sys.stdout.write(said)
        return 1 if stale else 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in wanted.items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    sys.stdout.write(f"drew {len(wanted)} pictures into {FOLDER}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
