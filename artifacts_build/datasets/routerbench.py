"""`routerbench`: RouterBench's table, once it is Parquet or CSV.

    sample_id, prompt, eval_name, and for each model M a column M (its score) and `M|total_cost` (USD)

It is published as a pickle, which is never read here: unpickling runs what the file says.
"""

import ast
import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from artifacts_build.datasets.collect import Collected, Collector
from artifacts_build.datasets.lines import line_that_is_not_utf8, open_file
from artifacts_build.datasets.rows import number_column, parquet_batches, text_column
from artifacts_build.datasets.spec import DatasetSpec
from artifacts_build.errors import DatasetError

NEEDED = ("sample_id", "prompt", "eval_name")
COST = "|total_cost"
PICKLES = (".pkl", ".pickle", ".p")
CONVERT = "python -c \"import pandas; pandas.read_pickle('FILE').to_parquet('routerbench.parquet')\""


def read_routerbench(spec: DatasetSpec) -> Collected:
    """Read the converted table.

    Raises:
        DatasetError: it is still a pickle, cannot be read, lacks a column, or holds a value that cannot be.
    """
    path = spec.path
    with open_file(path) as stream:
        start = stream.read(4)
    if path.suffix in PICKLES or start[:1] == b"\x80":
        raise DatasetError(
            f"{path}: a pickle, which runs what it says when it is read, so it is not read here. Convert it once, in a "
            f"throw-away container without a network: {CONVERT}"
        )
    into = Collector()
    if start == b"PAR1":
        names = _names(path)
        models = _models(names, path)
        tables = parquet_batches(path, (*NEEDED, *_columns(models)), ())
    else:
        names = _csv_names(path)
        models = _models(names, path)
        tables = _csv_batches(path, models)
    file = into.file(path, "row")
    for first, table in tables:
        _add(table, models, path, file, first, into)
    return into.finish(spec.name, path)


def _names(path: Path) -> list[str]:
    try:
        names: list[str] = pq.read_schema(path).names
    except (pa.ArrowException, OSError) as error:
        raise DatasetError(
            f"{path}: not a whole Parquet file ({str(error).splitlines()[0]}). Convert it again."
        ) from None
    return names


def _models(names: Sequence[str], path: Path) -> list[str]:
    if lacking := [name for name in NEEDED if name not in names]:
        raise DatasetError(f"{path}: the column {', '.join(lacking)} is missing; is this RouterBench's table?")
    models = [name.removesuffix(COST) for name in names if name.endswith(COST)]
    if not models:
        raise DatasetError(f"{path}: no column ends with {COST}; is this RouterBench's table?")
    if lacking := [model for model in models if model not in names]:
        raise DatasetError(f"{path}: the column {lacking[0]} is missing, though {lacking[0]}{COST} is there. Add it.")
    return models


def _columns(models: Sequence[str]) -> list[str]:
    return [name for model in models for name in (model, model + COST)]


def _csv_names(path: Path) -> list[str]:
    if (line := line_that_is_not_utf8(path)) is not None:
        raise DatasetError(f"{path}:{line}: not UTF-8. Save the file as UTF-8.")
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return next(csv.reader(stream), [])


def _csv_batches(path: Path, models: Sequence[str]) -> Iterator[tuple[int, pa.Table]]:
    types = {**dict.fromkeys(NEEDED, pa.string()), **dict.fromkeys(_columns(models), pa.float64())}
    convert = pacsv.ConvertOptions(column_types=types, include_columns=list(types))
    parse = pacsv.ParseOptions(newlines_in_values=True)
    first = 1
    try:
        with pacsv.open_csv(path, convert_options=convert, parse_options=parse) as reader:
            for batch in reader:
                yield first, pa.Table.from_batches([batch])
                first += batch.num_rows
    except pa.ArrowException as error:
        raise DatasetError(f"{path}: from row {first} on: {str(error).splitlines()[0]}. Mend the row.") from None


def _add(table: pa.Table, models: Sequence[str], path: Path, file: int, first: int, into: Collector) -> None:
    ids, texts, evals = (text_column(table, name, path, first) for name in NEEDED)
    prompts = np.array(
        [
            into.prompt(sample, _prompt(text), file, first + i, name, name)
            for i, (sample, text, name) in enumerate(zip(ids, texts, evals, strict=True))
        ],
        dtype=np.intp,
    )
    for model in models:
        score, cost = number_column(table, model, path, first), number_column(table, model + COST, path, first)
        at = np.full(len(prompts), into.model(model), dtype=np.intp)
        into.responses(prompts, at, file, first, {"score": score, "cost_usd": cost})


def _prompt(text: str) -> str:
    """A prompt; a list of messages that was written as Python text is joined."""
    if text.startswith("[") and text.endswith("]"):
        try:
            parts = ast.literal_eval(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return text
        if isinstance(parts, list) and parts and all(isinstance(part, str) for part in parts):
            return "\n".join(parts)
    return text
