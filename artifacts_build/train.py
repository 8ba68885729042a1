"""Training: outcomes and embeddings to a predictor, and its figures on prompts it never saw.

1. difficulty of every training prompt: a Rasch model over all models and sources (rasch.py)
2. difficulty from the embedding: ridge regression, weighted by how well each difficulty is known; a
   multiple-choice prompt is learned from twice, with and without its options, at half weight each, so that
   the form of a benchmark is not taken for difficulty
3. a, b, c: a logistic regression on the difficulty predicted *out of fold*, as it will be used; fitted on the
   true difficulty it would be overconfident

Everything is fitted on the training split alone, and the weights that are written are the ones measured.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pointsman.embedders import Embedder, OnnxEmbedder
from pointsman.manifest import FORMAT, FORMAT_VERSION
from pointsman.predictor import Predictor
from pointsman.view import ViewSettings
from sklearn.linear_model import LogisticRegression, Ridge

from artifacts_build.assemble import write_weights
from artifacts_build.card import model_card, report
from artifacts_build.datasets import DISTRUSTED_SCORES, folds, held_out, stem_of
from artifacts_build.datasets.outcomes import Outcomes
from artifacts_build.embeddings import embed_prompts
from artifacts_build.measures import log_loss, measure
from artifacts_build.rasch import fit_rasch

FOLDS = 5
RIDGE_PENALTIES = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Embedded:
    """Embeddings of n prompts, and of their stems where a prompt is multiple choice."""

    prompts: NDArray[np.float32]  # [n, d]
    stems: NDArray[np.float32]  # [n, d], zeros where there is none
    has_stem: Mask  # [n]


@dataclass(frozen=True)
class Fit:
    """A predictor and how it came about."""

    predictor: Predictor
    details: Mapping[str, Any]


def fit_predictor(data: Outcomes, embedded: Embedded, train: Mask, seed: int) -> Fit:
    """Fit everything on the prompts of the mask `train` [n]."""
    rows = train[data.response_prompt]
    new_index = np.cumsum(train) - 1
    prompt = new_index[data.response_prompt[rows]]
    model, score = data.response_model[rows], data.score[rows]
    _, source = np.unique(data.prompt_source[train], return_inverse=True)
    rasch = fit_rasch(prompt, model, score, source, len(data.model_ids))

    x, stems = (rows[train].astype(np.float64) for rows in (embedded.prompts, embedded.stems))
    has_stem = embedded.has_stem[train]
    fold = folds(data.prompt_group[train], FOLDS, seed)
    # A difficulty known from two responses is mostly prior: it counts for what it tells beyond that.
    weight = np.clip(1 - rasch.difficulty_variance / rasch.difficulty_sd**2, 0.01, 1)

    def ridge_on(inside: Mask, penalty: float) -> Ridge:
        both = inside & has_stem
        share = np.where(has_stem, weight / 2, weight)
        return Ridge(alpha=penalty).fit(
            np.concatenate([x[inside], stems[both]]),
            np.concatenate([rasch.difficulty[inside], rasch.difficulty[both]]),
            sample_weight=np.concatenate([share[inside], share[both]]),
        )

    def predicted_out_of_fold(penalty: float) -> Floats:
        predicted = np.empty(len(fold))
        for k in range(FOLDS):
            predicted[fold == k] = ridge_on(fold != k, penalty).predict(x[fold == k])
        return predicted

    out_of_fold = {penalty: predicted_out_of_fold(penalty) for penalty in RIDGE_PENALTIES}
    errors = {
        penalty: float(np.average((rasch.difficulty - predicted) ** 2, weights=weight))
        for penalty, predicted in out_of_fold.items()
    }
    penalty = min(errors, key=errors.__getitem__)
    difficulty = out_of_fold[penalty]
    ridge = ridge_on(np.ones(len(fold), dtype=bool), penalty)

    usable = ~np.isnan(data.capability[model])
    features = np.stack([data.capability[model[usable]], difficulty[prompt[usable]]], axis=1)
    a, b, c = fit_logistic(features, score[usable])
    base = {data.base_models[m]: data.capability[m] for m in np.unique(model[usable])}
    predictor = Predictor(
        difficulty_weights=ridge.coef_.astype(np.float32),
        difficulty_bias=float(ridge.intercept_),
        difficulty_low=float(difficulty.min()),
        difficulty_high=float(difficulty.max()),
        difficulty_sd=float(np.sqrt(errors[penalty])),
        a=a,
        b=b,
        c=c,
        capability_mean=float(np.mean(list(base.values()))),
    )
    variance = float(np.average((rasch.difficulty - np.average(rasch.difficulty, weights=weight)) ** 2, weights=weight))
    details = {
        "ridge_penalty": penalty,
        "out_of_fold_r2": round(1 - errors[penalty] / variance, 4),
        "rasch_difficulty_sd": round(rasch.difficulty_sd, 4),
        "rasch_ability_sd": round(rasch.ability_sd, 4),
        "models_with_capability": len(base),
    }
    return Fit(predictor, details)


def fit_logistic(features: Floats, score: Floats) -> tuple[float, ...]:
    """a, b, c of P = sigmoid(a * capability + b * difficulty + c); fractional scores count as both outcomes."""
    both = np.concatenate([features, features])
    target = np.repeat([1, 0], len(score))
    fitted = LogisticRegression(C=np.inf, tol=1e-8, max_iter=1000).fit(
        both, target, sample_weight=np.concatenate([score, 1 - score])
    )
    return (*(float(value) for value in fitted.coef_[0]), float(fitted.intercept_[0]))


def predict_rows(fit: Fit, data: Outcomes, embedded: Embedded, rows: Mask) -> Floats:
    """P(complete) of the responses of the mask `rows` [r], as serving predicts it."""
    difficulty = fit.predictor.difficulty(embedded.prompts)
    capability = data.capability[data.response_model[rows]]
    return fit.predictor.complete(capability, difficulty[data.response_prompt[rows]])[0]


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
    """Train, measure, write the weights folder `out`; returns the figures as a table for people."""
    embedder = OnnxEmbedder.load(embedder_folder)
    embedded = embed_all(data.prompts, embedder, view, cache)
    test = held_out(data.prompt_group, seed)
    fit = fit_predictor(data, embedded, ~test, seed)
    metrics = evaluate(fit, data, embedded, test, seed)
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


def evaluate(fit: Fit, data: Outcomes, embedded: Embedded, test: Mask, seed: int) -> dict[str, Any]:
    """Figures on held-out prompts: pooled, per source, and per source when the whole source was left out."""
    scored = data.scored()
    rows = scored & test[data.response_prompt]
    source = data.prompt_source[data.response_prompt]
    predicted = predict_rows(fit, data, embedded, rows)
    by_source, left_out = {}, {}
    for name in np.unique(source[scored]):
        inside = source[rows] == name
        by_source[str(name)] = measure(predicted[inside], data.score[rows][inside])
        without = fit_predictor(data, embedded, ~test & (data.prompt_source != name), seed)
        both = rows & (source == name)
        left_out[str(name)] = measure(predict_rows(without, data, embedded, both), data.score[both])
    capability_only = _capability_alone(data, test)
    return {
        "held_out": measure(predicted, data.score[rows]),
        "held_out_capability_alone_log_loss": round(log_loss(capability_only, data.score[rows]), 4),
        "by_source": by_source,
        "source_left_out": left_out,
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


def describe(data: Outcomes, test: Mask, seed: int) -> dict[str, Any]:
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
