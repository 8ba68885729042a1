"""How long outcomes take to load, and in how much memory: 400,000 rows over 15,000 prompts, in each kind's format.

    python -m benchmarks.datasets

The data is made up (prompts of some 700 characters, 27 models), written once in each format to a folder that is
deleted at the end, and loaded by a process of its own, which is what is measured. The last row is the embedding
cache: 15,000 vectors of 1,024 dimensions, all of them there already.
"""

import io
import json
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pointsman.routing.view import ViewSettings

from artifacts_build.markdown import head

PROMPTS, MODELS, DIMENSIONS = 15_000, 27, 1024
ROWS = 400_000
ANSWER = "This is what the model answered, at some length. " * 20
VIEW = ViewSettings(max_tokens=256, head_tokens=32, tail_tokens=64)


def prompt(i: int) -> str:
    """A prompt of some 700 characters."""
    return f"Question {i}: " + " ".join(str((i * 7919 + k * 104_729) % 99_991) for k in range(115))


def rows() -> Iterator[dict[str, Any]]:
    """The responses."""
    random = np.random.default_rng(1)
    for k in range(ROWS):
        i, m = k % PROMPTS, k // PROMPTS
        read, written = (int(n) for n in random.integers(50, 2000, 2))
        yield {
            "prompt_id": f"p{i}",
            "prompt": prompt(i),
            "model_id": f"model-{m}",
            "score": float(random.random() < 0.6),
            "cost_usd": (read + 4 * written) * 1e-6,
            "input_tokens": read,
            "output_tokens": written,
        }


def write_all(folder: Path) -> dict[str, str]:
    """Every format; gives the `--dataset` of each by a name for people."""
    table = pa.Table.from_pylist(list(rows()))
    pq.write_table(table, folder / "rows.parquet")
    (folder / "folder").mkdir()
    narrow = table.group_by("prompt_id", use_threads=False).aggregate([("prompt", "min")])
    pq.write_table(narrow.rename_columns(["prompt_id", "prompt"]), folder / "folder/prompts.parquet")
    pq.write_table(table.drop(["prompt"]), folder / "folder/responses.parquet")
    with (folder / "rows.jsonl").open("w") as stream:
        for row in rows():
            stream.write(json.dumps(row) + "\n")
    _write_tar(folder / "bench.tar.gz")
    wide: dict[str, Any] = {
        "sample_id": [f"p{i}" for i in range(PROMPTS)],
        "prompt": [prompt(i) for i in range(PROMPTS)],
        "eval_name": ["e"] * PROMPTS,
    }
    score = np.random.default_rng(1).integers(0, 2, (MODELS, PROMPTS)).astype(float)
    for m in range(MODELS):
        wide |= {f"model-{m}": score[m], f"model-{m}|total_cost": score[m] * 0.001}
    pq.write_table(pa.table(wide), folder / "routerbench.parquet")
    with (folder / "tasks.jsonl").open("w") as stream:
        for i in range(PROMPTS):
            stream.write(json.dumps({"task_id": f"t{i}", "problem_statement": prompt(i)}) + "\n")
    with (folder / "responses.jsonl").open("w") as stream:
        for m in range(MODELS):
            responses = {f"t{i}": int(score[m, i]) for i in range(PROMPTS)}
            stream.write(json.dumps({"subject_id": f"model-{m}", "responses": responses}) + "\n")
    return {
        "rows, Parquet": f"rows:{folder / 'rows.parquet'}",
        "rows, folder": f"rows:{folder / 'folder'}",
        "rows, JSONL": f"rows:{folder / 'rows.jsonl'}",
        "llmrouterbench, tar.gz": f"llmrouterbench:{folder / 'bench.tar.gz'}",
        "routerbench, Parquet": f"routerbench:{folder / 'routerbench.parquet'}",
        "agentic": f"agentic:{folder / 'responses.jsonl'},tasks={folder / 'tasks.jsonl'}",
    }


def _write_tar(path: Path) -> None:
    by_model: dict[str, list[dict[str, Any]]] = {}
    for row in rows():
        record = {
            "origin_query": row["prompt"],
            "prompt": row["prompt"],
            "prediction": "A",
            "ground_truth": "A",
            "score": row["score"],
            "prompt_tokens": row["input_tokens"],
            "completion_tokens": row["output_tokens"],
            "cost": row["cost_usd"],
            "raw_output": ANSWER,
        }
        by_model.setdefault(row["model_id"], []).append(record)
    with tarfile.open(path, "w:gz", compresslevel=1) as tar:
        for model, records in by_model.items():
            content = json.dumps({"demo": False, "records": records}, indent=2).encode()
            member = tarfile.TarInfo(f"bench-release/made-up/test/{model}/made-up-test-{model}-20250101_000000.json")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))


class Embedder:
    """Stands in for an embedder; the second run must not need it."""

    name, fingerprint, dimensions, max_tokens, special_tokens = "stand-in", "0" * 64, DIMENSIONS, 512, 0

    def tokenize(self, text: str) -> list[int]:
        return [len(text)]

    def offsets(self, text: str) -> list[tuple[int, int]]:
        return [(0, len(text))]

    def embed(self, texts: Any) -> Any:
        return self.embed_tokens([self.tokenize(text) for text in texts])

    def embed_tokens(self, tokens: Any) -> Any:
        return np.ones((len(tokens), DIMENSIONS), dtype=np.float32)


def load(what: str) -> None:
    """Runs in a process of its own: load, and print seconds, CPU seconds, prompts, rows and peak megabytes."""
    if what.startswith("cache:"):
        from artifacts_build.training.embeddings import embed_prompts

        texts = [prompt(i) for i in range(PROMPTS)]
        start, busy = time.perf_counter(), time.process_time()
        embed_prompts(texts, Embedder(), VIEW, Path(what.removeprefix("cache:")))
        size = (PROMPTS, PROMPTS)
    else:
        from artifacts_build.datasets import Profiles, load_datasets, parse_dataset

        start, busy = time.perf_counter(), time.process_time()
        data = load_datasets([parse_dataset(what)], Profiles())
        size = (len(data.prompts), len(data.score))
    seconds = time.perf_counter() - start
    print(json.dumps([seconds, time.process_time() - busy, *size, peak_megabytes()]))


def peak_megabytes() -> float:
    """The most memory this process held; what it was started from does not count."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def main() -> None:
    """Write, load, and print the table."""
    if len(sys.argv) > 1:
        load(sys.argv[1])
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        datasets = write_all(folder)
        command = [sys.executable, "-m", "benchmarks.datasets"]
        subprocess.run([*command, f"cache:{folder / 'cache'}"], check=True, capture_output=True)
        print(head(["format", "file MB", "prompts", "rows", "seconds", "CPU seconds", "peak MB"]))
        for title, what in {**datasets, "embedding cache, all known": f"cache:{folder / 'cache'}"}.items():
            path = Path(what.split(":", 1)[1].split(",")[0])
            files = [path] if path.is_file() else list(path.rglob("*"))
            megabytes = sum(one.stat().st_size for one in files) / 1e6
            done = subprocess.run([*command, what], check=True, capture_output=True, text=True)
            seconds, busy, prompts, responses, peak = json.loads(done.stdout)
            cells = [title, f"{megabytes:,.0f}", f"{prompts:,}", f"{responses:,}"]
            print(f"| {' | '.join([*cells, f'{seconds:.1f}', f'{busy:.1f}', f'{peak:,.0f}'])} |")


if __name__ == "__main__":
    main()
