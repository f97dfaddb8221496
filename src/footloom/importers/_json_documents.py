"""A file of JSON objects as its objects, whether they stand in an array, on a line each, or one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from footloom.importers._source import Sample, Source

__all__ = ("Document", "documents", "documents_of", "fault_of")

_LONGEST = 16 << 20  # one object; a document of full mode has 4 kB
_FAULTS = ("", "an object that does not end", "text between the objects")  # by kind: `footloom.kernels.json_objects`
_OPEN = "an array that is not closed"


class Document(NamedTuple):
    """One object of a file, or what stands in the place of one.

    ``line`` is where it begins, from 1; ``number`` counts objects and faults. ``fault`` is ``""`` for a whole object.
    ``cut`` says that the file ends within it.
    """

    text: bytes
    line: int
    number: int
    fault: str = ""
    cut: bool = False


class _Scanner:
    def __init__(self) -> None:
        from footloom.kernels import json_objects

        self.kernel = json_objects
        self.state = json_objects.begun()
        self.held = b""
        self.seen = 0  # of what is held
        self.number = 0
        self.whole = True  # nothing is wrong so far

    def feed(self, piece: bytes, *, last: bool = False) -> list[Document]:
        data = self.held + piece
        stop = max(self.seen, len(data) - (0 if last else self.kernel.AHEAD))
        most = sum(data.count(mark, self.seen, stop) for mark in (b"{", b"}", b"\n")) + 4
        found = np.empty((most, 4), np.int64)
        count = self.kernel.scan(np.frombuffer(data, np.uint8), self.seen, stop, self.state, found)
        documents = []
        for kind, start, end, line in found[:count].tolist():
            self.whole = self.whole and kind == self.kernel.WHOLE
            junk = kind == self.kernel.JUNK
            documents.append(self._document(data[start : start + 200 if junk else end], line, _FAULTS[kind]))
        opened = self.kernel.started(self.state)
        start = opened[0] if opened else stop
        self.held, self.seen = data[start:], stop - start
        self.kernel.moved(self.state, 0)
        return [*documents, *self._give_up(cut=False)] if self.seen > _LONGEST else documents

    def end(self) -> list[Document]:
        found = [*self.feed(b"", last=True), *self._give_up(cut=True)]
        if self.whole and self.kernel.in_array(self.state):
            found.append(self._document(b"", self.kernel.line(self.state), _OPEN, cut=True))
        return found

    def _give_up(self, *, cut: bool) -> list[Document]:
        opened = self.kernel.started(self.state)
        if opened is None:
            return []
        self.whole = False
        text, self.held, self.seen = self.held[: self.seen], self.held[self.seen :], 0
        self.kernel.given_up(self.state)
        return [self._document(text, opened[1], _FAULTS[self.kernel.BROKEN], cut=cut)]

    def _document(self, text: bytes, line: int, fault: str, *, cut: bool = False) -> Document:
        self.number += 1
        return Document(text, line, self.number, fault, cut)


def documents(source: Source) -> Iterator[list[Document]]:
    """Yield a file's objects, in the order of the file, some at a time."""
    scanner = _Scanner()
    for piece in source.pieces():
        if found := scanner.feed(piece):
            yield found
    if found := scanner.end():
        yield found


def documents_of(sample: Sample) -> list[Document]:
    """Return the whole objects at the beginning of a file."""
    return [one for one in _Scanner().feed(b"\n".join(sample.lines), last=True) if not one.fault]


def fault_of(document: Document) -> str:
    """Say what is wrong with something that is no whole object."""
    begins = document.text[:60].decode("utf-8", "backslashreplace").split()
    if not begins:
        return document.fault
    return f"{document.fault}: it begins {' '.join(begins)!r}"
