"""``footloom remove``: take a tape out of the store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from footloom.cli._shared import JsonFlag, StoreFlag, say

if TYPE_CHECKING:
    from footloom.store import Coverage, Store

__all__ = ("remove",)


def remove(
    symbol: Annotated[str, typer.Argument(metavar="VENUE:SYMBOL", help="Whose tape.", show_default=False)],
    tape: Annotated[str | None, typer.Option(help="Which tape, where the symbol has several.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Remove it; without this, only say what would go.")] = False,
    json: JsonFlag = False,
    store: StoreFlag = None,
) -> None:
    """Take everything that is stored of a tape out of the store, all or nothing; it cannot be brought back.

    Without --yes nothing is removed, and the exit code is 1. The tick and lot of a symbol go with its last tape, so
    that an import on another grid (--tick) defines them anew.
    """
    import msgspec

    from footloom import config
    from footloom.store.open import open_store

    folder = config.load(store=store).store
    with open_store(folder) as opened:
        days = _days(opened, symbol, tape)
    name = days[0].tape
    what = (
        f"{symbol}/{name}: {sum(day.rows for day in days):,} rows of {len(days)} {'day' if len(days) == 1 else 'days'}"
    )
    if not yes:
        say(f"{what} would be removed from {folder}, for good: say --yes to do it")
        raise typer.Exit(1)
    with open_store(folder, writer=True) as opened:
        removed = opened.remove(symbol, name)
    typer.echo(msgspec.json.encode(removed).decode() if json else f"{what} are removed from {folder}")


def _days(store: Store, symbol: str, tape: str | None) -> Sequence[Coverage]:
    from footloom.errors import ConfigError, NotStored

    every = [*store.coverage(symbol), *store.partials(symbol), *store.series(symbol), *store.finished(symbol)]
    tapes = sorted({day.tape for day in every})
    if not tapes or (tape is not None and tape not in tapes):
        held = f"its tapes are {', '.join(tapes)}" if tapes else "footloom coverage lists what is"
        raise NotStored(f"nothing is stored of {symbol}{f'/{tape}' if tape else ''}: {held}")
    if tape is None and len(tapes) > 1:
        raise ConfigError(f"{symbol} has several tapes ({', '.join(tapes)}): name one with --tape")
    return [day for day in every if day.tape == (tape or tapes[0])]
