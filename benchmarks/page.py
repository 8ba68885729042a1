"""The page in Chromium: what it transfers, how soon it paints, how a long history scrolls, what shifts, how it pastes.

Run it with `python -m benchmarks page`; it needs an installed Chromium. The frames are those of a machine without a
graphics card, drawn by the processor: worse than what a person sees.
"""

import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

from artifacts_build.markdown import head
from scripts.harness.serving import serving

ROWS = 1000
LATENCIES_MS = (100, 500)
PASTED_BYTES = 200_000
ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"]
PROMPTS = [
    "What is the capital of Australia?",
    "Prove that every finite integral domain is a field.",
    "请用通俗的语言解释光合作用。",
    "ما هي عاصمة المغرب؟",
    "Review this change for race conditions and propose a fix.",
]

WATCH = """() => {
  window.shifts = [];
  window.tasks = [];
  const watch = (type, seen) => new PerformanceObserver((list) => list.getEntries().forEach(seen)).observe(
    { type, buffered: true });
  watch("layout-shift", (entry) => entry.hadRecentInput || window.shifts.push(entry.value));
  watch("longtask", (entry) => window.tasks.push(entry.duration));
}"""


def main() -> None:
    """Print a table of the page's targets and what was measured."""
    with tempfile.TemporaryDirectory() as folder, serving("--db", f"{folder}/page.db") as server, chromium() as browser:
        fill(server.url, ROWS)
        print(head(["what", "measured"], "ll"))
        for what, measured in [
            *transfer(browser, server.url),
            *first_paint(browser, server.url),
            *scrolling(browser, server.url),
            *shifting(browser, server.url),
            *pasting(browser, server.url),
        ]:
            print(f"| {what} | {measured} |")


@contextmanager
def chromium() -> Iterator[Browser]:
    """The installed Chromium."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        raise SystemExit("benchmarks page: no Chromium found. Install one, such as Debian's `chromium`.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield browser
        browser.close()


def fill(url: str, rows: int) -> None:
    """Make a history of so many decisions."""
    configs = ["auto", "auto", "cheap-pair", "quality-pair", "single-opus"]
    with httpx.Client(base_url=url, timeout=60) as client:
        for number in range(rows):
            prompt = f"{PROMPTS[number % len(PROMPTS)]} ({number})"
            request = {"prompt": prompt, "config": configs[number % len(configs)]}
            client.post("/api/route", json=request).raise_for_status()


def transfer(browser: Browser, url: str) -> Iterator[tuple[str, str]]:
    """Bytes of the page itself and of the API's answers, uncompressed, as each view is first seen."""
    page = browser.new_page()
    files: dict[str, int] = {}
    answers = Counter[str]()

    def note(response: Any) -> None:
        size = len(response.body())
        if "/api/" in response.url:
            answers[response.url] += size
        else:
            files[response.url] = size

    page.on("response", note)
    page.goto(url)
    for name, view in [("The first view", "decide"), ("with History", "history"), ("with Models: all of it", "models")]:
        page.click(f"#to-{view}")
        if view != "decide":
            page.wait_for_selector("#history > li" if view == "history" else "#models tbody tr")
        page.wait_for_load_state("networkidle")
        page.wait_for_timeout(300)
        yield (
            f"{name}, uncompressed",
            f"{sum(files.values()) / 1000:.1f} kB in {len(files)} files; "
            f"the API's answers besides {sum(answers.values()) / 1000:.1f} kB",
        )
    page.close()


def first_paint(browser: Browser, url: str) -> Iterator[tuple[str, str]]:
    """Round trips until the first paint: how much later it is for each millisecond that every request takes longer."""
    times = {latency: sorted(painted(browser, url, latency) for _ in range(5))[2] for latency in LATENCIES_MS}
    low, high = LATENCIES_MS
    trips = (times[high] - times[low]) / (high - low)
    told = ", ".join(f"{time:.0f} ms at {latency} ms a round trip" for latency, time in times.items())
    yield "First contentful paint", f"{trips:.2f} round trips ({told}; medians of 5, cold cache, connections open)"


def painted(browser: Browser, url: str, latency: int) -> float:
    """When the first content was painted, in milliseconds after the navigation began."""
    page = browser.new_page()
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    slow = {"offline": False, "latency": latency, "downloadThroughput": -1, "uploadThroughput": -1}
    session.send("Network.emulateNetworkConditions", slow)
    page.goto(url)
    page.wait_for_function("() => performance.getEntriesByName('first-contentful-paint').length > 0")
    time = page.evaluate("() => performance.getEntriesByName('first-contentful-paint')[0].startTime")
    page.close()
    return float(time)


def scrolling(browser: Browser, url: str) -> Iterator[tuple[str, str]]:
    """What became of the frames while a loaded history of 1,000 rows scrolls its whole length."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(f"{url}/#history")
    while page.locator("#history > li").count() < ROWS:
        page.evaluate("() => window.scrollTo(0, document.documentElement.scrollHeight)")
        page.wait_for_timeout(100)
    page.evaluate("() => window.scrollTo(0, 0)")
    page.wait_for_timeout(500)
    height = int(page.evaluate("() => document.documentElement.scrollHeight - innerHeight"))
    session = page.context.new_cdp_session(page)
    frames = traced(session, page, height)
    total = sum(frames.values())
    told = ", ".join(f"{count} {state}" for state, count in frames.most_common())
    yield f"Frames while {ROWS} rows scroll ({height:,} pixels)", f"{total}: {told}"
    page.close()


def traced(session: CDPSession, page: Page, height: int) -> Counter[str]:
    """Scroll down at 4,000 pixels a second and count the frames by what became of them."""
    events: list[dict[str, Any]] = []
    done: list[bool] = []
    session.on("Tracing.dataCollected", lambda data: events.extend(data["value"]))
    session.on("Tracing.tracingComplete", lambda _: done.append(True))
    session.send("Tracing.start", {"categories": "cc,benchmark", "transferMode": "ReportEvents"})
    gesture = {"x": 640, "y": 500, "yDistance": -height, "speed": 4000, "gestureSourceType": "mouse"}
    session.send("Input.synthesizeScrollGesture", gesture)
    session.send("Tracing.end")
    while not done:
        page.wait_for_timeout(50)
    states = Counter[str]()
    for event in events:
        arguments = event.get("args", {})
        report = arguments.get("frame_reporter") or arguments.get("chrome_frame_reporter")
        if event.get("name") == "PipelineReporter" and report:
            states[str(report["state"]).removeprefix("STATE_").lower().replace("_", " ")] += 1
    return states


def shifting(browser: Browser, url: str) -> Iterator[tuple[str, str]]:
    """Cumulative layout shift of a walk through every view, on a desk and on a phone."""
    for name, width, height in [("desk", 1280, 900), ("phone", 360, 740)]:
        page = browser.new_page(viewport={"width": width, "height": height})
        page.add_init_script(f"({WATCH})()")
        page.goto(url)
        page.wait_for_load_state("networkidle")
        page.fill("#prompt", "Does anything move?")
        page.click("#decide-button")
        page.wait_for_selector("article")
        for view in ("history", "models"):
            page.click(f"#to-{view}")
            page.wait_for_load_state("networkidle")
            for _ in range(3):
                page.mouse.wheel(0, 2000)
                page.wait_for_timeout(300)
        yield f"Cumulative layout shift, {name}", f"{sum(page.evaluate('() => window.shifts')):.4f}"
        page.close()


def pasting(browser: Browser, url: str) -> Iterator[tuple[str, str]]:
    """The longest task after 200 kB are pasted, and after one more key."""
    page = browser.new_page()
    page.add_init_script(f"({WATCH})()")
    page.goto(url)
    page.wait_for_load_state("networkidle")
    page.focus("#prompt")
    text = (json.dumps(PROMPTS, ensure_ascii=False) + "\n") * (PASTED_BYTES // 300)
    text = text.encode()[:PASTED_BYTES].decode(errors="ignore")
    for name, write in [("200 kB are pasted", text), ("one more key is pressed", "x")]:
        page.evaluate("() => { window.tasks.length = 0; }")
        page.keyboard.insert_text(write)
        page.wait_for_timeout(1000)
        tasks = page.evaluate("() => window.tasks")
        longest = f"{max(tasks):.0f} ms" if tasks else "none over 50 ms"
        yield f"Longest task when {name}", longest
    page.close()
