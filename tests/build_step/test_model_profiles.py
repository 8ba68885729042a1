"""Profiles: completion rates, published scores, and token prices found again from costs."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from artifacts_build.commands.main import cli
from artifacts_build.datasets import Outcomes, Profiles, load_datasets, parse_dataset
from artifacts_build.datasets.model_profiles import fit_prices, profile_models, write_profiles
from artifacts_build.datasets.published_scores import Profile

RNG = np.random.default_rng(2)


@pytest.fixture
def rows(tmp_path: Path) -> str:
    """Two models: one with costs of 0.002 and 0.01 USD per 1,000 tokens, one without."""
    lines = []
    for i in range(40):
        read, written = int(RNG.integers(10, 5000)), int(RNG.integers(10, 2000))
        prompt = {"prompt_id": f"p{i}", "prompt": f"{i}?"}
        cost = 0.002 * read / 1000 + 0.01 * written / 1000
        tokens = {"input_tokens": read, "output_tokens": written, "cost_usd": cost}
        lines.append({**prompt, "model_id": "dear", "score": float(i < 30), **tokens})
        lines.append({**prompt, "model_id": "agent:a|b", "score": 0.5, "weight": 2})
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return f"rows:{path}"


@pytest.fixture
def data(rows: str) -> Outcomes:
    return load_datasets([parse_dataset(rows)], Profiles({"dear": Profile("dear-base", 0.5)}))


def test_a_profile_says_what_the_rows_say(data: Outcomes) -> None:
    system, dear = profile_models(data)
    assert dear["model_id"] == "dear"
    assert dear["base_model"] == "dear-base"
    assert dear["responses"] == 40
    assert dear["completion_rate"] == 0.75
    assert dear["gpqa_diamond"] == 0.5
    assert dear["livecodebench"] is None
    assert dear["prompts_by_source"] == {"rows": 40}
    assert system["model_id"] == "agent:a|b"
    assert system["completion_rate"] == 0.5
    assert system["token_prices"] is None
    assert system["mean_cost_usd"] is None


def test_token_prices_are_found_again(data: Outcomes) -> None:
    prices = profile_models(data)[1]["token_prices"]
    assert prices["input_cost_per_1k"] == pytest.approx(0.002, rel=1e-6)
    assert prices["output_cost_per_1k"] == pytest.approx(0.01, rel=1e-6)
    assert prices["rows"] == 40
    assert prices["median_error"] == 0


def test_noise_moves_prices_a_little_and_is_measured() -> None:
    read, written = RNG.uniform(10, 5000, 500), RNG.uniform(10, 2000, 500)
    cost = (0.002 * read + 0.01 * written) / 1000 * np.exp(RNG.normal(0, 0.1, 500))
    prices = fit_prices(cost, read, written)
    assert prices is not None
    assert prices["input_cost_per_1k"] == pytest.approx(0.002, rel=0.1)
    assert prices["output_cost_per_1k"] == pytest.approx(0.01, rel=0.1)
    assert 0.03 < prices["median_error"] < 0.12


def test_a_price_is_never_negative() -> None:
    read, written = RNG.uniform(10, 5000, 100), RNG.uniform(1000, 2000, 100)
    prices = fit_prices((0.01 * written - 0.0005 * read) / 1000, read, written)
    assert prices is not None
    assert prices["input_cost_per_1k"] == 0


def test_rows_that_cannot_tell_give_no_price() -> None:
    ones = np.ones(50)
    nothing = np.full(50, np.nan)
    assert fit_prices(ones[:9], ones[:9], ones[:9]) is None
    assert fit_prices(ones, nothing, ones) is None
    assert fit_prices(nothing, ones, ones) is None
    assert fit_prices(0 * ones, ones, ones) is None
    assert fit_prices(np.arange(1, 51.0), np.arange(1, 51.0), 2 * np.arange(1, 51.0)) is None


def test_both_reports_are_written_and_agree(data: Outcomes, tmp_path: Path) -> None:
    report = write_profiles(data, tmp_path / "out")
    assert (tmp_path / "out/profiles.md").read_text() == report
    models = json.loads((tmp_path / "out/profiles.json").read_text())["models"]
    assert [one["model_id"] for one in models] == ["agent:a|b", "dear"]
    assert "| dear | 40 | 0.75 | 0.5 | – | 0.002 | 0.01 | 0 | 40 |" in report
    assert "| agent:a\\|b | 40 | 0.5 | – | – | – | – | – | – |" in report


def test_the_command_reads_datasets(rows: str, tmp_path: Path) -> None:
    (tmp_path / "models.csv").write_text("model_id,base_model,gpqa_diamond,livecodebench\ndear,d,40,60\n")
    arguments = [
        "evaluate",
        "profiles",
        "--dataset",
        rows,
        "--models",
        str(tmp_path / "models.csv"),
        "--out",
        str(tmp_path / "o"),
    ]
    result = CliRunner().invoke(cli, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    assert "40 prompts, 80 responses of 2 models; 40 of them by models with published scores" in result.output
    assert json.loads((tmp_path / "o/profiles.json").read_text())["models"][1]["livecodebench"] == 0.6
