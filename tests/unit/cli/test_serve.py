"""What `footloom serve` says before its page can be opened."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from footloom import config
from footloom.cli import serve
from footloom.cli._front import Front, link_lines
from footloom.cli.main import app
from footloom.kernels import ahead


@pytest.mark.parametrize("first", [True, False], ids=["first", "later"])
def test_a_first_start_says_why_it_takes_longer(first: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def close(_settings: object, _services: object, front: Front, *_: object) -> None:
        front.listener.close()

    monkeypatch.setattr(ahead, "is_done", lambda _: not first)
    monkeypatch.setattr(serve, "_listen", close)
    monkeypatch.setenv("FOOTLOOM_CONFIG", str(tmp_path))
    said = CliRunner().invoke(app, ["serve", "--store", str(tmp_path / "store"), "--port", "0"])
    assert said.exit_code == 0, said.output
    assert ("first start: compiling" in said.stderr) is first
    assert "holds no trades yet" in said.stderr


def test_links_are_told_once_and_that_of_this_machine_as_such() -> None:
    def links(host: str) -> list[str]:
        settings = config.load(flags={"host": host})
        return [line for line in link_lines(settings, 8123, "t" * 20, may_show=True) if "#token=" in line]

    assert links("192.0.2.7") == [f"  http://192.0.2.7:8123/#token={'t' * 20}"]
    assert [("127.0.0.1" in link, "this machine alone" in link) for link in links("0.0.0.0")][-1] == (True, True)  # noqa: S104
    assert not any("this machine alone" in link for link in links("0.0.0.0")[:-1])  # noqa: S104
