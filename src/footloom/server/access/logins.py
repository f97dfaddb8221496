"""Logging in to a broker from the page: same as ``footloom login``, over the server's own endpoint.

What is typed goes to the broker and into the file of credentials, nowhere else: no answer, message or log repeats it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from footloom.config import Config
from footloom.errors import ConfigError
from footloom.feeds import credentials, login
from footloom.feeds.endpoints import bases_of
from footloom.feeds.http import Http
from footloom.server.access.login_forms import LOGIN_WAYS, LoginAsk, LoginRow
from footloom.venues import angelone, upstox

__all__ = ("Logins",)

_PENDING_NS = 15 * 60 * 10**9
_MOST_PENDING = 8


_MODULES: dict[str, Any] = {"upstox": upstox, "angelone": angelone}


@dataclass(frozen=True, slots=True)
class _Pending:
    """A login that waits for the broker's redirect."""

    fields: Mapping[str, str] = field(repr=False)
    redirect_uri: str
    until_ns: int


class Logins:
    """The logins of one server.

    Parameters
    ----------
    settings
        Where the brokers are, and where credentials are kept.
    on_login
        Called with the venue and its new values.
    now_ns
        The wall clock, ns UTC.
    without
        A broker whose account is not listened to: its messages come from elsewhere, and nobody is asked to log in.
    """

    def __init__(
        self,
        settings: Config,
        on_login: Callable[[str, Mapping[str, str]], None] = lambda _venue, _values: None,
        now_ns: Callable[[], int] = time.time_ns,
        without: str = "",
    ) -> None:
        self._settings = settings
        self._without = without
        self.on_login = on_login
        self._now_ns = now_ns
        self._pending: dict[str, _Pending] = {}

    def rows(self) -> list[LoginRow]:
        """Return how every broker's token stands."""
        return [self.row(venue) for venue in LOGIN_WAYS if venue != self._without]

    def row(self, venue: str, open_next: str | None = None) -> LoginRow:
        """Return how one broker's token stands."""
        if venue not in LOGIN_WAYS:
            raise ConfigError(f"{venue!r} needs no login: {' and '.join(LOGIN_WAYS)} do")
        stands = credentials.standing(venue, self._now_ns(), self._settings.folder)
        return LoginRow(
            venue=venue,
            state=stands.state,
            text=stands.text,
            expires_ns=None if stands.expires_ns is None else str(stands.expires_ns),
            ways=LOGIN_WAYS[venue],
            open=open_next,
        )

    async def log_in(self, ask: LoginAsk, redirect_uri: str) -> LoginRow:
        """Log in with what a form sent; ``redirect_uri`` is where the broker's page sends the browser back to.

        Raises
        ------
        ConfigError
            There is no such way, or a field is empty.
        VenueError
            The broker refuses; the message repeats nothing that was typed.
        """
        venue = ask.venue
        self.row(venue)
        way = next((one for one in LOGIN_WAYS[venue] if one.way == ask.way), None)
        if way is None:
            raise ConfigError(f"{venue} has no login {ask.way!r}: {', '.join(one.way for one in LOGIN_WAYS[venue])}")
        fields = {one.name: ask.fields.get(one.name, "").strip() for one in way.fields}
        lacking = [one.label for one in way.fields if not fields[one.name]]
        if lacking:
            raise ConfigError(f"{venue}: {', '.join(lacking)} left empty")
        if way.way == "oauth":
            return self.row(venue, self._ask_upstox(fields, redirect_uri))
        async with self._http(venue) as (http, bases):
            made = await self._with_fields(way.way, http, bases, fields)
        return self._keep(made)

    async def redirected(self, code: str, state: str) -> LoginRow:
        """Finish an Upstox login with what its redirect brought.

        Raises
        ------
        ConfigError
            This server did not ask for it, or too long ago.
        VenueError
            Upstox refuses the code.
        """
        pending = self._pending.pop(state, None)
        if pending is None or pending.until_ns < self._now_ns() or not code:
            raise ConfigError("this login was not begun here, or too long ago: begin it anew on footloom's page")
        async with self._http("upstox") as (http, bases):
            made = await login.upstox_oauth(
                http,
                bases,
                api_key=pending.fields["api_key"],
                api_secret=pending.fields["api_secret"],
                redirect_uri=pending.redirect_uri,
                code=code,
                now_ns=self._now_ns(),
            )
        return self._keep(made)

    def _ask_upstox(self, fields: Mapping[str, str], redirect_uri: str) -> str:
        now_ns = self._now_ns()
        self._pending = {state: one for state, one in self._pending.items() if one.until_ns >= now_ns}
        while len(self._pending) >= _MOST_PENDING:
            del self._pending[next(iter(self._pending))]
        state = login.new_state()
        self._pending[state] = _Pending(dict(fields), redirect_uri, now_ns + _PENDING_NS)
        bases = bases_of("upstox", upstox.BASES, self._settings)
        return login.upstox_dialog(bases, fields["api_key"], redirect_uri, state)

    async def _with_fields(
        self, way: str, http: Http, bases: Any, fields: Mapping[str, str]
    ) -> credentials.Credentials:
        if way == "analytics":
            return await login.upstox_analytics(http, bases, fields["token"], now_ns=self._now_ns())
        return await login.angelone_login(
            http,
            bases,
            api_key=fields["api_key"],
            client_code=fields["client_code"],
            pin=fields["pin"],
            totp_secret=fields["totp_secret"],
            now_ns=self._now_ns(),
        )

    def _keep(self, made: credentials.Credentials) -> LoginRow:
        credentials.save(made, self._settings.folder)
        self.on_login(made.venue, made.values)
        return self.row(made.venue)

    def _http(self, venue: str) -> _Opened:
        module = _MODULES[venue]
        return _Opened(Http(module.BUDGETS), bases_of(venue, module.BASES, self._settings))


@dataclass(slots=True)
class _Opened:
    """A client for one login."""

    http: Http
    bases: Any

    async def __aenter__(self) -> tuple[Http, Any]:
        return self.http, self.bases

    async def __aexit__(self, *_: object) -> None:
        await self.http.aclose()
