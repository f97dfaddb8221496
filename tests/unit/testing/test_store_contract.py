"""The contract of stores, in a folder and in memory; MongoDB's turn is `tests/integration/mongo`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from footloom.errors import FootloomError
from footloom.store.chunks import Chunk
from footloom.store.folder import Folder
from footloom.store.medium import Medium
from footloom.store.memory import Memory
from footloom.testing.store_contract import CHECKS, check


@pytest.mark.parametrize("name", CHECKS)
def test_a_folder_keeps_the_contract(name: str, tmp_path: Path) -> None:
    check(name, lambda: Folder(tmp_path / "store"))


@pytest.mark.parametrize("name", CHECKS)
def test_memory_keeps_the_contract(name: str) -> None:
    memory = Memory()
    check(name, lambda: memory)


class Forgetful(Memory):
    """Acknowledges manifests that it does not keep."""

    def write_manifest(self, stream: Any, day: Any, data: bytes) -> None:
        pass


class Cut(Memory):
    """Keeps the first run of a part only."""

    def add_part(self, stream: Any, day: Any, file: str, data: list[Chunk]) -> None:
        super().add_part(stream, day, file, data[:1])


class Unlocked(Memory):
    """Lets anybody write."""

    def lock(self) -> Memory:
        return self


class Volatile(Memory):
    """Loses the journal with its writer."""

    def release(self) -> None:
        for name in self.segments():
            self.delete_segment(name)
        super().release()


class Eager(Memory):
    """Removes a tape's definitions with any of its tapes."""

    def remove_tape(self, stream: Any) -> None:
        super().remove_tape(stream)
        self.forget_definitions(stream.venue, stream.symbol)


class Hasty(Memory):
    """Takes a segment for sealed before its rows are in parts."""

    def add_part(self, stream: Any, day: Any, file: str, data: list[Chunk]) -> None:
        for name in self.segments()[:-1]:
            self.delete_segment(name)
        super().add_part(stream, day, file, data)


class Hoarder(Memory):
    """Keeps every frame that could not be parsed."""

    def frames(self, settings: Any) -> Any:
        return super().frames(type(settings)())


FAULTS: dict[Callable[[], Medium], str] = {
    Forgetful: "each_row_is_there_once_and_in_order",
    Cut: "an_import_twice_changes_nothing",
    Unlocked: "one_writes_and_any_number_read",
    Volatile: "what_is_appended_is_durable_and_numbered",
    Eager: "a_tape_is_removed_with_all_that_is_known_of_it",
    Hasty: "a_cut_while_sealing_loses_and_doubles_nothing",
    Hoarder: "unreadable_frames_are_kept_and_bounded",
}


@pytest.mark.parametrize("faulty", FAULTS)
def test_a_store_that_breaks_it_is_found_out(faulty: Callable[[], Medium]) -> None:
    medium = faulty()
    with pytest.raises((AssertionError, FootloomError)):
        check(FAULTS[faulty], lambda: medium)
