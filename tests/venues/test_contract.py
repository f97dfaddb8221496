"""Every venue's module speaks as `_venue.Venue` says, so that the feeds need to know none of them."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from types import ModuleType

import pytest

from footloom import venues
from footloom.venues._venue import Bases, TapeCalls, Venue

NAMES = sorted(
    one.name for one in pkgutil.iter_modules(venues.__path__) if not one.name.startswith("_") and not one.ispkg
)
MODULES = [
    module
    for module in (importlib.import_module(f"footloom.venues.{name}") for name in NAMES)
    if hasattr(module, "BASES")
]
CONTRACT = {
    name: member
    for name, member in (vars(TapeCalls) | vars(Venue)).items()
    if inspect.isfunction(member) and name[0] != "_"
}


def named(module: ModuleType) -> str:
    return module.__name__.rpartition(".")[2]


@pytest.mark.parametrize("module", MODULES, ids=named)
def test_functions_take_what_the_contract_says(module: ModuleType) -> None:
    spoken = {name: getattr(module, name) for name in CONTRACT if hasattr(module, name)}
    assert {"parse", "instruments", "instruments_request"} <= spoken.keys()
    for name, function in spoken.items():
        said = list(inspect.signature(CONTRACT[name]).parameters)[1:]
        taken = inspect.signature(function).parameters
        more = [
            parameter for parameter in list(taken)[len(said) :] if taken[parameter].default is inspect.Parameter.empty
        ]
        assert list(taken)[: len(said)] == said, name
        assert more == [], name


@pytest.mark.parametrize("module", MODULES, ids=named)
def test_constants_are_there(module: ModuleType) -> None:
    assert named(module) == module.VENUE
    assert isinstance(module.BASES, Bases)
    assert not any(base.endswith("/") for base in (module.BASES.ws, module.BASES.rest, module.BASES.archive))
    assert module.GRACE_NS >= 0
    assert module.TAPE
    assert all(weight > 0 and seconds > 0 for weight, seconds in module.BUDGETS.values())
    if hasattr(module, "sockets"):
        assert module.TAPE in module.STREAMS
    if hasattr(module, "candles") and not hasattr(module, "trades_from"):  # they stand before the first trades
        assert module.CANDLE_SPAN_NS > 0


@pytest.mark.parametrize("module", MODULES, ids=named)
def test_requests_count_against_a_budget_of_the_venue(module: ModuleType) -> None:
    bases = module.BASES
    requests = [module.instruments_request(bases)]
    if hasattr(module, "server_time"):
        requests.append(module.server_time(bases))
    if hasattr(module, "recent_trades"):
        requests.append(module.recent_trades("BTCUSDT", bases))
    if hasattr(module, "book_snapshot"):
        requests.append(module.book_snapshot("BTCUSDT", bases))
    for request in requests:
        assert request.url.startswith("https://")
        if request.budget in module.BUDGETS:
            assert request.weight <= module.BUDGETS[request.budget][0]


def test_all_venues_were_seen() -> None:
    assert {"binance_usdm", "binance_spot", "binance_coinm", "bybit_linear", "upstox"} <= {
        named(module) for module in MODULES
    }
