"""What the framework cannot see of a route: errors that any may answer, second forms of a reply, raw bodies.

The description is completed where it is rendered, so the page, JSON and YAML say the same.
"""

from __future__ import annotations

import copy
from typing import Any, Final

from footloom.server.rest.layouts import MOST_BYTES

__all__ = ("completed",)

_ERROR: Final = {"$ref": "#/components/schemas/ErrorReply"}
_JSON: Final = "application/json"
_EVENTS: Final = "text/event-stream"
_FRAME: Final = "application/vnd.footloom.frame"
_PLAIN: Final = "Request fulfilled"
_TAGGED: Final = (
    "/api/v1/bars",
    "/api/v1/footprint",
    "/api/v1/profile",
    "/api/v1/profiles/{name}",
    "/api/v1/orders/large",
    "/api/v1/studies/{name}",
)
_EVENT: Final = {
    "type": "object",
    "description": "one event: its name, and the job as JSON",
    "properties": {
        "event": {"const": "job"},
        "data": {"type": "string", "contentMediaType": _JSON, "contentSchema": {"$ref": "#/components/schemas/Job"}},
    },
}
# Errors of the guard and the limits, before any route is asked.
_COMMON: Final = {
    "401": ("No token, or a wrong one, where the server asks for one.", "unauthorized", "a token is needed here"),
    "403": ("The request comes from another web site or for another host.", "forbidden", "another web site's request"),
    "429": (
        "Too many requests, or too many wait.",
        "overloaded",
        "66 requests wait already: try again in a few seconds",
    ),
}


def completed(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the description of an API with what the framework cannot know; the given one stays as it is."""
    made = copy.deepcopy(schema)
    for path, item in made["paths"].items():
        for operation in item.values():
            responses = operation.setdefault("responses", {})
            _one_shape(responses)
            for response in responses.values():
                if response.get("description", _PLAIN).startswith(_PLAIN):
                    response["description"] = f"{operation.get('summary') or 'The answer'}."
            for status, (meaning, code, text) in _COMMON.items():
                responses.setdefault(status, _error(meaning, code, text))
            if operation.get("parameters") or "requestBody" in operation or path.startswith("/api/"):
                responses.setdefault(
                    "400", _error("A parameter cannot be used.", "config_error", "there is no parameter 'form_ns'")
                )
            operation["responses"] = dict(sorted(responses.items()))
    for path in _TAGGED:
        _complete_tagged(made["paths"].get(path, {}).get("get"))
    _complete_footprint(made["paths"].get("/api/v1/footprint", {}).get("get"))
    _complete_bodies(made["paths"])
    return made


# Whatever the framework writes for its own errors: here they have the one shape.
def _one_shape(responses: dict[str, Any]) -> None:
    for status, response in responses.items():
        schema = response.get("content", {}).get(_JSON, {}).get("schema", {})
        if status[0] in "45" and schema != _ERROR:
            responses[status] = _error(_meaning(response), "bad_request", "a parameter cannot be used")


def _meaning(response: dict[str, Any]) -> str:
    text = str(response.get("description", ""))
    return "A parameter cannot be used." if not text or "Bad request" in text else text


def _error(meaning: str, code: str, message: str) -> dict[str, Any]:
    example = {"error": {"code": code, "message": message, "detail": None}}
    return {"description": meaning, "content": {_JSON: {"schema": _ERROR, "examples": {code: {"value": example}}}}}


def _complete_tagged(operation: dict[str, Any] | None) -> None:
    if operation is None:
        return
    responses = operation["responses"]
    responses["200"]["headers"] = {
        "ETag": {"description": "what If-None-Match and If-Range take", "schema": {"type": "string"}}
    }
    responses["304"] = {"description": "It is as If-None-Match says: nothing is sent."}
    responses["206"] = {
        "description": "The bytes that Range asks for, of the reply in its encoding.",
        "content": copy.deepcopy(responses["200"]["content"]),
    }
    operation["responses"] = dict(sorted(responses.items()))


def _complete_footprint(operation: dict[str, Any] | None) -> None:
    if operation is None:
        return
    for status in ("200", "206"):
        content = operation["responses"][status]["content"]
        content[_FRAME]["schema"] = {"type": "string", "format": "binary"}
        content[_JSON] = {
            "schema": {
                "type": "object",
                "description": "the same columns under the same names; ns as text, unknown as null",
                "required": ["version", "kind", "meta", "bars", "levels"],
                "properties": {
                    "version": {"type": "integer"},
                    "kind": {"const": "snapshot"},
                    "topic_id": {"type": "integer"},
                    "topic_seq": {"type": "integer"},
                    "prev_seq": {"type": "integer"},
                    "meta": {"type": "object", "description": "what the legend says"},
                    "bars": {"type": "object", "description": "one array a column"},
                    "levels": {"type": "object", "description": "one array a column"},
                },
            }
        }


def _complete_bodies(paths: dict[str, Any]) -> None:
    for path, body in _BODIES.items():
        for method in ("put", "post"):
            operation = paths.get(path, {}).get(method)
            if operation is not None:
                operation.setdefault("requestBody", copy.deepcopy(body))
    layout = paths.get("/api/v1/layouts/{name}", {})
    if "put" in layout:
        responses = layout["put"]["responses"]
        responses["201"] = {**copy.deepcopy(responses["200"]), "description": "It is kept, and is new."}
        responses["200"]["description"] = "It is kept in place of what was there."
    if "get" in layout:
        layout["get"]["responses"]["304"] = {"description": "It is as If-None-Match says: nothing is sent."}
        layout["get"]["responses"]["200"]["content"] = {_JSON: {"schema": {"type": "object"}}}
    events = paths.get("/api/v1/jobs/{job_id}/events", {}).get("get")
    if events is not None:
        events["responses"]["200"]["content"] = {_EVENTS: {"schema": _EVENT}}


_BODIES: Final[dict[str, dict[str, Any]]] = {
    "/api/v1/layouts/{name}": {
        "required": True,
        "description": f"a JSON object of at most {MOST_BYTES:,} bytes; it is kept byte for byte",
        "content": {
            _JSON: {
                "schema": {"type": "object"},
                "examples": {"layout": {"value": {"charts": [{"symbol": "sim:PERP", "bars": "1m"}]}}},
            }
        },
    },
    "/api/v1/uploads/{name}": {
        "required": True,
        "description": "the file itself",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    },
    "/api/v1/logins": {
        "required": True,
        "description": "which venue, which of its ways, and the fields of that way",
        "content": {
            _JSON: {
                "schema": {
                    "type": "object",
                    "required": ["venue", "way", "fields"],
                    "properties": {
                        "venue": {"type": "string"},
                        "way": {"type": "string"},
                        "fields": {"type": "object", "additionalProperties": {"type": "string"}},
                    },
                }
            }
        },
    },
    "/api/v1/session": {
        "required": True,
        "description": "the token of this server",
        "content": {
            _JSON: {"schema": {"type": "object", "required": ["token"], "properties": {"token": {"type": "string"}}}}
        },
    },
}
