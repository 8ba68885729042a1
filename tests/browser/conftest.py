"""The real server and a real Chromium for the tests of the page."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from scripts.harness.serving import serving
from tests.browser.driving import visit
from tests.browser.site import Site, bare_site

# A server may load its weights at the first decision.
WAIT_MS = 10_000
CHROMIUM_ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def server_url(artifact_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running server with a history of its own."""
    database = tmp_path_factory.mktemp("served") / "history.db"
    with serving("--db", str(database), "--artifact", str(artifact_folder)) as server:
        yield server.url


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The installed Chromium."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        if os.environ.get("POINTSMAN_REQUIRE_BROWSER") == "1":
            pytest.fail("no Chromium found, and POINTSMAN_REQUIRE_BROWSER=1")
        pytest.skip("no Chromium: apt-get install chromium, or the system's own way")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found, args=CHROMIUM_ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def allowed() -> list[str]:
    """Starts of console errors that a test expects."""
    return []


@pytest.fixture
def open_page(browser: Browser, allowed: list[str]) -> Iterator[Callable[..., Page]]:
    """Makes pages. A console error, a broken content policy or a script error fails the test."""
    errors: list[str] = []
    contexts = []

    def note(message: ConsoleMessage) -> None:
        # The browser logs each failed call to the API; the page itself answers for those.
        about_api = "/api/" in message.location.get("url", "")
        expected = any(message.text.startswith(start) for start in allowed)
        if message.type == "error" and not about_api and not expected:
            errors.append(message.text)

    def make(**options: Any) -> Page:
        context = browser.new_context(**options)
        context.set_default_timeout(WAIT_MS)
        contexts.append(context)
        page = context.new_page()
        page.on("console", note)
        page.on("pageerror", lambda error: errors.append(str(error)))
        return page

    expect.set_options(timeout=WAIT_MS)
    yield make
    for context in contexts:
        for page in context.pages:
            page.unroute_all(behavior="ignoreErrors")
        context.close()
    assert errors == []


@pytest.fixture
def page(open_page: Callable[..., Page], server_url: str) -> Page:
    """The page of the real server, ready to decide."""
    opened = open_page(viewport={"width": 1280, "height": 900})
    visit(opened, server_url)
    return opened


@pytest.fixture
def site() -> Iterator[Site]:
    """A bare file server of the page; a test gives it answers for the API."""
    with bare_site() as running:
        yield running
