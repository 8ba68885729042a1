"""A Qwen3 checkpoint: `config.json` and safetensors, read one layer at a time as float32.

Everything that the graph does not compute is refused by name before anything is written: a graph that is
nearly right gives vectors that look right.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from artifacts_build.errors import CheckpointError

CONFIG_FILE = "config.json"
INDEX_FILE = "model.safetensors.index.json"
POOLING_FILE = "1_Pooling/config.json"
ARCHITECTURES = {"Qwen3Model", "Qwen3ForCausalLM"}

Floats32 = NDArray[np.float32]


@dataclass(frozen=True)
class Shape:
    """The sizes of a network, from its config.json."""

    vocabulary: int
    hidden: int
    intermediate: int
    layers: int
    heads: int
    kv_heads: int
    head: int  # dimensions of one head
    epsilon: float
    rope_theta: float
    positions: int
    end_token: int | None


@dataclass
class Layer:
    """One layer in float32; matrices are [out, in], as the checkpoint has them."""

    input_norm: Floats32
    post_norm: Floats32
    q_norm: Floats32
    k_norm: Floats32
    q: Floats32
    k: Floats32
    v: Floats32
    o: Floats32
    gate: Floats32
    up: Floats32
    down: Floats32


@dataclass(frozen=True)
class Checkpoint:
    """A checked checkpoint folder; its tensors are read when they are asked for."""

    folder: Path
    shape: Shape
    files: Mapping[str, Path] = field(repr=False)  # tensor, without a leading "model.", to the file that has it
    names: Mapping[str, str] = field(repr=False)  # the same to its name in that file

    def tensor(self, name: str) -> Floats32:
        """A tensor as float32.

        Raises:
            CheckpointError: it cannot be read, or holds a value that is not finite.
        """
        path = self.files[name]
        try:
            with safe_open(path, framework="np") as stored:
                values: Floats32 = stored.get_tensor(self.names[name]).astype(np.float32)
        except (SafetensorError, OSError) as error:
            raise CheckpointError(f"{path}: {name}: cannot be read ({error}). Download the file again.") from None
        return _finite(values, path, name)

    def table_rows(self, start: int, stop: int) -> Floats32:
        """Rows of the token table, float32 [stop - start, hidden]; the whole is gigabytes."""
        name = "embed_tokens.weight"
        with safe_open(self.files[name], framework="np") as stored:
            rows: Floats32 = stored.get_slice(self.names[name])[start:stop].astype(np.float32)
        return _finite(rows, self.files[name], name)

    def layer(self, index: int) -> Layer:
        """One layer, whole."""

        def read(part: str) -> Floats32:
            return self.tensor(f"layers.{index}.{part}.weight")

        return Layer(
            input_norm=read("input_layernorm"),
            post_norm=read("post_attention_layernorm"),
            q_norm=read("self_attn.q_norm"),
            k_norm=read("self_attn.k_norm"),
            **{name: read(f"self_attn.{name}_proj") for name in ("q", "k", "v", "o")},
            **{name: read(f"mlp.{name}_proj") for name in ("gate", "up", "down")},
        )

    def final_norm(self) -> Floats32:
        """The gain of the last normalization, float32 [hidden]."""
        return self.tensor("norm.weight")

    def output(self) -> Floats32 | None:
        """Nothing follows the last normalization."""
        return None


def open_checkpoint(folder: Path) -> Checkpoint:
    """Check a checkpoint folder: its architecture, and that every tensor is there in the right shape.

    Raises:
        CheckpointError: something is missing, damaged, or of another architecture.
    """
    config = _read_config(folder / CONFIG_FILE)
    shape = _shape_of(config, folder / CONFIG_FILE)
    _check_pooling(folder / POOLING_FILE)
    files, names, shapes = _find_tensors(folder)
    for name, wanted in _wanted_tensors(shape).items():
        if name not in files:
            raise CheckpointError(f"{folder}: the tensor {name} is in no safetensors file. Download it again.")
        if shapes[name] != wanted:
            raise CheckpointError(
                f"{files[name]}: the tensor {name} is {list(shapes[name])}, not {list(wanted)} as {CONFIG_FILE} "
                "says. The two files are of different models: download the checkpoint again."
            )
    return Checkpoint(folder, shape, files, names)


def _read_config(path: Path) -> dict[str, Any]:
    try:
        config = json.loads(path.read_bytes())
    except OSError as error:
        raise CheckpointError(
            f"{path}: {error.strerror}. Name a checkpoint folder (config.json, *.safetensors, tokenizer.json) "
            "or a hub id."
        ) from None
    except ValueError as error:
        raise CheckpointError(f"{path}: not JSON ({error}). Download the file again.") from None
    if not isinstance(config, dict):
        raise CheckpointError(f"{path}: not a JSON object. Download the file again.")
    return config


def _shape_of(config: Mapping[str, Any], path: Path) -> Shape:
    architectures = config.get("architectures") or []
    if config.get("model_type") != "qwen3" or not ARCHITECTURES & set(architectures):
        raise CheckpointError(
            f"{path}: model_type {config.get('model_type')!r}, architectures {architectures}: only Qwen3 "
            f"({', '.join(sorted(ARCHITECTURES))}) can be exported. Use a Qwen3 embedding checkpoint."
        )
    rope = config.get("rope_parameters") or config.get("rope_scaling") or {}
    for name, found, computed in (
        ("hidden_act", config.get("hidden_act", "silu"), "silu"),
        ("attention_bias", config.get("attention_bias", False), False),
        ("use_sliding_window", config.get("use_sliding_window", False), False),
        ("rope_type", rope.get("rope_type", rope.get("type", "default")), "default"),
    ):
        if found != computed:
            raise CheckpointError(f"{path}: {name} is {found!r}: only {computed!r} can be exported.")
    try:
        heads, hidden = int(config["num_attention_heads"]), int(config["hidden_size"])
        shape = Shape(
            vocabulary=int(config["vocab_size"]),
            hidden=hidden,
            intermediate=int(config["intermediate_size"]),
            layers=int(config["num_hidden_layers"]),
            heads=heads,
            kv_heads=int(config.get("num_key_value_heads") or heads),
            head=int(config.get("head_dim") or hidden // heads),
            epsilon=float(config.get("rms_norm_eps", 1e-6)),
            rope_theta=float(config.get("rope_theta") or rope["rope_theta"]),
            positions=int(config.get("max_position_embeddings", 32768)),
            end_token=_end_token(config.get("eos_token_id")),
        )
    except KeyError as error:
        raise CheckpointError(f"{path}: {error.args[0]} is missing. Download the file again.") from None
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"{path}: a size is not a number ({error}). Download the file again.") from None
    _check_shape(shape, path)
    return shape


def _end_token(found: Any) -> int | None:
    """One id, the first of several, or none."""
    first = found[0] if isinstance(found, list) and found else found
    return None if first is None or first == [] else int(first)


def _check_shape(shape: Shape, path: Path) -> None:
    sizes = {
        "vocab_size": shape.vocabulary,
        "hidden_size": shape.hidden,
        "intermediate_size": shape.intermediate,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "head_dim": shape.head,
        "max_position_embeddings": shape.positions,
    }
    for name, size in sizes.items():
        if size < 1:
            raise CheckpointError(f"{path}: {name} is {size}. Download the file again.")
    if shape.heads % shape.kv_heads:
        raise CheckpointError(
            f"{path}: num_key_value_heads {shape.kv_heads} does not divide num_attention_heads {shape.heads}."
        )
    # What the attention kernel can rotate.
    if shape.head % 16:
        raise CheckpointError(f"{path}: head_dim {shape.head}: only multiples of 16 can be exported.")


def _check_pooling(path: Path) -> None:
    """Where the checkpoint says how it is pooled, it must be by the last token."""
    if not path.exists():
        return
    pooling = _read_config(path)
    modes = [name for name, on in pooling.items() if name.startswith("pooling_mode_") and on is True]
    mode = pooling.get("pooling_mode", modes[0].removeprefix("pooling_mode_") if modes else "lasttoken")
    if mode != "lasttoken" or len(modes) > 1:
        raise CheckpointError(f"{path}: pooled by {', '.join(modes) or mode}: only the last token can be exported.")


def _find_tensors(folder: Path) -> tuple[dict[str, Path], dict[str, str], dict[str, tuple[int, ...]]]:
    """File, name there and shape of every tensor; names lose a leading "model."."""
    index = folder / INDEX_FILE
    if index.exists():
        shards = sorted({folder / str(name) for name in _read_config(index).get("weight_map", {}).values()})
    else:
        shards = sorted(folder.glob("*.safetensors"))
    if not shards:
        raise CheckpointError(
            f"{folder}: no *.safetensors file. Download the checkpoint, or convert it to safetensors."
        )
    files, names, shapes = {}, {}, {}
    for path in shards:
        if not path.exists():
            raise CheckpointError(f"{path}: no such file, though {INDEX_FILE} lists it. Download the missing shard.")
        try:
            with safe_open(path, framework="np") as stored:
                for original in stored.keys():  # noqa: SIM118  # not a mapping
                    name = original.removeprefix("model.")
                    files[name], names[name] = path, original
                    shapes[name] = tuple(stored.get_slice(original).get_shape())
        except (SafetensorError, OSError) as error:
            raise CheckpointError(f"{path}: truncated or damaged ({error}). Download the file again.") from None
    return files, names, shapes


def _wanted_tensors(shape: Shape) -> dict[str, tuple[int, ...]]:
    wanted: dict[str, tuple[int, ...]] = {
        "embed_tokens.weight": (shape.vocabulary, shape.hidden),
        "norm.weight": (shape.hidden,),
    }
    queries, keys = shape.heads * shape.head, shape.kv_heads * shape.head
    parts: dict[str, tuple[int, ...]] = {
        "input_layernorm": (shape.hidden,),
        "post_attention_layernorm": (shape.hidden,),
        "self_attn.q_norm": (shape.head,),
        "self_attn.k_norm": (shape.head,),
        "self_attn.q_proj": (queries, shape.hidden),
        "self_attn.k_proj": (keys, shape.hidden),
        "self_attn.v_proj": (keys, shape.hidden),
        "self_attn.o_proj": (shape.hidden, queries),
        "mlp.gate_proj": (shape.intermediate, shape.hidden),
        "mlp.up_proj": (shape.intermediate, shape.hidden),
        "mlp.down_proj": (shape.hidden, shape.intermediate),
    }
    for index in range(shape.layers):
        wanted |= {f"layers.{index}.{part}.weight": size for part, size in parts.items()}
    return wanted


def _finite(values: Floats32, path: Path, name: str) -> Floats32:
    if not np.isfinite(values).all():
        raise CheckpointError(f"{path}: {name} holds a value that is not finite. Download the file again.")
    return values
