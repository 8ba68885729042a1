"""Several datasets to one set of outcomes.

The order is that of the datasets and of their rows, so the same input gives the same bytes. Prompts of different
datasets stay apart, each with its own responses, but prompts of the same text, or of the same `dedup_key`, are of
one group, which is never split between training and test.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from unicodedata import normalize

import numpy as np
from numpy.typing import NDArray
from pointsman.registry import capability_of

from artifacts_build.datasets.agentic import read_agentic
from artifacts_build.datasets.collect import NUMBERS, Collected
from artifacts_build.datasets.history import read_history
from artifacts_build.datasets.llmrouterbench import read_llmrouterbench
from artifacts_build.datasets.outcomes import Outcomes
from artifacts_build.datasets.published_scores import Profiles, read_profiles
from artifacts_build.datasets.routerbench import read_routerbench
from artifacts_build.datasets.rows import read_rows
from artifacts_build.datasets.spec import DatasetSpec
from artifacts_build.errors import DatasetError

READERS: Mapping[str, Callable[[DatasetSpec], Collected]] = {
    "rows": read_rows,
    "llmrouterbench": read_llmrouterbench,
    "agentic": read_agentic,
    "routerbench": read_routerbench,
    "history": read_history,
}
MODELS_FILE = "models.csv"


def load_outcomes(folder: Path) -> Outcomes:
    """The outcomes of one folder of `rows`, with its own models.csv.

    Raises:
        DatasetError: it cannot be read, or holds something that cannot be.
    """
    return load_datasets([DatasetSpec("rows", folder, folder.resolve().name)], Profiles())


def load_datasets(specs: Sequence[DatasetSpec], profiles: Profiles) -> Outcomes:
    """Read and join datasets; a `rows` folder's own models.csv is read for models that `profiles` does not know.

    Raises:
        DatasetError: a dataset cannot be read, or two have the same name.
    """
    names = [spec.name for spec in specs]
    for name in names:
        if names.count(name) > 1:
            raise DatasetError(f"Two datasets are called {name!r}. Give one another name: KIND:PATH,name=NAME.")
    if not specs:
        raise DatasetError("There is no dataset to learn from. Name one with --dataset KIND:PATH.")
    parts = [READERS[spec.kind](spec) for spec in specs]
    for spec in specs:
        if spec.kind == "rows" and (spec.path / MODELS_FILE).exists():
            profiles = profiles.or_else(read_profiles(None, spec.path / MODELS_FILE))
    model_ids = sorted({part.model_ids[m] for part in parts for m in np.unique(part.model)})
    at = {model_id: i for i, model_id in enumerate(model_ids)}
    # A name in front keeps ids of different datasets apart; one dataset keeps its own.
    prefixes = [f"{spec.name}/" if len(specs) > 1 else "" for spec in specs]
    offsets = np.cumsum([0, *(len(part.prompts) for part in parts)])
    known = [profiles.of(model_id) for model_id in model_ids]
    gpqa_diamond = np.array([profile.gpqa_diamond for profile in known])
    livecodebench = np.array([profile.livecodebench for profile in known])
    numbers = {name: np.concatenate([part.numbers[name] for part in parts]) for name in NUMBERS}
    weights = [part.numbers["weight"] * spec.weight for part, spec in zip(parts, specs, strict=True)]
    return Outcomes(
        prompt_ids=[prefix + i for prefix, part in zip(prefixes, parts, strict=True) for i in part.prompt_ids],
        prompts=[text for part in parts for text in part.prompts],
        prompt_source=np.array([own or s.name for s, p in zip(specs, parts, strict=True) for own in p.sources]),
        prompt_task=np.array([task for part in parts for task in part.tasks], dtype=str),
        prompt_group=groups_of(
            [text for part in parts for text in part.prompts], [key for part in parts for key in part.keys]
        ),
        response_prompt=np.concatenate([p.prompt + start for p, start in zip(parts, offsets[:-1], strict=True)]),
        response_model=np.concatenate([_renumbered(part, at) for part in parts]),
        score=numbers["score"],
        weight=np.concatenate(weights),
        cost_usd=numbers["cost_usd"],
        input_tokens=numbers["input_tokens"],
        output_tokens=numbers["output_tokens"],
        model_ids=model_ids,
        base_models=[profile.base_model for profile in known],
        gpqa_diamond=gpqa_diamond,
        livecodebench=livecodebench,
        capability=np.array([capability_of(one.gpqa_diamond, one.livecodebench) for one in known], dtype=np.float64),
        notes=tuple(note for part in parts for note in part.notes),
    )


def _renumbered(part: Collected, at: Mapping[str, int]) -> NDArray[np.intp]:
    """[r]: the models of a dataset as places in the joined list; a model without a row has none."""
    places = np.array([at.get(model_id, -1) for model_id in part.model_ids], dtype=np.intp)
    return places[part.model]


def groups_of(texts: Sequence[str], keys: Sequence[str]) -> NDArray[np.str_]:
    """[n]: the group of each prompt: its dedup_key, or else a hash of its normalized text.

    Prompts that share a key or a text are of one group, also by way of a third; it is called by the smallest key
    in it, so a prompt's group, and with it its split, does not depend on the order.
    """
    hashes = [text_hash(text) for text in texts]
    if not any(keys):
        return np.array(hashes)
    parent: dict[tuple[str, str], tuple[str, str]] = {}

    def root(node: tuple[str, str]) -> tuple[str, str]:
        parent.setdefault(node, node)
        while parent[node] != node:
            parent[node] = node = parent[parent[node]]
        return node

    for digest, key in zip(hashes, keys, strict=True):
        one = root(("text", digest))
        if key:
            # Keys sort before texts, and the smaller name stays on top.
            two = root(("key", key))
            parent[max(one, two)] = min(one, two)
    return np.array([root(("text", digest))[1] for digest in hashes])


def text_hash(text: str) -> str:
    """A hash of a text that spacing, letter case and Unicode forms do not change."""
    return hashlib.sha256(" ".join(normalize("NFKC", text).casefold().split()).encode()).hexdigest()[:32]
