"""What may be shown of a call: never its query, its headers, nor what an answer repeats of them."""

from __future__ import annotations

import logging
from urllib.parse import parse_qsl, urlsplit

import msgspec

from footloom.venues._venue import Request

__all__ = ("scrubbed", "without_query")

_LEAST = 4  # characters: shorter texts are in every sentence
_OPEN = frozenset({"symbol", "category", "limit", "interval", "period"})


def without_query(url: str) -> str:
    """Return scheme, host and path of an address."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}"


def scrubbed(text: str, request: Request) -> str:
    """Return a text without anything secret of a request that it repeats."""
    for secret in sorted(_secrets(request), key=len, reverse=True):
        text = text.replace(secret, "***")
    return text


def _secrets(request: Request) -> set[str]:
    found = {value for _, value in request.headers}
    found |= {word for value in found for word in value.split()}
    in_url = parse_qsl(urlsplit(request.url).query)
    found |= {value for name, value in (*request.params, *in_url) if name not in _OPEN and not value.isdecimal()}
    found |= _strings(request.body)
    return {secret for secret in found if len(secret) >= _LEAST}


def _strings(body: bytes) -> set[str]:
    try:
        document = msgspec.json.decode(body) if body else None
    except msgspec.DecodeError:
        return {value for _, value in parse_qsl(body.decode("utf-8", "replace"))}
    values = document.values() if isinstance(document, dict) else []
    return {str(value) for value in values}


# httpx tells each call with its query at INFO.
class _NoQuery(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(without_query(str(arg)) if type(arg).__name__ == "URL" else arg for arg in record.args)
        return True


logging.getLogger("httpx").addFilter(_NoQuery())
