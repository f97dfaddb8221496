"""Kernels that are compiled ahead: by this numba, and from nothing that lies about."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from footloom.kernels import ahead, cache, jit


def test_nothing_is_imported_from_the_folder_in_which_a_server_was_started(tmp_path: Path) -> None:
    (tmp_path / "numba.py").write_text("open('planted', 'w').close()\n")
    subprocess.run(
        ahead.command(), cwd=tmp_path, env={**os.environ, "FOOTLOOM_CACHE": str(tmp_path / "cache")}, check=False
    )
    assert not (tmp_path / "planted").exists()


def test_what_another_numba_has_compiled_is_compiled_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "cache_folder", lambda _sources: tmp_path)
    monkeypatch.setattr(jit, "compile_all", lambda _module: None)
    assert not ahead.is_done("footloom.kernels.cache")
    ahead._compile("footloom.kernels.cache")
    assert ahead.is_done("footloom.kernels.cache")
    monkeypatch.setattr(ahead, "version", lambda _name: "0.0.1")
    assert not ahead.is_done("footloom.kernels.cache")


def test_nothing_is_compiled_ahead_where_nothing_of_it_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "blocked").write_text("a file where the folder should be")
    monkeypatch.setenv("FOOTLOOM_CACHE", str(tmp_path / "blocked"))
    folder = cache.cache_folder.__wrapped__(tmp_path)
    monkeypatch.setattr(ahead, "cache_folder", lambda _sources: folder)
    assert ahead.is_done("footloom.kernels.cache")
    monkeypatch.setenv("FOOTLOOM_CACHE", str(tmp_path / "cache"))
    other = cache.cache_folder.__wrapped__(tmp_path)
    monkeypatch.setattr(ahead, "cache_folder", lambda _sources: other)
    assert not ahead.is_done("footloom.kernels.cache")


def test_what_is_done_is_said(tmp_path: Path) -> None:
    environment = {**os.environ, "FOOTLOOM_CACHE": str(tmp_path)}
    command = ahead.command("footloom.kernels.cache", "footloom.kernels.jit")
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    assert done.stdout == "footloom.kernels.cache\nfootloom.kernels.jit\n"


def test_a_module_is_compiled_without_those_that_it_imports(monkeypatch: pytest.MonkeyPatch) -> None:
    class Fake:
        def __init__(self, module: str) -> None:
            self.__module__ = module

        def compile(self) -> None:
            compiled.append(self.__module__)

    compiled: list[str] = []
    monkeypatch.setattr(jit, "_KERNELS", [Fake("a.kernels.cells"), Fake("a.kernels.cells_of"), Fake("b")])
    jit.compile_all("a.kernels.cells")
    assert compiled == ["a.kernels.cells"]
    jit.compile_all("a.kernels")
    assert compiled[1:] == ["a.kernels.cells", "a.kernels.cells_of"]
