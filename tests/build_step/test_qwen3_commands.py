"""The commands on a Qwen3 checkpoint: `export`, `check-quantization`, and weights trained for what was exported."""

from collections.abc import Callable
from pathlib import Path

import click
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from pointsman import Router
from pointsman.artifact.load import load_artifact
from pointsman.embedders import OnnxEmbedder
from pointsman.errors import ArtifactError

from artifacts_build.commands import main as build_cli
from artifacts_build.commands.export import export
from artifacts_build.embedders.qwen3.check import compare, read_prompts
from artifacts_build.embedders.qwen3.settings import QUANTIZATIONS
from artifacts_build.errors import BuildError, CheckpointError
from artifacts_build.packaging.weights import join_embedder
from tests.build_step.qwen3_world import TEXTS, checkpoint, small_checkpoint
from tests.conftest import ROOT

__all__ = ["checkpoint"]  # a fixture

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command of the build step as a shell would: exit code, stdout, stderr."""

    def command(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["artifacts_build", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            build_cli.main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return command


@pytest.fixture
def prompts(tmp_path: Path) -> Path:
    """A file of prompts."""
    path = tmp_path / "prompts.txt"
    path.write_text("\n".join(text.replace("\n", " ") for text in TEXTS) + "\n\n", encoding="utf-8")
    return path


def test_an_exported_embedder_is_checked_against_its_checkpoint(
    checkpoint: Path, tmp_path: Path, prompts: Path, run: Run
) -> None:
    out = tmp_path / "fast"
    options = ("--quantize", "fast", "--layers", 2, "--max-tokens", 32, "--table-bits", "32")
    code, said, _ = run("export", "--embedder", checkpoint, "--out", out, *options)
    assert (code, "tiny-2-layers-fast, 64 dimensions" in said) == (0, True)
    check = ("check-quantization", "--checkpoint", checkpoint, "--embedder", out, "--prompts", prompts)
    code, said, _ = run(*check, "--min-cosine", 0.9)
    assert code == 0
    assert "prompts  7" in said
    # torch is not everywhere; the reference is then the exact graph alone.
    assert "transformers" in said
    code, _, error = run(*check, "--min-cosine", 0.99999)
    assert code == 1
    assert "artifacts_build:" in error
    assert "the worst cosine 0.9" in error
    assert "under 0.99999 (prompt " in error


def test_a_damaged_quantization_is_caught(checkpoint: Path, tmp_path: Path) -> None:
    """The check sees what a wrong weight does: the same settings on other weights."""
    other = small_checkpoint(tmp_path / "other", seed=5)
    assert CliRunner().invoke(export, ["--embedder", str(other), "--out", str(tmp_path / "out")]).exit_code == 0
    assert compare(str(other), tmp_path / "out", TEXTS).cosines.min() > 0.99
    assert compare(str(checkpoint), tmp_path / "out", TEXTS).cosines.min() < 0.9


def test_a_checkpoint_that_the_embedder_is_not_of_is_refused(
    checkpoint: Path, tmp_path: Path, artifact_folder: Path
) -> None:
    deeper = small_checkpoint(tmp_path / "deeper", num_hidden_layers=4)
    assert CliRunner().invoke(export, ["--embedder", str(deeper), "--out", str(tmp_path / "out")]).exit_code == 0
    with pytest.raises(CheckpointError, match="exported from 4 layers of 64 dimensions"):
        compare(str(checkpoint), tmp_path / "out", TEXTS)
    with pytest.raises(CheckpointError, match="is not a Qwen3 embedder"):
        compare(str(checkpoint), artifact_folder / "embedder", TEXTS)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("p.txt", b"", "no prompt in it"),
        ("p.txt", b"\n \n", "no prompt in it"),
        ("p.txt", b"caf\xe9", "not UTF-8 at byte 3"),
        ("p.jsonl", b'"one"\n{"prompt": ', "p.jsonl:2: not JSON"),
        ("p.jsonl", b'"one"\n{"text": "x"}', "p.jsonl:2: no prompt"),
        ("p.jsonl", b"[1]", "p.jsonl:1: no prompt"),
    ],
)
def test_prompts_that_cannot_be_read_are_refused(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BuildError, match=message):
        read_prompts(tmp_path / name)
    with pytest.raises(BuildError, match="No such file"):
        read_prompts(tmp_path / "none.txt")


def test_prompts_are_lines_or_json_lines(tmp_path: Path) -> None:
    (tmp_path / "p.jsonl").write_text('"one\\ntwo"\n\n{"prompt": "three", "more": 1}\n')
    (tmp_path / "p.txt").write_text("one\n\n  two\n")
    assert read_prompts(tmp_path / "p.jsonl") == ["one\ntwo", "three"]
    assert read_prompts(tmp_path / "p.txt") == ["one", "  two"]


def test_options_that_do_not_apply_are_refused(checkpoint: Path, tmp_path: Path, run: Run) -> None:
    code, _, error = run("export", "--embedder", "use-multilingual", "--layers", 2, "--out", tmp_path / "out")
    assert (code, "--layers is for Qwen3 checkpoints" in error) == (2, True)
    code, _, error = run("export", "--embedder", checkpoint, "--min-cosine", 0.9, "--out", tmp_path / "out")
    assert (code, "--prompts and --min-cosine go together" in error) == (2, True)
    assert not (tmp_path / "out").exists()


def test_the_command_offers_every_quantization_there_is() -> None:
    option = next(parameter for parameter in export.params if parameter.name == "quantize")
    assert isinstance(option.type, click.Choice)
    assert list(option.type.choices) == list(QUANTIZATIONS)


def outcomes(folder: Path) -> Path:
    """A small data folder: short prompts are easy, long ones hard."""
    random = np.random.default_rng(4)
    folder.mkdir()
    texts = [f"{'very ' * int(random.integers(1, 9))}question {i}" for i in range(240)]
    capability = np.linspace(20, 95, 12)
    hard = np.array([len(text) for text in texts]) / 12 - 2.5
    score = random.random((240, 12)) < 1 / (1 + np.exp(hard[:, None] - (capability / 100 * 5 - 2.5)))
    pd.DataFrame(
        {
            "prompt_id": [f"p{i}" for i in range(240)],
            "source": np.where(np.arange(240) % 2, "odd", "even"),
            "task": "t",
            "prompt": texts,
            "dedup_key": [f"k{i}" for i in range(240)],
        }
    ).to_parquet(folder / "prompts.parquet")
    prompt, model = (index.ravel() for index in np.indices(score.shape))
    rows = {"prompt_id": [f"p{i}" for i in prompt], "model_id": [f"m{i}" for i in model], "score": score.ravel() * 1.0}
    pd.DataFrame(rows).to_parquet(folder / "responses.parquet")
    ids = [f"m{i}" for i in range(12)]
    scores = {"model_id": ids, "base_model": ids, "gpqa_diamond": capability, "livecodebench": capability}
    pd.DataFrame(scores).to_csv(folder / "models.csv", index=False)
    return folder


def test_weights_are_trained_for_an_early_exit_and_no_other_embedder_takes_them(
    checkpoint: Path, tmp_path: Path, run: Run
) -> None:
    shallow, whole = tmp_path / "shallow", tmp_path / "whole"
    assert run("export", "--embedder", checkpoint, "--layers", 1, "--max-tokens", 64, "--out", shallow)[0] == 0
    assert run("export", "--embedder", checkpoint, "--out", whole)[0] == 0
    data, weights = outcomes(tmp_path / "data"), tmp_path / "weights"
    options = ("--embedder", shallow, "--out", weights, "--cache", tmp_path / "cache", "--name", "shallow")
    code, said, error = run("train", "--data", data, *options, "--view-tokens", 64, "--tail-tokens", 16)
    assert code == 0, said + error
    assert run("artifact", "--weights", weights, "--embedder", shallow, "--out", tmp_path / "artifact")[0] == 0
    artifact = load_artifact(tmp_path / "artifact")
    router = Router.load(tmp_path / "artifact", ROOT / "registry")
    assert router.decide("very very question", config="cheap-pair").selected
    assert artifact.manifest.embedder.fingerprint == OnnxEmbedder.load(shallow).fingerprint
    for embedder, other in ((whole, weights), (shallow, ROOT / "weights/default")):
        with pytest.raises(ArtifactError, match="embedder"):
            join_embedder(other, embedder, tmp_path / "refused")
    assert not (tmp_path / "refused").exists()
