"""What a `--dataset` option says: `kind:path`, and options behind commas.

    rows:outcomes.jsonl          agentic:data/gso,tasks=tasks.jsonl          rows:old.parquet,weight=0.5,name=old

A comma or an equals sign in a path is part of the path: only the options below are taken off its end.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from artifacts_build.errors import DatasetError

KINDS: Mapping[str, str] = {
    "rows": "JSONL, CSV, TSV or Parquet, a row a response; or a folder with prompts.parquet and responses.parquet",
    "llmrouterbench": "LLMRouterBench's result tree, or its tar",
    "agentic": "agent-psychometrics: responses.jsonl with tasks.jsonl",
    "routerbench": "RouterBench's table as Parquet or CSV",
    "history": "this product's own decisions with outcomes: the SQLite file, or JSONL",
}
OPTIONS = ("weight", "name", "tasks")


@dataclass(frozen=True)
class DatasetSpec:
    """One dataset to read: `weight` multiplies the weight of each of its rows."""

    kind: str
    path: Path
    name: str
    weight: float = 1.0
    tasks: Path | None = None  # the texts of tasks, where the dataset ships none


def parse_dataset(text: str) -> DatasetSpec:
    """The dataset that `kind:path[,weight=0.5][,name=NAME][,tasks=FILE]` means.

    Raises:
        DatasetError: the kind or an option is unknown, or a value makes no sense; nothing is opened here.
    """
    kind, colon, rest = text.partition(":")
    if not colon or kind not in KINDS:
        close = get_close_matches(kind, KINDS, n=1)
        hint = f"Did you mean {close[0]!r}? " if close else ""
        raise DatasetError(
            f"--dataset {text!r}: {kind!r} is not a kind of dataset. {hint}"
            f"Write KIND:PATH with one of: {', '.join(KINDS)}."
        )
    options: dict[str, str] = {}
    while True:
        before, comma, option = rest.rpartition(",")
        name, equals, value = option.partition("=")
        if not comma or not equals or name not in OPTIONS:
            break
        if name in options:
            raise DatasetError(f"--dataset {text!r}: {name} is given twice. Keep one.")
        options[name], rest = value, before
    if not rest:
        raise DatasetError(f"--dataset {text!r}: there is no path. Write {kind}:PATH.")
    if "tasks" in options and kind != "agentic":
        raise DatasetError(f"--dataset {text!r}: tasks is an option of the kind agentic only. Leave it out.")
    path = Path(rest)
    name = options.get("name", path.resolve().name.split(".")[0] or kind)
    if not name or "/" in name:
        raise DatasetError(f"--dataset {text!r}: the name {name!r} is empty or has a slash. Give another one.")
    tasks = Path(options["tasks"]) if "tasks" in options else None
    return DatasetSpec(kind, path, name, _weight(text, options.get("weight", "1")), tasks)


def _weight(text: str, value: str) -> float:
    try:
        weight = float(value)
    except ValueError:
        weight = math.nan
    if not 0 < weight < math.inf:
        raise DatasetError(
            f"--dataset {text!r}: the weight {value!r} is not a number above 0. Leave a dataset out whole."
        )
    return weight
