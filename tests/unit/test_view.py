"""The view: a templated prompt is read for what the user asks; a short one is read whole."""

import pytest
from pointsman.routing.view import CHUNK, LONGEST_MARKER, MOST_CHARACTERS_A_TOKEN, ViewSettings, select_view

from scripts.harness.hostile import SHAPES
from tests.fakes import FakeEmbedder

SETTINGS = ViewSettings(max_tokens=64, head_tokens=8, tail_tokens=8)
EMBEDDER = FakeEmbedder()
TEMPLATE = "You are an agent. " + "Follow the rules of the house at all times. " * 40


def view(prompt: str) -> str:
    selected = select_view(prompt, SETTINGS, EMBEDDER)
    assert len(EMBEDDER.tokenize(selected.text)) <= SETTINGS.max_tokens
    return selected.text


def test_a_short_prompt_passes_whole() -> None:
    prompt = "  What is\n\n1+1?  "
    selected = select_view(prompt, SETTINGS, EMBEDDER)
    assert (selected.text, selected.whole) == (prompt, True)


@pytest.mark.parametrize(
    "marker",
    [
        "<user>",
        "## User Task",
        "### Task:",
        "<|im_start|>user",
        "[INST]",
        "<|start_header_id|>user<|end_header_id|>",
        "User:",
        "Human:",
        "**Question**:",
        "<user_query>",
    ],
)
def test_the_users_request_is_in_the_view_whatever_marks_it(marker: str) -> None:
    prompt = f"{TEMPLATE}\n{marker}\nprove the theorem of Noether\n"
    text = view(prompt)
    assert "prove the theorem of Noether" in text
    assert text.count("Follow the rules") <= 1


def test_the_last_users_turn_counts() -> None:
    text = view(f"{TEMPLATE}<user>first question</user>{TEMPLATE}<user>second question</user>")
    assert "second question" in text
    assert "first question" not in text


def test_a_template_behind_the_request_is_only_a_tail() -> None:
    text = view(f"{TEMPLATE}<user>what is two plus two</user>{TEMPLATE}END OF TEMPLATE")
    assert "what is two plus two" in text
    assert text.endswith("END OF TEMPLATE")


def test_a_long_request_keeps_its_beginning_and_its_end() -> None:
    text = view(f"{TEMPLATE}<user>BEGIN {'filler words here ' * 60} so how many are there</user>")
    assert "BEGIN" in text
    assert "so how many are there" in text


def test_a_long_prompt_without_a_marker_keeps_both_ends() -> None:
    text = view("START " + "some text in between " * 100 + " FINISH")
    assert text.startswith("START")
    assert text.endswith("FINISH")


def test_an_empty_last_turn_is_passed_over() -> None:
    text = view(f"{TEMPLATE}<user>the real question</user>\n{TEMPLATE}\nAssistant: ok\nUser:   \n")
    assert "the real question" in text


def test_the_view_holds_nothing_that_is_not_in_the_prompt() -> None:
    prompt = f"{TEMPLATE}<user>{'why ' * 200}</user>{TEMPLATE}"
    assert all(part in prompt for part in view(prompt).split("\n"))


class CountingEmbedder(FakeEmbedder):
    """Counts the characters that it is asked to split."""

    def __init__(self) -> None:
        super().__init__()
        self.read = 0

    def offsets(self, text: str) -> list[tuple[int, int]]:
        self.read += len(text)
        return super().offsets(text)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_hostile_prompt_costs_what_its_size_says(shape: str) -> None:
    # A search that started over at every marker or blank would not come back from these.
    embedder = CountingEmbedder()
    found = select_view(SHAPES[shape](500_000), SETTINGS, embedder)
    assert embedder.read <= 2 * SETTINGS.max_tokens * MOST_CHARACTERS_A_TOKEN
    assert len(found.text) <= SETTINGS.max_tokens * MOST_CHARACTERS_A_TOKEN


@pytest.mark.parametrize("blank", [" ", "\n", "\u200b", "\u3000", "\u00a0", "\ufeff"])
def test_a_question_between_megabytes_of_blanks_is_seen(blank: str) -> None:
    assert "prove the theorem" in view(blank * 300_000 + "prove the theorem" + blank * 300_000)


@pytest.mark.parametrize("blanks", [" " * 12_000, "\t" * 12_000, " \t" * 200_000])
def test_a_heading_with_blanks_behind_it_is_read_in_one_pass(blanks: str) -> None:
    assert "two plus two" in view(f"{TEMPLATE}<user>two plus two</user>\n## task{blanks}x\n#{blanks}y")


def test_half_a_word_at_the_edge_of_a_search_is_no_marker() -> None:
    for shift in range(-3, 4):
        filler = "word " * (CHUNK // 5 - 40)
        tail = "b " * ((CHUNK - LONGEST_MARKER + shift) // 2)
        text = view(f"{TEMPLATE}<user>the real question</user>{filler}\n## taskmasters are many {tail}")
        assert "the real question" in text
