"""``/data``, ``/set_interval`` and ``/stream``: buy and sell volumes by time and price, and the last price."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import SkipValidation
from litestar.types import ASGIApp
from msgspec import UNSET, Raw, UnsetType

from footloom.core.instrument import Instrument
from footloom.core.sessions import calendar
from footloom.server.compat.bars import Bar, Cells, rounded
from footloom.server.compat.clients import Clients, Settings, read_settings, settings_from
from footloom.server.compat.numbers import JsonNumbers, Steps
from footloom.server.compat.sse import BarStream, bars_stored, begun, key_of
from footloom.server.services import Services

__all__ = ("BLOCK_ROUTES", "DEFAULTS", "Block", "BlockTeller", "data", "set_interval", "stream")

DEFAULTS = Settings(3, Decimal(3))
_BARS = 150  # of three minutes: a session of seven hours
_PACE_S = 0.5
_NS_PER_S = 1_000_000_000

Shared = NamedDependency[SkipValidation[Services]]
Known = NamedDependency[SkipValidation[Clients]]


class Block(msgspec.Struct, omit_defaults=True):
    """What was traded at a price row within a bar; ``unknown_volume`` where a side is not known."""

    buy_volume: Raw
    sell_volume: Raw
    unknown_volume: Raw | UnsetType = UNSET


class BlockTeller:
    """Bars as this wire has them: each event holds all of them."""

    def __init__(self, instrument: Instrument, settings: Settings) -> None:
        self._how = ("blocks", settings.tick_size)
        self._zone = ZoneInfo(calendar(instrument.calendar).tz)
        self._steps = Steps(instrument.tick_size, settings.tick_size)
        self._ticks = JsonNumbers(instrument.tick_size)
        self._lots = JsonNumbers(instrument.lot_size)
        self._bars: dict[int, Bar] = {}

    def all(self, bars: list[Bar], seen_ns: int | None) -> list[bytes]:  # noqa: ARG002 - each event is of all blocks
        """Return the event that tells bars which were read."""
        self._bars = {}
        return self.changed(bars)

    def changed(self, bars: list[Bar]) -> list[bytes]:
        """Return the event that tells all bars, some of which have changed; none where nothing did."""
        if not bars:
            return []
        self._bars |= {bar.open_ns: bar for bar in bars}
        for open_ns in sorted(self._bars)[:-_BARS]:
            del self._bars[open_ns]
        last = self._bars[max(self._bars)]
        told = {"trade_data": self.trade_data(), "ltp": self._ticks.raw(last.close_tick)}
        return [msgspec.json.encode(told)]

    def trade_data(self) -> dict[str, Raw]:
        """Return all bars by their time, as text in the exchange's own zone, each with its rows by price."""
        return {self._time(open_ns): self._blocks(bar) for open_ns, bar in sorted(self._bars.items())}

    def _time(self, open_ns: int) -> str:
        moment = dt.datetime.fromtimestamp(open_ns // _NS_PER_S, self._zone)
        return moment.strftime("%Y-%m-%d %H:%M:%S")

    def _blocks(self, bar: Bar) -> Raw:
        known = bar.made.get(self._how)
        if known is None:
            cells = rounded(bar.cells, self._steps)
            columns = (getattr(cells, name)[::-1].tolist() for name in Cells.__slots__)
            price, lots = self._steps.numbers.text, self._lots.raw
            rows = {
                price(p): Block(lots(bought), lots(sold), lots(unknown) if unknown else UNSET)
                for p, bought, sold, unknown, _ in zip(*columns, strict=True)
            }
            known = bar.made[self._how] = Raw(msgspec.json.encode(rows))
        return known


@get("/data", include_in_schema=False)
async def data(request: Request[Any, Any, Any], services: Shared, clients: Known) -> Response[bytes]:
    """Return the newest bars by time, each with its volumes by price."""
    settings = clients.settings(request)
    instrument, bars = await bars_stored(services, settings, _BARS)
    teller = BlockTeller(instrument, settings)

    def work() -> bytes:
        teller.all(bars, None)
        return msgspec.json.encode(teller.trade_data())

    return Response(await services.run(work), media_type="application/json", cookies=clients.greet(request))


@post("/set_interval", include_in_schema=False, status_code=200)
async def set_interval(request: Request[Any, Any, Any], services: Shared, clients: Known) -> Response[bytes]:
    """Set what this client sees from now on; what is left out stays."""
    settings = settings_from(await read_settings(request), clients.settings(request))
    if settings.symbol:
        await services.run(key_of, services, settings)
    cookies = clients.change(request, settings)
    tick_size = JsonNumbers(settings.tick_size).raw(1)
    told = {"status": "success", "interval": settings.interval, "tickSize": tick_size}
    return Response(msgspec.json.encode(told), media_type="application/json", cookies=cookies)


@get("/stream", include_in_schema=False)
async def stream(request: Request[Any, Any, Any], services: Shared, clients: Known) -> ASGIApp:
    """Send all bars and the last price, at once and as they change."""
    bars = BarStream(services, lambda: clients.settings(request), BlockTeller, _BARS, _PACE_S)
    return await begun(clients, request, bars)


BLOCK_ROUTES = (data, set_interval, stream)
