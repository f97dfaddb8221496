"""The audit tells weak, whole and unknown apart: silence is never taken for health."""

from __future__ import annotations

import json

import pytest

from tools import audit


def test_a_weak_python_package_is_named() -> None:
    vuln = {"id": "PYSEC-2099-1", "fix_versions": ["2"]}
    report = {
        "dependencies": [{"name": "a", "version": "1", "vulns": [vuln]}, {"name": "b", "version": "2", "vulns": []}]
    }

    assert audit.read_pip(json.dumps(report), "") == (["a 1: PYSEC-2099-1"], "2 Python packages")


def test_a_weak_package_of_the_page_is_named() -> None:
    report = {
        "vulnerabilities": {"x": {"severity": "high", "range": "<2"}},
        "metadata": {"dependencies": {"total": 60}},
    }

    assert audit.read_npm(json.dumps(report), "") == (["x: high (<2)"], "60 npm packages")


@pytest.mark.parametrize("text", ["", "oops", "[]", "{}"])
def test_no_report_is_no_health(text: str) -> None:
    assert audit.read_pip(text, "no route") == (None, "no route")
    assert audit.read_npm(text, "no route") == (None, "no route")
    assert (
        audit.read_npm('{"message": "audit endpoint returned an error"}', "x")[1] == "audit endpoint returned an error"
    )


@pytest.mark.parametrize(
    ("found", "arguments", "code", "said"),
    [
        ((None, "no route"), [], 0, "NOT AUDITED (Python): no route"),
        ((None, "no route"), ["--strict"], 1, "NOT AUDITED"),
        ((["a 1: X"], "9 Python packages"), [], 1, "WEAK (Python): 9 Python packages, of which\n  a 1: X"),
        (([], "9 Python packages"), ["--strict"], 0, "audited (Python): 9 Python packages, no known weakness"),
    ],
)
def test_what_is_said_and_how_it_ends(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    found: tuple[list[str] | None, str],
    arguments: list[str],
    code: int,
    said: str,
) -> None:
    monkeypatch.setattr(audit, "audit_pip", lambda _python: found)
    monkeypatch.setattr(audit, "audit_npm", lambda _folder: ([], "1 npm package"))

    assert audit.main(arguments) == code
    assert said in capsys.readouterr().out
