"""Run known answers against footloom's own functions: ``python -m footloom.testing.known_answers FILE.json [--json]``.

A case names a concept, its input and parameters, and the expected answer (``id, section, concept, input, params,
expected, tolerance``). Numbers match within ``max(tolerance, 1e-9) * max(1, |expected|)``, everything else must be
equal. Exit code 0 only if no case failed.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from footloom.testing.adapters import ADAPTERS, Adapter

__all__ = ("Failure", "Result", "main", "matches", "run")


class Failure(msgspec.Struct, frozen=True):
    """One case whose answer differs."""

    id: str
    got: Any
    expected: Any


class Result(msgspec.Struct, frozen=True):
    """How many cases passed, which failed, and which concepts are not built yet."""

    passed: int
    failed: list[Failure]
    not_built: list[str]


def matches(got: Any, expected: Any, tolerance: float = 0.0) -> bool:
    """Say whether an answer is the expected one."""
    if isinstance(expected, bool) or expected is None or isinstance(expected, str):
        return bool(got == expected) and isinstance(got, bool) == isinstance(expected, bool)
    if isinstance(expected, int | float | Decimal):
        if isinstance(got, bool) or not isinstance(got, int | float | Decimal):
            return False
        return abs(float(got) - float(expected)) <= max(tolerance, 1e-9) * max(1.0, abs(float(expected)))
    if isinstance(expected, dict):
        return (
            isinstance(got, dict)
            and got.keys() == expected.keys()
            and all(matches(got[name], value, tolerance) for name, value in expected.items())
        )
    return (
        isinstance(got, list | tuple)
        and len(got) == len(expected)
        and all(matches(a, b, tolerance) for a, b in zip(got, expected, strict=True))
    )


def run(cases: Sequence[dict[str, Any]], adapters: dict[str, Adapter] = ADAPTERS) -> Result:
    """Run every case; an adapter that raises counts as failed, with its error as the answer."""
    passed, failed, missing = 0, [], set()
    for case in cases:
        adapter = adapters.get(case["concept"])
        if adapter is None:
            missing.add(case["concept"])
            continue
        try:
            got: Any = adapter(case["input"], case.get("params", {}))
        except Exception as error:  # noqa: BLE001 - one broken case must not hide the others
            got = f"{type(error).__name__}: {error}"
        if matches(got, case["expected"], float(case.get("tolerance", 0))):
            passed += 1
        else:
            failed.append(Failure(case["id"], _plain(got), _plain(case["expected"])))
    return Result(passed, failed, sorted(missing))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return float(value) if isinstance(value, Decimal) else value


def main(arguments: Sequence[str]) -> int:
    """Run the verb; return its exit code: 0 all passed, 1 some failed, 2 usage."""
    files = [argument for argument in arguments if argument != "--json"]
    if len(files) != 1:
        sys.stderr.write("usage: python -m footloom.testing.known_answers FILE.json [--json]\n")
        return 2
    try:
        cases = json.loads(Path(files[0]).read_text(encoding="utf-8"), parse_float=Decimal)
    except (OSError, ValueError) as error:
        sys.stderr.write(f"{files[0]} cannot be read as known answers: {error}\n")
        return 2
    if not isinstance(cases, list) or not all(
        isinstance(c, dict) and {"id", "concept", "input", "expected"} <= c.keys() for c in cases
    ):
        sys.stderr.write(f"{files[0]} holds no list of cases with id, concept, input and expected\n")
        return 2
    result = run(cases)
    for failure in result.failed:
        sys.stdout.write(
            f"FAILED {failure.id}\n  got      {json.dumps(failure.got)}\n  expected {json.dumps(failure.expected)}\n"
        )
    sys.stdout.write(f"not built yet: {', '.join(result.not_built) or 'nothing'}\n")
    sys.stdout.write(f"{result.passed} passed, {len(result.failed)} failed\n")
    if "--json" in arguments:
        sys.stdout.write(msgspec.json.encode(result).decode() + "\n")
    return 1 if result.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
