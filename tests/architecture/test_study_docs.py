"""Every study has its page, made from its file."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from footloom.studies import study_names


@pytest.fixture(scope="module")
def tool() -> Any:
    path = Path(__file__).parents[2] / "tools" / "study_docs.py"
    spec = importlib.util.spec_from_file_location("study_docs", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_pages_are_up_to_date(tool: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert {f"{name}.md" for name in study_names()} < set(tool.pages())
    assert tool.main(["--check"]) == 0, capsys.readouterr().out


def test_a_stale_page_is_noticed(tool: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tool, "FOLDER", tmp_path)
    tool.main([])
    (tmp_path / "vwap.md").write_text("old")

    assert tool.main(["--check"]) == 1
