"""Importers: one file = one file format, with a `recognise` and a `read`. They are found by being here."""

from __future__ import annotations

from footloom.importers._csv_rules import SCAN, Grid
from footloom.importers._csv_words import shown
from footloom.importers._rows import Ask, Dropped, Importer, Outside, Plan, Rows
from footloom.importers._source import Sample, Source

__all__ = ("SCAN", "Ask", "Dropped", "Grid", "Importer", "Outside", "Plan", "Rows", "Sample", "Source", "shown")
