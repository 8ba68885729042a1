"""Training: outcomes and embeddings to a weights folder, with its figures on prompts it never saw.

Everything is fitted on the training split alone (fit.py), and the weights that are written are the ones measured.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pointsman.artifact.manifest import FORMAT, FORMAT_VERSION
from pointsman.embedders import Embedder, OnnxEmbedder
from pointsman.routing.predictor import Predictor
from pointsman.routing.view import ViewSettings
from tqdm import tqdm

from artifacts_build.datasets import DISTRUSTED_SCORES, held_out, stem_of
from artifacts_build.datasets.outcomes import Outcomes
from artifacts_build.errors import DatasetError
from artifacts_build.evaluation.measures import log_loss, measure
from artifacts_build.packaging.weights import write_weights
from artifacts_build.training.card import model_card, report
from artifacts_build.training.embeddings import embed_prompts
from artifacts_build.training.fit import Embedded, fit_logistic, fit_predictor, predict_rows

# Fewer prompts or models than these cannot be split and fitted at all.
FEWEST_PROMPTS, FEWEST_SCORED_MODELS = 50, 2

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


def embed_all(prompts: list[str], embedder: Embedder, view: ViewSettings, cache: Path) -> Embedded:
    """Embed prompts and stems through the view, as serving does."""
    stems = [stem_of(prompt) for prompt in prompts]
    has_stem = np.array([stem is not None for stem in stems])
    vectors = embed_prompts(prompts, embedder, view, cache)
    of_stems = np.zeros_like(vectors)
    if has_stem.any():
        of_stems[has_stem] = embed_prompts([stem for stem in stems if stem is not None], embedder, view, cache)
    return Embedded(vectors, of_stems, has_stem)


def train_weights(
    data: Outcomes, embedder_folder: Path, out: Path, name: str, view: ViewSettings, seed: int, cache: Path
) -> str:
    """Train, measure, write the weights folder `out`; returns the figures as a table for people.

    Raises:
        DatasetError: there is too little to learn from.
    """
    check_enough(data)
    embedder = OnnxEmbedder.load(embedder_folder)
    embedded = embed_all(data.prompts, embedder, view, cache)
    test = held_out(data.prompt_group, seed)
    fit = fit_predictor(data, embedded, ~test, seed)
    metrics = measure_all(fit.predictor, data, embedded, test, seed)
    training = {**describe(data, test, seed), **fit.details}
    manifest = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "name": name,
        "created": datetime.now(UTC).date().isoformat(),
        "embedder": {
            "name": embedder.name,
            "fingerprint": embedder.fingerprint,
            "dimensions": embedder.dimensions,
        },
        "view": view.model_dump(),
        "training": training,
        "metrics": metrics,
    }
    write_weights(out, manifest, fit.predictor, model_card(manifest, fit.predictor))
    return report(metrics)


def check_enough(data: Outcomes) -> None:
    """Raise DatasetError where nothing can be learned: too few prompts, or no two models with scores."""
    scored = len(np.unique(data.response_model[data.scored()]))
    if len(data.prompts) < FEWEST_PROMPTS or scored < FEWEST_SCORED_MODELS:
        raise DatasetError(
            f"{len(data.prompts)} prompts and {scored} models with a published score: at least {FEWEST_PROMPTS} "
            f"and {FEWEST_SCORED_MODELS} are needed. Add datasets with --dataset, or scores with --models."
        )


def measure_all(predictor: Predictor, data: Outcomes, embedded: Embedded, test: Mask, seed: int) -> dict[str, Any]:
    """Figures on held-out prompts of models with published scores, refined and by the formula alone.

    Pooled, per source, and per source when no prompt of it was trained on.
    """
    scored = data.scored()
    rows = scored & test[data.response_prompt]
    source = data.prompt_source[data.response_prompt]
    score, formula = data.score, predictor.formula()
    refined, _ = predict_rows(predictor, data, embedded.prompts, rows)
    plain, _ = predict_rows(formula, data, embedded.prompts, rows)
    by_source, formula_by_source, left_out, formula_left_out = {}, {}, {}, {}
    names = [str(name) for name in np.unique(source[rows])]
    for name in tqdm(names, desc="sources left out", disable=None):
        inside = source[rows] == name
        by_source[name] = measure(refined[inside], score[rows][inside])
        formula_by_source[name] = measure(plain[inside], score[rows][inside])
        train = ~test & (data.prompt_source != name)
        if len(names) == 1 or not (scored & train[data.response_prompt]).any():
            continue
        without = fit_predictor(data, embedded, train, seed).predictor
        both = rows & (source == name)
        left_out[name] = measure(predict_rows(without, data, embedded.prompts, both)[0], score[both])
        formula_left_out[name] = measure(predict_rows(without.formula(), data, embedded.prompts, both)[0], score[both])
    all_rows = test[data.response_prompt]
    everyone, _ = predict_rows(predictor, data, embedded.prompts, all_rows)
    return {
        "held_out": measure(refined, score[rows]),
        "held_out_every_model": measure(everyone, score[all_rows]),
        "held_out_capability_alone_log_loss": round(log_loss(_capability_alone(data, test), score[rows]), 4),
        "by_source": by_source,
        "source_left_out": left_out,
        "formula": {
            "held_out": measure(plain, score[rows]),
            "by_source": formula_by_source,
            "source_left_out": formula_left_out,
        },
    }


def _capability_alone(data: Outcomes, test: Mask) -> Floats:
    """Predictions of the held-out responses without the prompt: what difficulty has to beat."""
    scored = data.scored()
    held = test[data.response_prompt]
    capability = data.capability[data.response_model]
    slope, _, intercept = fit_logistic(
        np.stack([capability[scored & ~held], np.zeros((scored & ~held).sum())], axis=1),
        data.score[scored & ~held],
    )
    result: Floats = 1 / (1 + np.exp(-(slope * capability[scored & held] + intercept)))
    return result


def describe(data: Outcomes, test: Mask, seed: int) -> Mapping[str, Any]:
    """The provenance that goes into the manifest."""
    source = data.prompt_source[data.response_prompt]
    scored = data.scored()
    return {
        "split": {"by": "dedup_key", "seed": seed, "held_out_prompts": int(test.sum())},
        "prompts": len(data.prompts),
        "responses": len(data.score),
        "responses_with_capability": int(scored.sum()),
        "model_ids": len(data.model_ids),
        "distrusted_scores": sorted(f"{model}: {benchmark}" for model, benchmark in DISTRUSTED_SCORES),
        "sources": {
            str(name): {
                "prompts": int((data.prompt_source == name).sum()),
                "held_out_prompts": int((test & (data.prompt_source == name)).sum()),
                "responses": int((source == name).sum()),
                "responses_with_capability": int((scored & (source == name)).sum()),
                "models": len(np.unique(data.response_model[source == name])),
            }
            for name in np.unique(data.prompt_source)
        },
    }
