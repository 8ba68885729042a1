"""Training on a small world whose truth is known: the formula is found, and nothing leaks."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pointsman.artifact.load import load_artifact
from pointsman.routing.inputs import Inputs

from artifacts_build.datasets import folds, held_out, load_outcomes, stem_of
from artifacts_build.errors import DatasetError
from artifacts_build.training.fit import fit_predictor
from artifacts_build.training.formula import fit_logistic
from artifacts_build.training.frame import Embedded
from artifacts_build.training.train import measure_all
from tests.conftest import ROOT

RNG = np.random.default_rng(11)
PROMPTS, MODELS, DIMENSIONS = 1500, 30, 8


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Embedded]:
    """A data folder whose difficulty is linear in the embedding, and the embeddings."""
    folder = tmp_path_factory.mktemp("data")
    vectors = RNG.normal(size=(PROMPTS, DIMENSIONS)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    difficulty = vectors @ RNG.normal(0, 3, DIMENSIONS)
    capability = RNG.uniform(20, 95, MODELS)
    ability = 5 * (capability / 100) - 2.5
    ids = [f"model-{i}" for i in range(MODELS)] + ["agent:one"]
    p = 1 / (1 + np.exp(difficulty[:, None] - np.append(ability, 0)[None, :]))
    score = (RNG.random(p.shape) < p).astype(float)
    prompt, model = (index.ravel() for index in np.indices(p.shape))
    pd.DataFrame(
        {
            "prompt_id": [f"p{i}" for i in range(PROMPTS)],
            "source": np.where(np.arange(PROMPTS) % 2, "odd", "even"),
            "task": "t",
            "prompt": [f"prompt number {i}" for i in range(PROMPTS)],
            "dedup_key": [f"k{i // 2}" for i in range(PROMPTS)],
        }
    ).to_parquet(folder / "prompts.parquet")
    pd.DataFrame(
        {
            "prompt_id": [f"p{i}" for i in prompt],
            "model_id": [ids[i] for i in model],
            "score": score.ravel(),
        }
    ).to_parquet(folder / "responses.parquet")
    pd.DataFrame(
        {
            "model_id": ids,
            "base_model": ids,
            "gpqa_diamond": [*capability, 99.0],
            "livecodebench": [*capability[:15], *[None] * 16],
        }
    ).to_csv(folder / "models.csv", index=False)
    return folder, Embedded(
        Inputs.of_vectors(vectors), Inputs.of_vectors(np.zeros_like(vectors)), np.zeros(PROMPTS, bool)
    )


def test_the_formula_is_found_and_calibrated_on_prompts_it_never_saw(world: tuple[Path, Embedded]) -> None:
    folder, embedded = world
    data = load_outcomes(folder)
    test = held_out(data.prompt_group, seed=3)
    fit = fit_predictor(data, embedded, ~test, seed=3)
    assert fit.predictor.a == pytest.approx(5, rel=0.15)
    assert fit.predictor.b < 0
    metrics = measure_all(fit.predictor, data, embedded, test, seed=3)
    assert metrics["held_out"]["expected_calibration_error"] < 0.03
    assert metrics["held_out"]["log_loss"] < metrics["held_out_capability_alone_log_loss"]
    assert set(metrics["by_source"]) == set(metrics["source_left_out"]) == {"odd", "even"}


def test_systems_inform_difficulty_but_not_the_formula(world: tuple[Path, Embedded]) -> None:
    data = load_outcomes(world[0])
    assert np.isnan(data.capability[data.model_ids.index("agent:one")])
    assert data.scored().sum() == PROMPTS * MODELS


def test_training_twice_gives_the_same_numbers(world: tuple[Path, Embedded]) -> None:
    folder, embedded = world
    data = load_outcomes(folder)
    train = ~held_out(data.prompt_group, seed=3)
    one, two = (fit_predictor(data, embedded, train, seed=3).predictor.to_arrays() for _ in range(2))
    assert all((one[name] == two[name]).all() for name in one)


def test_prompts_of_one_stem_are_never_split() -> None:
    groups = np.array([f"k{i // 3}" for i in range(3000)])
    for split in (held_out(groups, 1), folds(groups, 5, 1)):
        assert all(len(set(split[i : i + 3])) == 1 for i in range(0, 3000, 3))
    assert 0.15 < held_out(groups, 1).mean() < 0.25
    assert set(folds(groups, 5, 1)) == {0, 1, 2, 3, 4}


def test_the_split_of_a_prompt_does_not_depend_on_the_others() -> None:
    groups = np.array([f"k{i}" for i in range(1000)])
    assert (held_out(groups, 1)[:10] == held_out(groups[:10], 1)).all()


def test_the_coefficients_are_those_of_fractional_outcomes_too() -> None:
    features = RNG.normal(size=(5000, 2))
    p = 1 / (1 + np.exp(-(2 * features[:, 0] - features[:, 1] + 0.5)))
    assert fit_logistic(features, p) == pytest.approx((2, -1, 0.5), abs=0.01)


def test_a_score_outside_its_range_is_refused(world: tuple[Path, Embedded], tmp_path: Path) -> None:
    for name in ("prompts.parquet", "models.csv"):
        (tmp_path / name).write_bytes((world[0] / name).read_bytes())
    table = pd.read_parquet(world[0] / "responses.parquet")
    table.loc[0, "score"] = 50.0
    table.to_parquet(tmp_path / "responses.parquet")
    with pytest.raises(DatasetError, match="score: 50 cannot be"):
        load_outcomes(tmp_path)


def test_a_multiple_choice_prompt_has_a_stem() -> None:
    assert stem_of("What is the boiling point?\nA. 1\nB. 2") == "What is the boiling point?"
    assert stem_of("What is the boiling point of water?") is None
    assert stem_of("Hm?\nA. 1\nB. 2") is None


def test_the_model_card_says_what_the_manifest_says() -> None:
    weights = ROOT / "weights/default"
    manifest = json.loads((weights / "manifest.json").read_text())
    card = (weights / "MODEL_CARD.md").read_text()
    for name, row in {**manifest["metrics"]["by_source"], "all sources": manifest["metrics"]["held_out"]}.items():
        assert f"| {name} | {row['responses']:,} |" in card
        assert str(row["expected_calibration_error"]) in card
    predictor = load_artifact(weights).predictor
    assert f"a = {predictor.a:.3f} " in card
    assert "What must not be concluded" in card
