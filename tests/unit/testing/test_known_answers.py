"""The checker of known answers: it passes right answers, and it can fail."""

import json
from decimal import Decimal

from footloom.testing.known_answers import main, matches, run

DELTA = {
    "id": "mine-1",
    "concept": "delta_path",
    "input": {"signed": [2, -3, 4]},
    "params": {"include_zero_start": True},
    "expected": {"delta": 3, "max_delta": 3, "min_delta": -1, "volume": 9, "delta_pct": 100 * 3 / 9},
    "tolerance": 0,
}


def test_a_right_answer_passes():
    assert run([DELTA]).passed == 1


def test_a_planted_wrong_answer_fails_with_both_values():
    planted = DELTA | {"expected": DELTA["expected"] | {"min_delta": 0}}

    result = run([planted])

    assert [f.id for f in result.failed] == ["mine-1"]
    assert result.failed[0].got["min_delta"] == -1
    assert result.failed[0].expected["min_delta"] == 0


def test_an_adapter_that_raises_is_a_failure():
    result = run([DELTA | {"input": {"signed": ["two"]}}])

    assert result.failed[0].got.startswith("TypeError: ")


def test_concepts_that_are_not_built_are_named():
    assert run([DELTA | {"concept": "telepathy"}]).not_built == ["telepathy"]


def test_numbers_match_within_the_tolerance_and_nothing_else_does():
    assert matches(Decimal("1.0000000001"), 1)
    assert not matches(1.001, 1)
    assert matches(1.001, 1, 0.01)
    assert not matches(True, 1)
    assert not matches(1, True)
    assert not matches({"a": 1, "b": 2}, {"a": 1})
    assert not matches(float("nan"), 1)
    assert not matches(None, 0)


def test_the_verb_exits_1_on_a_wrong_answer_and_ends_in_json(tmp_path, capsys):
    path = tmp_path / "cases.json"
    path.write_text(json.dumps([DELTA, DELTA | {"id": "mine-2", "expected": {}}, DELTA | {"concept": "later"}]))

    assert main([str(path), "--json"]) == 1

    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert last["passed"] == 1
    assert [f["id"] for f in last["failed"]] == ["mine-2"]
    assert last["not_built"] == ["later"]


def test_the_verb_refuses_what_is_no_list_of_cases(tmp_path, capsys):
    path = tmp_path / "cases.json"
    path.write_text("{}")

    assert main([str(path)]) == 2
    assert main([]) == 2
    assert main([str(tmp_path / "absent.json")]) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_every_case_of_the_shared_file_passes(recordings, capsys):
    path = recordings.parent / "known_answers.json"

    assert main([str(path)]) == 0
    assert "0 failed" in capsys.readouterr().out
