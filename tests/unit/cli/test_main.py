"""The command line as a whole: its list of verbs costs nothing, and mistakes are messages with exit codes."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from footloom.cli.main import VERBS, main
from footloom.errors import StoreError

HEAVY = ("numpy", "numba", "polars", "pyarrow", "litestar", "uvicorn", "msgspec", "rich", "pandas", "footloom.engine")


def run(*arguments: str) -> int:
    """Run the command line in this process; returns the exit code."""
    with pytest.raises(SystemExit) as left:
        main(list(arguments))
    code = left.value.code
    assert code is None or isinstance(code, int)
    return code or 0


def imported(arguments: list[str]) -> set[str]:
    """Return the modules that a fresh interpreter imports for a command."""
    command = [sys.executable, "-X", "importtime", "-m", "footloom.cli.main", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr[-2000:]
    return {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]])
def test_the_list_of_verbs_imports_nothing_heavy(arguments: list[str]) -> None:
    modules = imported(arguments)
    assert "typer" in modules, "the listing is read right"
    found = {name for name in modules if name.startswith(HEAVY)}
    assert not found


def test_the_check_of_imports_can_fail() -> None:
    assert "rich" in {name.partition(".")[0] for name in imported(["bars", "--help"])}


def test_nothing_is_looked_through_once_more_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """The interpreter's last collection takes half a second behind numba's modules: every verb, and a server's stop."""
    monkeypatch.setattr(sys, "argv", ["footloom", "--version"])
    gc.unfreeze()
    try:
        with pytest.raises(SystemExit):
            main()
        assert gc.get_freeze_count() > 10_000
    finally:
        gc.unfreeze()
    run("--version")
    assert not gc.get_freeze_count(), "a program that calls it goes on"


HELP_OF_ALL = """
import contextlib, io, sys
from footloom.cli.main import VERBS, main

for verb in sys.argv[1:] or list(VERBS):
    with contextlib.redirect_stdout(io.StringIO()) as said, contextlib.suppress(SystemExit):
        main([verb, "--help"])
    assert "Usage:" in said.getvalue(), verb
    print(verb, *{name.partition(".")[0] for name in sys.modules})
"""


def imported_by_help(*verbs: str) -> dict[str, set[str]]:
    """Return what one fresh interpreter has imported after each verb's help."""
    command = [sys.executable, "-c", HELP_OF_ALL, *verbs]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr[-2000:]
    return {verb: set(names) for verb, *names in map(str.split, done.stdout.splitlines())}


def test_a_verbs_help_imports_no_kernel() -> None:
    after = imported_by_help()
    assert list(after) == list(VERBS)
    # A verb's own are those that no verb before it had.
    assert {verb: names & {"numba", "polars", "pyarrow", "litestar"} for verb, names in after.items()} == {
        verb: set() for verb in VERBS
    }
    assert "rich" in after["bars"], "the listing is read right"


def test_every_verb_is_listed_with_what_it_does(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--help") == 0
    listed = capsys.readouterr().out
    for verb, (_, _, what) in VERBS.items():
        assert verb in listed
        assert what in " ".join(listed.split())


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--version") == 0
    assert capsys.readouterr().out == "footloom 0.1.0\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["bars"],
        ["bars", "sim:PERP", "--nonsense"],
        ["bars", "sim:PERP", "--ticks-per-level", "0"],
        ["bars", "sim:PERP", "--value-area", "three_row"],
        ["bars", "sim:PERP", "--json", "--csv"],
        ["serve", "--port", "70000"],
        ["demo", "--speed", "0"],
        ["demo", "--seed", "x"],
        ["demo", "--at", "yesterday"],
        ["demo", "--at", "1999-12-31"],
    ],
)
def test_wrong_usage_is_code_2_with_a_hint(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*arguments) == 2
    told = capsys.readouterr().err
    assert "Usage:" in told
    assert "Traceback" not in told


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["bars", "sim:PERP", "--store", "EMPTY"], ("nothing is stored for sim:PERP", "footloom import", "EMPTY")),
        (["bars", "nonsense", "--store", "EMPTY"], ("nonsense",)),
        (["bars", "sim:PERP", "--store", "FILE"], ("is a file",)),
        (["serve", "--host", "192.0.2.77", "--store", "EMPTY"], ("192.0.2.77 is no address", "127.0.0.1")),
        (["serve", "--port", "0", "--tls-key", "FILE", "--store", "EMPTY"], ("without a certificate", "--tls-cert")),
    ],
)
def test_a_failure_is_code_1_and_one_message(
    arguments: list[str], words: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "FILE").write_text("no folder")
    placed = [str(tmp_path / a) if a in {"EMPTY", "FILE"} else a for a in arguments]
    assert run(*placed) == 1
    told = capsys.readouterr().err
    assert told.startswith("footloom: ")
    assert len(told.splitlines()) == 1
    for word in words:
        assert word in told


@pytest.fixture
def planted() -> Iterator[None]:
    VERBS["planted"] = ("planted_verb", "planted", "Fail.")
    yield
    del VERBS["planted"]


@pytest.mark.usefixtures("planted")
def test_only_our_own_errors_become_messages(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A surprise keeps its traceback: it is a fault of ours, and a message would hide where."""

    class Planted:
        error: Exception = StoreError("the store is gone: mount it again")

        def planted(self) -> None:
            raise self.error

    module = Planted()
    monkeypatch.setitem(sys.modules, "planted_verb", module)  # type: ignore[arg-type]
    assert run("planted") == 1
    assert capsys.readouterr().err == "footloom: the store is gone: mount it again\n"
    Planted.error = ZeroDivisionError("a fault")
    with pytest.raises(ZeroDivisionError):
        main(["planted"])


def test_an_error_of_the_system_is_a_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("footloom.cli.main.app", full)
    monkeypatch.setattr("footloom.cli.main._let_go_of_output", lambda: None)  # the tests' own output stays
    assert run("coverage", "--store", str(tmp_path)) == 1
    assert capfd.readouterr().err.startswith("footloom: No space left on device; free some space")


def test_a_name_that_is_too_long(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "footloom.cli.main", "coverage", "--store", str(tmp_path / ("a" * 300))]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert "File name too long" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("arguments", ["coverage --json", "coverage", "--version"])
def test_a_closed_standard_output_is_no_traceback(tmp_path: Path, arguments: str) -> None:
    command = f"exec {sys.executable} -m footloom.cli.main {arguments} >&-"
    environment = {**os.environ, "FOOTLOOM_STORE": str(tmp_path)}
    done = subprocess.run(["sh", "-c", command], env=environment, stderr=subprocess.PIPE, check=False, timeout=60)

    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize(
    ("verb", "says"), [("serv", "did you mean serve?"), ("reocrd", "did you mean record?"), ("zzz", "there are demo,")]
)
def test_a_mistyped_verb_is_answered_with_the_nearest_one(
    verb: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(verb, "binance_usdm:BTCUSDT") == 2
    assert f"there is no verb '{verb}'; {says}" in capsys.readouterr().err


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="there is no /proc here")
def test_a_store_that_cannot_be_made_is_told_before_anything_is_served(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("serve", "--store", "/proc/nowhere/store", "--port", "0") == 1
    said = capsys.readouterr()
    assert "the store /proc/nowhere/store cannot be made" in said.err
    assert "ready" not in said.out


def test_the_link_of_a_server_with_tls_is_https(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FOOTLOOM_CONFIG", str(tmp_path))
    assert run("link", "--host", "192.0.2.5", "--port", "8443", "--tls-cert", "cert.pem", "--tls-key", "key.pem") == 0
    assert "  https://192.0.2.5:8443/#token=" in capsys.readouterr().out
    assert run("link", "--host", "192.0.2.5") == 0
    assert "  http://192.0.2.5:8123/#token=" in capsys.readouterr().out
