"""Tapes to files and back: what `footloom export` writes, and other tables of trades by their columns' names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Unpack

import numpy as np

from footloom.core.instrument import Instrument
from footloom.core.trades import FLAG_NO_RECV, Trades
from footloom.errors import ConfigError, DataError
from footloom.notebook.frames import Columns, from_arrow
from footloom.notebook.writing import ENDINGS, format_of, write_tables

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ("read_trades", "write_trades")


def read_trades(
    path: str | Path, instrument: Instrument | None = None, *, tape: str = "", **columns: Unpack[Columns]
) -> Trades:
    """Return the trades of a CSV, Parquet, Arrow or npz file, exactly, in the order of the file.

    Parameters
    ----------
    path
        What `footloom export` wrote, or a table of another program.
    instrument
        Whose trades they are; Parquet, Arrow and npz files of ours name it themselves, CSV cannot.
    tape
        The tape's name; left out, the file's own, else ``trade``.
    columns
        The names and units of the columns, as in `footloom.from_arrow`.

    Raises
    ------
    ConfigError
        The file is not there, or it does not say something that it must.
    DataError
        It does not hold what its ending says, or a value cannot be taken as it is.
    """
    path = Path(path)
    if not path.is_file():
        raise ConfigError(f"there is no file {path}")
    kind = format_of(path)
    if kind == "npz":
        return _read_events(path, instrument, tape, columns)
    return from_arrow(_READERS[kind](path), instrument, tape=tape, **columns)


def write_trades(trades: Trades, path: str | Path, *, force: bool = False, latency_ns: int = 0) -> None:
    """Write trades as a CSV, Parquet, Arrow or npz file, by its ending; `read_trades` gives them back.

    The file is there whole or not at all. ``force`` replaces one that is there already. ``latency_ns`` is for npz
    (hftbacktest): how long after the exchange's time trades count as received where nobody recorded it; its trades must
    ascend by time.

    Raises
    ------
    ConfigError
        The file is there already, or cannot be written.
    """
    from footloom.engine.tables import trades_table
    from footloom.notebook.event_files import write_events

    path = Path(path)
    kind = format_of(path)
    if kind == "npz":
        write_events(path, trades.instrument, [trades], latency_ns, force=force)
    else:
        table = trades_table(trades)
        write_tables(path, kind, table.schema, [table], force=force)


def _parquet(path: Path) -> pa.Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.ParquetFile(path).read()  # read_table would take names in the path for columns
    except (pa.ArrowInvalid, OSError) as error:
        raise _unlike(path, error) from None


def _arrow(path: Path) -> pa.Table:
    import pyarrow as pa

    try:
        with pa.OSFile(str(path)) as file:
            return pa.ipc.open_file(file).read_all()
    except (pa.ArrowInvalid, OSError) as error:
        raise _unlike(path, error) from None


def _csv(path: Path) -> pa.Table:
    # Every value as the text that it is: a number read as a float would not be what was written.
    import pyarrow as pa
    from pyarrow import csv

    try:
        names = csv.open_csv(path).schema.names
        options = csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True, null_values=[""]
        )
        return csv.read_csv(path, convert_options=options)
    except (pa.ArrowInvalid, OSError) as error:
        raise _unlike(path, error) from None


_READERS = {"csv": _csv, "parquet": _parquet, "arrow": _arrow}


def _unlike(path: Path, error: Exception) -> DataError:
    return DataError(f"{path} does not hold what {path.suffix} stands for ({', '.join(ENDINGS)} are known): {error}")


def _read_events(path: Path, instrument: Instrument | None, tape: str, columns: Columns) -> Trades:
    import pyarrow as pa

    from footloom.notebook.event_files import read_events

    if columns:
        raise ConfigError(f"an event file has columns of its own: leave out {', '.join(columns)}")
    found, facts = read_events(path)
    if instrument is None and facts is None:
        raise ConfigError(f"{path} does not say whose trades these are: give instrument=")
    one = instrument or (facts.instrument if facts is not None else None)
    flags = found.pop("flags", None)
    heard = found["ts_recv_ns"]
    table = pa.table({name: pa.array(np.ascontiguousarray(column)) for name, column in found.items()})
    trades = from_arrow(table, one, tape=tape or (facts.tape if facts is not None else ""))
    if flags is None:
        return trades
    return Trades(
        instrument=trades.instrument,
        tape=trades.tape,
        ts_exch_ns=trades.ts_exch_ns,
        price_tick=trades.price_tick,
        qty_lot=trades.qty_lot,
        side=trades.side,
        trade_id=trades.trade_id,
        ts_recv_ns=np.where((flags & FLAG_NO_RECV) != 0, trades.ts_exch_ns, heard),
        flags=flags.astype(np.uint8),
    )
