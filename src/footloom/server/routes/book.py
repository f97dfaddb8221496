"""The order book at an instant."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request, Response, get
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import QueryParameter

from footloom.server.rest.work import while_connected
from footloom.server.routes.parameters import JSON, MAX_NS, Key, Shared, State, failures, key_of
from footloom.server.stored.depth import BookReply, book_body, rows_like
from footloom.server.stored.tasks import Task

__all__ = ("book",)


@get(
    "/api/v1/book",
    summary="The order book at an instant",
    tags=["data"],
    responses={200: ResponseSpec(BookReply, description="The book.")} | failures(404, 413, 422, 504),
)
async def book(
    request: Request[Any, Any, Any],
    services: Shared,
    rest: State,
    symbol: Key,
    at_ns: Annotated[
        int | None,
        QueryParameter(description="ns since 1970 UTC, a time of our receipt; left out, the newest", ge=0, lt=MAX_NS),
    ] = None,
    levels: Annotated[int, QueryParameter(description="how many a side are listed, the best", ge=1, le=5_000)] = 50,
) -> Response[bytes]:
    """Rebuild the book from stored depth: the last snapshot, and every change up to the instant, by our receipt.

    Left out, ``at_ns`` is the newest that is stored. Where depth has a hole the answer is 404 and says where: nothing
    is guessed. ``stands_on`` tells what the book was made of.
    """
    key, store = key_of(symbol), services.history.store
    task = Task(book_body, (key, at_ns, levels))

    async def made() -> bytes:
        rows = await rest.work.run(lambda: rows_like(store, key, at_ns))
        return await rest.work.run(lambda: rest.aside.make(task, rows), large=rest.aside.is_large(rows))

    return Response(await while_connected(request, made()), media_type=JSON)
