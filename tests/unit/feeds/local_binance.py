"""As much of Binance USD-M as a recorder needs, on one port of this machine: aggregate trades and their history."""

from __future__ import annotations

import asyncio
import http
import json
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

START_MS = 1_764_738_254_000


@dataclass
class LocalBinance:
    """Trades that happened, and who listens. ``lost`` are ids that the history does not have either."""

    tick: str = "0.10"
    trades: list[dict[str, Any]] = field(default_factory=list)
    lost: set[int] = field(default_factory=set)
    clients: list[ServerConnection] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    joined: asyncio.Event = field(default_factory=asyncio.Event)
    refuse: http.HTTPStatus | None = None
    server: Server | None = None

    async def __aenter__(self) -> Self:
        self.server = await serve(self._listen, "127.0.0.1", 0, process_request=self._answer, ping_interval=None)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self.server is not None
        self.server.close()
        await self.server.wait_closed()

    @property
    def port(self) -> int:
        assert self.server is not None
        return next(iter(self.server.sockets)).getsockname()[1]

    def happen(self, count: int, price: str = "92150.10") -> list[dict[str, Any]]:
        """Let trades happen that nobody is told of."""
        made = []
        for _ in range(count):
            number = len(self.trades) + 1000
            row = {"a": number, "p": price, "q": "0.002", "T": START_MS + 10 * number, "m": bool(number % 2)}
            self.trades.append(row)
            made.append(row)
        return made

    async def send(self, rows: list[dict[str, Any]]) -> None:
        for row in rows:
            await self.send_text(frame(row))

    async def send_text(self, text: str) -> None:
        for client in list(self.clients):
            await client.send(text)

    async def drop(self, code: int | None = None) -> None:
        """End every connection: with a close frame, or (None) without a word."""
        self.joined.clear()
        for client in list(self.clients):
            if code is None:
                client.transport.abort()
            else:
                await client.close(code)
        self.clients.clear()

    async def _listen(self, client: ServerConnection) -> None:
        self.clients.append(client)
        self.joined.set()
        await client.wait_closed()

    def _answer(self, _client: ServerConnection, request: Request) -> Response | None:
        path = urlsplit(request.path)
        if self.refuse is not None and path.path.endswith("/stream"):
            return _response(self.refuse, b"no")
        if path.path.endswith("/stream"):
            return None
        self.asked.append(request.path)
        query = {name: values[0] for name, values in parse_qs(path.query).items()}
        if path.path == "/fapi/v1/exchangeInfo":
            return _response(http.HTTPStatus.OK, json.dumps(self._listed()).encode())
        if path.path == "/fapi/v1/time":
            return _response(http.HTTPStatus.OK, b'{"serverTime":1764738254000}')
        if path.path == "/fapi/v1/aggTrades":
            return _response(http.HTTPStatus.OK, json.dumps(self._page(query)).encode())
        return _response(http.HTTPStatus.NOT_FOUND, b"{}")

    def _page(self, query: dict[str, str]) -> list[dict[str, Any]]:
        limit = int(query.get("limit", 500))
        kept = [row for row in self.trades if row["a"] not in self.lost]
        if "fromId" in query:
            return [row for row in kept if row["a"] >= int(query["fromId"])][:limit]
        return kept[-limit:]

    def _listed(self) -> dict[str, Any]:
        filters = [
            {"filterType": "PRICE_FILTER", "tickSize": self.tick, "minPrice": "0.1", "maxPrice": "1000000"},
            {"filterType": "LOT_SIZE", "stepSize": "0.001", "minQty": "0.001", "maxQty": "1000"},
        ]
        symbol = {
            "symbol": "BTCUSDT",
            "pair": "BTCUSDT",
            "contractType": "PERPETUAL",
            "status": "TRADING",
            "baseAsset": "BTC",
            "quoteAsset": "USDT",
            "marginAsset": "USDT",
            "onboardDate": 1569398400000,
            "deliveryDate": 4133404800000,
            "filters": filters,
        }
        return {"timezone": "UTC", "serverTime": START_MS, "rateLimits": [], "symbols": [symbol]}


def frame(row: dict[str, Any]) -> str:
    """Return the combined stream's message of an aggregate trade."""
    data = {"e": "aggTrade", "E": row["T"], "s": "BTCUSDT", "nq": row["q"], "f": 1, "l": 1, "st": 1, **row}
    return json.dumps({"stream": "btcusdt@aggTrade", "data": data})


def _response(status: http.HTTPStatus, body: bytes) -> Response:
    headers = Headers({"Content-Length": str(len(body)), "Content-Type": "application/json", "Connection": "close"})
    return Response(status.value, status.phrase, headers, body)
