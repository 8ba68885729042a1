"""Embeddings of many prompts through the view, as serving embeds them; kept so that nothing is embedded twice.

The cache is one append-only file for an embedder and a view. A record is the sha256 of a text, its vector, and a
checksum; records are of one size, so a run that was cut off leaves at most one torn record, which the next run cuts
away. What is there is used for any set of prompts that it covers, wholly or in part.
"""

import fcntl
import hashlib
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from pointsman.embedders import Embedder
from pointsman.routing.view import ViewSettings, select_view
from tqdm import tqdm

from artifacts_build.errors import BuildError

CHUNK = 64
KEY_BYTES = 32
# Chunks that are being embedded or wait to be written, for each worker.
AHEAD = 4
READ_RECORDS = 4096

Vectors = NDArray[np.float32]


def embed_prompts(
    prompts: Sequence[str], embedder: Embedder, view: ViewSettings, cache: Path, workers: int = 2
) -> Vectors:
    """float32 [n, d]: the embedding of each prompt's view; equal texts are embedded once.

    What was embedded before is read from `cache`, and what is embedded now is there even when the run is cut off.

    Raises:
        BuildError: another run writes the same cache file.
        OSError: the cache cannot be written, such as when the disk is full; run again to go on.
    """
    keys = [hashlib.sha256(prompt.encode()).digest() for prompt in prompts]
    places: dict[bytes, list[int]] = {}
    for i, key in enumerate(keys):
        places.setdefault(key, []).append(i)
    vectors = np.empty((len(prompts), embedder.dimensions), dtype=np.float32)
    with _open_cache(cache, embedder, view) as stream:
        known = 0
        for key, vector in _read_records(stream, embedder.dimensions):
            # A text may be there twice, after a record that was damaged: any whole record is as good.
            if at := places.pop(key, None):
                vectors[at] = vector
                known += len(at)
        missing = [(key, prompts[at[0]]) for key, at in places.items()]
        chunks = [missing[i : i + CHUNK] for i in range(0, len(missing), CHUNK)]

        def embed(chunk: list[tuple[bytes, str]]) -> Vectors:
            return np.concatenate([embed_one(prompt, embedder, view) for _, prompt in chunk])

        with ThreadPoolExecutor(workers) as pool, tqdm(total=len(prompts), desc="embedding", disable=None) as bar:
            bar.update(known)
            for chunk, done in _in_order(pool, embed, chunks, workers * AHEAD):
                stream.write(b"".join(_record(key, vector) for (key, _), vector in zip(chunk, done, strict=True)))
                stream.flush()
                for (key, _), vector in zip(chunk, done, strict=True):
                    vectors[places[key]] = vector
                    bar.update(len(places[key]))
    return vectors


def embed_one(prompt: str, embedder: Embedder, view: ViewSettings) -> Vectors:
    """float32 [1, d]: one prompt alone, as serving embeds it.

    What else is in a batch may change a vector's last bits, and with them what a rerun learns; and padding costs
    more than a batch gains on a processor.
    """
    part = select_view(prompt, view, embedder)
    return embedder.embed([part.text]) if part.token_ids is None else embedder.embed_tokens([part.token_ids])


def cache_file(cache: Path, embedder: Embedder, view: ViewSettings) -> Path:
    """The file of an embedder and a view."""
    identity = hashlib.sha256(f"{embedder.fingerprint} {embedder.dimensions} {view.model_dump_json()}".encode())
    return cache / f"embeddings-{identity.hexdigest()[:24]}.bin"


@contextmanager
def _open_cache(cache: Path, embedder: Embedder, view: ViewSettings) -> Iterator[BinaryIO]:
    """The cache file, locked, read from its start and written at its end; a torn record at the end is cut away."""
    cache.mkdir(parents=True, exist_ok=True)
    path = cache_file(cache, embedder, view)
    with path.open("a+b") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BuildError(
                f"{path}: another run is embedding into it. Wait for it, or name another --cache."
            ) from None
        size = path.stat().st_size
        stream.truncate(size - size % _record_bytes(embedder.dimensions))
        stream.seek(0)
        yield stream


def _read_records(stream: BinaryIO, dimensions: int) -> Iterator[tuple[bytes, Vectors]]:
    """The whole records; one whose checksum is wrong is passed over and will be embedded again."""
    size = _record_bytes(dimensions)
    while block := stream.read(size * READ_RECORDS):
        for start in range(0, len(block), size):
            record = block[start : start + size]
            if zlib.crc32(record[:-4]) == int.from_bytes(record[-4:], "little"):
                yield record[:KEY_BYTES], np.frombuffer(record, dtype="<f4", count=dimensions, offset=KEY_BYTES)


def _record(key: bytes, vector: Vectors) -> bytes:
    body = key + vector.astype("<f4", copy=False).tobytes()
    return body + zlib.crc32(body).to_bytes(4, "little")


def _record_bytes(dimensions: int) -> int:
    return KEY_BYTES + 4 * dimensions + 4


def _in_order(pool: ThreadPoolExecutor, work: Any, items: Sequence[Any], ahead: int) -> Iterator[tuple[Any, Any]]:
    """Each item with its result, in order, with at most `ahead` under way; what waits is dropped on an error."""
    waiting: list[tuple[Any, Future[Any]]] = []
    rest = iter(items)
    try:
        while True:
            waiting.extend((item, pool.submit(work, item)) for item in islice(rest, ahead - len(waiting)))
            if not waiting:
                return
            item, future = waiting.pop(0)
            yield item, future.result()
    finally:
        for _, future in waiting:
            future.cancel()
