"""The fingerprint of an embedder: what weights are trained for, whatever library wrote the files.

A sha256 over tensors by name, the tokenizer, and the settings that change a vector. The graph's nodes are
left out: another version of an export library may write the same computation in other nodes.
"""

import hashlib
import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

import onnx

from artifacts_build.embedders.onnx_graph import tensor_array


def fingerprint_of(
    model: onnx.ModelProto,
    folder: Path,
    tokenizer: dict[str, Any],
    settings: dict[str, Any],
    computed: Collection[str] = (),
) -> str:
    """The fingerprint, 64 hexadecimal digits.

    Args:
        model: the graph with its constants.
        folder: where the constants are that the graph keeps outside.
        tokenizer: the document of `tokenizer.json`.
        settings: what else changes a vector: max_tokens, prefix, dimensions.
        computed: tensors that follow from the settings, by functions whose last bit differs between machines.
    """
    total = hashlib.sha256()
    tensors = (t for t in model.graph.initializer if len(t.dims) and _is_learned(t) and t.name not in computed)
    for tensor in sorted(tensors, key=lambda t: t.name):
        array = tensor_array(tensor, folder)
        total.update(f"{tensor.name} {array.dtype} {list(array.shape)}\n".encode())
        total.update(array.data)
    for document in (tokenizer, settings):
        total.update(json.dumps(document, sort_keys=True, ensure_ascii=False).encode())
    return total.hexdigest()


def _is_learned(tensor: onnx.TensorProto) -> bool:
    """Indices and shapes are part of how a graph is written; numbers that were learned are not int64."""
    return tensor.data_type != onnx.TensorProto.INT64
