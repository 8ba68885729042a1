"""Fitting a predictor: outcomes, embeddings and published scores to the formula and what is learned beyond it.

1. difficulty of every training prompt: a Rasch model over all models and sources (rasch.py)
2. the formula: difficulty from the embedding by ridge regression, weighted by how well each difficulty is known; a
   multiple-choice prompt is learned from twice, with and without its options, at half weight each, so that the form of
   a benchmark is not taken for difficulty. a, b, c by a logistic regression on the difficulty predicted *out of fold*,
   as it will be used; fitted on the true difficulty it would be overconfident
3. difficulty again, from all that is read of a request and with anchors (difficulty.py), and a, b, c for it
4. what published scores have in common (factors.py), and abilities by domain from scores and outcomes (hierarchy.py),
   of which a part goes to prompts that proved easier or harder than they read (prompt_effects.py)
5. kinds of work and lengths (work.py), and what work that resembles nothing typically comes to

Systems and models without published scores inform difficulty and their own abilities, never a, b, c or the hierarchy.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pointsman.registry import CAPABILITY_BENCHMARKS
from pointsman.routing.hierarchy import Hierarchy, PublishedScore
from pointsman.routing.inputs import ALONE, Gate, Inputs
from pointsman.routing.predictor import CandidateFeatures, Learned, Predictor
from pointsman.routing.work import KINDS
from threadpoolctl import threadpool_limits

from artifacts_build.datasets.outcomes import Outcomes
from artifacts_build.datasets.published_scores import SYSTEM_PREFIX
from artifacts_build.datasets.splits import folds
from artifacts_build.training.anchors import reference_ability
from artifacts_build.training.difficulty import DifficultyFit, Levels, Prompts, fit_difficulty
from artifacts_build.training.domains import SHARPNESS, find_centers
from artifacts_build.training.factors import Factors, fit_factors, score_table
from artifacts_build.training.formula import fit_formula, fit_logistic, fit_ridge, known_capabilities, r2, scores_of
from artifacts_build.training.frame import FOLDS, Embedded, Training, training_of
from artifacts_build.training.gate import fit_gate
from artifacts_build.training.hierarchy import FEWEST_SCORES, HierarchyFit, Rows, fit_hierarchy
from artifacts_build.training.inputs import EmbeddedAnchors
from artifacts_build.training.kinds import AGENT, is_agent_benchmark, work_of_anchor, work_of_task
from artifacts_build.training.prompt_effects import prompt_effects, scale_without, with_effects, without_effects
from artifacts_build.training.work import fit_work

DOMAINS = 96
HIDDEN = 4
ROWS_AT_ONCE = 16_384
AGENT_WORK = KINDS.index(AGENT)
# How far work that resembles nothing is pulled to what is typical, and what sources of a kind differ by (logits
# squared): chosen on agent sources left out of training (docs/how-it-decides.md).
AGENT_PULL, AGENT_VARIANCE, OTHER_VARIANCE = 0.8, 2.0, 0.0
# The nearness to a center at which a prompt counts as wholly new and as not new: quantiles over training prompts.
NEW_AT, KNOWN_AT = 0.18, 0.79

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Parts:
    """Which parts are fitted; all by default. The ablation switches them off one by one."""

    anchors: bool = True
    domains: bool = True
    scores: bool = True  # published scores beyond the formula's two
    outcomes: bool = True
    novelty: bool = True
    prompt_effects: bool = True


@dataclass(frozen=True)
class Fit:
    """A predictor and how it came about."""

    predictor: Predictor
    details: Mapping[str, Any]
    anchors_out_of_fold: Floats  # [a] difficulty of the anchors, each read by a head that did not see it


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
    training = training_of(data, embedded, train, seed)
    plain = fit_ridge(training)
    formula = fit_formula(data, training, plain)
    details = {
        "ridge_penalty": plain.penalty,
        "out_of_fold_r2": round(r2(training, plain.error), 4),
        "rasch_difficulty_sd": round(training.rasch.difficulty_sd, 4),
        "rasch_ability_sd": round(training.rasch.ability_sd, 4),
        "models_with_capability": len(known_capabilities(data, training)),
    }
    heads: dict[bool, DifficultyFit] = {}
    fits = []
    for parts in variants:
        if parts.anchors not in heads:
            heads[parts.anchors] = _head(data, training, embedded.anchors if parts.anchors else None, seed)
        head = heads[parts.anchors]
        learned, more = _learn(data, embedded, training, head, parts, train, seed)
        fits.append(Fit(replace(formula, learned=learned), {**details, "learned": more}, head.anchors_out_of_fold))
    return fits


def _head(data: Outcomes, training: Training, anchors: EmbeddedAnchors | None, seed: int) -> DifficultyFit:
    """How difficulty is read, from outcomes and anchors; what of a conversation is read, from the anchors' turns."""
    prompts = Prompts(
        training.inputs,
        training.stem_inputs,
        training.has_stem,
        training.rasch.difficulty,
        training.known,
        training.fold,
        training.source,
    )
    if anchors is None or not len(anchors.anchors):
        return fit_difficulty(prompts, None, _every_turn_alone(training.vectors.shape[1]), seed)
    every, replies = anchors.anchors, anchors.replies
    last = [next(turn.text for turn in reversed(turns) if turn.role == "user") for turns in every.turns]
    gate = fit_gate(every, replies, anchors.embed(last))
    seen = np.bincount(training.model, minlength=len(data.model_ids)) > 0
    ability = reference_ability(data.model_ids, training.rasch.ability, seen)
    fold = folds(np.array([str(group) for group in every.group]), FOLDS, seed)
    return fit_difficulty(prompts, Levels(anchors.inputs(gate), every.difficulty(ability), fold), gate, seed)


def _every_turn_alone(dimensions: int) -> Gate:
    """A gate that nothing was learned for: the last turn is the request."""
    bias = np.zeros(3, dtype=np.float32)
    bias[ALONE] = 1
    return Gate(np.zeros((dimensions + 1, 3), dtype=np.float32), bias)


def _learn(
    data: Outcomes,
    embedded: Embedded,
    training: Training,
    head: DifficultyFit,
    parts: Parts,
    train: Mask,
    seed: int,
) -> tuple[Learned, dict[str, Any]]:
    difficulty = head.out_of_fold
    usable = ~np.isnan(data.capability[training.model])
    features = np.stack([data.capability[training.model[usable]], difficulty[training.prompt[usable]]], axis=1)
    a, b, c = fit_logistic(features, training.score[usable], training.weight[usable])
    center = float(np.average(difficulty[training.prompt], weights=training.weight))
    centers = find_centers(training.vectors, training.source, DOMAINS if parts.domains else 1, seed)
    published = [_published(data, m, parts.scores) for m in range(len(data.model_ids))]
    table = score_table([*published, *_others(data, parts.scores)])
    factors = fit_factors(table).with_hidden(HIDDEN)
    information, evidence, count = factors.of(score_table(published, factors.benchmarks))
    frame = Hierarchy(
        **_blank(centers, factors),
        coefficients=np.array([a, b, c]),
        difficulty_center=center,
        novelty_range=_novelty_range(training.vectors, centers, parts.novelty),
    )
    phi, _ = frame.memberships(training.vectors)
    system = np.array([name.startswith(SYSTEM_PREFIX) for name in data.model_ids])
    rows = Rows(
        np.concatenate([phi, (difficulty - center)[:, None]], axis=1),
        training.prompt,
        training.model,
        b * difficulty[training.prompt] + c,
        training.score,
        training.weight,
    )
    scored = count >= max(1, min(FEWEST_SCORES, len(factors.benchmarks)))
    # Where nothing is published of anyone, abilities are learned from outcomes alone.
    teachers = ~system & scored if (~system & scored)[training.model].any() else ~system
    effect = np.zeros(len(difficulty))
    if parts.prompt_effects:
        effect = prompt_effects(training.rasch.difficulty, training.known, difficulty)
    scale = scale_without(effect, rows)
    fitted = fit_hierarchy(with_effects(rows, effect, scale), information, evidence, teachers, HIDDEN)
    fitted = without_effects(fitted, rows, scale, _factor(information, evidence, fitted), teachers)
    kinds = [
        work_of_task(str(s), str(t)) for s, t in zip(data.prompt_source[train], data.prompt_task[train], strict=True)
    ]
    agent = np.array([kind == KINDS[AGENT_WORK] for kind in kinds], dtype=bool)
    of_agents = np.append(phi[agent].mean(axis=0), 0.0) if agent.any() else np.zeros(len(centers) + 1)
    hierarchy = _hierarchy(data, frame, factors, fitted, information, evidence, of_agents, parts)
    work = fit_work(
        training.vectors,
        kinds,
        *_anchored_kinds(embedded.anchors, head.head.gate, training.vectors.shape[1]),
        difficulty,
        training.prompt,
        training.model,
        training.output_tokens,
        seed,
    )
    details = {
        "domains": len(centers),
        "landmarks": len(head.head.landmarks),
        "out_of_fold_r2": round(head.r2, 4),
        "coefficients": [round(float(value), 4) for value in (a, b, c)],
        "difficulty_variance": [round(float(value), 4) for value in head.head.variance],
        "benchmarks": len(factors.benchmarks),
        "models_that_teach_the_hierarchy": fitted.learned_from,
        "ability_sd_beyond_scores": round(float(np.sqrt(np.median(fitted.variance[:-1]))), 4),
        "models_with_outcomes": len(hierarchy.model_ids),
        "anchors": len(embedded.anchors.anchors) if embedded.anchors and parts.anchors else 0,
        "length_slope": round(float(work.length[0]), 4),
    }
    return Learned(head.head, hierarchy, work), details


def _anchored_kinds(
    anchors: EmbeddedAnchors | None, gate: Gate, dimensions: int
) -> tuple[NDArray[np.float32], list[str | None]]:
    """Embeddings [a, d] of the anchors, and their kinds of work."""
    if anchors is None:
        return np.empty((0, dimensions), dtype=np.float32), []
    return anchors.inputs(gate).whole, [work_of_anchor(str(kind)) for kind in anchors.anchors.kind]


def _published(data: Outcomes, m: int, all_of_them: bool) -> tuple[PublishedScore, ...]:
    """What is published of a model of the data: its file's two scores where the benchmark files have none."""
    if data.model_ids[m].startswith(SYSTEM_PREFIX):
        return ()
    two = float(data.gpqa_diamond[m]), float(data.livecodebench[m])
    scores = data.benchmarks.with_two(data.model_ids[m], data.base_models[m], *two)
    return scores if all_of_them else tuple(score for score in scores if score[0] in CAPABILITY_BENCHMARKS)


def _others(data: Outcomes, all_of_them: bool) -> list[tuple[PublishedScore, ...]]:
    """Models of the benchmark files that are not in the data: they tell how scores go together."""
    names = {*data.model_ids, *(f"base:{base}" for base in data.base_models)}
    found = [tuple(scores) for name, scores in sorted(data.benchmarks.by_name.items()) if name not in names]
    distinct = list(dict.fromkeys(found))
    if all_of_them:
        return distinct
    return [tuple(score for score in scores if score[0] in CAPABILITY_BENCHMARKS) for scores in distinct]


def _blank(centers: NDArray[np.float32], factors: Factors) -> dict[str, Any]:
    """The arrays of a hierarchy that nothing was learned for yet."""
    d, q, w = len(centers) + 1, factors.loading.shape[1], len(KINDS)
    return {
        "centers": centers,
        "sharpness": SHARPNESS,
        "mean": np.zeros(d),
        "loading": np.zeros((d, q)),
        "variance": np.ones(d),
        "formula_variance": 1.0,
        "score_mean": factors.mean,
        "score_loading": factors.loading,
        "score_variance": factors.variance,
        "effort_shift": factors.shift,
        "scored": np.zeros((0, q, q)),
        "scored_evidence": np.zeros((0, q)),
        "information": np.zeros((0, q, q)),
        "evidence": np.zeros((0, q)),
        "own": np.zeros((0, d), dtype=np.float32),
        "own_variance": np.zeros((0, d), dtype=np.float32),
        "typical_mean": np.zeros(w),
        "typical_loading": np.zeros((w, q)),
        "typical_own": np.zeros(d),
        "typical_variance": np.zeros(w),
        "typical_pull": np.zeros(w),
        "benchmarks": factors.benchmarks,
        "model_ids": (),
    }


def _hierarchy(
    data: Outcomes,
    frame: Hierarchy,
    factors: Factors,
    fitted: HierarchyFit,
    information: Floats,
    evidence: Floats,
    of_agents: Floats,
    parts: Parts,
) -> Hierarchy:
    """The hierarchy that serves; `of_agents` [D] are the mean domains of agent work."""
    agent = np.array([is_agent_benchmark(name) for name in factors.benchmarks], dtype=bool)
    mean, loading = frame.typical_mean.copy(), frame.typical_loading.copy()
    pull, between = np.zeros(len(KINDS)), np.full(len(KINDS), OTHER_VARIANCE if parts.novelty else 0.0)
    if agent.any() and parts.novelty:
        mean[AGENT_WORK], loading[AGENT_WORK] = factors.mean[agent].mean(), factors.loading[agent].mean(axis=0)
        # What no score tells is as it is in agent work.
        hidden = factors.loading.shape[1] - HIDDEN
        loading[AGENT_WORK, hidden:] = of_agents @ fitted.loading[:, hidden:]
        pull[AGENT_WORK], between[AGENT_WORK] = AGENT_PULL, AGENT_VARIANCE
    kept = np.arange(len(fitted.models)) if parts.outcomes else np.empty(0, dtype=np.intp)
    models = fitted.models[kept]
    # Of a model that the formula predicts: the spread of abilities around it.
    theta = fitted.mean + np.einsum("uq,dq->ud", _factor(information, evidence, fitted), fitted.loading) + fitted.own
    capability = data.capability[fitted.models]
    off = theta[:, :-1] - frame.coefficients[0] * capability[:, None]
    spread = float(np.nanmean(off[~np.isnan(capability)] ** 2)) if (~np.isnan(capability)).any() else 1.0
    return replace(
        frame,
        mean=fitted.mean,
        loading=fitted.loading,
        variance=fitted.variance,
        formula_variance=spread,
        scored=information[models],
        scored_evidence=evidence[models],
        information=fitted.information[kept],
        evidence=fitted.evidence[kept],
        own=fitted.own[kept].astype(np.float32),
        own_variance=fitted.own_variance[kept].astype(np.float32),
        typical_mean=mean,
        typical_loading=loading,
        typical_own=of_agents if agent.any() and parts.novelty else np.zeros_like(of_agents),
        typical_variance=between,
        typical_pull=pull,
        model_ids=tuple(data.model_ids[m] for m in models),
    )


def _factor(information: Floats, evidence: Floats, fitted: HierarchyFit) -> Floats:
    """[u, q]: f of the models with outcomes."""
    precision = information[fitted.models] + fitted.information
    factor = np.linalg.solve(precision, (evidence[fitted.models] + fitted.evidence)[:, :, None])[:, :, 0]
    return np.asarray(factor, dtype=np.float64)


def _novelty_range(vectors: NDArray[np.float32], centers: NDArray[np.float32], wanted: bool) -> Floats:
    """At which nearness to a center a prompt is wholly new, and not new at all."""
    if not wanted:
        return np.array([-2.0, -1.0])
    nearest = np.concatenate([(vectors[i : i + 4096] @ centers.T).max(axis=1) for i in range(0, len(vectors), 4096)])
    far, near = np.quantile(nearest, [NEW_AT, KNOWN_AT])
    return np.array([min(far, near - 1e-3), near], dtype=np.float64)


def predict_rows(predictor: Predictor, data: Outcomes, inputs: Inputs, rows: Mask) -> tuple[Floats, Floats]:
    """`mu` and `sigma` [rows] of the responses of the mask `rows` [r], as serving predicts them."""
    candidates = data_features(predictor, data)
    reading = predictor.read(inputs)
    model, prompt = data.response_model[rows], data.response_prompt[rows]
    mu, sigma = np.empty(len(model)), np.empty(len(model))
    for start in range(0, len(model), ROWS_AT_ONCE):
        at = slice(start, start + ROWS_AT_ONCE)
        mu[at], sigma[at] = predictor.complete(candidates.rows(model[at]), reading.rows(prompt[at]))
    return mu, sigma


def data_features(predictor: Predictor, data: Outcomes) -> CandidateFeatures:
    """The models of a dataset as the predictor's candidates."""
    published = [_published(data, m, True) for m in range(len(data.model_ids))]
    return predictor.features_of(scores_of(data), [[name] for name in data.model_ids], published)
