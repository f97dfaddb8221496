"""Importers: one file = one file format, with a `recognise` and a `read`. They are found by being here."""

from __future__ import annotations

from footloom.importers._csv_rules import SCAN, Grid
from footloom.importers._csv_words import shown
from footloom.importers._rows import Ask, BareRows, Dropped, Importer, Outside, Plan, RawText, Rows, Silence
from footloom.importers._source import Sample, Source

__all__ = (
    "SCAN",
    "Ask",
    "BareRows",
    "Dropped",
    "Grid",
    "Importer",
    "Outside",
    "Plan",
    "RawText",
    "Rows",
    "Sample",
    "Silence",
    "Source",
    "shown",
)
