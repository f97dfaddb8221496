"""Logins against servers of our own: what is sent, what is kept, and what is never shown."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import stat
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pyotp
import pytest

from footloom.core.secret import Secret
from footloom.errors import ConfigError, Refused, SchemaChanged, VenueError
from footloom.feeds import credentials as kept
from footloom.feeds import login
from footloom.feeds.credentials import Credentials
from footloom.feeds.endpoints import bases_at
from footloom.feeds.http import Http
from footloom.feeds.login_redirect import Listener, code_of
from footloom.venues import angelone, upstox
from footloom.venues._venue import Bases
from tests.unit.fetching.http_kit import Answer, Call, LocalServer

SECOND, DAY = 10**9, 86_400 * 10**9
NOW = 1_764_738_254 * SECOND  # 2025-12-03 10:34 IST
NEXT_330, MIDNIGHT = 1_764_712_800 * SECOND + DAY, 1_764_700_200 * SECOND + DAY
SEED = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # that of RFC 6238
APP = {"api_key": "key", "api_secret": "s3cret"}
REDIRECT = {"data": {"authorized_redirect_uri": "wss://feeder/feeds?code=one-time"}}

T = TypeVar("T")


def token_until(at_ns: int) -> str:
    claims = base64.urlsafe_b64encode(json.dumps({"exp": at_ns // SECOND}).encode()).decode().rstrip("=")
    return f"e30.{claims}.signature"


def with_server(handler: Callable[[Call], Answer], act: Callable[[Http, Bases], Awaitable[T]]) -> tuple[T, list[Call]]:
    async def run() -> tuple[T, list[Call]]:
        async with LocalServer() as server:
            server.handler = handler
            http = Http(angelone.BUDGETS)
            try:
                return await act(http, bases_at(server.url)), server.calls
            finally:
                await http.aclose()

    return asyncio.run(run())


def answer(document: Any, status: int = 200) -> Answer:
    return Answer(json.dumps(document).encode(), status, {"Content-Type": "application/json"})


# --- Upstox -----------------------------------------------------------------------------------------------------------


def test_an_analytics_token_is_tried_before_it_is_kept() -> None:
    found, calls = with_server(
        lambda _: answer(REDIRECT),
        lambda http, bases: login.upstox_analytics(http, bases, "  t0ken\n", now_ns=NOW, plan="plus"),
    )
    assert [call.target for call in calls] == ["/v3/feed/market-data-feed/authorize"]
    assert calls[0].headers["authorization"] == "Bearer t0ken"
    assert found.values == {"access_token": "t0ken", "plan": "plus"}
    assert (found.kind, found.expires_ns) == ("analytics", NOW + 365 * DAY)


def test_the_end_that_a_token_states_is_believed() -> None:
    token = token_until(NOW + 5 * DAY)
    found, _ = with_server(
        lambda _: answer(REDIRECT), lambda http, bases: login.upstox_analytics(http, bases, token, now_ns=NOW)
    )
    assert found.expires_ns == NOW + 5 * DAY


def test_a_token_that_is_refused() -> None:
    refusal = {"status": "error", "errors": [{"errorCode": "UDAPI100050", "message": "Invalid token s3cret-token"}]}
    with pytest.raises(Refused, match="03:30 IST") as refused:
        with_server(
            lambda _: answer(refusal, 401),
            lambda http, bases: login.upstox_analytics(http, bases, "s3cret-token", now_ns=NOW),
        )
    assert "s3cret-token" not in str(refused.value)
    assert "footloom login upstox" in str(refused.value)


def test_a_login_that_the_account_does_not_allow_now_says_what_to_do() -> None:
    with pytest.raises(Refused, match="2 at a time") as refused:
        with_server(
            lambda _: answer({"status": "error"}, 403),
            lambda http, bases: login.upstox_analytics(http, bases, "s3cret-token", now_ns=NOW),
        )
    assert "Close the others" in str(refused.value)
    assert str(refused.value).endswith("nothing was kept of this login: once that is mended, log in again")
    assert "s3cret-token" not in str(refused.value)


def test_angel_one_s_rate_limit_at_a_login_says_what_to_do() -> None:
    with pytest.raises(Refused, match="rate limit") as refused:
        logged_in(lambda _: answer({}, 403))
    assert "wait a minute" in str(refused.value)
    assert "log in again" in str(refused.value)


@pytest.mark.parametrize("token", ["", "  ", "two words", "two\nlines"])
def test_what_is_no_token(token: str) -> None:
    with pytest.raises(ConfigError, match="one line"):
        with_server(
            lambda _: answer(REDIRECT), lambda http, bases: login.upstox_analytics(http, bases, token, now_ns=NOW)
        )


def test_oauth() -> None:
    def handler(call: Call) -> Answer:
        return answer({"access_token": "day-token"}) if call.method == "POST" else answer(REDIRECT)

    found, calls = with_server(
        handler,
        lambda http, bases: login.upstox_oauth(
            http, bases, redirect_uri="http://127.0.0.1:1/x", code="c0de", now_ns=NOW, **APP
        ),
    )
    assert calls[0].target == "/v2/login/authorization/token"
    assert calls[0].headers["content-type"] == "application/x-www-form-urlencoded"
    assert dict(parse_qsl(calls[0].body.decode())) == {
        "code": "c0de",
        "client_id": "key",
        "client_secret": "s3cret",
        "redirect_uri": "http://127.0.0.1:1/x",
        "grant_type": "authorization_code",
    }
    assert calls[1].headers["authorization"] == "Bearer day-token"
    assert (found.kind, found.expires_ns) == ("oauth", NEXT_330)
    assert "s3cret" not in json.dumps(found.values), "what is not needed again is not kept"


def test_an_answer_without_a_token_is_not_repeated() -> None:
    with pytest.raises(SchemaChanged) as refused:
        with_server(
            lambda _: answer({"token": "s3cret"}),
            lambda http, bases: login.upstox_oauth(http, bases, redirect_uri="r", code="c", now_ns=NOW, **APP),
        )
    assert "s3cret" not in str(refused.value)


def test_the_address_to_open() -> None:
    address = login.upstox_dialog(upstox.BASES, "key", "http://127.0.0.1:8765/up", "state")
    assert address.startswith("https://api.upstox.com/v2/login/authorization/dialog?")
    assert parse_qs(urlsplit(address).query)["redirect_uri"] == ["http://127.0.0.1:8765/up"]
    assert len({login.new_state() for _ in range(100)}) == 100


# --- the way back -----------------------------------------------------------------------------------------------------


async def browse(port: int, target: str, head: str = "") -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n{head}\r\n".encode())
    text = (await reader.read()).decode()
    writer.close()
    return text


def test_the_browser_brings_the_code() -> None:
    async def run() -> tuple[str, list[str]]:
        async with Listener("http://127.0.0.1:0/up", "st4te") as listener:
            pages = [
                await browse(listener.port, "/favicon.ico"),
                await browse(listener.port, "/up?code=evil&state=other"),
                await browse(listener.port, "/up?code=evil"),
                await browse(listener.port, f"/up?{urlencode({'code': 'g&od', 'state': 'st4te'})}"),
            ]
            return await listener.code(5), pages

    code, pages = asyncio.run(run())
    assert code == "g&od"
    assert [page.split(" ")[1] for page in pages] == ["404", "400", "400", "200"]
    assert "Logged in" in pages[-1]
    assert not any("evil" in page or "g&od" in page for page in pages)


def test_access_that_is_refused() -> None:
    async def run() -> str:
        async with Listener("http://localhost:0/up", "s") as listener:
            await browse(listener.port, "/up?error=access_denied&state=s")
            return await listener.code(5)

    with pytest.raises(VenueError, match="access_denied"):
        asyncio.run(run())


def test_nobody_comes_and_nonsense_comes() -> None:
    async def run() -> str:
        async with Listener("http://127.0.0.1:0/up", "s") as listener:
            await browse(listener.port, "/up", "X: " + "y" * 20_000 + "\r\n")
            return await listener.code(0.05)

    with pytest.raises(VenueError, match="nobody logged in"):
        asyncio.run(run())


def test_a_port_that_is_taken() -> None:
    async def run() -> None:
        async with Listener("http://127.0.0.1:0/up", "s") as first, Listener(f"http://127.0.0.1:{first.port}/up", "s"):
            pass

    with pytest.raises(ConfigError, match="cannot wait for the login on port"):
        asyncio.run(run())


def test_a_redirect_to_somewhere_else() -> None:
    with pytest.raises(ConfigError, match="paste the address"):
        Listener("https://example.com/up", "s")


def test_a_pasted_address() -> None:
    assert code_of(" https://example.com/?code=abc&state=s \n", "s") == "abc"
    with pytest.raises(ConfigError, match="another login"):
        code_of("https://example.com/?code=abc&state=t", "s")
    with pytest.raises(ConfigError, match="no code"):
        code_of("https://example.com/?state=s", "s")


# --- Angel One --------------------------------------------------------------------------------------------------------


TOKENS = {"jwtToken": token_until(NOW + 2 * DAY), "refreshToken": "refr3sh", "feedToken": "f33d"}
ACCOUNT = {"api_key": "k3y", "client_code": "A123", "pin": "4321", "totp_secret": SEED}


def good(_: Call) -> Answer:
    return answer({"status": True, "message": "SUCCESS", "errorcode": "", "data": TOKENS})


def logged_in(handler: Callable[[Call], Answer] = good, **changed: Any) -> tuple[Credentials, list[Call]]:
    values = ACCOUNT | {"now_ns": NOW} | changed
    return with_server(handler, lambda http, bases: login.angelone_login(http, bases, **values))


def test_angel_one() -> None:
    found, (call,) = logged_in()
    assert call.target == "/rest/auth/angelbroking/user/v1/loginByPassword"
    body = json.loads(call.body)
    assert body == {"clientcode": "A123", "password": "4321", "totp": pyotp.TOTP(SEED).at(NOW // SECOND)}
    wanted = {"x-usertype": "USER", "x-sourceid": "WEB", "x-privatekey": "k3y", "accept": "application/json"}
    assert wanted.items() <= call.headers.items()
    assert {"x-clientlocalip", "x-clientpublicip", "x-macaddress"} <= set(call.headers)
    assert "authorization" not in call.headers
    assert found.expires_ns == MIDNIGHT, "a session ends at midnight, whatever its token says"
    assert "pin" not in found.values
    assert "totp_secret" not in found.values
    assert angelone.sockets([], Bases(ws="", rest=""), found.values) == []


def test_a_one_time_password_is_that_of_the_moment() -> None:
    one, two = (json.loads(logged_in(now_ns=NOW + later)[1][0].body)["totp"] for later in (0, 60 * SECOND))
    assert one != two
    assert len(one) == len(two) == 6


def test_a_short_secret_works_too() -> None:
    _, (call,) = logged_in(now_ns=59 * SECOND, totp_secret="jbsw y3dp ehpk 3pxp")  # noqa: S106 - of a test
    assert json.loads(call.body)["totp"] == "996554"


def test_one_time_passwords_are_those_of_the_standard() -> None:
    for at_s, password in ((59, "287082"), (1_111_111_109, "081804"), (20_000_000_000, "353130")):
        _, (call,) = logged_in(now_ns=at_s * SECOND)
        assert json.loads(call.body)["totp"] == password


@pytest.mark.parametrize(("code", "words"), [("AB1050", "clock"), ("AB1007", "PIN"), ("AB9999", "Strange [*]{3}")])
def test_a_login_that_is_refused(code: str, words: str) -> None:
    refusal = {"status": False, "message": "Strange A123", "errorcode": code, "data": None}
    with pytest.raises(VenueError, match=words) as refused:
        logged_in(lambda _: answer(refusal))
    assert code in str(refused.value)


@pytest.mark.parametrize("secret", ["123 456!", "123456", "", "1234 5678 90"])
def test_a_secret_that_is_none(secret: str) -> None:
    with pytest.raises(ConfigError, match="base32") as refused:
        logged_in(totp_secret=secret)
    assert "123" not in str(refused.value)


def test_a_session_is_renewed_while_it_lasts() -> None:
    first, _ = logged_in()

    def handler(_: Call) -> Answer:
        fresh = {"jwtToken": token_until(NOW + 3 * DAY), "feedToken": "f33d-2"}
        return answer({"status": True, "data": fresh})

    later = NOW + 3_600 * SECOND
    found, (call,) = with_server(handler, lambda http, bases: login.renew(http, bases, first, now_ns=later))
    assert call.target == "/rest/auth/angelbroking/jwt/v1/generateTokens"
    assert json.loads(call.body) == {"refreshToken": "refr3sh"}
    assert call.headers["authorization"] == f"Bearer {TOKENS['jwtToken']}"
    assert {"feed_token": "f33d-2", "refresh_token": "refr3sh"}.items() <= found.values.items()
    with pytest.raises(VenueError, match="footloom login angelone"):
        with_server(handler, lambda http, bases: login.renew(http, bases, first, now_ns=NOW + DAY))


def test_who_wants_it_is_logged_in_again_the_next_day() -> None:
    first, _ = logged_in(remember=True)
    found, (call,) = with_server(good, lambda http, bases: login.renew(http, bases, first, now_ns=NOW + DAY))
    assert call.target.endswith("/loginByPassword")
    assert found.expires_ns == MIDNIGHT + DAY
    assert found.values["totp_secret"] == SEED


def test_a_token_of_upstox_needs_its_user() -> None:
    old = Credentials(venue="upstox", kind="oauth", values={"access_token": "x"}, made_ns=NOW, expires_ns=NEXT_330)
    with pytest.raises(VenueError, match="footloom login upstox"):
        with_server(good, lambda http, bases: login.renew(http, bases, old, now_ns=NOW + DAY))


# --- what is kept -----------------------------------------------------------------------------------------------------


def some(**changed: Any) -> Credentials:
    values = {"venue": "upstox", "kind": "analytics", "values": {"access_token": "s3cret"}, "made_ns": NOW} | changed
    return Credentials(**values)


def test_a_token_is_kept_for_its_owner_s_eyes(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        path = kept.save(some(values={"access_token": Secret("s3cret")}), tmp_path)
    finally:
        os.umask(old)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert list(path.parent.iterdir()) == [path], "nothing is left beside it"
    assert kept.load("upstox", tmp_path) == {"access_token": "s3cret"}
    assert "s3cret" not in repr(kept.load("upstox", tmp_path)) + repr(kept.read("upstox", tmp_path))
    assert kept.load("angelone", tmp_path) == {}
    assert kept.remove("upstox", tmp_path)
    assert not kept.remove("upstox", tmp_path)


def test_a_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = kept.save(some(), tmp_path)
    path.chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        kept.load("upstox", tmp_path)


def test_a_damaged_file_is_told_without_its_text(tmp_path: Path) -> None:
    path = kept.save(some(), tmp_path)
    path.write_text('{"venue": "s3cret')
    with pytest.raises(ConfigError, match="is damaged") as refused:
        kept.load("upstox", tmp_path)
    assert "s3cret" not in str(refused.value)


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "credentials").write_text("")
    with pytest.raises(ConfigError, match="cannot keep the token"):
        kept.save(some(), tmp_path)


@pytest.mark.parametrize(
    ("ends_ns", "state", "words"),
    [
        (NOW - 1, "ended", "Run footloom login upstox"),
        (NOW + 30 * 60 * SECOND, "ending", "in 0 h 30 min"),
        (NOW + 2 * 3_600 * SECOND, "good", "until 2025-12-03 12:34 IST"),
        (NOW + 365 * DAY, "good", "until 2026-12-03"),
        (None, "good", "unknown end"),
    ],
)
def test_how_a_token_stands(tmp_path: Path, ends_ns: int | None, state: str, words: str) -> None:
    kept.save(some(expires_ns=ends_ns), tmp_path)
    found = kept.standing("upstox", NOW, tmp_path)
    assert (found.state, found.expires_ns) == (state, ends_ns)
    assert words in found.text
    assert kept.expiry("upstox", tmp_path) == ends_ns
    assert "s3cret" not in found.text


def test_a_token_of_a_year_is_warned_of_two_weeks_before(tmp_path: Path) -> None:
    kept.save(some(expires_ns=NOW + 365 * DAY), tmp_path)
    assert kept.standing("upstox", NOW + 350 * DAY, tmp_path).state == "good"
    assert kept.standing("upstox", NOW + 352 * DAY, tmp_path).state == "ending"
    assert kept.standing("angelone", NOW, tmp_path).state == "none"
