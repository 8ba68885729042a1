"""The layer: put together, tried as the server would use it, and weighed before it takes its place."""

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from pointsman.artifact.load import load_artifact, load_embedder
from pointsman.errors import ArtifactError, RegistryError
from pointsman.registry import Registry

from artifacts_build.commands.main import cli
from artifacts_build.packaging.artifact import LIMIT_BYTES, build_artifact, decide_once, size_table
from tests.conftest import ROOT, WriteRegistry, model_yaml

WEIGHTS = ROOT / "weights/default"


def test_a_layer_is_whole_and_decides(artifact_folder: Path, tmp_path: Path) -> None:
    report = build_artifact(WEIGHTS, artifact_folder / "embedder", ROOT / "registry", tmp_path / "layer")
    assert load_embedder(load_artifact(tmp_path / "layer")).name == "use-multilingual-v3"
    assert "tried with 'auto': " in report
    assert re.search(r"of \d+ candidates", report)


def test_the_table_adds_up_to_the_limit(artifact_folder: Path) -> None:
    lines = dict(line.rsplit(maxsplit=1) for line in size_table(artifact_folder, ROOT / "registry").splitlines())
    sizes = {name.strip(): int(size.replace(",", "")) for name, size in lines.items()}
    left, together = sizes.pop("left for the serving dependencies"), sizes.pop("together")
    limit = sizes.pop("limit of a function with its layers")
    assert limit == LIMIT_BYTES == 262_144_000
    assert sum(sizes.values()) == together == limit - left
    assert sizes["embedder/model.onnx"] == (artifact_folder / "embedder/model.onnx").stat().st_size


def test_what_is_too_large_says_so(tmp_path: Path) -> None:
    (tmp_path / "embedder").mkdir()
    with (tmp_path / "embedder/model.onnx").open("wb") as stream:
        stream.truncate(LIMIT_BYTES)
    table = size_table(tmp_path, ROOT / "registry")
    assert "bytes over the limit: it does not fit a layer" in table
    assert "left for" not in table


def test_nothing_is_left_where_the_result_cannot_decide(artifact_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "registry").mkdir()
    with pytest.raises(RegistryError):
        build_artifact(WEIGHTS, artifact_folder / "embedder", tmp_path / "registry", tmp_path / "layer")
    assert [path.name for path in tmp_path.iterdir()] == ["registry"]


def test_an_older_layer_stays_where_a_new_one_fails(artifact_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "layer"
    build_artifact(WEIGHTS, artifact_folder / "embedder", ROOT / "registry", out)
    before = (out / "manifest.json").read_bytes()
    (tmp_path / "registry").mkdir()
    with pytest.raises(RegistryError):
        build_artifact(WEIGHTS, artifact_folder / "embedder", tmp_path / "registry", out)
    assert (out / "manifest.json").read_bytes() == before
    assert load_embedder(load_artifact(out))


def test_weights_of_another_embedder_are_refused(artifact_folder: Path, tmp_path: Path) -> None:
    embedder = tmp_path / "embedder"
    embedder.mkdir()
    settings = json.loads((artifact_folder / "embedder/embedder.json").read_text())
    (embedder / "embedder.json").write_text(json.dumps({**settings, "fingerprint": "0" * 64}))
    with pytest.raises(ArtifactError, match="is not the one that the weights were trained for"):
        build_artifact(WEIGHTS, embedder, ROOT / "registry", tmp_path / "layer")


def test_a_registry_without_auto_is_tried_with_what_it_has(
    artifact_folder: Path, write_registry: WriteRegistry, small_registry: Registry
) -> None:
    folder = write_registry({}, {"auto.yaml": "name: other\ndescription: all\nmodels: [acme/weak]\n"})
    assert small_registry.configs
    assert "tried with 'other': acme/weak of 1 candidates" in decide_once(artifact_folder, folder)


def test_the_command_names_its_folder_by_the_layer(
    artifact_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "r/models").mkdir(parents=True)
    (tmp_path / "r/routers").mkdir()
    (tmp_path / "r/models/m.yaml").write_text(model_yaml("acme/m"))
    (tmp_path / "r/routers/auto.yaml").write_text("name: auto\ndescription: all\nmodels: [acme/m]\n")
    arguments = ["artifact", "--weights", str(WEIGHTS), "--embedder", str(artifact_folder / "embedder")]
    result = CliRunner().invoke(cli, [*arguments, "--registry", "r", "--name", "mine"], catch_exceptions=False)
    assert result.exit_code == 0
    assert (tmp_path / "layers/artifacts/mine/manifest.json").exists()
    assert "limit of a function" in result.output
