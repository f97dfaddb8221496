"""Write the TypeScript side of the wire layout: `python tools/emit_protocol.py` (with `--check`, only compare)."""

from __future__ import annotations

import sys
from pathlib import Path

from footloom.server.layout import typescript

__all__ = ("TARGET", "main")

TARGET = Path(__file__).resolve().parents[1] / "web" / "src" / "protocol" / "layout.generated.ts"


def main(arguments: list[str]) -> int:
    """Write the file, or with ``--check`` say whether it is up to date."""
    text = typescript()
    if "--check" in arguments:
        fresh = TARGET.exists() and TARGET.read_text(encoding="utf-8") == text
        sys.stdout.write("up to date\n" if fresh else f"{TARGET} is out of date: run python tools/emit_protocol.py\n")
        return 0 if fresh else 1
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(text, encoding="utf-8")
    sys.stdout.write(f"wrote {TARGET}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
