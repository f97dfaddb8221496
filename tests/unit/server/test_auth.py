"""Who may come in: tokens that are kept, cookies that are made of them, and guessing that has to wait."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from footloom import config
from footloom.core.secret import Secret
from footloom.errors import ConfigError
from footloom.server.access.auth import Access, Attempts, access_of, kept_token, token_path

TOKEN = Secret("planted-token-0123456789")


def settings(tmp_path: Path, **values: object) -> config.Config:
    return config.load({"FOOTLOOM_CONFIG": str(tmp_path)}, flags=values)


def test_a_token_is_made_once_and_kept_for_its_owner(tmp_path: Path) -> None:
    first, again = kept_token(tmp_path / "new"), kept_token(tmp_path / "new")
    path = token_path(tmp_path / "new")

    assert first == again
    assert len(first) >= 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in path.parent.iterdir()] == [path.name]
    assert kept_token(tmp_path / "other") != first


@pytest.mark.skipif(os.name != "posix", reason="modes of files")
def test_a_token_that_others_may_read_is_refused(tmp_path: Path) -> None:
    token = kept_token(tmp_path)
    token_path(tmp_path).chmod(0o644)

    with pytest.raises(ConfigError, match="others may read it") as refused:
        kept_token(tmp_path)
    assert token not in str(refused.value)


def test_a_damaged_token_is_refused_without_being_shown(tmp_path: Path) -> None:
    token_path(tmp_path).write_text("half a secret")
    token_path(tmp_path).chmod(0o600)

    with pytest.raises(ConfigError, match="holds no token: remove it") as refused:
        kept_token(tmp_path)
    assert "half a" not in str(refused.value)


@pytest.mark.parametrize(
    ("values", "asked"),
    [
        ({}, "nobody"),
        ({"host": "::1"}, "nobody"),
        ({"host": "0.0.0.0"}, "everybody"),  # noqa: S104 - what needs a token
        ({"host": "192.0.2.2"}, "everybody"),
        ({"allow_host": "chart.example"}, "everybody"),
        ({"token": TOKEN}, "everybody"),
    ],
)
def test_a_token_is_asked_for_wherever_others_can_reach(tmp_path: Path, values: dict[str, object], asked: str) -> None:
    access = access_of(settings(tmp_path, **values))

    assert (access.token is not None) == (asked == "everybody")
    assert token_path(tmp_path).exists() == (asked == "everybody" and "token" not in values)


def test_the_cookie_is_not_the_token_and_ends_with_it() -> None:
    access, other = Access(TOKEN), Access(Secret("another-token-0123456789"))
    header = f"theme=dark; {access.cookie_name}={access.cookie}"

    assert access.is_cookie(header)
    assert TOKEN not in access.cookie
    assert not other.is_cookie(header)
    assert not Access().is_cookie(f"{Access().cookie_name}={Access().cookie}")
    assert not access.is_cookie(f"{access.cookie_name}={TOKEN}")
    assert "Secure" in access.set_cookie(is_secure=True)
    assert "Secure" not in access.set_cookie(is_secure=False)
    assert str(access.cookie) not in repr(access)


def test_a_bearer_is_the_token_and_nothing_like_it() -> None:
    access = Access(TOKEN)

    assert access.is_known({b"authorization": f"bearer {TOKEN}"})
    for wrong in (f"Basic {TOKEN}", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", "Bearer", "Bearer ", ""):
        assert not access.is_known({b"authorization": wrong})
    assert not Access().is_known({b"authorization": "Bearer "})


def test_guessing_has_to_wait_and_waits_end() -> None:
    now = [1000.0]
    attempts = Attempts(clock=lambda: now[0])
    for _ in range(10):
        assert attempts.wait_s("10.0.0.1") == 0
        attempts.failed("10.0.0.1")

    assert attempts.wait_s("10.0.0.1") > 0
    assert attempts.wait_s("10.0.0.2") == 0
    now[0] += attempts.wait_s("10.0.0.1")
    assert attempts.wait_s("10.0.0.1") == 0
    attempts.failed("10.0.0.1")
    assert attempts.wait_s("10.0.0.1") == pytest.approx(6.0)


def test_one_network_of_ipv6_is_one_guesser_and_the_list_stays_short() -> None:
    attempts = Attempts(clock=lambda: 0.0)
    for number in range(10):
        attempts.failed(f"2001:db8::{number:x}")
    assert attempts.wait_s("2001:db8::ffff") > 0
    assert attempts.wait_s("2001:db8:0:1::1") == 0

    for number in range(6000):
        attempts.failed(f"10.{number // 250}.{number % 250}.1")
    assert len(attempts._full_at) <= 4096
