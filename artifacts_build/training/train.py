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
from artifacts_build.training.anchors import read_anchors
from artifacts_build.training.card import model_card, report
from artifacts_build.training.fit import fit_predictor, predict_rows
from artifacts_build.training.formula import fit_logistic
from artifacts_build.training.frame import Embedded
from artifacts_build.training.inputs import embed_anchors, embed_inputs, scattered

# Fewer prompts or models than these cannot be split and fitted at all.
FEWEST_PROMPTS, FEWEST_SCORED_MODELS = 50, 2

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


def embed_all(
    prompts: list[str], embedder: Embedder, view: ViewSettings, cache: Path, anchors: Path | None = None
) -> Embedded:
    """What serving would read of prompts, of their stems and of the anchors of a folder."""
    stems = [stem_of(prompt) for prompt in prompts]
    has_stem = np.array([stem is not None for stem in stems])
    inputs = embed_inputs(prompts, embedder, view, cache)
    of_stems = embed_inputs([stem for stem in stems if stem is not None], embedder, view, cache)
    of_anchors = embed_anchors(read_anchors(anchors), embedder, view, cache) if anchors is not None else None
    return Embedded(inputs, scattered(of_stems, has_stem), has_stem, of_anchors)


def train_weights(
    data: Outcomes,
    anchors: Path | None,
    embedder_folder: Path,
    out: Path,
    name: str,
    view: ViewSettings,
    seed: int,
    cache: Path,
    everything: bool = False,
    leave_out: bool = True,
) -> str:
    """Train, measure, write the weights folder `out`; returns the figures as a table for people.

    Args:
        everything: the weights that are written are fitted to the held-out prompts too, after the figures are made.
        leave_out: measure each source by a fit that never saw it, too: as many fits as there are sources.

    Raises:
        DatasetError: there is too little to learn from.
    """
    check_enough(data)
    embedder = OnnxEmbedder.load(embedder_folder)
    embedded = embed_all(data.prompts, embedder, view, cache, anchors)
    test = held_out(data.prompt_group, seed)
    fit = fit_predictor(data, embedded, ~test, seed)
    metrics = measure_all(fit.predictor, data, embedded, test, seed, leave_out)
    if everything:
        fit = fit_predictor(data, embedded, np.ones_like(test), seed)
    training = {**describe(data, test, seed), "fitted_to_everything": everything, **fit.details}
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


def measure_all(
    predictor: Predictor, data: Outcomes, embedded: Embedded, test: Mask, seed: int, leave_out: bool = True
) -> dict[str, Any]:
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
        if not leave_out or len(names) == 1 or not (scored & train[data.response_prompt]).any():
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
