"""How a matrix or the token table is kept in the graph, and the operator that reads it.

    float32   MatMul                    exact
    blocks8   MatMulNBits, 8 bits       blocks of 32 along the input, a scale and an offset a block
    blocks4   MatMulNBits, 4 bits       the same in half the size
    uint8     DynamicQuantizeMatMul     one scale an output; activations in 8 bits, one scale a call: the fastest

All rounding is to nearest, asymmetric over a range that includes zero, by elementwise numpy alone: the same
weights give the same bytes on every machine.
"""

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto

from artifacts_build.onnx_graph import MICROSOFT, Graph

Floats32 = NDArray[np.float32]
Bytes = NDArray[np.uint8]
Precision = Literal["float32", "blocks8", "blocks4", "uint8"]
TableBits = Literal[32, 8, 4]

BLOCK = 32
# Activations are quantized to 8 bits block by block, which is fast and costs little beside the weights' error.
INT8_ACTIVATIONS = 4
TABLE_CHUNK = 8192


def quantize_blocks(values: Floats32, bits: int, block: int) -> tuple[Bytes, Floats32, Bytes]:
    """Round [rows, k] in blocks along k: q uint8 [rows, k / block, block], scale and zero point [rows, k / block]."""
    rows, k = values.shape
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
        q, scale, zero = quantize_blocks(weight, 8, weight.shape[1])
        constants = (
            g.constant(f"{name}.quantized", q[:, 0].T),
            g.constant(f"{name}.scale", scale[:, 0]),
            g.constant(f"{name}.zero", zero[:, 0]),
        )
        return g.add("DynamicQuantizeMatMul", name, x, *constants, domain=MICROSOFT)
    bits = 8 if precision == "blocks8" else 4
    out, k = weight.shape
    q, scale, zero = quantize_blocks(weight, bits, BLOCK)
    constants = (
        g.constant(f"{name}.quantized", _packed(q, bits)),
        g.constant(f"{name}.scale", scale.ravel()),
        g.constant(f"{name}.zero", _packed(zero, bits).ravel()),
    )
    sizes = {"K": k, "N": out, "bits": bits, "block_size": BLOCK, "accuracy_level": INT8_ACTIVATIONS}
    return g.add("MatMulNBits", name, x, *constants, domain=MICROSOFT, **sizes)


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
        q, scale, zero = quantize_blocks(rows(*span), bits, BLOCK)
        quantized.append(_packed(q, bits).reshape(len(q), -1))
        scales.append(scale.astype(np.float16))
        zeros.append(_packed(zero, bits))
    constants = (
        g.constant(f"{name}.quantized", np.concatenate(quantized)),
        g.constant(f"{name}.scale", np.concatenate(scales)),
        g.constant(f"{name}.zero", np.concatenate(zeros)),
    )
    kept = {"bits": bits, "block_size": BLOCK, "gather_axis": 0, "quantize_axis": 1}
    gathered = (constants[0], ids, *constants[1:])
    half = g.add("GatherBlockQuantized", f"{name}.half", *gathered, domain=MICROSOFT, **kept)
    return g.add("Cast", name, half, to=TensorProto.FLOAT)
