from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from footloom.errors import DataError
from footloom.store.packing import pack, unpack
from footloom.store.prefetch import prefetched

dtypes = st.sampled_from([np.int64, np.int8, np.uint8])


@given(st.data(), st.sampled_from([0, 1, 7, 3_000]))
def test_any_columns_come_back(data: st.DataObject, rows: int) -> None:
    columns = {
        name: data.draw(hnp.arrays(data.draw(dtypes), rows, fill=st.just(1)))
        for name in data.draw(st.sets(st.text(max_size=5), min_size=1, max_size=4))
    }

    back = unpack(pack(columns))

    assert list(back) == list(columns)
    for name, values in columns.items():
        assert back[name].dtype == values.dtype
        np.testing.assert_array_equal(back[name], values)


def test_blobs_are_little_endian_everywhere() -> None:
    big = np.array([1, 2**40], ">i8")

    blob = pack({"a": big})

    assert blob == pack({"a": big.astype("<i8")})
    assert unpack(blob)["a"].tolist() == [1, 2**40]


def test_large_blobs_are_compressed() -> None:
    assert len(pack({"a": np.zeros(100_000, np.int64)})) < 10_000
    assert len(pack({"a": np.zeros(100, np.int64)})) < 900


@pytest.mark.parametrize("cut", [0, 3, 10, -1])
def test_a_blob_that_was_cut_is_refused(cut: int) -> None:
    for rows in (10, 10_000):
        with pytest.raises(DataError, match="cannot be unpacked"):
            unpack(pack({"a": np.arange(rows), "b": np.arange(rows)})[:cut])


def test_work_ahead_is_one_piece_ahead_and_errors_come_through() -> None:
    made: list[int] = []

    def pieces() -> Iterator[int]:
        for number in range(5):
            made.append(number)
            yield number
        raise RuntimeError("the end of it")

    ahead = prefetched(pieces())
    assert next(ahead) == 0
    assert next(ahead) == 1
    assert len(made) <= 4
    assert next(ahead) == 2
    with pytest.raises(RuntimeError, match="the end of it"):
        list(ahead)
    assert made == [0, 1, 2, 3, 4]
