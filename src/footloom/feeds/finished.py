"""Finished footprints from the store: shown as they came, never cut anew."""

from __future__ import annotations

import numpy as np

from footloom.core.footprint import Footprint
from footloom.errors import NotStored
from footloom.store import Store

__all__ = ("finished_footprint", "finished_names")


def finished_names(store: Store, key: str) -> list[str]:
    """Return the names under which finished footprints of a symbol are stored, such as ``finished:sqlite``."""
    return sorted({row.tape for row in store.finished(key) if row.rows})


def finished_footprint(store: Store, key: str, name: str, from_ns: int | None, to_ns: int | None) -> Footprint:
    """Return the finished bars of a symbol that open in ``[from_ns, to_ns)``, all without bounds.

    The height of the rows is that of all bars together, whatever range is asked for.

    Raises
    ------
    NotStored
        There are none under that name.
    """
    names = finished_names(store, key)
    if name not in names:
        kept = f": it has {', '.join(names)}" if names else ""
        raise NotStored(f"{key} has no finished footprints called {name}{kept}")
    whole = store.load_finished(key, name).footprint()
    opens = whole.bars.open_ns
    start = 0 if from_ns is None else int(np.searchsorted(opens, from_ns))
    stop = len(whole) if to_ns is None else int(np.searchsorted(opens, to_ns))
    return whole.slice(start, stop)
