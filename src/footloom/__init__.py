"""footloom weaves the trade tape into footprints.

>>> import footloom as fl
>>> trades = fl.load_trades("sim:PERP", "2026-03-02", "2026-03-02T01:00")
>>> fl.footprint(trades, bars="5m")  # doctest: +ELLIPSIS
<Chart sim:PERP 5m, ... ticks a level: 12 bars>

Names are imported when they are used: ``import footloom`` alone loads nothing heavy.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from footloom import studies
    from footloom._api import (
        continuous,
        footprint,
        infer_sides,
        load_chain,
        load_trades,
        profile,
        read_out,
        session_profiles,
        stream,
    )
    from footloom.core.footprint import Footprint
    from footloom.core.instrument import Instrument
    from footloom.core.quotes import Quotes
    from footloom.core.side import Side
    from footloom.core.trades import Trades
    from footloom.engine.spec import ChartSpec
    from footloom.errors import FootloomError
    from footloom.notebook.frames import from_arrow, from_pandas, from_polars
    from footloom.notebook.trade_files import read_trades, write_trades

__all__ = (
    "ChartSpec",
    "FootloomError",
    "Footprint",
    "Instrument",
    "Quotes",
    "Side",
    "Trades",
    "continuous",
    "footprint",
    "from_arrow",
    "from_pandas",
    "from_polars",
    "infer_sides",
    "load_chain",
    "load_trades",
    "profile",
    "read_out",
    "read_trades",
    "session_profiles",
    "stream",
    "studies",
    "write_trades",
)
__version__ = "0.1.0"

_HOME = {
    "ChartSpec": "footloom.engine.spec",
    "Footprint": "footloom.core.footprint",
    "FootloomError": "footloom.errors",
    "Instrument": "footloom.core.instrument",
    "Quotes": "footloom.core.quotes",
    "Side": "footloom.core.side",
    "Trades": "footloom.core.trades",
    "continuous": "footloom._api",
    "footprint": "footloom._api",
    "from_arrow": "footloom.notebook.frames",
    "from_pandas": "footloom.notebook.frames",
    "from_polars": "footloom.notebook.frames",
    "infer_sides": "footloom._api",
    "load_chain": "footloom._api",
    "load_trades": "footloom._api",
    "profile": "footloom._api",
    "read_out": "footloom._api",
    "read_trades": "footloom.notebook.trade_files",
    "session_profiles": "footloom._api",
    "stream": "footloom._api",
    "write_trades": "footloom.notebook.trade_files",
}


def __getattr__(name: str) -> Any:
    if name == "studies":  # a package of its own: fl.studies.study_names(), fl.studies.find_study("vwap")
        return importlib.import_module("footloom.studies")
    if name not in _HOME:
        raise AttributeError(f"module 'footloom' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME, "studies"])
