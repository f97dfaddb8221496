"""Bars and levels into MongoDB: a time-series collection, a document for each row, for other programs to read."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from footloom.errors import ConfigError

if TYPE_CHECKING:
    import pyarrow as pa

    from footloom.cli._export_sources import Asked
    from footloom.feeds.mongo_documents import Place

__all__ = ("write_documents",)

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_AT_ONCE = 5_000


def write_documents(table: pa.Table, place: Place, asked: Asked, tape: str, *, force: bool) -> int:
    """Write the rows of a chart, and return how many there are.

    ``time`` is the bar's opening as a date of milliseconds, ``open_ns`` beside it has all digits; ``chart`` says what
    the rows are of. Rows of the same chart that are there already are replaced with ``force``.

    Raises
    ------
    ConfigError
        There are rows of this chart already, or the collection is no time series.
    StoreError
        The server cannot be asked.
    """
    from footloom.store.mongo_client import asking, connected

    chart = {"symbol": asked.symbol, "tape": tape, "what": asked.what, "bars": asked.bars}
    if asked.ticks_per_level is not None:
        chart["ticks_per_level"] = str(asked.ticks_per_level)
    whose = {f"chart.{name}": value for name, value in chart.items()}
    with connected(place.address) as client, asking("write bars to", place.address):
        database = client[place.address.database]
        _make(database, place)
        rows = database[place.collection]
        if rows.find_one(whose) is not None:
            if not force:
                raise ConfigError(
                    f"{place} holds {asked.what} of {asked.symbol} {asked.bars} already: --force replaces"
                )
            rows.delete_many(whose)
        for start in range(0, table.num_rows, _AT_ONCE):
            rows.insert_many(_documents(table.slice(start, _AT_ONCE), chart))
    return int(table.num_rows)


def _make(database: Any, place: Place) -> None:
    from pymongo import errors

    with contextlib.suppress(errors.CollectionInvalid):  # it is there
        database.create_collection(place.collection, timeseries={"timeField": "time", "metaField": "chart"})
    kinds = [one.get("type") for one in database.list_collections(filter={"name": place.collection})]
    if kinds != ["timeseries"]:
        raise ConfigError(f"{place} is there and no time-series collection: name another one")


def _documents(table: pa.Table, chart: dict[str, str]) -> Iterator[dict[str, Any]]:
    from bson import Decimal128

    for row in table.to_pylist():
        time = _EPOCH + dt.timedelta(milliseconds=row["open_ns"] // 1_000_000)
        said = {name: Decimal128(value) if isinstance(value, Decimal) else value for name, value in row.items()}
        yield {"time": time, "chart": chart} | said
