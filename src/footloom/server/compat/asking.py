"""What a page asks for in the words of its wire; every refusal says what to write instead."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from footloom.core.instrument import split_key
from footloom.errors import ConfigError, NotStored
from footloom.server.services import Services

__all__ = ("EXCHANGES", "first_symbol", "one_of", "query_value", "stored_key", "symbol_of", "whole_number")

EXCHANGES = {"binance": "binance_usdm", "bybit": "bybit_linear"}


def whole_number(text: str, name: str, least: int, most: int) -> int:
    """Return a whole number of a query.

    Raises
    ------
    ConfigError
        It is none, or is out of its range.
    """
    text = text.strip()
    if text.isascii() and text.isdigit() and len(text) <= len(str(most)) and least <= int(text) <= most:
        return int(text)
    raise ConfigError(f"{name} {text[:40]!r} cannot be: write a whole number from {least} to {most}")


def stored_key(services: Services, venue: str, symbol: str) -> str:
    """Return the key of a symbol as it is stored, however its letters were written; else as it was written.

    Blocking: it looks into the store.
    """
    asked = f"{venue}:{symbol}"
    known = {*services.live, *(instrument.key for instrument in services.history.store.instruments())}
    if asked in known:
        return asked
    return next((key for key in sorted(known) if key.lower() == asked.lower()), asked)


def first_symbol(services: Services) -> str:
    """Return the symbol that a page shows which names none: the first live one, else the first that is stored.

    Blocking: it looks into the store.

    Raises
    ------
    NotStored
        There is none.
    """
    stored = [instrument.key for instrument, _ in services.history.symbols()]
    asked_for = [row.symbol for row in services.hub.board.rows() if row.symbol in stored]
    live = asked_for or [key for key in stored if key in services.live]
    if not (live or stored):
        raise NotStored(
            "nothing is stored and nothing is live: start footloom serve with a symbol, or try footloom demo"
        )
    return (live or stored)[0]


def symbol_of(services: Services, text: str) -> str:
    """Return the key that a page means by ``VENUE:SYMBOL``, or by a symbol alone; blocking.

    Raises
    ------
    NotStored
        No symbol of that name is stored or live.
    ConfigError
        Several are.
    """
    if ":" in text:
        venue, symbol = split_key(text)
        return stored_key(services, EXCHANGES.get(venue, venue), symbol)
    known = {*services.live, *(instrument.key for instrument in services.history.store.instruments())}
    found = sorted(key for key in known if key.partition(":")[2].lower() == text.lower())
    if len(found) == 1:
        return found[0]
    if not found:
        raise NotStored(f"symbol {text[:60]!r} is not stored: write VENUE:SYMBOL, such as binance_usdm:BTCUSDT")
    raise ConfigError(f"symbol {text[:60]!r} is traded at several venues: write one of {', '.join(found)}")


def one_of(text: str, name: str, choices: Collection[str]) -> str:
    """Return a word of a query; `ConfigError` where it is none of the choices."""
    if text in choices:
        return text
    raise ConfigError(f"{name} {text[:40]!r} cannot be: write one of {', '.join(choices)}")


def query_value(query: Mapping[str, str], name: str, default: str) -> str:
    """Return a parameter of a query; one that is left out or empty has its default."""
    return query.get(name) or default
