"""What of a sort can be asked for, and the settings that each takes."""

from __future__ import annotations

from typing import Any

import msgspec

__all__ = ("KindRow", "schema_of")


class KindRow(msgspec.Struct, frozen=True):
    """One kind; ``params`` is the JSON schema of its settings: ranges, units, choices and defaults."""

    name: str
    title: str
    about: str
    params: dict[str, Any]


def schema_of(params: type) -> dict[str, Any]:
    """Return the JSON schema of settings; what it refers to stands in its own ``$defs``."""
    (schema,), components = msgspec.json.schema_components([params], ref_template="#/$defs/{name}")
    own: dict[str, Any] = components.pop(params.__name__, schema)
    return own | ({"$defs": components} if components else {})
