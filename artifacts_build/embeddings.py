"""Embeddings of many prompts through the view, as serving embeds them; kept so that a rerun is quick."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pointsman.embedders import Embedder
from pointsman.view import ViewSettings, select_view
from tqdm import tqdm

CHUNK = 64


def embed_prompts(
    prompts: list[str], embedder: Embedder, view: ViewSettings, cache: Path, workers: int = 2
) -> NDArray[np.float32]:
    """float32 [n, d]; read from `cache` where the same prompts, embedder and view were embedded before."""
    identity = hashlib.sha256(f"{embedder.fingerprint} {view.model_dump_json()}".encode())
    for prompt in prompts:
        identity.update(hashlib.sha256(prompt.encode()).digest())
    path = cache / f"embeddings-{identity.hexdigest()[:16]}.npy"
    if path.exists():
        vectors: NDArray[np.float32] = np.load(path, allow_pickle=False)
        return vectors
    chunks = [prompts[i : i + CHUNK] for i in range(0, len(prompts), CHUNK)]

    def embed(chunk: list[str]) -> NDArray[np.float32]:
        return embedder.embed([select_view(prompt, view, embedder).text for prompt in chunk])

    with ThreadPoolExecutor(workers) as pool:
        done = list(tqdm(pool.map(embed, chunks), total=len(chunks), desc="embedding", unit="x64", disable=None))
    vectors = np.concatenate(done)
    cache.mkdir(parents=True, exist_ok=True)
    scratch = path.with_suffix(".part")
    with scratch.open("wb") as stream:
        np.save(stream, vectors)
    scratch.rename(path)
    return vectors
