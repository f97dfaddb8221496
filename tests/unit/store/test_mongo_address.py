"""How a MongoDB address is read: what cannot be told apart is refused, and no password is shown."""

from __future__ import annotations

import pytest

from footloom.errors import ConfigError
from footloom.store.mongo_client import address_of


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("mongodb://h:1/db", "mongodb://h:1/db"),
        ("mongodb://me:s%2Fe%40cret@a:1,b:2/db?replicaSet=rs0", "mongodb://a:1,b:2/db"),
        ("mongodb+srv://me:secret@cluster.example/db", "mongodb://cluster.example/db"),
    ],
)
def test_what_is_shown_of_an_address(text: str, shown: str) -> None:
    address = address_of(text)
    assert (str(address), address.url) == (shown, text)
    assert "cret" not in repr(address)


@pytest.mark.parametrize(
    "text",
    [
        "mongodb://me:se/cret@h:1/db",
        "mongodb://me:se?cret@h/db",
        "mongodb://me:se@cret@h/db",
        "mongodb://me:secret@h",
        "mongodb://me:secret@/db",
    ],
)
def test_a_password_that_ends_nobody_knows_where_is_not_shown(text: str) -> None:
    with pytest.raises(ConfigError) as refused:
        address_of(text)
    assert not any(part in str(refused.value) for part in ("me:", "cret", "se@"))
