"""`llmrouterbench`: the results of LLMRouterBench, as its tree of files or as the tar that it is published in.

    results/bench/<dataset>/<split>/<model>/<dataset>-<split>-<model>-<date>_<time>.json

A file is a run: `{"demo": false, …, "records": [{origin_query, prompt, score, prompt_tokens, completion_tokens,
cost, …}]}`, or the records alone as a list or by lines. Of several runs of one model on one split, the newest that
is no demo counts. A tar is read as it streams by and nothing is unpacked; one record is in memory at a time.
"""

import hashlib
import lzma
import re
import tarfile
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any, BinaryIO, cast

from tqdm import tqdm

from artifacts_build.datasets.collect import Collected, Collector
from artifacts_build.datasets.json_stream import JsonRecords
from artifacts_build.datasets.lines import lines_of, number_field, open_file
from artifacts_build.datasets.spec import DatasetSpec
from artifacts_build.errors import DatasetError

ROOT = "bench"
Place = tuple[str, str, str]
STAMP = re.compile(r"(\d{8})[_-]?(\d{6})\.jsonl?$")


@dataclass(frozen=True)
class Run:
    """One result file: where it belongs, and when it was made ("" where its name does not say)."""

    dataset: str
    split: str
    model: str
    stamp: str
    demo: bool


def read_llmrouterbench(spec: DatasetSpec) -> Collected:
    """Read a result tree or its tar.

    Raises:
        DatasetError: there is no result in it, it is cut off, or a record cannot be.
    """
    into = Collector()
    runs: list[Run] = []
    texts: dict[str, str] = {}
    try:
        for name, place, stream in _files(spec.path, into):
            runs.append(_read_run(name, place, stream, into, texts))
    except (tarfile.TarError, EOFError, OSError, zlib.error, lzma.LZMAError) as error:
        raise DatasetError(
            f"{spec.path}: not a whole tar ({error}). Fetch it again, or name the folder results/bench."
        ) from None
    newest = _newest(runs)
    if older := sum(not keep for keep in newest):
        into.skip("files of demos and older runs", older)
    return into.finish(spec.name, spec.path, keep_files=newest, ordered=True)


def _files(path: Path, into: Collector) -> Iterator[tuple[str, Place, BinaryIO]]:
    """The result files: name, place in the tree, and a stream that is good until the next is asked for."""
    if path.is_dir():
        paths = sorted(p for p in path.rglob("*") if _is_result(p.as_posix()) and p.is_file())
        if not paths:
            raise DatasetError(f"{path}: no .json or .jsonl file in it. Name the folder results/bench, or the tar.")
        for one in tqdm(paths, desc="llmrouterbench", unit="file", disable=None):
            with open_file(one) as stream:
                yield str(one), _place(one.relative_to(path.parent).parts, one.resolve().parts), stream
        return
    with (
        open_file(path) as raw,
        tqdm(total=path.stat().st_size, desc=path.name, unit="B", unit_scale=True, disable=None) as bar,
        tarfile.open(fileobj=cast(IO[bytes], _Counted(raw, bar)), mode="r|*") as tar,
    ):
        for member in tar:
            if not member.isfile():
                continue
            content = tar.extractfile(member) if _is_result(member.name) else None
            if content is None:
                into.skip("files in the tar that are no results")
                continue
            parts = PurePosixPath(member.name).parts
            yield f"{path}!{member.name}", _place(parts, parts), cast(BinaryIO, content)


class _Counted:
    """A stream that moves a progress bar."""

    def __init__(self, stream: BinaryIO, bar: "tqdm[Any]") -> None:
        self._stream, self._bar = stream, bar

    def read(self, size: int) -> bytes:
        part = self._stream.read(size)
        self._bar.update(len(part))
        return part


def _place(inside: tuple[str, ...], whole: tuple[str, ...]) -> Place:
    """Dataset, split and model: the folders behind `bench`, or else those right above the file."""
    roots = [i for i, part in enumerate(inside) if part == ROOT and len(inside) - i > 4]
    dataset, split, model = inside[roots[-1] + 1 : roots[-1] + 4] if roots else whole[-4:-1]
    return dataset, split, model


def _is_result(name: str) -> bool:
    path = PurePosixPath(name)
    return path.suffix in (".json", ".jsonl") and not path.name.startswith(".") and len(path.parts) >= 4


def _read_run(name: str, place: Place, stream: BinaryIO, into: Collector, texts: dict[str, str]) -> Run:
    """Add the records of one file."""
    dataset, split, model = place
    by_line = name.endswith(".jsonl")
    file = into.file(name, "line" if by_line else "record")
    document = JsonRecords(stream, name)
    numbered = lines_of(stream, name) if by_line else enumerate(document, start=1)
    seen: Counter[str] = Counter()
    for row, record in numbered:
        _add(record, f"{dataset}/{split}", model, file, row, into, texts, seen)
    stamp = STAMP.search(name)
    demo = document.head.get("demo") is True
    return Run(dataset, split, model, "".join(stamp.groups()) if stamp else "", demo)


def _add(
    record: Mapping[str, Any],
    task: str,
    model: str,
    file: int,
    row: int,
    into: Collector,
    texts: dict[str, str],
    seen: Counter[str],
) -> None:
    place = into.place(file, row)
    if "score" not in record:
        raise DatasetError(f"{place}: score: the field is missing. Check that this is a result of LLMRouterBench.")
    query, prompt = record.get("origin_query"), record.get("prompt")
    asked = next((text for text in (query, prompt) if isinstance(text, str) and text.strip()), None)
    if asked is None:
        into.skip("records without a prompt")
        return
    # A question may be in a benchmark twice: the second time is another prompt, of the same group.
    digest = hashlib.sha256(asked.encode("utf-8", "surrogatepass")).hexdigest()[:24]
    seen[digest] += 1
    if record["score"] is None:
        into.skip("records without a score")
        return
    prompt_id = f"{task}/{digest}" + (f"#{seen[digest]}" if seen[digest] > 1 else "")
    # What a model was given; where it differs between models, what the first of them was given.
    text = texts.setdefault(prompt_id, prompt if isinstance(prompt, str) and prompt.strip() else asked)
    into.response(
        into.prompt(prompt_id, text, file, row, task.split("/")[0], task.split("/")[0]),
        model,
        number_field(record, "score", place),
        file,
        row,
        cost_usd=number_field(record, "cost", place),
        input_tokens=number_field(record, "prompt_tokens", place),
        output_tokens=number_field(record, "completion_tokens", place),
    )


def _newest(runs: list[Run]) -> list[bool]:
    """Which files count: of each model on each split, the newest that is no demo."""
    best: dict[tuple[str, str, str], int] = {}
    for i, run in enumerate(runs):
        key = (run.dataset, run.split, run.model)
        if not run.demo and (key not in best or run.stamp > runs[best[key]].stamp):
            best[key] = i
    return [best.get((run.dataset, run.split, run.model)) == i for i, run in enumerate(runs)]
