"""What is made from the code is up to date: a page a study, the pictures of the definitions."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest

from footloom.studies import study_names

TOOLS = ("study_docs", "definition_pictures")


@pytest.fixture(params=TOOLS)
def tool(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, root: Path) -> Any:
    monkeypatch.syspath_prepend(str(root / "tools"))
    return importlib.import_module(request.param)


def test_what_was_made_is_up_to_date(tool: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert tool.main(["--check"]) == 0, capsys.readouterr().out


def test_a_stale_file_is_noticed(tool: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tool, "FOLDER", tmp_path)
    tool.main([])
    assert tool.main(["--check"]) == 0
    min(tmp_path.iterdir()).write_text("old")

    assert tool.main(["--check"]) == 1


def test_every_study_has_a_page(root: Path) -> None:
    pages = {path.stem for path in (root / "docs" / "studies").glob("*.md")}

    assert pages == {"README", *study_names()}
