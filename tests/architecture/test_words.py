"""No debris: no open ends, no paths of somebody's machine, no names of documents that are not here."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

# Composed, so that this file does not find itself.
OPEN_ENDS = ("TO" + "DO", "FIX" + "ME", "X" + "XX", "HA" + "CK", "for " + "now")
RULES = {
    "an open end": re.compile(r"\b(?:" + "|".join(OPEN_ENDS) + r")\b"),
    "a path of somebody's machine": re.compile(r"(?<![\w./-])/(?:home|root|Users|work|workspace)/[\w-]+"),
    "a document that is not here": re.compile(r"\bdesign section|\bseed[ -]?\d{3}\b|\bdesign\.md\b"),
    "a left-over debugger": re.compile(r"\bbreakpoint\(\)|\bpdb\.set_trace|\bdebugger;"),
    "a type that is learnt in any thread": re.compile(r"decode\([^()\n]*type=|msgspec\.convert\("),
    "a bare print": re.compile(r"^\s*print\(", re.MULTILINE),
}
_OF_SOURCES = {"a bare print", "a type that is learnt in any thread"}
SUFFIXES = {".py", ".ts", ".svelte", ".css", ".md", ".toml", ".sh", ".html", ".c"}
TOP = ("src", "tests", "docs", "tools", "benchmarks", "examples", "web/src", ".ci")


def texts(root: Path) -> Iterator[tuple[str, str]]:
    places = [p for p in root.iterdir() if p.is_file()]
    places += [p for folder in TOP for p in (root / folder).rglob("*")]
    for path in places:
        named = path.suffix in SUFFIXES or path.name in {"Makefile", "run"}
        if path.name.endswith(".d.ts"):  # made by the compiler
            continue
        if named and path.is_file() and "static" not in path.parts and path != Path(__file__):
            yield path.relative_to(root).as_posix(), path.read_text(encoding="utf-8")


def faults(name: str, text: str) -> list[str]:
    found = []
    for rule, pattern in RULES.items():
        if rule in _OF_SOURCES and (not name.startswith("src/") or name == "src/footloom/typed.py"):
            continue
        if rule == "a document that is not here" and name == "CHANGELOG.md":
            continue
        found += [f"{rule}: {match[0]!r}" for match in pattern.finditer(text)]
    return found


def test_no_debris(root: Path) -> None:
    seen = dict(texts(root))

    assert len(seen) > 80
    assert {name: problems for name, text in seen.items() if (problems := faults(name, text))} == {}


@pytest.mark.parametrize(
    "text",
    [
        f"# {OPEN_ENDS[0]}: later",
        f"x = 1  # {OPEN_ENDS[1]}",
        "cd /" + "home/me",
        "see design " + "section 2",
        "breakpoint" + "()",
        "found = msgspec.json.decode(data, type=Gap)",
    ],
)
def test_planted_debris_is_found(text: str) -> None:
    assert faults("src/footloom/planted.py", text)


def test_documents_named_in_the_code_exist(root: Path) -> None:
    here = {path.name for path in [*root.glob("*.md"), *(root / "docs").glob("*.md")]}
    missing = {
        name: sorted(unknown)
        for name, text in texts(root)
        if name.startswith(("src/", "tests/", "web/")) and (unknown := set(re.findall(r"\b[\w-]+\.md\b", text)) - here)
    }

    assert missing == {}


def test_the_lock_file_names_no_registry(root: Path) -> None:
    lock = root / "web" / "package-lock.json"
    packages = json.loads(lock.read_text(encoding="utf-8"))["packages"]

    assert len(packages) > 10
    assert [name for name, package in packages.items() if "resolved" in package] == []


def test_the_lock_file_knows_every_platform(root: Path) -> None:
    packages = json.loads((root / "web" / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    wanted = {
        f"node_modules/{name}" for package in packages.values() for name in package.get("optionalDependencies", {})
    }

    assert wanted, "tools with native parts are locked for each platform"
    assert sorted(wanted - set(packages)) == []


def test_no_compiler_output_lies_beside_its_source(root: Path) -> None:
    emitted = (root / "web" / "src").rglob("*.d.ts")

    assert [str(path) for path in emitted if path.with_name(path.name.replace(".d.ts", ".ts")).exists()] == []
