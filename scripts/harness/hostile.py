"""Texts that are made to be slow: what benchmarks measure and tests feed to everything that reads a prompt."""

import base64
import random
from collections.abc import Callable

WORDS = "plain words of a text that somebody wrote "


def _repeated(unit: str) -> Callable[[int], str]:
    """A text of about so many UTF-8 bytes, made of one unit over and over."""
    return lambda size: unit * max(1, size // len(unit.encode()))


def _around(head: str, filler: str, tail: str) -> Callable[[int], str]:
    """One head and one tail with filler between them."""
    return lambda size: head + filler * max(1, (size - len((head + tail).encode())) // len(filler.encode())) + tail


def _nested(size: int) -> str:
    return "<user>" * (size // 13) + "x" + "</user>" * (size // 13)


def _base64(size: int) -> str:
    return base64.b64encode(random.Random(0).randbytes(size * 3 // 4)).decode()


def _unicode_spaces(size: int) -> str:
    spaces = "".join(chr(c) for c in range(0x3001) if chr(c).isspace())
    return _repeated(spaces)(size)


# Name: how a text of so many bytes is made.
SHAPES: dict[str, Callable[[int], str]] = {
    "blanks": _repeated(" "),
    "tabs": _repeated("\t"),
    "line breaks": _repeated("\n"),
    "carriage returns and line breaks": _repeated("\r\n"),
    "no-break spaces": _repeated("\u00a0"),
    "ideographic spaces": _repeated("\u3000"),
    "all Unicode spaces in turn": _unicode_spaces,
    "zero-width spaces": _repeated("\u200b"),
    "zero-width joiners": _repeated("\u200d"),
    "word joiners": _repeated("\u2060"),
    "byte-order marks": _repeated("\ufeff"),
    "soft hyphens": _repeated("\u00ad"),
    "right-to-left marks": _repeated("\u200f"),
    "combining accents on one letter": _around("a", "\u0301", ""),
    "variation selectors": _repeated("\ufe0f"),
    "families of emoji": _repeated("👩\u200d👩\u200d👧"),
    "control characters": _repeated("\x01"),
    "one long word": _repeated("a"),
    "one long number": _repeated("7"),
    "base64": _base64,
    "alternating scripts": _repeated("aя字ا"),
    "unknown signs": _repeated("𓀀"),
    "a word in many blanks": _around(" ", " " * 50 + "word", " "),
    "a question between blanks": lambda size: " " * (size // 2) + "What is 1+1?" + " " * (size // 2),
    "heading and blanks": _around("## task", " ", "x"),
    "heading sign and blanks": _around("#", " ", "x"),
    "blanks and colons": _repeated("# user" + " " * 60 + ":" + " " * 60 + "x\n"),
    "headings without end": _repeated("# user task "),
    "stars before a user": _around("", "*", "user"),
    "opening brackets": _repeated("<"),
    "a bracket and blanks": _around("<", " ", "user"),
    "half a chat marker and breaks": _around("<|im_start|>", "\n", "x"),
    "header marker and blanks": _around("<|start_header_id|>user", " ", "x"),
    "half markers": _repeated("<|im_start|> use"),
    "repeated markers": _repeated("<user>"),
    "empty turns": _repeated("<user></user>"),
    "blank turns": _repeated("<user>" + " " * 40 + "</user>"),
    "turns of a line": _repeated("User:\n"),
    "nested tags": _nested,
    "half endings": _around("<user>", "</ ", ""),
}
