"""`evaluate` from files to pages: everything in one command, the same twice, and refusals before long work."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from artifacts_build.commands.data import ANCHORS
from artifacts_build.commands.main import cli, main
from artifacts_build.evaluation.targets import PAGES
from tests.conftest import ROOT

MODELS = 7
PLOTS = ("cost.png", "reliability.png", "auc.png", "oracle_gap.png")


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sources of 90 prompts, seven models with prices of their own."""
    folder = tmp_path_factory.mktemp("rows")
    rng = np.random.default_rng(8)
    lines = []
    for i in range(180):
        source = "sums" if i % 2 else "words"
        prompt = f"{source} {i}: " + "and then what follows from it " * (i % 12)
        for m in range(MODELS):
            p = 1 / (1 + np.exp(-(m - 2 - (i % 12) / 4)))
            row = {"prompt_id": f"{i}", "prompt": prompt, "model_id": f"m{m}", "score": float(rng.random() < p)}
            lines.append(json.dumps({**row, "source": source, "task": "t"}))
    (folder / "rows.jsonl").write_text("\n".join(lines) + "\n")
    (folder / "models.csv").write_text(
        "model_id,base_model,gpqa_diamond,livecodebench\n"
        + "".join(f"m{m},m{m},{30 + 9 * m},{20 + 10 * m if m % 2 else ''}\n" for m in range(MODELS))
    )
    (folder / "prices.csv").write_text(
        "model_id,input_cost_per_1k,output_cost_per_1k,output_tokens\n"
        + "".join(f"m{m},{0.0001 * 3**m:.6f},{0.0004 * 3**m:.6f},512\n" for m in range(MODELS))
    )
    # A few dozen anchors, in whole files' forms: embedding all of them takes longer than all else here.
    (folder / "anchors").mkdir()
    for path in ANCHORS.glob("*.jsonl"):
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        (folder / "anchors" / path.name).write_text("".join(lines[:24]), encoding="utf-8")
    return folder


def arguments(rows: Path, artifact: Path, tmp_path: Path) -> list[str]:
    return [
        *("--dataset", f"rows:{rows / 'rows.jsonl'}", "--models", str(rows / "models.csv")),
        *("--registry", str(ROOT / "registry"), "--embedder", str(artifact / "embedder")),
        *("--cache", str(tmp_path / "cache"), "--anchors", str(rows / "anchors")),
    ]


@pytest.mark.slow
def test_everything_in_one_command_and_the_same_twice(rows: Path, artifact_folder: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        own = ["--out", str(tmp_path / name), "--docs", str(tmp_path / "docs"), "--artifact", str(artifact_folder)]
        more = ["--prices", str(rows / "prices.csv"), "--resamples", "20", "--group-size", "3"]
        command = ["evaluate", "all", *arguments(rows, artifact_folder, tmp_path), *own, *more]
        result = CliRunner().invoke(cli, command, catch_exceptions=False)
        assert result.exit_code == 0
    assert "| other work, known kinds: log-loss at most 0.45 |" in result.output
    assert f"wrote {tmp_path / 'two'}" in result.output
    pages = {*PAGES, "README.md", *PLOTS}
    found = {path.name for path in (tmp_path / "one").iterdir()}
    assert pages < found
    assert {path.name for path in (tmp_path / "docs").iterdir()} == pages
    for path in sorted((tmp_path / "one").iterdir()):
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes(), path.name
    assert all((tmp_path / "one" / name).stat().st_size < 150_000 for name in PLOTS)
    bench = json.loads((tmp_path / "one/bench.json").read_text())
    assert set(bench["sources"]) == {"sums", "words"}
    assert "as stated in prices.csv" in (tmp_path / "one/README.md").read_text()


@pytest.mark.slow
def test_commands_write_beside_what_is_there(rows: Path, artifact_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("kept")
    command = [*arguments(rows, artifact_folder, tmp_path), "--out", str(out), "--prices", str(rows / "prices.csv")]
    assert CliRunner().invoke(cli, ["evaluate", "sweep", *command], catch_exceptions=False).exit_code == 0
    assert sorted(path.name for path in out.iterdir()) == ["mine.txt", "sweep.json", "sweep.md"]
    at = json.loads((out / "sweep.json").read_text())["sources"]["sums"]["thresholds"]
    assert at[0]["share"] == {"m0": 1.0}
    assert all(abs(sum(one["share"].values()) - 1) < 1e-3 for one in at)


def test_weights_that_saw_every_prompt_are_not_judged_on_any(
    rows: Path,
    artifact_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    command = ["evaluate", "bench", *arguments(rows, artifact_folder, tmp_path), "--seed", "5"]
    monkeypatch.setattr("sys.argv", ["artifacts_build", *command, "--weights", str(ROOT / "weights/default")])
    with pytest.raises(SystemExit) as raised:
        main()
    assert raised.value.code == 1
    error = capsys.readouterr().err
    assert "fitted to every prompt, so none is left to judge it on" in error
    assert "Leave --weights out" in error
    assert error.count("\n") == 1


@pytest.mark.slow
def test_where_no_model_has_a_price_the_predictions_are_still_measured(
    rows: Path, artifact_folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    command = ["evaluate", "bench", *arguments(rows, artifact_folder, tmp_path), "--out", str(out)]
    assert CliRunner().invoke(cli, command, catch_exceptions=False).exit_code == 0
    page = (out / "bench.md").read_text()
    assert "No source has five models with a price" in page
    assert "cost.png" not in page
    assert sorted(path.name for path in out.iterdir()) == ["auc.png", "bench.json", "bench.md", "reliability.png"]


def test_the_group_lists_its_commands() -> None:
    help_text = CliRunner().invoke(cli, ["evaluate", "--help"]).output
    for name in ("sweep", "holdout-models", "holdout-sources", "bench", "ablation", "robustness", "profiles", "all"):
        assert f"\n  {name} " in help_text
