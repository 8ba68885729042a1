"""Does a flattened router predict what the router it came from predicts?

    python -m benchmarks.flatten_parity --python /elsewhere/venv/bin/python

The other Python has `xrouter-llm` installed, which is no dependency of ours and is used as a black box: it
trains a small router on made-up outcomes with a deterministic stand-in for its embedder, saves it, and predicts
1,000 prompts x 20 models. Here the saved file is flattened and the same is predicted from it alone.
"""

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

MODELS, ASKED, DIMENSIONS = 20, 1000, 1024
# With fewer prompts than dimensions, the router projects its vectors first: both ways are compared.
TRAINED = (400, 1500)
AIM = 1e-6


def vectors(texts: list[str]) -> NDArray[np.float32]:
    """float32 [n, 1024]: unit vectors that depend on the text alone, scaled unevenly as learned ones are."""
    scale = np.exp(np.random.default_rng(7).normal(0, 0.7, DIMENSIONS))
    rows = []
    for text in texts:
        seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
        row = np.random.default_rng(seed).normal(size=DIMENSIONS) * scale
        rows.append(row / np.linalg.norm(row))
    return np.array(rows, dtype=np.float32)


def scores(model: int) -> dict[str, float | None]:
    """Published scores in percent; some models lack one, and one lacks both."""
    gpqa = None if model % 7 == 3 else 30 + 3.0 * model
    live = None if model % 5 == 2 else 20 + 3.5 * model
    return {"gpqa_diamond": gpqa, "livecodebench": live}


def prompts() -> list[str]:
    """The prompts to predict: short ones, which both programs embed whole."""
    return [f"question {i}: what is {i} times {i % 13}?" for i in range(ASKED)]


def black_box(folder: Path, trained: int) -> None:
    """Runs in the other Python: train, save, predict."""
    import xrouter_llm  # type: ignore[import-not-found]

    backend_class = xrouter_llm.SentenceTransformerBackend
    backend_class.encode = lambda _self, texts: vectors(list(texts))
    catalog = xrouter_llm.BenchmarkProfileCatalog(
        [xrouter_llm.ModelBenchmarkProfile(model_id=f"m{m}", benchmarks=scores(m)) for m in range(MODELS)]
    )
    router = xrouter_llm.IRTRouter(
        benchmark_profiles=catalog, embedding_backend=backend_class(), embedding_cache_dir=None, random_state=0
    )
    random = np.random.default_rng(3)
    direction = random.normal(size=DIMENSIONS)
    texts = [f"training prompt {i}" for i in range(trained)]
    ease = vectors(texts) @ direction * 3
    p = 1 / (1 + np.exp(-(np.arange(MODELS)[None, :] / 4 - 2.5 + ease[:, None])))
    done = random.random(p.shape) < p
    router.fit(
        [
            {"prompt_id": f"p{i}", "prompt": text, "model_id": f"m{m}", "score": float(done[i, m])}
            for i, text in enumerate(texts)
            for m in range(MODELS)
        ]
    )
    router.save(folder / "router.joblib")
    ids = [f"m{m}" for m in range(MODELS)]
    loaded = xrouter_llm.IRTRouter.load(folder / "router.joblib")
    predicted = []
    for text in prompts():
        by_id = {one.model_id: one.mu for one in loaded.predict(text, model_ids=ids)}
        predicted.append([by_id[model_id] for model_id in ids])
    np.save(folder / "predicted.npy", np.array(predicted))


def compare(python: str, trained: int) -> float:
    """The largest difference of a probability, after printing the figures."""
    from pointsman.artifact.load import load_artifact

    from artifacts_build.xrouter.flatten import flatten_router

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run([python, __file__, "--inside", name, str(trained)], check=True, stdout=subprocess.DEVNULL)
        (folder / "embedder").mkdir()
        settings = {"name": "stand-in", "fingerprint": "0" * 64, "dimensions": DIMENSIONS, "max_tokens": 512}
        (folder / "embedder/embedder.json").write_text(json.dumps({**settings, "output": "embedding", "files": {}}))
        flatten_router(folder / "router.joblib", folder / "embedder", folder / "weights", "parity")
        predictor = load_artifact(folder / "weights").predictor
        expected = np.load(folder / "predicted.npy", allow_pickle=False)
    percent = np.array([list(scores(m).values()) for m in range(MODELS)], dtype=float)
    models = predictor.features_of(percent / 100, [[] for _ in range(MODELS)])
    reading = predictor.read(vectors(prompts()))
    difficulty = reading.difficulty
    found = np.stack([predictor.complete(models, reading.row(i))[0] for i in range(len(difficulty))])
    worst = float(np.abs(found - expected).max())
    clipped = int(((difficulty == predictor.difficulty_low) | (difficulty == predictor.difficulty_high)).sum())
    print(f"prompts trained on         {trained:,}")
    print(f"predictions                {expected.size:,} ({ASKED:,} prompts x {MODELS} models)")
    print(f"probabilities from, to     {expected.min():.4f}, {expected.max():.4f}")
    print(f"prompts that are clipped   {clipped:,}")
    print(f"difference at the median   {np.median(np.abs(found - expected)):.1e}")
    print(f"difference at the worst    {worst:.1e}  (aim {AIM:.0e})")
    return worst


def main() -> None:
    """Compare, and fail where the aim is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--python", help="a Python that has xrouter-llm")
    parser.add_argument("--inside", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.inside:
        black_box(Path(arguments.inside[0]), int(arguments.inside[1]))
    elif arguments.python:
        sys.exit(max(compare(arguments.python, trained) for trained in TRAINED) > AIM)
    else:
        parser.error("--python: name a Python that has xrouter-llm installed")


if __name__ == "__main__":
    main()
