"""The end of an OAuth login: a listener on this computer that the browser is sent back to, or a pasted address."""

from __future__ import annotations

import asyncio
import hmac
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urlsplit

from footloom.errors import ConfigError, VenueError

__all__ = ("Listener", "code_of")

_LOOPBACK = ("127.0.0.1", "localhost")
_LONGEST = 16_384
_READ_S = 10.0
_PAGE = b"<!doctype html><meta charset=utf-8><title>footloom</title><p>%s</p>"
_THANKS, _NOT_OURS = b"Logged in. This page may be closed.", b"This is not the login that footloom waits for."


def code_of(address: str, state: str) -> str:
    """Return the code in an address that the broker sent the browser to.

    Raises
    ------
    ConfigError
        It has no code, or is the answer to another login.
    VenueError
        The broker says that access was refused.
    """
    asked = parse_qs(urlsplit(address.strip()).query)
    code, brought = asked.get("code", [""])[0], asked.get("state", [""])[0]
    if not hmac.compare_digest(brought.encode(), state.encode()):
        raise ConfigError(
            "that address belongs to another login (its state differs): open the new link and log in there"
        )
    if asked.get("error"):
        raise VenueError(f"the broker did not give access: {asked['error'][0][:100]}")
    if not code:
        raise ConfigError("that address has no code: paste the whole address of the page that the login ended on")
    return code


class Listener:
    """Waits on the loopback address of ``redirect_uri`` for the browser, as an async context manager.

    Parameters
    ----------
    redirect_uri
        As it stands in the app's settings at the broker: ``http://127.0.0.1:PORT/PATH``; port 0 takes a free one.
    state
        What the redirect has to bring back.

    Raises
    ------
    ConfigError
        The address is not of this computer, or its port is taken.
    """

    def __init__(self, redirect_uri: str, state: str) -> None:
        parts = urlsplit(redirect_uri)
        if parts.scheme != "http" or parts.hostname not in _LOOPBACK:
            raise ConfigError(
                f"{redirect_uri} is not on this computer: the app needs a redirect such as http://127.0.0.1:8765/up, "
                "or paste the address that the login ends on"
            )
        self._port, self._path, self._state = parts.port or 80, parts.path or "/", state
        self._port = 0 if parts.port == 0 else self._port
        self._found: asyncio.Future[str] | None = None
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        """Listen."""
        self._found = asyncio.get_running_loop().create_future()
        try:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port, limit=_LONGEST)
        except OSError as error:
            raise ConfigError(
                f"cannot wait for the login on port {self._port}: {error.strerror}. Close the program that has it, "
                "or paste the address that the login ends on"
            ) from None
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    @property
    def port(self) -> int:
        """The port that is listened on."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    async def code(self, timeout_s: float = 300.0) -> str:
        """Return the code, once the browser has brought it.

        Raises
        ------
        VenueError
            Nobody logged in for so long, or access was refused.
        """
        assert self._found is not None
        try:
            return await asyncio.wait_for(asyncio.shield(self._found), timeout_s)
        except TimeoutError:
            raise VenueError(f"nobody logged in within {timeout_s:.0f} s: run footloom login again") from None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_READ_S):
                head = await reader.readuntil(b"\r\n\r\n")
                status, page = self._answer(head)
                body = _PAGE % page
                start = b"HTTP/1.1 %s\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: %d\r\n" % (
                    status,
                    len(body),
                )
                writer.write(start + b"Cache-Control: no-store\r\nConnection: close\r\n\r\n" + body)
                await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError, ConnectionError):
            pass  # no browser
        finally:
            writer.close()

    def _answer(self, head: bytes) -> tuple[bytes, bytes]:
        words = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
        if len(words) != 3 or words[0] != "GET" or urlsplit(words[1]).path != self._path:
            return b"404 Not Found", _NOT_OURS
        assert self._found is not None
        try:
            code = code_of(words[1], self._state)
        except ConfigError:
            return b"400 Bad Request", _NOT_OURS
        except VenueError as error:
            if not self._found.done():
                self._found.set_exception(error)
            return b"200 OK", b"Access was refused. This page may be closed."
        if not self._found.done():
            self._found.set_result(code)
        return b"200 OK", _THANKS
