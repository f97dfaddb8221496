"""``footloom login``: a token of a broker's account, kept for its owner's eyes only."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from footloom.cli._shared import EndpointFlag, JsonFlag, OpenFlag, as_usage, say

if TYPE_CHECKING:
    from footloom.config import Config
    from footloom.feeds.credentials import Credentials, Standing
    from footloom.feeds.http import Http
    from footloom.venues._venue import Bases

__all__ = ("login",)


@dataclass(frozen=True)
class _Wanted:
    # The flags that say how to log in.
    oauth: bool
    redirect: str
    paste: bool
    plan: str
    remember: bool
    open_page: bool


_BROKERS = ("upstox", "angelone")
_REDIRECT = "http://127.0.0.1:8765/upstox"
_WAIT_S = 300.0


def login(
    broker: Annotated[str, typer.Argument(metavar="BROKER", help="upstox or angelone.")],
    oauth: Annotated[
        bool, typer.Option("--oauth", help="Upstox: by an app's key in the browser; lasts until 03:30 IST.")
    ] = False,
    redirect: Annotated[
        str, typer.Option(metavar="URL", help="With --oauth: as the app's settings have it.")
    ] = _REDIRECT,
    paste: Annotated[bool, typer.Option("--paste", help="With --oauth: paste the address the login ends on.")] = False,
    plus: Annotated[bool, typer.Option("--plus", help="Upstox: the account has Plus, with its higher limits.")] = False,
    remember: Annotated[
        bool, typer.Option("--remember", help="Angel One: keep PIN and TOTP secret too, to log in anew each day.")
    ] = False,
    status: Annotated[bool, typer.Option("--status", help="Say how the token stands; ask nothing.")] = False,
    forget: Annotated[bool, typer.Option("--forget", help="Remove what is kept.")] = False,
    open_page: OpenFlag = True,
    endpoint: EndpointFlag = None,
    json: JsonFlag = False,
) -> None:
    """Get a token of a broker's account, and keep it.

    Upstox: its analytics token, which only reads and lasts a year (account settings, "Analytics"); --oauth where there
    is none. Angel One: API key, client code, PIN and the TOTP secret of enrolment. What is secret is asked for without
    being shown (or read from standard input, a line each), never taken as a flag. It is kept in the folder of settings,
    readable by you alone.
    """
    from footloom import config
    from footloom.feeds import credentials
    from footloom.feeds.endpoints import checked

    with as_usage("BROKER"):
        _check(broker)
    with as_usage():
        settings = checked(config.load(endpoints=endpoint or ()))
    if forget:
        removed = credentials.remove(broker, settings.folder)
        say(f"what was kept for {broker} is removed" if removed else f"nothing is kept for {broker}")
    elif not status:
        wanted = _Wanted(oauth, redirect, paste, "plus" if plus else "", remember, open_page)
        made = asyncio.run(_made(broker, settings, wanted))
        path = credentials.save(made, settings.folder)
        say(f"kept in {path}, for your eyes only")
    _tell(credentials.standing(broker, time.time_ns(), settings.folder), json=json, is_asked=status)


def _check(broker: str) -> None:
    from footloom.errors import ConfigError

    if broker not in _BROKERS:
        raise ConfigError(f"{broker!r} needs no login, or is not known: there are {' and '.join(_BROKERS)}")


def _tell(found: Standing, *, json: bool, is_asked: bool) -> None:
    import msgspec

    typer.echo(msgspec.json.encode(found).decode() if json else found.text)
    if is_asked and found.state in {"none", "ended"}:
        raise typer.Exit(1)


async def _made(broker: str, settings: Config, wanted: _Wanted) -> Credentials:
    from footloom.feeds._venues import venue_named
    from footloom.feeds.endpoints import bases_of
    from footloom.feeds.http import Http

    venue = venue_named(broker)
    bases = bases_of(broker, venue.BASES, settings)
    http = Http(getattr(venue, "BUDGETS", {}))
    try:
        if broker == "angelone":
            return await _angelone(http, bases, wanted, settings.angelone)
        return await (_oauth if wanted.oauth else _analytics)(http, bases, wanted)
    finally:
        await http.aclose()


async def _analytics(http: Http, bases: Bases, wanted: _Wanted) -> Credentials:
    from footloom.feeds.login import upstox_analytics

    say("Upstox's analytics token only reads, and lasts a year: account settings, Analytics, on upstox.com")
    token = _asked("analytics token", hide=True)
    return await upstox_analytics(http, bases, token, now_ns=time.time_ns(), plan=wanted.plan)


async def _oauth(http: Http, bases: Bases, wanted: _Wanted) -> Credentials:
    from footloom.feeds.login import new_state, upstox_dialog, upstox_oauth
    from footloom.feeds.login_redirect import Listener, code_of

    api_key, api_secret = _asked("API key", hide=False), _asked("API secret", hide=True)
    state = new_state()
    address = upstox_dialog(bases, api_key, wanted.redirect, state)
    if wanted.paste:
        say(f"log in at {address}")
        code = code_of(_asked("the address that it ended on", hide=False), state)
    else:
        async with Listener(wanted.redirect, state) as listener:
            say(f"log in at {address}")
            _open(address, wanted)
            code = await listener.code(_WAIT_S)
    return await upstox_oauth(
        http,
        bases,
        api_key=api_key,
        api_secret=api_secret,
        redirect_uri=wanted.redirect,
        code=code,
        now_ns=time.time_ns(),
        plan=wanted.plan,
    )


# Where the environment holds the login of a program of old, nothing is asked, and tomorrow's login needs nobody.
async def _angelone(http: Http, bases: Bases, wanted: _Wanted, given: Mapping[str, str]) -> Credentials:
    from footloom.feeds.login import angelone_login

    if given:
        say("API_KEY, CLIENT_CODE, PASS and AUTH_TOKEN are taken from the environment")
        return await angelone_login(http, bases, **given, now_ns=time.time_ns(), remember=True)
    say("the TOTP secret is the key shown beside the QR code at smartapi.angelbroking.com/enable-totp")
    api_key, client_code = _asked("API key", hide=False), _asked("client code", hide=False)
    pin, totp_secret = _asked("PIN", hide=True), _asked("TOTP secret", hide=True)
    return await angelone_login(
        http,
        bases,
        api_key=api_key,
        client_code=client_code,
        pin=pin,
        totp_secret=totp_secret,
        now_ns=time.time_ns(),
        remember=wanted.remember,
    )


def _open(address: str, wanted: _Wanted) -> None:
    import webbrowser

    from footloom.cli._shared import has_desktop

    if wanted.open_page and has_desktop():
        webbrowser.open(address)


# From a program, secrets come a line each: a prompt would look for a terminal.
def _asked(what: str, *, hide: bool) -> str:
    from footloom.core.secret import Secret
    from footloom.errors import ConfigError

    text = str(typer.prompt(what, hide_input=hide, err=True)) if sys.stdin.isatty() else sys.stdin.readline()
    if not text.strip():
        raise ConfigError(f"no {what} was given: type it, or send it as a line of standard input")
    return Secret(text.strip())
