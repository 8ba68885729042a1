"""A Qwen3 checkpoint to a folder that `pointsman.embedders.OnnxEmbedder` loads: whole, checked, or not at all.

One layer is in memory at a time; the numbers go to `model.onnx.data` as they are made and are mapped from there
when the embedder is loaded. Before the folder takes its place it is loaded once, as a server would.
"""

import errno
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pointsman.artifact.integrity import sha256_of
from pointsman.embedders.onnx import (
    DATA_FILE,
    MODEL_FILE,
    SETTINGS_FILE,
    TOKENIZER_FILE,
    EmbedderSettings,
    OnnxEmbedder,
    settings_document,
)
from tokenizers import Tokenizer

from artifacts_build.embedders.fingerprint import fingerprint_of
from artifacts_build.embedders.qwen3.calibrate import raised_until
from artifacts_build.embedders.qwen3.checkpoint import Shape, open_checkpoint
from artifacts_build.embedders.qwen3.graph import ROTARY, write_network
from artifacts_build.embedders.qwen3.hub import checkpoint_folder
from artifacts_build.embedders.qwen3.precision import check_sizes
from artifacts_build.embedders.qwen3.settings import Quantization, recorded
from artifacts_build.embedders.qwen3.tokenizer import check_tokenizer
from artifacts_build.errors import BuildError, CheckpointError
from artifacts_build.packaging.folders import whole_folder

OUTPUT = "embedding"
# Rotary positions are computed and small; the view asks for far fewer tokens.
DEFAULT_MAX_TOKENS = 4096
MIN_TOKENS = 8
# Vectors of one text alone and in a batch: float32 sums in another order.
ALONE_AND_TOGETHER = 1e-3


@dataclass(frozen=True)
class Calibration:
    """Prompts, and the smallest cosine to the exact vector that any of them may have."""

    prompts: Sequence[str]
    min_cosine: float


def export_qwen3(
    embedder: str,
    out: Path,
    kept: Quantization,
    layers: int | None = None,
    max_tokens: int | None = None,
    calibration: Calibration | None = None,
) -> EmbedderSettings:
    """Write a checkpoint, by its folder or hub id, to the folder `out`.

    Args:
        layers: an early exit after so many layers, followed by the last normalization; None for all of them.
        max_tokens: longer texts are cut to so many tokens.
        calibration: prompts on which the vectors must be close to the exact ones; see `calibrate`.

    Raises:
        CheckpointError: the checkpoint cannot be exported.
        BuildError: the disk is full, or what was written does not work.
    """
    folder, origin = checkpoint_folder(embedder)
    checkpoint = open_checkpoint(folder)
    shape = checkpoint.shape
    tokenizer = check_tokenizer(folder, shape)
    layers = _within("--layers", layers, 1, shape.layers, shape.layers)
    max_tokens = _within("--max-tokens", max_tokens, MIN_TOKENS, shape.positions, DEFAULT_MAX_TOKENS)
    check_sizes(shape.hidden, kept.table_bits)
    with _room(out), whole_folder(out) as scratch:
        if calibration is not None:
            tokens = _tokens(tokenizer.text, calibration.prompts, max_tokens)
            kept = raised_until(scratch, checkpoint, kept, layers, max_tokens, tokens, calibration.min_cosine)
        choices = {**recorded(kept), "layers": f"{layers} of {shape.layers}"}
        model = write_network(scratch, checkpoint, kept, layers, max_tokens)
        (scratch / TOKENIZER_FILE).write_text(tokenizer.text, encoding="utf-8")
        identity = {
            "dimensions": shape.hidden,
            "max_tokens": max_tokens,
            "prefix": "",
            "end_token": tokenizer.end_token,
            "rope_theta": shape.rope_theta,
            "epsilon": shape.epsilon,
            **choices,
        }
        document = json.loads(tokenizer.text)
        settings = EmbedderSettings(
            name=_name(origin["checkpoint"], kept, layers, shape),
            fingerprint=fingerprint_of(model, scratch, document, identity, computed=ROTARY),
            dimensions=shape.hidden,
            max_tokens=max_tokens,
            output=OUTPUT,
            source={**origin, "architecture": "qwen3", **choices},
            files={file: sha256_of(scratch / file) for file in (MODEL_FILE, DATA_FILE, TOKENIZER_FILE)},
        )
        (scratch / SETTINGS_FILE).write_text(settings_document(settings), encoding="utf-8")
        _try_out(scratch)
    return settings


def _tokens(tokenizer: str, prompts: Sequence[str], max_tokens: int) -> list[list[int]]:
    """Token ids as the embedder cuts them: the end token stays."""
    reader = Tokenizer.from_str(tokenizer)
    reader.no_truncation()
    reader.no_padding()
    rows = [list(reader.encode(prompt).ids) for prompt in prompts]
    return [ids if len(ids) <= max_tokens else [*ids[: max_tokens - 1], ids[-1]] for ids in rows]


def _within(option: str, value: int | None, least: int, most: int, default: int) -> int:
    value = min(default, most) if value is None else value
    if not least <= value <= most:
        raise CheckpointError(f"{option} {value}: the checkpoint allows {least} to {most}.")
    return value


def _name(checkpoint: str, kept: Quantization, layers: int, shape: Shape) -> str:
    depth = "" if layers == shape.layers else f"-{layers}-layers"
    precision = "" if kept.name == "none" else f"-{kept.name}"
    return checkpoint.rsplit("/", 1)[-1].lower() + depth + precision


def _try_out(folder: Path) -> None:
    """Load what was written as a server would: vectors must be finite, of length 1, and not depend on padding."""
    embedder = OnnxEmbedder.load(folder, threads=2)
    texts = ["a", "What is the capital of Australia? 澳大利亚的首都是哪里？"]
    together = embedder.embed(texts)
    alone = np.concatenate([embedder.embed([text]) for text in texts])
    if not np.isfinite(together).all() or np.abs(np.linalg.norm(together, axis=1) - 1).max() > ALONE_AND_TOGETHER:
        raise BuildError(
            f"{folder}: the vectors are not finite or not of length 1: the weights cannot be computed with."
        )
    if (apart := float(np.abs(together - alone).max())) > ALONE_AND_TOGETHER:
        raise BuildError(
            f"{folder}: a text's vector depends on what it is batched with (by {apart:.1e}). Nothing was written."
        )


@contextmanager
def _room(out: Path) -> Iterator[None]:
    """Names the folder and the remedy where the disk is full; what was begun is deleted by `whole_folder`."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise BuildError(
            f"{out}: the disk is full, and nothing was written. A checkpoint of 0.6 billion parameters takes 2.4 GB "
            "with --quantize none, 0.3 to 0.7 GB otherwise, and 3 GB more to calibrate: make room, or name "
            "another --out."
        ) from None
