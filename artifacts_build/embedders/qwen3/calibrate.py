"""Which matrices suffer most from few bits, on real prompts, and are kept in 8-bit blocks instead.

The error of a matrix is measured where it arises: the prompts run through the exact network, and each matrix is
applied to what reaches it there, rounded and not. The ones with the largest relative error are raised first, in
doubling numbers, until every vector of the whole network is close enough to the exact one.
"""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper
from pointsman.embedders.onnx import MODEL_FILE
from tqdm import tqdm

from artifacts_build.embedders.qwen3.checkpoint import Checkpoint, Layer
from artifacts_build.embedders.qwen3.graph import MATRICES, input_name, matrix_name, write_network
from artifacts_build.embedders.qwen3.precision import (
    BLOCKS,
    LEAST,
    Precision,
    quantize_blocks,
    quantize_columns,
    rounded_tokens,
)
from artifacts_build.embedders.qwen3.rotate import Rotated
from artifacts_build.embedders.qwen3.settings import Quantization
from artifacts_build.errors import BuildError

Floats32 = NDArray[np.float32]
Tokens = Sequence[Sequence[int]]

RAISED: Precision = "blocks8"
FIRST_RAISED = 4
# Errors of matrices are measured on this many tokens, which say enough of a thousand channels.
MOST_TOKENS = 512


def raised_until(
    scratch: Path,
    checkpoint: Checkpoint,
    kept: Quantization,
    layers: int,
    max_tokens: int,
    tokens: Tokens,
    min_cosine: float,
) -> Quantization:
    """The same quantization with as many matrices raised as it takes.

    Args:
        scratch: a folder with room for the exact network and the quantized one; left as it was.
        tokens: token ids of the prompts to measure on, already cut.
        min_cosine: no prompt's vector may have a smaller cosine to the exact one.

    Raises:
        BuildError: it is not reached with every matrix raised.
    """
    with tempfile.TemporaryDirectory(dir=scratch) as temporary:
        folder = Path(temporary)
        exact = replace(kept, precision="float32", table_bits=32, raised={})
        model = write_network(folder, checkpoint, exact, layers, max_tokens)
        wanted = _vectors(_session(folder / MODEL_FILE), tokens)
        by_error: list[str] = []
        count = 0
        while True:
            trial = replace(kept, raised=dict.fromkeys(by_error[:count], RAISED))
            (folder / "trial").mkdir(exist_ok=True)
            write_network(folder / "trial", checkpoint, trial, layers, max_tokens)
            cosine = _vectors(_session(folder / "trial" / MODEL_FILE), tokens) * wanted
            worst = float(cosine.sum(axis=1).min())
            tqdm.write(f"{count} of {layers * len(MATRICES)} matrices raised to {RAISED}: worst cosine {worst:.4f}")
            if worst >= min_cosine:
                return trial
            if count == layers * len(MATRICES):
                raise BuildError(
                    f"with every matrix in {RAISED} the worst cosine is {worst:.4f}, under {min_cosine}. "
                    "Use --table-bits 8 or 32, --quantize none, or a smaller --min-cosine."
                )
            if not by_error:
                errors = sensitivities(folder, model, checkpoint, kept, layers, tokens)
                by_error = sorted(errors, key=lambda matrix: -errors[matrix])
            count = min(max(FIRST_RAISED, 2 * count), len(by_error))


def sensitivities(
    folder: Path, model: onnx.ModelProto, checkpoint: Checkpoint, kept: Quantization, layers: int, tokens: Tokens
) -> dict[str, float]:
    """The relative error of each matrix's output, by `matrix_name`, as `kept` rounds it.

    Args:
        folder: holds the data of `model`, the exact network with the same rotation as `kept`.
    """
    places = [input_name(index, matrix) for index in range(layers) for matrix in MATRICES]
    tapped = onnx.ModelProto()
    tapped.CopyFrom(model)
    tapped.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in places)
    (folder / "tapped.onnx").write_bytes(tapped.SerializeToString())
    session = _session(folder / "tapped.onnx")
    seen: dict[str, list[Floats32]] = {name: [] for name in places}
    for ids in _first(tokens, MOST_TOKENS):
        for name, values in zip(places, session.run(places, _feed(ids)), strict=True):
            seen[name].append(values.reshape(-1, values.shape[-1]))
    del session
    weights: Any = Rotated(checkpoint) if kept.rotate else checkpoint
    errors = {}
    for index in tqdm(range(layers), unit="layer", desc="sensitivity", disable=None):
        layer: Layer = weights.layer(index)
        together = {
            "qkv": np.concatenate([layer.q, layer.k, layer.v]),
            "o": layer.o,
            "gate_up": np.concatenate([layer.gate, layer.up]),
            "down": layer.down,
        }
        for matrix, weight in together.items():
            x = np.concatenate(seen.pop(input_name(index, matrix)))
            errors[matrix_name(index, matrix)] = relative_error(x, weight, kept.of(matrix_name(index, matrix)))
    return errors


def relative_error(x: Floats32, weight: Floats32, precision: Precision) -> float:
    """How far x @ weight.T, [tokens, in] by [out, in], is from itself once rounded: root of summed squares."""
    exact = x @ weight.T
    if precision == "float32":
        return 0.0
    if precision == "uint8":
        q, scale = quantize_columns(weight)
        rounded = rounded_tokens(x) @ ((q.astype(np.float32) - 128) * scale[:, None]).T
    else:
        bits, block = BLOCKS[precision]
        values, steps, zero = quantize_blocks(weight, bits, block)
        back = (values.astype(np.float32) - zero[..., None]) * steps[..., None]
        rounded = x @ back.reshape(len(weight), -1)[:, : weight.shape[1]].T
    return float(np.linalg.norm(rounded - exact)) / max(float(np.linalg.norm(exact)), LEAST)


def _first(tokens: Tokens, most: int) -> Iterator[Sequence[int]]:
    """Texts until so many tokens are reached."""
    total = 0
    for ids in tokens:
        if total >= most:
            return
        total += len(ids)
        yield ids


def _session(path: Path) -> Any:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), sess_options=options, providers=["CPUExecutionProvider"])


def _feed(ids: Sequence[int]) -> dict[str, NDArray[np.int64]]:
    row = np.array([ids], np.int64)
    return {"input_ids": row, "attention_mask": np.ones_like(row)}


def _vectors(session: Any, tokens: Tokens) -> Floats32:
    bar = tqdm(tokens, unit="prompt", desc="measure", disable=None)
    return np.concatenate([session.run(["embedding"], _feed(ids))[0] for ids in bar])
