"""How an account of a broker becomes a token: each function makes the calls and returns `Credentials` to be saved.

Upstox: the analytics token of the developer console first (one year, read only), OAuth second. Angel One: client code,
PIN and a one-time password, whose secret may be kept so that the next day's login needs nobody.
"""

from __future__ import annotations

import base64
import secrets
from typing import Any
from urllib.parse import urlencode, urlsplit

import msgspec
import pyotp

from footloom.errors import ConfigError, RateLimited, Refused, SchemaChanged, VenueError
from footloom.feeds.credentials import Credentials, next_local_ns, token_expiry_ns
from footloom.feeds.http import Http
from footloom.typed import from_json
from footloom.venues import angelone, upstox
from footloom.venues._venue import Bases, Request

__all__ = (
    "angelone_login",
    "angelone_renew",
    "new_state",
    "renew",
    "tried",
    "upstox_analytics",
    "upstox_dialog",
    "upstox_oauth",
)

_SECOND_NS = 10**9
_YEAR_NS = 365 * 86_400 * _SECOND_NS
_DIALOG = "/v2/login/authorization/dialog"
_TOKEN = "/v2/login/authorization/token"  # noqa: S105 - a path
_SESSION = "/rest/auth/angelbroking/user/v1/loginByPassword"
_RENEW = "/rest/auth/angelbroking/jwt/v1/generateTokens"
_NIFTY = "NSE|99926000"  # whatever else ends, this index does not
_CODES = {
    "AB1050": "the one-time password is wrong: check the TOTP secret and this computer's clock",
    "AB1007": "client code or PIN is wrong",
    "AB1000": "client code or PIN is wrong",
    "AG8001": "the token is not valid: log in again",
    "AG8002": "the token has ended: log in again",
    "AB8050": "the refresh token is not valid: log in again",
    "AB8051": "the refresh token has ended: log in again",
}


class _Token(msgspec.Struct):
    access_token: str


class _Tokens(msgspec.Struct):
    jwtToken: str  # noqa: N815 - the wire's names
    feedToken: str  # noqa: N815
    refreshToken: str = ""  # noqa: N815


class _Answer(msgspec.Struct):
    status: bool = False
    message: str = ""
    errorcode: str = ""
    data: msgspec.Raw = msgspec.Raw(b"null")


async def upstox_analytics(http: Http, bases: Bases, token: str, *, now_ns: int, plan: str = "") -> Credentials:
    """Check an analytics token (or any access token) by asking for the feed's address with it.

    Raises
    ------
    VenueError
        Upstox does not take it, or cannot be reached.
    """
    values = {"access_token": _one_line(token, "the token"), "plan": plan}
    await _upstox_check(http, bases, values)
    ends_ns = token_expiry_ns(values["access_token"]) or now_ns + _YEAR_NS
    return Credentials(
        venue=upstox.VENUE, kind="analytics", values=values, made_ns=now_ns, expires_ns=min(ends_ns, now_ns + _YEAR_NS)
    )


def new_state() -> str:
    """Return a text that nobody can guess: the redirect has to bring it back."""
    return secrets.token_urlsafe(24)


def upstox_dialog(bases: Bases, api_key: str, redirect_uri: str, state: str) -> str:
    """Return the address that the user opens in a browser to allow access."""
    asked = {"response_type": "code", "client_id": api_key, "redirect_uri": redirect_uri, "state": state}
    return f"{bases.rest}{_DIALOG}?{urlencode(asked)}"


async def upstox_oauth(  # noqa: PLR0913 - what OAuth asks for
    http: Http,
    bases: Bases,
    *,
    api_key: str,
    api_secret: str,
    redirect_uri: str,
    code: str,
    now_ns: int,
    plan: str = "",
) -> Credentials:
    """Exchange the code of a redirect for an access token, which lasts until 03:30 IST.

    Raises
    ------
    VenueError
        Upstox refuses: codes are good for one time and a short while.
    """
    form = {
        "code": code,
        "client_id": api_key,
        "client_secret": api_secret,
        "redirect_uri": redirect_uri,
        "grant_type": "authorization_code",
    }
    headers = (("Accept", "application/json"), ("Content-Type", "application/x-www-form-urlencoded"))
    request = Request(url=f"{bases.rest}{_TOKEN}", method="POST", headers=headers, body=urlencode(form).encode())
    document = await _ask(http, request, upstox.explain)
    token = _read(document, _Token, "Upstox", _TOKEN).access_token
    values = {"access_token": token, "plan": plan}
    await _upstox_check(http, bases, values)
    ends_ns = min(token_expiry_ns(token) or 2**62, next_local_ns(now_ns, 3, 30))
    return Credentials(venue=upstox.VENUE, kind="oauth", values=values, made_ns=now_ns, expires_ns=ends_ns)


async def angelone_login(  # noqa: PLR0913 - what the broker asks for
    http: Http,
    bases: Bases,
    *,
    api_key: str,
    client_code: str,
    pin: str,
    totp_secret: str,
    now_ns: int,
    remember: bool = False,
) -> Credentials:
    """Log in; the session lasts until midnight IST. ``remember`` keeps PIN and secret too, for `renew` on later days.

    Raises
    ------
    ConfigError
        The TOTP secret is no base32 text.
    VenueError
        Angel One refuses, and why.
    """
    body = {"clientcode": client_code, "password": pin, "totp": _one_time(totp_secret, now_ns)}
    tokens = await _angel_tokens(http, bases, _SESSION, body, {"api_key": api_key})
    kept = {"pin": pin, "totp_secret": totp_secret} if remember else {}
    return _angel_credentials(tokens, {"api_key": api_key, "client_code": client_code} | kept, now_ns)


async def angelone_renew(http: Http, bases: Bases, credentials: Credentials, *, now_ns: int) -> Credentials:
    """Get new tokens for a session that still lasts.

    Raises
    ------
    VenueError
        The session has ended.
    """
    values = credentials.values
    tokens = await _angel_tokens(http, bases, _RENEW, {"refreshToken": values.get("refresh_token", "")}, values)
    if not tokens.refreshToken:
        tokens.refreshToken = values.get("refresh_token", "")
    return _angel_credentials(tokens, values, now_ns)


async def renew(http: Http, bases: Bases, credentials: Credentials, *, now_ns: int) -> Credentials:
    """Return credentials that last again, as far as that needs nobody.

    Raises
    ------
    VenueError
        It needs the user: the message says what to run.
    """
    values = credentials.values
    if credentials.venue == angelone.VENUE and values.get("totp_secret"):
        return await angelone_login(
            http,
            bases,
            api_key=values["api_key"],
            client_code=values["client_code"],
            pin=values["pin"],
            totp_secret=values["totp_secret"],
            now_ns=now_ns,
            remember=True,
        )
    if credentials.venue == angelone.VENUE and (credentials.expires_ns or 0) > now_ns:
        return await angelone_renew(http, bases, credentials, now_ns=now_ns)
    raise VenueError(f"the token of {credentials.venue} has ended: run footloom login {credentials.venue}")


async def tried(venue: str, http: Http, bases: Bases, values: dict[str, str], *, now_ns: int) -> None:
    """Make a call with a token that is kept.

    Raises
    ------
    Refused
        The broker does not take it, and why.
    VenueError
        It cannot be reached.
    """
    if venue == upstox.VENUE:
        document = await _ask(http, upstox.authorize(bases, values), upstox.explain, is_login=False)
        upstox.read_authorized(document)
        return
    request = angelone.candles(_NIFTY, now_ns - 60 * _SECOND_NS, now_ns, bases, values)
    document = await _ask(http, request, angelone.explain, is_login=False)
    answer = _read(document, _Answer, "Angel One", urlsplit(request.url).path)
    if not answer.status and answer.errorcode in _CODES:
        raise Refused(f"Angel One refuses the token ({answer.errorcode}): {_CODES[answer.errorcode]}", 401)


async def _upstox_check(http: Http, bases: Bases, values: dict[str, str]) -> None:
    document = await _ask(http, upstox.authorize(bases, values), upstox.explain)
    upstox.read_authorized(document)


async def _angel_tokens(
    http: Http, bases: Bases, path: str, body: dict[str, str], credentials: dict[str, str]
) -> _Tokens:
    request = Request(
        url=f"{bases.rest}{path}",
        method="POST",
        headers=angelone.headers(credentials),
        body=msgspec.json.encode(body, enc_hook=str),
        budget="login",
    )
    answer = _read(await _ask(http, request, angelone.explain), _Answer, "Angel One", path)
    if not answer.status:
        meaning = _CODES.get(answer.errorcode) or _without(answer.message, (*body.values(), *credentials.values()))
        raise VenueError(f"Angel One refuses the login ({answer.errorcode or 'no code'}): {meaning}")
    tokens: _Tokens = _read(bytes(answer.data), _Tokens, "Angel One", path)
    return tokens


def _angel_credentials(tokens: _Tokens, values: dict[str, str], now_ns: int) -> Credentials:
    named = {"jwt_token": tokens.jwtToken, "feed_token": tokens.feedToken, "refresh_token": tokens.refreshToken}
    ends_ns = min(token_expiry_ns(tokens.jwtToken) or 2**62, next_local_ns(now_ns, 0, 0))
    return Credentials(venue=angelone.VENUE, kind="totp", values=values | named, made_ns=now_ns, expires_ns=ends_ns)


async def _ask(http: Http, request: Request, explain: Any, *, is_login: bool = True) -> bytes:
    # What a status means at this venue comes first: it says what to do.
    try:
        return await http.get(request)
    except RateLimited:
        raise
    except Refused as refused:
        meaning = explain(refused.status, refused.text)
        said = f"{meaning} ({refused})" if meaning else str(refused)
        if refused.status == 403 and is_login:  # of the account or the way to it, not of what was typed
            said += "; nothing was kept of this login: once that is mended, log in again"
        raise Refused(said, refused.status, refused.text) from None


def _read(document: bytes, kind: type[Any], venue: str, path: str) -> Any:
    # The answer holds tokens: nothing of it is repeated.
    try:
        return from_json(document, kind)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise SchemaChanged(
            f"{venue}'s answer to {urlsplit(path).path} has not the tokens that it should have"
        ) from None


class _Totp(pyotp.TOTP):
    # pyotp refuses secrets below 112 bits; what a broker gave out has to work, however short.
    def byte_secret(self) -> bytes:
        if len(self.secret) < 8:
            raise ValueError(len(self.secret))
        return base64.b32decode(self.secret + "=" * (-len(self.secret) % 8))


def _one_time(totp_secret: str, now_ns: int) -> str:
    bare = "".join(totp_secret.split()).upper().rstrip("=")
    try:
        return _Totp(bare).at(now_ns // _SECOND_NS)
    except ValueError:
        raise ConfigError(
            f"the TOTP secret ({len(bare)} characters) is no base32 text: it is the key of letters and digits that "
            "Angel One shows beside the QR code at enrolment, not the six digits of the moment"
        ) from None


def _one_line(text: str, what: str) -> str:
    bare = text.strip()
    if not bare or any(one.isspace() or not one.isprintable() for one in bare):
        raise ConfigError(f"{what} is empty or broken over lines: paste it as one line")
    return bare


def _without(text: str, secret: tuple[str, ...]) -> str:
    for one in sorted({one for one in secret if len(one) >= 4}, key=len, reverse=True):
        text = text.replace(one, "***")
    return text
