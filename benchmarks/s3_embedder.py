"""A large embedder from S3 beside the same one from a folder: time to start and peak memory, as ratios.

    python -m benchmarks.s3_embedder [--folder build/benchmarks/qwen3-shape]

The embedder has the shape of Qwen3-Embedding-0.6B in 8-bit blocks with random weights, about 680 MB, once with its
weights in a file beside the graph and once inside it. Every load is a new process. S3 is two servers in processes of
their own, on this machine and without its network: moto's, which reads the whole object for every range, so that its
row says that the vectors are right and what memory it takes, and not how long; and one here that answers HEAD and
ranged GET from files, for the times.
"""

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import boto3
import numpy as np
import onnx
from numpy.typing import NDArray
from pointsman.artifact.integrity import sha256_of
from pointsman.embedders import OnnxEmbedder
from pointsman.embedders.onnx import DATA_FILE, MODEL_FILE, SETTINGS_FILE, TOKENIZER_FILE, EmbedderSettings
from pointsman.embedders.s3 import load_from_s3
from tqdm import tqdm

from artifacts_build.embedders.onnx_graph import Graph
from artifacts_build.embedders.qwen3.checkpoint import Layer, Shape
from artifacts_build.embedders.qwen3.graph import add_network
from artifacts_build.markdown import head
from scripts.harness.aws import FAKE_ACCOUNT

BUCKET, MAX_TOKENS = "embedders", 512
TOKENIZER = Path("build/embedders/use-multilingual") / TOKENIZER_FILE
SHAPE = Shape(
    vocabulary=151_669,
    hidden=1024,
    intermediate=3072,
    layers=28,
    heads=16,
    kv_heads=8,
    head=128,
    epsilon=1e-6,
    rope_theta=1e6,
    positions=32_768,
    end_token=151_643,
)


@dataclass
class RandomWeights:
    """Weights of the true shape, drawn as they are asked for."""

    shape: Shape = SHAPE
    random: np.random.Generator = field(default_factory=lambda: np.random.default_rng(7))

    def table_rows(self, start: int, stop: int) -> NDArray[np.float32]:
        return self._drawn(stop - start, self.shape.hidden)

    def layer(self, _: int) -> Layer:
        s = self.shape
        queries, keys, hidden = s.heads * s.head, s.kv_heads * s.head, s.hidden
        norms = [np.ones(size, np.float32) for size in (hidden, hidden, s.head, s.head)]
        sizes = [(queries, hidden), (keys, hidden), (keys, hidden), (hidden, queries)]
        sizes += [(s.intermediate, hidden), (s.intermediate, hidden), (hidden, s.intermediate)]
        return Layer(*norms, *(self._drawn(*size) for size in sizes))

    def final_norm(self) -> NDArray[np.float32]:
        return np.ones(self.shape.hidden, np.float32)

    def output(self) -> None:
        return None

    def _drawn(self, *size: int) -> NDArray[np.float32]:
        return self.random.standard_normal(size, dtype=np.float32) * np.float32(0.02)


def write_embedder(folder: Path) -> None:
    """The embedder twice: `outside` and `inside` the graph."""
    outside, inside = folder / "outside", folder / "inside"
    for made in (outside, inside):
        made.mkdir(parents=True, exist_ok=True)
        (made / TOKENIZER_FILE).write_bytes(TOKENIZER.read_bytes())
    with tqdm(total=SHAPE.layers, unit=" layers", disable=None) as bar, (outside / DATA_FILE).open("wb") as data:
        g = Graph(data, DATA_FILE)

        def written(_: int) -> None:
            bar.update()

        add_network(g, RandomWeights(), SHAPE.layers, MAX_TOKENS, lambda _: "blocks8", 8, written)
    onnx.save(g.embedder("qwen3-shape", SHAPE.hidden), outside / MODEL_FILE)
    onnx.save(onnx.load(outside / MODEL_FILE), inside / MODEL_FILE)
    for made in (outside, inside):
        settings = EmbedderSettings(
            name="qwen3-shape",
            fingerprint="0" * 64,
            dimensions=SHAPE.hidden,
            max_tokens=MAX_TOKENS,
            output="embedding",
            files={path.name: sha256_of(path) for path in made.iterdir() if path.name != SETTINGS_FILE},
        )
        (made / SETTINGS_FILE).write_text(settings.model_dump_json())


class Files(SimpleHTTPRequestHandler):
    """As much of S3 as the loader asks for: HEAD, and GET of a range, of the files in the working directory."""

    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._answer(None)

    def do_GET(self) -> None:
        first, last = self.headers["Range"].removeprefix("bytes=").split("-")
        self._answer((int(first), int(last)))

    def _answer(self, span: tuple[int, int] | None) -> None:
        path = Path(self.translate_path(self.path.removeprefix(f"/{BUCKET}")))
        if not path.is_file():
            self.send_error(404)
            return
        size = path.stat().st_size
        start, stop = (0, size) if span is None else (span[0], span[1] + 1)
        self.send_response(200 if span is None else 206)
        self.send_header("ETag", f'"{size}"')
        self.send_header("Content-Length", str(stop - start))
        if span is not None:
            self.send_header("Content-Range", f"bytes {start}-{stop - 1}/{size}")
        self.end_headers()
        if span is not None:
            with path.open("rb") as stream:
                while start < stop:
                    start += os.sendfile(self.connection.fileno(), stream.fileno(), start, stop - start)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(*command: str) -> Iterator[str]:
    """The address of a server that runs for the block; the command is given a port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    quiet = subprocess.DEVNULL
    process = subprocess.Popen([sys.executable, "-m", *command, str(port)], stdout=quiet, stderr=quiet)
    try:
        for _ in range(300):
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=30)


def load(source: str) -> None:
    """In a process of its own: start the embedder, embed once, and print what that took."""
    before, peak, ended = _held(), 0, threading.Event()

    def watch() -> None:
        nonlocal peak
        while not ended.wait(0.005):
            peak = max(peak, _held())

    watcher = threading.Thread(target=watch)
    watcher.start()
    start = time.perf_counter()
    in_s3 = source.startswith("s3:")
    embedder = load_from_s3(source, lambda _: None) if in_s3 else OnnxEmbedder.load(Path(source))
    seconds = time.perf_counter() - start
    ended.set()
    watcher.join()
    vector = embedder.embed_tokens([list(range(100, 164))])
    print(json.dumps([seconds, (peak - before) / 2**20, (_held() - before) / 2**20, float(vector[0, 0])]))


def _held() -> int:
    """Bytes that the process holds beside pages of files, which can be had again and so need not be kept."""
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return sum(int(lines[name].split()[0]) * 1024 for name in ("RssAnon", "RssShmem"))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.s3_embedder", description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("build/benchmarks/qwen3-shape"))
    parser.add_argument("--turns", type=int, default=3, help="processes a row")
    parser.add_argument("--load", help=argparse.SUPPRESS)
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--prepare", action="store_true", help="only write the embedder")
    arguments = parser.parse_args()
    if arguments.load:
        load(arguments.load)
        return
    folder: Path = arguments.folder
    if arguments.serve:
        handler = partial(Files, directory=str(folder))
        ThreadingHTTPServer(("127.0.0.1", arguments.serve), handler).serve_forever()
    if not (folder / "inside" / SETTINGS_FILE).exists():
        write_embedder(folder)
    if arguments.prepare:
        return
    taken: dict[str, list[list[float]]] = {}

    def run(name: str, source: str, **env: str) -> None:
        command = [sys.executable, "-m", "benchmarks.s3_embedder", "--load", source]
        result = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, **env})
        taken.setdefault(name, []).append(json.loads(result.stdout))

    os.environ.update(FAKE_ACCOUNT)
    outside, inside = f"s3://{BUCKET}/outside", f"s3://{BUCKET}/inside"
    server = ("benchmarks.s3_embedder", "--folder", str(folder.resolve()), "--serve")
    with serving(*server) as url:
        for _ in range(arguments.turns):
            run("folder, weights outside", str(folder / "outside"))
            run("S3, weights outside", outside, AWS_ENDPOINT_URL_S3=url)
            fixed = {"MALLOC_MMAP_THRESHOLD_": "262144"}
            run("the same, MALLOC_MMAP_THRESHOLD_=262144", outside, AWS_ENDPOINT_URL_S3=url, **fixed)
            run("folder, weights inside", str(folder / "inside"))
            run("S3, weights inside", inside, AWS_ENDPOINT_URL_S3=url)
    with serving("moto.server", "-H", "127.0.0.1", "-p") as url:
        client = boto3.client("s3", endpoint_url=url)
        place = {"LocationConstraint": FAKE_ACCOUNT["AWS_REGION"]}
        client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration=place)
        for path in (folder / "outside").iterdir():
            client.upload_file(str(path), BUCKET, f"outside/{path.name}")
        run("moto's S3, weights outside, one process", outside, AWS_ENDPOINT_URL_S3=url)
    assert len({run[3] for runs_of_one in taken.values() for run in runs_of_one}) == 1, "the vectors differ"
    size = sum(path.stat().st_size for path in (folder / "outside").glob("model.*")) / 2**20
    first = [statistics.median(column) for column in zip(*taken["folder, weights outside"], strict=True)]
    print(f"{size:,.0f} MB of graph and weights; medians of {arguments.turns} processes; memory: what loading adds.\n")
    print(head(["source", "start s", "ratio", "peak MB", "ratio", "peak / file", "then MB"]))
    for name, runs_of_one in taken.items():
        seconds, peak, then, _ = (statistics.median(column) for column in zip(*runs_of_one, strict=True))
        print(
            f"| {name} | {seconds:.1f} | {seconds / first[0]:.1f} | {peak:,.0f} | {peak / first[1]:.1f} "
            f"| {peak / size:.2f} | {then:,.0f} |"
        )


if __name__ == "__main__":
    main()
