"""What the checks of the code's shape look at. Each check also shows that it saw something, and that it can fail."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Module:
    """One source file of the package."""

    name: str  # footloom.core.side
    path: Path
    text: str

    @property
    def layer(self) -> str:
        """The name below `footloom`: `core`, `errors`; empty for the package itself."""
        return self.name.partition(".")[2].partition(".")[0]

    @property
    def is_private(self) -> bool:
        return any(part.startswith("_") for part in self.name.split("."))

    def tree(self) -> ast.Module:
        return ast.parse(self.text, str(self.path))


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def modules() -> list[Module]:
    source = ROOT / "src"
    found = []
    for path in sorted((source / "footloom").rglob("*.py")):
        name = ".".join(path.relative_to(source).with_suffix("").parts).removesuffix(".__init__")
        found.append(Module(name, path, path.read_text(encoding="utf-8")))
    assert len(found) > 20, "the package was not found: these checks would pass on nothing"
    return found


@pytest.fixture(scope="session")
def settings() -> dict[str, Any]:
    """The `tool` table of pyproject.toml."""
    tool: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    return tool


@pytest.fixture(scope="session")
def layers(settings: dict[str, Any]) -> list[str]:
    """The packages of the layers from the top down; siblings stand one after the other."""
    contract = next(c for c in settings["importlinter"]["contracts"] if c["id"] == "layers")
    return [package for layer in contract["layers"] for package in layer.split(" | ")]


@pytest.fixture(scope="session")
def below_feeds(layers: list[str], modules: list[Module]) -> list[Module]:
    """The modules that may not ask for the time: all below `feeds`, and the engine, whose time comes from the tape."""
    clockless = {*layers[layers.index("feeds") + 1 :], "engine"}
    found = [module for module in modules if module.layer in clockless]
    assert len(found) > 15
    return found


@pytest.fixture(scope="session")
def make_module() -> Callable[[str, str], Module]:
    """Make a module that is not there, to plant a fault in."""
    return lambda name, text: Module(name, Path("planted.py"), text)
