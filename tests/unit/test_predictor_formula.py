"""The predictor to the last term, with all that is learned: its formulas written a second time with plain loops."""

import math
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import pytest
from pointsman.routing.difficulty import DifficultyHead, nearness
from pointsman.routing.hierarchy import Abilities, PublishedScore
from pointsman.routing.inputs import Gate, Inputs
from pointsman.routing.predictor import CandidateFeatures, Floats32, Learned, Predictor, Reading
from pointsman.routing.refinement import Refinement
from pointsman.routing.surface import NAMES
from pointsman.routing.work import KINDS, WorkMix

from tests.unit.test_hierarchy_formula import DIMENSIONS, random_hierarchy

N, K, M, S, R, MARKS = 6, 3, 2, len(NAMES), 3, 4
NAN = math.nan
# Of each model its two scores; the first and the last have outcomes.
SCORES = [[0.9, 0.4], [0.7, NAN], [NAN, 0.2], [NAN, NAN], [0.3, 0.8]]
IDS = [["acme/known-1"], ["acme/new"], ["acme/other"], ["acme/third"], ["acme/alias", "acme/known-0"]]
CAPABILITY = [0.65, 0.7, 0.2, 0.45, 0.55]
OUTCOMES = [1, None, None, None, 0]
BARE = Predictor(
    difficulty_weights=np.random.default_rng(5).normal(0, 1, DIMENSIONS).astype(np.float32),
    difficulty_bias=0.3,
    difficulty_low=-1.1,
    difficulty_high=1.3,
    difficulty_sd=0.8,
    a=3.1,
    b=-0.7,
    c=-0.4,
    capability_mean=0.45,
)


def random_refinement(seed: int = 0, models: int = M) -> Refinement:
    """Every number of it another one."""
    rng = np.random.default_rng(seed)

    def numbers(*shape: int) -> Floats32:
        return rng.normal(0, 1, shape).astype(np.float32)

    roots = rng.normal(0, 0.4, (DIMENSIONS + K, DIMENSIONS + K))
    return Refinement(
        centers=numbers(K, DIMENSIONS),
        sharpness=1.7,
        weights=numbers(DIMENSIONS),
        shift=numbers(K),
        bias=0.2,
        difficulty_range=np.array([-1.2, 1.4]),
        coefficients=np.array([2.9, -0.8, -0.6]),
        feature_mean=numbers(DIMENSIONS + K),
        covariance=(roots @ roots.T).astype(np.float32),
        residual=numbers(models, K),
        residual_variance=rng.uniform(0.2, 1, (models, K)).astype(np.float32),
        slope=numbers(models),
        model_capability=np.array([0.35, 0.85][:models], dtype=np.float32),
        new_model_variance=0.37,
        length=np.array([0.4, 0.1]),
        model_ids=tuple(f"acme/known-{i}" for i in range(models)),
    )


def random_learned(seed: int = 0) -> Learned:
    """A difficulty head, a hierarchy and kinds of work, every number of them another one."""
    rng = np.random.default_rng(seed)
    head = DifficultyHead(
        surface_mean=rng.normal(0, 1, S).astype(np.float32),
        surface_scale=rng.uniform(0.2, 2, S).astype(np.float32),
        projection=rng.normal(0, 0.2, (3 * DIMENSIONS + S, R)).astype(np.float32),
        landmarks=rng.normal(0, 1, (MARKS, R)).astype(np.float32),
        gamma=0.13,
        weights=rng.normal(0, 1, R).astype(np.float32),
        near_weights=rng.normal(0, 1, MARKS).astype(np.float32),
        bias=0.35,
        difficulty_range=np.array([-1.4, 1.1]),
        variance=np.array([0.3, 0.9]),
        gate=Gate(np.zeros((DIMENSIONS + 1, 3), np.float32), np.zeros(3, np.float32)),
    )
    work = WorkMix(
        weights=rng.normal(0, 1, (DIMENSIONS, len(KINDS))).astype(np.float32),
        bias=rng.normal(0, 1, len(KINDS)),
        length=np.array([0.5, -0.3]),
    )
    # The hierarchy's levels of two kinds of work, spread over all that the registry knows.
    w = len(KINDS)
    hierarchy = replace(
        random_hierarchy(seed),
        typical_mean=rng.normal(-1, 0.5, w),
        typical_loading=rng.normal(0.5, 0.3, (w, 2)),
        typical_variance=rng.uniform(0.2, 1.5, w),
        typical_pull=rng.uniform(0.1, 0.9, w),
    )
    return Learned(head, hierarchy, work)


def random_inputs(seed: int = 1, n: int = N) -> Inputs:
    rng = np.random.default_rng(seed)
    whole, first, last = (rng.normal(0, 1, (n, DIMENSIONS)).astype(np.float32) for _ in range(3))
    return Inputs(whole, first, last, rng.normal(0, 6, (n, S)).astype(np.float32))


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def softmax(logits: Iterable[float]) -> list[float]:
    weights = [math.exp(one) for one in logits]
    return [one / sum(weights) for one in weights]


def dot(left: Iterable[float], right: Iterable[float]) -> float:
    return sum(float(x) * float(y) for x, y in zip(left, right, strict=True))


def clipped(x: float, low: float, high: float) -> float:
    return min(max(x, low), high)


REFINED = replace(BARE, refinement=random_refinement())
LEARNED = replace(BARE, learned=random_learned())


@pytest.mark.parametrize("scores", [SCORES, SCORES[3:4]])
def test_capability_is_the_mean_of_what_is_published_and_that_of_training_without(scores: list[list[float]]) -> None:
    wanted = [CAPABILITY[SCORES.index(row)] for row in scores]
    assert BARE.capability_of(np.array(scores)) == pytest.approx(wanted)
    found = BARE.features_of(np.array(scores), [["acme/known-0"]] * len(scores))
    assert found.capability == pytest.approx(wanted)
    assert (found.places == -1).all()
    assert found.abilities is None


def test_one_model_may_be_given_as_a_flat_pair_of_scores() -> None:
    assert BARE.capability_of(np.array([0.2, 0.6])) == pytest.approx([0.4])
    assert BARE.features_of(np.array([0.2, 0.6]), [["acme/new"]]).capability == pytest.approx([0.4])


def test_the_formula_alone_reads_difficulty_off_the_embedding() -> None:
    inputs = random_inputs()
    reading = BARE.read(inputs)
    raw = [dot(row, BARE.difficulty_weights) + 0.3 for row in inputs.whole]
    assert min(raw) < -1.1
    assert max(raw) > 1.3
    assert reading.difficulty == pytest.approx([clipped(one, -1.1, 1.3) for one in raw])
    assert reading.difficulty_sd.tolist() == [0.8] * N
    assert reading.memberships.shape == (N, 0)
    assert BARE.length_factor(9.0) == 1.0


def test_the_formula_alone_is_a_logistic_of_capability_and_difficulty() -> None:
    reading, found = BARE.read(random_inputs()), BARE.features_of(np.array(SCORES), IDS)
    for i in range(N):
        mu, sigma = BARE.complete(found, reading.row(i))
        for j, capability in enumerate(CAPABILITY):
            p = sigmoid(3.1 * capability - 0.7 * float(reading.difficulty[i]) - 0.4)
            assert mu[j] == pytest.approx(p)
            assert sigma[j] == pytest.approx(p * (1 - p) * 0.7 * 0.8)


def test_a_prediction_far_from_any_doubt_warns_of_nothing() -> None:
    far = replace(BARE, a=-5000.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mu, sigma = far.complete(far.features_of(np.array(SCORES), IDS), far.read(random_inputs()).row(0))
    assert (mu.max(), sigma.max()) == (0, 0)


@pytest.mark.parametrize("predictor", [BARE, REFINED, LEARNED], ids=["formula", "refined", "learned"])
def test_of_no_models_nothing_is_known(predictor: Predictor) -> None:
    found = predictor.features_of(np.empty((0, 2)), [])
    assert (found.capability.shape, found.places.shape) == ((0,), (0,))
    assert predictor.complete(found, predictor.read(random_inputs()).row(0))[0].shape == (0,)


def test_a_prompt_that_is_sure_of_its_domain_and_its_work_overflows_nothing() -> None:
    """Beside a prompt that is far less sure: each is weighed by itself."""
    vectors = np.array([[900.0, 0, 0, 0, 0], [0.0, 0.1, 0, 0, 0], [-900.0, 0, 0, 0, 0]], dtype=np.float32)
    centers = np.eye(DIMENSIONS, dtype=np.float32)[:K]
    middle = math.exp(0.2) / (math.exp(0.2) + 2)
    rest = (1 - middle) / 2
    domains = [[1, 0, 0], [rest, middle, rest], [0, 0.5, 0.5]]
    refined = replace(random_refinement(), centers=centers, sharpness=2.0)
    assert refined.memberships(vectors) == pytest.approx(np.array(domains))
    hierarchy = replace(random_hierarchy(0), centers=centers, sharpness=2.0)
    assert hierarchy.memberships(vectors)[0] == pytest.approx(np.array(domains))
    kinds = len(KINDS)
    work = replace(random_learned().work, weights=2 * np.eye(DIMENSIONS, kinds, dtype=np.float32), bias=np.zeros(kinds))
    shares = work.shares(vectors)
    assert shares[0] == pytest.approx(np.eye(kinds)[0])
    assert shares[1, 1] == pytest.approx(math.exp(0.2) / (math.exp(0.2) + kinds - 1))
    assert shares[2] == pytest.approx([0, *[1 / (kinds - 1)] * (kinds - 1)])


def test_nearness_is_one_at_a_landmark_and_falls_with_the_squared_distance() -> None:
    z, marks = (np.random.default_rng(seed).normal(0, 1, (n, R)).astype(np.float32) for seed, n in ((3, N), (4, MARKS)))
    marks[0] = z[0]
    wanted = [[math.exp(-0.6 * sum((x - y) ** 2 for x, y in zip(a, b, strict=True))) for b in marks] for a in z]
    assert nearness(z, marks, 0.6) == pytest.approx(np.array(wanted), rel=1e-4)
    assert nearness(z, marks, 0.6, (marks**2).sum(axis=1)) == pytest.approx(np.array(wanted), rel=1e-4)
    assert nearness(z, marks, 0.6).max() <= 1


def test_the_refinement_reads_difficulty_off_the_embedding_and_its_domains() -> None:
    inputs, of = random_inputs(), random_refinement()
    reading = REFINED.read(inputs)
    raws = []
    for i, vector in enumerate(inputs.whole):
        phi = softmax([1.7 * dot(vector, center) for center in of.centers])
        assert reading.memberships[i] == pytest.approx(phi, rel=1e-4)
        raws.append(dot(vector, of.weights) + dot(phi, of.shift) + 0.2)
        assert reading.difficulty[i] == pytest.approx(clipped(raws[-1], -1.2, 1.4), rel=1e-4)
        seen = [x - mean for x, mean in zip([*vector, *phi], of.feature_mean, strict=True)]
        variance = sum(seen[r] * of.covariance[r, s] * seen[s] for r in range(len(seen)) for s in range(len(seen)))
        assert reading.difficulty_sd[i] == pytest.approx(math.sqrt(variance), rel=1e-4)
    assert min(raws) < -1.2
    assert max(raws) > 1.4
    assert REFINED.length_factor(0.6) == pytest.approx(math.exp(0.4 * 0.5))


def test_the_refinement_adds_to_the_formula_what_outcomes_taught() -> None:
    of, reading = random_refinement(), REFINED.read(random_inputs())
    found = REFINED.features_of(np.array(SCORES), IDS)
    assert found.places.tolist() == [1, -1, -1, -1, 0]
    stands_on = [0.85, 0.7, 0.2, 0.45, 0.35]
    assert found.capability == pytest.approx(stands_on)
    for i in range(N):
        mu, sigma = REFINED.complete(found, reading.row(i))
        phi, difficulty, sd = reading.memberships[i], reading.difficulty[i], reading.difficulty_sd[i]
        for j, known in enumerate(OUTCOMES):
            logit = 2.9 * stands_on[j] - 0.8 * difficulty - 0.6
            variance = 0.37
            if known is not None:
                logit += dot(of.residual[known], phi) + of.slope[known] * difficulty
                variance = dot(of.residual_variance[known], phi)
            p = sigmoid(logit)
            assert mu[j] == pytest.approx(p)
            assert sigma[j] == pytest.approx(p * (1 - p) * math.sqrt((0.8 * sd) ** 2 + variance))


def test_a_refinement_that_saw_no_model_leaves_every_capability_as_published() -> None:
    refined = replace(BARE, refinement=random_refinement(models=0))
    found = refined.features_of(np.array(SCORES), IDS)
    assert found.capability == pytest.approx(CAPABILITY)
    assert found.places.tolist() == [-1] * 5
    reading = refined.read(random_inputs()).row(0)
    mu, sigma = refined.complete(found, reading)
    p = sigmoid(2.9 * 0.65 - 0.8 * float(reading.difficulty) - 0.6)
    assert mu[0] == pytest.approx(p)
    assert sigma[0] == pytest.approx(p * (1 - p) * math.sqrt((0.8 * float(reading.difficulty_sd)) ** 2 + 0.37))


def test_the_learned_head_reads_difficulty_off_the_parts_and_the_surface() -> None:
    inputs, learned = random_inputs(), random_learned()
    of, reading = learned.difficulty, LEARNED.read(inputs)
    raws, bounded = [], 0
    for i in range(N):
        counted = [(x - m) / s for x, m, s in zip(inputs.surface[i], of.surface_mean, of.surface_scale, strict=True)]
        bounded += sum(abs(one) > 3 for one in counted)
        told = [*inputs.whole[i], *inputs.first[i], *inputs.last[i], *(clipped(one, -3, 3) for one in counted)]
        z = [dot(told, of.projection[:, r]) for r in range(R)]
        near = [math.exp(-0.13 * sum((x - y) ** 2 for x, y in zip(z, mark, strict=True))) for mark in of.landmarks]
        raws.append(dot(z, of.weights) + dot(near, of.near_weights) + 0.35)
        assert reading.difficulty[i] == pytest.approx(clipped(raws[-1], -1.4, 1.1), abs=1e-4)
        assert reading.difficulty_sd[i] == pytest.approx(math.sqrt(0.3 + 0.9 * (1 - max(near))), rel=1e-4)
        shares = softmax([dot(inputs.whole[i], of_kind) for of_kind in learned.work.weights.T] + learned.work.bias)
        assert reading.row(i).work == pytest.approx(shares, rel=1e-4)
    assert min(raws) < -1.4
    assert max(raws) > 1.1
    assert any(-1.3 < one < 1 for one in raws)
    assert bounded > N
    phi, novelty = learned.hierarchy.memberships(inputs.whole)
    assert reading.memberships == pytest.approx(phi)
    assert reading.novelty == pytest.approx(novelty)
    assert LEARNED.length_factor(0.6) == pytest.approx(math.exp(0.5 * 0.9))


def test_the_mean_of_what_is_not_known_draws_a_prediction_towards_one_half() -> None:
    reading, found = LEARNED.read(random_inputs()), LEARNED.features_of(np.array(SCORES), IDS)
    assert found.abilities is not None
    for i in range(N):
        row = reading.row(i)
        assert row.work is not None
        assert row.novelty is not None
        mu, sigma = LEARNED.complete(found, row)
        logit, variance, unsure = random_learned().hierarchy.logits(
            found.abilities, row.memberships, row.novelty, row.work, row.difficulty, row.difficulty_sd
        )
        for j in range(len(SCORES)):
            p = sigmoid(logit[j] / math.sqrt(1 + math.pi * unsure[j] / 8))
            assert mu[j] == pytest.approx(p)
            assert sigma[j] == pytest.approx(p * (1 - p) * math.sqrt(variance[j]))


@pytest.mark.parametrize("predictor", [BARE, REFINED, LEARNED], ids=["formula", "refined", "learned"])
def test_rows_of_outcomes_are_predicted_as_each_model_on_each_prompt(predictor: Predictor) -> None:
    reading, found = predictor.read(random_inputs()), predictor.features_of(np.array(SCORES), IDS)
    models, prompts = np.array([4, 0, 0, 2, 3, 1]), np.array([1, 1, 5, 0, 2, 4])
    mu, sigma = predictor.complete(found.rows(models), reading.rows(prompts))
    for i, (model, prompt) in enumerate(zip(models, prompts, strict=True)):
        alone = predictor.complete(found, reading.row(int(prompt)))
        assert (mu[i], sigma[i]) == (pytest.approx(alone[0][model]), pytest.approx(alone[1][model]))


@dataclass(frozen=True)
class Model:
    """A model as the registry has it."""

    names: Sequence[str]
    gpqa_diamond: float | None = None
    livecodebench: float | None = None
    effort: str | None = None
    figures: Sequence[PublishedScore] = ()


MODELS = [
    Model(["acme/known-1"], 0.9, 0.4, "low", [("gpqa_diamond", "low", 0.9), ("hle", "max", 0.3)]),
    Model(["acme/new"], 0.7, None, None, [("gpqa_diamond", None, 0.7), ("scicode", "xhigh", 0.6)]),
    Model(["acme/other"], None, None),
    Model(["acme/alias", "acme/known-0"], None, 0.8, "high", [("livecodebench", None, 0.8)]),
]


def same(found: Abilities | None, wanted: Abilities) -> bool:
    assert found is not None
    return all(np.array_equal(getattr(found, field.name), getattr(wanted, field.name)) for field in fields(wanted))


def test_all_that_is_published_of_a_model_at_its_effort_tells_of_it() -> None:
    found = LEARNED.features(MODELS)
    capability = [0.65, 0.7, 0.45, 0.8]
    assert found.capability == pytest.approx(capability)
    assert found.places.tolist() == [0, -1, -1, 0]
    wanted = random_learned().hierarchy.abilities(
        np.array(capability),
        [model.figures for model in MODELS],
        [model.effort for model in MODELS],
        [model.names for model in MODELS],
    )
    assert same(found.abilities, wanted)


@pytest.mark.parametrize("predictor", [BARE, REFINED], ids=["formula", "refined"])
def test_without_abilities_two_scores_and_the_names_are_all_that_tells_of_a_model(predictor: Predictor) -> None:
    scores = np.array([[0.9, 0.4], [0.7, NAN], [NAN, NAN], [NAN, 0.8]])
    found, wanted = predictor.features(MODELS), predictor.features_of(scores, [model.names for model in MODELS])
    assert found.abilities is None
    assert found.capability.tolist() == wanted.capability.tolist()
    assert found.places.tolist() == wanted.places.tolist()


def test_two_scores_are_figures_of_no_effort_and_what_is_missing_is_none() -> None:
    figures: list[list[PublishedScore]] = [
        [("gpqa_diamond", None, 0.9), ("livecodebench", None, 0.4)],
        [("gpqa_diamond", None, 0.7)],
        [("livecodebench", None, 0.2)],
        [],
        [("gpqa_diamond", None, 0.3), ("livecodebench", None, 0.8)],
    ]
    wanted = random_learned().hierarchy.abilities(np.array(CAPABILITY), figures, [None] * 5, IDS)
    found = LEARNED.features_of(np.array(SCORES), IDS)
    assert found.capability == pytest.approx(CAPABILITY)
    assert found.places.tolist() == [0, -1, -1, -1, 0]
    assert same(found.abilities, wanted)
    more: list[list[PublishedScore]] = [[*of_model, ("hle", "high", 0.3)] for of_model in figures]
    wanted = random_learned().hierarchy.abilities(np.array(CAPABILITY), more, [None] * 5, IDS)
    assert same(LEARNED.features_of(np.array(SCORES), IDS, more).abilities, wanted)


def test_what_another_predictor_made_is_refused() -> None:
    found, reading = LEARNED.features_of(np.array(SCORES), IDS), LEARNED.read(random_inputs()).row(0)
    elsewhere = CandidateFeatures(found.capability, found.places)
    for candidates, read in [
        (elsewhere, reading),
        (found, replace(reading, work=None)),
        (found, replace(reading, novelty=None)),
    ]:
        with pytest.raises(ValueError, match=r"^the candidates or the reading were made by another predictor$"):
            LEARNED.complete(candidates, read)


def test_embeddings_alone_are_read_as_requests_whose_parts_are_the_whole() -> None:
    vectors = random_inputs().whole
    bare, full = LEARNED.read(vectors), LEARNED.read(Inputs.of_vectors(vectors))
    for field in fields(Reading):
        np.testing.assert_array_equal(getattr(bare, field.name), getattr(full, field.name))
