"""What a venue's feed reads of the settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from footloom.venues._venue import Bases

__all__ = ("Settings",)


class Settings(Protocol):
    """The part of `FeedSettings` that a venue's feed reads."""

    @property
    def bases(self) -> Mapping[str, Bases]: ...
    @property
    def credentials(self) -> Mapping[str, Mapping[str, str]]: ...
    @property
    def backfill_hours(self) -> float: ...
    @property
    def repair_hours(self) -> float: ...
    @property
    def shown_only(self) -> frozenset[str]: ...
    @property
    def audit_s(self) -> float: ...
