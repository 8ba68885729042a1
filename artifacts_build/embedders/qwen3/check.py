"""An exported embedder beside the exact network of its checkpoint, on prompts of the user's own.

The exact network is the float32 graph, and `transformers` itself where it is installed: the same token ids go
through all of them, so that only the arithmetic is compared.
"""

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pointsman.embedders import OnnxEmbedder
from pointsman.embedders.onnx import TOKENIZER_FILE, read_settings
from tqdm import tqdm

from artifacts_build.embedders.qwen3.checkpoint import Checkpoint, open_checkpoint
from artifacts_build.embedders.qwen3.export import export_qwen3
from artifacts_build.embedders.qwen3.hub import checkpoint_folder
from artifacts_build.embedders.qwen3.settings import QUANTIZATIONS
from artifacts_build.errors import BuildError, CheckpointError

Vectors = NDArray[np.float32]
# The exact graph and `transformers` differ by the order of float32 sums alone.
EXACT = 1e-4


@dataclass(frozen=True)
class Comparison:
    """Exported vectors beside the exact ones of the same prompts."""

    cosines: NDArray[np.float64]  # one a prompt
    exact_error: float | None  # largest difference to `transformers`; None where it is not installed

    @property
    def worst(self) -> int:
        """The prompt with the smallest cosine, by its index."""
        return int(self.cosines.argmin())


def compare(checkpoint: str, embedder: Path, prompts: Sequence[str]) -> Comparison:
    """Embed prompts with an exported embedder and with its checkpoint in float32.

    Raises:
        CheckpointError: the checkpoint cannot be read, or the embedder was not exported from one like it.
        ArtifactError: the embedder cannot be loaded.
        BuildError: the exact graph is not what `transformers` computes.
    """
    folder, _ = checkpoint_folder(checkpoint)
    opened = open_checkpoint(folder)
    layers, max_tokens = _settings_of(embedder, opened)
    exported = OnnxEmbedder.load(embedder, threads=2)
    tokens = [cut(exported, exported.tokenize(prompt)) for prompt in prompts]
    found = _embed(exported, tokens, embedder.name)
    del exported
    with tempfile.TemporaryDirectory(prefix="pointsman-exact-") as scratch:
        exact_folder = Path(scratch) / "exact"
        export_qwen3(str(folder), exact_folder, QUANTIZATIONS["none"], layers, max_tokens)
        exact = _embed(OnnxEmbedder.load(exact_folder, threads=2), tokens, "exact")
    cosines = (found.astype(np.float64) * exact).sum(axis=1)
    error = None
    if find_spec("torch") and find_spec("transformers"):
        error = float(np.abs(transformers_vectors(folder, tokens, layers) - exact).max())
        if error > EXACT:
            raise BuildError(
                f"{folder}: the exact graph differs from transformers by {error:.1e}, more than {EXACT:.0e}. "
                "Please report this with the checkpoint's config.json."
            )
    return Comparison(cosines, error)


def cut(embedder: OnnxEmbedder, ids: list[int]) -> list[int]:
    """Token ids as the embedder itself cuts them: the end token stays."""
    return ids if len(ids) <= embedder.max_tokens else [*ids[: embedder.max_tokens - 1], ids[-1]]


def transformers_vectors(folder: Path, tokens: Sequence[Sequence[int]], layers: int) -> Vectors:
    """float32 [n, hidden] of `transformers` after so many layers and the last normalization, one text at a time."""
    import torch
    from transformers import Qwen3Model

    model: Any = Qwen3Model.from_pretrained(folder, dtype=torch.float32)
    model.eval()
    model.layers = model.layers[:layers]
    vectors = []
    with torch.inference_mode():
        for ids in tqdm(tokens, unit="prompt", desc="transformers", disable=None):
            states = model(input_ids=torch.tensor([list(ids)]), use_cache=False).last_hidden_state
            vectors.append(torch.nn.functional.normalize(states[0, -1], dim=-1).numpy())
    return np.array(vectors, np.float32)


def read_prompts(path: Path) -> list[str]:
    """Prompts of a file: one a line, or in `.jsonl` one a line as a JSON string or an object with `prompt`.

    Raises:
        BuildError: the file cannot be read, holds no prompt, or a line is not one.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise BuildError(f"{path}: {error.strerror}. Name a file with one prompt a line.") from None
    except UnicodeDecodeError as error:
        raise BuildError(f"{path}: not UTF-8 at byte {error.start}. Convert it to UTF-8.") from None
    prompts = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        prompts.append(_prompt_of(line, f"{path}:{number}") if path.suffix == ".jsonl" else line)
    if not prompts:
        raise BuildError(f"{path}: no prompt in it. Give one a line: the kind that you will route.")
    return prompts


def _prompt_of(line: str, place: str) -> str:
    try:
        entry = json.loads(line)
    except ValueError as error:
        raise BuildError(f"{place}: not JSON ({error}). Give one JSON document a line.") from None
    prompt = entry.get("prompt") if isinstance(entry, dict) else entry
    if not isinstance(prompt, str) or not prompt:
        raise BuildError(f"{place}: no prompt: give a JSON string, or an object with a text under `prompt`.")
    return prompt


def _settings_of(embedder: Path, checkpoint: Checkpoint) -> tuple[int, int]:
    """Layers and max_tokens of an exported Qwen3 embedder."""
    settings = read_settings(embedder)
    source = settings.source
    if source.get("architecture") != "qwen3" or "layers" not in source:
        raise CheckpointError(
            f"{embedder}: {settings.name} is not a Qwen3 embedder. Name a folder that `export` wrote."
        )
    layers, _, all_layers = source["layers"].partition(" of ")
    shape = checkpoint.shape
    if (settings.dimensions, int(all_layers)) != (shape.hidden, shape.layers):
        raise CheckpointError(
            f"{embedder}: exported from {all_layers} layers of {settings.dimensions} dimensions, and "
            f"{checkpoint.folder} has {shape.layers} of {shape.hidden}. Name the checkpoint it was exported from."
        )
    exported, original = (folder / TOKENIZER_FILE for folder in (embedder, checkpoint.folder))
    if exported.read_bytes() != original.read_bytes():
        raise CheckpointError(f"{exported}: not the tokenizer of {original}. Name the checkpoint it was exported from.")
    return int(layers), settings.max_tokens


def _embed(embedder: OnnxEmbedder, tokens: Sequence[Sequence[int]], name: str) -> Vectors:
    bar = tqdm(tokens, unit="prompt", desc=name, disable=None)
    return np.concatenate([embedder.embed_tokens([ids]) for ids in bar])
