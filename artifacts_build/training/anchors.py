"""Anchors: prompts and conversations with a level from 1 to 5, annotated by a rubric and not measured.

Benchmarks have no small talk, hardly any trivial question, and little that is hard beside code and mathematics; the
anchors say where those belong. A level is how likely a typical mid-size model of 2024 completes the whole request,
so it enters on the scale of the outcomes: difficulty = ability of such models - logit(rate of the level).
`turns.jsonl` says of single turns how they are to be read: alone, together with what came before, or as it.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pointsman.routing.conversation import Turn, conversation_of_messages, conversation_of_text
from pointsman.routing.inputs import ALONE, BEFORE, TOGETHER

from artifacts_build.errors import DatasetError

Floats = NDArray[np.float64]

FOLDER = Path(__file__).parents[1] / "anchors"
TURNS_FILE = "turns.jsonl"
# The middle of what each level stands for: above 97 %, 90-97, 60-90, 20-60, below 20.
RATES = (0.985, 0.94, 0.77, 0.40, 0.12)
# Mid-size models of 2024 that answered several sources; their mean ability is the rubric's.
REFERENCE_MODELS = (
    "gpt-4o-mini-2024-07-18",
    "Meta-Llama-3.1-70B-Instruct",
    "Qwen2.5-72B-Instruct",
    "gemma-2-27b-it",
    "openai/gpt-4o-mini",
)
HOW = {"alone": ALONE, "together": TOGETHER, "before": BEFORE}


@dataclass(frozen=True)
class Anchors:
    """n annotated requests, and t turns with how they are to be read."""

    turns: Sequence[Sequence[Turn]]  # [n] conversations, most of one turn
    level: NDArray[np.intp]  # [n], 1 to 5
    kind: NDArray[np.str_]  # [n] of task
    language: NDArray[np.str_]  # [n]
    author: NDArray[np.str_]  # [n] the file it is in
    twin: NDArray[np.str_]  # [n] near twins share a name; empty for none
    same: NDArray[np.str_]  # [n] one task in several languages shares a name; empty for none
    replies: Sequence[str]  # [t]
    how: NDArray[np.intp]  # [t] ALONE, TOGETHER or BEFORE

    def __len__(self) -> int:
        return len(self.turns)

    @property
    def group(self) -> NDArray[np.intp]:
        """[n]: what must not be split between fitting and judging: twins, and one task in several languages."""
        names = [t or s or f"#{i}" for i, (t, s) in enumerate(zip(self.twin, self.same, strict=True))]
        found: NDArray[np.intp] = np.unique(names, return_inverse=True)[1].astype(np.intp)
        return found

    def difficulty(self, ability: float) -> Floats:
        """[n], logits, on the scale in which the reference models have this ability."""
        rate = np.array(RATES)[self.level - 1]
        found: Floats = ability - np.log(rate / (1 - rate))
        return found


def read_anchors(folder: Path = FOLDER) -> Anchors:
    """The anchors of every file of a folder, and its turns.

    Raises:
        DatasetError: a line is no anchor; it names file and line.
    """
    rows: list[tuple[str, dict[str, Any]]] = []
    for path in sorted(folder.glob("*.jsonl")):
        if path.name != TURNS_FILE:
            rows += [(path.stem, row) for row in _lines(path, ("kind", "level", "lang"))]
    replies = list(_lines(folder / TURNS_FILE, ("text", "read")))
    return Anchors(
        turns=[
            conversation_of_messages(row["messages"]) if "messages" in row else conversation_of_text(row["prompt"])
            for _, row in rows
        ],
        level=np.array([row["level"] for _, row in rows], dtype=np.intp),
        kind=np.array([row["kind"] for _, row in rows]),
        language=np.array([row["lang"] for _, row in rows]),
        author=np.array([author for author, _ in rows]),
        twin=np.array([f"{author}/{row['twin']}" if row.get("twin") else "" for author, row in rows]),
        same=np.array([f"{author}/{row['same']}" if row.get("same") else "" for author, row in rows]),
        replies=[row["text"] for row in replies],
        how=np.array([HOW[row["read"]] for row in replies], dtype=np.intp),
    )


def reference_ability(model_ids: Sequence[str], ability: Floats, seen: NDArray[np.bool_]) -> float:
    """The mean ability of the reference models that were seen; of all seen where none of them was."""
    known = np.isin(np.asarray(model_ids), REFERENCE_MODELS) & seen
    return float(ability[known if known.any() else seen].mean())


def _lines(path: Path, needed: Sequence[str]) -> list[dict[str, Any]]:
    rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            row = json.loads(line)
            missing = [name for name in needed if name not in row]
        except (ValueError, TypeError) as error:
            raise DatasetError(f"{path}, line {number}: not a JSON object ({error}). Correct the line.") from None
        if missing or row.get("level", 1) not in range(1, 6) or row.get("read", "alone") not in HOW:
            raise DatasetError(
                f"{path}, line {number}: needs {', '.join(needed)}, a level from 1 to 5, and read as one of "
                f"{', '.join(HOW)}. Correct the line."
            )
        rows.append(row)
    return rows
