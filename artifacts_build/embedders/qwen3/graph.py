"""The Qwen3 network as one ONNX graph of onnxruntime's fused operators, written by hand.

    ids -> table -> layers x (norm, attention, norm, gated MLP) -> norm of the last token -> L2 -> embedding

Rows are right-padded: attention is causal and reads only a row's own tokens, so padding changes nothing.
Only the last token is pooled, so the last layer's output projection and MLP run on one row a text.
Exact beside `transformers` in float32 to about 1e-6 (tests, and `python -m benchmarks qwen3`).
"""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto
from pointsman.embedders.onnx import DATA_FILE, MODEL_FILE
from tqdm import tqdm

from artifacts_build.embedders.onnx_graph import MICROSOFT, Graph
from artifacts_build.embedders.qwen3.checkpoint import Checkpoint, Layer, Shape
from artifacts_build.embedders.qwen3.precision import Precision, TableBits, add_linear, add_table
from artifacts_build.embedders.qwen3.rotate import Rotated
from artifacts_build.embedders.qwen3.settings import Quantization

Floats32 = NDArray[np.float32]
# The matrices of a layer that are multiplied at once, in the order of the network.
MATRICES = ("qkv", "o", "gate_up", "down")
# Tables that follow from the sizes alone.
ROTARY = ("rotary_cos", "rotary_sin")


class Weights(Protocol):
    """What the graph needs of a checkpoint, or of one that was rotated and smoothed."""

    @property
    def shape(self) -> Shape:
        """Sizes."""

    def table_rows(self, start: int, stop: int) -> Floats32:
        """Rows of the token table."""

    def layer(self, index: int) -> Layer:
        """One layer."""

    def final_norm(self) -> Floats32:
        """The gain of the last normalization."""

    def output(self) -> Floats32 | None:
        """[hidden, hidden] that the pooled vector is multiplied with from the right, if any."""


def matrix_name(layer: int, matrix: str) -> str:
    """The name of a matrix, in graphs, recipes and reports: `layers.3.down`."""
    return f"layers.{layer}.{matrix}"


def input_name(layer: int, matrix: str) -> str:
    """The tensor that a matrix is applied to, to be looked at when calibrating."""
    return f"layers.{layer}.{ {'qkv': 'normal', 'o': 'attention', 'gate_up': 'normal2', 'down': 'gated'}[matrix] }"


def write_network(
    folder: Path, checkpoint: Checkpoint, kept: Quantization, layers: int, max_tokens: int
) -> onnx.ModelProto:
    """Write model.onnx and model.onnx.data to a folder; the graph as it was written."""
    weights: Weights = Rotated(checkpoint) if kept.rotate else checkpoint
    bar = tqdm(total=layers, unit="layer", desc="write", disable=None)
    with (folder / DATA_FILE).open("wb") as data, bar:
        g = Graph(data, DATA_FILE)
        add_network(g, weights, layers, max_tokens, kept.of, kept.table_bits, lambda _: bar.update())
    model = g.embedder("qwen3_embedder", checkpoint.shape.hidden)
    (folder / MODEL_FILE).write_bytes(model.SerializeToString(deterministic=True))
    return model


def add_network(
    g: Graph,
    weights: Weights,
    layers: int,
    max_tokens: int,
    precision: Callable[[str], Precision],
    table_bits: TableBits,
    after_layer: Callable[[int], object] = lambda _: None,
) -> None:
    """Add all nodes from `input_ids` and `attention_mask` to `embedding`.

    Args:
        layers: how many layers to run before the last normalization (an early exit where fewer than all).
        max_tokens: the longest row; longer ones have no rotary positions.
        precision: how each matrix is kept, by its `matrix_name`.
        after_layer: called with the index of each layer that was written, to show progress.
    """
    shape = weights.shape
    epsilon = shape.epsilon
    _add_constants(g, shape, max_tokens)
    hidden = add_table(g, "tokens", "input_ids", weights.table_rows, shape.vocabulary, table_bits)
    normal = ""
    layer = weights.layer(0)
    for index in range(layers):
        p, last = f"layers.{index}", index == layers - 1
        if index == 0:
            gain = g.constant(f"{p}.norm", layer.input_norm)
            normal = _normalized(g, input_name(0, "qkv"), hidden, gain, epsilon)
        attention = _attention(g, shape, p, layer, normal, precision(matrix_name(index, "qkv")))
        if last:
            attention = g.add("GatherND", f"{p}.attention_last", attention, "last_index", batch_dims=1)
            hidden = g.add("GatherND", f"{p}.hidden_last", hidden, "last_index", batch_dims=1)
        projected = add_linear(g, f"{p}.o", attention, layer.o, precision(matrix_name(index, "o")))
        normal, middle = input_name(index, "gate_up"), f"{p}.middle"
        gain = g.constant(f"{p}.norm2", layer.post_norm)
        _skip_normalized(g, normal, middle, projected, hidden, gain, epsilon)
        gated = _gated(g, p, layer, normal, precision(matrix_name(index, "gate_up")), index)
        down = add_linear(g, f"{p}.down", gated, layer.down, precision(matrix_name(index, "down")))
        after_layer(index)
        if not last:
            layer = weights.layer(index + 1)
            normal, hidden = input_name(index + 1, "qkv"), f"{p}.hidden"
            gain = g.constant(f"layers.{index + 1}.norm", layer.input_norm)
            _skip_normalized(g, normal, hidden, down, middle, gain, epsilon)
        else:
            gain = g.constant("norm", weights.final_norm())
            _skip_normalized(g, "pooled", "", down, middle, gain, epsilon)
    _add_output(g, weights.output())


def _add_constants(g: Graph, shape: Shape, max_tokens: int) -> None:
    """Rotary tables, the lengths of the rows, and the shapes that are shared by all layers."""
    inverse = shape.rope_theta ** (-np.arange(0, shape.head, 2, dtype=np.float64) / shape.head)
    angle = np.outer(np.arange(max_tokens), inverse)
    for name, table in zip(ROTARY, (np.cos(angle), np.sin(angle)), strict=True):
        g.constant(name, table.astype(np.float32))
    queries, keys = shape.heads * shape.head, shape.kv_heads * shape.head
    g.integers("one", 1)
    g.constant("second", np.array(1, np.int64))
    g.integers("qkv_widths", queries, keys, keys)
    g.integers("gate_widths", shape.intermediate, shape.intermediate)
    g.integers("q_heads", 0, 0, shape.heads, shape.head)
    g.integers("k_heads", 0, 0, shape.kv_heads, shape.head)
    g.integers("q_flat", 0, 0, queries)
    g.integers("k_flat", 0, 0, keys)
    length = g.add("ReduceSum", "length", "attention_mask", "one", keepdims=0)
    last = g.add("Sub", "last", length, "one")
    g.add("Cast", "last_32", last, to=TensorProto.INT32)
    g.add("Unsqueeze", "last_index", last, "one")
    row = g.add("Gather", "row_length", g.add("Shape", "ids_shape", "input_ids"), "second", axis=0)
    g.add("Cast", "row_length_32", row, to=TensorProto.INT32)


def _normalized(g: Graph, name: str, x: str, gain: str, epsilon: float) -> str:
    # In onnxruntime's default domain without being in ONNX's: only onnxruntime reads this graph.
    return g.add("SimplifiedLayerNormalization", name, x, gain, axis=-1, epsilon=epsilon, stash_type=1)


def _skip_normalized(g: Graph, name: str, total: str, x: str, skip: str, gain: str, epsilon: float) -> None:
    """`name` = norm(x + skip), `total` = x + skip."""
    outputs = [name, "", "", total] if total else [name]
    g.add_many("SkipSimplifiedLayerNormalization", outputs, x, skip, gain, domain=MICROSOFT, epsilon=epsilon)


def _attention(g: Graph, shape: Shape, p: str, layer: Layer, normal: str, precision: Precision) -> str:
    qkv = add_linear(g, f"{p}.qkv", normal, np.concatenate([layer.q, layer.k, layer.v]), precision)
    q, k, v = g.add_many("Split", [f"{p}.q", f"{p}.k", f"{p}.v"], qkv, "qkv_widths", axis=-1)
    gains = {"q": layer.q_norm, "k": layer.k_norm}
    rotated = []
    for name, tensor in (("q", q), ("k", k)):
        heads = g.add("Reshape", f"{p}.{name}_heads", tensor, f"{name}_heads")
        gain = g.constant(f"{p}.{name}_norm", gains[name])
        normal_heads = _normalized(g, f"{p}.{name}_normal", heads, gain, shape.epsilon)
        rotated.append(g.add("Reshape", f"{p}.{name}_flat", normal_heads, f"{name}_flat"))
    outputs = [f"{p}.attention", f"{p}.keys", f"{p}.values"]
    lengths = ("last_32", "row_length_32")
    sizes = {"num_heads": shape.heads, "kv_num_heads": shape.kv_heads, "scale": float(shape.head**-0.5)}
    return g.add_many(
        "GroupQueryAttention", outputs, *rotated, v, "", "", *lengths, *ROTARY, domain=MICROSOFT, do_rotary=1, **sizes
    )[0]


def _gated(g: Graph, p: str, layer: Layer, normal: str, precision: Precision, index: int) -> str:
    both = add_linear(g, f"{p}.gate_up", normal, np.concatenate([layer.gate, layer.up]), precision)
    gate, up = g.add_many("Split", [f"{p}.gate", f"{p}.up"], both, "gate_widths", axis=-1)
    # x * sigmoid(alpha * x) with alpha 1 is SiLU in one pass.
    silu = g.add("QuickGelu", f"{p}.silu", gate, domain=MICROSOFT, alpha=1.0)
    return g.add("Mul", input_name(index, "down"), silu, up)


def _add_output(g: Graph, output: Floats32 | None) -> None:
    pooled = "pooled"
    if output is not None:
        pooled = g.add("MatMul", "turned_back", pooled, g.constant("output", output))
    g.add("LpNormalization", "embedding", pooled, axis=-1, p=2)
