"""Surface features of a request: what a pooled embedding forgets, such as sizes, numbers, code and constraints.

Counted in the first and last few thousand characters, so that time is bounded. No feature names a language or a first
word: learned from benchmarks, those take short cuts. Values are of the order of one.
"""

import re
from collections import Counter

import numpy as np
from numpy.typing import NDArray

from pointsman.routing.cues import CUES, cue_of, unspaced_cues

HEAD, TAIL = 3000, 1500
NAMES = (
    *("length", "words", "sentences", "lines", "digits", "numbers", "longest_number", "capitals", "symbols", "code"),
    *("fences", "maths", "questions", "ends_asking", "quotes", "commas", "clauses", "items", "word_length"),
    *("longest_word", "repetition", "brackets", "last_words"),
    *CUES,
)

WORD = re.compile(r"[^\W\d_]+")
NUMBER = re.compile(r"\d[\d.,\u00a0\u202f ]*")
DIGIT = re.compile(r"\d")
CAPITAL = re.compile(r"[A-ZÀ-ÖØ-ÞА-ЯЁ]")
SYMBOL = re.compile(r"[^\w\s]")
WIDE = re.compile(r"[\u0e00-\u0eff\u2e80-\U0003ffff]")  # scripts without spaces: a character is half a word
SENTENCE = re.compile(r"[.!?。！？؟।]+")
QUESTION = re.compile(r"[?？؟]")
CODE = re.compile(r"[{}]|;\s*\n|=>|==|->|::|\(\)|</|#include|\b(?:def|class|import|SELECT) |\w_\w|\w\(\w")
MATHS = re.compile(r"[∑∫√≤≥∀∃∈⊂→∞±×÷≡≠^ℝℤ²³ⁿₙ$]|\\[a-z]{2}|\b[a-z] ?[=+<] ?[\w(]")
QUOTE = re.compile(r"[\"“”„«»「」『』]")
CLAUSE = re.compile(r"[;:；：—–]")
COMMA = re.compile(r"[,，、،]")
ITEM = re.compile(r"^[ \t]{0,8}(?:\d{1,3}[.)]|[-*•]|[a-zA-Z][.)])\s", re.MULTILINE)
BRACKET = re.compile(r"[(\[（]")
LONGEST_WORD = 40
# Words of unspaced scripts have no length of their own: they get a usual one.
WIDE_WORD, WIDE_LONGEST = 5.0, 9.0


def surface(text: str, last: str) -> NDArray[np.float32]:
    """float32 [len(NAMES)] of a request's text and of its last part."""
    seen = text if len(text) <= HEAD + TAIL else text[:HEAD] + "\n" + text[-TAIL:]
    n = len(seen) or 1
    words = WORD.findall(seen)
    wide = _count(WIDE, seen)
    numbers = NUMBER.findall(seen)
    lengths = [min(len(word), LONGEST_WORD) for word in words] or [0]
    cues = Counter(cue for word in words if (cue := cue_of(word.lower())))
    if not seen.isascii():
        cues.update(unspaced_cues(seen))
    counts = [
        len(text),
        len(words) + wide / 2,
        _count(SENTENCE, seen),
        seen.count("\n"),
        len(numbers),
        max(map(len, numbers), default=0),
        _count(CODE, seen),
        _count(MATHS, seen),
        _count(QUESTION, seen),
        _count(QUOTE, seen),
        _count(COMMA, seen),
        _count(CLAUSE, seen),
        _count(ITEM, seen),
        WIDE_LONGEST if wide else max(lengths),
        _count(BRACKET, seen),
        len(last.split()) + _count(WIDE, last) / 2,
        *(cues[cue] for cue in CUES),
    ]
    logs = np.log1p(np.array(counts, dtype=np.float64)).tolist()
    size, many, stops, lines, figures, longest, code, maths, asks, quotes, commas, clauses, items, word, opened, end = (
        logs[: -len(CUES)]
    )
    values = [
        *(size / 4, many / 3, stops, lines / 2, _count(DIGIT, seen) / n * 4, figures, longest),
        *(_count(CAPITAL, seen) / n * 5, _count(SYMBOL, seen) / n * 5, code, float("```" in seen), maths, asks),
        *(float(seen.rstrip().endswith(("?", "？", "؟"))), quotes / 2, commas / 2, clauses, items),
        *((WIDE_WORD if wide else sum(lengths) / len(lengths)) / 5, word / 2, len(set(words)) / (len(words) or 1)),
        *(opened, end / 3),
        *logs[-len(CUES) :],
    ]
    return np.array(values, dtype=np.float32)


def _count(pattern: re.Pattern[str], text: str) -> int:
    return len(pattern.findall(text))
