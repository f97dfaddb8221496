"""What a module offers is written in its `__all__`, and nowhere else."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Callable
from typing import Any

import pytest


def listed(tree: ast.Module) -> list[str] | None:
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(getattr(t, "id", "") == "__all__" for t in node.targets):
            assert isinstance(node.value, ast.Tuple), "__all__ must be a tuple"
            return [ast.literal_eval(item) for item in node.value.elts]
    return None


# Functions and classes that a module defines without an underscore; what registers itself is found by its decorator.
def defined(tree: ast.Module) -> set[str]:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    nodes = [node for node in tree.body if isinstance(node, kinds) and not node.name.startswith("_")]
    return {node.name for node in nodes if "adapter" not in {getattr(d, "id", "") for d in node.decorator_list}}


def faults(module: Any) -> list[str]:
    tree = module.tree()
    if not tree.body or (len(tree.body) == 1 and ast.get_docstring(tree) is not None):
        return []
    names = listed(tree)
    if names is None:
        return [] if module.path.name in {"__init__.py", "__main__.py"} and not defined(tree) else ["no __all__"]
    missing = defined(tree) - set(names) - {"main"}
    unsorted = [] if len(names) == len(set(names)) else ["a name stands twice"]
    return [f"{name} is public and not listed" for name in sorted(missing)] + unsorted


def test_every_module_lists_what_it_offers(modules: list[Any]) -> None:
    found = {module.name: problems for module in modules if not module.is_private and (problems := faults(module))}

    assert found == {}


def test_what_is_listed_exists(modules: list[Any]) -> None:
    checked = 0
    for module in modules:
        names = listed(module.tree())
        if names is None:
            continue
        loaded = importlib.import_module(module.name)
        absent = [name for name in names if not hasattr(loaded, name)]
        assert absent == [], module.name
        checked += len(names)
    assert checked > 100


@pytest.mark.parametrize(
    "text",
    [
        "def offered(): ...",
        "__all__ = ('a',)\ndef a(): ...\ndef b(): ...",
        "__all__ = ('a', 'a')\ndef a(): ...",
    ],
)
def test_a_planted_fault_is_caught(make_module: Callable[[str, str], Any], text: str) -> None:
    assert faults(make_module("footloom.core.planted", text))
