"""HTTP to venues: within their rate limits, patient with their faults, and silent about our secrets."""

from __future__ import annotations

import asyncio
import contextlib
import email.utils
import functools
import importlib.metadata
import logging
import os
import random
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx

from footloom.errors import RateLimited, Refused, Unreachable, VenueError
from footloom.feeds._budgets import Budget, Spent
from footloom.feeds._partial_file import PartialFile
from footloom.feeds._secrets import scrubbed, without_query
from footloom.venues._venue import Request

__all__ = ("Http", "Timing")

_LOG = logging.getLogger(__name__)

_ATTEMPTS = 5
_BACKOFF_S, _LONGEST_BACKOFF_S = 0.5, 15.0
_LONGEST_WAIT_S = 120.0  # a Retry-After above it is an answer to the caller, not a wait
_UNSAID_S = 10.0  # a 429 without a Retry-After
_WHOLE_S = 120.0  # one call, with all of its body
_MAX_BYTES = 256 * 2**20
_MAX_FILE_BYTES = 16 * 2**30
_SHOWN = 300
_TIMEOUT = httpx.Timeout(20.0, connect=10.0, pool=None)
_trusted = functools.cache(httpx.create_ssl_context)  # reading who is trusted holds the event loop for 20 ms
_OWN_MACHINE = ("all://127.0.0.1", "all://localhost", "all://[::1]")  # no proxy leads there

Progress = Callable[[int, int | None], None]


@dataclass(frozen=True)
class Timing:
    """The clocks and the chance that waiting is made of; tests bring their own."""

    now: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    jitter: Callable[[], float] = random.random


class _Again(Exception):
    """A fault that may pass; ``wait_s`` where the venue said for how long."""

    def __init__(self, said: str, wait_s: float | None = None, *, limited: bool = False) -> None:
        super().__init__(said)
        self.wait_s = wait_s
        self.limited = limited


class Http:
    """Calls over HTTP/1.1 with pooled connections; certificates are checked, redirects are not followed.

    Parameters
    ----------
    budgets
        Rate limits by name: weight, seconds. A budget that is not named has no limit but obeys the venue's stops.
    timing
        Clocks.
    timeout
        Of connecting, reading and writing, where the usual is not wanted.
    tell
        Called with words when a call has to wait for longer than a moment, so that we keep a limit.
    """

    def __init__(
        self,
        budgets: Mapping[str, tuple[int, float]],
        *,
        timing: Timing | None = None,
        timeout: httpx.Timeout = _TIMEOUT,
        tell: Callable[[str], None] = _LOG.info,
    ) -> None:
        self._timing = timing or Timing()
        self._tell = tell
        self._budgets = {name: Budget(*limit, self._timing.now) for name, limit in budgets.items()}
        self._client = httpx.AsyncClient(
            verify=_trusted(),
            timeout=timeout,
            follow_redirects=False,
            headers={"User-Agent": f"footloom/{importlib.metadata.version('footloom')}"},
            limits=httpx.Limits(max_connections=16, max_keepalive_connections=8),
            mounts=dict.fromkeys(_OWN_MACHINE),
        )

    async def get(self, request: Request, *, share: float = 1.0, max_bytes: int = _MAX_BYTES) -> bytes:
        """Make a call (its method may be another than GET) and return the body of the answer.

        ``share`` is how much of the rate limit the call may fill, 0 to 1: the past leaves room for repairs. Faults that
        may pass are tried again where the call only asks (GET), a limit of short term is waited for.

        Raises
        ------
        RateLimited
            The venue wants no calls for longer than a call should wait.
        Refused
            The answer is no success, or longer than ``max_bytes``.
        Unreachable
            There was no answer, as often as it was tried.
        """
        for attempt in range(_ATTEMPTS):
            try:
                async with self._counted(request, share), asyncio.timeout(_WHOLE_S), self._ask(request) as response:
                    return await _body(response, request, max_bytes)
            except (_Again, TimeoutError, httpx.TransportError, httpx.DecodingError) as fault:
                await self._after_fault(request, fault, attempt)
        raise AssertionError  # the last fault was raised

    async def download(
        self, url: str, path: Path, on_progress: Progress | None = None, *, budget: str = "archive"
    ) -> str:
        """Fetch a file under its name, whole or not at all, and return its SHA-256 as hex.

        It grows beside ``path`` as ``.part``; a later call goes on where an earlier one broke off, if the file is still
        the same at the venue. ``on_progress`` is told how many bytes there are, and of how many.

        Raises
        ------
        RateLimited, Refused, Unreachable
            As with `get`; status 404 where there is no such file.
        """
        part = PartialFile(path)
        attempt = 0
        while True:
            request = Request(url=url, headers=part.headers(), budget=budget)
            before = part.size
            try:
                async with self._counted(request, 1.0), self._ask(request, allowed=(206, 416)) as response:
                    await self._take(response, part, request, on_progress)
                return await asyncio.to_thread(part.finish)
            except (_Again, TimeoutError, httpx.TransportError) as fault:
                attempt = 0 if part.size > before else attempt  # it came further: not stuck
                await self._after_fault(request, fault, attempt)
                attempt += 1
            finally:
                part.close()

    async def date_ns(self, url: str) -> int | None:
        """Return the time of a server by the head of its answer (ns UTC, whole seconds); None where it says none.

        What else it answers does not matter.

        Raises
        ------
        Unreachable
            There was no answer.
        """
        try:
            response = await self._client.head(url)
            return int(email.utils.parsedate_to_datetime(response.headers.get("Date", "")).timestamp()) * 10**9
        except httpx.TransportError as error:
            raise Unreachable(f"HEAD {without_query(url)}: {_of_system(error) or type(error).__name__}") from None
        except (ValueError, TypeError):
            return None

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    # Wait until the call may be made, and count it until it is over.
    @contextlib.asynccontextmanager
    async def _counted(self, request: Request, share: float) -> AsyncIterator[None]:
        budget, spent = self._budget(request), await self._turn(request, share)
        try:
            yield
        finally:
            budget.done(spent)

    async def _turn(self, request: Request, share: float) -> Spent:
        budget = self._budget(request)
        while True:
            if budget.stopped_s > 0:
                raise RateLimited(
                    f"{_named(request)}: no calls for another {budget.stopped_s:.0f} s, since {budget.why_stopped}",
                    budget.stopped_s,
                )
            wait_s = budget.wait_s(request.weight, share)
            if wait_s <= 0:
                return budget.spend(request.weight)
            if wait_s > 5:
                self._tell(
                    f"{_named(request)} waits {wait_s:.0f} s: what the venue allows ({request.budget}) is used up"
                )
            await self._timing.sleep(wait_s)

    def _budget(self, request: Request) -> Budget:
        return self._budgets.setdefault(request.budget, Budget(2**62, 1.0, self._timing.now))

    # One answer that is a success; everything else is an exception.
    @contextlib.asynccontextmanager
    async def _ask(self, request: Request, allowed: tuple[int, ...] = ()) -> AsyncIterator[httpx.Response]:
        stream = self._client.stream(
            request.method,
            request.url,
            params=request.params or None,
            headers=list(request.headers),
            content=request.body or None,
        )
        try:
            async with stream as response:
                await self._check(response, request, allowed)
                yield response
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise VenueError(f"{_named(request)}: this is no address: {error}; check --endpoint") from None

    async def _check(self, response: httpx.Response, request: Request, allowed: tuple[int, ...]) -> None:
        budget = self._budget(request)
        used = response.headers.get("X-MBX-USED-WEIGHT-1M", "")
        if used.isdigit() and budget.window_s == 60:
            budget.told(int(used))
        status = response.status_code
        if response.is_success or status in allowed:
            budget.answered()
            return
        text = await _beginning(response, request)
        said = f"{_named(request)} answered {status} {response.reason_phrase}".rstrip() + (f": {text}" if text else "")
        wait_s = self._retry_after(response)
        if status in {418, 403}:
            self._stop(request, said, wait_s, status, text)
        if status == 429 or (status >= 500 and wait_s is not None):
            self._pause(budget, said, status, _UNSAID_S if wait_s is None else wait_s)
        if status >= 500 or status == 408:
            raise _Again(said)
        raise Refused(said, status, text)

    def _pause(self, budget: Budget, said: str, status: int, wait_s: float) -> None:
        if wait_s > _LONGEST_WAIT_S:
            budget.stop(wait_s, f"it answered {status}")
            raise RateLimited(f"{said}; it wants no calls for {wait_s:.0f} s", wait_s)
        budget.pause(wait_s)
        _LOG.warning("%s; the next call waits %.0f s", said, wait_s)
        raise _Again(said, wait_s, limited=status == 429)

    # Who goes on asking is banned for longer.
    def _stop(self, request: Request, said: str, wait_s: float | None, status: int, text: str) -> None:
        if status == 403 and wait_s is None and request.budget == "archive":
            return  # how some archives say that there is no such file
        stopped_s = self._budget(request).stop(wait_s, f"it answered {status}")
        message = f"{said}; no calls of this kind are made for {stopped_s:.0f} s"
        _LOG.warning("%s", message)
        if status == 418:
            raise RateLimited(message, stopped_s)
        raise Refused(message, status, text)

    def _retry_after(self, response: httpx.Response) -> float | None:
        text = response.headers.get("Retry-After", "").strip()
        if text.isdigit():
            return float(text)
        try:
            return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - self._timing.wall())
        except (ValueError, TypeError):
            return None

    async def _after_fault(self, request: Request, fault: Exception, attempt: int) -> None:
        said = str(fault) if isinstance(fault, _Again) else f"{_named(request)}: {_fault_text(fault, request)}"
        if _is_distrust(fault):
            raise Unreachable(
                f"{said}: the server's certificate is not trusted; check this machine's clock, and who stands between"
            ) from None
        never_sent = isinstance(fault, httpx.ConnectError | httpx.ConnectTimeout)
        if attempt + 1 >= _ATTEMPTS or not (request.method == "GET" or never_sent):
            said += f", tried {attempt + 1} times" if attempt else ""
            if isinstance(fault, _Again) and fault.limited:
                raise RateLimited(f"{said}: it wants fewer calls; try again later", fault.wait_s or 0.0) from None
            raise Unreachable(f"{said}: check the network, or the venue's status page") from None
        longest_s = min(_BACKOFF_S * 2**attempt, _LONGEST_BACKOFF_S)
        _LOG.info("%s; trying again", said)
        await self._timing.sleep(longest_s * (0.5 + 0.5 * self._timing.jitter()))

    async def _take(
        self, response: httpx.Response, part: PartialFile, request: Request, on_progress: Progress | None
    ) -> None:
        status, headers = response.status_code, response.headers
        if status == 416 and part.is_whole(headers):
            return
        if status == 416 or (status == 206 and not part.goes_on(headers)):
            part.restart()
            raise _Again(f"{_named(request)}: the rest of the file does not fit what is here of it")
        total = part.append(headers) if status == 206 else part.begin(headers)
        # As it is on the disk of the venue: an encoding of the transport would change the sum.
        async for chunk in response.aiter_raw(2**18):
            part.write(chunk)
            if part.size > _MAX_FILE_BYTES:
                raise Refused(f"{_named(request)}: more than {_MAX_FILE_BYTES:,} bytes, which is no archive file", 200)
            if on_progress is not None:
                on_progress(part.size, total)
        if total is not None and part.size != total:
            raise _Again(f"{_named(request)}: {part.size:,} of {total:,} bytes came")


async def _body(response: httpx.Response, request: Request, max_bytes: int) -> bytes:
    pieces, size = [], 0
    async for piece in response.aiter_bytes():
        size += len(piece)
        if size > max_bytes:
            raise Refused(f"{_named(request)}: the answer is longer than {max_bytes:,} bytes", response.status_code)
        pieces.append(piece)
    return b"".join(pieces)


async def _beginning(response: httpx.Response, request: Request) -> str:
    begun = b""
    with contextlib.suppress(httpx.TransportError, httpx.DecodingError):
        async for piece in response.aiter_bytes():
            begun += piece
            if len(begun) > 4 * _SHOWN:
                break
    text = " ".join(scrubbed(begun.decode("utf-8", "replace"), request).split())
    if text.startswith("<"):
        return "a web page, no answer of its API"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _named(request: Request) -> str:
    return f"{request.method} {without_query(request.url)}"


def _is_distrust(fault: BaseException | None) -> bool:
    while fault is not None:
        if isinstance(fault, ssl.SSLCertVerificationError):
            return True
        fault = fault.__cause__ or fault.__context__
    return False


def _fault_text(fault: Exception, request: Request) -> str:
    if isinstance(fault, httpx.ConnectTimeout):
        return "no connection within the time allowed"
    if isinstance(fault, httpx.TimeoutException | TimeoutError):
        return "no answer within the time allowed"
    return _of_system(fault) or scrubbed(str(fault), request) or type(fault).__name__


# "All connection attempts failed" hides what the system said: refused, unreachable, reset. What TLS says has a number
# of its own, which is none of the system's.
def _of_system(fault: BaseException | None) -> str:
    while fault is not None and not isinstance(fault, ssl.SSLError):
        if isinstance(fault, OSError) and fault.errno is not None and fault.errno > 0:
            return os.strerror(fault.errno)
        fault = fault.__cause__ or fault.__context__
    return ""
