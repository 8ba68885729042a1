"""The hierarchy to the last term: what it says is what its formula says, written a second time with plain loops."""

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from pointsman.routing.hierarchy import (
    DRIFT,
    EFFORTS,
    LEAST_OFF,
    STRONG,
    Abilities,
    Floats,
    Hierarchy,
    PublishedScore,
    level_of,
)

K, Q, J, M, W, DIMENSIONS = 3, 2, 4, 2, 2, 5
D = K + 1
BENCHMARKS = ("gpqa_diamond", "hle", "livecodebench", "scicode")


def random_hierarchy(seed: int, models: int = M) -> Hierarchy:
    """Every number of it another one, with nothing that is zero, one or symmetric by chance."""
    rng = np.random.default_rng(seed)

    def positive(*shape: int) -> Floats:
        return rng.uniform(0.2, 1.5, shape)

    def spread(n: int) -> Floats:
        roots = rng.normal(0, 1, (n, Q, Q))
        return roots @ roots.transpose(0, 2, 1) + np.eye(Q) * 1.2

    return Hierarchy(
        centers=rng.normal(0, 0.5, (K, DIMENSIONS)).astype(np.float32),
        sharpness=3.0,
        coefficients=np.array([3.7, -1.2, -1.9]),
        difficulty_center=0.7,
        mean=rng.normal(0, 1, D),
        loading=rng.normal(0.4, 0.6, (D, Q)),
        variance=positive(D),
        formula_variance=0.45,
        score_mean=rng.normal(0, 1, J),
        score_loading=rng.normal(0.5, 0.8, (J, Q)),
        score_variance=positive(J),
        effort_shift=rng.normal(0, 0.3, (len(EFFORTS), Q)),
        scored=spread(models),
        scored_evidence=rng.normal(0, 1, (models, Q)),
        information=spread(models) * 4,
        evidence=rng.normal(0, 3, (models, Q)),
        own=rng.normal(0, 1, (models, D)).astype(np.float32),
        own_variance=positive(models, D).astype(np.float32),
        typical_mean=rng.normal(-1, 0.5, W),
        typical_loading=rng.normal(0.5, 0.3, (W, Q)),
        typical_own=rng.dirichlet(np.ones(D)),
        typical_variance=positive(W),
        typical_pull=rng.uniform(0.1, 0.9, W),
        novelty_range=np.array([0.1, 1.6]),
        benchmarks=BENCHMARKS,
        model_ids=tuple(f"acme/known-{i}" for i in range(models)),
    )


# (the names, the effort that is asked for, what is published)
Case = tuple[Sequence[str], str | None, Sequence[PublishedScore]]
CASES: list[Case] = [
    (["acme/new"], None, []),
    (["acme/new"], None, [("gpqa_diamond", None, 0.8), ("livecodebench", None, 0.6)]),
    (["acme/new"], None, [("unheard_of", None, 0.4), ("hle", None, 0.2), ("scicode", None, 0.97)]),
    (["acme/new"], None, [("hle", "max", 0.4), ("scicode", "low", 0.3)]),
    (["acme/new"], "low", [("hle", "xhigh", 0.4), ("scicode", None, 0.3), ("gpqa_diamond", "low", 0.5)]),
    (["acme/other"], "thinking", [("hle", "minimal", 0.999), ("scicode", None, 0.001)]),
    (["acme/known-0"], None, [("hle", None, 0.4)]),
    (["acme/alias", "acme/known-1"], "medium", [(name, "high", 0.3) for name in BENCHMARKS]),
    (["acme/known-1"], None, []),
]
CAPABILITY = [0.31, 0.74, 0.55, 0.42, 0.66, 0.48, 0.52, 0.81, 0.6]


def place(effort: str | None, published: Sequence[PublishedScore]) -> int:
    if effort is None:
        named = [EFFORTS.index(own) for _, own, _ in published if own in EFFORTS]
        return max([STRONG, *named])
    return EFFORTS.index(effort) if effort in EFFORTS else STRONG


def expected(h: Hierarchy, case: Case, capability: float) -> dict[str, Any]:
    """One candidate by the formulas of the module's head."""
    names, effort, published = case
    level = place(effort, published)
    information, evidence = np.eye(Q), np.zeros(Q)
    for benchmark, at_effort, fraction in published:
        if benchmark in h.benchmarks:
            j, at = h.benchmarks.index(benchmark), place(at_effort, published)
            p = min(max(fraction, 0.005), 0.995)
            loading = h.score_loading[j]
            noise = h.score_variance[j] + DRIFT * abs(at - level) * sum(loading**2)
            rest = math.log(p / (1 - p)) - h.score_mean[j] - sum(loading * h.effort_shift[at])
            for r in range(Q):
                evidence[r] += rest * loading[r] / noise
                for s in range(Q):
                    information[r, s] += loading[r] * loading[s] / noise
    known = [h.model_ids.index(name) for name in names if name in h.model_ids]
    own, own_variance = np.zeros(D), h.variance
    if known:
        u = known[0]
        if sum(information.diagonal()) < sum(h.scored[u].diagonal()):
            information, evidence = h.scored[u], h.scored_evidence[u]
        information, evidence = information + h.information[u], evidence + h.evidence[u]
        own, own_variance = h.own[u].astype(float), h.own_variance[u].astype(float)
    factor = np.linalg.solve(information, evidence) + h.effort_shift[level]
    told = {name for name, _, _ in published} & set(h.benchmarks) - {"gpqa_diamond", "livecodebench"}
    plain = not known and not told
    formula = np.array([h.coefficients[0] * capability] * K + [0.0])
    return {
        "mean": formula if plain else np.array([h.mean[k] + sum(h.loading[k] * factor) + own[k] for k in range(D)]),
        "variance": own_variance,
        "covariance": np.linalg.inv(information),
        "formula_variance": h.formula_variance if plain else 0.0,
        "typical": np.array([h.typical_mean[w] + sum(h.typical_loading[w] * factor) for w in range(W)])
        + sum(own * h.typical_own),
        "known": bool(known),
    }


def abilities_of(h: Hierarchy, cases: Sequence[Case], capability: Sequence[float]) -> Abilities:
    names, efforts, published = zip(*cases, strict=True)
    return h.abilities(np.array(capability), published, efforts, names)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("models", [0, M])
def test_what_is_known_of_a_candidate_is_what_the_formulas_say(seed: int, models: int) -> None:
    h = random_hierarchy(seed, models)
    found = abilities_of(h, CASES, CAPABILITY)
    for i, (case, capability) in enumerate(zip(CASES, CAPABILITY, strict=True)):
        for name, value in expected(h, case, capability).items():
            assert getattr(found, name)[i] == pytest.approx(value, rel=1e-9, abs=1e-12), (name, case)


@pytest.mark.parametrize("seed", range(3))
def test_the_logit_and_what_is_not_known_of_it_are_what_the_formulas_say(seed: int) -> None:
    h, rng = random_hierarchy(seed), np.random.default_rng(seed)
    found = abilities_of(h, CASES, CAPABILITY)
    r = len(CASES)
    vectors = rng.normal(0, 1, (r, DIMENSIONS)).astype(np.float32)
    work = rng.dirichlet(np.ones(W), r)
    difficulty, sd = rng.normal(0.5, 2, r), rng.uniform(0.3, 2, r)
    difficulty[0] = h.difficulty_center - 5  # easier than any benchmark
    phi, novelty = h.memberships(vectors)
    logit, variance, shrunk = h.logits(found, phi, novelty, work, difficulty, sd)
    for i in range(r):
        cosine = [float(vectors[i].astype(float) @ h.centers[k].astype(float)) for k in range(K)]
        weights = [math.exp(h.sharpness * one) for one in cosine]
        member = [one / sum(weights) for one in weights]
        new = min(max((1.6 - max(cosine)) / (1.6 - 0.1), 0), 1)
        assert phi[i] == pytest.approx(member, rel=1e-5)
        assert novelty[i] == pytest.approx(new, abs=1e-5)
        off = max(difficulty[i] - h.difficulty_center, LEAST_OFF)
        terms = [*phi[i], off]
        _, b, c = h.coefficients
        plain = b * difficulty[i] + c + sum(t * theta for t, theta in zip(terms, found.mean[i], strict=True))
        pulls = [novelty[i] * work[i][w] * h.typical_pull[w] for w in range(W)]
        towards = sum(pull * level for pull, level in zip(pulls, found.typical[i], strict=True))
        assert logit[i] == pytest.approx(plain * (1 - sum(pulls)) + towards)
        shared = sum(t * h.loading[k] for k, t in enumerate(terms))
        doubt = shared @ found.covariance[i] @ shared + found.formula_variance[i]
        doubt += sum(t * t * own for t, own in zip(terms, found.variance[i], strict=True))
        doubt += novelty[i] * sum(work[i] * h.typical_variance)
        assert shrunk[i] == pytest.approx(doubt)
        assert variance[i] == pytest.approx(doubt + (b * sd[i]) ** 2)


@pytest.mark.parametrize("seed", range(4, 12))
def test_efforts_of_a_model_that_are_in_the_wrong_order_share_their_mean(seed: int) -> None:
    # What is not known of a level's own score is known of its shift: here it falls and rises as it likes.
    rng = np.random.default_rng(seed)
    h = replace(random_hierarchy(seed), effort_shift=rng.normal(0, 2, (len(EFFORTS), Q)))
    scores: list[PublishedScore] = [("hle", None, 0.4), ("scicode", None, 0.6)]
    levels = ["xhigh", "none", "medium", "max", "minimal", "high", "low"]
    alone = [abilities_of(h, [(["acme/new"], level, scores)], [0.5]) for level in levels]
    cases: list[Case] = [(["acme/new"], level, scores) for level in levels]
    other: Case = (["acme/other"], "low", scores)
    unnamed: Case = (["acme/new"], None, scores)
    together = abilities_of(h, [*cases, other, unnamed], [0.5] * 9)
    direction = h.loading[:-1].mean(axis=0)
    direction = direction / np.linalg.norm(direction)

    def along(mean: Floats) -> float:
        """Where a candidate lies in the direction that abilities rise in."""
        factor = np.linalg.lstsq(h.loading, mean - h.mean, rcond=None)[0]
        return float(factor @ direction)

    order = sorted(range(len(levels)), key=lambda i: EFFORTS.index(levels[i]))
    before = [along(alone[i].mean[0]) for i in order]
    assert any(low > high for low, high in pairwise(before))
    # The non-decreasing sequence nearest to it, by its definition: of all means that end here, the largest least one.
    n = len(before)
    nearest = [max(min(float(np.mean(before[j : k + 1])) for k in range(i, n)) for j in range(i + 1)) for i in range(n)]
    after = [along(together.mean[i]) for i in order]
    assert after == pytest.approx(nearest)
    # What lies across that direction, another model, and a candidate without an effort stay as they are.
    for i in range(len(levels)):
        moved = np.linalg.lstsq(h.loading, together.mean[i] - alone[i].mean[0], rcond=None)[0]
        assert moved == pytest.approx(moved @ direction * direction, abs=1e-9)
    for i, case in ((7, other), (8, unnamed)):
        assert together.mean[i] == pytest.approx(abilities_of(h, [case], [0.5]).mean[0])


def test_without_a_direction_in_which_abilities_rise_efforts_stay_as_they_are() -> None:
    h = replace(random_hierarchy(5), loading=np.zeros((D, Q)))
    cases: list[Case] = [(["acme/new"], level, [("hle", None, 0.4)]) for level in ("high", "low")]
    assert np.isfinite(abilities_of(h, cases, [0.5, 0.5]).typical).all()


@pytest.mark.parametrize(
    ("effort", "level"), [("none", 0), ("max", 6), ("thinking", STRONG), (None, STRONG), ("unheard of", STRONG)]
)
def test_an_effort_that_nobody_knows_is_a_strong_one(effort: str | None, level: int) -> None:
    assert level_of(effort) == level


def test_a_candidate_without_an_effort_runs_at_the_strongest_that_its_scores_name() -> None:
    assert level_of(None, [("hle", "xhigh", 0.1), ("scicode", "low", 0.2), ("x", "unheard of", 0.2)]) == 5


def test_lists_of_different_lengths_are_a_mistake_of_the_caller() -> None:
    h = random_hierarchy(6)
    with pytest.raises(ValueError, match="zip"):
        h.abilities(np.array([0.5]), [[], []], [None], [["acme/new"]])


@pytest.mark.parametrize("models", [0, M])
def test_a_hierarchy_that_is_written_and_read_is_the_same_to_the_last_bit(models: int) -> None:
    h = random_hierarchy(7, models)
    read = Hierarchy.from_arrays(h.to_arrays(), DIMENSIONS)
    for name, array in h.to_arrays().items():
        again = read.to_arrays()[name]
        assert again.dtype == array.dtype, name
        np.testing.assert_array_equal(again, array)
    assert [str(one.dtype) for one in (read.centers, read.own, read.mean)] == ["float32", "float32", "float64"]
    assert (read.model_ids, read.sharpness) == (h.model_ids, h.sharpness)


@pytest.mark.parametrize("name", ["benchmarks", "model_ids"])
@pytest.mark.parametrize("wrong", [np.array([["a", "b"]]), np.array([1, 2])])
def test_names_that_are_no_row_of_texts_are_refused(name: str, wrong: Floats) -> None:
    arrays = {**random_hierarchy(8).to_arrays(), name: wrong}
    with pytest.raises(ValueError, match=f"the array {name} is missing or holds no text"):
        Hierarchy.from_arrays(arrays, DIMENSIONS)
