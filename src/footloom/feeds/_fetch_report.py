"""What a fetch says while it runs and when it is done."""

from __future__ import annotations

from typing import Literal, Protocol

import msgspec

__all__ = ("Compared", "DayReport", "FetchReport", "KeyReport", "Silent", "Watcher")

State = Literal["fetched", "replaced", "present", "absent", "failed"]


class DayReport(msgspec.Struct, kw_only=True):
    """One day of one tape from the archive.

    ``present`` was fetched by an earlier run, ``replaced`` is another file by now than was fetched then, ``absent`` is
    not published. ``rows`` are new in the store, ``conflicts`` were stored with other values.
    """

    day: str
    state: State
    rows: int = 0
    conflicts: int = 0
    sha256: str = ""
    text: str = ""


class Compared(msgspec.Struct, kw_only=True):
    """Stored volume a minute against the venue's own candles, quantities in decimal text.

    ``minutes`` have both; ``alike`` of them agree exactly. ``median_ratio`` is stored by the venue's volume. ``worst``
    are (minute, stored, venue) where they differ most; ``only_venue`` minutes traded and are not stored. ``unseen``
    minutes end a stretch in which nobody saw what traded: they are not compared.
    """

    minutes: int = 0
    alike: int = 0
    only_venue: int = 0
    only_stored: int = 0
    unseen: int = 0
    unseen_volume: str = "0"
    stored: str = "0"
    venue: str = "0"
    median_ratio: float | None = None
    worst: list[tuple[str, str, str]] = []


class KeyReport(msgspec.Struct, kw_only=True):
    """One symbol.

    ``rest_rows`` came over REST and are new. ``gaps`` are what is missing between stored rows of the range, ``missing``
    how many ids. ``problems`` say what was asked for and is not there, ``notes`` what else is worth knowing.
    """

    key: str
    tape: str = ""
    from_: str = msgspec.field(default="", name="from")
    to: str = ""
    days: list[DayReport] = []
    rest_rows: int = 0
    gaps: int = 0
    missing: int = 0
    compared: Compared | None = None
    notes: list[str] = []
    problems: list[str] = []

    @property
    def new_rows(self) -> int:
        """How many rows the store has gained."""
        return self.rest_rows + sum(day.rows for day in self.days)


class FetchReport(msgspec.Struct, kw_only=True):
    """A whole fetch; ``ok`` where everything that was asked for is there."""

    ok: bool
    store: str
    keys: list[KeyReport]


class Watcher(Protocol):
    """Who is told how far a fetch has come; called from the loop and from its threads."""

    def say(self, text: str) -> None:
        """Tell something in a line."""

    def moved(self, what: str, done: int, total: int | None, unit: str) -> None:
        """Tell how far something has come; ``done`` equal to ``total`` is its end. Units are bytes, rows, days."""


class Silent:
    """A watcher that tells nobody."""

    def say(self, text: str) -> None:
        """Tell nobody."""

    def moved(self, what: str, done: int, total: int | None, unit: str) -> None:
        """Tell nobody."""
