"""Predict: a row for every row that was asked for, as serving would predict it."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from pointsman.artifact.load import load_artifact, load_embedder
from pointsman.router import Router
from pointsman.routing.conversation import Turn
from pointsman.routing.inputs import read_request

from artifacts_build.commands.main import cli
from artifacts_build.errors import DatasetError
from artifacts_build.training.predict import predict_table
from tests.conftest import ROOT

PROMPTS = ["What is 1+1?", "Prove the Riemann hypothesis.", "你好"]


@pytest.fixture
def tables(tmp_path: Path) -> dict[str, Path]:
    """Three prompts, three models: one with outcomes, one with scores alone, one without either."""
    prompts = pd.DataFrame({"prompt_id": ["a", "b", "c"], "prompt": PROMPTS, "source": "x"})
    known = load_artifact(ROOT / "weights/default").predictor.learned
    assert known is not None
    names = [
        "acme/unheard-of",
        next(name for name in known.hierarchy.model_ids if not name.startswith("agent:")),
        "acme/scored",
    ]
    rows = [{"prompt_id": p, "model_id": m, "score": 1.0} for p in ("b", "a", "c") for m in names]
    models = pd.DataFrame(
        {"model_id": names, "base_model": names, "gpqa_diamond": [None, 50, 90], "livecodebench": [None, None, 80]}
    )
    paths = {name: tmp_path / f"{name}.parquet" for name in ("prompts", "responses")} | {"models": tmp_path / "m.csv"}
    prompts.to_parquet(paths["prompts"])
    pd.DataFrame(rows).to_parquet(paths["responses"])
    models.to_csv(paths["models"], index=False)
    return paths


def predicted(tables: dict[str, Path], folder: Path, artifact: Path, **more: Any) -> pd.DataFrame:
    """The table that the command writes."""
    files = (tables["prompts"], tables["responses"], tables["models"])
    predict_table(*files, artifact, folder / "out.parquet", folder / "cache", **more)
    return pd.read_parquet(folder / "out.parquet")


def test_every_row_has_its_prediction_in_the_order_asked(
    tables: dict[str, Path], tmp_path: Path, artifact_folder: Path
) -> None:
    found = predicted(tables, tmp_path, artifact_folder)
    asked = pd.read_parquet(tables["responses"])
    assert list(found.columns) == ["prompt_id", "model_id", "p", "sigma", "difficulty", "has_outcomes"]
    assert found[["prompt_id", "model_id"]].equals(asked[["prompt_id", "model_id"]])
    assert found.p.between(0, 1, inclusive="neither").all()
    assert (found.sigma > 0).all()
    assert found.groupby("prompt_id").difficulty.nunique().eq(1).all()
    assert found.groupby("model_id").has_outcomes.first().sum() == 1


def test_predictions_are_the_servers_own(tables: dict[str, Path], tmp_path: Path, artifact_folder: Path) -> None:
    found = predicted(tables, tmp_path, artifact_folder).set_index(["prompt_id", "model_id"])
    artifact = load_artifact(artifact_folder)
    embedder = load_embedder(artifact)
    one = artifact.predictor.features_of(np.array([[0.9, 0.8]]), [["acme/scored"]])
    # To 1e-4: of many prompts at once, single precision adds in another order.
    for prompt_id, prompt in zip("abc", PROMPTS, strict=True):
        assert artifact.predictor.learned is not None
        gate = artifact.predictor.learned.difficulty.gate
        inputs, _, _ = read_request([Turn("user", prompt)], embedder, artifact.manifest.view, gate)
        mu, sigma = artifact.predictor.complete(one, artifact.predictor.read(inputs).row(0))
        assert found.loc[(prompt_id, "acme/scored"), "p"] == pytest.approx(mu[0], abs=1e-4)
        assert found.loc[(prompt_id, "acme/scored"), "sigma"] == pytest.approx(sigma[0], abs=1e-4)
    router = Router.load(artifact_folder, ROOT / "registry")
    assert found.loc[("b", "acme/scored"), "difficulty"] == pytest.approx(
        router.decide(PROMPTS[1], config="cheap-pair").difficulty, abs=1e-4
    )


def test_the_formula_alone_can_be_asked_for(tables: dict[str, Path], tmp_path: Path, artifact_folder: Path) -> None:
    found = predicted(tables, tmp_path, artifact_folder, formula=True).set_index(["prompt_id", "model_id"])
    predictor = load_artifact(artifact_folder).predictor.formula()
    row = found.loc[("a", "acme/scored")]
    expected = 1 / (1 + np.exp(-(predictor.a * 0.85 + predictor.b * row.difficulty + predictor.c)))
    assert row.p == pytest.approx(expected, abs=1e-6)
    assert not found.has_outcomes.any()


def test_a_response_without_its_prompt_is_refused_and_nothing_is_left(
    tables: dict[str, Path], tmp_path: Path, artifact_folder: Path
) -> None:
    pd.DataFrame({"prompt_id": ["a", "nowhere"], "model_id": ["m", "m"]}).to_parquet(tables["responses"])
    with pytest.raises(DatasetError, match=r"row 2: prompt_id: 'nowhere' is not among the prompts"):
        predicted(tables, tmp_path, artifact_folder)
    assert not list(tmp_path.glob("*out.parquet*"))


def test_a_prompt_that_is_there_twice_is_refused(
    tables: dict[str, Path], tmp_path: Path, artifact_folder: Path
) -> None:
    pd.DataFrame({"prompt_id": ["a", "a"], "prompt": ["x", "y"]}).to_parquet(tables["prompts"])
    with pytest.raises(DatasetError, match=r"row 2: prompt_id: 'a' is there twice"):
        predicted(tables, tmp_path, artifact_folder)


def test_the_command_says_what_it_wrote(tables: dict[str, Path], tmp_path: Path, artifact_folder: Path) -> None:
    options = [part for name, path in tables.items() for part in (f"--{name}", str(path))]
    out = tmp_path / "out.parquet"
    result = CliRunner().invoke(
        cli, ["predict", *options, "--artifact", str(artifact_folder), "--out", str(out), "--cache", str(tmp_path)]
    )
    assert result.exit_code == 0, result.output
    assert result.output.strip() == f"{out}: 9 rows of 3 prompts and 3 models, 1 with outcomes"
