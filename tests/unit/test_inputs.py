"""What is read of a request: its parts, its surface, and of a conversation the last request."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from pointsman.routing.conversation import Turn, conversation_of_text
from pointsman.routing.cues import CUES
from pointsman.routing.inputs import (
    ALONE,
    BEFORE,
    MOST_TURNS,
    TOGETHER,
    Floats32,
    Gate,
    Inputs,
    read_request,
    subject_of,
)
from pointsman.routing.parts import LOOK_CHARACTERS, MOST_CHARACTERS, parts_of
from pointsman.routing.surface import NAMES, surface
from pointsman.routing.view import ViewSettings

from scripts.harness.hostile import SHAPES
from tests.fakes import FakeEmbedder

EMBEDDER = FakeEmbedder()
SETTINGS = ViewSettings(max_tokens=64, head_tokens=8, tail_tokens=8)


class SpelledGate(Gate):
    """Reads a turn as its first letter says, so that a test can say how each is to be read."""

    def __init__(self) -> None:
        super().__init__(np.zeros((5, 3), np.float32), np.zeros(3, np.float32))

    def reading(self, texts: Sequence[str], vectors: Floats32) -> NDArray[np.intp]:
        kinds = {"a": ALONE, "t": TOGETHER, "b": BEFORE}
        return np.array([kinds[text[0]] for text, _ in zip(texts, vectors, strict=True)])


def asked(*texts: str) -> str:
    turns = [turn for text in texts for turn in (Turn("user", text), Turn("assistant", "well"))]
    return subject_of(turns, EMBEDDER, SpelledGate())


def test_the_first_and_the_last_sentences_are_parts() -> None:
    parts = parts_of("I have been to the market today. It rained a lot there. What do two apples at three cost?")
    assert parts.first == "I have been to the market today."
    assert parts.last == "What do two apples at three cost?"


@pytest.mark.parametrize("text", ["hi", "Why?", "你好吗?", "Say: yes."])
def test_a_short_text_is_its_own_parts(text: str) -> None:
    assert parts_of(text) == (text, text, text)


def test_parts_are_short_however_long_the_text() -> None:
    parts = parts_of("word " * 500_000)
    assert max(len(parts.first), len(parts.last)) <= MOST_CHARACTERS


def test_a_question_behind_megabytes_of_code_is_the_last_part() -> None:
    text = "x = 1;\n" * 300_000 + "Why does the loop above never end in practice?"
    assert parts_of(text).last == "Why does the loop above never end in practice?"


@pytest.mark.parametrize("shape", SHAPES)
def test_parts_and_surface_of_a_hostile_text_are_bounded_and_finite(shape: str) -> None:
    text = SHAPES[shape](300_000)
    parts = parts_of(text)
    found = surface(text, parts.last)
    assert max(len(parts.first), len(parts.last)) <= LOOK_CHARACTERS
    assert found.shape == (len(NAMES),)
    assert np.isfinite(found).all()


@pytest.mark.parametrize(
    ("text", "cue"),
    [
        ("Write exactly five words", "exact"),
        ("Schreib genau fünf Wörter", "exact"),
        ("恰好五个字", "exact"),
        ("Prove it", "prove"),
        ("Démontrez-le", "prove"),
        ("証明してください", "prove"),
        ("sin calculadora", "without"),
        ("Nur ein Wort", "merely"),
        ("каждое слово", "every"),
        ("не знаю", "negated"),
    ],
)
def test_cues_are_found_in_many_languages(text: str, cue: str) -> None:
    found = dict(zip(NAMES, surface(text, text), strict=True))
    assert found[cue] > 0
    assert sum(found[name] > 0 for name in CUES) == 1


def test_go_on_is_read_as_what_it_continues() -> None:
    assert asked("a: prove the theorem", "b: go on") == "a: prove the theorem"
    assert asked("a: prove the theorem", "b: go on", "b: yes, more") == "a: prove the theorem"


def test_a_change_is_read_together_with_what_it_changes() -> None:
    assert asked("a: write a poem", "t: now without e", "b: go on") == "a: write a poem\nt: now without e"


def test_a_new_request_is_read_alone() -> None:
    assert asked("a: prove the theorem", "a: thanks!") == "a: thanks!"
    assert asked("a: hello", "a: prove the theorem", "b: go on") == "a: prove the theorem"


def test_the_first_request_and_long_ones_need_no_gate() -> None:
    assert asked("b: go on") == "b: go on"
    assert asked("a: hello", "b" * 1000) == "b" * 1000


def test_only_so_many_turns_are_looked_back_through() -> None:
    assert asked(*["a: first"], *["b: go on"] * 50) == "b: go on"
    embedder = FakeEmbedder()
    subject_of([Turn("user", "b: go on")] * 50, embedder, SpelledGate())
    assert len(embedder.embedded) < MOST_TURNS


def test_a_conversation_without_a_user_is_read_all_the_same() -> None:
    assert subject_of([Turn("assistant", "hello")], EMBEDDER, SpelledGate()) == "hello"


def test_a_request_is_embedded_whole_and_by_its_parts() -> None:
    text = "This is a hard theorem of the calculus. Now tell me what day it is today please."
    read = read_request(conversation_of_text(text), EMBEDDER, SETTINGS, SpelledGate())
    assert read.subject == text
    assert np.array_equal(read.inputs.whole, EMBEDDER.embed([text]))
    assert read.inputs.first[0, 0] == 1
    assert read.inputs.last[0, 0] == 0
    assert len(read.inputs) == 1


def test_a_short_request_is_embedded_once() -> None:
    embedder = FakeEmbedder()
    read = read_request([Turn("user", "hi")], embedder, SETTINGS, SpelledGate())
    assert len(embedder.embedded) == 1
    assert np.array_equal(read.inputs.first, read.inputs.whole)


def test_inputs_of_vectors_and_their_rows() -> None:
    inputs = Inputs.of_vectors(np.eye(4, dtype=np.float32))
    assert np.array_equal(inputs.rows(np.array([2])).last, np.eye(4, dtype=np.float32)[[2]])
    assert inputs.surface.shape == (4, len(NAMES))
