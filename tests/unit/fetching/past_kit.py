"""A past of Binance USD-M on loopback: archive files with checksums, REST by id and by time, nothing else."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import zipfile
from collections.abc import Iterable
from urllib.parse import parse_qs, urlsplit

import msgspec
from http_kit import Answer, Call

DAY_MS, HOUR_MS = 86_400_000, 3_600_000
NOW_MS = 1_772_409_600_000 + 8 * HOUR_MS  # 2026-03-02T08:00Z
SYMBOL = "BTCUSDT"
KEY = f"binance_usdm:{SYMBOL}"

Row = tuple[int, int, str, str, bool]  # id, ms, price, quantity, buyer was maker


def rows_between(start_ms: int, end_ms: int, every_ms: int = 60_000, first_id: int = 1000) -> list[Row]:
    """Trades at a steady pace, a few of them in the same instant."""
    found: list[Row] = []
    for number, ms in enumerate(range(start_ms, end_ms, every_ms)):
        for part in range(1 + number % 3):
            tick = 600_000 + (number * 7 + part) % 400
            row = (first_id + len(found), ms, f"{tick // 10}.{tick % 10}", f"0.{1 + number % 9:03d}", number % 2 == 0)
            found.append(row)
    return found


def zipped(rows: Iterable[Row], name: str) -> bytes:
    """An archive file."""
    lines = ["agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker"]
    lines += [f"{i},{price},{qty},{i},{i},{ms},{str(maker).lower()}" for i, ms, price, qty, maker in rows]
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr(zipfile.ZipInfo(name.replace(".zip", ".csv")), "\n".join(lines) + "\n")
    return out.getvalue()


class Past:
    """What the venue knows: ``rows``, of which files hold ``days`` (ISO dates), and REST what is younger than 48 h."""

    def __init__(self, rows: list[Row], days: Iterable[str]) -> None:
        self.rows = rows
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.broken: set[str] = set()  # files whose checksum does not fit
        self.page = 1000
        for day in days:
            self.publish(day)

    def of_day(self, day: str) -> list[Row]:
        start = int(dt.datetime.fromisoformat(day).replace(tzinfo=dt.UTC).timestamp() * 1000)
        return [row for row in self.rows if start <= row[1] < start + DAY_MS]

    def publish(self, day: str, rows: list[Row] | None = None) -> None:
        name = f"{SYMBOL}-aggTrades-{day}.zip"
        self.files[name] = zipped(self.of_day(day) if rows is None else rows, name)

    def __call__(self, call: Call) -> Answer:
        parts = urlsplit(call.target)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        name = parts.path.rpartition("/")[2]
        self.asked.append(name + "".join(f" {asked[word]}" for word in ("fromId", "startTime") if word in asked))
        if parts.path.startswith("/archive/data/futures/um/daily/aggTrades/"):
            return self._file(name)
        if parts.path == "/fapi/v1/exchangeInfo":
            filters = [
                {"filterType": "PRICE_FILTER", "tickSize": "0.10"},
                {"filterType": "LOT_SIZE", "stepSize": "0.001"},
            ]
            return _json(
                {"symbols": [{"symbol": SYMBOL, "contractType": "PERPETUAL", "status": "TRADING", "filters": filters}]}
            )
        return self._agg_trades(asked)

    def _file(self, name: str) -> Answer:
        body = self.files.get(name.removesuffix(".CHECKSUM"))
        if body is None:
            return Answer(status=404)
        if not name.endswith(".CHECKSUM"):
            return Answer(body, headers={"ETag": f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'})
        name = name.removesuffix(".CHECKSUM")
        digest = "0" * 64 if name in self.broken else hashlib.sha256(body).hexdigest()
        return Answer(f"{digest}  {name}\n".encode())

    def _agg_trades(self, asked: dict[str, str]) -> Answer:
        young = [row for row in self.rows if NOW_MS - 48 * HOUR_MS <= row[1] <= NOW_MS]
        if "fromId" in asked:
            found = [row for row in young if row[0] >= int(asked["fromId"])][: self.page]
        elif "startTime" in asked:
            start, end = int(asked["startTime"]), int(asked["endTime"])
            found = [row for row in young if start <= row[1] <= end][: self.page]
        else:
            found = young[-self.page :]
        return _json([{"a": i, "p": p, "q": q, "f": i, "l": i, "T": ms, "m": maker} for i, ms, p, q, maker in found])


def _json(document: object) -> Answer:
    return Answer(msgspec.json.encode(document))
