"""HTTP answers that are made while they are sent: nothing waits in memory, and who goes away stops the work."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import weakref
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping
from typing import Any

from litestar.types import Receive, Scope, Send

__all__ = ("ALIVE_S", "Flow", "end_streams", "worked_out")

_LOG = logging.getLogger(__name__)
ALIVE_S = 15.0  # endless answers say something so often: proxies cut connections that are silent
_STALL_S = 30.0  # a reader that takes nothing for so long is given up

_END: Any = {"type": "http.response.body", "body": b"", "more_body": False}

_STREAMS: weakref.WeakSet[asyncio.Task[None]] = weakref.WeakSet()

Run = Callable[..., Awaitable[Any]]


class Flow:
    """An ASGI answer of pieces; the next one is asked for when the connection has taken the last.

    Parameters
    ----------
    pieces
        Closed when the client goes away, or takes nothing for ``stall_s`` seconds.
    media_type, headers
        What the answer is.
    closing
        Called in the end, also where no piece was ever asked for: a generator that has not begun cleans nothing up.
    endless
        It may end anywhere, and does when the server stops (`end_streams`). Else a part of it is cut off, so that
        nobody takes it for the whole.
    """

    def __init__(
        self,
        pieces: AsyncGenerator[bytes, None],
        media_type: str,
        headers: Mapping[str, str] | None = None,
        *,
        closing: Callable[[], Awaitable[None]] | None = None,
        endless: bool = False,
        stall_s: float = _STALL_S,
    ) -> None:
        self._pieces = pieces
        self._closing = closing
        self._endless = endless
        self._stall_s = stall_s
        named = {"content-type": media_type, "cache-control": "no-store", **(headers or {})}
        self._headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in named.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - as ASGI calls it
        """Send the answer."""
        sending = asyncio.create_task(self._send(send))
        leaving = asyncio.create_task(_gone(receive))
        if self._endless:
            _STREAMS.add(sending)
        try:
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if sending.cancelled():
                await send(_END)
        finally:
            for task in (sending, leaving):
                task.cancel()
            await asyncio.gather(sending, leaving, return_exceptions=True)
            await self._pieces.aclose()
            if self._closing is not None:
                await self._closing()

    # The status is sent already: what goes wrong now can only be written down, and the answer be left without its end.
    async def _send(self, send: Send) -> None:
        start: Any = {"type": "http.response.start", "status": 200, "headers": self._headers}
        await send(start)
        try:
            async for piece in self._pieces:
                async with asyncio.timeout(self._stall_s):
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
        except TimeoutError:
            _LOG.warning("a client took nothing of its answer for %s s: dropped", self._stall_s)
        except Exception:  # noqa: BLE001 - whatever the store or a fold raises
            _LOG.exception("an answer could not be made to its end")
        else:
            await send(_END)


def end_streams() -> None:
    """End every answer that would else go on for ever, in order: the server stops."""
    for task in list(_STREAMS):
        task.cancel()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def worked_out(run: Run, pieces: Iterator[bytes]) -> AsyncGenerator[bytes, None]:
    """Yield what blocking work makes, a piece at a time, off the event loop.

    ``run`` runs one step of it elsewhere. A step that is under way when the reader goes away is waited for.
    """
    try:
        while True:
            step = asyncio.ensure_future(run(next, pieces, None))
            try:
                piece = await asyncio.shield(step)
            except asyncio.CancelledError:
                with contextlib.suppress(Exception):
                    await step
                raise
            if piece is None:
                return
            yield piece
    finally:
        close = getattr(pieces, "close", None)
        if close is not None:
            await asyncio.shield(asyncio.ensure_future(run(close)))
