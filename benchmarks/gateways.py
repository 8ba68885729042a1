"""The gateways' routes over a kept-alive connection: how long a gateway waits, beside Kong's limit of 300 ms."""

import http.client
import json
import tempfile
import time
from urllib.parse import urlsplit

import numpy as np

from benchmarks.dialects import WORDS, bodies
from scripts.harness.serving import serving

ROUTES = ("/v1/decision", "/routing/v1/chat/completions")
ASKED, KONG_MS = 120, 300
SHORT = {"messages": [{"role": "user", "content": "What is the capital of Portugal?"}]}
LONG = {"messages": [{"role": "user", "content": WORDS * 23}, {"role": "assistant", "content": "Done."}] * 100}


def main() -> None:
    """Print a row for each route and body."""
    print(f"| route | body | KB | p50 ms | p95 | p99 | over {KONG_MS} ms |\n|---|---|--:|--:|--:|--:|--:|")
    made = {
        "one question": ("openai_chat", SHORT),
        "50 messages, 20 tools": ("openai_chat", bodies()["openai_chat"]),
        "the same of Anthropic": ("anthropic_messages", bodies()["anthropic_messages"]),
        "200 messages": ("openai_chat", {"messages": [*LONG["messages"], *SHORT["messages"]]}),
    }
    with tempfile.TemporaryDirectory() as folder, serving("--db", f"{folder}/history.db") as server:
        connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=30)
        for route in ROUTES:
            for name, (form, body) in made.items():
                if form != "openai_chat" and route != ROUTES[0]:
                    continue
                request = {"model": "auto", **body}
                whole = {"input_format": form, "request": request} if route == ROUTES[0] else request
                raw = json.dumps(whole).encode()
                taken = np.array([ask(connection, route, raw) for _ in range(ASKED + 5)][5:]) * 1000
                p50, p95, p99 = np.percentile(taken, [50, 95, 99])
                over = int((taken > KONG_MS).sum())
                print(f"| {route} | {name} | {len(raw) / 1000:.0f} | {p50:.1f} | {p95:.1f} | {p99:.1f} | {over} |")


def ask(connection: http.client.HTTPConnection, route: str, raw: bytes) -> float:
    """Seconds that one request took."""
    start = time.perf_counter()
    connection.request("POST", route, raw, {"content-type": "application/json"})
    answer = connection.getresponse()
    said = answer.read()
    assert answer.status == 200, said
    return time.perf_counter() - start
