"""Look whether a known weakness is in what footloom stands on: Python packages (pip-audit) and the page's (npm audit).

    python tools/audit.py            exit code 1 if one is found; what could not be asked is said, and is no failure
    python tools/audit.py --strict   exit code 1 too where nothing could be asked

Both ask over the network. Standard library only; pip-audit gets an environment of its own in `build/`.
"""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

__all__ = ("audit_npm", "audit_pip", "main")

ROOT = Path(__file__).resolve().parents[1]
_TOOL = ROOT / "build" / "audit"
_PATIENCE_S = 90
_SHOWN = 300


def audit_pip(interpreter: Path) -> tuple[list[str] | None, str]:
    """Return the weaknesses in an environment's packages, or None and why nobody could say."""
    tool = _TOOL / "bin" / "pip-audit"
    if not tool.exists():
        venv.create(_TOOL, with_pip=True)
        made = _run([str(_TOOL / "bin" / "python"), "-m", "pip", "install", "-q", "--retries", "0", "pip-audit"])
        if not tool.exists():
            return None, f"pip-audit cannot be installed: {_last(made)}"
    listed = _run([str(interpreter), "-m", "pip", "list", "--format", "freeze", "--exclude", "footloom"])
    wanted = ROOT / "build" / "audited.txt"
    wanted.write_text(listed.stdout)
    arguments = ["--no-deps", "--disable-pip", "--format", "json", "--progress-spinner", "off", "--timeout", "10"]
    done = _run([str(tool), "-r", str(wanted), *arguments])
    return read_pip(done.stdout, _last(done))


def read_pip(text: str, otherwise: str) -> tuple[list[str] | None, str]:
    """Return the weaknesses in pip-audit's report, or None and what was said otherwise."""
    found = _object(text)
    if found is None or "dependencies" not in found:
        return None, otherwise
    weak = [
        f"{one['name']} {one['version']}: {', '.join(vuln['id'] for vuln in one['vulns'])}"
        for one in found["dependencies"]
        if one.get("vulns")
    ]
    return weak, f"{len(found['dependencies'])} Python packages"


def audit_npm(folder: Path) -> tuple[list[str] | None, str]:
    """Return the weaknesses in the page's packages, or None and why nobody could say."""
    try:
        done = _run(["npm", "audit", "--json", "--prefix", str(folder), "--fetch-timeout=10000", "--fetch-retries=0"])
    except FileNotFoundError:
        return None, "npm is not here"
    return read_npm(done.stdout, _last(done))


def read_npm(text: str, otherwise: str) -> tuple[list[str] | None, str]:
    """Return the weaknesses in npm's report, or None and what was said otherwise."""
    found = _object(text)
    if found is None or "vulnerabilities" not in found:
        return None, str((found or {}).get("message") or otherwise)
    weak = [f"{name}: {one['severity']} ({one['range']})" for name, one in found["vulnerabilities"].items()]
    return weak, f"{found.get('metadata', {}).get('dependencies', {}).get('total', '?')} npm packages"


def main(arguments: Sequence[str]) -> int:
    """Audit both, and say what was found and what could not be asked."""
    strict, failed = "--strict" in arguments, False
    audits = (("Python", audit_pip(Path(sys.executable))), ("page", audit_npm(ROOT / "web")))
    for name, (weak, words) in audits:
        if weak is None:
            print(f"NOT AUDITED ({name}): {words[:_SHOWN]}")
            failed |= strict
        elif weak:
            print(f"WEAK ({name}): {words}, of which", *weak, sep="\n  ")
            failed = True
        else:
            print(f"audited ({name}): {words}, no known weakness")
    return int(failed)


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=_PATIENCE_S)
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 1, "", f"no answer within {_PATIENCE_S} s")


def _last(done: subprocess.CompletedProcess[str]) -> str:
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    return lines[-1].strip() if lines else f"exit code {done.returncode}"


def _object(text: str) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
