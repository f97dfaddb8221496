"""The build hook: no wheel, source archive or editable install without the page it serves.

Where the machine has no suitable Node, the hook asks for one as a Python package for the length of the build.
`FOOTLOOM_SKIP_WEB=1` installs without building (the server then says that it has no page).
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

sys.path.insert(0, str(Path(__file__).resolve().parent / "tools"))

import web_bundle

__all__ = ("PageHook",)


class PageHook(BuildHookInterface[Any]):
    """Builds `web/` when the bundle is absent or was made from other sources."""

    def dependencies(self) -> list[str]:
        """Return what this build needs beside hatchling."""
        if _skipped() or not web_bundle.needs_node_wheel(Path(self.root)):
            return []
        return [web_bundle.NODE_WHEEL]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling's signature
        """Build the page before files are collected."""
        if not _skipped():
            web_bundle.build_if_stale(Path(self.root), self.app.display_info)


def _skipped() -> bool:
    return os.environ.get("FOOTLOOM_SKIP_WEB", "") not in {"", "0"}
