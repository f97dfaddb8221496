"""Imports and fetches as jobs, and the files that are sent to be imported."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, delete, get, post, put
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example
from litestar.params import BodyKwarg, PathParameter
from litestar.types import ASGIApp

from footloom.errors import ConfigError
from footloom.server.rest.chores import FetchAsk, ImportAsk, fetch_work, import_work
from footloom.server.rest.flowing import ALIVE_S, Flow
from footloom.server.rest.jobs import Job
from footloom.server.rest.uploads import Upload, inside
from footloom.server.routes.parameters import State, failures

__all__ = (
    "job",
    "job_events",
    "jobs",
    "start_fetch",
    "start_import",
    "stop_job",
    "upload",
    "upload_removed",
    "uploads",
)

_TELL_S = 0.25
JobId = Annotated[
    str, PathParameter(description="the id that the job was given", examples=[Example(value="9f86d081884c7d65")])
]
FileName = Annotated[
    str,
    PathParameter(
        description="the file's name: its format and symbol are read from it",
        examples=[Example(value="BTCUSDT-trades-2024-08-08.zip")],
    ),
]


@post(
    "/api/v1/jobs/import",
    summary="Start an import",
    tags=["jobs"],
    status_code=202,
    responses=failures(404, 409, 415),
)
async def start_import(
    rest: State,
    data: Annotated[
        ImportAsk,
        BodyKwarg(
            examples=[Example(summary="a file that was sent", value={"uploads": ["BTCUSDT-trades-2024-08-08.zip"]})]
        ),
    ],
) -> Response[Job]:
    """Import files that were sent, or that lie in the import folder; the answer is the job, which works on its own."""
    if not data.files and not data.uploads:
        raise ConfigError(
            "there is nothing to import: name files of the import folder in files, or sent ones in uploads"
        )
    folder = rest.settings.import_folder
    named = await asyncio.to_thread(lambda: [inside(folder, name) for name in data.files])
    sent = [rest.uploads.path(name) for name in data.uploads]
    folders = [path.parent for path in sent] + ([folder.resolve()] if folder else [])
    work = await asyncio.to_thread(import_work, data, [*named, *sent], folders)
    held = list(dict.fromkeys(data.uploads))
    for name in held:
        rest.uploads.hold(name)

    def ended() -> None:
        for name in held:
            rest.uploads.release(name)
        rest.reread()

    try:
        started = rest.jobs.start("import", _asked(data), work, ended)
    except BaseException:
        for name in held:
            rest.uploads.let_go(name)
        raise
    return _accepted(started)


@post(
    "/api/v1/jobs/fetch",
    summary="Start a fetch",
    tags=["jobs"],
    status_code=202,
    responses=failures(415),
)
async def start_fetch(
    rest: State,
    data: Annotated[FetchAsk, BodyKwarg(examples=[Example(value={"symbols": ["binance_usdm:BTCUSDT"], "days": 2})])],
) -> Response[Job]:
    """Fetch the past of symbols from their venues; what is stored already is not fetched again."""
    work = await asyncio.to_thread(fetch_work, data, rest.settings, time.time_ns())
    return _accepted(rest.jobs.start("fetch", _asked(data), work, rest.reread))


def _asked(data: msgspec.Struct) -> dict[str, Any]:
    defaults = {field.name: field.default for field in msgspec.structs.fields(type(data))}
    said: dict[str, Any] = msgspec.to_builtins(data)
    return {name: value for name, value in said.items() if value != defaults.get(name) and value != []}


def _accepted(started: Job) -> Response[Job]:
    headers = {"location": f"/api/v1/jobs/{started.id}", "cache-control": "no-store"}
    return Response(started, status_code=202, headers=headers)


@get("/api/v1/jobs", summary="All jobs", tags=["jobs"])
async def jobs(rest: State) -> list[Job]:
    """List the jobs since the server started, the newest first; the last hundred are remembered."""
    return rest.jobs.list()


@get("/api/v1/jobs/{job_id:str}", summary="One job", tags=["jobs"], responses=failures(404))
async def job(rest: State, job_id: JobId) -> Job:
    """Return a job as it stands: its state, how far it has come, and in the end its report."""
    return rest.jobs.get(job_id)


@delete("/api/v1/jobs/{job_id:str}", summary="Stop a job", tags=["jobs"], status_code=200, responses=failures(404))
async def stop_job(rest: State, job_id: JobId) -> Job:
    """Tell a job to stop; what it stored stays, and the same job again goes on from there.

    One that has ended stays as it is.
    """
    return rest.jobs.stop(job_id)


@get(
    "/api/v1/jobs/{job_id:str}/events",
    summary="One job, as it goes on",
    tags=["jobs"],
    responses={200: ResponseSpec(str, media_type="text/event-stream", description="An event `job` for each change.")}
    | failures(404),
)
async def job_events(rest: State, job_id: JobId) -> ASGIApp:
    """Tell of a job whenever something is new (at most four times a second) until it has ended: server-sent events.

    Each event is named ``job``; its data is the job as ``GET /api/v1/jobs/{id}`` answers it.
    """
    rest.jobs.get(job_id)
    return Flow(_told(rest, job_id), "text/event-stream", {"x-accel-buffering": "no"}, endless=True)


async def _told(rest: State, job_id: str) -> AsyncGenerator[bytes, None]:
    async with contextlib.aclosing(rest.jobs.follow(job_id, ALIVE_S)) as following:
        async for one in following:
            yield b": alive\n\n" if one is None else b"event: job\ndata: " + msgspec.json.encode(one) + b"\n\n"
            if one is not None and one.ended is None:
                await asyncio.sleep(_TELL_S)


@get("/api/v1/uploads", summary="Files that wait to be imported", tags=["jobs"])
async def uploads(rest: State) -> list[Upload]:
    """List the files that were sent and are not imported yet; an import takes its files away in the end."""
    return rest.uploads.list()


@put(
    "/api/v1/uploads/{name:str}",
    summary="Send a file",
    tags=["jobs"],
    status_code=201,
    request_max_body_size=None,
    responses=failures(409, 413, 504),
)
async def upload(request: Request[Any, Any, Any], rest: State, name: FileName) -> Upload:
    """Keep the body as a file to be imported: ``curl -T FILE SERVER/api/v1/uploads/``.

    The server's setting ``max_upload`` bounds what waits together. A file that arrives in part is not kept.
    """
    return await rest.uploads.take(name, _chunks(request), request.content_length)


# A client that goes away in the middle ends its file: what has come is then less than was announced.
async def _chunks(request: Request[Any, Any, Any]) -> AsyncIterator[bytes]:
    while True:
        event = await request.receive()
        if event["type"] != "http.request":
            raise ConfigError("the file was cut off: the client went away before it was whole; send it again")
        if event["body"]:
            yield event["body"]
        if not event.get("more_body", False):
            return


@delete(
    "/api/v1/uploads/{name:str}",
    summary="Take a sent file away",
    tags=["jobs"],
    status_code=200,
    responses=failures(404, 409),
)
async def upload_removed(rest: State, name: FileName) -> Upload:
    """Take a file away that waits to be imported."""
    return rest.uploads.remove(name)
