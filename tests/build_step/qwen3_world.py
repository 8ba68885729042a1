"""A small Qwen3 checkpoint with a tokenizer of its own: what the tests of the export share."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers, processors

from benchmarks.qwen3_weights import make_checkpoint

VOCABULARY, END = 260, 256
SMALL = {
    "vocab_size": VOCABULARY,
    "hidden_size": 64,
    "intermediate_size": 160,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 32,
    "max_position_embeddings": 512,
    "eos_token_id": END,
}
TEXTS = ["a", "What is 1+1?", "你好，世界", "word " * 40, "Ünïcödé 🙂", "def f(x):\n    return x + 1", "x" * 97]


def byte_tokenizer(end: bool = True) -> Tokenizer:
    """One token a byte, and the end token after every text."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={letter: i for i, letter in enumerate(alphabet)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.add_special_tokens([AddedToken("<|endoftext|>", special=True)])
    if end:
        tokenizer.post_processor = processors.TemplateProcessing(
            single="$A <|endoftext|>", special_tokens=[("<|endoftext|>", END)]
        )
    return tokenizer


def small_checkpoint(folder: Path, **sizes: Any) -> Path:
    """A checkpoint folder; `sizes` are of `make_checkpoint` or replace entries of SMALL."""
    make_checkpoint(folder, **{"shards": 1, **SMALL, **sizes})
    byte_tokenizer().save(str(folder / "tokenizer.json"))
    return folder


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small checkpoint, not to be changed."""
    return small_checkpoint(tmp_path_factory.mktemp("checkpoint") / "tiny")


def edit_config(folder: Path, **entries: Any) -> None:
    """Replace entries of a checkpoint's config.json."""
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **entries}))


def mixed_rows(lengths: tuple[int, ...] = (1, 2, 7, 33, 64, 5), seed: int = 1) -> list[list[int]]:
    """Rows of random token ids that end with the end token."""
    random = np.random.default_rng(seed)
    return [[*random.integers(0, 256, n - 1).tolist(), END] for n in lengths]
