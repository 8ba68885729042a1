"""How a matrix or the token table is kept in the graph, and the operator that reads it.

    float32   MatMul                  exact
    blocks8   MatMulNBits, 8 bits     blocks of 32 along the input, a scale and an offset a block
    wide8     MatMulNBits, 8 bits     blocks of 128: faster, a little less accurate
    blocks4   MatMulNBits, 4 bits     blocks of 32
    uint8     MatMulIntegerToFloat    one scale an output; activations in 8 bits, one scale a token: the fastest

Activations are quantized while the network runs, each token by its own largest value (in blocks, or whole): a
text's vector never depends on what it is batched with. With one scale a call, as DynamicQuantizeMatMul has it, it
would, and one large token would leave the others few steps.

All rounding is to nearest, by elementwise numpy alone: the same weights give the same bytes on every machine.
Quantized weights and activations are unsigned: signed ones may saturate on processors without VNNI.
"""

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto

from artifacts_build.embedders.onnx_graph import MICROSOFT, Graph
from artifacts_build.errors import CheckpointError

Floats32 = NDArray[np.float32]
Bytes = NDArray[np.uint8]
Precision = Literal["float32", "blocks8", "wide8", "blocks4", "uint8"]
TableBits = Literal[32, 8, 4]

# Bits and block length of the precisions in blocks.
BLOCKS: dict[Precision, tuple[int, int]] = {"blocks8": (8, 32), "wide8": (8, 128), "blocks4": (4, 32)}
TABLE_BLOCK = 32
# Activations are quantized to 8 bits block by block, which is fast and costs little beside the weights' error.
INT8_ACTIVATIONS = 4
TABLE_CHUNK = 8192
LEAST = 1e-12


def check_sizes(hidden: int, table_bits: TableBits) -> None:
    """Refuse a table whose rows cannot be cut in blocks.

    Raises:
        CheckpointError: the hidden size is no multiple of the block.
    """
    if table_bits != 32 and hidden % TABLE_BLOCK:
        raise CheckpointError(
            f"hidden_size {hidden} is no multiple of {TABLE_BLOCK}, the block of a quantized table. "
            "Use --table-bits 32."
        )


def quantize_blocks(values: Floats32, bits: int, block: int) -> tuple[Bytes, Floats32, Bytes]:
    """Round [rows, k] in blocks along k: q uint8 [rows, k / block, block], scale and zero point [rows, k / block].

    Where the last block is not full, zeros fill it.
    """
    rows, k = values.shape
    if k % block:
        values = np.pad(values, ((0, 0), (0, -k % block)))
        k = values.shape[1]
    blocks = np.ascontiguousarray(values).reshape(rows, k // block, block)
    top = np.float32((1 << bits) - 1)
    low, high = np.minimum(blocks.min(-1), 0), np.maximum(blocks.max(-1), 0)
    scale = ((high - low) / top).astype(np.float32)
    scale[scale == 0] = 1
    zero = np.clip(np.rint(-low / scale), 0, top).astype(np.uint8)
    q = blocks / scale[..., None]
    np.rint(q, out=q)
    q += zero[..., None]
    np.clip(q, 0, top, out=q)
    return q.astype(np.uint8), scale, zero


def _packed(q: Bytes, bits: int) -> Bytes:
    """Two values of 4 bits in a byte along the last axis, the first in the low half."""
    if bits == 8:
        return q
    if q.shape[-1] % 2:
        q = np.concatenate([q, np.zeros((*q.shape[:-1], 1), np.uint8)], axis=-1)
    packed: Bytes = q[..., 0::2] | (q[..., 1::2] << np.uint8(4))
    return packed


def add_linear(g: Graph, name: str, x: str, weight: Floats32, precision: Precision) -> str:
    """Adds y = x @ weight.T, float32 [..., out]; `weight` is [out, in]."""
    if precision == "float32":
        return g.add("MatMul", name, x, g.constant(f"{name}.weight", weight.T))
    if precision == "uint8":
        return _add_uint8(g, name, x, weight)
    bits, block = BLOCKS[precision]
    out, k = weight.shape
    q, scale, zero = quantize_blocks(weight, bits, block)
    constants = (
        g.constant(f"{name}.quantized", _packed(q, bits)),
        g.constant(f"{name}.scale", scale.ravel()),
        g.constant(f"{name}.zero", _packed(zero, bits).ravel()),
    )
    sizes = {"K": k, "N": out, "bits": bits, "block_size": block, "accuracy_level": INT8_ACTIVATIONS}
    return g.add("MatMulNBits", name, x, *constants, domain=MICROSOFT, **sizes)


def quantize_columns(weight: Floats32) -> tuple[Bytes, Floats32]:
    """Round [out, in] with one scale an output: q uint8 [out, in], where 128 is zero, and scale [out]."""
    scale = (np.abs(weight).max(1) / np.float32(127)).astype(np.float32)
    scale[scale == 0] = 1
    return (np.rint(weight / scale[:, None]) + 128).astype(np.uint8), scale


def rounded_tokens(x: Floats32) -> Floats32:
    """What the graph makes of activations [tokens, in] before a `uint8` matrix: steps of 1/127 of a token's largest."""
    largest = np.maximum(np.abs(x).max(-1, keepdims=True), LEAST)
    rounded: Floats32 = np.rint(x / largest * np.float32(127)) / np.float32(127) * largest
    return rounded


def _add_uint8(g: Graph, name: str, x: str, weight: Floats32) -> str:
    """x is divided by the largest value of each token, rounded to steps of 1/127, and y multiplied by it again."""
    q, scale = quantize_columns(weight)
    constants = (g.constant(f"{name}.quantized", q.T), g.constant(f"{name}.scale", scale))
    step, middle, least, last = _uint8_constants(g)
    size = g.add("Abs", f"{name}.size", x)
    largest = g.add("Max", f"{name}.largest", g.add("ReduceMax", f"{name}.peak", size, last, keepdims=1), least)
    even = g.add("Div", f"{name}.even", x, largest)
    rounded = g.add("QuantizeLinear", f"{name}.rounded", even, step, middle)
    inputs = (rounded, constants[0], step, constants[1], middle, middle)
    product = g.add("MatMulIntegerToFloat", f"{name}.product", *inputs, domain=MICROSOFT)
    return g.add("Mul", name, product, largest)


def _uint8_constants(g: Graph) -> tuple[str, str, str, str]:
    """The step of a rounded activation, the byte of zero, the least divisor, and the last axis; once a graph."""
    names = ("byte_step", "byte_zero", "least", "last_axis")
    if not any(tensor.name == names[0] for tensor in g.initializers):
        g.constant(names[0], np.array(1 / 127, np.float32))
        g.constant(names[1], np.array(128, np.uint8))
        g.constant(names[2], np.array(LEAST, np.float32))
        g.integers(names[3], -1)
    return names


def add_table(
    g: Graph, name: str, ids: str, rows: Callable[[int, int], Floats32], vocabulary: int, bits: TableBits
) -> str:
    """Adds the rows of the token table at `ids`; only the gathered rows are dequantized.

    Args:
        rows: rows(start, stop) of the table, float32 [stop - start, hidden].
    """
    spans = [(start, min(start + TABLE_CHUNK, vocabulary)) for start in range(0, vocabulary, TABLE_CHUNK)]
    if bits == 32:
        whole = np.concatenate([rows(*span) for span in spans])
        return g.add("Gather", name, g.constant(f"{name}.table", whole), ids)
    quantized, scales, zeros = [], [], []
    for span in spans:
        q, scale, zero = quantize_blocks(rows(*span), bits, TABLE_BLOCK)
        quantized.append(_packed(q, bits).reshape(len(q), -1))
        scales.append(scale.astype(np.float16))
        zeros.append(_packed(zero, bits))
    constants = (
        g.constant(f"{name}.quantized", np.concatenate(quantized)),
        g.constant(f"{name}.scale", np.concatenate(scales)),
        g.constant(f"{name}.zero", np.concatenate(zeros)),
    )
    kept = {"bits": bits, "block_size": TABLE_BLOCK, "gather_axis": 0, "quantize_axis": 1}
    gathered = (constants[0], ids, *constants[1:])
    half = g.add("GatherBlockQuantized", f"{name}.half", *gathered, domain=MICROSOFT, **kept)
    return g.add("Cast", name, half, to=TensorProto.FLOAT)
