"""Decisions under changes that should not matter, in six languages, and under a prompt that talks itself up or down.

The texts are in `robustness.json`; the router decides as it does when it serves, with the registry's config.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pointsman.router import Router
from tqdm import tqdm

from artifacts_build.evaluation.curves import route
from artifacts_build.evaluation.measures import auc

TEXTS = Path(__file__).with_name("robustness.json")
ENGLISH = "en"
LANGUAGES = {"en": "English", "zh": "Chinese", "es": "Spanish", "de": "German", "ja": "Japanese", "ar": "Arabic"}
# Where one config's threshold is cleared by its cheapest model on every prompt, nothing flips; so the same decisions
# are replayed for others.
THRESHOLDS = np.round(np.arange(0.5, 0.996, 0.01), 2)
CHANGES: Mapping[str, Callable[[str], str]] = {
    "spaces around": lambda text: f"  {text}  ",
    "a line break at the end": lambda text: f"{text}\n",
    "double spaces": lambda text: text.replace(" ", "  "),
    "lower case": str.lower,
    "upper case": str.upper,
    "no full stop or question mark": lambda text: text.rstrip(".?!"),
}


@dataclass(frozen=True)
class Answer:
    """What was decided, and on what grounds."""

    selected: tuple[str, ...]
    difficulty: float
    mu: Mapping[str, float]  # by candidate
    by_threshold: tuple[str, ...] = ()  # what each of THRESHOLDS would choose


def robustness(router: Router, config: str) -> dict[str, Any]:
    """Share of decisions that flip, and how far probabilities move, under each kind of change."""
    texts = json.loads(TEXTS.read_text(encoding="utf-8"))
    plain = [one for one, _ in texts["paraphrases"]] + [row[ENGLISH] for row in texts["languages"]]
    pairs: dict[str, list[tuple[str, str]]] = {
        name: [(text, change(text)) for text in plain if change(text) != text] for name, change in CHANGES.items()
    }
    pairs["a polite preamble"] = [(text, before + text) for text in plain for before in texts["preambles"]]
    pairs["a paraphrase"] = [(one, other) for one, other in texts["paraphrases"]]
    for code, name in LANGUAGES.items():
        if code != ENGLISH:
            pairs[f"the same in {name}"] = [(row[ENGLISH], row[code]) for row in texts["languages"]]
    for name, suffixes in texts["suffixes"].items():
        pairs[f"a suffix: {name}"] = [(text, text + after) for text in plain for after in suffixes]
    asked = {text for both in pairs.values() for pair in both for text in pair}
    answers = {text: _answer(router, text, config) for text in tqdm(sorted(asked), desc="robustness", disable=None)}
    return {
        "config": config,
        "artifact": router.artifact.digest,
        "candidates": len(router.registry.config(config).models),
        "completion_threshold": router.registry.config(config).completion_threshold,
        "prompts": len(plain),
        "models_chosen": len({answers[text].selected for text in plain}),
        "changes": {
            name: moved([(answers[one], answers[other]) for one, other in both]) for name, both in pairs.items()
        },
        "languages": {
            name: easy_before_hard([(row["kind"], answers[row[code]].difficulty) for row in texts["languages"]])
            for code, name in LANGUAGES.items()
        },
    }


def moved(pairs: Sequence[tuple[Answer, Answer]]) -> dict[str, Any]:
    """Of pairs of answers: how many decisions differ, and by how much P(complete) moves, over all candidates."""
    replayed = np.array(
        [[a != b for a, b in zip(one.by_threshold, other.by_threshold, strict=True)] for one, other in pairs]
    )
    change = np.array([np.mean([other.mu[m] - one.mu[m] for m in one.mu if m in other.mu]) for one, other in pairs])
    return {
        "pairs": len(pairs),
        "flipped": round(float(np.mean([one.selected != other.selected for one, other in pairs])), 4),
        "flipped_mean_over_thresholds": round(float(replayed.mean()), 4) if replayed.size else None,
        "flipped_at_worst_threshold": round(float(replayed.mean(axis=0).max()), 4) if replayed.size else None,
        "mean_change_of_p": round(float(change.mean()), 4),
        "mean_absolute_change_of_p": round(float(np.abs(change).mean()), 4),
        "largest_absolute_change_of_p": round(float(np.abs(change).max()), 4),
    }


def easy_before_hard(rows: Sequence[tuple[str, float]]) -> dict[str, Any]:
    """How often a hard prompt is predicted harder than an easy one (AUC), and both mean difficulties in logits."""
    hard = np.array([kind == "hard" for kind, _ in rows])
    difficulty = np.array([value for _, value in rows])
    area = auc(difficulty, hard.astype(np.float64))
    return {
        "prompts": len(rows),
        "auc": None if area is None else round(area, 4),
        "easy": round(float(difficulty[~hard].mean()), 3),
        "hard": round(float(difficulty[hard].mean()), 3),
    }


def _answer(router: Router, text: str, config: str) -> Answer:
    decision = router.decide(text, config=config)
    names = [one.model_id for one in decision.candidates]
    mu, cost = (np.array([[getattr(one, field) for one in decision.candidates]]) for field in ("mu", "cost"))
    margin = decision.fallback_quality_margin
    replayed = tuple(names[int(route(mu, cost, threshold, margin)[0])] for threshold in THRESHOLDS)
    return Answer(decision.selected, decision.difficulty, dict(zip(names, mu[0].tolist(), strict=True)), replayed)
