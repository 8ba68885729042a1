"""Prices: the mapping against the package, and files that cannot be."""

import csv
from pathlib import Path

import pytest
from genai_prices.data_snapshot import get_snapshot

from artifacts_build.errors import BuildError
from artifacts_build.evaluation.prices import AS_OF, MAPPING, STATED_OUTPUT_TOKENS, read_prices

HEADER = "model_id,input_cost_per_1k,output_cost_per_1k,output_tokens\n"


def test_every_line_of_the_mapping_is_a_model_of_the_package() -> None:
    providers = {provider.id: {model.id for model in provider.models} for provider in get_snapshot().providers}
    with MAPPING.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row for row in rows if row["price_id"] not in providers[row["provider"]]] == []
    assert {row["kind"] for row in rows} == set(STATED_OUTPUT_TOKENS)
    assert len({row["model_id"] for row in rows}) == len(rows) == len(read_prices().by_model)


def test_prices_are_positive_and_of_the_models_they_name() -> None:
    prices = read_prices().by_model
    assert all(price.input_cost_per_1k > 0 and price.output_cost_per_1k > 0 for price in prices.values())
    # As published: USD per million tokens 5 and 15; 1.10 and 4.40.
    assert (prices["gpt-4o-2024-05-13"].input_cost_per_1k, prices["gpt-4o-2024-05-13"].output_cost_per_1k) == (
        0.005,
        0.015,
    )
    assert prices["o1-mini-2024-09-12"].output_cost_per_1k == pytest.approx(0.0044)
    assert prices["o1-mini-2024-09-12"].output_tokens == 4000


@pytest.mark.parametrize(
    ("model", "other"),
    [("mistral-medium-3", "mistral-medium-3-5"), ("deepseek-r1-distill-llama-70b", "deepseek-reasoner")],
)
def test_a_model_is_not_priced_as_another(model: str, other: str) -> None:
    with MAPPING.open(newline="") as stream:
        assert [row for row in csv.DictReader(stream) if row["model_id"] == model and row["price_id"] == other] == []


def test_the_report_says_where_prices_are_from_and_what_was_not_measured() -> None:
    line = read_prices().source_line
    assert "simulated" in line
    assert "genai-prices 0.2" in line
    assert str(AS_OF.date()) in line
    assert "stated, not measured (512 for chat models and 4,000 for reasoning models)" in line


def test_stated_prices_take_the_place_of_list_prices(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(HEADER + "m,0.001,0.002,700\n")
    prices = read_prices(path)
    assert list(prices.by_model) == ["m"]
    assert prices.by_model["m"].output_tokens == 700
    assert "mine.csv" in prices.source_line


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("model_id,output_tokens\nm,1\n", "mine.csv:1: the column input_cost_per_1k, output_cost_per_1k is missing"),
        (HEADER + "m,0.1,-2,1\n", "mine.csv:2: output_cost_per_1k: '-2' is not a number of at least 0"),
        (HEADER + "m,0.1,nan,1\n", "mine.csv:2: output_cost_per_1k: 'nan' is not a number"),
        (HEADER + "m,0.1,,1\n", "mine.csv:2: output_cost_per_1k: it is empty"),
        (HEADER + "m,1,1,1\nm,1,1,1\n", "mine.csv:3: model_id: 'm' is there twice"),
    ],
)
def test_a_faulty_price_file_is_refused_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(text)
    with pytest.raises(BuildError, match=message.replace("(", r"\(")):
        read_prices(path)
