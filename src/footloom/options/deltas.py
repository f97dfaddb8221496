"""What changed between two states of a chain, so that a stream need not tell all of it again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from footloom.options.replies import ChainChange, ChainReply, OptionCell, StrikeRow

__all__ = ("change_of",)

_SIDES: Final = ("call", "put")
_NESTED: Final = ("said", "venue")
Cell = dict[str, Any]


def change_of(before: ChainReply, now: ChainReply) -> ChainChange | None:
    """Return what of a chain changed; None where something can only be told by the whole of it.

    That is another expiry or another list of expiries, a strike that joins, and a value that is no longer said by
    anybody, as on the first rows of a day.
    """
    if (before.symbol, before.expiry_ns, before.expiries) != (now.symbol, now.expiry_ns, now.expiries):
        return None
    known = {row.strike: row for row in before.rows}
    rows: list[dict[str, Any]] = []
    for row in now.rows:
        old = known.get(row.strike)
        changed = None if old is None else _row_change(old, row)
        if changed is None:
            return None
        if len(changed) > 1:
            rows.append(changed)
    head = msgspec.structs.asdict(now)
    del head["rows"]
    return ChainChange(head=head, strikes=[row.strike for row in now.rows], rows=rows)


def _row_change(old: StrikeRow, row: StrikeRow) -> dict[str, Any] | None:
    changed: dict[str, Any] = {"strike": row.strike}
    for side in _SIDES:
        one, other = getattr(old, side), getattr(row, side)
        if one == other:
            continue
        cell = _cell_change(one, other)
        if cell is None:
            return None
        changed[side] = cell
    return changed


def _cell_change(old: OptionCell, cell: OptionCell) -> Cell | None:
    changed: Cell = {}
    for name in OptionCell.__struct_fields__:
        was, now = getattr(old, name), getattr(cell, name)
        if was == now:
            continue
        if name in _NESTED:
            if was.keys() - now.keys():
                return None
            changed[name] = _entries(was, now)
        else:
            changed[name] = now
    return changed


def _entries(was: Mapping[str, object], now: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in now.items() if was.get(name) != value}
