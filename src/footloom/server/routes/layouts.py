"""Named chart layouts."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from litestar import Request, Response, delete, get, put
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example
from litestar.params import PathParameter

from footloom.errors import ConfigError
from footloom.server.rest.layouts import MOST_BYTES, LayoutRow
from footloom.server.routes.parameters import JSON, State, failures

__all__ = ("delete_layout", "layout", "layouts", "save_layout")

LayoutName = Annotated[
    str,
    PathParameter(description="1 to 100 printable characters, percent-encoded", examples=[Example(value="morning")]),
]


@get("/api/v1/layouts", summary="All layouts", tags=["layouts"])
async def layouts(rest: State) -> list[LayoutRow]:
    """List the layouts by name, without their documents."""
    return await asyncio.to_thread(rest.layouts.list)


@get(
    "/api/v1/layouts/{name:str}",
    summary="One layout",
    tags=["layouts"],
    responses={200: ResponseSpec(dict[str, Any], description="The document, as it was sent.")} | failures(404),
)
async def layout(request: Request[Any, Any, Any], rest: State, name: LayoutName) -> Response[bytes]:
    """Return a layout's document, byte for byte as it was saved; its ``ETag`` is what ``If-Match`` takes."""
    found = await asyncio.to_thread(rest.layouts.load, name)
    headers = {"etag": found.row.etag, "cache-control": "no-cache"}
    named = {part.strip().removeprefix("W/") for part in request.headers.get("if-none-match", "").split(",")}
    if named & {found.row.etag, "*"}:
        return Response(b"", status_code=304, headers=headers, media_type=JSON)
    return Response(found.document, headers=headers, media_type=JSON)


@put(
    "/api/v1/layouts/{name:str}",
    summary="Save a layout",
    tags=["layouts"],
    status_code=200,
    request_max_body_size=MOST_BYTES,
    opt={JSON: True},
    responses=failures(409, 413, 415),
)
async def save_layout(request: Request[Any, Any, Any], rest: State, name: LayoutName) -> Response[LayoutRow]:
    """Keep a JSON object under a name, in place of what was there; at most 256 kB, and 500 layouts.

    With ``If-Match`` (an ETag, or ``*``) only where nobody has changed it since; with ``If-None-Match: *`` only where
    there is none yet.
    """
    document = await request.body()
    row, is_new = await asyncio.to_thread(rest.layouts.save, name, document, _expected(request))
    return Response(row, status_code=201 if is_new else 200, headers={"etag": row.etag})


@delete(
    "/api/v1/layouts/{name:str}",
    summary="Delete a layout",
    tags=["layouts"],
    status_code=204,
    responses=failures(404, 409),
)
async def delete_layout(request: Request[Any, Any, Any], rest: State, name: LayoutName) -> None:
    """Take a layout away; with ``If-Match`` only where nobody has changed it since."""
    await asyncio.to_thread(rest.layouts.delete, name, _expected(request))


def _expected(request: Request[Any, Any, Any]) -> str | None:
    match, none = request.headers.get("if-match"), request.headers.get("if-none-match")
    if none is not None and none.strip() != "*":
        raise ConfigError(f"If-None-Match {none[:80]!r} is not understood here: write *, or leave it out")
    return "-" if none is not None else None if match is None else match.strip()
