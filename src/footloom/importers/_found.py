"""Which importer takes a file: each is asked, in the order of their names."""

from __future__ import annotations

import importlib
import pkgutil

import footloom.importers
from footloom.errors import UnknownFormat
from footloom.importers._rows import Importer, Plan, as_importer
from footloom.importers._source import Source

__all__ = ("formats", "recognise")


def formats() -> dict[str, Importer]:
    """Return every importer by name: the modules of this package that do not begin with an underscore."""
    package = footloom.importers
    names = sorted(found.name for found in pkgutil.iter_modules(package.__path__) if not found.name.startswith("_"))
    return {name: as_importer(importlib.import_module(f"{package.__name__}.{name}")) for name in names}


def recognise(source: Source) -> tuple[Importer, Plan]:
    """Return the importer of a file and its plan.

    Raises
    ------
    UnknownFormat
        No importer takes the file; the message says why each did not.
    DataError
        Nothing can be read from it.
    """
    sample = source.sample()
    refused = []
    for name, importer in formats().items():
        if getattr(importer, "KIND", "text") != source.kind:
            continue
        plan = importer.recognise(sample)
        if isinstance(plan, Plan):
            return importer, plan
        refused.append(f"  {name}: {plan}")
    what = {"sqlite": "a SQLite database", "parquet": "a Parquet file"}.get(source.kind, "")
    if not refused:
        raise UnknownFormat(f"{source.path} is {what}, which no importer reads: bring it into CSV first")
    raise UnknownFormat(f"{source.path} is {what and what + ' '}of no known format; tried\n" + "\n".join(refused))
