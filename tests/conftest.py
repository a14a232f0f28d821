"""Fixtures that all tests share."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from running import RunningCloud

# The same examples in every run, however slow the machine.
settings.register_profile(
    "maycloud", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("maycloud")


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCloud]:
    """A running cloud of the module's own; its tests share it, with names of their own."""
    running = RunningCloud(tmp_path_factory.mktemp("cloud") / "data").start()
    yield running
    running.stop()


@pytest.fixture
def fresh_cloud(tmp_path: Path) -> Iterator[RunningCloud]:
    """A running cloud for one test, to be killed or have its clock moved."""
    running = RunningCloud(tmp_path / "data").start()
    yield running
    running.stop()


@pytest.fixture
def client(cloud: RunningCloud) -> Callable[..., Any]:
    """`client("sqs")`: boto3 against the module's cloud, as the administrator unless told otherwise."""
    return cloud.client
