"""Text that must not be shown: tokens, passwords, one-time secrets."""

from __future__ import annotations

__all__ = ("Secret",)


class Secret(str):
    """A string whose ``repr`` hides it, so that a struct, a traceback or a log line that holds it does not show it.

    Examples
    --------
    >>> Secret("abc")
    Secret(***)
    >>> [("Authorization", Secret("Bearer abc"))]
    [('Authorization', Secret(***))]
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return "Secret(***)"
