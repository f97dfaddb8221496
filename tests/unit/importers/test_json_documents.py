"""Objects of a JSON text, in any layout and in pieces of any length; one that is broken spoils itself only."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from footloom.importers._json_documents import Document, _Scanner, documents
from footloom.importers._source import Source

OBJECTS: list[dict[str, Any]] = [
    {"id": 1, "text": 'a { brace, a "quote" and a \\ stroke', "inner": {"no": 2, "list": [{}, {"no": 3}]}},
    {"id": 4, "text": "}{][,"},
    {"id": 5, "text": "ümläut \n newline", "inner": {}},
]


def fed(text: bytes, cuts: list[int]) -> list[Document]:
    scanner = _Scanner()
    found: list[Document] = []
    for lo, hi in zip([0, *cuts], [*cuts, len(text)], strict=True):
        found += scanner.feed(text[lo:hi])
    return found + scanner.end()


LAYOUTS = {
    "pretty": json.dumps(OBJECTS, indent=4),
    "flat": json.dumps(OBJECTS, indent=0),
    "one line": json.dumps(OBJECTS),
    "tight": json.dumps(OBJECTS, separators=(",", ":")),
    "lines": "\n".join(json.dumps(one) for one in OBJECTS),
    "export": "[" + ",\n".join(json.dumps(one) for one in OBJECTS) + "]\n",
    "behind each other": "".join(json.dumps(one) for one in OBJECTS),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_every_layout_in_pieces_of_any_length(layout: str, end: str, seed: int) -> None:
    text = LAYOUTS[layout].replace("\n", end).encode()
    whole = fed(text, [])
    assert [json.loads(one.text) for one in whole] == OBJECTS
    assert [one.number for one in whole] == [1, 2, 3]
    rng = random.Random(seed)
    for _ in range(50):
        cuts = sorted(rng.randrange(len(text)) for _ in range(rng.randrange(6)))
        assert fed(text, cuts) == whole


def test_lines_are_counted() -> None:
    assert [one.line for one in fed(LAYOUTS["lines"].encode(), [])] == [1, 2, 3]
    assert fed(LAYOUTS["pretty"].encode(), [])[0].line == 2
    assert [one.line for one in fed(LAYOUTS["one line"].encode(), [])] == [1, 1, 1]


@pytest.mark.parametrize("layout", ["pretty", "lines", "export"])
@pytest.mark.parametrize("wound", ['"id": 4', '"text": "}'])
def test_one_that_does_not_end_spoils_itself_only(layout: str, wound: str) -> None:
    text = LAYOUTS[layout].replace(wound, wound + ' "{', 1).encode()
    found = fed(text, [])
    assert json.loads(found[0].text) == OBJECTS[0]
    assert json.loads(found[-1].text) == OBJECTS[2]
    assert len(found) <= 4


def test_text_between_objects_is_told_once_a_line() -> None:
    found = fed(b'{"id": 1}\nsomething else here\n{"id": 2}} and more\n{"id": 3}\n', [])
    assert [(one.fault, one.line) for one in found] == [
        ("", 1), ("text between the objects", 2), ("", 3), ("text between the objects", 3), ("", 4),
    ]  # fmt: skip


def test_a_file_that_is_cut(tmp_path: Path) -> None:
    (tmp_path / "cut.json").write_bytes(LAYOUTS["pretty"].encode()[:-30])
    found = [one for some in documents(Source(tmp_path / "cut.json")) for one in some]
    assert [one.fault for one in found] == ["", "", "an object that does not end"]
    assert found[-1].cut
