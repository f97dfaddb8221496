"""What contracts are, for recordings that name them by number alone: from a broker's list of their day."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from footloom.cli._shared import say

if TYPE_CHECKING:
    from footloom.core.instrument import Instrument
    from footloom.core.place import StorePlace

__all__ = ("define_contracts", "read_contracts")


def read_contracts(path: Path) -> list[Instrument]:
    """Return what Upstox's instrument file lists; it may be packed.

    Raises
    ------
    ConfigError
        It cannot be read, or is no such file.
    """
    from footloom.errors import ConfigError, SchemaChanged
    from footloom.venues import upstox

    try:
        listed = upstox.instruments(path.read_bytes(), 0)
    except OSError as error:
        raise ConfigError(f"--contracts {path}: it cannot be read ({error.strerror})") from None
    except SchemaChanged as error:
        raise ConfigError(
            f"--contracts {path} is no instrument file of Upstox (complete.json.gz, NSE.json.gz): {error}"
        ) from None
    if not listed:
        raise ConfigError(f"--contracts {path} lists no instrument")
    return listed


def define_contracts(place: StorePlace, listed: list[Instrument], *, dry_run: bool) -> None:
    """Write down what the stored contracts are, and say which; nothing where nothing is listed."""
    if not listed or dry_run:
        return
    from footloom.feeds.derived_chain import defined
    from footloom.store.open import open_store

    with open_store(place, writer=True) as store:
        found = defined(store, listed)
    said = ", ".join(found[:4]) + (f" and {len(found) - 4} others" if len(found) > 4 else "")
    say(f"contracts defined: {said or 'none that was not known'}")
