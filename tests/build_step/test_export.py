"""The export: deterministic, whole or not at all, and known by a fingerprint that outlives library versions."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from pointsman.artifact.integrity import sha256_of
from pointsman.artifact.manifest import read_manifest

from artifacts_build.embedders import use_multilingual
from artifacts_build.embedders.export import export_use_multilingual
from artifacts_build.embedders.fingerprint import fingerprint_of
from artifacts_build.packaging.folders import whole_folder
from tests.conftest import ROOT


@pytest.mark.slow
def test_two_exports_are_the_same_to_the_byte_and_fit_the_weights(tmp_path: Path) -> None:
    one = export_use_multilingual(tmp_path / "one")
    two = export_use_multilingual(tmp_path / "two")
    assert one == two
    for name in one.files:
        assert sha256_of(tmp_path / "one" / name) == sha256_of(tmp_path / "two" / name)
    manifest, _ = read_manifest(ROOT / "weights/default")
    assert one.fingerprint == manifest.embedder.fingerprint


def test_the_table_stays_uint8_in_the_graph() -> None:
    model = use_multilingual.build_graph(use_multilingual.read_weights(use_multilingual.resources()))
    table = next(t for t in model.graph.initializer if t.name == "table")
    assert (table.data_type, list(table.dims)) == (TensorProto.UINT8, [128_010, 512])


NOWHERE = Path("/nonexistent")


def small_model(value: float, nodes: list[onnx.NodeProto]) -> onnx.ModelProto:
    weight = numpy_helper.from_array(np.full((2, 2), value, np.float32), "weight")
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [2, 2]) for name in ("x", "y"))
    return helper.make_model(helper.make_graph(nodes, "g", [x], [y], [weight]))


def test_the_fingerprint_is_of_the_numbers_not_of_the_nodes() -> None:
    one = [helper.make_node("MatMul", ["x", "weight"], ["y"])]
    two = [helper.make_node("MatMul", ["x", "weight"], ["z"]), helper.make_node("Identity", ["z"], ["y"])]
    settings = {"max_tokens": 8}
    tokenizer: dict[str, Any] = {"model": {"vocab": []}}
    first = fingerprint_of(small_model(1, one), NOWHERE, tokenizer, settings)
    assert fingerprint_of(small_model(1, two), NOWHERE, tokenizer, settings) == first
    assert fingerprint_of(small_model(2, one), NOWHERE, tokenizer, settings) != first
    assert fingerprint_of(small_model(1, one), NOWHERE, {"model": {"vocab": ["a"]}}, settings) != first
    assert fingerprint_of(small_model(1, one), NOWHERE, tokenizer, {"max_tokens": 9}) != first


def test_an_interrupted_build_leaves_nothing_behind(tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.mkdir()
    (target / "old").write_text("whole")

    def interrupted() -> None:
        with whole_folder(target) as scratch:
            (scratch / "half").write_text("...")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert (target / "old").read_text() == "whole"


def test_a_finished_build_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    target = tmp_path / "out"
    for text in ("first", "second"):
        with whole_folder(target) as scratch:
            (scratch / "file").write_text(text)
    assert (target / "file").read_text() == "second"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
