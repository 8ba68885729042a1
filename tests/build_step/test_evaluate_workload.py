"""The week of work: its shares are as stated, and a config is compared with what single candidates would do."""

import re
from collections import Counter

import pytest

from artifacts_build.evaluation.workload import WEEK, Decided, page, read_week, summary

EASY, HARD = "chat", "agent"


def decided(kind: str, chosen: str, small: float) -> Decided:
    candidates = {"small": (small, 1.0), "large": (0.9, 10.0)}
    return Decided(kind, chosen, *candidates[chosen], candidates)


def test_the_week_has_the_shares_that_its_description_states() -> None:
    requests = read_week()
    kinds = Counter(request["kind"] for request in requests)
    stated = re.findall(r"^\| (\w+)[^|]*\| (\d+) \| (\d+) %", WEEK.with_suffix(".md").read_text(), re.MULTILINE)
    assert {kind: int(count) for kind, count, _ in stated} == kinds
    assert all(round(100 * kinds[kind] / len(requests)) == int(share) for kind, _, share in stated)
    assert len(requests) == 600
    assert len({request["lang"] for request in requests}) == 8
    assert len({request["id"] for request in requests}) == 600


def test_a_config_that_sends_hard_work_to_the_strong_model_beats_the_coin_at_the_same_cost() -> None:
    week = [decided(EASY, "small", 0.85)] * 3 + [decided(HARD, "large", 0.1)]
    found = summary(week)
    assert found["completion"] == pytest.approx((3 * 0.85 + 0.9) / 4)
    assert found["cost"] == pytest.approx((3 * 1 + 10) / 4)
    # At this cost a coin takes the large model a quarter of the time: 0.6625 and a quarter of the way to 0.9.
    assert found["mix_completion"] == pytest.approx(0.6625 + 0.25 * (0.9 - 0.6625))
    assert found["chosen"] == {"small": 3, "large": 1}
    assert found["always"]["strongest"]["candidate"] == "large"
    assert found["by_kind"][HARD]["chosen"] == {"large": 1}


def test_a_candidate_that_could_not_serve_every_request_is_no_alternative() -> None:
    alone = Decided(EASY, "small", 0.85, 1.0, {"small": (0.85, 1.0)})
    found = summary([alone, decided(HARD, "large", 0.1)])
    assert {one["candidate"] for one in found["always"].values()} == {"small"}


def test_the_page_says_that_its_figures_are_expected_and_not_measured() -> None:
    text = page({"auto": summary([decided(EASY, "small", 0.85), decided(HARD, "large", 0.1)])})
    assert "Expected, not measured" in text
    assert "| **auto** | 87.5% | 5.5e+03 |" in text
