"""What files to import are made of."""

from __future__ import annotations

import gzip
import io
import zipfile

AGG_NAME = "BTCUSDT-aggTrades-2024-08-08.csv"
AGG_HEADER = "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker"


def agg_rows(first: int, last: int, *, step_ms: int = 100) -> list[str]:
    """Rows of aggTrades with the ids ``first`` to ``last``: a taker buys 3, then one sells 2, and so on."""
    return [
        f"{i},61800.{i % 10},{'2' if i % 2 else '3'}.000,{2 * i},{2 * i + 1},{1723075200000 + i * step_ms},"
        f"{'true' if i % 2 else 'false'}"
        for i in range(first, last + 1)
    ]


def text_of(*lines: str, end: str = "\n") -> bytes:
    """Lines as a file."""
    return "".join(line + end for line in lines).encode()


def zipped(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip of some files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return out.getvalue()


def gzipped(content: bytes) -> bytes:
    """The same, packed."""
    return gzip.compress(content, mtime=0)  # the same bytes whenever it runs
