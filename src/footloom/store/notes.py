"""What is known of gaps: every record that was ever made, at its place among the rows.

None is removed when a gap heals: what live saw when has to be told later. What is still open follows from all of them.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from footloom.core.gaps import open_gaps
from footloom.core.messages import Gap

__all__ = ("Note", "in_order", "known_with", "still_open")


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """A gap record.

    ``at_seq`` is the ingest sequence of the row that was heard next, ``order`` the journal's count of records, which
    tells those apart between which no row was heard. ``heard`` says that the record came from a live feed, as its rows
    did, and not with an import.
    """

    gap: Gap
    at_seq: int = 0
    order: int = 0
    heard: bool = False


# What an import brings at once has no order of its own: a gap is told before it is healed.
def _place(note: Note) -> tuple[int, int, bool, bool, int, int, str, int]:
    gap = note.gap
    return (note.at_seq, note.order, not note.heard, gap.healed, gap.from_ns, gap.to_ns, gap.cause, gap.missing or 0)


def in_order(notes: Iterable[Note]) -> list[Note]:
    """Return records in the order in which they were made, each once."""
    return sorted(set(notes), key=_place)


def still_open(notes: Iterable[Note]) -> list[Gap]:
    """Return the gaps that are open after all records, in time order."""
    return open_gaps(note.gap for note in in_order(notes))


def known_with(known: Iterable[Note], new: Iterable[Note]) -> tuple[Note, ...]:
    """Return records with more.

    The same file imported again tells the same gaps again, later: they are not known anew, for they would open what was
    healed in between.
    """
    known = tuple(known)
    told = {note.gap for note in known if not note.gap.healed}
    return tuple(in_order((*known, *(note for note in new if note.heard or note.gap not in told))))
