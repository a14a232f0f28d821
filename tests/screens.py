"""Chromium as a phone or a desk sees it; what is seen, checked for accessibility and kept as pictures.

With MAY_PICTURES set to a folder, `make pictures`, the pictures are kept there for the docs.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect, sync_playwright

from waiting import PATIENCE

expect.set_options(timeout=PATIENCE * 1000)
AXE = Path(__file__).parent / "clients/node_modules/axe-core/axe.min.js"
# Chromium asks for much that this machine cannot reach; see https://playwright.dev/python/docs/ci.
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--ignore-certificate-errors",
]  # fmt: skip


@contextmanager
def chromium() -> Iterator[Browser]:
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    assert path, "Chromium is not installed; `make tools` installs it"
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=FLAGS, timeout=PATIENCE * 1000)
        yield launched
        launched.close()


@contextmanager
def on_phone(browser: Browser, **options: Any) -> Iterator[Page]:
    """A page on a phone, in which no script may fail."""
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, device_scale_factor=2, is_mobile=True, has_touch=True,
        locale="en-GB", ignore_https_errors=True, **options,
    )  # fmt: skip
    context.set_default_timeout(PATIENCE * 1000)
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    yield page
    context.close()
    assert problems == []


def picture(page: Page, name: str) -> None:
    folder = os.environ.get("MAY_PICTURES")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=Path(folder) / f"{name}.png", scale="css")


def check_accessible(page: Page) -> None:
    """No finding of axe-core: labels, contrast, roles, names."""
    if not page.evaluate("'axe' in globalThis"):
        page.evaluate(AXE.read_text())  # not as a script of the page, which its policy may forbid
    found: dict[str, Any] = page.evaluate("axe.run()")
    assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in found["violations"]] == []
