"""The view: the part of a prompt that is embedded, when the whole is longer than the window.

A templated agent prompt is mostly template; what decides its difficulty is what the user asks. So the view
is a short head, the focus (from the last marker of a user's turn on) and a tail. A prompt that fits the
window passes whole, and the view never holds a character that is not in the prompt, but for the line breaks
between its slices.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

if TYPE_CHECKING:
    from pointsman.embedders.base import Embedder

_ENDING = (
    r"(?:<(?:\|im_end\|>|\|eot_id\|>|end_of_turn>"
    r"|/\s*+(?=[uqtr])(?:user(?:_(?:query|request|message|input))?|query|question|task|request)\s*+>)|\[/INST\])"
)
# Where a tagged user's turn ends; what comes after it is template again.
ENDINGS = re.compile(_ENDING, re.IGNORECASE)
# What opens a user's turn in chat templates, tagged prompts and Markdown; the last one in a prompt counts, but for
# those that end at once. Repetitions are possessive (`*+`), so that a run of blanks is walked once and never tried in
# every division; a look at one character settles most places.
MARKERS = re.compile(
    rf"""(?:
    <(?=[|suqtr\s])(?:
        \|(?: im_start\|>\s*+user\b | start_header_id\|>\s*+user\s*+<\|end_header_id\|> | user\|> )
      | start_of_turn>\s*+user\b
      | \s*+(?:user(?:_(?:query|request|message|input))?|query|question|task|request)\s*+>
    )
    | \[INST\]
    | ^[ \t]*+(?=[\#*uhqt])(?:
        \#{{1,6}}+[ \t]*+(?:the[ ])?(?:user(?:'s)?[ ])?
        (?:task|request|query|question|message|input|prompt|instructions?|user)[ \t]*+:?+[ \t]*+$
      | \**+(?:user|human|question|task|user[ ](?:request|query|message|task|input))\**+[ \t]*+:
    )
    )(?!\s*+{_ENDING})""",
    re.IGNORECASE | re.MULTILINE | re.VERBOSE,
)
# A slice of n tokens is looked for in n times as many characters, then in eight times that, and at last in the
# most: what has fewer tokens there (runs of blanks, of joiners, of unknown signs) is taken as it is.
CHARACTERS_A_TOKEN, MOST_CHARACTERS_A_TOKEN = 8, 256
# What no tokenizer makes much of: a slice begins and ends with something else.
BLANKS = "".join(chr(c) for c in range(0x3001) if chr(c).isspace()) + "\u00ad\u061c\u180e\ufeff\u3164\u2800"
BLANKS += "".join(map(chr, (*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070))))
SEPARATOR = "\n"
CHUNK = 65_536
LONGEST_MARKER = 128


class ViewSettings(BaseModel):
    """Sizes of the view in tokens of the embedder; weights are trained for one setting."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_tokens: int = Field(ge=16, le=1_000_000, strict=True)
    head_tokens: int = Field(ge=0, strict=True)
    tail_tokens: int = Field(ge=0, strict=True)

    @model_validator(mode="after")
    def _fit(self) -> Self:
        if self.head_tokens + self.tail_tokens > self.max_tokens:
            raise ValueError("head_tokens and tail_tokens are together more than max_tokens")
        return self


@dataclass(frozen=True, slots=True)
class View:
    """What is embedded. `token_ids` are its token ids where they are known already, else None."""

    text: str
    whole: bool
    token_ids: Sequence[int] | None = None


def select_view(
    prompt: str, settings: ViewSettings, embedder: "Embedder", token_ids: Sequence[int] | None = None
) -> View:
    """The view of a prompt; `token_ids` are those of the whole prompt, where the caller has them.

    A prompt of at most `settings.max_tokens` tokens, begin and end included, is its own view.
    """
    if token_ids is None and len(prompt) <= settings.max_tokens * CHARACTERS_A_TOKEN * 4:
        token_ids = embedder.tokenize(prompt)
    if token_ids is not None and len(token_ids) <= settings.max_tokens:
        return View(prompt, whole=True, token_ids=token_ids)
    budget = settings.max_tokens - embedder.special_tokens
    focus = _focus(prompt)
    if focus is None:
        half = budget // 2
        spans = [_first(prompt, 0, len(prompt), budget - half, embedder), _last(prompt, len(prompt), half, embedder)]
    else:
        spans = _focused(prompt, focus, budget, settings, embedder)
    return View(SEPARATOR.join(prompt[start:end] for start, end in _merged(spans)), whole=False)


Span = tuple[int, int]


class Focus(NamedTuple):
    """The user's request, prompt[start:end]; behind it the template goes on at `resume`."""

    start: int
    end: int
    resume: int


def _focused(prompt: str, focus: Focus, budget: int, settings: ViewSettings, embedder: "Embedder") -> list[Span]:
    """Head, focus and tail. Where the request is longer than its share, the tail is the request's own end."""
    head = _first(prompt, 0, focus.start, settings.head_tokens, embedder)
    share = budget - settings.head_tokens - settings.tail_tokens
    body = _first(prompt, focus.start, focus.end, share, embedder)
    if body[1] < focus.start + len(prompt[focus.start : focus.end].rstrip(BLANKS)):
        return [head, body, _last(prompt, focus.end, settings.tail_tokens, embedder)]
    start, end = _last(prompt, len(prompt), settings.tail_tokens, embedder)
    return [head, body, (max(start, focus.resume), end)]


def _focus(prompt: str) -> Focus | None:
    """The last user's turn that is not empty, or None where there is none.

    Looks from the end in chunks: the last turn is near it, and a prompt may be megabytes long.
    """
    high = len(prompt)
    while high > 0:
        low = max(0, high - CHUNK)
        # A marker may straddle two chunks, so each looks a little into the next; what ends just where the look
        # does may be half a word.
        stop = min(len(prompt), high + LONGEST_MARKER)
        markers = [m for m in MARKERS.finditer(prompt, low, stop) if m.end() < stop or stop == len(prompt)]
        for marker in reversed(markers):
            ending = _ending(prompt, marker.end())
            end, resume = ending.span() if ending else (len(prompt), len(prompt))
            if prompt[marker.end() : end].strip():
                return Focus(marker.end(), end, resume)
        high = low
    return None


def _ending(prompt: str, start: int) -> re.Match[str] | None:
    """Where a user's turn ends; looked for in chunks, between which other threads may run."""
    for low in range(start, len(prompt), CHUNK):
        found = ENDINGS.search(prompt, low, low + CHUNK + LONGEST_MARKER)
        if found:
            return found
    return None


def _first(prompt: str, start: int, end: int, tokens: int, embedder: "Embedder") -> Span:
    """The span of the first `tokens` tokens of prompt[start:end], blanks at its beginning left out."""
    if tokens <= 0:
        return start, start
    start = end - len(prompt[start:end].lstrip(BLANKS))
    for length in _lengths(tokens, end - start):
        offsets = embedder.offsets(prompt[start : start + length])
        # One token more than is needed, since the last may be cut short.
        if len(offsets) > tokens:
            return start, start + offsets[tokens - 1][1]
    return start, start + len(prompt[start : start + length].rstrip(BLANKS))


def _last(prompt: str, end: int, tokens: int, embedder: "Embedder") -> Span:
    """The span of the last `tokens` tokens of prompt[:end], blanks at its end left out."""
    if tokens <= 0:
        return end, end
    end = len(prompt[:end].rstrip(BLANKS))
    for length in _lengths(tokens, end):
        offsets = embedder.offsets(prompt[end - length : end])
        if len(offsets) > tokens:
            return end - length + offsets[-tokens][0], end
    return end - len(prompt[end - length : end].lstrip(BLANKS)), end


def _lengths(tokens: int, most: int) -> Iterator[int]:
    """Numbers of characters in which to look for so many tokens, up to all there are or the most for them."""
    most = min(most, tokens * MOST_CHARACTERS_A_TOKEN)
    length = tokens * CHARACTERS_A_TOKEN
    while length < most:
        yield length
        length *= 8
    yield most


def _merged(spans: Sequence[Span]) -> list[Span]:
    """Spans in order, those that touch or overlap as one, empty ones left out."""
    merged: list[Span] = []
    for start, end in spans:
        if start >= end:
            continue
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
