"""What goes wrong beside the charts, in the words that `health` and the page show: what happened and what to do."""

from __future__ import annotations

from footloom.errors import FootloomError, StoreError
from footloom.store import Recovery, Store

__all__ = ("feed_stopped", "found_at_start", "not_recorded", "not_sealed", "rows_given_up", "rows_refused")


def feed_stopped(error: Exception, *, again: bool = False) -> str:
    """Say that nothing comes any more, and why; ``again``: that it is tried again by itself."""
    reason = str(error) if isinstance(error, FootloomError) else f"{type(error).__name__}, the log says where"
    cure = "it is tried again by itself" if again else "start footloom again"
    return f"the feed stopped, nothing is received or recorded: {reason}; {cure}"


def not_recorded(store: Store | None) -> str:
    """Say that the journal does not take what is received."""
    where = "the store" if store is None else store.where
    return (
        f"what is received is not recorded: {where} does not take it, or too slowly; the log says which. It is kept "
        "in memory and written as soon as that goes: see to the disk (room, rights, speed) and leave footloom running"
    )


def rows_refused(rows: int) -> str:
    """Say how many rows, of all symbols, the store has refused since the start."""
    return (
        f"{rows:,} received rows were refused by the store and are not recorded: the tape has a gap there, and the log "
        "says which rows and why"
    )


def rows_given_up(rows: int) -> str:
    """Say how many rows, of all symbols, were given up since the start because the store took nothing for too long."""
    return (
        f"{rows:,} received rows are not recorded: the store took nothing for so long that they had no room in memory; "
        "the tape has a gap there, and footloom fetch brings trades back where the venue has them"
    )


def not_sealed(error: StoreError) -> str:
    """Say that the journal could not be made into parts."""
    return f"sealing failed: {error}; the journal keeps the rows, none is lost, and sealing is tried again by itself"


def found_at_start(recovery: Recovery) -> str | None:
    """Say what was damaged in the journal when the store was opened; None where nothing was.

    Pages of a commit that was never confirmed are no damage: every kill leaves some.
    """
    if not recovery.quarantined:
        return None
    first = recovery.quarantined[0]
    others = f", and {len(recovery.quarantined) - 1} more" if len(recovery.quarantined) > 1 else ""
    return (
        f"the journal was damaged when footloom started: {first.file} ({first.reason}){others}; the originals "
        f"are kept, the first as {first.kept_as}, and the {recovery.rows:,} rows that could be read are in the charts: "
        "import what is missing from the venue's archive, then remove the originals"
    )
