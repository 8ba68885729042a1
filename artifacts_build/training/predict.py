"""Predictions for tables of prompts, responses and models, so that anyone can judge an artifact with their own tools.

A model that the artifact has outcomes for is matched by its id; any other is predicted from the scores in the models
file, and one without scores gets the training mean. The rows come back in the order of the responses file.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pointsman.artifact.load import load_artifact, load_embedder
from pointsman.embedders import Embedder
from pointsman.routing.inputs import Inputs
from pointsman.routing.predictor import CandidateFeatures, Predictor, Reading
from pointsman.routing.view import ViewSettings

from artifacts_build.datasets.benchmarks import Benchmarks, read_benchmarks
from artifacts_build.datasets.outcomes import Indices
from artifacts_build.datasets.published_scores import SYSTEM_PREFIX, Profiles, read_profiles
from artifacts_build.datasets.rows import parquet_batches, text_column
from artifacts_build.errors import DatasetError
from artifacts_build.training.embeddings import embed_prompts
from artifacts_build.training.inputs import embed_subjects

ROWS_AT_ONCE = 8192
SCHEMA = pa.schema(
    [
        ("prompt_id", pa.string()),
        ("model_id", pa.string()),
        ("p", pa.float64()),
        ("sigma", pa.float64()),
        ("difficulty", pa.float64()),
        ("has_outcomes", pa.bool_()),
    ]
)


def predict_table(
    prompts: Path,
    responses: Path,
    models: Path,
    artifact: Path,
    out: Path,
    cache: Path,
    formula: bool = False,
    benchmarks: Sequence[Path] = (),
) -> str:
    """Write P, sigma and difficulty of every (prompt, model) row to the Parquet file `out`; says what was written.

    Args:
        prompts: Parquet with prompt_id and prompt; responses: Parquet with prompt_id and model_id.
        models: CSV with model_id, gpqa_diamond, livecodebench in percent.
        formula: the published formula alone, without what outcomes taught.
        benchmarks: CSV files of published scores (datasets/benchmarks.py).

    Raises:
        DatasetError: a table cannot be read, or a row names a prompt that is not there.
        ArtifactError: the artifact cannot be used.
    """
    loaded = load_artifact(artifact)
    predictor = loaded.predictor.formula() if formula else loaded.predictor
    profiles, scores = read_profiles(None, models), read_benchmarks(benchmarks)
    place, texts = _read_prompts(prompts)
    reading = predictor.read(_inputs(predictor, texts, load_embedder(loaded), loaded.manifest.view, cache))
    part = out.with_name(f".{out.name}.part")
    out.parent.mkdir(parents=True, exist_ok=True)
    rows, seen, known = 0, set[str](), set[str]()
    try:
        with pq.ParquetWriter(part, SCHEMA) as writer:
            for ids, names, at in _read_responses(responses, place):
                of_model, candidates = _candidates(predictor, profiles, scores, names)
                writer.write_table(_predicted(predictor, reading, ids, names, at, of_model, candidates))
                rows += len(ids)
                seen |= set(names)
                known |= {name for name, i in of_model.items() if candidates.places[i] >= 0}
        part.rename(out)
    finally:
        part.unlink(missing_ok=True)
    return f"{out}: {rows:,} rows of {len(texts):,} prompts and {len(seen):,} models, {len(known):,} with outcomes"


def _inputs(
    predictor: Predictor, texts: list[str], embedder: Embedder, view: ViewSettings, cache: Path
) -> Inputs | NDArray[np.float32]:
    """What serving reads of texts: of one that is a transcript, the last request in the light of what came before."""
    if predictor.learned is None:
        return embed_prompts(texts, embedder, view, cache)
    return embed_subjects(texts, embedder, predictor.learned.difficulty.gate, view, cache)


def _read_prompts(path: Path) -> tuple[dict[str, int], list[str]]:
    """Where each prompt is, and the texts."""
    place: dict[str, int] = {}
    texts: list[str] = []
    for first, table in parquet_batches(path, ("prompt_id", "prompt"), ()):
        ids, prompts = text_column(table, "prompt_id", path, first), text_column(table, "prompt", path, first)
        for i, (prompt_id, prompt) in enumerate(zip(ids, prompts, strict=True)):
            if prompt_id in place:
                raise DatasetError(f"{path}: row {first + i}: prompt_id: {prompt_id!r} is there twice. Keep one row.")
            place[prompt_id] = len(texts)
            texts.append(prompt)
    if not texts:
        raise DatasetError(f"{path}: it has no rows. Name a file with prompts.")
    return place, texts


def _read_responses(path: Path, place: dict[str, int]) -> Iterator[tuple[list[str], list[str], Indices]]:
    """Prompt ids, model ids and places of the prompts, a batch of rows at a time."""
    for first, table in parquet_batches(path, ("prompt_id", "model_id"), ()):
        ids, names = text_column(table, "prompt_id", path, first), text_column(table, "model_id", path, first)
        at = np.array([place.get(prompt_id, -1) for prompt_id in ids], dtype=np.intp)
        if (at < 0).any():
            i = int(np.argmax(at < 0))
            raise DatasetError(
                f"{path}: row {first + i}: prompt_id: {ids[i]!r} is not among the prompts. Add it or leave the row out."
            )
        yield ids, names, at


def _candidates(
    predictor: Predictor, profiles: Profiles, benchmarks: Benchmarks, names: list[str]
) -> tuple[dict[str, int], CandidateFeatures]:
    """The distinct models of some rows: where each is, and what is known of it."""
    of_model = {name: i for i, name in enumerate(dict.fromkeys(names))}
    scores, published = np.full((len(of_model), 2), np.nan), []
    for name, i in of_model.items():
        profile = profiles.of(name)
        scores[i] = profile.gpqa_diamond, profile.livecodebench
        system = name.startswith(SYSTEM_PREFIX)
        published.append(() if system else benchmarks.with_two(name, profile.base_model, *scores[i].tolist()))
    return of_model, predictor.features_of(scores, [[name] for name in of_model], published)


def _predicted(
    predictor: Predictor,
    reading: Reading,
    ids: list[str],
    names: list[str],
    at: Indices,
    of_model: dict[str, int],
    candidates: CandidateFeatures,
) -> pa.Table:
    model = np.array([of_model[name] for name in names], dtype=np.intp)
    mu, sigma = np.empty(len(model)), np.empty(len(model))
    for start in range(0, len(model), ROWS_AT_ONCE):
        rows = slice(start, start + ROWS_AT_ONCE)
        mu[rows], sigma[rows] = predictor.complete(candidates.rows(model[rows]), reading.rows(at[rows]))
    columns = [ids, names, mu, sigma, reading.difficulty[at], candidates.places[model] >= 0]
    return pa.table([pa.array(column) for column in columns], schema=SCHEMA)
