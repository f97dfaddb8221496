"""Where a setting may stand, who wins, what is refused, and which secrets are safe there."""

from __future__ import annotations

from pathlib import Path

import pytest

from footloom import config
from footloom.config.settings import SETTINGS
from footloom.errors import ConfigError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of settings, and another one to work in."""
    for name in ("settings", "work"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("FOOTLOOM_CONFIG", str(tmp_path / "settings"))
    return tmp_path / "settings"


def dotenv(text: str, where: Path = Path()) -> None:
    path = where / ".env"
    path.write_text(text)
    path.chmod(0o600)


def test_the_environment_stands_above_dotenv_above_the_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "footloom.toml").write_text("linger_s = 1\nport = 1\nmax_connections = 1\nmax_subscriptions = 1\n")
    dotenv("FOOTLOOM_LINGER_S=2\nFOOTLOOM_PORT=2\nFOOTLOOM_MAX_CONNECTIONS=2\n", folder)
    dotenv("export FOOTLOOM_LINGER_S=3\nFOOTLOOM_PORT='3' # quoted\n")
    monkeypatch.setenv("FOOTLOOM_LINGER_S", "4")

    found = config.load()

    assert (found.linger_s, found.port, found.max_connections, found.max_subscriptions) == (4.0, 3, 2, 1)
    assert {name: found.origins[name] for name in ("linger_s", "port", "max_connections", "max_subscriptions")} == {
        "linger_s": "FOOTLOOM_LINGER_S",
        "port": "FOOTLOOM_PORT in .env",
        "max_connections": f"FOOTLOOM_MAX_CONNECTIONS in {folder}/.env",
        "max_subscriptions": "footloom.toml",
    }
    assert config.load(flags={"linger_s": 5}).linger_s == 5


def test_dotenv_is_read_and_not_exported(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    assert folder.is_dir()
    dotenv("FOOTLOOM_PORT=9000\nFOOTLOOM_ENDPOINT_BYBIT_LINEAR=http://127.0.0.1:9\nUNRELATED=${HOME}\n")
    monkeypatch.setenv("FOOTLOOM_PORT", "")  # set, though to nothing: it is the environment's to say

    found = config.load()

    assert found.port == 8123
    assert found.endpoints == {"bybit_linear": "http://127.0.0.1:9"}
    assert "UNRELATED" not in os.environ


def test_a_folder_of_settings_may_be_named_in_dotenv(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FOOTLOOM_CONFIG")
    (folder / "footloom.toml").write_text("port = 7")
    dotenv(f"FOOTLOOM_CONFIG={folder}\n")

    found = config.load()

    assert (found.folder, found.port, config.config_folder()) == (folder, 7, folder)
    assert found.origins["folder"] == "FOOTLOOM_CONFIG in .env"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("FOOTLOOM_STOER", "did you mean FOOTLOOM_STORE"),
        ("FOOTLOOM_MAX_SUBSCRIPTION", "did you mean FOOTLOOM_MAX_SUBSCRIPTIONS"),
        ("FOOTLOOM_XYZZY_QQ", "there are FOOTLOOM_STORE"),
    ],
)
def test_a_variable_that_is_no_setting_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, said: str
) -> None:
    assert folder.is_dir()
    monkeypatch.setenv(name, "1")
    with pytest.raises(ConfigError, match=f"the environment: there is no setting {name}; {said}"):
        config.load()

    monkeypatch.delenv(name)
    dotenv(f"{name}=1\n")
    with pytest.raises(ConfigError, match=rf"\.env: there is no setting {name}; {said}"):
        config.load()


def test_variables_of_tests_and_tools_are_left_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert folder.is_dir()
    for name in ("TEST_SEED", "TEST_PROFILE", "BENCH_DIR", "DEV_BACKEND", "CACHE", "CHROMIUM", "PEERS", "SKIP_WEB"):
        monkeypatch.setenv(f"FOOTLOOM_{name}", "1")

    assert config.load().port == 8123


def test_a_line_of_dotenv_that_is_none_is_named(folder: Path) -> None:
    assert folder.is_dir()
    dotenv("FOOTLOOM_PORT=1\nFOOTLOOM_HOST='127.0.0.1\n")

    with pytest.raises(ConfigError, match=r"\.env, line 2: this is no NAME=value"):
        config.load()


TOKEN = "planted-token-0123456789"  # noqa: S105 - planted, to be looked for


@pytest.mark.parametrize("place", ["toml", "settings", "work"])
def test_a_secret_in_a_file_that_others_may_read_is_refused(folder: Path, place: str) -> None:
    path = {"toml": folder / "footloom.toml", "settings": folder / ".env", "work": Path(".env")}[place]
    path.write_text(f'token = "{TOKEN}"' if place == "toml" else f"FOOTLOOM_TOKEN={TOKEN}\n")
    path.chmod(0o640)
    with pytest.raises(ConfigError, match=r"holds \S*(token|TOKEN) and others may read it: chmod 600") as refused:
        config.load()
    assert TOKEN not in str(refused.value)

    path.chmod(0o600)
    found = config.load()

    assert found.token == TOKEN
    assert TOKEN not in repr(found)


def test_an_address_with_a_password_is_a_secret_and_one_without_is_none(folder: Path) -> None:
    assert folder.is_dir()
    Path(".env").write_text("MONGO_URI=mongodb://localhost:27017/\n")
    Path(".env").chmod(0o644)
    assert config.load().mongo_uri == "mongodb://localhost:27017/"

    Path(".env").write_text("MONGO_URI=mongodb://me:hidden-password@localhost:27017/\n")
    with pytest.raises(ConfigError, match="holds MONGO_URI and others may read it"):
        config.load()


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("TOKEN", "short-secret", "16 to 200 letters"),
        ("TOKEN", "with a space in it, long", "16 to 200 letters"),
        ("MONGO_URI", "http://hidden-secret", "no address of a MongoDB"),
        ("PORT", "65536", "65535 or less"),
        ("PORT", "-1", "0 or more"),
        ("ALLOW_HOST", "http://chart.example", "no host name"),
        ("LOG_FORMAT", "xml", "cannot be: write one of text, json"),
        ("COMPAT", "009", "cannot be: write one of 001, 002, 003"),
        ("PORT", "abc", "cannot be: write a whole number from 0 to 65535"),
        ("WS_PING_INTERVAL", "soon", "cannot be: write a number, 0.1 or more"),
        ("MAX_STREAMS", "many", "cannot be: write a whole number, 0 or more"),
        ("ON_DEMAND", "maybe", "cannot be: write true or false"),
    ],
)
def test_what_cannot_be_is_refused_and_no_secret_repeated(name: str, value: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=said) as refused:
        config.load({"FOOTLOOM_CONFIG": str(tmp_path), f"FOOTLOOM_{name}": value})
    assert ("secret" in str(refused.value)) == ("secret" in said)
    assert "a space in it" not in str(refused.value)


def test_lists_and_words_are_read_from_text(tmp_path: Path) -> None:
    found = config.load(
        {
            "FOOTLOOM_CONFIG": str(tmp_path),
            "FOOTLOOM_ALLOW_HOST": "Chart.Example, [fd00::2]",
            "FOOTLOOM_SYMBOLS": "binance_usdm:BTCUSDT,bybit_linear:ETHUSDT",
            "FOOTLOOM_COMPAT": "3",
            "FOOTLOOM_ON_DEMAND": "false",
            "FOOTLOOM_WS_PING_INTERVAL": "30s",
            "FOOTLOOM_TLS_CERT": "~/cert.pem",
        }
    )

    assert found.allow_host == ("chart.example", "fd00::2")
    assert found.symbols == ("binance_usdm:BTCUSDT", "bybit_linear:ETHUSDT")
    assert (found.compat, found.on_demand, found.ws_ping_interval) == ("003", False, 30.0)
    assert found.tls_cert == Path.home() / "cert.pem"


def test_every_setting_is_a_field_with_an_origin(tmp_path: Path) -> None:
    found = config.load({"FOOTLOOM_CONFIG": str(tmp_path)})

    assert set(SETTINGS) == set(config.Config.__struct_fields__) - {
        "folder",
        "origins",
        "notices",
        "sockets",
        "angelone",
    }
    assert set(found.origins) == set(SETTINGS) | {"folder"}
