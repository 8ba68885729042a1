"""`make screenshots`: pictures of every view in light and dark, of a history made up of real decisions, to docs/.

The decisions are the router's own; only their times are spread over the last three weeks.
"""

import random
import shutil
import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.sync_api import Page, sync_playwright
from pointsman import Router
from pointsman.history.ids import timestamp
from pointsman.history.sqlite import SqliteHistory
from ulid import ULID

from scripts.harness.serving import ROOT, serving

DOCS = ROOT / "docs"
MOST_BYTES = 200_000
DECISIONS, DAYS = 240, 21
WIDTH, HEIGHT = 1280, 860
SHOWN = "Prove that every finite integral domain is a field."
PROMPTS = [
    "Translate 'good morning' to Thai.",
    "What is the capital of Australia?",
    "Summarise this e-mail in two sentences and list the open questions.",
    "Review this change for race conditions and propose a fix.",
    "Derive the one-loop beta function of QED from the vacuum polarisation.",
    "请用通俗的语言解释光合作用的光反应和暗反应有什么区别。",
    "اشرح الفرق بين النسبية الخاصة والنسبية العامة بلغة بسيطة.",
    "Write a haiku about rain on a tin roof.",
    "Which of these two contracts limits liability more, and why?",
    SHOWN,
]


def main() -> None:
    """Write the pictures; refuses one that has grown too large for a repository."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        raise SystemExit("make screenshots: no Chromium found. Install one, such as Debian's `chromium`.")
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "history.db"
        fill(database)
        with serving("--db", str(database)) as server, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=found, args=["--headless", "--no-sandbox"])
            for scheme in ("light", "dark"):
                options = {"color_scheme": scheme, "timezone_id": "UTC", "locale": "en-GB"}
                page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, **options)  # type: ignore[arg-type]
                views(page, server.url, scheme)
                page.close()
            phone = browser.new_page(viewport={"width": 360, "height": HEIGHT}, color_scheme="light")
            decide(phone, server.url)
            save(phone, "page-phone")
            browser.close()


def fill(database: Path) -> None:
    """A history of three weeks, more of it by day than by night."""
    dice = random.Random(7)
    router = Router.load()
    store = SqliteHistory(database)
    now = datetime.now(UTC)
    moments = sorted(now - timedelta(days=dice.random() * DAYS) for _ in range(DECISIONS))
    for moment in moments:
        config = dice.choices(["auto", "cheap-pair", "quality-pair", "single-opus"], [5, 3, 2, 1])[0]
        limit = dice.choice([None, 128, 1024, 4096])
        decision = router.decide(dice.choice(PROMPTS), config, max_output_tokens=limit)
        made = replace(decision, id=str(ULID.from_datetime(moment)), ts=timestamp(moment), recorded=True)
        store.append(made.to_dict())
    store.close()


def views(page: Page, url: str, scheme: str) -> None:
    """One picture a view."""
    page.goto(url)
    page.wait_for_selector("#config-about[aria-busy=false]")
    save(page, f"page-start-{scheme}")
    page.goto(f"{url}/#history")
    page.reload()
    page.wait_for_selector("#history > li:nth-child(50)")
    page.wait_for_timeout(500)
    save(page, f"page-history-{scheme}")
    page.goto(f"{url}/#models")
    page.wait_for_selector("#models tbody tr")
    save(page, f"page-models-{scheme}")
    decide(page, url)
    save(page, "page" if scheme == "light" else f"page-decide-{scheme}")


def decide(page: Page, url: str) -> None:
    """The page with a decision, as it is just after it came."""
    page.goto(f"{url}/#decide")
    page.reload()
    page.fill("#prompt", SHOWN)
    page.click("#decide-button")
    page.wait_for_selector("article .dot")
    page.wait_for_timeout(300)


def save(page: Page, name: str) -> None:
    """Write a picture into docs/."""
    picture = page.screenshot()
    if len(picture) > MOST_BYTES:
        raise SystemExit(f"docs/{name}.png would have {len(picture):,} bytes; at most {MOST_BYTES:,}.")
    (DOCS / f"{name}.png").write_bytes(picture)


if __name__ == "__main__":
    main()
