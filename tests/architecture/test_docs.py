"""What exists is documented, and what is documented exists."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from footloom.cli import main as cli
from footloom.server.wire import layout

CITATION = re.compile(r"definitions,?\s+(\d(?:\.\d+)?(?:(?:,| to| and)\s+\d\.\d+)*)")
SUFFIXES = {".py", ".ts", ".svelte", ".css", ".md", ".toml", ".sh", ".html"}
FOLDERS = ("src", "tests", "web/src", "docs", "tools", "benchmarks", "examples")


def sources(root: Path) -> Iterator[tuple[str, str]]:
    places = [*root.glob("*.md"), *(path for folder in FOLDERS for path in (root / folder).rglob("*"))]
    for path in places:
        if path.suffix in SUFFIXES and "static" not in path.parts and path.is_file():
            yield path.relative_to(root).as_posix(), path.read_text(encoding="utf-8")


def sections(definitions: str) -> set[str]:
    return set(re.findall(r"^(?:## |\*\*)(\d(?:\.\d+)?)", definitions, re.MULTILINE))


def cited(text: str) -> set[str]:
    return {number for found in CITATION.findall(text) for number in re.findall(r"\d(?:\.\d+)?", found)}


def test_every_cited_definition_exists(root: Path) -> None:
    known = sections((root / "docs" / "definitions.md").read_text(encoding="utf-8"))
    wrong, seen = {}, 0
    for name, text in sources(root):
        numbers = cited(text)
        seen += len(numbers)
        if numbers - known and name != "tests/architecture/test_docs.py":
            wrong[name] = sorted(numbers - known)

    assert len(known) > 15
    assert seen > 30
    assert wrong == {}


def test_every_definition_names_its_tests_and_its_picture_is_there(root: Path) -> None:
    text = (root / "docs" / "definitions.md").read_text(encoding="utf-8")
    rules = [part for part in re.split(r"^(?=\*\*\d\.\d |## )", text, flags=re.MULTILINE) if part.startswith("**")]
    links = re.findall(r"\]\(((?:\.\./tests|pictures)/[^)]+)\)", text)

    assert len(rules) > 30
    assert [rule[:40] for rule in rules if "\nTests: [" not in rule] == []
    assert [link for link in links if not (root / "docs" / link).is_file()] == []
    assert {Path(link).name for link in links} >= {path.name for path in (root / "docs" / "pictures").glob("*.svg")}


def test_a_wrong_citation_is_noticed() -> None:
    assert cited("as definitions 2.2, 9.9 say; see definitions 4.1 to 4.2") == {"2.2", "9.9", "4.1", "4.2"}
    assert sections("## 4. Profiles\n\n**4.1 POC.** The row") == {"4", "4.1"}


@pytest.fixture(scope="module")
def cli_text() -> str:
    return (Path(__file__).parents[2] / "docs" / "cli.md").read_text(encoding="utf-8")


def section(text: str, verb: str) -> str:
    found = re.search(rf"^## footloom {verb}$(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    return found[1] if found else ""


@pytest.mark.parametrize("verb", list(cli.VERBS))
def test_every_verb_and_option_is_documented(verb: str, cli_text: str) -> None:
    words = section(cli_text, verb)
    assert words, f"docs/cli.md has no section `## footloom {verb}`"
    long = {name for option in cli._load(verb).params for name in option.opts if name.startswith("--")}

    missing = {name for name in long if f"`{name}" not in words}

    assert missing == set()


@pytest.mark.parametrize("verb", list(cli.VERBS))
def test_no_option_is_documented_that_is_not_there(verb: str, cli_text: str) -> None:
    params = cli._load(verb).params
    there = {name for option in params for name in (*option.opts, *option.secondary_opts)} | {"--help"}

    assert set(re.findall(r"`(--[a-z-]+)", section(cli_text, verb))) <= there


def test_every_documented_verb_exists(cli_text: str) -> None:
    assert set(re.findall(r"^## footloom (\S+)$", cli_text, re.MULTILINE)) == set(cli.VERBS)


def test_every_column_of_the_wire_is_documented(root: Path) -> None:
    text = (root / "docs" / "protocol.md").read_text(encoding="utf-8")

    for name, kind in (*layout.BAR_COLUMNS, *layout.LEVEL_COLUMNS):
        assert re.search(rf"^\|.*`{name}`.*\| {kind} \|", text, re.MULTILINE), (name, kind)
    for flags in (layout.BAR_FLAGS, layout.CELL_FLAGS):
        for name, bit in flags.items():
            assert f"{bit} {name.replace('_', ' ').replace('off session', 'off-session')}" in text, name
    assert f"version {layout.LAYOUT_VERSION}" in text


def test_architecture_is_short_and_names_every_layer(root: Path, layers: list[str]) -> None:
    text = (root / "ARCHITECTURE.md").read_text(encoding="utf-8")

    assert text.count("\n") <= 80
    assert [layer for layer in layers if f"`{layer}`" not in text] == []


def test_links_between_documents_lead_somewhere(root: Path) -> None:
    checked = 0
    for path in [*root.glob("*.md"), *(root / "docs").glob("*.md")]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text(encoding="utf-8")):
            assert (path.parent / target).exists(), f"{path.name} links to {target}"
            checked += 1
    assert checked > 3


def test_every_dependency_is_explained(root: Path) -> None:
    import tomllib

    project: dict[str, Any] = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    text = (root / "ARCHITECTURE.md").read_text(encoding="utf-8")
    named = [re.split(r"[<>=;\[ ]", requirement)[0] for requirement in project["dependencies"]]

    assert [name for name in named if name not in text] == []
    assert "pandas" not in named
    assert all(">=" in requirement for requirement in project["dependencies"]), "a lower bound each"
