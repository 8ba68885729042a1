"""`rows`: outcomes in our own words.

A JSONL, CSV, TSV or Parquet file, a row a response:

    prompt_id, prompt, model_id, score    and, where known, cost_usd, input_tokens, output_tokens (or tokens),
                                          task, source, weight, dedup_key

or a folder with `prompts.parquet` (prompt_id, prompt; source, task, dedup_key) and `responses.parquet`
(prompt_id, model_id, score; cost_usd, input_tokens, output_tokens, weight), so that no prompt is written twice.
`models.csv` beside them is read for the models that nobody else knows (published_scores.py).
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pointsman.errors import shortened
from tqdm import tqdm

from artifacts_build.datasets.collect import NUMBERS, Collected, Collector
from artifacts_build.datasets.lines import number_field, open_file, read_lines, text_field
from artifacts_build.datasets.outcomes import Floats, Indices
from artifacts_build.datasets.separated import is_separated, read_separated
from artifacts_build.datasets.spec import DatasetSpec
from artifacts_build.datasets.values import name_of, number_of
from artifacts_build.errors import DatasetError

PROMPTS, RESPONSES = "prompts.parquet", "responses.parquet"
NEEDED = ("prompt_id", "prompt", "model_id", "score")
TEXTS = ("source", "task", "dedup_key")
BATCH_ROWS = 65_536


def read_rows(spec: DatasetSpec) -> Collected:
    """Read a file or a folder of rows.

    Raises:
        DatasetError: it cannot be read, lacks a column, or holds a row that cannot be.
    """
    into = Collector()
    if spec.path.is_dir():
        _read_folder(spec.path, into)
    else:
        with open_file(spec.path) as stream:
            parquet = stream.read(4) == b"PAR1"
        if parquet:
            _read_parquet(spec.path, into)
        elif is_separated(spec.path, NEEDED):
            records = read_separated(spec.path, NEEDED)
            _read_records(tqdm(records, desc=spec.path.name, unit=" records", disable=None), spec.path, into)
        else:
            _read_records(read_lines(spec.path), spec.path, into)
    return into.finish(spec.name, spec.path)


def _read_records(records: Iterable[tuple[int, dict[str, Any]]], path: Path, into: Collector) -> None:
    file = into.file(path, "line")
    for line, record in records:
        place = f"{path}:{line}"
        prompt = into.prompt(
            text_field(record, "prompt_id", place),
            text_field(record, "prompt", place),
            file,
            line,
            *(text_field(record, name, place, missing="") for name in TEXTS),
        )
        written = "output_tokens" if record.get("output_tokens") is not None else "tokens"
        into.response(
            prompt,
            text_field(record, "model_id", place),
            number_field(record, "score", place, missing="refuse"),
            file,
            line,
            number_field(record, "weight", place, default=1.0),
            number_field(record, "cost_usd", place),
            number_field(record, "input_tokens", place),
            number_field(record, written, place),
        )


def _read_parquet(path: Path, into: Collector) -> None:
    file = into.file(path, "row")
    for first, table in parquet_batches(path, NEEDED, (*TEXTS, *NUMBERS, "tokens")):
        ids, texts = text_column(table, "prompt_id", path, first), text_column(table, "prompt", path, first)
        more = [text_column(table, name, path, first, missing="") for name in TEXTS]
        rows = zip(ids, texts, *more, strict=True)
        prompts = [into.prompt(a, b, file, first + i, *rest) for i, (a, b, *rest) in enumerate(rows)]
        _add_responses(table, np.array(prompts, dtype=np.intp), path, file, first, into)


def _read_folder(folder: Path, into: Collector) -> None:
    missing = [name for name in (PROMPTS, RESPONSES) if not (folder / name).exists()]
    if missing:
        raise DatasetError(
            f"{folder}: {' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing in this folder. "
            "Name a JSONL, CSV, TSV or Parquet file, or a folder that holds both."
        )
    path = folder / PROMPTS
    file = into.file(path, "row")
    at: dict[str, int] = {}
    for first, table in parquet_batches(path, ("prompt_id", "prompt"), TEXTS):
        ids, texts = text_column(table, "prompt_id", path, first), text_column(table, "prompt", path, first)
        more = [text_column(table, name, path, first, missing="") for name in TEXTS]
        for i, (prompt_id, text, *rest) in enumerate(zip(ids, texts, *more, strict=True)):
            at[name_of(prompt_id)] = into.prompt(prompt_id, text, file, first + i, *rest)
    path = folder / RESPONSES
    file = into.file(path, "row")
    for first, table in parquet_batches(path, ("prompt_id", "model_id", "score"), (*NUMBERS, "tokens")):
        ids = text_column(table, "prompt_id", path, first)
        prompts = np.array([at.get(name_of(prompt_id), -1) for prompt_id in ids], dtype=np.intp)
        if (prompts < 0).any():
            i = int(np.argmax(prompts < 0))
            raise DatasetError(
                f"{path}: row {first + i}: prompt_id: {ids[i]!r} is not in {PROMPTS}. "
                "Add the prompt or leave the row out."
            )
        _add_responses(table, prompts, path, file, first, into)


def _add_responses(table: pa.Table, prompts: Indices, path: Path, file: int, first: int, into: Collector) -> None:
    models = np.array([into.model(name) for name in text_column(table, "model_id", path, first)], dtype=np.intp)
    numbers = {name: number_column(table, name, path, first) for name in NUMBERS if name in table.column_names}
    if "weight" in numbers:
        numbers["weight"] = np.where(np.isnan(numbers["weight"]), 1.0, numbers["weight"])
    if "tokens" in table.column_names and "output_tokens" not in table.column_names:
        numbers["output_tokens"] = number_column(table, "tokens", path, first)
    into.responses(prompts, models, file, first, numbers)


def parquet_batches(path: Path, needed: Sequence[str], wanted: Sequence[str]) -> Iterator[tuple[int, pa.Table]]:
    """The columns `needed`, and those of `wanted` that there are, in batches with the number of their first row.

    Raises:
        DatasetError: the file cannot be read, is cut off, or lacks a column.
    """
    open_file(path).close()
    try:
        with pq.ParquetFile(path) as parquet:
            there = parquet.schema_arrow.names
            if lacking := [name for name in needed if name not in there]:
                raise DatasetError(
                    f"{path}: the column {', '.join(lacking)} is missing; there are {', '.join(there[:20])}. Add it."
                )
            columns = [*needed, *(name for name in wanted if name in there)]
            first = 1
            with tqdm(total=parquet.metadata.num_rows, desc=path.name, unit="row", disable=None) as bar:
                for batch in parquet.iter_batches(BATCH_ROWS, columns=columns):
                    yield first, pa.Table.from_batches([batch])
                    first += batch.num_rows
                    bar.update(batch.num_rows)
    except (pa.ArrowException, OSError) as error:
        raise DatasetError(
            f"{path}: not a whole Parquet file ({str(error).splitlines()[0]}). Write it again."
        ) from None


def text_column(table: pa.Table, name: str, path: Path, first: int, missing: str | None = None) -> list[str]:
    """A column as texts; where there is a default, it stands for null, and for a column that is not there."""
    if name not in table.column_names:
        return [missing or ""] * table.num_rows
    column = table[name]
    if missing is None and column.null_count:
        row = first + int(pc.index(column.is_null(), True).as_py())
        raise DatasetError(f"{path}: row {row}: {name}: it is null. Add it or leave the row out.")
    if pa.types.is_floating(column.type) or pa.types.is_boolean(column.type):
        raise DatasetError(
            f"{path}: from row {first} on: {name}: a column of {column.type}, expected text. Mend the column."
        )
    try:
        column = column.cast(pa.string())
        texts: list[str] = (column if missing is None else pc.fill_null(column, missing)).to_pylist()
    except (pa.ArrowException, UnicodeDecodeError) as error:
        raise DatasetError(f"{path}: from row {first} on: {name}: not text ({error}). Mend the column.") from None
    if missing is None and (blank := next((i for i, text in enumerate(texts) if not text.strip()), None)) is not None:
        raise DatasetError(f"{path}: row {first + blank}: {name}: it is empty. Add it or leave the row out.")
    return texts


def number_column(table: pa.Table, name: str, path: Path, first: int) -> Floats:
    """A column as numbers, also where they are written as text; NaN for null."""
    column = table[name]
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        read = [math.nan if text is None else number_of(text) for text in column.to_pylist()]
        if None in read:
            at = read.index(None)
            found = shortened(repr(column[at].as_py()))
            raise DatasetError(
                f"{path}: row {first + at}: {name}: found {found}; expected a number. Mend it or leave the row out."
            )
        return np.array(read, dtype=np.float64)
    try:
        numbers: Any = column.cast(pa.float64()).to_numpy()
    except pa.ArrowException:
        raise DatasetError(
            f"{path}: from row {first} on: {name}: a column of {column.type}, expected numbers. Mend the column."
        ) from None
    return np.asarray(numbers, dtype=np.float64)
