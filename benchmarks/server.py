"""The real server: how soon it is ready, what memory it takes, how many decisions a second it serves."""

import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psutil
from pointsman import Router

from benchmarks.texts import ENGLISH, prompt_of
from scripts.harness.serving import serving

REQUESTS, CLIENTS, TOKENS = 2000, 8, 64


def main() -> None:
    """Print start-up, memory and throughput with history on."""
    embedder = Router.load().embedder
    prompt = prompt_of(TOKENS - embedder.special_tokens, embedder.offsets(ENGLISH * 4), ENGLISH * 4)
    ready = []
    for _ in range(5):
        with tempfile.TemporaryDirectory() as folder:
            start = time.perf_counter()
            with serving("--db", f"{folder}/bench.db") as server:
                httpx.get(f"{server.url}/api/health").raise_for_status()
                ready.append(time.perf_counter() - start)
    print(f"Ready (first answer) after {sorted(ready)[len(ready) // 2]:.2f} s, the median of {len(ready)} starts.")
    with tempfile.TemporaryDirectory() as folder, serving("--db", str(Path(folder) / "bench.db")) as server:
        process = psutil.Process(server.process.pid)
        print(f"Resident memory when ready: {process.memory_info().rss / 2**20:.0f} MB.")
        seconds = load(server.url, prompt)
        print(
            f"{REQUESTS} decisions of {TOKENS} tokens from {CLIENTS} clients on this machine, history on: "
            f"{REQUESTS / seconds:.0f} a second."
        )
        print(f"Resident memory afterwards: {process.memory_info().rss / 2**20:.0f} MB.")
        recorded = len(httpx.get(f"{server.url}/api/history", params={"limit": 200}).json()["calls"])
        print(f"The history lists {recorded} of the last 200.")


def load(url: str, prompt: str) -> float:
    """Seconds that all requests took; every answer must say that it was recorded."""

    def some(count: int) -> None:
        with httpx.Client(base_url=url, timeout=60) as client:
            for _ in range(count):
                answer = client.post("/api/route", json={"prompt": prompt}).raise_for_status().json()
                assert answer["recorded"] is True

    start = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(some, [REQUESTS // CLIENTS] * CLIENTS))
    return time.perf_counter() - start
