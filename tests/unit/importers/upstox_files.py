"""What recordings of Upstox are made of: documents as a recorder's database holds them, and frames."""

from __future__ import annotations

import json
from typing import Any

KEY = "NSE_FO|51510"
OPEN_MS = 1_765_770_300_000  # 2025-12-15 09:15 in Kolkata
OPEN_NS = OPEN_MS * 1_000_000
IST_MS = 19_800_000


def wall(ms: int) -> str:
    """A time as the recorder's ``datetime.now()`` writes it, without a zone."""
    import datetime as dt

    moment = dt.datetime(1970, 1, 1) + dt.timedelta(milliseconds=ms)  # noqa: DTZ001 - it has none
    return moment.isoformat(sep=" ", timespec="microseconds")


def document(
    second: float,
    ltp: float,
    vtt: int,
    ltq: int = 35,
    book: tuple[float, float] | None = (100.0, 100.1),
    *,
    late_ms: int = 300,
    ahead_ms: int = 0,
    **more: Any,
) -> dict[str, Any]:
    """One document of full mode: a trade ``second`` seconds after the open, and the book behind it."""
    ltt = OPEN_MS + int(second * 1000)
    market: dict[str, Any] = {
        "ltpc": {"ltp": ltp, "ltt": str(ltt), "ltq": str(ltq), "cp": 99.0},
        "marketLevel": {"bidAskQuote": [{}, {}]},
        "optionGreeks": {},
        "atp": 100.07,
        "vtt": str(vtt),
        "oi": 71820.0,
    }
    if book is not None:
        market["marketLevel"]["bidAskQuote"][0] = {"bidQ": "70", "bidP": book[0], "askQ": "35", "askP": book[1]}
    return {
        "fullFeed": {"marketFF": market},
        "requestMode": "full_d5",
        "instrumentKey": KEY,
        "_insertion_time": wall(ltt + late_ms + ahead_ms),
    } | more


def array(*documents: dict[str, Any], indent: int | None = 4) -> bytes:
    """Documents as one JSON array."""
    return json.dumps(list(documents), indent=indent).encode()


def lines(*documents: dict[str, Any]) -> bytes:
    """Documents or frames, one a line."""
    return "".join(json.dumps(one) + "\n" for one in documents).encode()


def minute(count: int = 20) -> list[dict[str, Any]]:
    """Two trades a second, each of 35, at the ask and at the bid by turns."""
    return [document(i / 2, 100.1 if i % 2 else 100.0, 1000 + 35 * i) for i in range(count)]
