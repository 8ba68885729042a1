"""What spans and figures cost a decision: the same server five ways, asked in turns.

The collector is a sink in a process of its own, which reads and answers; sending spans takes its share of processor.
"""

import http.client
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from urllib.parse import urlsplit

from pointsman.decision import Decision

from benchmarks.gateways import ask
from benchmarks.timing import alternate
from scripts.harness.serving import serving

BODY = json.dumps({"prompt": "What is the capital of Portugal?", "config": "auto"}).encode()
SINK = """
import http.server
class Sink(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200); self.send_header("content-length", "0"); self.end_headers()
    def log_message(self, *_): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Sink)
print(server.server_port, flush=True)
server.serve_forever()
"""


def main() -> None:
    """Print what each way costs a request, and then the processor's time of telling alone."""
    served()
    told()


def told() -> None:
    """Print CPU microseconds of telling one decision, beside making it: less noisy than a server's answers."""
    from pointsman.router import Router
    from pointsman.telemetry.figures import Figures
    from pointsman.telemetry.spans import open_spans
    from pointsman.telemetry.watching import Watched

    router = Router.load()
    heard: list[Watched] = []

    def hear(decision: Decision, stages: Mapping[str, float]) -> None:
        heard.append(Watched("/api/route", {}, time.time_ns(), 0.01, 200, None, None, decision, stages))

    router.observe = hear
    router.decide("What is the capital of Portugal?")
    spans = open_spans(router.settings.model_copy(update={"spans": True}), {})
    assert spans is not None
    runs: dict[str, Callable[[], object]] = {
        "a decision, not recorded": lambda: router.decide("What is the capital of Portugal?"),
        "its span": partial(spans, heard[0]),
        "its figures": partial(Figures(), heard[0]),
    }
    least = {name: float("inf") for name in runs}
    for _ in range(15):
        for name, run in runs.items():
            start = time.thread_time()
            for _ in range(50):
                run()
            least[name] = min(least[name], (time.thread_time() - start) / 50 * 1e6)
    print("\n| | CPU µs | share |\n|---|--:|--:|")
    for name, microseconds in least.items():
        print(f"| {name} | {microseconds:.0f} | {microseconds / least['a decision, not recorded']:.3f} |")


def served() -> None:
    """Print p50 and p95 of each way, and their ratios to the server that tells nothing."""
    sink = subprocess.Popen([sys.executable, "-c", SINK], stdout=subprocess.PIPE, text=True)
    try:
        assert sink.stdout is not None
        collector = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{sink.stdout.readline().strip()}"}
        figures = {"POINTSMAN_METRICS": "true"}
        ways = {
            "nothing": {},
            "spans": collector,
            "figures": figures,
            "both": {**collector, **figures},
            "spans, the collector down": {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"},
        }
        with ExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            runs = {}
            for place, (name, env) in enumerate(ways.items()):
                server = stack.enter_context(serving("--db", f"{folder}/{place}.db", env=env))
                connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=30)
                runs[name] = partial(ask, connection, "/api/route", BODY)
            taken = alternate(runs, turns=20)
    finally:
        sink.terminate()
        sink.wait()
    base50, base95 = taken["nothing"]
    print("| told | p50 ms | ratio | p95 ms | ratio |\n|---|--:|--:|--:|--:|")
    for name, (p50, p95) in taken.items():
        print(f"| {name} | {p50:.2f} | {p50 / base50:.2f} | {p95:.2f} | {p95 / base95:.2f} |")
