"""Routing with real dollars: what is paid is what was spent, and the mix of single models is the rival."""

from dataclasses import replace

import numpy as np
import pytest

from artifacts_build.evaluation.curves import hull
from artifacts_build.evaluation.dollars import _lead, dollars, spent
from artifacts_build.evaluation.experiment import Experiment
from artifacts_build.evaluation.pages import dollars_page
from tests.build_step.small_world import world


def priced() -> Experiment:
    """The small world in which stronger models cost more, and source `two` has no dollars."""
    data, embedded = world()
    price = np.geomspace(0.01, 1.0, len(data.model_ids))
    noise = np.random.default_rng(0).uniform(0.5, 1.5, len(data.score))
    of_two = data.prompt_source[data.response_prompt] == "two"
    cost = np.where(of_two, np.nan, price[data.response_model] * noise)
    return Experiment.of(replace(data, cost_usd=cost), embedded, 3)


def test_only_sources_with_dollars_are_judged_and_a_model_is_believed_to_cost_its_training_mean() -> None:
    experiment = priced()
    (task,) = spent(experiment.data, experiment.test)
    assert task.source == "one"
    assert not set(task.prompts) & set(task.training_prompts)
    assert experiment.test[task.prompts].all()
    assert task.believed == pytest.approx(np.geomspace(0.01, 1.0, len(experiment.data.model_ids))[task.models], rel=0.1)
    assert np.isfinite(task.score).all()
    assert (task.cost > 0).all()


def test_the_mix_has_no_lead_over_itself_and_a_free_oracle_has_the_largest() -> None:
    mix = hull(np.array([0.1, 1.0]), np.array([0.2, 0.8]))
    assert _lead(mix, mix) == pytest.approx(np.zeros(50))
    better = hull(np.array([0.1, 0.2]), np.array([0.2, 0.9]))
    assert _lead(better, mix).min() >= 0
    assert _lead(better, mix).max() > 0.3
    # A router that is dearer than the cheapest model may take that model too.
    dear = hull(np.array([0.9]), np.array([0.8]))
    assert _lead(dear, mix)[0] == pytest.approx(0)


def test_every_router_is_told_with_an_interval() -> None:
    found = dollars(priced(), resamples=20)
    assert set(found) == {"one"}
    assert found["one"]["oracle_completion"] >= found["one"]["best_model_completion"]
    for of in found["one"]["routers"].values():
        lead = of["mean_lead_over_mix"]
        assert lead["low"] <= lead["value"] <= lead["high"]
        assert of["least_lead_over_mix"]["value"] <= lead["value"]
    assert "ours, by worth" in dollars_page(found)
    assert "No source has them." in dollars_page({})
