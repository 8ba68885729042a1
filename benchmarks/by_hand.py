"""What is done by hand beside the library that would do it: `python -m benchmarks.by_hand`, after `pip install ijson`.

A stream of records from one large JSON document beside ijson's events, and the file of embeddings beside SQLite.
"""

import hashlib
import io
import json
import random
import sqlite3
import tempfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from artifacts_build.datasets.json_stream import JsonRecords
from artifacts_build.markdown import table
from artifacts_build.training import embeddings

RECORDS = 15_000
VECTORS, DIMENSIONS = 20_000, 512


def document() -> bytes:
    """A result file as LLMRouterBench has them: about 44 MB."""
    dice = random.Random(1)
    words = ["".join(dice.choices("abcdefghijklmnop àé你", k=8)) for _ in range(2000)]
    records = [{"prompt": " ".join(dice.choices(words, k=260)), "score": dice.random()} for _ in range(RECORDS)]
    return json.dumps({"demo": False, "records": records}, ensure_ascii=False).encode()


def by_ijson(raw: bytes) -> int:
    """Records and the fields beside them in one pass over the events, as the reader needs them."""
    ijson: Any = import_module("ijson")
    count, builder, head = 0, None, {}
    for prefix, event, value in ijson.parse(io.BytesIO(raw), use_float=True, buf_size=1 << 20):
        if prefix == "records.item" and event == "start_map":
            builder = ijson.ObjectBuilder()
        if builder is not None:
            builder.event(event, value)
        elif event in ("boolean", "number", "string"):
            head[prefix] = value
        if prefix == "records.item" and event == "end_map":
            count, builder = count + 1, None
    return count


def by_file(path: Path, keys: list[bytes], vectors: embeddings.Vectors) -> None:
    with path.open("ab") as stream:
        for at in range(0, len(keys), embeddings.CHUNK):
            part = slice(at, at + embeddings.CHUNK)
            stream.write(b"".join(map(embeddings._record, keys[part], vectors[part])))
            stream.flush()


def by_sqlite(path: Path, keys: list[bytes], vectors: embeddings.Vectors) -> None:
    base = sqlite3.connect(path)
    for text in ("pragma page_size=16384", "pragma journal_mode=wal", "pragma synchronous=normal"):
        base.execute(text)
    base.execute("create table v (key blob primary key, vector blob)")
    for at in range(0, len(keys), embeddings.CHUNK):
        part = slice(at, at + embeddings.CHUNK)
        with base:
            base.executemany(
                "insert into v values (?, ?)",
                [(key, one.tobytes()) for key, one in zip(keys[part], vectors[part], strict=True)],
            )
    base.close()


def seconds(work: Callable[[], object]) -> float:
    begun = perf_counter()
    work()
    return perf_counter() - begun


def main() -> None:
    raw = document()
    ours = min(seconds(lambda: sum(1 for _ in JsonRecords(io.BytesIO(raw), "x"))) for _ in range(3))
    theirs = min(seconds(lambda: by_ijson(raw)) for _ in range(3))
    rows = [
        [f"records of {len(raw) / 1e6:.0f} MB of JSON: ijson", f"{ours:.2f}", f"{theirs:.2f}", f"{theirs / ours:.2f}"]
    ]
    vectors = np.random.default_rng(1).normal(size=(VECTORS, DIMENSIONS)).astype(np.float32)
    keys = [hashlib.sha256(str(i).encode()).digest() for i in range(VECTORS)]
    with tempfile.TemporaryDirectory() as name:
        file, base = Path(name) / "file", Path(name) / "base"
        ours, theirs = seconds(lambda: by_file(file, keys, vectors)), seconds(lambda: by_sqlite(base, keys, vectors))
        sizes = base.stat().st_size / file.stat().st_size
    rows.append([f"writing {VECTORS:,} vectors: SQLite", f"{ours:.2f}", f"{theirs:.2f}", f"{theirs / ours:.2f}"])
    print(table(["what, beside", "by hand s", "library s", "ratio"], rows))
    print(f"\nSQLite takes {sizes:.2f} times the bytes.")


if __name__ == "__main__":
    main()
