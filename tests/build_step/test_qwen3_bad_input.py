"""Checkpoints that cannot be exported: each is refused by name, with what to do, and nothing is written."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from artifacts_build.embedders.qwen3.export import export_qwen3
from artifacts_build.embedders.qwen3.settings import QUANTIZATIONS
from artifacts_build.errors import CheckpointError
from tests.build_step.qwen3_world import byte_tokenizer, checkpoint, edit_config, small_checkpoint
from tests.conftest import ROOT

__all__ = ["checkpoint"]  # a fixture

WEIGHTS = "model.safetensors"


def change_tensor(folder: Path, name: str, value: float) -> None:
    tensors = {key: values.astype(np.float32) for key, values in load_file(folder / WEIGHTS).items()}
    tensors[name].flat[3] = value
    save_file(tensors, folder / WEIGHTS)


def drop_tensor(folder: Path, name: str) -> None:
    tensors = load_file(folder / WEIGHTS)
    del tensors[name]
    save_file(tensors, folder / WEIGHTS)


def cut(path: Path, size: int) -> None:
    path.write_bytes(path.read_bytes()[:size])


def no_end_token(folder: Path) -> None:
    byte_tokenizer(end=False).save(str(folder / "tokenizer.json"))


def mean_pooling(folder: Path) -> None:
    (folder / "1_Pooling").mkdir()
    document = {"pooling_mode_mean_tokens": True, "pooling_mode_lasttoken": False}
    (folder / "1_Pooling/config.json").write_text(json.dumps(document))


FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "another model type": (lambda f: edit_config(f, model_type="llama"), "model_type 'llama'"),
    "another architecture": (
        lambda f: edit_config(f, architectures=["Qwen3ForSequenceClassification"]),
        "only Qwen3",
    ),
    "biases": (lambda f: edit_config(f, attention_bias=True), "attention_bias is True"),
    "scaled positions": (
        lambda f: edit_config(f, rope_scaling={"rope_type": "yarn", "factor": 4}),
        "rope_type is 'yarn'",
    ),
    "a sliding window": (lambda f: edit_config(f, use_sliding_window=True), "use_sliding_window"),
    "another activation": (lambda f: edit_config(f, hidden_act="gelu"), "hidden_act is 'gelu'"),
    "heads that do not divide": (lambda f: edit_config(f, num_key_value_heads=3), "num_key_value_heads"),
    "a size that is no number": (lambda f: edit_config(f, hidden_size="many"), "not a number"),
    "no layers": (lambda f: edit_config(f, num_hidden_layers=0), "num_hidden_layers"),
    "mean pooling": (mean_pooling, "only the last token"),
    "no config": (lambda f: (f / "config.json").unlink(), "config.json: No such file"),
    "a config that is not JSON": (lambda f: cut(f / "config.json", 20), "not JSON"),
    "no weights": (lambda f: (f / WEIGHTS).unlink(), "no \\*.safetensors"),
    "truncated weights": (lambda f: cut(f / WEIGHTS, 5000), "truncated or damaged"),
    "weights cut at the end": (lambda f: cut(f / WEIGHTS, (f / WEIGHTS).stat().st_size - 8), "truncated or damaged"),
    "a missing tensor": (lambda f: drop_tensor(f, "layers.1.mlp.up_proj.weight"), "layers.1.mlp.up_proj.weight"),
    "another size": (lambda f: edit_config(f, intermediate_size=128), "not \\[128, 64\\]"),
    "not a number in a layer": (
        lambda f: change_tensor(f, "layers.2.mlp.down_proj.weight", np.nan),
        "layers.2.mlp.down_proj.weight holds a value that is not finite",
    ),
    "infinity in the table": (
        lambda f: change_tensor(f, "embed_tokens.weight", np.inf),
        "embed_tokens.weight holds a value that is not finite",
    ),
    "no tokenizer": (lambda f: (f / "tokenizer.json").unlink(), "tokenizer.json: No such file"),
    "a damaged tokenizer": (lambda f: cut(f / "tokenizer.json", 500), "not a tokenizer"),
    "a tokenizer without an end token": (no_end_token, "do not end with one special token"),
    "another end token": (lambda f: edit_config(f, eos_token_id=259), "end token 259"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_checkpoint_that_cannot_be_exported_is_refused_by_name(tmp_path: Path, fault: str) -> None:
    folder = small_checkpoint(tmp_path / "checkpoint")
    spoil, message = FAULTS[fault]
    spoil(folder)
    with pytest.raises(CheckpointError, match=message) as refused:
        export_qwen3(str(folder), tmp_path / "out", QUANTIZATIONS["int8"])
    assert str(folder) in str(refused.value)
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint"]


@pytest.mark.parametrize(("rows", "message"), [(256, "largest token is 256"), (4000, "it has 257 tokens")])
def test_a_tokenizer_of_another_model_is_refused(tmp_path: Path, rows: int, message: str) -> None:
    folder = small_checkpoint(tmp_path / "checkpoint", vocab_size=rows)
    with pytest.raises(CheckpointError, match=message):
        export_qwen3(str(folder), tmp_path / "out", QUANTIZATIONS["int8"])


def test_a_missing_shard_is_named(tmp_path: Path) -> None:
    folder = small_checkpoint(tmp_path / "checkpoint", shards=2)
    (folder / "model-00002-of-00002.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"00002-of-00002\.safetensors: no such file.*Download the missing shard"):
        export_qwen3(str(folder), tmp_path / "out", QUANTIZATIONS["int8"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layers": 0}, "--layers 0: the checkpoint allows 1 to 3"),
        ({"layers": 4}, "--layers 4"),
        ({"max_tokens": 7}, "--max-tokens 7: the checkpoint allows 8 to 512"),
        ({"max_tokens": 513}, "--max-tokens 513"),
    ],
)
def test_settings_out_of_range_are_refused(
    checkpoint: Path, tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(CheckpointError, match=message):
        export_qwen3(str(checkpoint), tmp_path / "out", QUANTIZATIONS["int8"], **options)


def test_a_folder_that_is_not_there_is_not_looked_for_on_the_hub(tmp_path: Path) -> None:
    for name in (str(tmp_path / "none"), "./none/such", "nothing"):
        with pytest.raises(CheckpointError, match="no such folder"):
            export_qwen3(name, tmp_path / "out", QUANTIZATIONS["int8"])


def test_a_hub_that_cannot_be_reached_is_said_in_one_line(tmp_path: Path) -> None:
    world = {**os.environ, "HF_ENDPOINT": "http://127.0.0.1:1", "HF_HOME": str(tmp_path / "home")}
    command = [sys.executable, "-m", "artifacts_build", "export", "--embedder", "Qwen/Qwen3-Embedding-0.6B"]
    done = subprocess.run(
        [*command, "--out", str(tmp_path / "out")], cwd=ROOT, env=world, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert (
        done.stderr.strip()
        .splitlines()[-1]
        .startswith("artifacts_build: Qwen/Qwen3-Embedding-0.6B: cannot be downloaded from the hub")
    )
    assert "Traceback" not in done.stderr
    assert "name its folder" in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_hub_id_without_the_hub_library_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(CheckpointError, match="huggingface_hub is not installed: pip install"):
        export_qwen3("Qwen/Qwen3-Embedding-0.6B", tmp_path / "out", QUANTIZATIONS["int8"])


def test_a_downloaded_checkpoint_is_exported_with_its_revision(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import huggingface_hub

    asked = {}

    def download(hub_id: str, allow_patterns: list[str]) -> str:
        asked[hub_id] = allow_patterns
        return str(shutil.copytree(checkpoint, tmp_path / "snapshots/0123abcd"))

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    settings = export_qwen3("Qwen/Qwen3-Embedding-0.6B", tmp_path / "out", QUANTIZATIONS["int8"])
    assert "*.safetensors" in asked["Qwen/Qwen3-Embedding-0.6B"]
    assert settings.source["checkpoint"] == "Qwen/Qwen3-Embedding-0.6B"
    assert settings.source["revision"] == "0123abcd"
    assert settings.name == "qwen3-embedding-0.6b-int8"
