"""`/trades.arrow` over recorded days: rows a second, bytes a trade, and the server's memory while ten million are sent.

The server stands in a process of its own over a store in files; polars reads what it sends. Every trade must come
once: all columns are compared with the tape. The peer is polars reading the same trades from an Arrow file that pyarrow
wrote, without a store, a server and a socket between.
"""

from __future__ import annotations

import asyncio
import io
import os
import statistics
import tempfile
import time
import urllib.request
from multiprocessing.connection import Connection
from pathlib import Path

import polars as pl
import pyarrow as pa
import uvloop

from benchmarks import harness
from benchmarks.data import DAY_NS, INSTRUMENT, day_of_trades, digest, trades
from benchmarks.harness import Row, Scale
from benchmarks.serve_kit import served
from footloom.core.trades import Trades
from footloom.server.app import create_app
from footloom.server.compat.arrow import SCHEMA
from footloom.server.port import bind
from footloom.server.run import listen
from footloom.server.services import Services
from footloom.store.files import Store

__all__ = ("measure",)

_PIECE = 1 << 20


def _serve(pipe: Connection, folder: str) -> None:
    uvloop.run(_run_server(pipe, Path(folder)))


async def _run_server(pipe: Connection, folder: Path) -> None:
    with Store(folder) as store:
        services, stop, ready = Services.over(store), asyncio.Event(), asyncio.Event()
        listener = bind("127.0.0.1", 0)
        serving = asyncio.create_task(listen(create_app(services), listener, on_ready=ready.set, stop=stop))
        await ready.wait()
        pipe.send((listener.getsockname()[1], os.getpid()))
        await asyncio.to_thread(pipe.recv)
        stop.set()
        await serving
        services.close()


def _fill(folder: Path, tape: Trades) -> None:
    with Store(folder, writer=True) as store:
        store.put_instrument(tape.instrument)
        first_ns = int(tape.ts_exch_ns[0]) // DAY_NS * DAY_NS
        store.write_part(tape, window=(first_ns, 2**62))


def _resident(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def _read(port: int, asked: str, pid: int) -> tuple[pl.DataFrame, int, float, float]:
    """Return the trades, their bytes, the seconds that it took, and the most megabytes of the server meanwhile."""
    body, most, begun = io.BytesIO(), _resident(pid), time.perf_counter()
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/trades.arrow?{asked}", timeout=600) as answer:
        while piece := answer.read(_PIECE):
            body.write(piece)
            most = max(most, _resident(pid))
    size = body.tell()
    body.seek(0)
    frame = pl.read_ipc_stream(body)
    return frame, size, time.perf_counter() - begun, most


def _wanted(tape: Trades) -> pl.DataFrame:
    columns = (
        tape.ts_exch_ns // 1_000_000,
        tape.price_tick / float(1 / INSTRUMENT.tick_size),
        tape.qty_lot / float(1 / INSTRUMENT.lot_size),
        tape.side < 0,
    )
    return pl.DataFrame(dict(zip(SCHEMA.names, columns, strict=True)))


def _from_file(path: Path) -> float:
    begun = time.perf_counter()
    pl.read_ipc_stream(path)
    return time.perf_counter() - begun


def measure(scale: Scale) -> list[Row]:
    """Return rows a second and bytes a trade of one day and of all trades, and the memory that sending them took."""
    day, tape = day_of_trades(0), trades(scale.trades)
    with tempfile.TemporaryDirectory() as folder:
        _fill(Path(folder) / "store", tape)
        file, wanted = Path(folder) / "peer.arrow", _wanted(tape)
        with pa.OSFile(str(file), "wb") as out, pa.ipc.new_stream(out, SCHEMA) as writer:
            writer.write_table(wanted.to_arrow().cast(SCHEMA), 16_384)
        with served(_serve, str(Path(folder) / "store")) as pipe:
            port, pid = pipe.recv()
            asked = f"venue={INSTRUMENT.venue}&symbol={INSTRUMENT.symbol}"
            until_ms = int(day.ts_exch_ns[-1]) // 1_000_000
            before = _resident(pid)
            days = [_read(port, f"{asked}&to={until_ms}", pid) for _ in range(scale.rounds)]
            whole = [_read(port, asked, pid) for _ in range(scale.rounds)]
        peer = statistics.median(_from_file(file) for _ in range(scale.rounds))
    rows = min(len(day), len(tape))
    assert all(found.equals(wanted.head(rows)) for found, *_ in days), "the day's trades are others than those stored"
    assert all(found.equals(wanted) for found, *_ in whole), "the trades are others than those stored"
    hashed = digest(tape.ts_exch_ns, tape.price_tick, tape.qty_lot, tape.side)
    day_s, whole_s = (statistics.median(one[2] for one in reads) for reads in (days, whole))
    bare = f"polars from an Arrow file {len(tape) / peer / 1e6:.3g} M/s"
    of_day, of_all = (max(one[3] for one in reads) for reads in (days, whole))
    return [
        Row(
            f"/trades.arrow of a day of {rows / 1e6:.3g} M trades to a polars frame",
            f"{rows / day_s / 1e6:.3g} M/s, {days[0][1] / rows:.4g} bytes a trade",
            bare,
            None,
            None,
            hashed,
        ),
        Row(
            f"/trades.arrow of {len(tape) / 1e6:.3g} M trades to a polars frame",
            f"{len(tape) / whole_s / 1e6:.3g} M/s",
            bare,
            None,
            None,
            hashed,
        ),
        Row(
            "the server's memory meanwhile",
            f"at the most {of_all:.0f} MB",
            f"while a day is sent {of_day:.0f} MB, before {before:.0f} MB",
            None,
            None,
            hashed,
        ),
    ]


if __name__ == "__main__":
    harness.run(measure)
