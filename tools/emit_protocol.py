"""Write what the wire layout says elsewhere: `python tools/emit_protocol.py` (with `--check`, only compare).

The page's table in TypeScript, and the tables of docs/protocol.md.
"""

from __future__ import annotations

import sys
from pathlib import Path

from footloom.server.wire.layout import markdown, typescript

__all__ = ("DOCUMENT", "TARGET", "main", "texts")

_ROOT = Path(__file__).resolve().parents[1]
TARGET = _ROOT / "web" / "src" / "protocol" / "layout.generated.ts"
DOCUMENT = _ROOT / "docs" / "protocol.md"
_BEGIN, _END = "<!-- layout: written by tools/emit_protocol.py -->", "<!-- layout: end -->"


def texts() -> dict[Path, str]:
    """Return the files as they must be."""
    document = DOCUMENT.read_text(encoding="utf-8")
    before, _, rest = document.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not end:
        raise ValueError(f"{DOCUMENT} has no place for the tables, from {_BEGIN} to {_END}")
    return {TARGET: typescript(), DOCUMENT: f"{before}{_BEGIN}\n\n{markdown()}\n\n{_END}{after}"}


def main(arguments: list[str]) -> int:
    """Write the files, or with ``--check`` say whether they are up to date."""
    stale = [path for path, text in texts().items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    if "--check" in arguments:
        said = "".join(f"{path} is out of date: run python tools/emit_protocol.py\n" for path in stale)
        sys.stdout.write(said or "up to date\n")
        return 1 if stale else 0
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(texts()[path], encoding="utf-8")
        sys.stdout.write(f"wrote {path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
