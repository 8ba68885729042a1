"""Fitting a predictor: outcomes and embeddings to the formula and its refinement.

1. difficulty of every training prompt: a Rasch model over all models and sources (rasch.py)
2. difficulty from the embedding: ridge regression, weighted by how well each difficulty is known; a
   multiple-choice prompt is learned from twice, with and without its options, at half weight each, so that
   the form of a benchmark is not taken for difficulty
3. a, b, c: a logistic regression on the difficulty predicted *out of fold*, as it will be used; fitted on the
   true difficulty it would be overconfident
4. the refinement: the same with a shift for each domain, residuals of the models that have outcomes, and
   how uncertain all of it is

Systems and models without published scores inform difficulty and their own residuals, never a, b, c.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pointsman.routing.predictor import CandidateFeatures, Predictor
from pointsman.routing.refinement import Refinement
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from artifacts_build.datasets.outcomes import Outcomes
from artifacts_build.datasets.splits import folds
from artifacts_build.training.domains import SHARPNESS, Domains, find_domains
from artifacts_build.training.lengths import fit_lengths
from artifacts_build.training.rasch import RaschFit, fit_rasch
from artifacts_build.training.residuals import fit_residuals
from artifacts_build.training.ridge import RidgeFit, Sums, solve, sums_of, total

FOLDS = 5
RIDGE_PENALTIES = (0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
SHIFT_PENALTIES = (0.5, 1.5, 5.0)
DOMAIN_COUNTS = (64, 128, 256)
# A kind of prompts with fewer of them in a fold says little of how far off a kind can be.
FEWEST_PROMPTS = 30
LEAST_SCALE = 0.1
ROWS_AT_ONCE = 16_384

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Parts:
    """Which refinements are fitted; all by default. The ablation switches them off one by one."""

    domains: bool = True
    residuals: bool = True
    residual_domains: bool = True
    domain_counts: tuple[int, ...] = DOMAIN_COUNTS


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


@dataclass(frozen=True)
class _Training:
    """The training prompts and their responses, with difficulty known as far as it is."""

    vectors: NDArray[np.float32]  # [n, d]
    stems: NDArray[np.float32]  # [n, d]
    has_stem: Mask  # [n]
    fold: NDArray[np.intp]  # [n]
    source: NDArray[np.intp]  # [n]
    known: Floats  # [n] how well the difficulty is known, 0 to 1
    rasch: RaschFit
    prompt: NDArray[np.intp]  # [r]
    model: NDArray[np.intp]  # [r]
    score: Floats  # [r]
    weight: Floats  # [r]
    output_tokens: Floats  # [r] NaN where not known


@dataclass(frozen=True)
class _Ridge:
    """A ridge with its penalties, and what it predicts of training prompts that it did not see."""

    fit: RidgeFit
    out_of_fold: Floats  # [n]
    error: float
    penalties: tuple[float, ...]
    without_fold: tuple[RidgeFit, ...]


def fit_predictor(data: Outcomes, embedded: Embedded, train: Mask, seed: int, parts: Parts | None = None) -> Fit:
    """Fit everything on the prompts of the mask `train` [n]; `parts` leaves refinements out."""
    return fit_variants(data, embedded, train, seed, [parts or Parts()])[0]


def fit_variants(data: Outcomes, embedded: Embedded, train: Mask, seed: int, variants: Sequence[Parts]) -> list[Fit]:
    """`fit_predictor` for several choices of parts; what they have in common is fitted once.

    In one thread: the last bits do not depend on how many there are, and threads that wait for each other on a busy
    machine took ten times as long.
    """
    with threadpool_limits(1):
        return _fit_variants(data, embedded, train, seed, variants)


def _fit_variants(data: Outcomes, embedded: Embedded, train: Mask, seed: int, variants: Sequence[Parts]) -> list[Fit]:
    training = _training(data, embedded, train, seed)
    plain = _fit_ridge(training, None, RIDGE_PENALTIES)
    predictor = _formula(data, training, plain)
    details = {
        "ridge_penalty": plain.penalties[0],
        "out_of_fold_r2": round(_r2(training, plain), 4),
        "rasch_difficulty_sd": round(training.rasch.difficulty_sd, 4),
        "rasch_ability_sd": round(training.rasch.ability_sd, 4),
        "models_with_capability": len(_base_scores(data, training)),
    }
    candidates: dict[tuple[int, bool], tuple[Domains, _Ridge]] = {}
    fits = []
    for parts in variants:
        for count in _counts(parts):
            if (count, parts.domains) not in candidates:
                domains = find_domains(training.vectors, count, seed)
                candidates[count, parts.domains] = (
                    domains,
                    _fit_ridge(training, domains if parts.domains else None, plain.penalties),
                )
        own = [candidates[count, parts.domains] for count in _counts(parts)]
        refinement, more = _refine(data, training, own, predictor, parts)
        fits.append(Fit(replace(predictor, refinement=refinement), {**details, "refinement": more}))
    return fits


def _counts(parts: Parts) -> tuple[int, ...]:
    return parts.domain_counts if parts.domains else (1,)


def fit_logistic(features: Floats, score: Floats, weight: Floats | None = None) -> tuple[float, ...]:
    """a, b, c of P = sigmoid(a * capability + b * difficulty + c); fractional scores count as both outcomes."""
    weight = np.ones(len(score)) if weight is None else weight
    fitted = LogisticRegression(C=np.inf, tol=1e-8, max_iter=1000).fit(
        np.concatenate([features, features]),
        np.repeat([1, 0], len(score)),
        sample_weight=np.concatenate([score * weight, (1 - score) * weight]),
    )
    return (*(float(value) for value in fitted.coef_[0]), float(fitted.intercept_[0]))


def predict_rows(
    predictor: Predictor, data: Outcomes, vectors: NDArray[np.float32], rows: Mask
) -> tuple[Floats, Floats]:
    """`mu` and `sigma` [rows] of the responses of the mask `rows` [r], as serving predicts them."""
    candidates = data_features(predictor, data)
    reading = predictor.read(vectors)
    model, prompt = data.response_model[rows], data.response_prompt[rows]
    mu, sigma = np.empty(len(model)), np.empty(len(model))
    for start in range(0, len(model), ROWS_AT_ONCE):
        at = slice(start, start + ROWS_AT_ONCE)
        mu[at], sigma[at] = predictor.complete(candidates.rows(model[at]), reading.rows(prompt[at]))
    return mu, sigma


def data_features(predictor: Predictor, data: Outcomes) -> CandidateFeatures:
    """The models of a dataset as the predictor's candidates."""
    return predictor.features_of(_scores(data), [[name] for name in data.model_ids])


def _scores(data: Outcomes) -> Floats:
    return np.stack([data.gpqa_diamond, data.livecodebench], axis=1)


def _training(data: Outcomes, embedded: Embedded, train: Mask, seed: int) -> _Training:
    rows = train[data.response_prompt]
    new_index = np.cumsum(train) - 1
    prompt, model = new_index[data.response_prompt[rows]], data.response_model[rows]
    score, weight = data.score[rows], data.weight[rows]
    _, source = np.unique(data.prompt_source[train], return_inverse=True)
    rasch = fit_rasch(prompt, model, score, source, len(data.model_ids), weight)
    # A difficulty known from two responses is mostly prior: it counts for what it tells beyond that.
    known = np.clip(1 - rasch.difficulty_variance / rasch.difficulty_sd**2, 0.01, 1)
    return _Training(
        vectors=embedded.prompts[train],
        stems=embedded.stems[train],
        has_stem=embedded.has_stem[train],
        fold=folds(data.prompt_group[train], FOLDS, seed),
        source=source,
        known=known,
        rasch=rasch,
        prompt=prompt,
        model=model,
        score=score,
        weight=weight,
        output_tokens=data.output_tokens[rows],
    )


def _features(training: _Training, domains: Domains | None) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Of prompts and of stems: the embedding, and the memberships where there are domains."""
    if domains is None:
        return training.vectors, training.stems
    both = []
    for vectors in (training.vectors, training.stems):
        phi = domains.memberships(vectors).astype(np.float32)
        both.append(np.concatenate([vectors, phi], axis=1))
    return both[0], both[1]


def _part_sums(training: _Training, domains: Domains | None, part: NDArray[np.intp]) -> list[Sums]:
    """The normal equations of each part of the training prompts, stems included."""
    prompts, stems = _features(training, domains)
    share = np.where(training.has_stem, training.known / 2, training.known)
    y = training.rasch.difficulty
    sums = []
    for k in range(int(part.max()) + 1):
        own, own_stems = part == k, (part == k) & training.has_stem
        sums.append(
            sums_of(prompts[own], y[own], share[own]) + sums_of(stems[own_stems], y[own_stems], share[own_stems])
        )
    return sums


def _fit_ridge(training: _Training, domains: Domains | None, ridge_penalties: Sequence[float]) -> _Ridge:
    """The ridge with the penalties, of those given and of those of the shifts, that predict best out of fold.

    With domains, the embedding's own penalty stays the formula's: the benchmarks would choose a larger one, and with
    less of the embedding easy and hard prompts of other languages are told apart less well.
    """
    d = training.vectors.shape[1]
    sums = _part_sums(training, domains, training.fold)
    whole = total(sums)
    features, _ = _features(training, domains)
    best: _Ridge | None = None
    for shift_penalty in SHIFT_PENALTIES if domains is not None else (0.0,):
        for ridge_penalty in ridge_penalties:
            penalty = np.full(features.shape[1], shift_penalty)
            penalty[:d] = ridge_penalty
            without_fold = tuple(solve(whole - part, penalty) for part in sums)
            predicted = np.empty(len(features))
            for k, fit in enumerate(without_fold):
                inside = training.fold == k
                predicted[inside] = fit.predict(features[inside])
            error = float(np.average((training.rasch.difficulty - predicted) ** 2, weights=training.known))
            if best is None or error < best.error:
                penalties = (ridge_penalty,) if domains is None else (ridge_penalty, shift_penalty)
                best = _Ridge(solve(whole, penalty), predicted, error, penalties, without_fold)
    assert best is not None
    return best


def _r2(training: _Training, ridge: _Ridge) -> float:
    y, known = training.rasch.difficulty, training.known
    return 1 - ridge.error / float(np.average((y - np.average(y, weights=known)) ** 2, weights=known))


def _formula(data: Outcomes, training: _Training, ridge: _Ridge) -> Predictor:
    """The published formula alone: contract 1."""
    usable = ~np.isnan(data.capability[training.model])
    difficulty = ridge.out_of_fold
    features = np.stack([data.capability[training.model[usable]], difficulty[training.prompt[usable]]], axis=1)
    a, b, c = fit_logistic(features, training.score[usable], training.weight[usable])
    return Predictor(
        difficulty_weights=ridge.fit.coefficients.astype(np.float32),
        difficulty_bias=ridge.fit.intercept,
        difficulty_low=float(difficulty.min()),
        difficulty_high=float(difficulty.max()),
        difficulty_sd=float(np.sqrt(ridge.error)),
        a=a,
        b=b,
        c=c,
        capability_mean=float(np.mean([np.nanmean(scores) for scores in _base_scores(data, training).values()])),
    )


def _base_scores(data: Outcomes, training: _Training) -> dict[str, Floats]:
    """The scores [2] of each base model that was trained on and has any; ids of one base model count once."""
    scores = _scores(data)
    models = [m for m in np.unique(training.model) if not np.isnan(scores[m]).all()]
    return {data.base_models[m]: scores[m] for m in models}


def _refine(
    data: Outcomes,
    training: _Training,
    candidates: Sequence[tuple[Domains, _Ridge]],
    predictor: Predictor,
    parts: Parts,
) -> tuple[Refinement | None, dict[str, Any]]:
    """The refinement with the domains, of the `candidates`, whose ridge predicts best out of fold."""
    domains, ridge = min(candidates, key=lambda one: one[1].error)
    d, k = training.vectors.shape[1], len(domains.centers)

    slope, center, lengths = fit_lengths(ridge.out_of_fold[training.prompt], training.model, training.output_tokens)
    coefficients = np.zeros(d + k)
    coefficients[: len(ridge.fit.coefficients)] = ridge.fit.coefficients
    usable = ~np.isnan(data.capability[training.model])
    difficulty = ridge.out_of_fold[training.prompt]
    features = np.stack([data.capability[training.model[usable]], difficulty[usable]], axis=1)
    abc = np.array(fit_logistic(features, training.score[usable], training.weight[usable]))
    filled = np.where(np.isnan(data.capability), predictor.capability_mean, data.capability)
    base = abc[0] * filled[training.model] + abc[1] * difficulty + abc[2]
    phi = domains.memberships(training.vectors)
    residuals = fit_residuals(
        domains,
        phi,
        ridge.out_of_fold,
        base,
        training.prompt,
        training.model,
        training.score,
        training.weight,
        len(data.model_ids),
        by_domain=parts.residual_domains and parts.domains,
    )
    scale = _posterior_scale(training, domains, _features(training, domains if parts.domains else None)[0], ridge)
    covariance = np.zeros((d + k, d + k))
    p = len(ridge.fit.coefficients)
    covariance[:p, :p] = scale * np.linalg.inv(ridge.fit.precision)
    mean = np.zeros(d + k)
    mean[:p] = ridge.fit.mean
    seen = np.unique(training.model) if parts.residuals else np.empty(0, dtype=np.intp)
    refinement = Refinement(
        centers=domains.centers,
        sharpness=SHARPNESS,
        weights=coefficients[:d].astype(np.float32),
        shift=coefficients[d:].astype(np.float32),
        bias=ridge.fit.intercept,
        difficulty_range=np.array([ridge.out_of_fold.min(), ridge.out_of_fold.max()]),
        length=np.array([slope, center]),
        coefficients=abc,
        feature_mean=mean.astype(np.float32),
        covariance=covariance.astype(np.float32),
        residual=residuals.residual[seen].astype(np.float32),
        residual_variance=residuals.variance[seen].astype(np.float32),
        slope=residuals.slope[seen].astype(np.float32),
        model_capability=filled[seen].astype(np.float32),
        new_model_variance=residuals.new_model_variance,
        model_ids=tuple(data.model_ids[m] for m in seen),
    )
    details = {
        "domains": k if parts.domains else 0,
        "out_of_fold_r2": round(_r2(training, ridge), 4),
        "out_of_fold_r2_by_domains": {
            str(count): round(_r2(training, one), 4) for count, (_, one) in zip(_counts(parts), candidates, strict=True)
        },
        "penalties": list(ridge.penalties),
        "coefficients": [round(float(value), 4) for value in abc],
        "posterior_scale": round(scale, 3),
        "residual_sds": residuals.sds,
        "new_model_sd": round(float(np.sqrt(residuals.new_model_variance)), 4),
        "models_with_outcomes": len(seen),
        "length_slope": round(slope, 4),
        "rows_with_length": lengths,
    }
    return refinement, details


def _posterior_scale(training: _Training, domains: Domains, features: NDArray[np.float32], ridge: _Ridge) -> float:
    """What the ridge's posterior variance must be multiplied with to cover kinds of prompts, not single prompts.

    Prompts of one kind err together, so the textbook scale (the variance of one prompt) is too small. A kind is the
    prompts of one source and domain: the ratio of their squared mean errors, predicted out of fold and less what
    chance alone gives, to the mean variance of its prompts at scale 1: so that the mean of sigma over a kind is what
    its completion rate may be off by.
    """
    kind = training.source * len(domains.centers) + domains.memberships(training.vectors).argmax(axis=1)
    excess, variance = 0.0, 0.0
    for k, fit in enumerate(ridge.without_fold):
        inverse = np.linalg.inv(fit.precision)
        inside = training.fold == k
        for one in np.unique(kind[inside]):
            rows = inside & (kind == one)
            if rows.sum() < FEWEST_PROMPTS:
                continue
            known = training.known[rows]
            error = training.rasch.difficulty[rows] - ridge.out_of_fold[rows]
            mean = np.average(error, weights=known)
            chance = np.average((error - mean) ** 2, weights=known) * (known**2).sum() / known.sum() ** 2
            off = features[rows].astype(np.float64) - fit.mean
            excess += float(mean**2 - chance)
            variance += float(np.average(np.einsum("nf,nf->n", off @ inverse, off), weights=known))
    return max(excess / variance, LEAST_SCALE) if variance else ridge.error
