"""What outcomes add to the formula, and that without them the formula is what runs."""

import math
from dataclasses import replace

import numpy as np
import pytest
from pointsman.artifact.load import Artifact
from pointsman.routing.predictor import Predictor
from pointsman.routing.refinement import SHAPES, Refinement

from tests.conftest import MakeRouter
from tests.fakes import fake_artifact

FORMULA = fake_artifact().predictor
KNOWN, HARD, EASY = "acme/known", [1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0]
VECTORS = np.array([HARD, EASY], dtype=np.float32)


def refinement(**changes: object) -> Refinement:
    """The formula's own numbers, two domains (hard and easy), and nothing else unless it is asked for."""
    base = Refinement(
        centers=np.array([HARD, EASY], dtype=np.float32),
        sharpness=20.0,
        weights=FORMULA.difficulty_weights,
        shift=np.zeros(2, dtype=np.float32),
        bias=FORMULA.difficulty_bias,
        difficulty_range=np.array([FORMULA.difficulty_low, FORMULA.difficulty_high]),
        coefficients=np.array([FORMULA.a, FORMULA.b, FORMULA.c]),
        feature_mean=np.zeros(6, dtype=np.float32),
        covariance=np.zeros((6, 6), dtype=np.float32),
        residual=np.zeros((1, 2), dtype=np.float32),
        residual_variance=np.zeros((1, 2), dtype=np.float32),
        slope=np.zeros(1, dtype=np.float32),
        model_capability=np.array([0.5], dtype=np.float32),
        new_model_variance=0.0,
        length=np.array([0.0, 0.0]),
        model_ids=(KNOWN,),
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def predicted(predictor: Predictor, name: str, scores: tuple[float, float], prompt: int) -> tuple[float, float]:
    """P and sigma of one model on the hard (0) or the easy (1) prompt."""
    candidates = predictor.features_of(np.array([scores]), [[name]])
    mu, sigma = predictor.complete(candidates, predictor.read(VECTORS).row(prompt))
    return float(mu[0]), float(sigma[0])


@pytest.mark.parametrize("scores", [(0.5, 0.5), (0.9, math.nan), (math.nan, 0.2), (math.nan, math.nan)])
def test_with_every_refinement_at_zero_predictions_are_the_formulas(scores: tuple[float, float]) -> None:
    refined = replace(FORMULA, refinement=refinement())
    for prompt in (0, 1):
        p, _ = predicted(refined, "acme/new", scores, prompt)
        assert p == pytest.approx(predicted(FORMULA, "acme/new", scores, prompt)[0], abs=1e-6)


def test_switched_off_it_changes_nothing() -> None:
    loud = refinement(residual=np.full((1, 2), 9, np.float32), shift=np.array([3, -3], np.float32))
    assert replace(FORMULA, refinement=loud).formula() == FORMULA


def test_outcomes_move_a_model_in_the_domains_where_it_has_them_and_no_other_model() -> None:
    refined = replace(FORMULA, refinement=refinement(residual=np.array([[2.0, 0.0]], np.float32)))
    assert predicted(refined, KNOWN, (0.5, 0.5), 0)[0] > predicted(FORMULA, KNOWN, (0.5, 0.5), 0)[0] + 0.1
    assert predicted(refined, KNOWN, (0.5, 0.5), 1)[0] == pytest.approx(predicted(FORMULA, KNOWN, (0.5, 0.5), 1)[0])
    assert predicted(refined, "acme/new", (0.5, 0.5), 0)[0] == pytest.approx(
        predicted(FORMULA, "acme/new", (0.5, 0.5), 0)[0]
    )


def test_a_model_with_outcomes_stands_on_the_capability_they_were_explained_with() -> None:
    refined = replace(FORMULA, refinement=refinement())
    assert predicted(refined, KNOWN, (0.9, 0.9), 0) == predicted(refined, KNOWN, (math.nan, math.nan), 0)


def test_a_model_is_known_by_any_of_its_names() -> None:
    known = refinement()
    assert known.place_of(["acme/other", KNOWN]) == 0
    assert known.place_of(["acme/other"]) == -1


def test_a_domain_can_be_harder_than_its_embedding_says() -> None:
    refined = replace(FORMULA, refinement=refinement(shift=np.array([0.0, 1.5], np.float32)))
    plain, shifted = FORMULA.read(VECTORS).difficulty, refined.read(VECTORS).difficulty
    assert shifted[1] == pytest.approx(plain[1] + 1.5, abs=1e-3)
    assert shifted[0] == pytest.approx(plain[0], abs=1e-3)


def test_sigma_is_wider_without_outcomes_and_far_from_the_training_prompts() -> None:
    unsure = refinement(
        new_model_variance=1.0,
        residual_variance=np.full((1, 2), 0.1, np.float32),
        covariance=np.diag([0, 0, 1, 0, 0, 0]).astype(np.float32),
    )
    refined = replace(FORMULA, refinement=unsure)
    known, new = predicted(refined, KNOWN, (0.5, 0.5), 0)[1], predicted(refined, "acme/new", (0.5, 0.5), 0)[1]
    assert new > 2 * known
    near, far = refined.read(np.array([EASY, [0, 0, 1, 0]], np.float32)).difficulty_sd
    assert far > near == 0


def test_a_harder_prompt_makes_answers_longer_within_bounds() -> None:
    longer = refinement(length=np.array([0.5, 1.0]))
    assert longer.length_factor(1.0) == 1.0
    assert longer.length_factor(2.0) == pytest.approx(math.exp(0.5))
    assert longer.length_factor(100.0) == 4.0
    assert longer.length_factor(-100.0) == 0.25


def test_arrays_survive_a_round_trip() -> None:
    again = Refinement.from_arrays(refinement().to_arrays(), 4)
    assert again.model_ids == (KNOWN,)
    for name in SHAPES:
        np.testing.assert_array_equal(getattr(again, name), getattr(refinement(), name))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("residual", np.zeros((2, 2)), "residual"),
        ("centers", np.zeros((2, 3)), "centers"),
        ("covariance", np.full((6, 6), np.nan), "not finite"),
        ("model_ids", np.array([1.0]), "model_ids"),
        ("shift", None, "shift is missing"),
    ],
)
def test_arrays_that_do_not_fit_are_refused_by_name(name: str, value: object, message: str) -> None:
    arrays = {**refinement().to_arrays(), name: value}
    if value is None:
        del arrays[name]
    with pytest.raises(ValueError, match=message):
        Refinement.from_arrays(arrays, 4)  # type: ignore[arg-type]


def test_a_setting_leaves_the_formula_alone(make_router: MakeRouter) -> None:
    loud = refinement(shift=np.array([2.0, 2.0], np.float32))

    def decided(switched_on: bool) -> list[float]:
        router = make_router(refinement=switched_on)
        artifact: Artifact = replace(router.artifact, predictor=replace(FORMULA, refinement=loud))
        again = type(router)(router.registry, artifact, router.embedder, None, router.settings)
        return [candidate.mu for candidate in again.decide("a hard one").candidates]

    plain = [candidate.mu for candidate in make_router().decide("a hard one").candidates]
    assert decided(False) == plain
    assert decided(True) != plain
