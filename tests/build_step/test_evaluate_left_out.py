"""Models and sources left out are left out of everything; sigma's coverage; the published formula as it stands."""

from dataclasses import replace

import numpy as np
import pytest
from pointsman.routing.refinement import NO_OUTCOMES

from artifacts_build.errors import BuildError
from artifacts_build.evaluation.experiment import Experiment, predict_matrix, without_models
from artifacts_build.evaluation.left_out import (
    ABLATION,
    ablation,
    group_coverage,
    holdout_models,
    holdout_sources,
    model_groups,
)
from artifacts_build.evaluation.published_formula import fit_published, pass_rate_difficulty
from artifacts_build.training.fit import Parts, data_features, predict_rows
from tests.build_step.small_world import outcomes, world

SEED = 3


@pytest.fixture(scope="module")
def experiment() -> Experiment:
    data, embedded = world()
    return Experiment.of(data, embedded, SEED)


def test_a_model_left_out_takes_its_agents_with_it() -> None:
    data, _ = world(prompts=60)
    kept = without_models(data, ["m00"])
    assert {data.model_ids[m] for m in np.unique(data.response_model)} - {
        kept.model_ids[m] for m in np.unique(kept.response_model)
    } == {"agent:x", "m00"}
    assert len(kept.score) == len(kept.output_tokens) == len(data.score) - 2 * 60


def test_groups_hold_every_model_once_and_span_weak_to_strong() -> None:
    data, _ = world(prompts=60)
    groups = model_groups(data, 4)
    assert sorted(name for group in groups for name in group) == [f"m{i:02}" for i in range(12)]
    assert groups == [["m00", "m03", "m06", "m09"], ["m01", "m04", "m07", "m10"], ["m02", "m05", "m08", "m11"]]


def test_a_model_left_out_has_no_outcomes_in_the_fit(experiment: Experiment) -> None:
    fit = experiment.fit(models=["m00", "m05"])
    places = dict(zip(experiment.data.model_ids, data_features(fit.predictor, experiment.data).places, strict=True))
    assert {name for name, place in places.items() if place == NO_OUTCOMES} == {"agent:x", "m00", "m05"}


def test_a_fit_is_made_once(experiment: Experiment) -> None:
    assert experiment.fit(models=["m00", "m05"]) is experiment.fit(models=["m05", "m00"])


def test_models_left_out_are_predicted_about_as_well_as_others(experiment: Experiment) -> None:
    found = holdout_models(experiment, size=4)
    assert found["models"] == 12
    assert found["pooled"]["refined"]["responses"] == int(experiment.held_out_rows().sum())
    # The truth is the formula: nothing is lost without a model's own outcomes, and its doubt is larger.
    assert found["pooled"]["refined"]["auc"] > 0.8
    assert found["pooled"]["refined"]["expected_calibration_error"] < 0.06
    assert found["mean_sigma"] > found["mean_sigma_with_outcomes"]
    assert set(found["by_model"]) == {f"m{i:02}" for i in range(12)}


def test_nothing_of_a_source_left_out_reaches_its_fit(experiment: Experiment) -> None:
    found = holdout_sources(experiment)
    assert set(found["by_source"]) == {"one", "two"}
    rows = experiment.held_out_rows() & (experiment.data.prompt_source[experiment.data.response_prompt] == "two")
    before, _ = predict_rows(
        experiment.fit(Parts(), sources=["two"]).predictor, experiment.data, experiment.embedded.prompts, rows
    )
    # With the outcomes of the source turned around, the fit without it is the same.
    own = experiment.data.prompt_source[experiment.data.response_prompt] == "two"
    turned = replace(experiment.data, score=np.where(own, 1 - experiment.data.score, experiment.data.score))
    other = Experiment.of(turned, experiment.embedded, SEED)
    other._fits[Parts(), (), ()] = experiment.fit()
    after, _ = predict_rows(other.fit(Parts(), sources=["two"]).predictor, turned, experiment.embedded.prompts, rows)
    assert np.array_equal(before, after)


def test_the_ablation_names_every_part_and_ends_with_the_formula(experiment: Experiment) -> None:
    found = ablation(experiment)
    assert list(found["held_out"]) == [*ABLATION, "the formula alone"]
    rows = experiment.held_out_rows()
    formula, _ = predict_rows(experiment.predictor.formula(), experiment.data, experiment.embedded.prompts, rows)
    loss = -np.mean(np.log(np.where(experiment.data.score[rows] > 0.5, formula, 1 - formula)))
    assert found["held_out"]["the formula alone"]["all work"]["log_loss"] == pytest.approx(loss, abs=1e-4)


def test_given_weights_are_judged_as_they_are(experiment: Experiment) -> None:
    given = replace(experiment.predictor, a=0.0)
    assert Experiment.of(experiment.data, experiment.embedded, SEED, given).predictor is given


def test_a_matrix_of_predictions_is_what_rows_give(experiment: Experiment) -> None:
    models = np.array([1, 4, 7])
    prompts = np.flatnonzero(experiment.test)[:5]
    mu, sigma = predict_matrix(experiment.predictor, experiment.data, experiment.embedded.prompts, prompts, models)
    rows = np.isin(experiment.data.response_prompt, prompts) & np.isin(experiment.data.response_model, models)
    flat, flat_sigma = predict_rows(experiment.predictor, experiment.data, experiment.embedded.prompts, rows)
    # Not bit by bit: a product of matrices of another shape may add in another order, as the processor likes.
    np.testing.assert_allclose(mu.ravel(), flat, rtol=1e-4)
    np.testing.assert_allclose(sigma.ravel(), flat_sigma, rtol=1e-4)


def test_intervals_of_a_true_sigma_hold_nine_of_ten() -> None:
    rng = np.random.default_rng(9)
    prompts, models = 4000, 60
    sd = 0.08
    # Each model is off by its own amount on each of the two tasks, as sigma says.
    off = rng.normal(0, sd, (2, models))
    truth = np.clip(0.5 + off[np.arange(prompts) % 2], 0, 1)
    score = (rng.random((prompts, models)) < truth).astype(float)
    data = outcomes(score, ["s"] * prompts, [f"m{i:02}" for i in range(models)], [0.5] * models)
    every = np.ones(len(data.score), dtype=bool)
    mu, sigma = np.full(len(data.score), 0.5), np.full(len(data.score), sd)
    found = group_coverage(data, every, mu, sigma)
    assert found["groups"] == 2 * models
    assert 0.82 < found["coverage"] < 0.97
    assert found["coverage_by_chance_alone"] < 0.5
    assert group_coverage(data, every, mu, sigma * 3)["coverage"] == 1.0


def test_groups_too_small_to_tell_are_not_counted() -> None:
    data, _ = world(prompts=20)
    every = np.ones(len(data.score), dtype=bool)
    assert group_coverage(data, every, data.score, data.score)["groups"] == 0


def test_the_published_difficulty_is_the_logit_of_the_smoothed_failure_rate() -> None:
    data = outcomes(np.array([[1, 1, 0.0], [np.nan, 0, np.nan]]), ["s", "s"], ["a", "b", "c"], [0.1, 0.2, 0.3])
    assert pass_rate_difficulty(data) == pytest.approx(np.log([1.5 / 2.5, 1.5 / 0.5]))


def test_the_published_formula_is_fitted_on_training_prompts_alone() -> None:
    data, embedded = world()
    train = np.arange(600) < 400
    fitted = fit_published(data, embedded, train, SEED)
    assert fitted.refinement is None
    assert fitted.a > 0 > fitted.b
    other = replace(data, score=np.where(train[data.response_prompt], data.score, 1 - data.score))
    again = fit_published(other, embedded, train, SEED)
    assert (fitted.a, fitted.b, fitted.c) == (again.a, again.b, again.c)
    assert np.array_equal(fitted.difficulty_weights, again.difficulty_weights)


def test_with_one_source_there_is_none_to_leave_out() -> None:
    data, embedded = world(prompts=60)
    alone = Experiment.of(replace(data, prompt_source=np.array(["one"] * 60)), embedded, SEED)
    for evaluation in (holdout_sources, ablation):
        with pytest.raises(BuildError, match=r"outcomes of 1 source\(s\)"):
            evaluation(alone)


def test_a_hierarchy_without_any_outcomes_predicts_every_model_as_a_new_one(experiment: Experiment) -> None:
    predictor = experiment.fit(Parts(outcomes=False)).predictor
    every = np.ones(len(experiment.data.score), dtype=bool)
    mu, sigma = predict_rows(predictor, experiment.data, experiment.embedded.prompts, every)
    assert np.all((mu > 0) & (mu < 1))
    assert (
        sigma.mean() > predict_rows(experiment.predictor, experiment.data, experiment.embedded.prompts, every)[1].mean()
    )
