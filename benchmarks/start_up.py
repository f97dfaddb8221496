"""How long until something is seen: `footloom --help`, and `footloom demo`'s first page, warm and ever.

The first start ever is measured twice: behind `make run`, whose set-up compiles the kernels, and with nothing compiled,
as behind a bare `pip install`. What the set-up compiles is compiled once and copied: it takes a minute and is no start.
Warm is every later start. A start with nothing compiled leaves a process behind that compiles the rest for a minute:
it is ended before the next one is measured.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from benchmarks import harness
from benchmarks.harness import Row, Scale

__all__ = ("first_page_s", "measure")

_FOOTLOOM = Path(sys.executable).with_name("footloom")
_PATIENCE_S = 90.0
_FIRST_STARTS = 3


def measure(scale: Scale) -> list[Row]:
    """Return the promises."""
    sides = {
        "help": lambda: _run([str(_FOOTLOOM), "--help"]),
        "typer": lambda: _run([sys.executable, "-c", "import typer.main"]),
    }
    times = harness.interleave(sides, max(scale.rounds, 7))
    peer = f"python -c 'import typer.main' {times.median('typer'):.3f} s"
    rows = [harness.limit("footloom --help", times.median("help"), 0.15, "s", peer, "-")]
    if not (Path(__file__).parents[1] / "src/footloom/server/static/index.html").is_file():
        return [*rows, Row("first page of footloom demo", "-", "the page is not built", None, 1.0, "-")]
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        _say("the first start, nothing compiled")
        first = [first_page_s(_fresh(home / f"first-{turn}")) for turn in range(_FIRST_STARTS)]
        _say("compiling, as the set-up does")
        kernels = Path(_compiled(_fresh(home / "set-up"))["FOOTLOOM_CACHE"])
        _say("the first start behind it")
        set_up = [first_page_s(_with_kernels(home / f"set-up-{turn}", kernels)) for turn in range(_FIRST_STARTS)]
        _say("warm starts")
        warm_home = _fresh(home / "set-up-0")
        warm = [first_page_s(warm_home) for _ in range(max(3, scale.rounds))]
    cold_s, warm_s, set_up_s = statistics.median(first), statistics.median(warm), statistics.median(set_up)
    return [
        *rows,
        harness.limit("first page, warm", warm_s, 2.0, "s", f"for the first time {cold_s:.2f} s", "-"),
        harness.limit("first page ever, compiled at set-up", set_up_s, 6.0, "s", f"warm {warm_s:.2f} s", "-"),
        harness.limit("first page ever, nothing compiled", cold_s, 6.0, "s", f"warm {warm_s:.2f} s", "-"),
    ]


def first_page_s(environment: Mapping[str, str]) -> float:
    """Start the demo and return the seconds until its page and the data of its first chart have been read."""
    begun = time.perf_counter()
    command = [str(_FOOTLOOM), "demo", "--port", "0", "--no-open"]
    demo = subprocess.Popen(
        command,
        env=dict(environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        address = _address(demo)
        _get(address)
        _get(f"{address}api/v1/footprint?symbol=sim:PERP&bars=1m&limit=300")
        return time.perf_counter() - begun
    finally:
        demo.send_signal(signal.SIGINT)
        try:
            demo.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            demo.kill()
            demo.communicate()
        with contextlib.suppress(ProcessLookupError):  # what it has left behind
            os.killpg(demo.pid, signal.SIGKILL)


def _run(command: list[str], environment: Mapping[str, str] | None = None) -> None:
    subprocess.run(command, env=environment or _usual(), check=True, capture_output=True)


def _say(what: str) -> None:
    print(f"  {what} ...", file=sys.stderr, flush=True)


def _with_kernels(home: Path, kernels: Path) -> dict[str, str]:
    environment = _fresh(home)
    shutil.copytree(kernels, environment["FOOTLOOM_CACHE"])
    return environment


# What `make run` does while it installs.
def _compiled(environment: dict[str, str]) -> dict[str, str]:
    _run([sys.executable, str(Path(__file__).parents[1] / "tools/compile_kernels.py")], environment)
    return environment


# A user's machine on the first day: no compiled kernels, no store, no settings.
def _fresh(home: Path) -> dict[str, str]:
    home.mkdir(exist_ok=True)
    moved = {"HOME": str(home), "FOOTLOOM_CACHE": str(home / "cache"), "FOOTLOOM_STORE": str(home / "store")}
    moved |= {f"XDG_{kind}_HOME": str(home / kind.lower()) for kind in ("DATA", "CACHE", "CONFIG", "STATE")}
    return {**_usual(), **moved}


# Nobody's machine compiles all of Python's modules anew at each start, as this wish of a build machine would have it.
def _usual() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def _address(demo: subprocess.Popen[str]) -> str:
    assert demo.stdout
    for line in demo.stdout:
        if found := re.search(r"http://[\w.\[\]:]+/", line):
            return found[0]
    errors = demo.stderr.read() if demo.stderr else ""
    raise RuntimeError(f"footloom demo ended without an address:\n{errors}")


def _get(url: str) -> bytes:
    end = time.monotonic() + _PATIENCE_S
    while True:
        try:
            with urllib.request.urlopen(url, timeout=_PATIENCE_S) as answer:  # noqa: S310 - our own server
                data: bytes = answer.read()
                return data
        except urllib.error.URLError:
            if time.monotonic() > end:
                raise
            time.sleep(0.01)


if __name__ == "__main__":
    harness.run(measure)
