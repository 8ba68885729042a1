"""The embedding cache: nothing is embedded twice, and a run that was cut off leaves nothing wrong behind."""

import fcntl
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from pointsman.embedders import OnnxEmbedder
from pointsman.embedders.base import Vectors
from pointsman.routing.view import ViewSettings

from artifacts_build.errors import BuildError
from artifacts_build.training import embeddings
from artifacts_build.training.embeddings import cache_file, embed_prompts
from tests.fakes import FakeEmbedder

VIEW = ViewSettings(max_tokens=64, head_tokens=8, tail_tokens=8)


class HashEmbedder(FakeEmbedder):
    """A vector that depends on the tokens alone; keeps what it embeds, and may give up."""

    def __init__(self, give_up_at: str | None = None) -> None:
        super().__init__()
        self.seen: list[tuple[int, ...]] = []
        self.give_up_at = give_up_at and self.tokenize(give_up_at)

    def embed_tokens(self, tokens: Sequence[Sequence[int]]) -> Vectors:
        if self.give_up_at in tokens:
            raise KeyboardInterrupt
        self.seen.extend(tuple(ids) for ids in tokens)
        rows = [np.random.default_rng(list(ids)).normal(size=self.dimensions) for ids in tokens]
        return np.array(rows, dtype=np.float32).reshape(len(tokens), self.dimensions)

    def saw(self, *texts: str) -> bool:
        """Were these embedded, once each, and nothing else?"""
        return sorted(self.seen) == sorted(tuple(self.tokenize(text)) for text in texts)


def prompts(*numbers: int) -> list[str]:
    return [f"prompt {i}" for i in numbers]


def expected(texts: Sequence[str]) -> Vectors:
    return HashEmbedder().embed(texts)


def test_vectors_are_those_of_the_embedder_in_order(tmp_path: Path) -> None:
    texts = prompts(*range(500))
    np.testing.assert_array_equal(embed_prompts(texts, HashEmbedder(), VIEW, tmp_path), expected(texts))


def test_equal_texts_are_embedded_once(tmp_path: Path) -> None:
    embedder = HashEmbedder()
    texts = prompts(1, 2, 1, 1, 2)
    np.testing.assert_array_equal(embed_prompts(texts, embedder, VIEW, tmp_path), expected(texts))
    assert embedder.saw(*prompts(1, 2))


def test_a_subset_and_a_superset_use_what_is_there(tmp_path: Path) -> None:
    embed_prompts(prompts(*range(100)), HashEmbedder(), VIEW, tmp_path)
    subset, superset = HashEmbedder(), HashEmbedder()
    np.testing.assert_array_equal(embed_prompts(prompts(70, 3), subset, VIEW, tmp_path), expected(prompts(70, 3)))
    assert subset.saw()
    wanted = prompts(*range(120, 50, -1))
    np.testing.assert_array_equal(embed_prompts(wanted, superset, VIEW, tmp_path), expected(wanted))
    assert len(superset.seen) == 21


def test_another_view_or_embedder_has_a_cache_of_its_own(tmp_path: Path) -> None:
    embed_prompts(prompts(1), HashEmbedder(), VIEW, tmp_path)
    other, narrow = HashEmbedder(), HashEmbedder()
    other.fingerprint = "0" * 64
    embed_prompts(prompts(1), other, VIEW, tmp_path)
    embed_prompts(prompts(1), narrow, ViewSettings(max_tokens=32, head_tokens=8, tail_tokens=8), tmp_path)
    assert other.saw(*prompts(1))
    assert narrow.saw(*prompts(1))
    assert len(list(tmp_path.iterdir())) == 3


def test_the_view_is_what_is_embedded(tmp_path: Path) -> None:
    embedder = HashEmbedder()
    embed_prompts(["word " * 500], embedder, VIEW, tmp_path)
    assert 60 < len(embedder.seen[0]) <= 64


def test_a_run_that_was_cut_off_is_gone_on_with(tmp_path: Path) -> None:
    texts = prompts(*range(1000))
    with pytest.raises(KeyboardInterrupt):
        embed_prompts(texts, HashEmbedder(give_up_at="prompt 700"), VIEW, tmp_path)
    again = HashEmbedder()
    np.testing.assert_array_equal(embed_prompts(texts, again, VIEW, tmp_path), expected(texts))
    assert len(again.seen) < 500


@pytest.mark.parametrize("torn", [1, 30, 51])
def test_a_torn_record_is_cut_away(torn: int, tmp_path: Path) -> None:
    embedder = HashEmbedder()
    embed_prompts(prompts(*range(10)), embedder, VIEW, tmp_path)
    path = cache_file(tmp_path, embedder, VIEW)
    whole = path.stat().st_size
    assert whole == 10 * 52
    path.write_bytes(path.read_bytes()[: whole - torn])
    again = HashEmbedder()
    texts = prompts(*range(12))
    np.testing.assert_array_equal(embed_prompts(texts, again, VIEW, tmp_path), expected(texts))
    assert again.saw(*prompts(9, 10, 11))
    assert path.stat().st_size == 12 * 52


def test_a_damaged_record_is_embedded_again(tmp_path: Path) -> None:
    embedder = HashEmbedder()
    embed_prompts(prompts(*range(10)), embedder, VIEW, tmp_path)
    path = cache_file(tmp_path, embedder, VIEW)
    content = bytearray(path.read_bytes())
    content[3 * 52 + 40] ^= 1
    path.write_bytes(content)
    for embedded in (1, 0):
        again = HashEmbedder()
        texts = prompts(*range(10))
        np.testing.assert_array_equal(embed_prompts(texts, again, VIEW, tmp_path), expected(texts))
        assert len(again.seen) == embedded


def test_two_runs_do_not_write_one_cache_at_once(tmp_path: Path) -> None:
    embedder = HashEmbedder()
    embed_prompts(prompts(1), embedder, VIEW, tmp_path)
    with cache_file(tmp_path, embedder, VIEW).open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(BuildError, match="another run is embedding"):
            embed_prompts(prompts(2), embedder, VIEW, tmp_path)
    embed_prompts(prompts(2), embedder, VIEW, tmp_path)


def test_a_full_disk_is_said_and_the_next_run_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = embeddings._record, []

    def full(key: bytes, vector: Vectors) -> bytes:
        calls.append(key)
        if len(calls) > 300:
            raise OSError(28, "No space left on device")
        return real(key, vector)

    monkeypatch.setattr(embeddings, "_record", full)
    texts = prompts(*range(1000))
    with pytest.raises(OSError, match="No space left"):
        embed_prompts(texts, HashEmbedder(), VIEW, tmp_path)
    monkeypatch.setattr(embeddings, "_record", real)
    again = HashEmbedder()
    np.testing.assert_array_equal(embed_prompts(texts, again, VIEW, tmp_path), expected(texts))
    assert len(again.seen) == 1000 - 256


def test_only_a_few_chunks_are_under_way_at_once(tmp_path: Path) -> None:
    class Slow(HashEmbedder):
        most = 0

        def embed_tokens(self, tokens: Sequence[Sequence[int]]) -> Vectors:
            vectors = super().embed_tokens(tokens)
            size = cache_file(tmp_path, self, VIEW).stat().st_size
            Slow.most = max(Slow.most, len(self.seen) - size // 52)
            return vectors

    embed_prompts(prompts(*range(5000)), Slow(), VIEW, tmp_path, workers=2)
    assert embeddings.CHUNK <= Slow.most <= embeddings.CHUNK * (2 * embeddings.AHEAD + 1)


def test_a_prompt_is_embedded_alone_as_serving_does(tmp_path: Path) -> None:
    class Alone(HashEmbedder):
        def embed_tokens(self, tokens: Sequence[Sequence[int]]) -> Vectors:
            assert len(tokens) == 1
            return super().embed_tokens(tokens)

    embed_prompts(prompts(*range(200)), Alone(), VIEW, tmp_path)


@pytest.mark.slow
def test_the_real_embedder_gives_the_same_bits_after_an_interruption(embedder: OnnxEmbedder, tmp_path: Path) -> None:
    texts = [f"{'Why? ' * (i % 17)}What is {i} times {i * i}?" for i in range(150)]
    whole = embed_prompts(texts, embedder, VIEW, tmp_path / "whole")
    embed_prompts(texts[20:90:3], embedder, VIEW, tmp_path / "parts")
    parts = embed_prompts(texts, embedder, VIEW, tmp_path / "parts", workers=1)
    assert whole.tobytes() == parts.tobytes()


def test_nothing_to_embed_is_no_error(tmp_path: Path) -> None:
    assert embed_prompts([], HashEmbedder(), VIEW, tmp_path).shape == (0, 4)
