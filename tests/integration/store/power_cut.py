"""A disk that forgets: what a program wrote, replayed from a record of its calls, cut off at any point.

``power_cut.c`` writes the record. A write is on the disk when the file was flushed after it; a name is when its folder
was, after the name was made. Everything else may be there or not: a `Disk` can be asked for the least that is left, and
for a random part of what was never flushed, torn at sectors.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

__all__ = ("Call", "Disk", "calls")

_Change = tuple[str, str, "_File | None"]

_HEAD = struct.Struct("=cQqIIQ")
_SECTOR = 512


class Call(NamedTuple):
    """One change, or with kind ``s`` one flush."""

    kind: str
    inode: int
    offset: int
    path: str
    other: str
    data: bytes


def calls(log: Path) -> Iterator[Call]:
    """Yield what a program did; a record that a kill cut off is left out."""
    data = log.read_bytes()
    at = 0
    while at + _HEAD.size <= len(data):
        kind, inode, offset, path, other, size = _HEAD.unpack_from(data, at)
        at += _HEAD.size
        end = at + path + other + size
        if end > len(data):
            return
        text = data[at : at + path + other].decode()
        yield Call(kind.decode(), inode, offset, text[:path], text[path:], data[end - size : end])
        at = end


@dataclass(eq=False)
class _File:
    durable: bytearray = field(default_factory=bytearray)
    now: bytearray = field(default_factory=bytearray)
    pending: list[Call] = field(default_factory=list)

    def change(self, call: Call) -> None:
        _apply(self.now, call)
        self.pending.append(call)

    def flush(self) -> None:
        self.durable = bytearray(self.now)
        self.pending.clear()

    def left(self, chance: random.Random | None) -> bytes:
        content = bytearray(self.durable)
        for call in self.pending if chance else ():
            for piece in _sectors(call):
                if chance and chance.random() < 0.5:
                    _apply(content, piece)
        return bytes(content)


def _sectors(call: Call) -> Iterator[Call]:
    if call.kind != "w":
        yield call
    for start in range(0, len(call.data), _SECTOR):
        yield call._replace(offset=call.offset + start, data=call.data[start : start + _SECTOR])


def _apply(content: bytearray, call: Call) -> None:
    if call.kind == "t":
        del content[call.offset :]
        content.extend(bytes(call.offset - len(content)))
        return
    content.extend(bytes(max(0, call.offset - len(content))))
    content[call.offset : call.offset + len(call.data)] = call.data


class Disk:
    """Files and names as they are, and as a power cut would leave them; ``root`` itself is there from the beginning."""

    def __init__(self, root: Path) -> None:
        self._root = str(root)
        self._by_inode: dict[int, _File] = {}
        self._names: dict[str, _File | None] = {}  # None: a folder
        self._durable: dict[str, _File | None] = {}
        # Names made ("+") and removed ("-") since their flush; those of one call are there together or not at all, so
        # that a rename leaves the old file or the new one.
        self._pending: list[tuple[_Change, ...]] = []

    def do(self, call: Call) -> None:
        """Let one call happen."""
        deeds = {
            "w": self._change, "t": self._change, "s": self._flush, "r": self._rename, "u": self._unlink,
            "m": self._mkdir,
        }  # fmt: skip
        deeds[call.kind](call)

    def _change(self, call: Call) -> None:
        self._file(call).change(call)

    def _file(self, call: Call) -> _File:
        if call.inode not in self._by_inode:
            self._by_inode[call.inode] = file = _File()
            self._name(call.path, file)
        return self._by_inode[call.inode]

    def _name(self, path: str, file: _File | None) -> None:
        self._names[path] = file
        self._pending.append((("+", path, file),))

    def _forget(self, path: str) -> _Change:
        file = self._names.pop(path, None)
        for inode in [inode for inode, other in self._by_inode.items() if other is file and file is not None]:
            del self._by_inode[inode]  # the number may be given to another file
        return "-", path, file

    def _flush(self, call: Call) -> None:
        if call.path == self._root or (call.path in self._names and self._names[call.path] is None):
            mine = [one for one in self._pending if any(path.rpartition("/")[0] == call.path for _, path, _ in one)]
            self._pending = [one for one in self._pending if one not in mine]
            for changes in mine:
                _settle(self._durable, changes)
        else:
            self._file(call).flush()

    def _rename(self, call: Call) -> None:
        replaced = (self._forget(call.other),) if call.other in self._names else ()
        file = self._names.pop(call.path)
        self._names[call.other] = file
        self._pending.append((*replaced, ("-", call.path, file), ("+", call.other, file)))

    def _unlink(self, call: Call) -> None:
        self._pending.append((self._forget(call.path),))

    def _mkdir(self, call: Call) -> None:
        self._name(call.path, None)

    def leave(self, target: Path, chance: random.Random | None = None) -> None:
        """Write what a power cut leaves now: the least, or with ``chance`` some of what was not flushed too.

        Names are settled in the order in which they were made, as a file system's own journal does it.
        """
        names = dict(self._durable)
        for changes in self._pending[: chance.randint(0, len(self._pending)) if chance else 0]:
            _settle(names, changes)
        for path in sorted(names):
            place = target / Path(path).relative_to(self._root)
            file = names[path]
            if not place.parent.is_dir():
                continue  # its folder is gone
            if file is None:
                place.mkdir()
            else:
                place.write_bytes(file.left(chance))


def _settle(names: dict[str, _File | None], changes: tuple[_Change, ...]) -> None:
    for kind, path, file in changes:
        if kind == "+":
            names[path] = file
        elif path in names and names[path] is file:
            del names[path]
