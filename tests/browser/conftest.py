"""The browser that all of these tests share."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from screens import chromium


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as launched:
        yield launched
