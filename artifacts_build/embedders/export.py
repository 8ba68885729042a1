"""An embedder to a folder that `pointsman.embedders.OnnxEmbedder` loads."""

import json
from pathlib import Path

import onnx
from pointsman.artifact.integrity import sha256_of
from pointsman.embedders.onnx import (
    MODEL_FILE,
    SETTINGS_FILE,
    TOKENIZER_FILE,
    EmbedderSettings,
    settings_document,
)

from artifacts_build.embedders import use_multilingual
from artifacts_build.embedders.fingerprint import fingerprint_of
from artifacts_build.packaging.folders import whole_folder

LICENCE_FILE = "LICENSE"
# The model itself has no limit and its cost is linear; the view asks for far less.
USE_MAX_TOKENS = 4096


def export_use_multilingual(out: Path) -> EmbedderSettings:
    """Write USE multilingual v3 to the folder `out`, whole or not at all.

    Raises:
        ModuleNotFoundError: the package that carries the weights is not installed.
    """
    folder = use_multilingual.resources()
    arrays = use_multilingual.read_weights(folder)
    model = use_multilingual.build_graph(arrays)
    tokenizer = use_multilingual.build_tokenizer(folder)
    dimensions = int(arrays["d3"].shape[1])
    identity = {"dimensions": dimensions, "max_tokens": USE_MAX_TOKENS, "prefix": ""}
    tokenizer_text = json.dumps(tokenizer, ensure_ascii=False, separators=(",", ":"))
    with whole_folder(out) as scratch:
        onnx.save(model, scratch / MODEL_FILE)
        (scratch / TOKENIZER_FILE).write_text(tokenizer_text, encoding="utf-8")
        (scratch / LICENCE_FILE).write_text(use_multilingual.licence(), encoding="utf-8")
        settings = EmbedderSettings(
            name="use-multilingual-v3",
            fingerprint=fingerprint_of(model, scratch, tokenizer, identity),
            dimensions=dimensions,
            max_tokens=USE_MAX_TOKENS,
            output="embedding",
            source=use_multilingual.source(),
            files={name: sha256_of(scratch / name) for name in (MODEL_FILE, TOKENIZER_FILE, LICENCE_FILE)},
        )
        (scratch / SETTINGS_FILE).write_text(settings_document(settings), encoding="utf-8")
    return settings
