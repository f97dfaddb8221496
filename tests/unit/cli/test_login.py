"""Logging in from the command line: what is asked, where it is kept, and that it is never shown."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from footloom.cli.main import app
from footloom.errors import ConfigError, VenueError
from footloom.feeds import login as feeds_login
from footloom.feeds.credentials import Credentials, read, save

FAR_NS = 2**61
ENTERED = "tok-s3cr3t"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {"FOOTLOOM_CONFIG": str(tmp_path)}


def made(venue: str, **values: str) -> Credentials:
    return Credentials(venue=venue, kind="test", values=values, made_ns=0, expires_ns=FAR_NS)


def test_an_analytics_token_is_tried_and_kept(
    environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def analytics(_http: object, _bases: object, token: str, **others: Any) -> Credentials:
        return made("upstox", access_token=token, plan=others["plan"])

    monkeypatch.setattr(feeds_login, "upstox_analytics", analytics)

    result = CliRunner().invoke(app, ["login", "upstox", "--plus"], input=f"{ENTERED}\n", env=environment)

    assert result.exit_code == 0, result.output
    kept = read("upstox", tmp_path)
    assert kept is not None
    assert kept.values == {"access_token": ENTERED, "plan": "plus"}
    assert stat.S_IMODE((tmp_path / "credentials" / "upstox.json").stat().st_mode) == 0o600
    assert ENTERED not in result.output


def test_angel_one_is_told_what_it_asks_for(
    environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Any] = {}

    async def angelone(_http: object, _bases: object, **others: Any) -> Credentials:
        asked.update(others)
        return made("angelone", api_key=others["api_key"])

    monkeypatch.setattr(feeds_login, "angelone_login", angelone)
    lines = "key\nA123\n4321\nJBSWY3DPEHPK3PXP\n"

    result = CliRunner().invoke(app, ["login", "angelone", "--remember"], input=lines, env=environment)

    assert result.exit_code == 0, result.output
    del asked["now_ns"]
    assert asked == {
        "api_key": "key",
        "client_code": "A123",
        "pin": "4321",
        "totp_secret": "JBSWY3DPEHPK3PXP",
        "remember": True,
    }
    assert not any(secret in result.output for secret in ("4321", "JBSWY3DPEHPK3PXP"))
    assert read("angelone", tmp_path) is not None


def test_angel_one_asks_nothing_where_the_environment_holds_a_login(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Any] = {}

    async def angelone(_http: object, _bases: object, **others: Any) -> Credentials:
        asked.update(others)
        return made("angelone", api_key=others["api_key"])

    monkeypatch.setattr(feeds_login, "angelone_login", angelone)
    given = {"API_KEY": "key", "CLIENT_CODE": "A123", "PASS": "4321", "AUTH_TOKEN": "JBSWY3DPEHPK3PXP"}

    result = CliRunner().invoke(app, ["login", "angelone"], env=environment | given)

    assert result.exit_code == 0, result.output
    del asked["now_ns"]
    assert asked == {
        "api_key": "key",
        "client_code": "A123",
        "pin": "4321",
        "totp_secret": "JBSWY3DPEHPK3PXP",
        "remember": True,
    }
    assert not any(secret in result.output for secret in given.values() if secret != "key")  # noqa: S105


def test_the_address_that_an_oauth_login_ends_on_can_be_pasted(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Any] = {}

    async def oauth(_http: object, _bases: object, **others: Any) -> Credentials:
        asked.update(others)
        return made("upstox", access_token=ENTERED)

    monkeypatch.setattr(feeds_login, "upstox_oauth", oauth)
    monkeypatch.setattr(feeds_login, "new_state", lambda: "state-1")
    lines = "key\nsecret\nhttp://127.0.0.1:8765/upstox?code=c0de&state=state-1\n"

    result = CliRunner().invoke(app, ["login", "upstox", "--oauth", "--paste"], input=lines, env=environment)

    assert result.exit_code == 0, result.output
    assert (asked["api_key"], asked["api_secret"], asked["code"]) == ("key", "secret", "c0de")
    assert "client_id=key" in result.output


def test_status_and_forgetting(environment: dict[str, str], tmp_path: Path) -> None:
    from footloom.feeds.credentials import save

    run = CliRunner().invoke
    none = run(app, ["login", "upstox", "--status"], env=environment)
    assert none.exit_code == 1
    save(made("upstox", access_token=ENTERED), tmp_path)
    kept = run(app, ["login", "upstox", "--status", "--json"], env=environment)
    assert kept.exit_code == 0
    assert msgspec.json.decode(kept.stdout)["state"] == "good"
    assert ENTERED not in kept.output

    assert run(app, ["login", "upstox", "--forget"], env=environment).exit_code == 0
    assert read("upstox", tmp_path) is None


def test_what_is_not_given_or_not_known(environment: dict[str, str]) -> None:
    empty = CliRunner().invoke(app, ["login", "upstox"], input="\n", env=environment)
    assert isinstance(empty.exception, Exception)
    assert "no analytics token was given" in str(empty.exception)
    assert CliRunner().invoke(app, ["login", "binance_usdm"], env=environment).exit_code == 2


def test_a_refusal_keeps_nothing(environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(*_: object, **__: object) -> Credentials:
        raise VenueError("Upstox does not take the token")

    monkeypatch.setattr(feeds_login, "upstox_analytics", refuse)

    result = CliRunner().invoke(app, ["login", "upstox"], input=f"{ENTERED}\n", env=environment)

    assert isinstance(result.exception, VenueError)
    assert read("upstox", tmp_path) is None


def test_an_endpoint_of_no_venue_is_refused(environment: dict[str, str]) -> None:
    words = ["login", "upstox", "--status", "--endpoint", "upsto=http://127.0.0.1:1"]

    result = CliRunner().invoke(app, words, env=environment)

    assert result.exit_code == 2, result.output
    assert "upsto" in result.output


def test_a_folder_that_cannot_be_written_is_told_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("footloom.feeds.credentials.os.open", refused)

    with pytest.raises(ConfigError, match=r"Permission denied; make that folder yours .* FOOTLOOM_CONFIG"):
        save(made("upstox", access_token=ENTERED), tmp_path)
