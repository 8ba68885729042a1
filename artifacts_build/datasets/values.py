"""How a value that was written as text is read: the same in every reader, whatever the format.

Tables of text (CSV) have nothing else, and other formats hold numbers as text by accident. A name is its text without
the blanks around it, so `m` and `m ` are one model.
"""

import math
import re

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_WORDS = {"": math.nan, "nan": math.nan, "null": math.nan, "true": 1.0, "false": 0.0}
_WORDS |= {sign + word: float(sign + "inf") for sign in ("", "+", "-") for word in ("inf", "infinity")}
# Beside what Python strips: marks without width, which tables and chats bring along.
_WIDTHLESS = "\ufeff\u200b\u2060"


def number_of(text: str) -> float | None:
    """The number that a text says; NaN where it is blank, None where it is no number."""
    text = name_of(text)
    if _NUMBER.fullmatch(text):
        return float(text)
    return _WORDS.get(text.lower())


def name_of(text: str) -> str:
    """A name or id without what surrounds it unseen."""
    before = None
    while text != before:
        before, text = text, text.strip().strip(_WIDTHLESS)
    return text
