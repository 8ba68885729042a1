"""Published scores from files: whose they are, at which effort, in which unit."""

import math
from pathlib import Path

import pytest

from artifacts_build.datasets.benchmarks import effort_of, read_benchmarks
from artifacts_build.errors import DatasetError


def written(folder: Path, text: str, name: str = "b.csv") -> Path:
    """A file of this text."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_scores_are_matched_by_model_id_by_base_model_and_by_a_hosted_name(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "model_id,benchmark,effort,value\nacme/one,hle,high,0.4\nbase:two,hle,,0.3\nthree,hle,,0.2\n",
    )
    found = read_benchmarks([path])
    assert found.of("acme/one", "x") == (("hle", "high", 0.4),)
    assert found.of("one-2026-01-01", "one") == (("hle", "high", 0.4),)
    assert found.of("anything", "two") == (("hle", None, 0.3),)
    assert found.of("three", "three") == (("hle", None, 0.2),)
    assert found.of("four", "four") == ()


def test_a_file_in_percent_and_one_of_fractions_say_the_same_and_ratings_are_no_scores(tmp_path: Path) -> None:
    percent = written(tmp_path, "model_id,benchmark,value\na,hle,40\na,elo,1500\na,aa_lcr,0\n", "p.csv")
    fraction = written(tmp_path, "model_id,benchmark,value\na,gpqa_diamond,0.5\n", "f.csv")
    assert read_benchmarks([percent, fraction]).of("a", "a") == (("hle", None, 0.4), ("gpqa_diamond", None, 0.5))


@pytest.mark.parametrize(
    ("text", "effort"),
    [
        ("", None),
        ("default", None),
        ("GPT-9 (xhigh)", "xhigh"),
        ("o4-mini (high)", "high"),
        ("Claude (Adaptive Reasoning, Max Effort)", "max"),
        ("Qwen (Reasoning)", "high"),
        ("Grok (Non-reasoning)", "none"),
        ("none", "none"),
        ("thinking off", "none"),
        ("MiniMax-M2.7", None),
    ],
)
def test_the_effort_is_read_from_a_sources_own_words(text: str, effort: str | None) -> None:
    assert effort_of(text) == effort


def test_the_formulas_two_scores_are_added_where_no_file_has_them(tmp_path: Path) -> None:
    found = read_benchmarks([written(tmp_path, "model_id,benchmark,value\na,gpqa_diamond,0.5\n")])
    assert found.with_two("a", "a", 0.9, 0.8) == (("gpqa_diamond", None, 0.5), ("livecodebench", None, 0.8))
    assert found.with_two("b", "b", 0.9, math.nan) == (("gpqa_diamond", None, 0.9),)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("model_id,benchmark\na,hle\n", "the column value is missing"),
        ("model_id,benchmark,value\na,hle,much\n", "b.csv:2: value: 'much' is not a number"),
        ("model_id,benchmark,value\n,hle,1\n", "b.csv:2: model_id: it is empty"),
        ("model_id,benchmark,value\na, ,1\n", "b.csv:2: benchmark: it is empty"),
        ("model_id,benchmark,value\na,hle,1,5\n", "b.csv:2: 4 cells, where the header has 3"),
        ("model_id,benchmark,value,value\na,hle,1,2\n", "the column 'value' is there twice"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_line(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(DatasetError, match=says):
        read_benchmarks([written(tmp_path, text)])
