"""Where tapes are kept: one contract, `Store`, and one module for each way to keep it.

`footloom.store.files.Store` keeps a folder of Parquet parts behind a SQLite journal, `footloom.store.mongo.Store` a
MongoDB database, `footloom.store.memory.Store` nothing beyond its process; `footloom.store.open.open_store` chooses.
"""

from __future__ import annotations

from footloom.store._protocol import Store
from footloom.store._reports import (
    Block,
    Compaction,
    Coverage,
    Ingested,
    PartReport,
    Quarantined,
    RawPart,
    Recordable,
    Recovery,
    Removed,
    Settings,
    SourceInfo,
    Storable,
    Unreadable,
    UnreadableFrame,
    Watch,
)

__all__ = (
    "Block",
    "Compaction",
    "Coverage",
    "Ingested",
    "PartReport",
    "Quarantined",
    "RawPart",
    "Recordable",
    "Recovery",
    "Removed",
    "Settings",
    "SourceInfo",
    "Storable",
    "Store",
    "Unreadable",
    "UnreadableFrame",
    "Watch",
)
