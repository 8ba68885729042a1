"""Prompts made to be slow, beside plain words of the same size: what each costs a decision, and health beside it.

Read the ratios: CPU seconds of a whole decision, from its JSON body to its record, over those of words. Where no model
takes so many tokens the decision ends in a refusal, after everything that reads a prompt has read it.
"""

import json
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import httpx
from pointsman import Router
from pointsman.api.bodies import parsed
from pointsman.api.request_schemas import RouteRequest
from pointsman.errors import RequestError
from pointsman.history.sqlite import SqliteHistory

from scripts.harness.hostile import SHAPES, WORDS
from scripts.harness.serving import serving

SIZES = {"64 KB": 65_536, "1 MB": 1_048_576, "4 MB": 4_194_304}
REPEATS = 3
SHOWN = 12


def main() -> None:
    """Print the worst shapes at each size, and how long health took beside them."""
    with tempfile.TemporaryDirectory() as folder:
        history = SqliteHistory(Path(folder) / "hostile.db")
        router = Router.load(history=history)
        print(f"{len(SHAPES)} shapes; CPU of a decision over that of words of the same size, the least of {REPEATS}.\n")
        ratios: dict[str, list[float]] = {name: [] for name in SHAPES}
        for label, size in SIZES.items():
            words = cpu(router, words_of(size))
            for name, make in SHAPES.items():
                ratios[name].append(cpu(router, make(size)) / words)
            print(f"Words, {label}: {words * 1000:.0f} ms of CPU.")
        history.close()
    print(f"\n| shape, the worst {SHOWN} | " + " | ".join(SIZES) + " |\n|---|" + "--:|" * len(SIZES))
    worst = sorted(ratios, key=lambda name: -max(ratios[name]))
    for name in worst[:SHOWN]:
        print(f"| {name} | " + " | ".join(f"{ratio:.2f}" for ratio in ratios[name]) + " |")
    print(
        f"| the worst of all {len(SHAPES)} | " + " | ".join(f"{max(column):.2f}" for column in columns(ratios)) + " |"
    )
    beside()


def columns(ratios: dict[str, list[float]]) -> list[list[float]]:
    """The ratios of each size."""
    return [list(column) for column in zip(*ratios.values(), strict=True)]


def words_of(size: int) -> str:
    """Plain words of so many bytes."""
    return (WORDS * (size // len(WORDS) + 1))[:size]


def cpu(router: Router, prompt: str) -> float:
    """CPU seconds from a body to the record of its decision, the least of a few."""
    body = json.dumps({"prompt": prompt}).encode()
    taken = []
    for _ in range(REPEATS):
        start = time.process_time()
        with suppress(RequestError):
            router.decide(RouteRequest.model_validate(parsed(body, RouteRequest)).prompt)
        taken.append(time.process_time() - start)
    return min(taken)


def beside() -> None:
    """Print how long health takes alone, and while one client sends every shape at 4 MB, one after another."""
    bodies = [json.dumps({"prompt": make(SIZES["4 MB"])}).encode() for make in SHAPES.values()]
    with (
        tempfile.TemporaryDirectory() as folder,
        serving("--db", f"{folder}/hostile.db") as server,
        httpx.Client(base_url=server.url, timeout=120) as client,
    ):
        for name, work in (
            ("Alone", lambda: time.sleep(5)),
            ("Beside all shapes at 4 MB", lambda: send(client, bodies)),
        ):
            waits = watched(server.url, work)
            p50, p99, longest = (waits[int((len(waits) - 1) * part)] * 1000 for part in (0.5, 0.99, 1))
            print(f"\n{name}, health: p50 {p50:.1f} ms, p99 {p99:.0f} ms, longest {longest:.0f} ms of {len(waits)}.")


def send(client: httpx.Client, bodies: list[bytes]) -> None:
    """Ask for a decision with each body."""
    for body in bodies:
        client.post("/api/route", content=body, headers={"content-type": "application/json"})


def watched(url: str, work: Callable[[], None]) -> list[float]:
    """Seconds that health took, in order, asked about fifty times a second while the work was done."""
    waits, ended = list[float](), threading.Event()

    def watch() -> None:
        with httpx.Client(base_url=url, timeout=60) as client:
            while not ended.wait(0.02):
                start = time.perf_counter()
                client.get("/api/health").raise_for_status()
                waits.append(time.perf_counter() - start)

    watching = threading.Thread(target=watch)
    watching.start()
    work()
    ended.set()
    watching.join()
    return sorted(waits)
