"""Waiting on conditions, so that no test sleeps for luck."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
PATIENCE = (
    60.0  # seconds until a test takes for missing what is to come: long, for machines that do much else
)


def until(condition: Callable[[], T], timeout: float = PATIENCE, what: str = "the condition") -> T:
    """Poll until `condition()` is truthy and give its value; AssertionError after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout} s for {what}")
        time.sleep(0.01)
