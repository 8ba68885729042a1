"""The seam between the router and whatever turns text into vectors."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]


class Embedder(Protocol):
    """Text to vectors. The same text gives the same vector, whatever it is batched with."""

    @property
    def name(self) -> str:
        """The name people know it by, such as `use-multilingual-v3`."""

    @property
    def fingerprint(self) -> str:
        """A sha256 over its tensors, tokenizer and settings; weights are trained for one fingerprint."""

    @property
    def dimensions(self) -> int:
        """The length of a vector."""

    @property
    def max_tokens(self) -> int:
        """The longest input in tokens, begin and end tokens included; what is longer is cut."""

    @property
    def special_tokens(self) -> int:
        """How many of a text's token ids are begin and end tokens."""

    def tokenize(self, text: str) -> list[int]:
        """The token ids of the whole text, begin and end tokens included; nothing is cut."""

    def offsets(self, text: str) -> list[tuple[int, int]]:
        """Where each token, begin and end tokens left out, starts and ends in `text`, in characters."""

    def embed_tokens(self, tokens: Sequence[Sequence[int]]) -> Vectors:
        """float32 [n, dimensions], L2-normalized, of token ids as `tokenize` gives them."""

    def embed(self, texts: Sequence[str]) -> Vectors:
        """float32 [n, dimensions], L2-normalized; n may be 0."""
