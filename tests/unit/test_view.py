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


def words(letter: str, n: int) -> list[str]:
    """So many different words of seven letters."""
    return [f"{letter}{i:06d}" for i in range(n)]


def shown(prompt: str, settings: ViewSettings = SETTINGS) -> list[str]:
    return select_view(prompt, settings, EMBEDDER).text.split()


def test_a_prompt_that_just_fits_the_window_passes_whole_with_its_tokens() -> None:
    fits = " ".join(words("w", 62))  # and the two tokens that begin and end it
    selected = select_view(fits, SETTINGS, EMBEDDER)
    assert (selected.text, selected.whole) == (fits, True)
    assert selected.token_ids == EMBEDDER.tokenize(fits)
    longer = select_view(f"{fits} more", SETTINGS, EMBEDDER)
    assert longer.whole is False
    assert longer.token_ids is None


@pytest.mark.parametrize(("size", "whole"), [(2048, True), (2049, False)])
def test_a_text_is_split_whole_up_to_32_characters_for_each_token_of_the_window(size: int, whole: bool) -> None:
    assert select_view("x" * size, SETTINGS, EMBEDDER).whole is whole


def test_without_a_marker_the_window_is_shared_evenly_by_the_beginning_and_the_end() -> None:
    prompt = words("w", 500)
    assert shown(" ".join(prompt)) == [*prompt[:31], *prompt[-31:]]


def test_head_request_and_tail_have_the_tokens_that_are_theirs() -> None:
    head, request, template = words("h", 100), words("r", 20), words("t", 100)
    prompt = f"{' '.join(head)} [INST] {' '.join(request)} [/INST] {' '.join(template)}"
    assert shown(prompt) == [*head[:8], *request, *template[-8:]]
    longer = words("r", 100)
    prompt = f"{' '.join(head)} [INST] {' '.join(longer)} [/INST] {' '.join(template)}"
    assert shown(prompt) == [*head[:8], *longer[:46], *longer[-8:]]


@pytest.mark.parametrize("share", [0, 1, 2])
def test_head_and_tail_may_be_as_short_as_one_token_or_nothing(share: int) -> None:
    settings = ViewSettings(max_tokens=64, head_tokens=share, tail_tokens=share)
    head, request, template = words("h", 100), words("r", 20), words("t", 100)
    prompt = f"{' '.join(head)} [INST] {' '.join(request)} [/INST] {' '.join(template)}"
    assert shown(prompt, settings) == [*head[:share], *request, *template[100 - share :]]
    assert not select_view(prompt, settings, EMBEDDER).text.startswith("\n")


def test_no_word_is_cut_where_a_part_ends() -> None:
    # Thirty words of seven letters, and the 31st is long: the search for 31 words ends within it.
    begin, end = words("b", 30), words("e", 30)
    whole = [*begin, "beginning" * 3, *words("w", 200), "ending" * 4, *end]
    assert shown(" ".join(whole)) == [*whole[:31], *whole[-31:]]


def test_of_an_endless_word_the_beginning_and_the_end_are_kept() -> None:
    text = select_view("a" * 50_000 + "z" * 50_000, SETTINGS, EMBEDDER).text
    assert text == "a" * 31 * MOST_CHARACTERS_A_TOKEN + "\n" + "z" * 31 * MOST_CHARACTERS_A_TOKEN


@pytest.mark.parametrize("size", [CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK + 1])
def test_a_request_at_the_very_beginning_is_seen_however_long_it_is(size: int) -> None:
    request = words("w", size // 8)
    prompt = ("<user>" + " ".join(request)).ljust(size, "x")[:size]
    text = select_view(prompt, SETTINGS, EMBEDDER).text
    # The marker and the request touch, and nothing is put between them.
    assert text.startswith(f"<user>{request[0]}")
    assert text.split()[1:46] == request[1:46]


@pytest.mark.parametrize("before", [CHUNK - 200, CHUNK - 50, CHUNK - 3, CHUNK + 50])
def test_the_end_of_a_request_is_seen_wherever_it_lies(before: int) -> None:
    request = f"{' '.join(words('r', before // 8 - 4))} the last of it".rjust(before, ".")
    prompt = f"{TEMPLATE}<user>{request}</user>{TEMPLATE}"
    assert view(prompt).endswith("the last of it")
