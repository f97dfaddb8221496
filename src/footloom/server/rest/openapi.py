"""The API's description: a page without a script and without the internet, JSON and YAML.

It takes half a second to make: that is done once, in a thread, and kept as other answers are.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from typing import Any, Final

from litestar import Request, Response, Router
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin, OpenAPIRenderPlugin, YamlRenderPlugin

import footloom
from footloom.errors import NotFound
from footloom.server.rest.answers import Answer, Answers, Making, serve_answer
from footloom.server.rest.described import completed

__all__ = ("OfflinePage", "openapi_config")

_PATH: Final = "/schema"
_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:60em;margin:2em auto;padding:0 1em;color:#222;background:#fff}
code{font:13px ui-monospace,monospace}h2{margin-top:2em;border-top:1px solid #8884;padding-top:1em}
b{background:#086;color:#fff;border-radius:3px;padding:.1em .5em;font-size:.8em;vertical-align:middle}
table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.25em .6em;border-bottom:1px solid #8884;
vertical-align:top}pre{background:#8881;padding:.8em;overflow:auto}
@media(prefers-color-scheme:dark){body{color:#ddd;background:#111}a{color:#8bf}}
"""


class OfflinePage(OpenAPIRenderPlugin):
    """Renders the schema as one plain HTML page."""

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:  # noqa: ARG002
        """Return the page."""
        openapi_schema = completed(openapi_schema)
        info = openapi_schema["info"]
        parts = [
            f"<!doctype html><html lang='en'><meta charset='utf-8'><title>{_text(info['title'])}</title>",
            f"<style>{_STYLE}</style><h1>{_text(info['title'])} {_text(info['version'])}</h1>",
            f"<p>{_text(info.get('description', ''))}</p>",
            "<p>For programs: <a href='/schema/openapi.json'>openapi.json</a>, ",
            "<a href='/schema/openapi.yaml'>openapi.yaml</a></p>",
        ]
        for path, item in openapi_schema["paths"].items():
            parts += [_operation(method, path, operation) for method, operation in item.items()]
        parts += ["<h2 id='types'>Types</h2>"]
        parts += [_type(name, schema) for name, schema in openapi_schema["components"].get("schemas", {}).items()]
        return "".join(parts).encode()


def _text(value: object) -> str:
    return html.escape(str(value))


# Docstrings as they are written: paragraphs, and names between double backticks.
def _prose(value: object) -> str:
    return re.sub(r"``(.+?)``", r"<code>\1</code>", _text(value).replace("\n\n", "<p>"))


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    rows = [
        f"<tr><td><code>{_text(p['name'])}</code>{' *' if p.get('required') else ''}<td>{_kind(p.get('schema', {}))}"
        f"<td>{_text(p.get('description') or p.get('schema', {}).get('description', ''))}{_examples(p)}"
        for p in operation.get("parameters", ())
    ]
    table = f"<table><tr><th>parameter<th>type<th>meaning{''.join(rows)}</table>" if rows else ""
    body = operation.get("requestBody")
    sent = "" if body is None else f"<p>Body{_kinds(body)}: {_text(body.get('description', ''))}</p>{_examples(body)}"
    replies = [
        f"<tr><td>{_text(status)}<td>{_kinds(r)}<td>{_text(r.get('description', ''))}{_examples(r)}"
        for status, r in operation.get("responses", {}).items()
    ]
    return (
        f"<h2><b>{_text(method.upper())}</b> <code>{_text(path)}</code></h2><p>{_text(operation.get('summary', ''))}. "
        f"{_prose(operation.get('description', ''))}</p>{table}{sent}"
        f"<table><tr><th>status<th>reply<th>meaning{''.join(replies)}</table>"
    )


def _kinds(part: dict[str, Any]) -> str:
    return ", ".join(
        f" {_kind(media.get('schema', {}))} ({_text(name)})" for name, media in part.get("content", {}).items()
    )


def _examples(part: dict[str, Any]) -> str:
    found = [part, *part.get("content", {}).values()]
    values = [one["value"] for media in found for one in media.get("examples", {}).values() if "value" in one]
    return "".join(f"<br><code>{_text(v if isinstance(v, str) else json.dumps(v))}</code>" for v in values)


def _type(name: str, schema: dict[str, Any]) -> str:
    rows = [f"<tr><td><code>{_text(k)}</code><td>{_kind(v)}" for k, v in schema.get("properties", {}).items()]
    about = _prose(schema.get("description", ""))
    return f"<h3 id='{_text(name)}'>{_text(name)}</h3><p>{about}</p><table>{''.join(rows)}</table>"


# A schema in a few words: its type, or a link to the type's own heading.
def _kind(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        name = _text(schema["$ref"].rpartition("/")[2])
        return f"<a href='#{name}'>{name}</a>"
    for key in ("oneOf", "anyOf"):
        if key in schema:
            return " or ".join(_kind(part) for part in schema[key])
    if "enum" in schema:
        return " or ".join(f"<code>{_text(value)}</code>" for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    return _text(schema.get("type", "any"))


class _CompletedJson(JsonRenderPlugin):
    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        return super().render(request, completed(openapi_schema))


class _CompletedYaml(YamlRenderPlugin):
    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        return super().render(request, completed(openapi_schema))


def openapi_config(answers_of: Callable[[Request[Any, Any, Any]], Answers]) -> OpenAPIConfig:
    """Return the settings of ``/schema``; ``answers_of`` gives what the server of a request keeps its answers in."""
    forms: tuple[OpenAPIRenderPlugin, ...] = (OfflinePage(path="/"), _CompletedJson(), _CompletedYaml())

    # It answers before the framework's own handlers do, which render on the event loop.
    async def answer(request: Request[Any, Any, Any]) -> Response[Any]:
        path = f"/{request.url.path.removeprefix(_PATH).strip('/')}"
        form = next((one for one in forms if one.has_path(path)), None)
        if form is None:
            raise NotFound(f"there is nothing at {request.url.path}: {_PATH} describes all that there is")
        making = Making((_PATH, path), lambda: _described(request, form))
        return await serve_answer(request, answers_of(request), lambda: making, short=True)

    return OpenAPIConfig(
        title="footloom",
        version=footloom.__version__,
        description=(
            "Bars, footprints, profiles, studies, trades and books of stored and live symbols. Prices and quantities "
            "are exact decimal text; times are ns since 1970 UTC, as text (numbers in /api/v1/bars, which is the shape "
            "of footloom bars --json). Every error has the shape of ErrorReply. Live bars come over the WebSocket "
            "/ws/v1."
        ),
        use_handler_docstrings=True,
        render_plugins=forms,
        openapi_router=Router(_PATH, route_handlers=[], include_in_schema=False, before_request=answer),
    )


def _described(request: Request[Any, Any, Any], form: OpenAPIRenderPlugin) -> Answer:
    media_type = getattr(form.media_type, "value", form.media_type)  # an enumeration of the framework's, or text
    return Answer.of(form.render(request, request.app.openapi_schema.to_schema()), media_type)
