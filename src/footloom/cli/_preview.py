"""What ``footloom import --preview`` prints."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from footloom.cli._shared import console

if TYPE_CHECKING:
    from footloom.feeds.ingest import Options
    from footloom.feeds.preview import Preview

__all__ = ("show_previews",)


def show_previews(files: Sequence[Path], options: Options, *, json: bool) -> None:
    """Print what files hold and how they would be read."""
    import msgspec

    from footloom.feeds.preview import preview

    found = [preview(path, options) for path in files]
    if json:
        sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
        return
    for one in found:
        _print(one)


def _print(found: Preview) -> None:
    from rich.markup import escape
    from rich.table import Table

    typer.echo(f"{found.file}: {found.format or 'of no known format'}")
    if found.columns:
        columns = Table("column", "holds", "may be", box=None, pad_edge=False, title="columns", title_justify="left")
        for column in found.columns:
            columns.add_row(*map(escape, (column.name, "  ".join(column.examples), column.guess)))
        console().print(columns)
    if found.rows:
        names = ("line", "symbol", "tape", "time", "price", "qty", "side", "id")
        rows = Table(*names, box=None, pad_edge=False, title="as they would be read", title_justify="left")
        for row in found.rows:
            number = "-" if row.trade_id is None else str(row.trade_id)
            cells = (str(row.line), row.symbol, row.tape, row.time, row.price, row.qty, row.side, number)
            rows.add_row(*map(escape, cells))
        console().print(rows)
    for title, lines in (("refused", found.refused), ("note", found.notes), ("missing", found.missing)):
        for line in lines:
            typer.echo(f"  {title}: {line}")
    if found.told:
        typer.echo(f"  to begin with: {found.told}")
