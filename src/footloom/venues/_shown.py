"""The beginning of what a venue sent, for error messages."""

from __future__ import annotations

__all__ = ("shown",)

_SHOWN = 160  # bytes


def shown(frame: bytes) -> str:
    """Return the beginning of a text frame, in quotes.

    Examples
    --------
    >>> print(shown(b'{"e":7}'))
    '{"e":7}'
    """
    text = frame[:_SHOWN].decode("utf-8", "backslashreplace")
    return f"{text!r}{' ...' if len(frame) > _SHOWN else ''}"
