"""Documents as a recorder of Upstox messages writes them: one a tick of one instrument, with a number to know it by."""

from __future__ import annotations

import datetime as dt
from typing import Any

from bson import ObjectId

START = dt.datetime(2026, 1, 5, 4, 0, tzinfo=dt.UTC)  # half past nine in Kolkata
SYMBOL = "NSE_EQ|INE467B01029"


def document(number: int, symbol: str = SYMBOL) -> dict[str, Any]:
    """Return the message of one tick: its day's volume is its number plus one, so that none can be missed unseen."""
    at = START + dt.timedelta(milliseconds=250 * number)
    ltt = str(int(at.timestamp() * 1_000) - 120)
    price = 3183.8 + (number % 7 - 3) / 20
    book = [{"bidQ": "2", "bidP": round(price - 0.05, 2), "askQ": "67", "askP": round(price, 2)}]
    feed = {
        "ltpc": {"ltp": round(price, 2), "ltt": ltt, "ltq": "1", "cp": 3135.7},
        "marketLevel": {"bidAskQuote": book},
        "optionGreeks": {},
        "marketOHLC": {"ohlc": []},
        "atp": 3168.99,
        "vtt": str(number + 1),
    }
    made = ObjectId(int(at.timestamp()).to_bytes(4, "big") + number.to_bytes(8, "big"))
    return {
        "_id": made,
        "fullFeed": {"marketFF": feed},
        "requestMode": "full_d5",
        "instrumentKey": symbol,
        "_insertion_time": at,
    }
