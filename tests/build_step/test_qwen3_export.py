"""The export of Qwen3 checkpoints: exact beside `transformers`, close when quantized, known by its fingerprint."""

import errno
import importlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import numpy as np
import pytest
from pointsman.artifact.integrity import sha256_of
from pointsman.embedders import OnnxEmbedder
from pointsman.errors import ArtifactError

from artifacts_build.embedders import onnx_graph
from artifacts_build.embedders.qwen3.checkpoint import open_checkpoint
from artifacts_build.embedders.qwen3.export import Calibration, export_qwen3
from artifacts_build.embedders.qwen3.rotate import rotated
from artifacts_build.embedders.qwen3.settings import QUANTIZATIONS, Quantization
from artifacts_build.errors import BuildError
from tests.build_step.qwen3_world import TEXTS, checkpoint, mixed_rows, small_checkpoint
from tests.conftest import ROOT

__all__ = ["checkpoint"]  # a fixture

NONE, INT8, WIDE, FAST, INT4 = QUANTIZATIONS.values()
PARITY = 1e-4


def reference(folder: Path, rows: list[list[int]], layers: int | None = None) -> Any:
    """Vectors of `transformers` for a right-padded batch; after `layers`, the last normalization follows."""
    if os.environ.get("POINTSMAN_REQUIRE_TORCH") != "1":
        pytest.importorskip("torch", reason="no torch: make reference installs it")
    torch = importlib.import_module("torch")
    transformers = pytest.importorskip("transformers")
    model = transformers.Qwen3Model.from_pretrained(folder, dtype=torch.float32).eval()
    ids = torch.zeros((len(rows), max(map(len, rows))), dtype=torch.long)
    mask = torch.zeros_like(ids)
    for i, row in enumerate(rows):
        ids[i, : len(row)], mask[i, : len(row)] = torch.tensor(row), 1
    with torch.inference_mode():
        found = model(input_ids=ids, attention_mask=mask, use_cache=False, output_hidden_states=True)
        states = found.last_hidden_state if layers is None else model.norm(found.hidden_states[layers])
        return torch.nn.functional.normalize(states[torch.arange(len(rows)), mask.sum(1) - 1], dim=-1).numpy()


@pytest.mark.parametrize(
    "sizes",
    [
        {},
        {"num_attention_heads": 6, "num_key_value_heads": 2, "head_dim": 32, "hidden_size": 96},
        {"num_attention_heads": 4, "num_key_value_heads": 4, "head_dim": 16, "num_hidden_layers": 2},
        {"num_attention_heads": 4, "num_key_value_heads": 1, "num_hidden_layers": 1, "bfloat16": False},
        {"num_hidden_layers": 5, "rope_theta": 10000, "shards": 3, "outliers": False},
    ],
)
def test_the_exact_graph_computes_what_transformers_does(tmp_path: Path, sizes: dict[str, Any]) -> None:
    folder = small_checkpoint(tmp_path / "checkpoint", **sizes)
    export_qwen3(str(folder), tmp_path / "out", NONE)
    rows = mixed_rows()
    found = OnnxEmbedder.load(tmp_path / "out").embed_tokens(rows)
    assert np.abs(found - reference(folder, rows)).max() < PARITY


@pytest.mark.parametrize("layers", [1, 2])
def test_an_early_exit_is_the_hidden_state_after_so_many_layers(checkpoint: Path, tmp_path: Path, layers: int) -> None:
    settings = export_qwen3(str(checkpoint), tmp_path / "out", NONE, layers=layers)
    rows = mixed_rows()
    found = OnnxEmbedder.load(tmp_path / "out").embed_tokens(rows)
    assert np.abs(found - reference(checkpoint, rows, layers)).max() < PARITY
    assert settings.source["layers"] == f"{layers} of 3"
    assert settings.name == f"tiny-{layers}-layers"


def test_the_rotation_is_orthogonal_and_changes_no_vector(checkpoint: Path, tmp_path: Path) -> None:
    for size in (64, 96, 3072):
        q = rotated(np.eye(size, dtype=np.float32))
        assert np.abs(q @ q.T - np.eye(size)).max() < 1e-5
        assert [int(sign) for sign in np.sign(q[:6, 0])] == [1, -1, -1, -1, 1, 1]  # the same for ever
        assert np.abs(q).max() < 0.36  # spread over at least the largest power of two that divides the size
    turned = Quantization("turned", "float32", rotate=True, table_bits=32)
    export_qwen3(str(checkpoint), tmp_path / "plain", NONE)
    export_qwen3(str(checkpoint), tmp_path / "turned", turned)
    plain, other = (OnnxEmbedder.load(tmp_path / name).embed(TEXTS) for name in ("plain", "turned"))
    assert np.abs(plain - other).max() < 1e-5


@pytest.mark.parametrize(("kept", "least"), [(INT8, 0.999), (WIDE, 0.998), (FAST, 0.99), (INT4, 0.9)])
def test_quantized_vectors_stay_close_and_do_not_depend_on_the_batch(
    checkpoint: Path, tmp_path: Path, kept: Any, least: float
) -> None:
    export_qwen3(str(checkpoint), tmp_path / "exact", NONE)
    settings = export_qwen3(str(checkpoint), tmp_path / kept.name, kept)
    embedder = OnnxEmbedder.load(tmp_path / kept.name)
    together = embedder.embed(TEXTS)
    assert (together * OnnxEmbedder.load(tmp_path / "exact").embed(TEXTS)).sum(axis=1).min() > least
    alone = np.concatenate([embedder.embed([text]) for text in TEXTS])
    # A sum in another order may move a value over the edge of a step, so not to the last bit.
    assert (together * alone).sum(axis=1).min() > 0.9999
    sizes = [(tmp_path / name / "model.onnx.data").stat().st_size for name in (kept.name, "exact")]
    assert sizes[0] < sizes[1]
    assert settings.source["quantization"] == kept.name


def test_the_same_checkpoint_gives_the_same_bytes_and_every_setting_another_fingerprint(
    checkpoint: Path, tmp_path: Path
) -> None:
    one, two = (export_qwen3(str(checkpoint), tmp_path / name, FAST) for name in ("one", "two"))
    assert one == two
    assert all(sha256_of(tmp_path / "one" / file) == sha256_of(tmp_path / "two" / file) for file in one.files)
    table32 = replace(FAST, table_bits=32)
    others = [
        export_qwen3(str(checkpoint), tmp_path / "a", INT8),
        export_qwen3(str(checkpoint), tmp_path / "b", FAST, layers=2),
        export_qwen3(str(checkpoint), tmp_path / "c", FAST, max_tokens=64),
        export_qwen3(str(checkpoint), tmp_path / "d", table32),
    ]
    assert len({settings.fingerprint for settings in (one, *others)}) == 5
    assert others[2].max_tokens == 64


def test_a_text_longer_than_the_window_is_cut_and_keeps_its_end_token(checkpoint: Path, tmp_path: Path) -> None:
    export_qwen3(str(checkpoint), tmp_path / "out", NONE, max_tokens=16)
    embedder = OnnxEmbedder.load(tmp_path / "out")
    ids = embedder.tokenize("word " * 20)
    found = embedder.embed(["word " * 20])
    assert np.abs(found - reference(checkpoint, [[*ids[:15], ids[-1]]])).max() < PARITY


def test_numbers_beside_the_graph_are_checked_before_they_are_mapped(checkpoint: Path, tmp_path: Path) -> None:
    export_qwen3(str(checkpoint), tmp_path / "out", INT8)
    data = tmp_path / "out" / "model.onnx.data"
    whole = data.read_bytes()
    data.write_bytes(whole[:-1])
    with pytest.raises(ArtifactError, match=r"model\.onnx\.data: sha256"):
        OnnxEmbedder.load(tmp_path / "out")
    data.unlink()
    with pytest.raises(ArtifactError, match=r"model\.onnx\.data: no such file"):
        OnnxEmbedder.load(tmp_path / "out")
    data.write_bytes(whole)
    settings = json.loads((tmp_path / "out" / "embedder.json").read_text())
    del settings["files"]["model.onnx.data"]
    (tmp_path / "out" / "embedder.json").write_text(json.dumps(settings))
    with pytest.raises(ArtifactError, match="not listed"):
        OnnxEmbedder.load(tmp_path / "out")


def test_matrices_are_raised_until_every_prompt_is_close_enough(checkpoint: Path, tmp_path: Path) -> None:
    # A table in 32 bits, so that the matrices alone decide.
    kept = replace(FAST, table_bits=32)
    before = export_qwen3(str(checkpoint), tmp_path / "fast", kept)
    exact = export_qwen3(str(checkpoint), tmp_path / "exact", NONE)
    vectors = {name: OnnxEmbedder.load(tmp_path / name).embed(TEXTS) for name in ("fast", "exact")}
    worst = float((vectors["fast"] * vectors["exact"]).sum(axis=1).min())
    wanted = (1 + worst) / 2
    after = export_qwen3(str(checkpoint), tmp_path / "raised", kept, calibration=Calibration(TEXTS, wanted))
    raised = OnnxEmbedder.load(tmp_path / "raised").embed(TEXTS)
    assert (raised * vectors["exact"]).sum(axis=1).min() >= wanted - 1e-6
    assert "=blocks8" in after.source["raised"]
    assert len({before.fingerprint, exact.fingerprint, after.fingerprint}) == 3
    with pytest.raises(BuildError, match=r"every matrix in blocks8 the worst cosine is 0\.9"):
        export_qwen3(str(checkpoint), tmp_path / "no", kept, calibration=Calibration(TEXTS, 1 - 1e-9))
    assert not (tmp_path / "no").exists()


def test_a_full_disk_is_said_and_leaves_nothing_behind(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = 0
    outside = onnx_graph.Graph._outside

    def full(self: onnx_graph.Graph, data: IO[bytes], name: str, value: Any) -> Any:
        nonlocal written
        written += 1
        if written > 5:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return outside(self, data, name, value)

    monkeypatch.setattr(onnx_graph.Graph, "_outside", full)
    with pytest.raises(BuildError, match="the disk is full, and nothing was written"):
        export_qwen3(str(checkpoint), tmp_path / "out", NONE)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_export_that_is_stopped_leaves_nothing_behind(tmp_path: Path, number: signal.Signals) -> None:
    folder = small_checkpoint(tmp_path / "checkpoint", num_hidden_layers=40, hidden_size=512, intermediate_size=2048)
    out = tmp_path / "written" / "out"
    out.mkdir(parents=True)
    (out / "old").write_text("whole")
    code = [sys.executable, "-m", "artifacts_build", "export", "--embedder", str(folder), "--out", str(out)]
    process = subprocess.Popen(
        [*code, "--quantize", "int8"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        # Where the tests run in the background, a shell has Ctrl-C ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 60
    while not list(out.parent.glob(".out.*/model.onnx.data")) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(number)
    said = process.communicate(timeout=60)[0].decode()
    assert process.returncode != 0, said
    assert "Traceback" not in said
    assert [path.name for path in out.parent.iterdir()] == ["out"]
    assert [path.name for path in out.iterdir()] == ["old"]


def test_the_exported_folder_holds_the_tokenizer_as_it_was(checkpoint: Path, tmp_path: Path) -> None:
    export_qwen3(str(checkpoint), tmp_path / "out", INT4)
    assert (tmp_path / "out/tokenizer.json").read_bytes() == (checkpoint / "tokenizer.json").read_bytes()
    embedder = OnnxEmbedder.load(tmp_path / "out")
    assert embedder.special_tokens == 1
    assert embedder.tokenize("ab")[-1] == open_checkpoint(checkpoint).shape.end_token
    shutil.rmtree(tmp_path / "out")
