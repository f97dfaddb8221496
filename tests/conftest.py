"""What every test may ask for: the recordings, a seed that is printed, and hypothesis on that seed."""

from __future__ import annotations

import gc
import os
import random
from collections.abc import Generator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parent.parent

# Each run has a seed of its own, so many runs look at many examples; `make soak` looks at two thousand of each.
settings.register_profile(
    "quick",
    max_examples=30,
    deadline=None,  # the first call of a kernel compiles it
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("soak", settings.get_profile("quick"), max_examples=2_000)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    gc.disable()  # until all is collected
    settings.load_profile(os.environ.get("FOOTLOOM_TEST_PROFILE", "quick"))
    text = os.environ.get("FOOTLOOM_TEST_SEED") or config.getoption("hypothesis_seed", None)
    seed = int(text) if text else random.SystemRandom().randrange(2**32)
    config.stash[_SEED] = seed
    config.option.hypothesis_seed = str(seed)  # the plugin reads it after this hook


# Examples are in the docstrings of `src`: looking for them here as well would read every test file a second time.
@pytest.hookimpl(wrapper=True)
def pytest_collect_file() -> Generator[None, list[pytest.Collector], list[pytest.Collector]]:
    return [found for found in (yield) if isinstance(found, pytest.Module)]


# Playwright leaves an event loop running in its process, which asynchronous tests cannot bear: browsers come last. What
# takes long comes first, so that no process is left alone with it at the end.
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: (_has(item, "browser"), not _has(item, "slow")))


def _has(item: pytest.Item, mark: str) -> bool:
    return item.get_closest_marker(mark) is not None


# What is imported and collected stays to the end: the collector would look at all of it again and again.
@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


def pytest_report_header(config: pytest.Config) -> list[str]:
    seed = config.stash[_SEED]
    folder = _recordings_folder()
    where = folder if folder.is_dir() else f"absent ({folder}): the tests that read them are skipped"
    return [f"seed: {seed} (again with FOOTLOOM_TEST_SEED={seed})", f"recordings: {where}"]


@pytest.fixture(scope="session")
def seed(pytestconfig: pytest.Config) -> int:
    """The run's seed, as the header prints it."""
    return pytestconfig.stash[_SEED]


@pytest.fixture
def rng(seed: int) -> np.random.Generator:
    """A generator of its own for each test, from the run's seed."""
    return np.random.default_rng(seed)


@pytest.fixture(scope="session")
def recordings() -> Path:
    """The folder of real recordings; none of them is part of the project, so their absence is a visible skip."""
    folder = _recordings_folder()
    if not folder.is_dir():
        pytest.skip(f"real recordings are not here: {folder} (or set FOOTLOOM_RECORDINGS)")
    return folder


_SEED = pytest.StashKey[int]()


def _recordings_folder() -> Path:
    return Path(os.environ.get("FOOTLOOM_RECORDINGS") or ROOT.parent / "shared" / "data")
