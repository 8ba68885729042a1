"""The parts of a request that are read for its difficulty: the whole, how it begins, and what it asks for last.

A story may surround a plain question and a plain sentence may follow a page of code; so the first and the last
sentences are embedded beside the whole. They are short, and looked for in the text's two ends alone.
"""

import re
from typing import NamedTuple

# Sentences of so many words are joined until a part says something by itself.
LEAST_WORDS = 6
MOST_CHARACTERS = 400
LOOK_CHARACTERS = 2000
# Ends of sentences in the scripts of the embedder's languages; a colon and a line's end count too.
END = re.compile(r"(?<=[.!?…؟।])[\"'”»」』)]{0,2}\s+|(?<=[。！？])|\n+|(?<=[:：])\s+")
WIDE = 0x2E80  # from here on a character is about half a word


class Parts(NamedTuple):
    """Three texts; `first` and `last` are the whole text where it is no longer than they are."""

    whole: str
    first: str
    last: str


def parts_of(text: str) -> Parts:
    """The parts of a text. Time does not grow with its length beyond 4,000 characters."""
    text = text.strip()
    first = _joined(_sentences(text[:LOOK_CHARACTERS]), 1)
    last = _joined(_sentences(text[-LOOK_CHARACTERS:]), -1)
    return Parts(text, first or text[:MOST_CHARACTERS], last or text[-MOST_CHARACTERS:])


def _sentences(text: str) -> list[str]:
    return [part.strip() for part in END.split(text) if part and part.strip()]


def _joined(sentences: list[str], step: int) -> str:
    """Sentences from the start (step 1) or the end (step -1), until they have enough words."""
    taken: list[str] = []
    words = 0.0
    for sentence in sentences[::step]:
        taken.append(sentence)
        words += _words(sentence)
        if words >= LEAST_WORDS:
            break
    text = " ".join(taken[::step])
    return text[:MOST_CHARACTERS] if step > 0 else text[-MOST_CHARACTERS:]


def _words(text: str) -> float:
    return len(text.split()) + sum(ord(character) >= WIDE for character in text) / 2
