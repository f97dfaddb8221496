"""``/history``, ``/settings`` and ``/stream``: bars with their levels, then one bar at a time (`docs/compat.md`)."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import SkipValidation
from litestar.types import ASGIApp
from msgspec import UNSET, Raw, UnsetType

from footloom.core.instrument import Instrument
from footloom.server.compat.asking import query_value, whole_number
from footloom.server.compat.bars import Bar, Cells, rounded
from footloom.server.compat.clients import Clients, Settings, read_settings, settings_from
from footloom.server.compat.numbers import JsonNumbers, Steps
from footloom.server.compat.sse import BarStream, bars_stored, begun, key_of, seen_of
from footloom.server.services import Services

__all__ = (
    "DEFAULTS",
    "HISTORY_ROUTES",
    "BarDocument",
    "BarTeller",
    "LevelDocument",
    "history",
    "settings_changed",
    "settings_now",
    "stream",
)

DEFAULTS = Settings(5, Decimal(2))
_BARS, _MOST_BARS = 500, 2_000
_PACE_S = 0.25
_NS_PER_S = 1_000_000_000

Shared = NamedDependency[SkipValidation[Services]]
Known = NamedDependency[SkipValidation[Clients]]


class LevelDocument(msgspec.Struct, omit_defaults=True):
    """One price row: ``bidVol`` was sold, ``askVol`` was bought; ``unknownVol`` where a side is not known."""

    price: Raw
    bidVol: Raw  # noqa: N815 - as the wire writes it
    askVol: Raw  # noqa: N815
    unknownVol: Raw | UnsetType = UNSET  # noqa: N815


class BarDocument(msgspec.Struct):
    """One bar: ``time`` in s UTC, prices as traded, ``levels`` descending in price."""

    time: int
    open: Raw
    high: Raw
    low: Raw
    close: Raw
    levels: Sequence[LevelDocument]


class BarTeller:
    """Bars as this wire has them."""

    def __init__(self, instrument: Instrument, settings: Settings) -> None:
        self._how = ("history", settings.tick_size)
        self._steps = Steps(instrument.tick_size, settings.tick_size)
        self._ticks = JsonNumbers(instrument.tick_size)
        self._lots = JsonNumbers(instrument.lot_size)

    def all(self, bars: list[Bar], seen_ns: int | None) -> list[bytes]:
        """Return the bars from the one on that was seen last, else the newest: the page has read those before it."""
        begin_ns = bars[-1].open_ns if seen_ns is None else min(seen_ns, bars[-1].open_ns)
        return self.changed([bar for bar in bars if bar.open_ns >= begin_ns])

    def changed(self, bars: list[Bar]) -> list[bytes]:
        """Return each bar."""
        return [bytes(self.raw(bar)) for bar in bars]

    def raw(self, bar: Bar) -> Raw:
        """Return one bar as JSON; clients of the same step share it."""
        known = bar.made.get(self._how)
        if known is None:
            known = bar.made[self._how] = Raw(msgspec.json.encode(self._document(bar)))
        return known

    def _document(self, bar: Bar) -> BarDocument:
        cells = rounded(bar.cells, self._steps)
        columns = (getattr(cells, name)[::-1].tolist() for name in Cells.__slots__)
        price, lots, tick = self._steps.numbers.raw, self._lots.raw, self._ticks.raw
        return BarDocument(
            bar.open_ns // _NS_PER_S,
            tick(bar.open_tick),
            tick(bar.high_tick),
            tick(bar.low_tick),
            tick(bar.close_tick),
            [
                LevelDocument(price(p), lots(sold), lots(bought), lots(unknown) if unknown else UNSET)
                for p, bought, sold, unknown, _ in zip(*columns, strict=True)
            ],
        )


@get("/history", include_in_schema=False)
async def history(request: Request[Any, Any, Any], services: Shared, clients: Known) -> Response[bytes]:
    """Return the newest bars, oldest first."""
    settings = clients.settings(request)
    count = whole_number(query_value(request.query_params, "limit", str(_BARS)), "limit", 1, _MOST_BARS)
    instrument, bars = await bars_stored(services, settings, count)
    teller = BarTeller(instrument, settings)

    def work() -> bytes:
        return msgspec.json.encode([teller.raw(bar) for bar in bars])

    return Response(await services.run(work), media_type="application/json", cookies=clients.greet(request))


@get("/settings", include_in_schema=False)
async def settings_now(request: Request[Any, Any, Any], clients: Known) -> Response[bytes]:
    """Return what this client has set."""
    return _told(clients.settings(request), clients.greet(request))


@post("/settings", include_in_schema=False, status_code=200)
async def settings_changed(request: Request[Any, Any, Any], services: Shared, clients: Known) -> Response[bytes]:
    """Set what this client sees from now on; what is left out stays."""
    settings = settings_from(await read_settings(request), clients.settings(request))
    if settings.symbol:
        await services.run(key_of, services, settings)
    cookies = clients.change(request, settings)
    return _told(settings, cookies, status="success")


def _told(settings: Settings, cookies: Any, **more: str) -> Response[bytes]:
    told = {
        **more,
        "interval": settings.interval,
        "tickSize": JsonNumbers(settings.tick_size).raw(1),
        "symbol": settings.symbol,
    }
    return Response(msgspec.json.encode(told), media_type="application/json", cookies=cookies)


@get("/stream", include_in_schema=False)
async def stream(request: Request[Any, Any, Any], services: Shared, clients: Known) -> ASGIApp:
    """Send the open bar as it changes, and each bar in its final form before the next one."""
    bars = BarStream(services, lambda: clients.settings(request), BarTeller, _BARS, _PACE_S, seen_ns=seen_of(request))
    return await begun(clients, request, bars)


HISTORY_ROUTES = (history, settings_now, settings_changed, stream)
