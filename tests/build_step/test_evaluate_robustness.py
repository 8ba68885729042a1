"""Robustness: what counts as a flip, and texts enough to count."""

import json

import pytest

from artifacts_build.evaluation.robustness import CHANGES, LANGUAGES, TEXTS, Answer, easy_before_hard, moved, robustness
from tests.conftest import MakeRouter


def test_there_are_texts_enough_in_every_language() -> None:
    texts = json.loads(TEXTS.read_text(encoding="utf-8"))
    assert len(texts["paraphrases"]) >= 20
    assert all(one != other for one, other in texts["paraphrases"])
    assert len(texts["languages"]) >= 12
    assert all(set(row) == {"kind", *LANGUAGES} for row in texts["languages"])
    assert all(len({row[code] for code in LANGUAGES}) == len(LANGUAGES) for row in texts["languages"])
    assert sorted({row["kind"] for row in texts["languages"]}) == ["easy", "hard"]


def test_another_choice_is_a_flip_and_a_change_of_p_is_not() -> None:
    one = Answer(("a",), 0.0, {"a": 0.5, "b": 0.7}, ("a", "a", "b"))
    same = Answer(("a",), 0.0, {"a": 0.6, "b": 0.9}, ("a", "b", "b"))
    other = Answer(("b",), 0.0, {"a": 0.5, "b": 0.7}, ("b", "b", "b"))
    found = moved([(one, same), (one, other)])
    assert found["flipped"] == 0.5
    # Of the three thresholds, the first flips one pair, the second both, the third none.
    assert found["flipped_mean_over_thresholds"] == 0.5
    assert found["flipped_at_worst_threshold"] == 1.0
    assert found["mean_change_of_p"] == pytest.approx(0.075)
    assert found["largest_absolute_change_of_p"] == pytest.approx(0.15)


def test_a_hard_prompt_predicted_easier_lowers_the_auc() -> None:
    rows = [("easy", -1.0), ("easy", 2.0), ("hard", 1.0), ("hard", 3.0)]
    assert easy_before_hard(rows) == {"prompts": 4, "auc": 0.75, "easy": 0.5, "hard": 2.0}


def test_a_router_that_looks_for_one_word_flips_where_the_word_comes_in(make_router: MakeRouter) -> None:
    # The fake embedder knows one word, "hard": letter case and spaces are nothing to it.
    found = robustness(make_router(), "auto")
    assert found["candidates"] == 3
    assert set(CHANGES) < set(found["changes"])
    assert found["changes"]["double spaces"]["flipped"] == 0
    assert found["changes"]["a suffix: said to be hard"]["flipped"] > 0
    assert found["changes"]["a suffix: said to be hard"]["mean_change_of_p"] < 0
    assert set(found["languages"]) == set(LANGUAGES.values())
