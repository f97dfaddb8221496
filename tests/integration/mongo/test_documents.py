"""Documents that another program keeps in MongoDB are imported like files; secrets and dead servers."""

from __future__ import annotations

import datetime as dt
import gzip
import io
import json
import os
import threading
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple

import pytest

pytest.importorskip("pymongo", reason="the MongoDB driver is not installed: pip install 'footloom[mongo]'")
from pymongo import MongoClient

from footloom.cli.main import main
from footloom.errors import ConfigError, StoreError
from footloom.feeds.mongo_documents import Collection, Place, place_of
from footloom.feeds.mongo_follow import Follower
from footloom.store.files import Store as FileStore
from footloom.store.mongo import Store
from footloom.store.mongo_client import address_of
from tests.integration.mongo.documents import START, SYMBOL, document

KEY = f"upstox:{SYMBOL}"
DEAD = "mongodb://me:my%40secret@127.0.0.1:1/tapes?serverSelectionTimeoutMS=200"


class Done(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


def footloom(folder: Path, *arguments: str) -> Done:
    """Run the command line in this process: a start takes seconds where many run beside it."""
    out, err = io.StringIO(), io.StringIO()
    code = 0
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        for name in [name for name in os.environ if name.startswith("MONGO_")]:
            patch.delenv(name)
        patch.setenv("FOOTLOOM_CONFIG", str(folder))
        patch.chdir(folder)
        try:
            main(arguments)
        except SystemExit as left:
            code = int(left.code or 0)
    return Done(code, out.getvalue(), err.getvalue())


def in_collection(url: str, name: str) -> str:
    head, question, options = url.partition("?")
    return f"{head}.{name}{question}{options}"


@pytest.fixture
def ticks(database: str) -> Iterator[Any]:
    with MongoClient(database) as client:
        yield client[address_of(database).database]["tick_data"]


def test_an_import_takes_what_is_new_and_a_store_may_lie_beside(database: str, ticks: Any, tmp_path: Path) -> None:
    store = database.replace("footloom_test_", "footloom_test_s")
    for first, stored in ((0, "stored 300 new rows"), (300, "stored 300 new rows"), (600, "holds no documents behind")):
        if first < 600:
            ticks.insert_many(document(number) for number in range(first, first + 300))
        done = footloom(tmp_path, "import", "--store", store, database)
        assert done.returncode == 0, done.stderr
        assert stored in done.stdout + done.stderr
    with Store(store) as opened:
        assert opened.load(KEY, "snapshot", 0, 2**62).vtt_lot.tolist() == list(range(1, 601))
    for flags, code in (((), 0), ((), 1), (("--force",), 0)):
        bars = (KEY, in_collection(database, "bars"), "--what", "bars", "--bars", "1m", "--store", store)
        done = footloom(tmp_path, "export", *bars, *flags)
        assert done.returncode == code, done.stderr
    with MongoClient(database) as client:
        rows = list(client[address_of(database).database]["bars"].find(sort=[("open_ns", 1)]))
    assert [row["open_ns"] for row in rows] == [int(START.timestamp()) * 10**9 + n * 60 * 10**9 for n in range(3)]
    sizes = [sum(int(row[side].to_decimal()) for side in ("buy", "sell", "unknown")) for row in rows]
    assert sum(sizes) == 599  # the first document tells what was traded before it
    covered = json.loads(footloom(tmp_path, "coverage", "--json", "--store", store).stdout)
    assert [row["rows"] for row in covered["coverage"]] == [600]
    with MongoClient(database) as client:
        client.drop_database(address_of(store).database)


def test_documents_that_come_late_with_an_older_id_are_told(database: str, ticks: Any, tmp_path: Path) -> None:
    said = []
    for numbers in ((0, 1, 2, 5, 6), (8, 9), (3, 4, 10), (11,), ()):
        if numbers:
            ticks.insert_many(document(number) for number in numbers)
        said.append(footloom(tmp_path, "import", "--store", str(tmp_path / "store"), database).stderr)
    assert ["with an older _id" in text for text in said] == [False, False, True, False, False], said
    assert "footloom: 2 documents of" in said[2]
    assert str(document(9)["_id"]) in said[2]
    fresh = footloom(tmp_path, "import", "--store", str(tmp_path / "fresh"), database)
    assert fresh.returncode == 0, fresh.stderr
    with FileStore(tmp_path / "fresh") as whole:
        assert whole.load(KEY, "snapshot", 0, 2**62).vtt_lot.tolist() == [1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12]


def test_late_documents_are_told_also_when_they_came_during_the_import_and_none_that_was_followed(
    database: str, ticks: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, plain = tmp_path / "store", Collection.export

    def export(self: Collection, path: Path, after: Any = None) -> Any:
        found = plain(self, path, after)
        ticks.insert_one(document(1))
        return found

    ticks.insert_many(document(number) for number in (0, 2, 3))
    with monkeypatch.context() as patch:
        patch.setattr(Collection, "export", export)
        assert footloom(tmp_path, "import", "--store", str(store), database).returncode == 0
    done = footloom(tmp_path, "import", "--store", str(store), database)
    assert "footloom: 1 documents of" in done.stderr
    ticks.insert_many(document(number) for number in (4, 5, 6))
    with FileStore(store, writer=True) as opened, Collection(Place(address_of(database), "tick_data")) as collection:
        Follower(collection, opened).run(threading.Event(), once=True)
    done = footloom(tmp_path, "import", "--store", str(store), database)
    assert "with an older _id" not in done.stderr


def test_a_recording_gives_the_same_rows_by_either_way(
    database: str, ticks: Any, tmp_path: Path, recordings: Path
) -> None:
    path = recordings / "upstox" / "NSE_FO_51510_data.json.json.gz"
    documents = json.loads(gzip.decompress(path.read_bytes()))[:600]
    for one in documents:
        one["_insertion_time"] = dt.datetime.fromisoformat(one["_insertion_time"])
    (tmp_path / "some.json").write_text(json.dumps(documents, default=str))
    ticks.insert_many(documents)
    for place, source in (("a", str(tmp_path / "some.json")), ("b", database)):
        done = footloom(tmp_path, "import", "--store", str(tmp_path / place), source)
        assert done.returncode == 0, done.stderr
    with FileStore(tmp_path / "a") as one, FileStore(tmp_path / "b") as two:
        (row,) = one.coverage()
        found, expected = (store.load(row.key, "snapshot", 0, 2**62) for store in (two, one))
        for column in ("ts_exch_ns", "ltp_tick", "ltq_lot", "vtt_lot", "bid_tick", "ask_tick", "ts_recv_ns", "oi_lot"):
            assert (getattr(found, column) == getattr(expected, column)).all(), column


def test_a_dead_server_is_one_message_without_a_password(tmp_path: Path) -> None:
    for arguments in (("coverage", "--store", DEAD), ("record", DEAD, "--for", "1s")):
        done = footloom(tmp_path, *arguments)
        assert done.returncode == 1, done
        assert "no server answers" in done.stderr
        assert "Traceback" not in done.stderr
        assert "secret" not in done.stderr + done.stdout
        assert len(done.stderr.strip().splitlines()) <= 2


def test_no_error_shows_a_password(database: str) -> None:
    head, _, rest = database.partition("://")
    wrong = f"{head}://someone:my%40secret@{rest}" + ("&" if "?" in rest else "?") + "authSource=admin"
    with Store(wrong) as store, pytest.raises(StoreError) as caught:
        store.coverage()
    assert "secret" not in str(caught.value)
    assert "my@" not in str(caught.value)
    assert "secret" not in repr(address_of(wrong)) + str(address_of(wrong))
    with pytest.raises(ConfigError) as refused:
        address_of("mongodb://someone:my%40secret@host/")
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("mongodb:", "mongodb://localhost:27017/upstox_strategy_db.tick_data"),
        ("mongodb:other", "mongodb://localhost:27017/upstox_strategy_db.other"),
        ("mongodb://127.0.0.1:9", "mongodb://127.0.0.1:9/upstox_strategy_db.tick_data"),
        ("mongodb://a.b:9,c.d:9/x?replicaSet=r", "mongodb://a.b:9,c.d:9/x.tick_data"),
        ("mongodb://u:p@a.b/x.y", "mongodb://a.b/x.y"),
    ],
)
def test_collections_are_named(text: str, name: str, tmp_path: Path) -> None:
    from footloom import config

    settings = config.load({"MONGO_URI": "mongodb://u:p@localhost:27017/", "FOOTLOOM_CONFIG": str(tmp_path)})
    assert str(place_of(text, settings)) == name


INDEX = "upstox:NSE_INDEX|Nifty 50"
ENDS = dt.datetime(2026, 1, 6, 10, 0, tzinfo=dt.UTC)  # 15:30 in Kolkata


def contract(number: int, strike: int, kind: str) -> dict[str, Any]:
    return {
        "instrument_key": f"NSE_FO|{number}", "segment": "NSE_FO", "trading_symbol": f"NIFTY {strike} {kind}",
        "instrument_type": kind, "tick_size": 5.0, "lot_size": 65, "strike_price": float(strike),
        "expiry": int(ENDS.timestamp() * 1_000), "underlying_symbol": "NIFTY", "asset_symbol": "NIFTY",
    }  # fmt: skip


MASTER = [
    {"instrument_key": "NSE_INDEX|Nifty 50", "segment": "NSE_INDEX", "trading_symbol": "NIFTY",
     "instrument_type": "INDEX"},
    *(contract(number, 26_000 + 50 * (number // 2), ("CE", "PE")[number % 2]) for number in range(4)),
]  # fmt: skip


def test_options_that_were_recorded_as_documents_are_a_chain(database: str, ticks: Any, tmp_path: Path) -> None:
    store, opened = str(tmp_path / "store"), {0: 650, 1: 1_300, 2: 6_500, 3: 65}
    made = []
    for number in range(240):  # a minute: every fourth is of one option
        one = document(number, f"NSE_FO|{number % 4}")
        market = one["fullFeed"]["marketFF"]
        market["oi"] = float(opened[number % 4] + (65 if number >= 200 else 0))
        market["ltpc"]["ltp"] = 100.05 + 10 * (number % 4)
        quote = {"bidP": 100.0 + 10 * (number % 4), "bidQ": "130", "askP": 100.1 + 10 * (number % 4), "askQ": "65"}
        market["marketLevel"]["bidAskQuote"] = [{} if number % 4 == 3 else quote]
        made.append(one)
    ticks.insert_many(made)
    (tmp_path / "NSE.json.gz").write_bytes(gzip.compress(json.dumps(MASTER).encode()))
    assert footloom(tmp_path, "import", "--store", store, database).returncode == 0
    assert "no option chain is stored" in footloom(tmp_path, "options", "list", "--store", store).stdout
    flags = ("--store", store, "--contracts", str(tmp_path / "NSE.json.gz"))
    again = footloom(tmp_path, "import", database, *flags)  # nothing is new, but for what the contracts are
    assert again.returncode == 0
    assert "holds no documents behind" in again.stderr + again.stdout
    assert "contracts defined: upstox:NSE_FO|0, upstox:NSE_FO|1, upstox:NSE_FO|2, upstox:NSE_FO|3" in again.stderr
    assert "none that was not known" in footloom(tmp_path, "import", database, *flags).stderr
    told = footloom(tmp_path, "options", "chain", INDEX, "--json", "--store", store)
    chain = json.loads(told.stdout)
    assert (chain["name"], chain["expiry"], chain["units_a_lot"]) == ("NIFTY", "2026-01-06", 65)
    calls = [row["call"]["oi"] for row in chain["rows"]]
    puts = [row["put"]["oi"] for row in chain["rows"]]
    assert (calls, puts) == (["715", "6565"], ["1365", "130"])
    assert chain["pcr_oi"] == pytest.approx((1_365 + 130) / (715 + 6_565))
    first, last = chain["rows"][0], chain["rows"][1]["put"]
    assert (first["call"]["bid"], first["call"]["bid_qty"], first["call"]["mid"]) == ("100.00", "130", 100.05)
    assert first["call"]["oi_step"] == "65"
    assert first["call"]["said"]["oi"]["source"] == "upstox_feed"
    assert (last["bid"], last["bid_qty"], last["mid"], last["iv"]) == (None, "0", None, None), "nobody is there"
    assert first["call"]["oi_day"] is None, "nobody told what stood the day before"
    for bad, said in ((b"[]", "lists no instrument"), (b"{}", "is no instrument file of Upstox")):
        (tmp_path / "bad.json").write_bytes(bad)
        done = footloom(tmp_path, "import", database, "--store", store, "--contracts", str(tmp_path / "bad.json"))
        assert (done.returncode, said in done.stderr) == (1, True), done.stderr
