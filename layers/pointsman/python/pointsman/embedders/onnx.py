"""Any exported embedder: `tokenizers` for the text, onnxruntime for the rest.

The folder says all there is to know: `embedder.json` (settings), `tokenizer.json`, `model.onnx`, and beside it
`model.onnx.data` where the graph is large, which is mapped and not read. Pooling and normalization are inside
the graph. Files are read only after their sha256 is checked.
"""

import json
from collections.abc import MutableMapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from tokenizers import Tokenizer
from tokenizers.normalizers import Sequence as Normalizers

from pointsman.artifact.integrity import checked_file, read_json
from pointsman.embedders.base import Vectors
from pointsman.errors import ArtifactError
from pointsman.faults import first_fault

MODEL_FILE = "model.onnx"
DATA_FILE = "model.onnx.data"
TOKENIZER_FILE = "tokenizer.json"
SETTINGS_FILE = "embedder.json"

# Texts are run together while their padded tokens stay under this, which keeps activations in the cache.
BATCH_TOKENS = 4096

# A pattern that strips blanks and takes quadratic time in a run of them within a text, since ` +$` is tried from
# every blank of the run; and one that does the same in linear time, since it starts at the first of them only.
_QUADRATIC, _LINEAR = b'"^ +| +$"', b'"^ +|(?<! ) +$"'


class EmbedderSettings(BaseModel):
    """`embedder.json`: what the graph and the tokenizer do not say themselves."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    fingerprint: str = Field(pattern="^[0-9a-f]{64}$")
    dimensions: int = Field(ge=1)
    max_tokens: int = Field(ge=8)
    prefix: str = ""
    output: str
    source: dict[str, str] = {}
    files: dict[str, str]


def read_settings(folder: Path) -> EmbedderSettings:
    """The settings of the embedder in a folder.

    Raises:
        ArtifactError: the file is missing, is not JSON, or lacks a field.
    """
    path = folder / SETTINGS_FILE
    return settings_of(read_json(path), str(path))


def settings_of(document: Any, where: str) -> EmbedderSettings:
    """The settings that a document from `where` holds. Raises ArtifactError where it lacks a field."""
    try:
        return EmbedderSettings.model_validate(document)
    except ValidationError as error:
        raise ArtifactError(f"{where}: {first_fault(error)}. Export the embedder again.") from None


class OnnxEmbedder:
    """An embedder of the folder layout above; `threads` is onnxruntime's threads for one inference."""

    def __init__(self, settings: EmbedderSettings, tokenizer: Tokenizer, session: Any) -> None:
        self._settings = settings
        self._tokenizer = tokenizer
        self._session = session

    @classmethod
    def load(cls, folder: Path, threads: int = 1) -> "OnnxEmbedder":
        """Read, check and start the embedder of a folder.

        Raises:
            ArtifactError: a file is missing, damaged, or not what onnxruntime or tokenizers can read.
        """
        settings = read_settings(folder)
        for name in (MODEL_FILE, TOKENIZER_FILE):
            if name not in settings.files:
                raise ArtifactError(f"{folder / SETTINGS_FILE}: files: {name} is not listed. Export again.")
        model = checked_file(folder / MODEL_FILE, settings.files[MODEL_FILE])
        text = checked_file(folder / TOKENIZER_FILE, settings.files[TOKENIZER_FILE])
        _check_data(folder / DATA_FILE, settings)
        return cls.start(settings, model, text, threads, str(model))

    @classmethod
    def start(
        cls,
        settings: EmbedderSettings,
        model: Path | bytes,
        tokenizer_source: Path | str,
        threads: int,
        where: str,
        data: MutableMapping[str, memoryview] | None = None,
    ) -> "OnnxEmbedder":
        """Start what was read and checked, from files or from memory.

        Args:
            model: the graph; `data` holds the files beside it that it names, where it is given as bytes. It is
                emptied once onnxruntime has copied what it needs.
            tokenizer_source: the tokenizer's file, or its text.
            where: what errors call the model.

        Raises:
            ArtifactError: it is not what onnxruntime or tokenizers can read, or has another shape than it should.
        """
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # The graph before the tokenizer: reading it needs its size twice for a moment, which sets the peak.
        try:
            if data:
                lengths = [len(view) for view in data.values()]
                options.add_external_initializers_from_files_in_memory(list(data), list(data.values()), lengths)
            source = model if isinstance(model, bytes) else str(model)
            session = onnxruntime.InferenceSession(source, sess_options=options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime raises many classes that share no public base
            raise ArtifactError(f"{where}: onnxruntime cannot load it: {one_line(error)}") from None
        if data:
            data.clear()
        del options, source
        in_file = isinstance(tokenizer_source, Path)
        try:
            tokenizer = (Tokenizer.from_file if in_file else Tokenizer.from_str)(str(tokenizer_source))
        except Exception as error:  # tokenizers raises bare Exception
            named = tokenizer_source if in_file else f"{where}: {TOKENIZER_FILE}"
            raise ArtifactError(f"{named}: not a tokenizer: {one_line(error)}") from None
        _make_linear(tokenizer)
        tokenizer.no_truncation()
        tokenizer.no_padding()
        embedder = cls(settings, tokenizer, session)
        embedder._check_shape(where)
        return embedder

    def _check_shape(self, where: str) -> None:
        outputs = {node.name: node.shape for node in self._session.get_outputs()}
        shape = outputs.get(self._settings.output)
        if shape is None or shape[-1] != self._settings.dimensions:
            raise ArtifactError(
                f"{where}: expected an output {self._settings.output!r} of {self._settings.dimensions} "
                f"dimensions, found {outputs}. Export the embedder again."
            )

    @property
    def name(self) -> str:
        return self._settings.name

    @property
    def fingerprint(self) -> str:
        return self._settings.fingerprint

    @property
    def dimensions(self) -> int:
        return self._settings.dimensions

    @property
    def max_tokens(self) -> int:
        return self._settings.max_tokens

    @property
    def special_tokens(self) -> int:
        return int(self._tokenizer.num_special_tokens_to_add(False))

    @cached_property
    def _closing_tokens(self) -> int:
        """How many special tokens end every text; a cut text keeps them."""
        mask = self._tokenizer.encode("a").special_tokens_mask
        return next((i for i, special in enumerate(reversed(mask)) if not special), len(mask))

    def tokenize(self, text: str) -> list[int]:
        # The fast way keeps no offsets; like the other it lets other threads run.
        (encoding,) = self._tokenizer.encode_batch_fast([self._settings.prefix + text])
        ids: list[int] = encoding.ids
        return ids

    def offsets(self, text: str) -> list[tuple[int, int]]:
        spans: list[tuple[int, int]] = self._tokenizer.encode(text, add_special_tokens=False).offsets
        return spans

    def embed(self, texts: Sequence[str]) -> Vectors:
        return self.embed_tokens([self.tokenize(text) for text in texts])

    def embed_tokens(self, tokens: Sequence[Sequence[int]]) -> Vectors:
        rows = [self._cut(ids) for ids in tokens]
        if len(rows) == 1:
            return self._run(rows)
        vectors = np.empty((len(rows), self.dimensions), dtype=np.float32)
        by_length = sorted(range(len(rows)), key=lambda i: len(rows[i]))
        start = 0
        while start < len(by_length):
            end = start + 1
            while end < len(by_length) and len(rows[by_length[end]]) * (end + 1 - start) <= BATCH_TOKENS:
                end += 1
            batch = by_length[start:end]
            vectors[batch] = self._run([rows[i] for i in batch])
            start = end
        return vectors

    def _cut(self, ids: Sequence[int]) -> Sequence[int]:
        if len(ids) <= self.max_tokens:
            return ids
        closing = self._closing_tokens
        return [*ids[: self.max_tokens - closing], *ids[len(ids) - closing :]]

    def _run(self, rows: Sequence[Sequence[int]]) -> Vectors:
        length = max(len(ids) for ids in rows)
        attention_mask = np.ones((len(rows), length), dtype=np.int64)
        if all(len(ids) == length for ids in rows):
            input_ids = np.array(rows, dtype=np.int64)
        else:
            input_ids = np.zeros((len(rows), length), dtype=np.int64)
            for row, ids in enumerate(rows):
                input_ids[row, : len(ids)] = ids
                attention_mask[row, len(ids) :] = 0
        feed = {"input_ids": input_ids, "attention_mask": attention_mask}
        vectors: Vectors = self._session.run([self._settings.output], feed)[0]
        return vectors


def _make_linear(tokenizer: Tokenizer) -> None:
    """Give a tokenizer of the default embedder the linear pattern; ids and offsets stay the same.

    The file keeps the old one: its fingerprint is what weights were trained for.
    """
    normalizer = tokenizer.normalizer
    state = normalizer.__getstate__() if normalizer is not None else b""
    if _QUADRATIC in state:
        changed = Normalizers([])
        changed.__setstate__(state.replace(_QUADRATIC, _LINEAR))
        tokenizer.normalizer = changed


def _check_data(path: Path, settings: EmbedderSettings) -> None:
    """onnxruntime maps this file when the graph names it, and would not ask whose it is."""
    if DATA_FILE in settings.files:
        checked_file(path, settings.files[DATA_FILE])
    elif path.exists():
        raise ArtifactError(
            f"{path}: not listed in {SETTINGS_FILE}: it is of another build. Export the embedder again."
        )


def one_line(error: Exception) -> str:
    """The first line of what an error says, or its name."""
    return str(error).splitlines()[0][:300] if str(error) else type(error).__name__


def settings_document(settings: EmbedderSettings) -> str:
    """`embedder.json` as text: stable order, one trailing newline."""
    return json.dumps(settings.model_dump(), indent=1, sort_keys=True, ensure_ascii=False) + "\n"
