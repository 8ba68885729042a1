"""Abilities: scores place a model, outcomes move it, effort never makes it weaker, novelty makes it modest."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from pointsman.routing.hierarchy import EFFORTS, Abilities, Hierarchy, PublishedScore
from pointsman.routing.work import KINDS

HALF = 0.5
W = len(KINDS)
AGENT = KINDS.index("agentic_coding")


@pytest.fixture
def hierarchy() -> Hierarchy:
    """Two domains in two dimensions, three benchmarks, and one model with outcomes that is strong in the second."""
    return Hierarchy(
        centers=np.eye(2, dtype=np.float32),
        sharpness=20.0,
        coefficients=np.array([4.0, -1.0, -2.0]),
        difficulty_center=0.0,
        mean=np.array([1.0, 0.0, 0.0]),
        loading=np.array([[1.0], [0.5], [0.0]]),
        variance=np.array([0.2, 0.2, 0.01]),
        formula_variance=0.5,
        score_mean=np.zeros(3),
        score_loading=np.ones((3, 1)),
        score_variance=np.full(3, 0.1),
        effort_shift=np.array([-1.0, -0.8, -0.6, -0.3, 0.0, 0.1, 0.2])[:, None],
        scored=np.array([[[1.0]]]),
        scored_evidence=np.array([[0.0]]),
        information=np.array([[[50.0]]]),
        evidence=np.array([[50.0]]),
        own=np.array([[0.0, 2.0, 0.0]], dtype=np.float32),
        own_variance=np.full((1, 3), 0.01, dtype=np.float32),
        typical_mean=np.full(W, -1.0),
        typical_loading=np.ones((W, 1)),
        typical_own=np.array([0.0, 1.0, 0.0]),
        typical_variance=np.full(W, 2.0),
        typical_pull=np.where(np.arange(W) == AGENT, 0.8, 0.0),
        novelty_range=np.array([0.2, 0.8]),
        benchmarks=("gpqa_diamond", "hle", "scicode"),
        model_ids=("acme/known",),
    )


def one(
    hierarchy: Hierarchy, *scores: PublishedScore, name: str = "acme/new", effort: str | None = None, cap: float = HALF
) -> Abilities:
    """What is known of one candidate."""
    return hierarchy.abilities(np.array([cap]), [scores], [effort], [[name]])


def logit(hierarchy: Hierarchy, abilities: Abilities, vector: tuple[float, float], kind: str = "chat") -> float:
    """The logit on a prompt of usual difficulty."""
    phi, novelty = hierarchy.memberships(np.array([vector], dtype=np.float32))
    work = np.eye(W)[[KINDS.index(kind)]]
    found = hierarchy.logits(abilities, phi[0], novelty[0], work[0], np.array(0.0), np.array(0.5))
    return float(found[0][0])


def test_a_model_with_the_formulas_scores_alone_has_the_formulas_ability(hierarchy: Hierarchy) -> None:
    for scores in ((), (("gpqa_diamond", None, 0.9),), (("gpqa_diamond", None, 0.9), ("unheard_of", None, 0.1))):
        found = one(hierarchy, *scores, cap=0.7)
        assert found.mean[0] == pytest.approx([4.0 * 0.7, 4.0 * 0.7, 0.0], abs=1e-12)
        assert found.formula_variance[0] == hierarchy.formula_variance
        assert logit(hierarchy, found, (1, 0)) == pytest.approx(4.0 * 0.7 - 2.0)


def test_any_other_score_places_a_model_in_every_domain(hierarchy: Hierarchy) -> None:
    weak, strong = (one(hierarchy, ("hle", None, x)) for x in (0.2, 0.8))
    assert (strong.mean[0, :2] > weak.mean[0, :2]).all()
    # The first domain rises with the factor twice as fast.
    rise = strong.mean[0] - weak.mean[0]
    assert rise[0] == pytest.approx(2 * rise[1])


def test_more_scores_leave_less_doubt(hierarchy: Hierarchy) -> None:
    few = one(hierarchy, ("hle", None, 0.5))
    more = one(hierarchy, ("hle", None, 0.5), ("scicode", None, 0.5))
    assert more.covariance[0, 0, 0] < few.covariance[0, 0, 0]
    assert not few.known[0]


def test_outcomes_move_a_model_from_where_its_scores_put_it(hierarchy: Hierarchy) -> None:
    found = one(hierarchy, name="acme/known")
    f = 50.0 / 51.0
    assert found.known[0]
    assert found.mean[0] == pytest.approx([1 + f, 0.5 * f + 2.0, 0.0])
    new = one(hierarchy, ("hle", None, 0.5))
    assert (found.variance < new.variance).all()
    assert found.covariance[0, 0, 0] < new.covariance[0, 0, 0]


def test_a_score_published_since_moves_a_model_with_few_outcomes(hierarchy: Hierarchy) -> None:
    thin = replace(hierarchy, information=np.array([[[1.0]]]), evidence=np.array([[1.0]]))
    before = one(thin, name="acme/known")
    after = one(thin, ("hle", None, 0.99), name="acme/known")
    assert after.mean[0, 0] > before.mean[0, 0] + 1
    assert one(hierarchy, ("hle", None, 0.99), name="acme/known").mean[0, 0] == pytest.approx(
        one(hierarchy, name="acme/known").mean[0, 0], abs=1
    )


def test_a_score_that_was_corrected_since_counts_as_it_is_now(hierarchy: Hierarchy) -> None:
    # In training the one score was as far below the mean as it is above it now.
    thin = replace(hierarchy, information=np.array([[[0.0]]]), evidence=np.array([[0.0]]))
    then = replace(thin, scored=np.array([[[11.0]]]), scored_evidence=np.array([[-10 * np.log(4)]]))
    assert one(then, ("hle", None, 0.8), name="acme/known").mean[0, 0] == pytest.approx(1 + 10 * np.log(4) / 11)


def levels(hierarchy: Hierarchy, *scores: PublishedScore) -> NDArray[np.float64]:
    """Ability in the first domain of one model at every effort."""
    k = len(EFFORTS)
    return hierarchy.abilities(np.full(k, HALF), [scores] * k, list(EFFORTS), [["acme/new"]] * k).mean[:, 0]


def test_more_effort_is_never_weaker(hierarchy: Hierarchy) -> None:
    usual = levels(hierarchy, ("hle", "high", 0.5), ("scicode", "low", 0.3))
    assert (np.diff(usual) >= 0).all()
    assert usual[-1] > usual[0] + 0.5
    # Even where what is published says otherwise.
    contrary = levels(hierarchy, ("hle", "high", 0.3), ("hle", "low", 0.7), ("scicode", "low", 0.7))
    assert (np.diff(contrary) >= -1e-12).all()


def test_a_higher_score_at_a_higher_effort_widens_the_gap(hierarchy: Hierarchy) -> None:
    flat = levels(hierarchy, ("hle", "low", 0.5), ("hle", "max", 0.5))
    steep = levels(hierarchy, ("hle", "low", 0.2), ("hle", "max", 0.9))
    low, top = EFFORTS.index("low"), EFFORTS.index("max")
    assert steep[top] - steep[low] > flat[top] - flat[low]


def test_an_effort_without_scores_of_its_own_is_less_certain(hierarchy: Hierarchy) -> None:
    scores = [("hle", "low", 0.3), ("scicode", "low", 0.3)]
    at = hierarchy.abilities(np.full(2, HALF), [scores] * 2, ["low", "max"], [["a"], ["b"]])
    assert at.covariance[1, 0, 0] > at.covariance[0, 0, 0]


def test_a_prompt_is_of_the_domain_that_it_is_near_and_new_where_it_is_near_none(hierarchy: Hierarchy) -> None:
    phi, novelty = hierarchy.memberships(np.array([[1, 0], [0, 1], [0, 0]], dtype=np.float32))
    assert phi.sum(axis=1) == pytest.approx(np.ones(3))
    assert phi[0, 0] > 0.99
    assert phi[1, 1] > 0.99
    assert novelty.tolist() == [0, 0, 1]


def test_agent_work_like_no_other_is_pulled_to_what_is_typical_of_it(hierarchy: Hierarchy) -> None:
    strong = one(hierarchy, ("hle", None, 0.9), ("scicode", None, 0.9))
    known, new = logit(hierarchy, strong, (1, 0), "agentic_coding"), logit(hierarchy, strong, (0, 0), "agentic_coding")
    assert new < known
    phi = np.array([0.5, 0.5])
    pulled = hierarchy.logits(strong, phi, np.array(1.0), np.eye(W)[AGENT], np.array(0.0), np.array(0.5))
    plain = hierarchy.logits(strong, phi, np.array(0.0), np.eye(W)[AGENT], np.array(0.0), np.array(0.5))
    assert pulled[0][0] == pytest.approx(0.2 * plain[0][0] + 0.8 * strong.typical[0, AGENT])
    # And nothing of it is known well.
    assert pulled[1][0] == pytest.approx(plain[1][0] + 2.0)
    assert pulled[2][0] == pytest.approx(plain[2][0] + 2.0)


def test_what_a_model_does_beyond_its_scores_in_agent_work_counts_in_new_agent_work(hierarchy: Hierarchy) -> None:
    known, twin = (
        one(hierarchy, name="acme/known"),
        one(replace(hierarchy, own=np.zeros((1, 3), np.float32)), name="acme/known"),
    )
    assert known.typical[0, AGENT] == pytest.approx(twin.typical[0, AGENT] + 2.0)


def test_many_prompts_are_predicted_as_one_by_one(hierarchy: Hierarchy) -> None:
    k = 3
    all_of_them = hierarchy.abilities(
        np.full(k, HALF), [[("hle", None, x)] for x in (0.2, 0.5, 0.8)], [None] * k, [["a"], ["b"], ["acme/known"]]
    )
    vectors = np.random.default_rng(0).normal(size=(k, 2)).astype(np.float32)
    phi, novelty = hierarchy.memberships(vectors)
    work = np.random.default_rng(1).dirichlet(np.ones(W), k)
    difficulty, sd = np.array([-1.0, 0.0, 2.0]), np.full(k, 0.5)
    together = hierarchy.logits(all_of_them, phi, novelty, work, difficulty, sd)
    for i in range(k):
        alone = hierarchy.logits(all_of_them.rows(np.array([i])), phi[i], novelty[i], work[i], difficulty[i], sd[i])
        for part, of_many in zip(alone, together, strict=True):
            assert part[0] == pytest.approx(of_many[i])


def test_arrays_come_back_as_they_were_and_what_is_missing_is_named(hierarchy: Hierarchy) -> None:
    arrays = hierarchy.to_arrays()
    again = Hierarchy.from_arrays(arrays, 2).to_arrays()
    for name, array in arrays.items():
        assert np.array_equal(again[name], array), name
    for name in arrays:
        with pytest.raises(ValueError, match=name):
            Hierarchy.from_arrays({key: array for key, array in arrays.items() if key != name}, 2)


def test_a_models_slope_on_difficulty_makes_no_trivial_prompt_harder(hierarchy: Hierarchy) -> None:
    """One that holds out on hard prompts is not worse on trivial ones: below what benchmarks hold, no line is drawn."""
    steep = replace(hierarchy, mean=np.array([1.0, 0.0, 0.9]))
    found = one(steep, ("hle", None, 0.5))

    def at(difficulty: float) -> float:
        phi, novelty = steep.memberships(np.array([(1, 0)], dtype=np.float32))
        work = np.eye(W)[KINDS.index("chat")]
        return float(steep.logits(found, phi[0], novelty[0], work, np.array(difficulty), np.array(0.5))[0][0])

    assert at(0.0) - at(-1.0) == pytest.approx(-1.0 + 0.9)  # what the formula gives less what the slope takes
    assert at(-1.0) - at(-3.0) == pytest.approx(-2.0)  # the formula alone
    assert at(2.0) - at(1.0) == pytest.approx(-1.0 + 0.9)
