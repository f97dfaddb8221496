"""How long behind its close a bar waits where ids do not prove it whole: a matter of the venue (definitions 2.3)."""

from __future__ import annotations

import functools
import importlib
import importlib.util

from footloom.engine.builder import GRACE_NS

__all__ = ("SNAPSHOT_GRACE_NS", "grace_ns")

SNAPSHOT_GRACE_NS = 2_000_000_000  # a snapshot shows a trade some third of a second later


@functools.lru_cache(maxsize=1024)
def grace_ns(key: str, tape: str = "trade") -> int:
    """Return the grace of a symbol's venue, ns: what its module says, else that of its kind of tape.

    Examples
    --------
    >>> grace_ns("binance_usdm:BTCUSDT")
    250000000
    >>> grace_ns("a_venue_of_yours:X", "snapshot")
    2000000000
    """
    usual = SNAPSHOT_GRACE_NS if tape == "snapshot" else GRACE_NS
    name = key.partition(":")[0]
    if not name.isidentifier() or name.startswith("_") or importlib.util.find_spec(f"footloom.venues.{name}") is None:
        return usual
    said = getattr(importlib.import_module(f"footloom.venues.{name}"), "GRACE_NS", None)
    return usual if said is None else int(said)
