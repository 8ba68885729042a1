"""Splits that depend on the text of a group's name alone: not on order, size or what else is there."""

import hashlib
import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

HELD_OUT_SHARE = 0.2

# The options of a multiple-choice question, from the first lettered line to the end.
OPTIONS = re.compile(r"\n\(?A[.)] .*", re.DOTALL)
SHORTEST_STEM = 16

Array = NDArray[Any]


def held_out(groups: Array, seed: int, share: float = HELD_OUT_SHARE) -> NDArray[np.bool_]:
    """[n]: prompts of the held-out split: a hash of the seed and the group, so order and size do not matter."""
    keys = {group: _unit(f"{seed}:{group}") < share for group in np.unique(groups)}
    return np.array([keys[group] for group in groups])


def folds(groups: Array, count: int, seed: int) -> NDArray[np.intp]:
    """[n]: the fold of every prompt, 0..count-1; a group is never split."""
    keys = {group: int(_unit(f"fold:{seed}:{group}") * count) for group in np.unique(groups)}
    return np.array([keys[group] for group in groups], dtype=np.intp)


def stem_of(prompt: str) -> str | None:
    """A multiple-choice prompt without its options; None for any other prompt."""
    stem = OPTIONS.sub("", prompt).strip()
    return stem if len(stem) >= SHORTEST_STEM and stem != prompt.strip() else None


def _unit(text: str) -> float:
    """A number in [0, 1) that depends on the text alone."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) / 2**64
