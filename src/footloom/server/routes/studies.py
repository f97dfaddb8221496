"""Studies: which there are, how they are set, and what they say of a range."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
from litestar import Request, Response, get
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example
from litestar.params import PathParameter, QueryParameter

from footloom.core.footprint import Footprint
from footloom.engine.studies import StudyFold
from footloom.notebook.study import StudyResult
from footloom.server.rest.answers import Answer, Making, serve_answer
from footloom.server.routes.charts import FRAME_TYPE
from footloom.server.routes.kinds import schema_of
from footloom.server.routes.parameters import (
    JSON,
    MAX_NS,
    Limit,
    Ns,
    Settings,
    Shared,
    State,
    Wanted,
    check_rows,
    check_span,
    failures,
    json_object,
)
from footloom.server.stored.history import ChartKey, History
from footloom.server.stored.joined import state_of
from footloom.server.stored.reach import bar_length_ns
from footloom.server.stored.studied import studied
from footloom.server.stored.tasks import Task
from footloom.server.wire.studies import Told, encode_studies
from footloom.studies import Answer as Said
from footloom.studies import Life, find_study, study_names

__all__ = ("OutputRow", "StudyReply", "StudyRow", "studies", "study_values")


class OutputRow(msgspec.Struct, frozen=True):
    """One thing that a study says, how it wants to be drawn, and in which columns it stands."""

    name: str
    title: str
    kind: str
    unit: str
    columns: Sequence[str]
    life: Life | None = None
    bits: Sequence[int] = ()


class StudyRow(msgspec.Struct, frozen=True):
    """One study; ``params`` is the JSON schema of its settings: ranges, units, choices and defaults."""

    name: str
    title: str
    about: str
    params: dict[str, Any]
    outputs: Sequence[OutputRow]


class StudyReply(msgspec.Struct, frozen=True):
    """What a study says of the bars of a range.

    ``bars`` has one row a bar: its times and the study's columns; ``events`` one an event, with the times of the bar at
    whose close it is known; ``cells`` one a level, where the study speaks of levels. Prices and quantities are exact
    decimal text, times ns UTC as text, undefined is null. ``params`` are the settings, every default filled in.
    """

    chart: dict[str, Any]
    study: str
    params: dict[str, Any]
    bars: Sequence[dict[str, Any]]
    events: Sequence[dict[str, Any]]
    cells: Sequence[dict[str, Any]]
    has_more: bool


@get("/api/v1/studies", summary="All studies and their settings", tags=["studies"])
async def studies() -> list[StudyRow]:
    """List the studies that can be asked for, those of outside packages too."""
    return [_described(name) for name in study_names()]


def _described(name: str) -> StudyRow:
    study = find_study(name)
    outputs = [
        OutputRow(one.name, one.title, one.kind, one.unit, one.columns, one.life, one.bits) for one in study.OUTPUTS
    ]
    about = (getattr(study, "__doc__", None) or "").strip().partition("\n\n")[0]
    return StudyRow(name, study.TITLE, about, schema_of(study.Params), outputs)


@get(
    "/api/v1/studies/{name:str}",
    summary="What a study says of a range",
    tags=["studies"],
    responses={200: ResponseSpec(StudyReply, description="The study's columns and events.")}
    | failures(404, 413, 416, 422, 504),
)
async def study_values(  # noqa: PLR0913, PLR0917 - one argument a query parameter
    request: Request[Any, Any, Any],
    services: Shared,
    rest: State,
    chart: Wanted,
    name: Annotated[
        str, PathParameter(description="a name of /api/v1/studies", examples=[Example(value="value_area")])
    ],
    params: Settings = "{}",
    from_ns: Ns = None,
    to_ns: Ns = None,
    limit: Limit = 300,
    cells: Annotated[bool, QueryParameter(description="also what it says of levels")] = False,  # noqa: FBT002
    format: Annotated[  # noqa: A002 - the parameter's name
        Literal["json", "binary"], QueryParameter(description="binary: a frame of studies, as a chart is sent them")
    ] = "json",
) -> Response[Any]:
    """Return the newest bars of a range with what a study says of them; its answers are those of the whole tape.

    As a binary frame its columns are whole ticks and lots, under its own name as label; page back with ``to_ns`` of the
    oldest bar's ``open_ns`` until no bar comes. More bars than ``max_history_bars`` never come at once.
    """
    check_span(from_ns, to_ns)
    most = min(limit, rest.most_bars)  # who wants older ones pages back
    settings = json_object(params, '{"k":3}')
    history = services.history

    def prepare() -> Making:
        fold = StudyFold(name, settings)
        key = history.resolve(chart)
        begin_ns = from_ns if from_ns is not None and not fold.study.warmup(fold.params) else 0
        beside = [one for one in fold.companions if one != key.key]
        rows = sum(
            check_rows(history, symbol, history.tape_of(symbol), begin_ns, MAX_NS if to_ns is None else to_ns)
            for symbol in (key.key, *beside)
        )
        state = (history.state(key.key, key.tape), *state_of(history, beside))
        shape = None if format == "binary" else cells
        task = Task(
            _body,
            (key, name, settings, (from_ns, to_ns, most), shape),
            history.has_candles(key),
            history.opening_step(key),
        )
        media_type = FRAME_TYPE if format == "binary" else JSON
        given = msgspec.json.encode(settings, order="sorted")
        under = ("study", name, given, key, from_ns, to_ns, most, cells, format, state)
        return Making(under, lambda: Answer.of(rest.aside.make(task, rows), media_type), rest.aside.is_large(rows))

    return await serve_answer(request, rest.answers, prepare, short=history.resolves_soon(chart))


# The newest bars of a range and what the study says of them; None where there are none.
def _said(
    history: History, key: ChartKey, fold: StudyFold, asked: tuple[int | None, int | None, int]
) -> tuple[Footprint, Said] | None:
    from_ns, to_ns, limit = asked
    if from_ns is None:
        from_ns = _begin(history, key, to_ns, limit)
    footprint, answers = studied(history, key, [fold], from_ns, to_ns)
    if footprint is None:
        return None
    first = max(0, len(footprint) - limit)
    answer = answers[fold.label].part(first, len(footprint), footprint.level_offset)
    return footprint.slice(first, len(footprint)), answer


# A binary frame where `cells` is None, else JSON.
def _body(
    history: History,
    key: ChartKey,
    name: str,
    settings: dict[str, Any],
    asked: tuple[int | None, int | None, int],
    cells: bool | None,  # noqa: FBT001 - sent to another process as it is
) -> bytes:
    fold = StudyFold(name, settings)
    said = _said(history, key, fold, asked)
    return _as_frame(fold, said) if cells is None else _as_json(history, key, fold, said, cells=cells)


def _as_frame(fold: StudyFold, said: tuple[Footprint, Said] | None) -> bytes:
    told = Told(np.empty(0, np.int64), np.zeros(1, np.int64), {})
    if said is not None:
        shown, answer = said
        told = Told(shown.bars.open_ns, shown.level_offset, {fold.label: answer})
    frame = encode_studies(told, {fold.label: fold.study}, "studies", "binary", topic_id=0, topic_seq=0)
    assert isinstance(frame, bytes)
    return frame


def _as_json(
    history: History, key: ChartKey, fold: StudyFold, said: tuple[Footprint, Said] | None, *, cells: bool
) -> bytes:
    parts: dict[str, list[dict[str, Any]]] = {"bars": [], "events": [], "cells": []}
    has_more = False
    if said is not None:
        shown, answer = said
        result = StudyResult(fold, shown, answer)
        parts["bars"], parts["events"] = result.rows(), result.events()
        if cells:
            parts["cells"] = result.cells()
        has_more = history.span(key)[0] < int(shown.bars.open_ns[0])
    return msgspec.json.encode(
        StudyReply(
            chart={
                "symbol": key.key,
                "tape": key.tape,
                "bars": key.spec.bars,
                "ticks_per_level": key.spec.ticks_per_level,
                "tick_size": f"{key.instrument.tick_size:f}",
                "lot_size": f"{key.instrument.lot_size:f}",
            },
            study=fold.name,
            params=msgspec.to_builtins(fold.params),
            has_more=has_more,
            **{part: [_timed(row) for row in rows] for part, rows in parts.items()},
        )
    )


# Where the newest bars of a range begin, about; bars may be rare, so a chart is asked.
def _begin(history: History, key: ChartKey, to_ns: int | None, limit: int) -> int:
    page = history.page(key, None, to_ns, limit)
    bars = page.frame.footprint.bars
    return int(bars.open_ns[0]) if len(page.frame) else history.span(key)[1] - limit * bar_length_ns(key.spec.bars)


def _timed(row: dict[str, Any]) -> dict[str, Any]:
    return {name: str(value) if name.endswith("_ns") and value is not None else value for name, value in row.items()}
