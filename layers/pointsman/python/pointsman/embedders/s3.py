"""An embedder from S3: read into memory in parallel ranges, checked, and handed to onnxruntime; no file is written.

The prefix holds what an exported folder holds. `embedder.json` comes first, and an embedder that the weights were
not trained for is refused before anything large is read. Every range is of one version of the object (its ETag),
and a file is used only once the sha256 of the whole has been compared. AWS's library is imported on first use.
"""

import gc
import hashlib
import json
import os
import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from mmap import MAP_ANONYMOUS, MAP_PRIVATE, mmap
from operator import mul
from pathlib import Path
from random import random
from typing import Any

from pointsman.embedders.onnx import (
    DATA_FILE,
    MODEL_FILE,
    SETTINGS_FILE,
    TOKENIZER_FILE,
    EmbedderSettings,
    OnnxEmbedder,
    one_line,
    settings_of,
)
from pointsman.errors import ArtifactError, SettingsError

SCHEME = "s3://"
LOCATION = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(.*))?")
RANGE_BYTES = 8 * 2**20
PIECE_BYTES = 2**20
PARALLEL = 8
TRIES = 4
FIRST_PAUSE_S = 0.1
MOST_SETTINGS_BYTES = 2**20

# Memory by byte of data, graph and tokenizer, as measured: while onnxruntime copies and rearranges the weights it
# is given (and parses them, where they are inside the graph), and afterwards, when the tokenizer is made.
WHILE_LOADING, ONCE_LOADED = (2.5, 3.1, 1.0), (1.4, 2.4, 24.0)
MIB = 2**20


@dataclass(frozen=True, slots=True)
class _Object:
    """One version of an object."""

    key: str
    size: int
    etag: str


def load_from_s3(location: str, fits: Callable[[EmbedderSettings], None], threads: int = 1) -> OnnxEmbedder:
    """The embedder under s3://bucket/prefix.

    Args:
        fits: raises ArtifactError where the weights were not trained for the embedder of these settings.

    Raises:
        ArtifactError: an object, a permission or the memory is missing, or a file is not the one that was exported.
        SettingsError: the location is not one, or boto3 is not installed.
    """
    source = _Source(location)
    raw = source.read(SETTINGS_FILE, source.find(SETTINGS_FILE, MOST_SETTINGS_BYTES), None)
    settings = settings_of(_json(raw, f"{location}: {SETTINGS_FILE}"), f"{location}: {SETTINGS_FILE}")
    fits(settings)
    needed = (MODEL_FILE, TOKENIZER_FILE, *((DATA_FILE,) if DATA_FILE in settings.files else ()))
    for name in needed:
        if name not in settings.files:
            raise ArtifactError(f"{location}: {SETTINGS_FILE}: files: {name} is not listed. Export again.")
    objects = {name: source.find(name) for name in needed}
    _check_memory(location, objects)
    data: dict[str, memoryview] = {}
    if DATA_FILE in objects:
        data[DATA_FILE] = source.read(DATA_FILE, objects[DATA_FILE], settings.files[DATA_FILE])
    graph, tokenizer = (
        bytes(source.read(name, objects[name], settings.files[name])) for name in (MODEL_FILE, TOKENIZER_FILE)
    )
    # A connection that broke off leaves an error in a cycle whose frames hold the buffers.
    gc.collect()
    return OnnxEmbedder.start(settings, graph, tokenizer.decode(errors="replace"), threads, location, data)


class _Source:
    """The objects under one prefix."""

    def __init__(self, location: str) -> None:
        found = LOCATION.fullmatch(location)
        if found is None:
            raise SettingsError(f"POINTSMAN_EMBEDDER={location!r} is not a place in S3. Write s3://bucket/prefix.")
        if find_spec("boto3") is None:
            raise SettingsError(
                f"POINTSMAN_EMBEDDER={location!r} needs boto3. Install it with pip install 'pointsman[aws]'."
            )
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError

        self._location = location
        self._bucket, prefix = found.group(1), (found.group(2) or "").strip("/")
        self._prefix = f"{prefix}/" if prefix else ""
        config = Config(
            max_pool_connections=PARALLEL,
            retries={"mode": "standard", "total_max_attempts": TRIES},
            connect_timeout=2,
            read_timeout=10,
            # The sha256 of the whole is compared here; a checksum of S3's own would be a second pass.
            response_checksum_validation="when_required",
        )
        try:
            self._client = boto3.session.Session().client("s3", config=config)
        except (BotoCoreError, ValueError) as error:
            raise ArtifactError(f"{location}: {one_line(error)}") from None

    def find(self, name: str, most: int | None = None) -> _Object:
        """The object of a file. Raises ArtifactError where it is missing, too large, or may not be read."""
        key = self._prefix + name
        answer = self._ask(name, partial(self._client.head_object, Bucket=self._bucket, Key=key))
        size = int(answer["ContentLength"])
        if not size or (most is not None and size > most):
            raise ArtifactError(f"{self._where(name)}: {size:,} bytes cannot be this file. Upload it again.")
        return _Object(key, size, answer["ETag"])

    def read(self, name: str, found: _Object, sha256: str | None) -> memoryview:
        """The content of an object, in memory of its own, once its sha256 is known to be right."""
        # Private pages, so that they are given back when the view is dropped.
        view = memoryview(mmap(-1, found.size, flags=MAP_PRIVATE | MAP_ANONYMOUS))
        starts = range(0, found.size, RANGE_BYTES)
        digest = hashlib.sha256()
        with ThreadPoolExecutor(min(PARALLEL, len(starts))) as pool:
            ranges = [pool.submit(self._read_range, name, found, view, start) for start in starts]
            try:
                # What has come is hashed in order while the rest is on its way.
                for start, done in zip(starts, ranges, strict=True):
                    done.result()
                    digest.update(view[start : start + RANGE_BYTES])
            finally:
                for waiting in ranges:
                    waiting.cancel()
        if sha256 is not None and digest.hexdigest() != sha256:
            raise ArtifactError(
                f"{self._where(name)}: sha256 {digest.hexdigest()[:12]}… is not the {sha256[:12]}… of {SETTINGS_FILE}: "
                "the object is damaged or of another build. Upload the exported folder again, all of it."
            )
        return view

    def _read_range(self, name: str, found: _Object, view: memoryview, start: int) -> None:
        """Fill the view from `start` to the end of the range, going on where a connection broke off."""
        from botocore.exceptions import BotoCoreError

        stop = min(start + RANGE_BYTES, found.size)
        for attempt in range(1, TRIES + 1):
            span = f"bytes={start}-{stop - 1}"
            wanted = {"Bucket": self._bucket, "Key": found.key, "Range": span, "IfMatch": found.etag}
            answer = self._ask(name, partial(self._client.get_object, **wanted))
            try:
                with closing(answer["Body"]) as body:
                    while start < stop and (count := body.readinto(view[start : min(start + PIECE_BYTES, stop)])):
                        start += count
                if start == stop:
                    return
                why = f"it ended after {start:,} of {found.size:,} bytes"
            except BotoCoreError as error:
                why = one_line(error)
            time.sleep(FIRST_PAUSE_S * 2**attempt * random())
        raise ArtifactError(f"{self._where(name)}: cannot be read, in {TRIES} tries: {why}. Start again.")

    def _ask(self, name: str, request: Callable[[], Any]) -> Any:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return request()
        except ClientError as error:
            code = error.response["Error"]["Code"]
            raise ArtifactError(f"{self._where(name)}: {_MEANINGS.get(code, one_line(error))}") from None
        except BotoCoreError as error:
            raise ArtifactError(f"{self._where(name)}: cannot be read: {one_line(error)}") from None

    def _where(self, name: str) -> str:
        return f"{SCHEME}{self._bucket}/{self._prefix}{name}"


_MISSING = "there is no such object. Upload the whole exported folder, or correct POINTSMAN_EMBEDDER."
_DENIED = (
    "access is denied, which is also what S3 says of a missing object to a role without s3:ListBucket. "
    "Let the role do s3:GetObject on the prefix, and check that the object is there."
)
_MEANINGS = {
    "404": _MISSING,
    "NoSuchKey": _MISSING,
    "NoSuchBucket": "there is no such bucket. Correct POINTSMAN_EMBEDDER.",
    "403": _DENIED,
    "AccessDenied": _DENIED,
    "PreconditionFailed": "it was replaced while it was read. Start again once the upload is complete.",
    "412": "it was replaced while it was read. Start again once the upload is complete.",
}


def _check_memory(location: str, objects: dict[str, _Object]) -> None:
    """Refuse to begin what would be killed without a word."""
    sizes = [objects[name].size if name in objects else 0 for name in (DATA_FILE, MODEL_FILE, TOKENIZER_FILE)]
    more = max(sum(map(mul, factors, sizes)) for factors in (WHILE_LOADING, ONCE_LOADED))
    limit = os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "")
    if limit.isdigit():
        has, remedy = int(limit) * MIB - _resident(), "Raise the function's memory"
        where = f"the function of {limit} MB has {max(0, has) // MIB:,} MB left"
    else:
        has, remedy = _available(), "Free some memory"
        where = f"this machine has {has // MIB:,} MB available"
    if more > has:
        raise ArtifactError(
            f"{location}: loading this embedder takes about {more / MIB:,.0f} MB and {where}. "
            f"{remedy}, or use a smaller embedder."
        )


def _resident() -> int:
    """Bytes of memory that this process holds."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _available() -> int:
    """Bytes of memory that the machine can give."""
    found = re.search(r"MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text())
    return int(found.group(1)) * 1024 if found else 2**63


def _json(raw: memoryview, where: str) -> Any:
    try:
        return json.loads(bytes(raw))
    except (ValueError, RecursionError) as error:
        raise ArtifactError(f"{where}: not JSON ({error}). Upload the exported folder again.") from None
