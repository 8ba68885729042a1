"""The bundled configs route: what they choose depends on the prompt, and is worth its money on a week of work."""

from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
from pointsman import Router

from artifacts_build.evaluation.workload import Decided, decide_week, read_week, summary
from tests.conftest import ROOT

EVERY = 5  # so many requests of the week are left out between two that are decided


@pytest.fixture(scope="module")
def router(artifact_folder: Path) -> Router:
    return Router.load(artifact_folder, ROOT / "registry")


@cache
def decided_by(router: Router, config: str) -> list[Decided]:
    return decide_week(router, config, read_week()[::EVERY])


@pytest.mark.parametrize("config", ["auto", "balanced", "agent", "cheap", "best"])
def test_a_config_chooses_by_the_prompt_and_expects_more_than_a_coin_at_its_cost(router: Router, config: str) -> None:
    found = summary(decided_by(router, config))
    assert found["choices"] >= 3
    assert found["completion"] > found["mix_completion"]
    assert max(found["chosen"].values()) < 0.95 * found["requests"]


def test_what_is_worth_more_is_completed_more_often_and_costs_more(router: Router) -> None:
    ladder = [summary(decided_by(router, config)) for config in ("cheap", "auto", "balanced", "best")]
    for lower, higher in pairwise(ladder):
        assert lower["completion"] < higher["completion"]
        assert lower["cost"] < higher["cost"]


def test_the_threshold_of_the_cheap_pair_splits_the_week(router: Router) -> None:
    shares = summary(decided_by(router, "cheap-pair"))["chosen"]
    assert len(shares) == 2
    assert min(shares.values()) >= 0.2 * sum(shares.values())


@pytest.mark.parametrize("config", ["auto", "balanced"])
def test_nothing_that_writes_for_minutes_is_chosen_where_somebody_waits(router: Router, config: str) -> None:
    assert not [one.chosen for one in decided_by(router, config) if one.chosen.endswith(("@xhigh", "@max"))]


@pytest.mark.parametrize("config", ["auto", "cheap", "balanced", "best", "agent"])
def test_a_request_with_tools_is_answered(router: Router, config: str) -> None:
    assert router.decide("Book a table for four at eight.", config=config, supports=["tools"]).selected
