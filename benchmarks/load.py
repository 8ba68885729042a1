"""More clients than the server can serve, over kept-alive connections: accepted, refused, times, health beside.

Each client asks again as soon as it was answered; one that was refused waits as long as it was told (a second).
"""

import json
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.client import HTTPConnection
from urllib.parse import urlsplit

import numpy as np
from pointsman import Router

from benchmarks.texts import ENGLISH, prompt_of
from scripts.harness.serving import serving

CLIENTS = (1, 8, 32, 64, 128)
SECONDS, TOKENS = 8.0, 64


@dataclass
class Seen:
    """What clients saw: seconds of the accepted, of the refused and of health."""

    accepted: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    health: list[float] = field(default_factory=list)


def main() -> None:
    """Print a row for each number of clients."""
    embedder = Router.load().embedder
    prompt = prompt_of(TOKENS - embedder.special_tokens, embedder.offsets(ENGLISH * 4), ENGLISH * 4)
    print("| clients | accepted a second | refused a second | p50 ms | p99 ms | p99 / p50 | health p99 ms |")
    print("|--:|--:|--:|--:|--:|--:|--:|")
    with tempfile.TemporaryDirectory() as folder, serving("--db", f"{folder}/load.db") as server:
        under(server.url, prompt, 2, 2.0)  # warm
        for clients in CLIENTS:
            seen = under(server.url, prompt, clients, SECONDS)
            p50, p99 = np.percentile(seen.accepted, [50, 99]) * 1000
            health = np.percentile(seen.health, 99) * 1000
            print(
                f"| {clients} | {len(seen.accepted) / SECONDS:.0f} | {len(seen.refused) / SECONDS:.0f} | {p50:.1f} "
                f"| {p99:.1f} | {p99 / p50:.1f} | {health:.1f} |",
                flush=True,
            )


def under(url: str, prompt: str, clients: int, seconds: float) -> Seen:
    """What so many clients see in so many seconds, with one more that asks for health twenty times a second."""
    seen, end = Seen(), time.perf_counter() + seconds
    over = threading.Event()

    body = json.dumps({"prompt": prompt})

    def ask(_: int) -> None:
        connection = connected(url)
        while (start := time.perf_counter()) < end:
            status, pause = asked(connection, "POST", "/api/route?detail=brief", body)
            took = time.perf_counter() - start
            if status == 503:
                seen.refused.append(took)
                over.wait(min(pause, max(0.0, end - time.perf_counter())))
            else:
                assert status == 200
                seen.accepted.append(took)
        connection.close()

    def watch() -> None:
        connection = connected(url)
        while not over.wait(0.05):
            start = time.perf_counter()
            asked(connection, "GET", "/api/health")
            seen.health.append(time.perf_counter() - start)
        connection.close()

    watching = threading.Thread(target=watch)
    watching.start()
    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(ask, range(clients)))
    over.set()
    watching.join()
    return seen


def connected(url: str) -> HTTPConnection:
    """A connection that is kept; the lightest client there is, since it shares the machine with the server."""
    parts = urlsplit(url)
    return HTTPConnection(str(parts.hostname), parts.port, timeout=60)


def asked(connection: HTTPConnection, method: str, path: str, body: str | None = None) -> tuple[int, float]:
    """The status of an answer, and for how many seconds to stay away."""
    connection.request(method, path, body, {"content-type": "application/json"} if body else {})
    answer = connection.getresponse()
    answer.read()
    return answer.status, float(answer.headers.get("retry-after") or 0)
