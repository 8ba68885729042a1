"""`train` from files to weights: datasets of several kinds in, the same bytes out each time."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from pointsman.artifact.load import load_artifact

from artifacts_build.commands.main import cli, main
from tests.conftest import ROOT

RNG = np.random.default_rng(4)


def write_rows(path: Path, topic: str) -> str:
    """A rows file: long questions are hard, and models differ."""
    lines = []
    for i in range(60):
        prompt = f"{topic} {i}: " + "and then what follows from it " * (i % 12)
        for m in range(6):
            p = 1 / (1 + np.exp(-(m - 2 - (i % 12) / 4)))
            row = {"prompt_id": f"{i}", "prompt": prompt, "model_id": f"m{m}", "score": float(RNG.random() < p)}
            lines.append(json.dumps(row))
    path.write_text("\n".join(lines) + "\n")
    return f"rows:{path}"


@pytest.fixture
def arguments(artifact_folder: Path, tmp_path: Path) -> list[str]:
    one, two = (write_rows(tmp_path / f"{topic}.jsonl", topic) for topic in ("sums", "words"))
    (tmp_path / "models.csv").write_text(
        "model_id,base_model,gpqa_diamond,livecodebench\n" + "".join(f"m{m},m{m},{30 + 10 * m},\n" for m in range(6))
    )
    (tmp_path / "responses.jsonl").write_text('{"subject_id": "s", "responses": {"t1": 1, "t2": 0}}\n')
    (tmp_path / "tasks.jsonl").write_text(
        "".join(json.dumps({"task_id": f"t{i}", "problem_statement": f"Mend {i}."}) + "\n" for i in (1, 2))
    )
    return [
        *("train", "--dataset", one, "--dataset", f"{two},weight=0.5"),
        *("--dataset", f"agentic:{tmp_path / 'responses.jsonl'},tasks={tmp_path / 'tasks.jsonl'}"),
        *("--models", str(tmp_path / "models.csv"), "--registry", str(ROOT / "registry")),
        *("--embedder", str(artifact_folder / "embedder"), "--cache", str(tmp_path / "cache")),
    ]


@pytest.mark.slow
def test_the_same_datasets_give_the_same_weights(arguments: list[str], tmp_path: Path) -> None:
    for name in ("one", "two"):
        out = ["--out", str(tmp_path / name), "--name", "small"]
        result = CliRunner().invoke(cli, [*arguments, *out], catch_exceptions=False)
        assert result.exit_code == 0
    assert "122 prompts, 722 responses of 7 models; 720 of them by models with published scores" in result.output
    assert "responses: 2 prompts" not in result.stdout
    assert load_artifact(tmp_path / "one").predictor.a > 0
    for file in ("predictor.npz", "manifest.json", "MODEL_CARD.md"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_a_fault_of_the_data_is_one_line_and_leaves_nothing(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with (tmp_path / "sums.jsonl").open("a") as stream:
        stream.write('{"prompt_id": "60", "prompt": "cut o')
    monkeypatch.setattr("sys.argv", ["artifacts_build", *arguments, "--out", str(tmp_path / "out")])
    with pytest.raises(SystemExit) as raised:
        main()
    assert raised.value.code == 1
    error = capsys.readouterr().err
    assert error.startswith(f"artifacts_build: {tmp_path / 'sums.jsonl'}:361: not JSON")
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_without_data_the_remedy_is_said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["artifacts_build", "train", "--registry", str(ROOT / "registry")])
    with pytest.raises(SystemExit):
        main()
    assert "Name one with --dataset KIND:PATH" in capsys.readouterr().err
