"""A recording as the market of a local venue: any file that the importers read, each trade at its own time."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np

from footloom.core.snapshots import Snapshots
from footloom.core.trades import FLAG_NO_ID, Trades
from footloom.errors import ConfigError, DataError
from footloom.feeds.ingest import Options, import_files
from footloom.store.files import Store
from footloom.testing.venues.market import Listing, Market, whole_ms
from footloom.testing.venues.snapshotted import SnapshotListing

__all__ = ("recorded_market",)

_FOREVER_NS = 2**62
_BROKERS = ("upstox", "angelone")  # their feeds are looks, not trades


def recorded_market(
    venue: str, files: Sequence[Path], *, symbol: str | None = None, start_ns: int | None = None
) -> Market:
    """Return the market of a recording, played on ``venue``.

    Parameters
    ----------
    files
        What the importers read; several files of one symbol join.
    symbol
        The symbol, where the files do not say it.
    start_ns
        When it begins, ns UTC; at its own time where None.

    Raises
    ------
    DataError
        There is nothing in it that could be traded.
    """
    with tempfile.TemporaryDirectory(prefix="footloom-replay-") as folder:
        options = Options(venue=venue) if symbol is None else Options(venue=venue, symbol=symbol)
        report = import_files(files, options, store=Path(folder))
        wrong = [f"{one.file}: {one.error}" for one in report.files if one.error]
        if wrong:
            raise ConfigError("the recording cannot be read: " + "; ".join(wrong))
        with Store(Path(folder)) as store:
            tapes = _tapes(store)
    listings = [_listing(tape, venue) for tape in tapes.values() if isinstance(tape, Snapshots) is (venue in _BROKERS)]
    if not listings:
        what = "snapshots" if venue in _BROKERS else "trades"
        raise DataError(f"no {what} in {', '.join(str(path) for path in files)}: nothing can be replayed on {venue}")
    market = Market(listings)
    if start_ns is not None:
        by_ns = start_ns - market.start_ns
        for listing in listings:
            listing.shift(by_ns // 1_000_000 * 1_000_000)
        market = Market(listings)
    return market


# The tape of each symbol; of several the one with the most rows: aggregates and trades tell the same story twice.
def _tapes(store: Store) -> dict[str, Trades | Snapshots]:
    found: dict[str, Trades | Snapshots] = {}
    for row in store.coverage():
        block = store.load(row.key, row.tape, 0, _FOREVER_NS)
        if len(block) > len(found.get(row.key, ())):
            found[row.key] = block
    return found


def _listing(tape: Trades | Snapshots, venue: str) -> Listing:
    return SnapshotListing(tape) if isinstance(tape, Snapshots) else Listing(_playable(tape, venue))


def _playable(tape: Trades, venue: str) -> Trades:
    ordered = tape.take(tape.order())
    instrument = msgspec.structs.replace(ordered.instrument, venue=venue)
    has_ids = not np.any(ordered.flags & FLAG_NO_ID) and not np.any(np.diff(ordered.trade_id) != 1)
    first = int(ordered.trade_id[0]) if has_ids else 1
    numbers = np.arange(first, first + len(ordered), dtype=np.int64)
    return whole_ms(dataclasses.replace(ordered, instrument=instrument, trade_id=numbers))
