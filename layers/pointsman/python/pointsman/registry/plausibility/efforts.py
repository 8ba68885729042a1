"""Efforts that are hardly meant: misspelt, out of order, asking for one another, or writing less for more."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from pointsman.faults import nearest_name
from pointsman.registry.fields import EFFORTS
from pointsman.registry.plausibility.findings import Findings, ModelFile, World

# A higher effort that writes less than a lower one by this factor.
SHRINKS = 2.0


def effort_findings(one: ModelFile, world: World) -> Findings:
    """The levels of a model."""
    del world
    levels = one.model.levels
    for level in levels:
        if level not in EFFORTS:
            remedy = nearest_name(level, EFFORTS) or f"Levels are usually called {', '.join(EFFORTS)}."
            yield one.warning(f"efforts.{level}", "unusual name of an effort", remedy)
    known = [level for level in levels if level in EFFORTS]
    if known != sorted(known, key=EFFORTS.index):
        ordered = ", ".join(sorted(known, key=EFFORTS.index))
        yield one.error("efforts", "not from the least effort to the most", f"Order the levels: {ordered}.")
    asked: dict[str, str] = {}
    for level in levels:
        request = dict(one.model.efforts[level].request)
        named = [text for text in _texts(request) if text in EFFORTS and text != level]
        if any(text in levels for text in named) and level not in _texts(request):
            yield one.error(f"efforts.{level}.request", f"asks for {named[0]}", f"Ask for {level}.")
        elif (same := asked.setdefault(repr(sorted(request.items(), key=str)), level)) != level:
            message = f"asks for the same as effort {same}"
            yield one.error(f"efforts.{level}.request", message, f"Ask for {level}, or remove one of the two.")
    for lower, higher in pairwise(levels):
        below, above = one.model.efforts[lower].output_tokens, one.model.efforts[higher].output_tokens
        for work in below:
            if work in above and above[work] * SHRINKS < below[work]:
                message = f"{above[work]:g} tokens, where effort {lower} writes {below[work]:g}"
                yield one.warning(f"efforts.{higher}.output_tokens.{work}", message, "Swap the two, or correct one.")


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)
